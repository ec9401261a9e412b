import { isAnyBuffer, isDetached } from "../../../base/brands.ts";
import { VirtioUsageError } from "../../../base/errors.ts";
import type { WorkBudget } from "../../../base/work-budget.ts";
import { FRESH_WORK } from "../../../device/work.ts";

/**
 * The host visible memory region (VIRTIO_GPU_SHM_ID_HOST_VISIBLE): one window, a buffer that the embedder makes
 * readable and writable for the guest, into which the guest maps host blobs.
 *
 * JavaScript cannot make two buffers share their bytes. So the bytes of a blob live in a buffer of their own while it
 * is not mapped, and move into its part of the window while it is: copied in by the map, out by the unmap.
 * {@link HostBlob.bytes} always says where they are.
 *
 * @example
 * ```ts
 * const hostHeap = new HostHeap(new SharedArrayBuffer(64 << 20));
 * const gpu = new GpuDevice({ renderer, hostHeap });
 * ```
 */
export class HostHeap {
  readonly buffer: ArrayBufferLike;
  readonly lengthBytes: number;
  readonly #bytes: Uint8Array;
  /** Blobs that are mapped, by their places. */
  readonly #mapped: HostBlob[] = [];
  /** Parts of the window in which bytes of blobs are left that were dropped; they do not overlap. */
  readonly #stale: Part[] = [];
  /** Bytes of the window from here on were never written. */
  #freshFrom = 0;

  /** The window is all of `buffer`, or `lengthBytes` bytes of zeros. */
  constructor(bufferOrLengthBytes: ArrayBufferLike | number) {
    const buffer =
      typeof bufferOrLengthBytes === "number" ? newBuffer(bufferOrLengthBytes) : bufferOrLengthBytes;
    if (!isAnyBuffer(buffer)) {
      throw new VirtioUsageError(
        "a host heap takes an ArrayBuffer, a SharedArrayBuffer or a length in bytes",
      );
    }
    this.buffer = buffer;
    this.lengthBytes = this.buffer.byteLength;
    if (isDetached(this.buffer)) throw new VirtioUsageError("the buffer of this host heap is detached");
    if (this.lengthBytes === 0) throw new VirtioUsageError("a host heap needs at least one byte");
    this.#bytes = new Uint8Array(this.buffer);
  }

  /** Number of blobs mapped now. */
  get mappedBlobs(): number {
    return this.#mapped.length;
  }

  /**
   * Maps a blob at a byte offset of the window; false when it does not lie inside the window or overlaps another.
   * `offset` may be any number.
   */
  map(blob: HostBlob, offset: number): boolean {
    if (!this.reserve(blob, offset)) return false;
    for (const { from, to } of this.#stale.splice(0)) this.#bytes.fill(0, from, to);
    blob.moveIn(blob.sizeBytes);
    return true;
  }

  /** The beginning of a {@link map}: the place is taken, the bytes are still where they were. @internal */
  reserve(blob: HostBlob, offset: number): boolean {
    if (blob.mappedAt >= 0 || !(offset >= 0) || offset + blob.sizeBytes > this.lengthBytes) return false;
    const end = offset + blob.sizeBytes;
    const at = this.#firstBehind(offset);
    const before = this.#mapped[at - 1];
    const behind = this.#mapped[at];
    if (before !== undefined && offset < before.mappedAt + before.sizeBytes) return false;
    if (behind !== undefined && behind.mappedAt < end) return false;
    blob.reserve(this.#bytes.subarray(offset, end), offset);
    this.#mapped.splice(at, 0, blob);
    return true;
  }

  /** Index of the first mapped blob that begins behind an offset. */
  #firstBehind(offset: number): number {
    let low = 0;
    let high = this.#mapped.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#mapped[middle] as HostBlob).mappedAt <= offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Takes a blob that is mapped at an offset out of the list; false when it is not. */
  #remove(blob: HostBlob, offset: number): boolean {
    const at = this.#firstBehind(offset) - 1;
    if (this.#mapped[at] !== blob) return false;
    this.#mapped.splice(at, 1);
    return true;
  }

  /** What it costs to move a byte of a blob: more where memory is written for the first time. */
  #price(blob: HostBlob): number {
    const ofWindow = blob.mappedAt + blob.sizeBytes > this.#freshFrom ? FRESH_WORK : 0;
    return 1 + ofWindow + (blob.hasMoved ? 0 : FRESH_WORK);
  }

  /** Moves as much of a blob into its reserved place as the budget allows; true when that was all. @internal */
  moveIn(blob: HostBlob, budget: WorkBudget): boolean {
    if (!this.sweep(budget)) return false;
    const before = blob.movesLeft;
    const price = this.#price(blob);
    const isDone = blob.moveIn(Math.ceil(Math.max(0, budget.left) / price));
    budget.charge((before - blob.movesLeft) * price);
    if (isDone) this.#freshFrom = Math.max(this.#freshFrom, blob.mappedAt + blob.sizeBytes);
    return isDone;
  }

  /** Takes as much of a blob out of the window as the budget allows; true when it is unmapped. @internal */
  moveOut(blob: HostBlob, budget: WorkBudget): boolean {
    if (blob.mappedAt < 0) return true;
    blob.startMoveOut();
    const before = blob.movesLeft;
    const price = this.#price(blob);
    const { mappedAt } = blob;
    const isDone = blob.moveOut(Math.ceil(Math.max(0, budget.left) / price));
    budget.charge((before - blob.movesLeft) * price);
    if (isDone) this.#remove(blob, mappedAt);
    return isDone;
  }

  /** Takes a blob out of the window; its part reads as zeros afterwards. */
  unmap(blob: HostBlob): void {
    if (!this.#remove(blob, blob.mappedAt)) return;
    blob.startMoveOut();
    blob.moveOut(Number.POSITIVE_INFINITY);
  }

  /**
   * As {@link unmap}, for a blob that nobody wants any more: its bytes need not be saved, and {@link sweep} clears its part
   * of the window. @internal
   */
  drop(blob: HostBlob): void {
    const { mappedAt, sizeBytes } = blob;
    if (!this.#remove(blob, mappedAt)) return;
    blob.drop();
    this.#stale.push({ from: mappedAt, to: mappedAt + sizeBytes });
  }

  /** Clears what dropped blobs have left, as long as the budget reaches. Returns whether that was all. @internal */
  sweep(budget: WorkBudget): boolean {
    for (let part = this.#stale.at(-1); part !== undefined; part = this.#stale.at(-1)) {
      if (budget.spent) return false;
      const from = Math.max(part.from, part.to - budget.left);
      this.#bytes.fill(0, from, part.to);
      budget.charge(part.to - from);
      part.to = from;
      if (part.from === part.to) this.#stale.pop();
    }
    return true;
  }
}

/** A part of the window, as byte offsets of it. */
interface Part {
  readonly from: number;
  to: number;
}

function newBuffer(lengthBytes: number): ArrayBuffer {
  if (!Number.isInteger(lengthBytes) || lengthBytes < 0) {
    throw new VirtioUsageError(`a host heap can't have ${lengthBytes} bytes`);
  }
  try {
    return new ArrayBuffer(lengthBytes);
  } catch (error) {
    throw new VirtioUsageError(`a host heap of ${lengthBytes} bytes is more than this engine can allocate`, {
      cause: error,
    });
  }
}

/** Host memory of a blob resource. */
export class HostBlob {
  readonly sizeBytes: number;
  // Kept while mapped, so that an unmap needs no memory that may not be there.
  readonly #own: Uint8Array<ArrayBuffer>;
  #bytes: Uint8Array;
  #mappedAt = -1;
  /** Its part of the window, while mapped or about to be. */
  #slice: Uint8Array | null = null;
  /** Set while it is being moved out of the window. */
  #leaving = false;
  #movesLeft = 0;
  #hasMoved = false;

  constructor(sizeBytes: number) {
    this.sizeBytes = sizeBytes;
    this.#own = new Uint8Array(sizeBytes);
    this.#bytes = this.#own;
  }

  /**
   * The bytes, where they are now. Ask again after every command: mapping and unmapping move them. Those of a blob that
   * is too large for one turn of the event loop move in several, and what is written to it between is lost.
   */
  bytes(): Uint8Array {
    return this.#bytes;
  }

  /** It was in the window before, so that all of its memory is there. @internal */
  get hasMoved(): boolean {
    return this.#hasMoved;
  }

  /** Offset in the window, -1 while not mapped. */
  get mappedAt(): number {
    return this.#mappedAt;
  }

  /** Bytes that the move under way has still to copy or clear. @internal */
  get movesLeft(): number {
    return this.#movesLeft;
  }

  /** @internal */
  reserve(slice: Uint8Array, offset: number): void {
    this.#slice = slice;
    this.#mappedAt = offset;
    this.#movesLeft = this.sizeBytes;
  }

  /** Moves at most this many bytes into the window; true once all are there. @internal */
  moveIn(most: number): boolean {
    const slice = this.#slice as Uint8Array;
    const from = this.sizeBytes - this.#movesLeft;
    const to = Math.min(from + most, this.sizeBytes);
    slice.set(this.#own.subarray(from, to), from);
    this.#movesLeft = this.sizeBytes - to;
    if (to < this.sizeBytes) return false;
    this.#bytes = slice;
    return true;
  }

  /** Begins to leave the window, unless that was begun. @internal */
  startMoveOut(): void {
    if (this.#leaving) return;
    this.#leaving = true;
    // Each byte is copied and cleared. On its way in the blob is still where it was, and there is nothing to copy.
    this.#movesLeft = this.#bytes === this.#own ? this.sizeBytes : 2 * this.sizeBytes;
  }

  /** Copies and clears at most this many bytes; true once the blob has left the window. @internal */
  moveOut(most: number): boolean {
    const slice = this.#slice as Uint8Array;
    const { sizeBytes } = this;
    const stop = Math.max(0, this.#movesLeft - most);
    if (this.#movesLeft > sizeBytes) {
      const from = 2 * sizeBytes - this.#movesLeft;
      const to = Math.min(2 * sizeBytes - stop, sizeBytes);
      this.#own.set(slice.subarray(from, to), from);
      this.#movesLeft = 2 * sizeBytes - to;
      if (to < sizeBytes) return false;
      this.#bytes = this.#own;
    }
    slice.fill(0, sizeBytes - this.#movesLeft, sizeBytes - stop);
    this.#movesLeft = stop;
    if (stop > 0) return false;
    this.#left();
    return true;
  }

  /** Leaves the window at once, with nothing of its bytes saved or cleared. @internal */
  drop(): void {
    this.#bytes = this.#own;
    this.#left();
  }

  #left(): void {
    this.#hasMoved = true;
    this.#slice = null;
    this.#mappedAt = -1;
    this.#leaving = false;
    this.#movesLeft = 0;
  }
}
