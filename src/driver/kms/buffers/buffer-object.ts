import type { GuestBuffer } from "../../guest-buffer.ts";
import type { Referenced } from "../virtio/command-queue.ts";
import type { DmaBuf, DmaBufAttachment } from "./dma-buf.ts";
import { Reservation } from "./fences.ts";

/** How far the UUID of a buffer is. */
export type UuidState = "initializing" | "ok" | "error";

/** How a {@link BufferObject} is made. */
export interface BufferObjectOptions {
  readonly resourceId: number;
  readonly sizeBytes: number;
  /** Made by CREATE_DUMB. */
  readonly dumb: boolean;
  /** A blob in guest memory. */
  readonly guestBlob: boolean;
  /** VIRTIO_GPU_BLOB_FLAG_*. */
  readonly blobFlags: number;
  /** Its own memory; null for an import. */
  readonly pages: GuestBuffer | null;
  /** The memory of another driver; null for what is virtio-gpu's own. */
  readonly imported: ImportedMemory | null;
  /** Nobody holds it any more. */
  readonly onUnused: (object: BufferObject) => void;
}

/** Memory that another driver owns. */
export interface ImportedMemory {
  readonly dmaBuf: DmaBuf;
  readonly attachment: DmaBufAttachment;
}

/**
 * A buffer object (GEM) with the resource it is to the device. It lives as long as a handle, a framebuffer, a dma-buf or
 * a command under way holds it.
 */
export class BufferObject implements Referenced {
  /** The device's name for it. */
  readonly resourceId: number;
  readonly sizeBytes: number;
  readonly dumb: boolean;
  readonly guestBlob: boolean;
  readonly blobFlags: number;
  readonly pages: GuestBuffer | null;
  readonly imported: ImportedMemory | null;
  /** Who is at work on it; that of the dma-buf for an import. */
  readonly reservation: Reservation;
  /** Handles to it, of all files. */
  handles = 0;
  /** The dma-buf it was exported as, while a handle exists; that it came from, for an import. */
  exported: DmaBuf | null = null;
  /** Whether others hold it as a dma-buf, which may outlive all handles. */
  shared = false;
  uuidState: UuidState = "initializing";
  uuid: Uint8Array<ArrayBuffer> | null = null;
  /** Whether the device has the memory of an import attached. */
  attached: boolean;
  readonly #onUnused: (object: BufferObject) => void;
  #holds = 0;

  constructor(options: BufferObjectOptions) {
    this.resourceId = options.resourceId;
    this.sizeBytes = options.sizeBytes;
    this.dumb = options.dumb;
    this.guestBlob = options.guestBlob;
    this.blobFlags = options.blobFlags;
    this.pages = options.pages;
    this.imported = options.imported;
    this.attached = options.imported !== null;
    this.reservation = options.imported?.dmaBuf.reservation ?? new Reservation();
    this.#onUnused = options.onUnused;
  }

  /** How many hold it. */
  get holds(): number {
    return this.#holds;
  }

  retain(): void {
    this.#holds++;
  }

  release(): void {
    if (--this.#holds === 0) this.#onUnused(this);
  }
}
