import { isAnyBuffer, isDetached } from "../../../base/brands.ts";
import { VirtioUsageError } from "../../../base/errors.ts";
import type { WorkBudget } from "../../../base/work-budget.ts";

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
  readonly #mapped = new Set<HostBlob>();

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
    return this.#mapped.size;
  }

  /**
   * Maps a blob at a byte offset of the window; false when it does not lie inside the window or overlaps another.
   * `offset` may be any number.
   */
  map(blob: HostBlob, offset: number): boolean {
    if (!this.reserve(blob, offset)) return false;
    blob.moveIn(blob.sizeBytes);
    return true;
  }

  /** The beginning of a {@link map}: the place is taken, the bytes are still where they were. @internal */
  reserve(blob: HostBlob, offset: number): boolean {
    if (blob.mappedAt >= 0 || !(offset >= 0) || offset + blob.sizeBytes > this.lengthBytes) return false;
    for (const other of this.#mapped) {
      if (offset < other.mappedAt + other.sizeBytes && other.mappedAt < offset + blob.sizeBytes) return false;
    }
    blob.reserve(this.#bytes.subarray(offset, offset + blob.sizeBytes), offset);
    this.#mapped.add(blob);
    return true;
  }

  /** Moves as much of a blob into its reserved place as the budget allows; true when that was all. @internal */
  moveIn(blob: HostBlob, budget: WorkBudget): boolean {
    const before = blob.movesLeft;
    const isDone = blob.moveIn(Math.max(0, budget.left));
    budget.charge(before - blob.movesLeft);
    return isDone;
  }

  /** Takes as much of a blob out of the window as the budget allows; true when it is unmapped. @internal */
  moveOut(blob: HostBlob, budget: WorkBudget): boolean {
    if (!this.#mapped.has(blob)) return true;
    blob.startMoveOut();
    const before = blob.movesLeft;
    const isDone = blob.moveOut(Math.max(0, budget.left));
    budget.charge(before - blob.movesLeft);
    if (isDone) this.#mapped.delete(blob);
    return isDone;
  }

  /** Takes a blob out of the window; its part reads as zeros afterwards. */
  unmap(blob: HostBlob): void {
    if (!this.#mapped.delete(blob)) return;
    blob.startMoveOut();
    blob.moveOut(Number.POSITIVE_INFINITY);
  }

  /** As {@link unmap}, for a blob that nobody wants any more: its bytes need not be saved. @internal */
  drop(blob: HostBlob): void {
    if (this.#mapped.delete(blob)) blob.drop();
  }
}

function newBuffer(lengthBytes: number): ArrayBuffer {
  if (!Number.isInteger(lengthBytes) || lengthBytes < 0) {
    throw new VirtioUsageError(`a host heap can't have ${lengthBytes} bytes`);
  }
  return new ArrayBuffer(lengthBytes);
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

  /** Leaves the window at once, without keeping its bytes. @internal */
  drop(): void {
    (this.#slice as Uint8Array).fill(0);
    this.#bytes = this.#own;
    this.#left();
  }

  #left(): void {
    this.#slice = null;
    this.#mappedAt = -1;
    this.#leaving = false;
    this.#movesLeft = 0;
  }
}
