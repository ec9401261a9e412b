import { isPromise, type MaybeLater, ofNoInterest, onceDone } from "../../base/later.ts";
import type { Display, ScanoutSource } from "../../devices/gpu/index.ts";
import {
  readVdmabufImage,
  type VdmabufBuffer,
  type VdmabufImage,
  type VdmabufImporter,
} from "../../devices/vdmabuf/index.ts";
import { gpuFormat } from "../../wire/gpu-names.ts";

/** What is on a scanout, and whose pages it lies in. */
interface Shown {
  readonly buffer: VdmabufBuffer;
  readonly source: ScanoutSource;
}

/**
 * Shows the pictures that guests export through Vdmabuf on a display made for virtio-gpu. Each scanout holds the buffer
 * it shows, and gives it back once the next one is there: a page flip.
 */
export class DisplayImporter implements VdmabufImporter {
  readonly #display: Display;
  readonly #scanouts: number;
  readonly #shown = new Map<number, Shown>();

  constructor(display: Display, scanouts = 1) {
    this.#display = display;
    this.#scanouts = scanouts;
  }

  onExport(buffer: VdmabufBuffer): MaybeLater<void> {
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
    return onceDone(this.#display.setScanout(scanoutId, source), () =>
      this.#flush({ buffer, source }, damage),
    );
  }

  /** The picture is set. Throws, with the picture of before back in its place, when it cannot be shown. */
  #flush(next: Shown, damage: VdmabufImage["damage"]): void {
    const { scanoutId } = next.source;
    const previous = this.#shown.get(scanoutId);
    const takeBack = () => ofNoInterest(this.#display.setScanout(scanoutId, previous?.source ?? null));
    // The guest was reset while the display took its time: the pages are its own again.
    if (!next.buffer.held) {
      takeBack();
      return;
    }
    let shown: MaybeLater<void>;
    try {
      shown = this.#display.flush(scanoutId, damage.x, damage.y, damage.widthPixels, damage.heightPixels);
    } catch (error) {
      takeBack();
      throw error;
    }
    this.#shown.set(scanoutId, next);
    const giveBack = () => previous?.buffer.release();
    // A display that takes its time may still be reading the picture of before.
    if (isPromise(shown)) shown.then(giveBack, giveBack);
    else giveBack();
  }

  onRelease(buffer: VdmabufBuffer): MaybeLater<void> {
    for (const [scanoutId, shown] of this.#shown) {
      if (shown.buffer !== buffer) continue;
      this.#shown.delete(scanoutId);
      return this.#display.setScanout(scanoutId, null);
    }
  }
}
