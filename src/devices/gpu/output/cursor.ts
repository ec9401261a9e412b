import { decodeBase64 } from "../../../base/base64.ts";
import { VIRTIO_GPU_CURSOR_SIZE, VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM } from "../../../wire/gpu.ts";
import type { CursorImage, Display } from "../backend/display.ts";
import type { RenderedPixels } from "../backend/renderer.ts";
import { BYTES_PER_PIXEL } from "../resources/formats.ts";
import type { Resource } from "../resources/resources.ts";

/** Of an image, row by row. */
export const CURSOR_BYTES: number = VIRTIO_GPU_CURSOR_SIZE * VIRTIO_GPU_CURSOR_SIZE * BYTES_PER_PIXEL;

/** One scanout's cursor. Changed in place; the image is a copy, so that the resource may go. */
class Cursor implements CursorImage {
  readonly scanoutId: number;
  readonly widthPixels = VIRTIO_GPU_CURSOR_SIZE;
  readonly heightPixels = VIRTIO_GPU_CURSOR_SIZE;
  readonly pixels: Uint8Array<ArrayBuffer> = new Uint8Array(CURSOR_BYTES);
  format: number = VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM;
  visible = false;
  hotX = 0;
  hotY = 0;
  x = 0;
  y = 0;

  constructor(scanoutId: number) {
    this.scanoutId = scanoutId;
  }
}

/** The cursors of all scanouts. */
export class Cursors {
  readonly #list: readonly Cursor[];
  readonly #display: Display | null;
  readonly #counters: { cursorUpdates: number; cursorMoves: number };

  constructor(
    count: number,
    display: Display | null,
    counters: { cursorUpdates: number; cursorMoves: number },
  ) {
    this.#list = Array.from({ length: count }, (_, i) => new Cursor(i));
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
  ): void {
    const cursor = this.#list[index] as Cursor;
    this.#counters.cursorUpdates++;
    cursor.x = x;
    cursor.y = y;
    cursor.hotX = hotX;
    cursor.hotY = hotY;
    if (resource.isBlob) cursor.format = VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM;
    else cursor.format = rendered?.format ?? resource.format;
    copyImage(resource, rendered, cursor.pixels);
    cursor.visible = true;
    this.#display?.setCursor?.(index, cursor);
  }

  /** No cursor on this scanout any more. */
  hide(index: number, x: number, y: number): void {
    const cursor = this.#list[index] as Cursor;
    this.#counters.cursorUpdates++;
    cursor.x = x;
    cursor.y = y;
    if (!cursor.visible) return;
    cursor.visible = false;
    this.#display?.setCursor?.(index, null);
  }

  move(index: number, x: number, y: number): void {
    const cursor = this.#list[index] as Cursor;
    this.#counters.cursorMoves++;
    cursor.x = x;
    cursor.y = y;
    this.#display?.moveCursor?.(index, x, y);
  }

  /** Puts a saved cursor back; `pixels` is base64. */
  restore(
    index: number,
    x: number,
    y: number,
    hotX: number,
    hotY: number,
    format: number,
    pixels: string,
  ): void {
    const cursor = this.#list[index] as Cursor;
    cursor.pixels.set(decodeBase64(pixels, CURSOR_BYTES));
    cursor.x = x;
    cursor.y = y;
    cursor.hotX = hotX;
    cursor.hotY = hotY;
    cursor.format = format;
    cursor.visible = true;
    this.#display?.setCursor?.(index, cursor);
  }

  /** Takes a cursor back to where it was in the beginning. */
  reset(index: number): void {
    const cursor = this.#list[index] as Cursor;
    cursor.x = 0;
    cursor.y = 0;
    if (!cursor.visible) return;
    cursor.visible = false;
    this.#display?.setCursor?.(index, null);
  }
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
    // Holes show nothing, not the image before.
    target.fill(0);
    backing.read(0, target, 0, CURSOR_BYTES);
  }
}
