import { MemEntryList } from "../../drivers/gpu/mem-entries.ts";
import { DriverError } from "../../errors.ts";
import type { VirtioGpu } from "../virtio/virtio-gpu.ts";
import type { BufferObject } from "./buffer-object.ts";
import type { Buffers } from "./buffers.ts";
import type { DmaBuf, DmaBufAttachment } from "./dma-buf.ts";
import type { Reservation } from "./fences.ts";

/** The card of a buffer. */
interface BufferOwner {
  readonly gpu: VirtioGpu;
  readonly buffers: Buffers;
}

/**
 * A buffer of virtio-gpu as a dma-buf: for other virtual devices by its UUID, for everybody else by its pages.
 *
 * @example
 * ```ts
 * const fd = file.primeHandleToFd(dumb.handle);
 * if (fd.dmaBuf instanceof ExportedBuffer) console.log(fd.dmaBuf.uuid());
 * ```
 */
export class ExportedBuffer implements DmaBuf {
  readonly exporter = "virtio_gpu";
  /** @internal */
  readonly object: BufferObject;
  readonly #owner: BufferOwner;
  #holds = 0;

  /** @internal */
  constructor(owner: BufferOwner, object: BufferObject) {
    this.#owner = owner;
    this.object = object;
    object.shared = true;
    object.retain();
  }

  /** @internal Whether it is a buffer of that card. */
  belongsTo(owner: BufferOwner): boolean {
    return this.#owner === owner;
  }

  get sizeBytes(): number {
    return this.object.sizeBytes;
  }

  get reservation(): Reservation {
    return this.object.reservation;
  }

  /** The device's name for the buffer. */
  get resourceId(): number {
    return this.object.resourceId;
  }

  /**
   * The 16 bytes of its UUID, for a driver that shares a machine with the device. Waits for the device's answer
   * without limit. Throws {@link DriverError} ENODEV when the buffer has none.
   */
  uuid(): Uint8Array<ArrayBuffer> {
    return this.#owner.gpu.scheduler.runSync(this.#owner.buffers.uuidOf(this.object));
  }

  /** As {@link uuid}, without blocking. */
  uuidAsync(): Promise<Uint8Array<ArrayBuffer>> {
    return this.#owner.gpu.scheduler.runAsync(this.#owner.buffers.uuidOf(this.object));
  }

  /** Its memory never moves. */
  attach(): DmaBufAttachment {
    const { pages } = this.object;
    if (pages === null) throw new DriverError("ENODEV", "an import is attached through its exporter");
    return { map: () => MemEntryList.ofPages(pages), pin: () => {}, unpin: () => {}, detach: () => {} };
  }

  /** One more user. */
  retain(): void {
    this.#holds++;
  }

  /** One user less; the buffer ends with the last one. */
  release(): void {
    if (--this.#holds > 0) return;
    this.object.shared = false;
    this.object.release();
    this.#owner.buffers.exportEnded(this.object);
  }
}
