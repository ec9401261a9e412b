import { isPromise, type MaybeLater } from "../../../base/later.ts";
import type { PlainValue } from "../../../device/device-type.ts";
import type { GuestPages } from "../../../memory/guest-pages.ts";
import type { Display, ScanoutSource } from "../backend/display.ts";
import type { RenderedPixels, Renderer } from "../backend/renderer.ts";
import type { Resource } from "../resources/resources.ts";

/** One scanout: what the driver set it to, and where its pixels are. Changed in place, never replaced. */
class Scanout implements ScanoutSource {
  readonly scanoutId: number;
  resource: Resource | null = null;
  /** True while the display has it as its source. */
  shown = false;
  widthPixels = 0;
  heightPixels = 0;
  format = 0;
  strideBytes = 0;
  offsetBytes = 0;
  pixels: Uint8Array | null = null;
  pages: GuestPages | null = null;
  resourceId = 0;
  x = 0;
  y = 0;

  constructor(scanoutId: number) {
    this.scanoutId = scanoutId;
  }
}

/** Counts kept by the scanouts. */
export interface ScanoutCounters {
  flips: number;
  flushes: number;
  flushedPixels: number;
}

/** All scanouts, and the display behind them. */
export class Scanouts {
  readonly #list: readonly Scanout[];
  readonly #display: Display | null;
  readonly #renderer: Renderer | null;
  readonly #counters: ScanoutCounters;

  constructor(count: number, display: Display | null, renderer: Renderer | null, counters: ScanoutCounters) {
    this.#list = Array.from({ length: count }, (_, i) => new Scanout(i));
    this.#display = display;
    this.#renderer = renderer;
    this.#counters = counters;
  }

  get count(): number {
    return this.#list.length;
  }

  /** What a scanout shows, null when nothing. */
  source(index: number): ScanoutSource | null {
    const scanout = this.#list[index];
    return scanout?.shown ? scanout : null;
  }

  /** The resource a scanout was set to, whether it can be shown or not. */
  resource(index: number): Resource | null {
    return this.#list[index]?.resource ?? null;
  }

  /** What a scanout was set to, as plain values. */
  save(index: number): PlainValue {
    const scanout = this.#list[index] as Scanout;
    if (scanout.resource === null) return null;
    const { resourceId, x, y, widthPixels, heightPixels, format, strideBytes, offsetBytes } = scanout;
    return { resourceId, x, y, widthPixels, heightPixels, format, strideBytes, offsetBytes };
  }

  /**
   * Points a scanout at a rectangle of a resource. `offsetBytes` is that of the rectangle's first pixel. Everything was
   * checked. Drivers repeat themselves: what changes nothing does nothing.
   */
  show(
    index: number,
    resource: Resource,
    x: number,
    y: number,
    widthPixels: number,
    heightPixels: number,
    format: number,
    strideBytes: number,
    offsetBytes: number,
  ): void {
    const scanout = this.#list[index] as Scanout;
    if (
      scanout.resource === resource &&
      scanout.x === x &&
      scanout.y === y &&
      scanout.widthPixels === widthPixels &&
      scanout.heightPixels === heightPixels &&
      scanout.format === format &&
      scanout.strideBytes === strideBytes &&
      scanout.offsetBytes === offsetBytes &&
      scanout.shown
    ) {
      return;
    }
    if (scanout.resource !== resource) {
      if (scanout.resource !== null) {
        scanout.resource.scanouts &= ~(1 << index);
        this.#counters.flips++;
      }
      scanout.resource = resource;
      scanout.resourceId = resource.id;
      resource.scanouts |= 1 << index;
    }
    scanout.x = x;
    scanout.y = y;
    scanout.widthPixels = widthPixels;
    scanout.heightPixels = heightPixels;
    scanout.format = format;
    scanout.strideBytes = strideBytes;
    scanout.offsetBytes = offsetBytes;
    this.#locate(scanout, resource);
    this.#tell(scanout, resource);
  }

  /** Turns a scanout off. */
  disable(index: number): void {
    const scanout = this.#list[index] as Scanout;
    if (scanout.resource === null) return;
    scanout.resource.scanouts &= ~(1 << index);
    scanout.resource = null;
    scanout.resourceId = 0;
    scanout.pixels = null;
    scanout.pages = null;
    if (!scanout.shown) return;
    scanout.shown = false;
    this.#display?.setScanout(index, null);
  }

  /** The resource is about to go: no scanout may show it any more. */
  forget(resource: Resource): void {
    let failure: unknown = null;
    for (let i = 0; resource.scanouts >>> i !== 0; i++) {
      if ((resource.scanouts & (1 << i)) === 0) continue;
      try {
        this.disable(i);
      } catch (error) {
        failure = error;
      }
    }
    if (failure !== null) throw failure;
  }

  /** The bytes of a resource came, went or moved: its scanouts find them again. */
  moved(resource: Resource): void {
    for (let i = 0; i < this.#list.length; i++) {
      const scanout = this.#list[i] as Scanout;
      if ((resource.scanouts & (1 << i)) !== 0 && this.#locate(scanout, resource))
        this.#tell(scanout, resource);
    }
  }

  /** A resource of the renderer as it can be scanned out. */
  rendered(resource: Resource): RenderedPixels | null {
    return this.#renderer?.pixels?.(resource.id) ?? null;
  }

  // Back ends may reset the device from within a call: after each, the scanout may show another resource, or none.

  /** Finds the pixels; true when they are elsewhere than before. */
  #locate(scanout: Scanout, resource: Resource): boolean {
    const bytes = resource.kind === "3d" ? (this.rendered(resource)?.bytes ?? null) : null;
    if (scanout.resource !== resource) return false;
    const { pixels, pages } = scanout;
    scanout.pages = null;
    scanout.pixels = null;
    switch (resource.kind) {
      case "2d":
        scanout.pixels = resource.pixels?.u8 ?? null;
        break;
      case "blob":
        scanout.pages = resource.backing;
        break;
      case "host-blob":
        scanout.pixels = resource.memory?.bytes() ?? null;
        break;
      case "3d":
        scanout.pixels = bytes;
        break;
    }
    return scanout.pixels !== pixels || scanout.pages !== pages;
  }

  /** A scanout whose memory was taken away shows nothing until it is back. */
  #tell(scanout: Scanout, resource: Resource): void {
    if (scanout.resource !== resource) return;
    const shown = scanout.pixels !== null || scanout.pages !== null;
    if (!shown && !scanout.shown) return;
    scanout.shown = shown;
    try {
      this.#display?.setScanout(scanout.scanoutId, shown ? scanout : null);
    } catch (error) {
      // Only what the display took is shown: after a failure the driver's next attempt is no mere repetition.
      if (scanout.resource === resource) scanout.shown = false;
      throw error;
    }
  }

  /**
   * Tells the display about changed pixels of a resource, on every scanout that shows some of them, each in its own
   * coordinates. Coordinates may be any unsigned 32-bit numbers.
   */
  flush(resource: Resource, x: number, y: number, width: number, height: number): MaybeLater<void> {
    let later: Promise<void> | null = null;
    const mask = resource.scanouts;
    for (let i = 0; mask >>> i !== 0; i++) {
      if ((mask & (1 << i)) === 0) continue;
      const scanout = this.#list[i] as Scanout;
      if (!scanout.shown) continue;
      const left = Math.max(x - scanout.x, 0);
      const top = Math.max(y - scanout.y, 0);
      const right = Math.min(x + width - scanout.x, scanout.widthPixels);
      const bottom = Math.min(y + height - scanout.y, scanout.heightPixels);
      if (left >= right || top >= bottom) continue;
      const counters = this.#counters;
      counters.flushes++;
      counters.flushedPixels += (right - left) * (bottom - top);
      if (this.#display === null) continue;
      let result: MaybeLater<void>;
      try {
        result = this.#display.flush(i, left, top, right - left, bottom - top);
      } catch (error) {
        // The command fails now: what becomes of the scanouts before is of no interest, not even a failure.
        later?.then(undefined, () => {});
        throw error;
      }
      if (isPromise(result)) later = later === null ? result : Promise.all([later, result]).then(() => {});
    }
    return later ?? undefined;
  }
}
