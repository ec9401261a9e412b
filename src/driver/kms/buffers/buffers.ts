/** Making, importing and freeing buffer objects: what the device is told. */
import {
  VIRTIO_GPU_BLOB_FLAG_USE_CROSS_DEVICE,
  VIRTIO_GPU_BLOB_FLAG_USE_SHAREABLE,
  VIRTIO_GPU_BLOB_MEM_GUEST,
  VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM,
  VIRTIO_GPU_RESP_OK_RESOURCE_UUID,
  VIRTIO_GPU_RESP_RESOURCE_UUID,
} from "../../../wire/gpu.ts";
import { PAGE_BYTES } from "../../allocator.ts";
import { MemEntryList } from "../../drivers/gpu/mem-entries.ts";
import { DriverError } from "../../errors.ts";
import type { Task, Wait } from "../time/tasks.ts";
import type { Answer } from "../virtio/command-queue.ts";
import type { VirtioGpu } from "../virtio/virtio-gpu.ts";
import { BufferObject, type ImportedMemory } from "./buffer-object.ts";
import type { DmaBuf, DmaBufImporter } from "./dma-buf.ts";
import { KmsFence } from "./fences.ts";

const BYTES_PER_PIXEL = 4;

/** The buffer objects of one card. */
export class Buffers {
  readonly #gpu: VirtioGpu;
  readonly #objects = new Set<BufferObject>();
  /** The device is gone: buffers end without it. */
  #removed = false;

  constructor(gpu: VirtioGpu) {
    this.#gpu = gpu;
  }

  /** Objects that exist: not yet freed, or not known to be. */
  get count(): number {
    return this.#objects.size;
  }

  // Making

  /** CREATE_DUMB: a 2D resource with memory attached, or a blob where there are blobs. The caller notifies. */
  *createDumb(width: number, height: number): Task<BufferObject> {
    const gpu = this.#gpu;
    const sizeBytes = Math.ceil((width * height * BYTES_PER_PIXEL) / PAGE_BYTES) * PAGE_BYTES;
    if (gpu.hasBlob) {
      return yield* this.#createGuestBlob(sizeBytes, VIRTIO_GPU_BLOB_FLAG_USE_SHAREABLE, true);
    }
    const object = this.#allocate(sizeBytes, true, false, 0);
    const entries = this.#entriesOf(object);
    if (!gpu.hasRoom()) yield* gpu.waitForRoom();
    gpu.requests.resourceCreate2D(object.resourceId, VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM, width, height);
    yield* this.#carry(entries);
    gpu.requests.resourceAttachBacking(object.resourceId, entries);
    return object;
  }

  /** RESOURCE_CREATE_BLOB of guest memory, with a UUID right behind it for CROSS_DEVICE. The caller notifies. */
  *createBlob(sizeBytes: number, flags: number): Task<BufferObject> {
    const rounded = Math.ceil(sizeBytes / PAGE_BYTES) * PAGE_BYTES;
    const object = yield* this.#createGuestBlob(rounded, flags, false);
    if ((flags & VIRTIO_GPU_BLOB_FLAG_USE_CROSS_DEVICE) !== 0) yield* this.assignUuid(object);
    return object;
  }

  *#createGuestBlob(sizeBytes: number, flags: number, dumb: boolean): Task<BufferObject> {
    const object = this.#allocate(sizeBytes, dumb, true, flags);
    yield* this.#sendCreateBlob(object.resourceId, sizeBytes, flags, this.#entriesOf(object));
    return object;
  }

  *#sendCreateBlob(resourceId: number, sizeBytes: number, flags: number, entries: MemEntryList): Task<void> {
    const gpu = this.#gpu;
    yield* this.#carry(entries);
    gpu.requests.resourceCreateBlob(resourceId, {
      mem: VIRTIO_GPU_BLOB_MEM_GUEST,
      flags,
      sizeBytes,
      entries,
    });
  }

  #allocate(sizeBytes: number, dumb: boolean, guestBlob: boolean, blobFlags: number): BufferObject {
    const pages = this.#gpu.driver.platform.allocator.allocatePages(sizeBytes / PAGE_BYTES);
    return this.#object(sizeBytes, dumb, guestBlob, blobFlags, pages, null);
  }

  #object(
    sizeBytes: number,
    dumb: boolean,
    guestBlob: boolean,
    blobFlags: number,
    pages: BufferObject["pages"],
    imported: ImportedMemory | null,
  ): BufferObject {
    const object = new BufferObject({
      resourceId: this.#gpu.newResourceId(),
      sizeBytes,
      dumb,
      guestBlob,
      blobFlags,
      pages,
      imported,
      // In the background: answers drop holds, too, in nobody's name.
      onUnused: () => this.#gpu.scheduler.start(this.#free(object)),
    });
    this.#objects.add(object);
    return object;
  }

  #entriesOf(object: BufferObject): MemEntryList {
    return object.pages === null ? new MemEntryList() : MemEntryList.ofPages(object.pages);
  }

  /** Waits for room for a command with a list, and makes the next one carry it. */
  *#carry(entries: MemEntryList): Task<void> {
    const { control } = this.#gpu;
    const list = control.allocateList(entries);
    let isCarried = false;
    try {
      if (!control.hasRoom(2 + list.elements)) yield* this.#gpu.waitForRoom(2 + list.elements);
      control.carry(list);
      isCarried = true;
    } finally {
      if (!isCarried) control.freeList(list);
    }
  }

  /** RESOURCE_ASSIGN_UUID. The caller notifies; nobody waits for the answer until the UUID is asked for. */
  *assignUuid(object: BufferObject): Task<void> {
    const gpu = this.#gpu;
    if (!gpu.hasRoom()) yield* gpu.waitForRoom();
    gpu.control.prepare(object, null, (answer) => this.#takeUuid(object, answer));
    gpu.requests.resourceAssignUuid(object.resourceId);
  }

  #takeUuid(object: BufferObject, { type, bytes }: Answer): void {
    if (type === VIRTIO_GPU_RESP_OK_RESOURCE_UUID && object.uuidState === "initializing") {
      object.uuid = bytes.slice(VIRTIO_GPU_RESP_RESOURCE_UUID.uuid, VIRTIO_GPU_RESP_RESOURCE_UUID.sizeBytes);
      object.uuidState = "ok";
      return;
    }
    if (object.uuidState !== "initializing") this.#gpu.say("second-uuid", { resource: object.resourceId });
    object.uuidState = "error";
  }

  /** The UUID of an object, once the device has said it. Throws {@link DriverError} ENODEV when there is none. */
  *uuidOf(object: BufferObject): Task<Uint8Array<ArrayBuffer>> {
    if (object.uuidState === "initializing") {
      const wait: Wait = {
        done: () => object.uuidState !== "initializing",
        deadlineMs: Infinity,
        interruptible: false,
        what: `the UUID of resource ${object.resourceId}`,
      };
      yield wait;
    }
    const { uuid } = object;
    if (object.uuidState !== "ok" || uuid === null) throw new DriverError("ENODEV", "the buffer has no UUID");
    return uuid.slice();
  }

  // Importing

  /** A buffer of another driver becomes a blob. The caller notifies. Throws {@link DriverError} ENODEV. */
  *import(dmaBuf: DmaBuf): Task<BufferObject> {
    const gpu = this.#gpu;
    if (!gpu.profile.importsForeign || !gpu.hasBlob) {
      throw new DriverError(
        "ENODEV",
        `${gpu.profile.name} cannot import a buffer of ${dmaBuf.exporter} here`,
      );
    }
    const importer: DmaBufImporter = { moveNotify: () => {} };
    const attachment = dmaBuf.attach(importer);
    dmaBuf.retain();
    const flags = VIRTIO_GPU_BLOB_FLAG_USE_SHAREABLE;
    const object = this.#object(dmaBuf.sizeBytes, false, true, flags, null, { dmaBuf, attachment });
    importer.moveNotify = () => gpu.scheduler.runSync(this.#detach(object));
    attachment.pin();
    yield* this.#waitForWriters(object);
    yield* this.#sendCreateBlob(object.resourceId, object.sizeBytes, flags, attachment.map());
    attachment.unpin();
    return object;
  }

  *#waitForWriters(object: BufferObject): Task<void> {
    const wait: Wait = {
      done: () => object.reservation.writers.length === 0,
      deadlineMs: Infinity,
      interruptible: false,
      what: `the writers of resource ${object.resourceId}`,
    };
    if (!wait.done()) yield wait;
  }

  /** Takes the memory of an import away from the device, and waits until it has let go. */
  *#detach(object: BufferObject): Task<void> {
    if (!object.attached) return;
    const gpu = this.#gpu;
    const fence = new KmsFence("detach");
    if (!gpu.hasRoom()) yield* gpu.waitForRoom();
    gpu.control.prepare(null, fence, null);
    gpu.requests.resourceDetachBacking(object.resourceId);
    gpu.notify();
    object.attached = false;
    const wait: Wait = {
      done: () => fence.signaled,
      deadlineMs: Infinity,
      interruptible: true,
      what: `the detaching of resource ${object.resourceId}`,
    };
    if (!fence.signaled) yield wait;
  }

  /** Pins an import for the display, and gives it its memory again if it moved. The flush to come notifies. */
  *pin(object: BufferObject): Task<void> {
    const attachment = object.imported?.attachment;
    if (attachment === undefined) return;
    attachment.pin();
    if (object.attached) return;
    const gpu = this.#gpu;
    const entries = attachment.map();
    yield* this.#carry(entries);
    gpu.requests.resourceAttachBacking(object.resourceId, entries);
    object.attached = true;
  }

  /** Takes back {@link pin}. */
  unpin(object: BufferObject): void {
    object.imported?.attachment.unpin();
  }

  // Freeing

  /** RESOURCE_UNREF, and the memory is free once that is answered: never, if it is not. */
  *#free(object: BufferObject): Task<void> {
    const gpu = this.#gpu;
    if (this.#removed) {
      this.#abandon(object);
      return;
    }
    const { imported } = object;
    if (imported !== null) {
      yield* this.#detach(object);
      imported.attachment.detach();
      imported.dmaBuf.release();
    }
    if (!gpu.hasRoom()) yield* gpu.waitForRoom();
    gpu.control.prepare(null, null, () => this.#freeMemory(object));
    gpu.requests.resourceUnref(object.resourceId);
    gpu.notify();
  }

  #freeMemory(object: BufferObject): void {
    if (!this.#objects.delete(object)) return;
    if (object.pages !== null) this.#gpu.driver.platform.allocator.freePages(object.pages);
  }

  /**
   * The device was reset: it uses no memory any more. What other drivers have as dma-bufs ends when they let go of it,
   * everything else now.
   */
  removeAll(closeFiles: () => void): void {
    this.#removed = true;
    closeFiles();
    for (const object of [...this.#objects]) {
      // Nobody will say it any more.
      if (object.uuidState === "initializing") object.uuidState = "error";
      if (!object.shared) this.#abandon(object);
    }
  }

  /** The last user of an export has let go. */
  exportEnded(object: BufferObject): void {
    if (this.#removed) this.#abandon(object);
  }

  /** The end of a buffer that the device no longer knows. */
  #abandon(object: BufferObject): void {
    if (!this.#objects.has(object)) return;
    const { imported } = object;
    this.#freeMemory(object);
    if (imported === null) return;
    imported.attachment.detach();
    imported.dmaBuf.release();
  }
}
