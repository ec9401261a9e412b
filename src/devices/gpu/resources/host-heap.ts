import { isAnyBuffer, isDetached } from "../../../base/brands.ts";
import { VirtioUsageError } from "../../../base/errors.ts";

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
    if (blob.mappedAt >= 0 || !(offset >= 0) || offset + blob.sizeBytes > this.lengthBytes) return false;
    for (const other of this.#mapped) {
      if (offset < other.mappedAt + other.sizeBytes && other.mappedAt < offset + blob.sizeBytes) return false;
    }
    blob.moveIn(this.#bytes.subarray(offset, offset + blob.sizeBytes), offset);
    this.#mapped.add(blob);
    return true;
  }

  /** Takes a blob out of the window; its part reads as zeros afterwards. */
  unmap(blob: HostBlob): void {
    if (this.#mapped.delete(blob)) blob.moveOut();
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

  constructor(sizeBytes: number) {
    this.sizeBytes = sizeBytes;
    this.#own = new Uint8Array(sizeBytes);
    this.#bytes = this.#own;
  }

  /** The bytes, where they are now. Ask again after every command: mapping and unmapping move them. */
  bytes(): Uint8Array {
    return this.#bytes;
  }

  /** Offset in the window, -1 while not mapped. */
  get mappedAt(): number {
    return this.#mappedAt;
  }

  /** @internal */
  moveIn(slice: Uint8Array, offset: number): void {
    slice.set(this.#bytes);
    this.#bytes = slice;
    this.#mappedAt = offset;
  }

  /** @internal */
  moveOut(): void {
    const slice = this.#bytes;
    this.#own.set(slice);
    slice.fill(0);
    this.#bytes = this.#own;
    this.#mappedAt = -1;
  }
}
