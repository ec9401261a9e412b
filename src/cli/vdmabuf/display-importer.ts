import type { Display, ScanoutSource } from "../../devices/gpu/index.ts";
import { readVdmabufImage, type VdmabufBuffer, type VdmabufImporter } from "../../devices/vdmabuf/index.ts";
import { gpuFormat } from "../../wire/gpu-names.ts";

/**
 * Shows the pictures that guests export through Vdmabuf on a display made for virtio-gpu. Each scanout holds the buffer
 * it shows, and gives it back once the next one is there: a page flip.
 */
export class DisplayImporter implements VdmabufImporter {
  readonly #display: Display;
  readonly #scanouts: number;
  readonly #shown = new Map<number, VdmabufBuffer>();

  constructor(display: Display, scanouts = 1) {
    this.#display = display;
    this.#scanouts = scanouts;
  }

  onExport(buffer: VdmabufBuffer): void {
    const image = readVdmabufImage(buffer);
    if (image === null) throw new Error("the private data describes no picture of this buffer");
    const { scanoutId, format, damage } = image;
    if (scanoutId >= this.#scanouts) throw new Error(`there is no scanout ${scanoutId}`);
    if (gpuFormat(format) === undefined) throw new Error(`${format} is not a pixel format`);
    const source: ScanoutSource = {
      scanoutId,
      widthPixels: image.widthPixels,
      heightPixels: image.heightPixels,
      format,
      strideBytes: image.strideBytes,
      offsetBytes: image.offsetBytes,
      pixels: null,
      pages: buffer.pages,
      resourceId: buffer.id.counter,
      x: 0,
      y: 0,
    };
    const previous = this.#shown.get(scanoutId);
    this.#shown.set(scanoutId, buffer);
    this.#display.setScanout(scanoutId, source);
    const shown = this.#display.flush(scanoutId, damage.x, damage.y, damage.widthPixels, damage.heightPixels);
    const giveBack = () => previous?.release();
    // A display that takes its time may still be reading the picture of before.
    if (shown === undefined) giveBack();
    else shown.then(giveBack, giveBack);
  }

  onRelease(buffer: VdmabufBuffer): void {
    for (const [scanoutId, shown] of this.#shown) {
      if (shown !== buffer) continue;
      this.#shown.delete(scanoutId);
      this.#display.setScanout(scanoutId, null);
    }
  }
}
