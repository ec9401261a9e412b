import { both, isPromise, type MaybeLater, ofNoInterest } from "../../../base/later.ts";
import type { Life } from "../../../device/backend/life.ts";
import type { Step } from "../../../device/backend/transaction.ts";
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
  /** Raised by every change: only the latest change is ever undone. */
  revision = 0;

  constructor(scanoutId: number) {
    this.scanoutId = scanoutId;
  }

  /** Takes over the state of another. */
  copy(other: Scanout): void {
    this.resource = other.resource;
    this.shown = other.shown;
    this.widthPixels = other.widthPixels;
    this.heightPixels = other.heightPixels;
    this.format = other.format;
    this.strideBytes = other.strideBytes;
    this.offsetBytes = other.offsetBytes;
    this.pixels = other.pixels;
    this.pages = other.pages;
    this.resourceId = other.resourceId;
    this.x = other.x;
    this.y = other.y;
  }

  /** Points it at another resource, or at none. */
  point(resource: Resource | null): void {
    const bit = 1 << this.scanoutId;
    if (this.resource !== null) this.resource.scanouts &= ~bit;
    if (resource !== null) resource.scanouts |= bit;
    this.resource = resource;
    this.resourceId = resource?.id ?? 0;
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
  readonly #life: () => Life;
  /** Pixels of scanouts that changed their size or went dark: displays then make their picture anew. */
  remadePixels = 0;
  /** What each scanout was before the change under way. */
  readonly #before: Scanout[];

  constructor(
    count: number,
    display: Display | null,
    renderer: Renderer | null,
    counters: ScanoutCounters,
    life: () => Life,
  ) {
    this.#list = Array.from({ length: count }, (_, i) => new Scanout(i));
    this.#before = this.#list.map((_, i) => new Scanout(i));
    this.#life = life;
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
   * checked. Drivers repeat themselves: what changes nothing does nothing. When the display fails, now or later, the
   * scanout is what it was before; but one that is restored is what it was saved as, only dark.
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
    restores = false,
  ): MaybeLater<void> {
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
    // Before anything is changed: it may fail, or reset the device.
    const bytes = this.#bytes(resource);
    if (resource.gone) return;
    const revision = this.#begin(scanout);
    if (scanout.resource !== resource) {
      if (scanout.resource !== null) this.#counters.flips++;
      scanout.point(resource);
    }
    scanout.x = x;
    scanout.y = y;
    scanout.widthPixels = widthPixels;
    scanout.heightPixels = heightPixels;
    scanout.format = format;
    scanout.strideBytes = strideBytes;
    scanout.offsetBytes = offsetBytes;
    scanout.pixels = bytes;
    scanout.pages = pagesOf(resource);
    if (restores) this.#keep(scanout);
    return this.#tell(scanout, revision);
  }

  /** Turns a scanout off; if the display fails, it stays on. */
  disable(index: number): MaybeLater<void> {
    const scanout = this.#list[index] as Scanout;
    if (scanout.resource === null) return;
    const revision = this.#begin(scanout);
    scanout.point(null);
    scanout.pixels = null;
    scanout.pages = null;
    return this.#tell(scanout, revision);
  }

  /** Turns a scanout off, whatever the display says: the device is reset. */
  reset(index: number): MaybeLater<void> {
    return this.#goDark(this.#list[index] as Scanout);
  }

  /** The resource is about to go: no scanout shows it any more, whatever the display says. */
  forget(resource: Resource): MaybeLater<void> {
    let later: MaybeLater<void> | undefined;
    for (const scanout of this.#list) {
      if (scanout.resource === resource) later = both(later, this.#goDark(scanout));
    }
    return later;
  }

  #goDark(scanout: Scanout): MaybeLater<void> {
    if (scanout.resource === null) return;
    const { shown } = scanout;
    scanout.revision++;
    scanout.point(null);
    scanout.pixels = null;
    scanout.pages = null;
    scanout.shown = false;
    if (!shown) return;
    this.remadePixels += scanout.widthPixels * scanout.heightPixels;
    return this.#life().attempt(() => this.#display?.setScanout(scanout.scanoutId, null));
  }

  /**
   * The bytes of a resource arrived or moved: its scanouts look them up again. Ends with the first that the display
   * refuses, now or later, which stays as it was.
   */
  moved(resource: Resource): MaybeLater<void> {
    if (resource.scanouts === 0) return;
    const bytes = this.#bytes(resource);
    const steps: Step[] = [];
    for (const scanout of this.#list) {
      if (scanout.resource !== resource || !hasMoved(scanout, resource, bytes)) continue;
      steps.push({
        act: () => {
          if (scanout.resource === resource) return this.#move(scanout, resource, bytes);
        },
      });
    }
    return steps.length === 0 ? undefined : this.#life().transact(steps);
  }

  /**
   * The same for a blob that cannot go back, since its old place is the guest's again, or another blob's. A scanout whose
   * display cannot follow shows nothing until the driver sets it once more.
   */
  followed(resource: Resource): MaybeLater<void> {
    const bytes = this.#bytes(resource);
    let later: MaybeLater<void> | undefined;
    for (const scanout of this.#list) {
      if (scanout.resource !== resource || !hasMoved(scanout, resource, bytes)) continue;
      later = both(
        later,
        this.#life().attempt(() => this.#move(scanout, resource, bytes, true)),
      );
    }
    return later;
  }

  /** Moves a scanout to where its bytes are; with `forGood` a failure leaves it dark instead of moving it back. */
  #move(scanout: Scanout, resource: Resource, bytes: Uint8Array | null, forGood = false): MaybeLater<void> {
    const revision = this.#begin(scanout);
    scanout.pixels = bytes;
    scanout.pages = pagesOf(resource);
    if (forGood) this.#keep(scanout);
    return this.#tell(scanout, revision);
  }

  /** A resource of the renderer as it can be scanned out. */
  rendered(resource: Resource): RenderedPixels | null {
    return this.#renderer?.pixels?.(resource.id) ?? null;
  }

  /** Where the bytes of a resource are in host memory, null when they are in the guest's or nowhere. */
  #bytes(resource: Resource): Uint8Array | null {
    switch (resource.kind) {
      case "2d":
        return resource.pixels?.u8 ?? null;
      case "host-blob":
        return resource.memory?.bytes() ?? null;
      case "3d":
        return this.rendered(resource)?.bytes ?? null;
      case "blob":
        return null;
    }
  }

  /** Begins a change of a scanout, and keeps its present state. Returns the number of the change. */
  #begin(scanout: Scanout): number {
    this.#before[scanout.scanoutId]?.copy(scanout);
    return ++scanout.revision;
  }

  /** If the display fails, the scanout keeps its present settings and stays dark. */
  #keep(scanout: Scanout): void {
    const before = this.#before[scanout.scanoutId] as Scanout;
    before.copy(scanout);
    before.shown = false;
  }

  /**
   * Tells the display what the change has made of the scanout. One whose memory was taken away shows nothing until it is
   * back. When the display fails, the change is taken back, unless another has come after it.
   */
  #tell(scanout: Scanout, revision: number): MaybeLater<void> {
    const index = scanout.scanoutId;
    const shown = scanout.pixels !== null || scanout.pages !== null;
    const before = this.#before[index] as Scanout;
    if (!shown && !scanout.shown) return;
    const { widthPixels, heightPixels } = scanout;
    const fits =
      shown && before.shown && before.widthPixels === widthPixels && before.heightPixels === heightPixels;
    if (!fits) this.remadePixels += widthPixels * heightPixels;
    scanout.shown = shown;
    let result: MaybeLater<void>;
    try {
      result = this.#display?.setScanout(index, shown ? scanout : null);
    } catch (error) {
      this.#takeBack(scanout, before, revision);
      throw error;
    }
    if (!isPromise(result)) return;
    // The promise may still need it, so the next change gets another.
    this.#before[index] = new Scanout(index);
    return this.#follow(scanout, before, revision, result);
  }

  // In a function of its own: variables that a closure captures live on the heap even in calls that never create it.
  #follow(scanout: Scanout, before: Scanout, revision: number, result: Promise<void>): Promise<void> {
    return result.catch((error: unknown) => {
      this.#takeBack(scanout, before, revision);
      throw error;
    });
  }

  // By revision: from within the call, or before the promise settled, the device may have been reset, or the scanout set
  // to something else.
  #takeBack(scanout: Scanout, before: Scanout, revision: number): void {
    if (scanout.revision !== revision) return;
    scanout.revision++;
    const { resource } = before;
    scanout.point(null);
    scanout.copy(before);
    scanout.resource = null;
    scanout.point(resource);
    if (resource?.gone) this.#goDark(scanout);
  }

  /**
   * Tells the display about changed pixels of a resource, on every scanout that shows some of them, each in its own
   * coordinates. Coordinates may be any unsigned 32-bit numbers.
   */
  flush(resource: Resource, x: number, y: number, width: number, height: number): MaybeLater<void> {
    let later: MaybeLater<void> | undefined;
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
        // The command fails now: how the flushes of earlier scanouts end no longer matters, even if they fail.
        ofNoInterest(later);
        throw error;
      }
      later = both(later, result);
    }
    return later;
  }
}

/** The guest memory that is shown of a resource, if any. */
function pagesOf(resource: Resource): GuestPages | null {
  return resource.kind === "blob" ? resource.backing : null;
}

function hasMoved(scanout: Scanout, resource: Resource, bytes: Uint8Array | null): boolean {
  return scanout.pixels !== bytes || scanout.pages !== pagesOf(resource);
}
