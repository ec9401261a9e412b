import { isPromise, type MaybeLater } from "../../../base/later.ts";
import { VIRTIO_GPU_CURSOR_SIZE, VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM } from "../../../wire/gpu.ts";
import type { CursorImage, Display } from "../backend/display.ts";
import type { RenderedPixels } from "../backend/renderer.ts";
import { BYTES_PER_PIXEL } from "../resources/formats.ts";
import type { Resource } from "../resources/resources.ts";
import type { SavedCursor } from "../saved-state.ts";

/** Of an image, row by row. */
export const CURSOR_BYTES: number = VIRTIO_GPU_CURSOR_SIZE * VIRTIO_GPU_CURSOR_SIZE * BYTES_PER_PIXEL;

/** One scanout's cursor. Changed in place; the image is a copy, so that the resource may go. */
class Cursor implements CursorImage {
  readonly scanoutId: number;
  readonly widthPixels = VIRTIO_GPU_CURSOR_SIZE;
  readonly heightPixels = VIRTIO_GPU_CURSOR_SIZE;
  pixels: Uint8Array<ArrayBuffer> = new Uint8Array(CURSOR_BYTES);
  format: number = VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM;
  visible = false;
  /** True once it has been shown since the last reset. */
  hasImage = false;
  hotX = 0;
  hotY = 0;
  x = 0;
  y = 0;
  /** Raised by every change: only the latest change is ever undone. */
  revision = 0;

  constructor(scanoutId: number) {
    this.scanoutId = scanoutId;
  }

  /** Takes over the state of another. The images are swapped, not copied, so that each keeps a buffer of its own. */
  swap(other: Cursor): void {
    const { pixels } = this;
    this.pixels = other.pixels;
    other.pixels = pixels;
    this.copyRest(other);
  }

  /** All but the image. */
  copyRest(other: Cursor): void {
    this.format = other.format;
    this.visible = other.visible;
    this.hasImage = other.hasImage;
    this.hotX = other.hotX;
    this.hotY = other.hotY;
    this.x = other.x;
    this.y = other.y;
  }
}

/** The cursors of all scanouts. When the display fails, now or later, a cursor is what it was before. */
export class Cursors {
  readonly #list: readonly Cursor[];
  readonly #display: Display | null;
  readonly #counters: { cursorUpdates: number; cursorMoves: number };
  /** What each cursor was before the change under way. */
  readonly #before: Cursor[];

  constructor(
    count: number,
    display: Display | null,
    counters: { cursorUpdates: number; cursorMoves: number },
  ) {
    this.#list = Array.from({ length: count }, (_, i) => new Cursor(i));
    this.#before = this.#list.map((_, i) => new Cursor(i));
    this.#display = display;
    this.#counters = counters;
  }

  /** The cursor of a scanout, null when it has none. */
  get(index: number): CursorImage | null {
    const cursor = this.#list[index];
    return cursor?.visible ? cursor : null;
  }

  /** Where the cursor of a scanout is, visible or not. */
  position(index: number): { x: number; y: number } | null {
    const cursor = this.#list[index];
    return cursor === undefined ? null : { x: cursor.x, y: cursor.y };
  }

  /** A new image for the cursor, copied from a resource that has one. */
  show(
    index: number,
    x: number,
    y: number,
    hotX: number,
    hotY: number,
    resource: Resource,
    rendered: RenderedPixels | null,
  ): MaybeLater<void> {
    const cursor = this.#begin(index);
    const before = this.#before[index] as Cursor;
    this.#counters.cursorUpdates++;
    // The previous image is kept as it is, in case the display fails.
    const { pixels } = before;
    before.pixels = cursor.pixels;
    cursor.pixels = pixels;
    cursor.x = x;
    cursor.y = y;
    cursor.hotX = hotX;
    cursor.hotY = hotY;
    if (resource.isBlob) cursor.format = VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM;
    else cursor.format = rendered?.format ?? resource.format;
    copyImage(resource, rendered, cursor.pixels);
    cursor.hasImage = true;
    cursor.visible = true;
    return this.#tell(cursor, "image");
  }

  /** No cursor on this scanout any more. */
  hide(index: number, x: number, y: number): MaybeLater<void> {
    const cursor = this.#begin(index);
    const { visible } = cursor;
    this.#counters.cursorUpdates++;
    cursor.x = x;
    cursor.y = y;
    cursor.visible = false;
    if (visible) return this.#tell(cursor, "image");
  }

  /** `visible` hides it, or shows it again with the image it had, if it had one; undefined leaves that as it is. */
  move(index: number, x: number, y: number, visible?: boolean): MaybeLater<void> {
    const cursor = this.#begin(index);
    this.#counters.cursorMoves++;
    cursor.x = x;
    cursor.y = y;
    if (visible !== undefined && visible !== cursor.visible && cursor.hasImage) {
      cursor.visible = visible;
      return this.#tell(cursor, "visibility");
    }
    return this.#tell(cursor, "position");
  }

  /** Restores a saved cursor, whatever the display says. */
  restore(index: number, { x, y, image }: SavedCursor, pixels: Uint8Array | null): MaybeLater<void> {
    if (image === null || pixels === null) return this.move(index, x, y);
    const cursor = this.#list[index] as Cursor;
    cursor.pixels.set(pixels);
    cursor.x = x;
    cursor.y = y;
    cursor.hotX = image.hotX;
    cursor.hotY = image.hotY;
    cursor.format = image.format;
    cursor.hasImage = true;
    cursor.visible = true;
    cursor.revision++;
    return this.#display?.setCursor?.(index, cursor);
  }

  /** Takes a cursor back to its initial state, whatever the display says. */
  reset(index: number): MaybeLater<void> {
    const cursor = this.#list[index] as Cursor;
    const { visible } = cursor;
    cursor.x = 0;
    cursor.y = 0;
    cursor.hasImage = false;
    cursor.visible = false;
    cursor.revision++;
    if (visible) return this.#display?.setCursor?.(index, null);
  }

  /** Begins a change of a cursor: its present state is kept, except for the image. */
  #begin(index: number): Cursor {
    const cursor = this.#list[index] as Cursor;
    this.#before[index]?.copyRest(cursor);
    cursor.revision++;
    return cursor;
  }

  /** Tells the display what the change has made of the cursor. */
  #tell(cursor: Cursor, what: "image" | "visibility" | "position"): MaybeLater<void> {
    const display = this.#display;
    const { scanoutId: index, revision } = cursor;
    const before = this.#before[index] as Cursor;
    const ownImage = what === "image" && cursor.visible;
    let result: MaybeLater<void>;
    try {
      result =
        what !== "position"
          ? display?.setCursor?.(index, cursor.visible ? cursor : null)
          : display?.moveCursor?.(index, cursor.x, cursor.y);
    } catch (error) {
      takeBack(cursor, before, revision, ownImage);
      throw error;
    }
    if (!isPromise(result)) return;
    // The promise may still need it, so the next change gets another.
    this.#before[index] = new Cursor(index);
    return follow(cursor, before, revision, ownImage, result);
  }
}

// In a function of its own: variables that a closure captures live on the heap even in calls that never create it.
function follow(
  cursor: Cursor,
  before: Cursor,
  revision: number,
  ownImage: boolean,
  result: Promise<void>,
): Promise<void> {
  return result.catch((error: unknown) => {
    takeBack(cursor, before, revision, ownImage);
    throw error;
  });
}

// By revision: the device may have been reset from within the call, or before the promise settled.
function takeBack(cursor: Cursor, before: Cursor, revision: number, ownImage: boolean): void {
  if (cursor.revision !== revision) return;
  cursor.revision++;
  if (ownImage) cursor.swap(before);
  else cursor.copyRest(before);
}

function copyImage(
  resource: Resource,
  rendered: RenderedPixels | null,
  target: Uint8Array<ArrayBuffer>,
): void {
  const { pixels, backing } = resource;
  if (rendered !== null) {
    const rowBytes = VIRTIO_GPU_CURSOR_SIZE * BYTES_PER_PIXEL;
    for (let y = 0; y < VIRTIO_GPU_CURSOR_SIZE; y++) {
      const from = y * rendered.strideBytes;
      target.set(rendered.bytes.subarray(from, from + rowBytes), y * rowBytes);
    }
  } else if (pixels !== null) target.set(pixels.u8);
  else if (resource.memory !== null) target.set(resource.memory.bytes().subarray(0, CURSOR_BYTES));
  else if (backing !== null && backing.read(0, target, 0, CURSOR_BYTES) < CURSOR_BYTES) {
    // Holes show nothing, rather than the previous image.
    target.fill(0);
    backing.read(0, target, 0, CURSOR_BYTES);
  }
}
