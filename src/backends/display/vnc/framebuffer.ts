import { BackendError } from "../../../base/backend-error.ts";
import type { WorkBudget } from "../../../base/work-budget.ts";
import type { CursorImage, PixelRectangle, ScanoutSource } from "../../../devices/gpu/index.ts";
import { type CursorPicture, copyCursor, drawCursor } from "../pictures/cursor.ts";
import { bounds, intersection } from "../pictures/rectangle.ts";
import { Conversions } from "./conversions.ts";
import { Picture } from "./picture.ts";
import type { Screen } from "./protocol.ts";

/** Sizes are 16-bit numbers in RFB. */
const MAX_SIZE_PIXELS = 65535;

/** A viewer of a framebuffer. Called synchronously; must not throw. */
export interface Viewer {
  /** These pixels are different now. */
  damaged(rectangle: PixelRectangle): void;
  /** The desktop has another size or other screens, and there is another picture. */
  resized(): void;
  /** The cursor moved or changed; the rectangles are where it was and is. */
  cursorMoved(before: PixelRectangle | null, after: PixelRectangle | null): void;
  /** The cursor has another image. */
  cursorChanged(): void;
  /** All that was there when somebody came is in the picture now. */
  filled(): void;
}

/** One scanout on the desktop. */
class Head {
  readonly scanoutId: number;
  source: ScanoutSource | null = null;
  /** Where on the desktop it starts; its top is at 0. */
  left = 0;
  widthPixels = 0;
  heightPixels = 0;
  /** Bounds of what was flushed since it has this size. */
  flushed: PixelRectangle | null = null;
  cursor: CursorPicture | null = null;
  cursorX = 0;
  cursorY = 0;

  constructor(scanoutId: number) {
    this.scanoutId = scanoutId;
  }

  /** Where the cursor is on the desktop. */
  cursorArea(): PixelRectangle | null {
    const { cursor, cursorX, cursorY } = this;
    if (cursor === null || this.source === null) return null;
    const { widthPixels, heightPixels } = cursor;
    const area = intersection(
      { x: cursorX, y: cursorY, widthPixels, heightPixels },
      { x: 0, y: 0, widthPixels: this.widthPixels, heightPixels: this.heightPixels },
    );
    return area === null ? null : { ...area, x: area.x + this.left };
  }
}

/**
 * The desktop: all scanouts side by side, as they were at their last flush. Pixels are converted once, however many
 * clients there are, and not at all while there are none.
 *
 * What is too much for one turn of the event loop is converted in several, and the flush is answered with the last of
 * them. A guest that draws on without waiting for the answer is seen with what it has drawn by then.
 */
export class Framebuffer {
  widthPixels: number;
  heightPixels: number;
  /** The cursor that changed last, for viewers that draw it themselves. */
  cursor: CursorPicture | null = null;
  readonly #maxPixels: number;
  readonly #heads: Head[] = [];
  readonly #viewers = new Set<Viewer>();
  readonly #conversions: Conversions<Head>;
  #picture: Picture | null = null;
  /** Stands for the first conversion of everything while it is under way. */
  #filling: object | null = null;
  readonly #changed = (rectangle: PixelRectangle): void => {
    for (const viewer of this.#viewers) viewer.damaged(rectangle);
  };

  /** `budget` counts pixels. */
  constructor(widthPixels: number, heightPixels: number, maxPixels: number, budget: WorkBudget) {
    this.widthPixels = widthPixels;
    this.heightPixels = heightPixels;
    this.#maxPixels = maxPixels;
    this.#conversions = new Conversions(budget, (head, band) => this.#convert(head, band));
  }

  /** The monitors on the desktop, at least one. */
  screens(): Screen[] {
    const screens = this.#heads
      .filter((head) => head.widthPixels > 0)
      .map(({ scanoutId, left, widthPixels, heightPixels }) => ({
        id: scanoutId,
        x: left,
        y: 0,
        widthPixels,
        heightPixels,
      }));
    const { widthPixels, heightPixels } = this;
    return screens.length > 0 ? screens : [{ id: 0, x: 0, y: 0, widthPixels, heightPixels }];
  }

  /** The pixels; there are some as long as somebody is attached. */
  get picture(): Picture | null {
    return this.#picture;
  }

  /** Whether the picture has all that was flushed before there was one. */
  get isFilled(): boolean {
    return this.#filling === null;
  }

  /** Throws a RangeError when there is no memory for the pixels. */
  attach(viewer: Viewer): void {
    if (this.#picture === null) this.#fill(new Picture(this.widthPixels, this.heightPixels));
    this.#viewers.add(viewer);
  }

  detach(viewer: Viewer): void {
    this.#viewers.delete(viewer);
    if (this.#viewers.size > 0) return;
    this.#picture = null;
    this.#filling = null;
    this.#conversions.clear();
  }

  #fill(picture: Picture): void {
    this.#picture = picture;
    this.#filling = null;
    const waits: Promise<void>[] = [];
    for (const head of this.#heads) {
      if (head.flushed === null) continue;
      const later = this.#conversions.add(head, head.flushed);
      if (later !== undefined) waits.push(later);
    }
    if (waits.length === 0) return;
    const filling = {};
    this.#filling = filling;
    void Promise.all(waits).then(() => {
      if (this.#filling !== filling) return;
      this.#filling = null;
      for (const viewer of this.#viewers) viewer.filled();
    });
  }

  /** Throws {@link BackendError} for a picture that is too large. */
  setScanout(scanoutId: number, source: ScanoutSource | null): void {
    const head = this.#head(scanoutId);
    if (source === null) {
      this.#turnOff(head);
      return;
    }
    const cursorBefore = head.cursorArea();
    const { widthPixels, heightPixels } = source;
    if (head.widthPixels === widthPixels && head.heightPixels === heightPixels) {
      head.source = source;
    } else {
      const shown = this.#heads.filter((other) => other !== head && other.widthPixels > 0);
      const width = shown.reduce((sum, other) => sum + other.widthPixels, widthPixels);
      const height = shown.reduce((most, other) => Math.max(most, other.heightPixels), heightPixels);
      if (width > MAX_SIZE_PIXELS || height > MAX_SIZE_PIXELS || width * height > this.#maxPixels) {
        this.#turnOff(head);
        throw new BackendError("out-of-memory", `a desktop of ${width}x${height} is too large for VNC`);
      }
      head.source = source;
      head.flushed = null;
      this.#conversions.forget(head);
      this.#arrange(head, widthPixels, heightPixels);
    }
    this.#cursorMoved(head, cursorBefore);
  }

  /** Returns nothing when all was brought over at once. */
  flush(
    scanoutId: number,
    x: number,
    y: number,
    widthPixels: number,
    heightPixels: number,
  ): Promise<void> | undefined {
    const head = this.#head(scanoutId);
    if (head.source === null) return undefined;
    const whole = { x: 0, y: 0, widthPixels: head.widthPixels, heightPixels: head.heightPixels };
    const rectangle = intersection({ x, y, widthPixels, heightPixels }, whole);
    if (rectangle === null) return undefined;
    head.flushed = bounds(head.flushed, rectangle);
    return this.#picture === null ? undefined : this.#conversions.add(head, rectangle);
  }

  setCursor(scanoutId: number, image: CursorImage | null): void {
    const head = this.#head(scanoutId);
    const before = head.cursorArea();
    head.cursor = image === null ? null : copyCursor(image);
    if (image !== null) {
      head.cursorX = image.x;
      head.cursorY = image.y;
    }
    this.cursor = head.cursor ?? this.#heads.find((other) => other.cursor !== null)?.cursor ?? null;
    for (const viewer of this.#viewers) viewer.cursorChanged();
    this.#cursorMoved(head, before);
  }

  moveCursor(scanoutId: number, x: number, y: number): void {
    const head = this.#head(scanoutId);
    if (head.cursorX === x && head.cursorY === y) return;
    const before = head.cursorArea();
    head.cursorX = x;
    head.cursorY = y;
    this.#cursorMoved(head, before);
  }

  /** Draws the cursors over an area of the desktop, bytes R, G, B, A. */
  drawCursors(target: Uint8Array, area: PixelRectangle): void {
    for (const head of this.#heads) {
      const { cursor, cursorX, cursorY, left } = head;
      const visible = head.cursorArea();
      if (cursor === null || visible === null || intersection(visible, area) === null) continue;
      drawCursor(cursor, left + cursorX, cursorY, target, area);
    }
  }

  #head(scanoutId: number): Head {
    let head = this.#heads.find((known) => known.scanoutId === scanoutId);
    if (head === undefined) {
      head = new Head(scanoutId);
      this.#heads.push(head);
      this.#heads.sort((first, second) => first.scanoutId - second.scanoutId);
    }
    return head;
  }

  #convert(head: Head, rectangle: PixelRectangle): void {
    if (head.source !== null) this.#picture?.update(head.source, rectangle, head.left, 0, this.#changed);
  }

  /** Other heads close the gap; the only one stays as it is, black: guests turn it off for a moment at a time. */
  #turnOff(head: Head): void {
    const before = head.cursorArea();
    head.source = null;
    head.flushed = null;
    this.#conversions.forget(head);
    if (head.widthPixels === 0) return;
    this.#cursorMoved(head, before);
    if (this.#heads.some((other) => other !== head && other.widthPixels > 0)) {
      this.#arrange(head, 0, 0);
      return;
    }
    const whole = { x: 0, y: 0, widthPixels: this.widthPixels, heightPixels: this.heightPixels };
    this.#picture?.blacken(whole);
    this.#changed(whole);
  }

  /** Gives a head another size, and all their places. */
  #arrange(resized: Head, widthPixels: number, heightPixels: number): void {
    const old = this.#picture;
    const places = this.#heads.map(({ left }) => left);
    resized.widthPixels = widthPixels;
    resized.heightPixels = heightPixels;
    let left = 0;
    let height = 0;
    for (const head of this.#heads) {
      head.left = left;
      left += head.widthPixels;
      height = Math.max(height, head.heightPixels);
    }
    this.widthPixels = left;
    this.heightPixels = height;
    if (old === null) return;
    this.#picture = this.#copyPicture(old, resized, places);
    for (const viewer of this.#viewers) viewer.resized();
  }

  #copyPicture(old: Picture, resized: Head, places: readonly number[]): Picture {
    let picture: Picture;
    try {
      picture = new Picture(this.widthPixels, this.heightPixels);
    } catch {
      // Clients see black for lack of memory; they are told all the same how large it would be.
      return new Picture(1, 1);
    }
    for (const [i, head] of this.#heads.entries()) {
      if (head === resized || head.widthPixels === 0) continue;
      const { widthPixels, heightPixels } = head;
      picture.copyFrom(old, { x: places[i] ?? 0, y: 0, widthPixels, heightPixels }, head.left, 0);
    }
    return picture;
  }

  #cursorMoved(head: Head, before: PixelRectangle | null): void {
    const after = head.cursorArea();
    if (before === null && after === null) return;
    for (const viewer of this.#viewers) viewer.cursorMoved(before, after);
  }
}
