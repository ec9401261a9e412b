import { readScanoutRgba } from "../../../backends/display/memory/index.ts";
import type { Picture } from "../../../conformance/index.ts";
import type { Display, ScanoutSource } from "../../../devices/gpu/index.ts";

const BYTES_PER_PIXEL = 4;

interface Screen {
  readonly source: ScanoutSource;
  readonly picture: Picture;
}

/**
 * A display that shows what was flushed and nothing else, as one does that copies to a window: so that a flush that is
 * forgotten, or covers too little, can be seen.
 */
export class FlushedDisplay implements Display {
  readonly #screens = new Map<number, Screen>();

  /** What a scanout shows now; null when it is off. */
  picture(scanoutId: number): Picture | null {
    return this.#screens.get(scanoutId)?.picture ?? null;
  }

  setScanout(scanoutId: number, source: ScanoutSource | null): void {
    if (source === null) {
      this.#screens.delete(scanoutId);
      return;
    }
    const { widthPixels: width, heightPixels: height } = source;
    const old = this.#screens.get(scanoutId)?.picture;
    const picture =
      old?.width === width && old.height === height
        ? old
        : { width, height, rgba: new Uint8Array(width * height * BYTES_PER_PIXEL) };
    this.#screens.set(scanoutId, { source, picture });
  }

  flush(scanoutId: number, x: number, y: number, widthPixels: number, heightPixels: number): void {
    const screen = this.#screens.get(scanoutId);
    if (screen === undefined) return;
    readScanoutRgba(screen.source, screen.picture.rgba, { x, y, widthPixels, heightPixels });
  }
}
