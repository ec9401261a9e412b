import type { SharedContent, SharedImage } from "../../device/shared-objects.ts";
import type { GuestPages } from "../../memory/guest-pages.ts";
import type { SegmentList } from "../../memory/segments.ts";
import type { VdmabufId } from "./id.ts";

/**
 * What a buffer tells the device it belongs to.
 *
 * @internal
 */
export interface VdmabufBufferOwner {
  /** The importer no longer uses it. */
  released(buffer: VdmabufBuffer): void;
  /** Bytes were copied out of it. */
  copied(bytes: number): void;
}

/**
 * A guest's buffer in the hands of the host: the guest's pages themselves, not a copy. The guest does not touch them
 * until {@link VdmabufBuffer.release}; nothing but good manners stops it, so that whoever reads a value twice may get
 * two. For reading only: the guest produces, the host consumes.
 *
 * @example
 * ```ts
 * const host = new VdmabufHost({
 *   importer: {
 *     onExport(buffer) {
 *       buffer.read(0, target, 0, target.length);
 *       buffer.release();
 *     },
 *   },
 * });
 * ```
 */
export class VdmabufBuffer implements SharedContent {
  readonly owner = "vdmabuf";
  readonly kind = "buffer";
  /** The device knows nothing of what is inside; see `readVdmabufImage`. */
  readonly image: SharedImage | null = null;
  readonly id: VdmabufId;
  /** Pages that the guest named; the first and the last may belong to the buffer in part. */
  readonly pageCount: number;
  readonly sizeBytes: number;
  /** What the guest said about it; a private copy. */
  readonly privateData: Uint8Array<ArrayBuffer>;
  /** The bytes. Once the buffer is gone they are a hole. */
  readonly pages: GuestPages;
  #owner: VdmabufBufferOwner | null;
  #held = true;

  /** @internal Made by the device. */
  constructor(
    owner: VdmabufBufferOwner,
    id: VdmabufId,
    pageCount: number,
    pages: GuestPages,
    privateData: Uint8Array<ArrayBuffer>,
  ) {
    this.#owner = owner;
    this.id = id;
    this.pageCount = pageCount;
    this.pages = pages;
    this.sizeBytes = pages.totalBytes;
    this.privateData = privateData;
  }

  /** True until the importer releases the buffer or its guest is reset. */
  get held(): boolean {
    return this.#held;
  }

  /**
   * Gives the buffer back: the guest may use its pages again. While other devices use it through a shared object
   * registry, the guest learns of it when the last of them lets go. Releasing twice does nothing.
   */
  release(): void {
    if (!this.#held) return;
    this.#held = false;
    this.#owner?.released(this);
  }

  hostBytes(): Uint8Array | null {
    return null;
  }

  guestSegments(): SegmentList | null {
    if (this.#owner === null) return null;
    this.pages.refresh();
    return this.pages.segments;
  }

  /** Copies bytes out; returns their number, 0 once the buffer is gone. */
  read(position: number, target: Uint8Array, targetOffset: number, lengthBytes: number): number {
    const length = Math.min(lengthBytes, this.sizeBytes - position);
    if (this.#owner === null || !(length > 0) || position < 0) return 0;
    const copied = this.pages.read(position, target, targetOffset, length);
    this.#owner.copied(copied);
    return copied;
  }

  /** Nothing is written: the guest gave the buffer to be read. */
  write(): number {
    return 0;
  }

  /** @internal The pages are the guest's again. */
  end(): void {
    this.#held = false;
    this.#owner = null;
    this.pages.release();
  }
}
