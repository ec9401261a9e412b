// What the mode setting part of a kernel makes of its users' calls: the order and the fields of the commands are those of
// Linux. Resource ids start at 2 there, too.
//
// Not driver/kms, though that is the model of Linux: the demo shows in one session what no Linux does in one. A driver
// that has blobs makes every dumb buffer one, has no UUID for it, and transfers it all the same; here a dumb buffer is
// always a 2D resource with a UUID, flushed without a transfer once another device has drawn into the host's copy.
import { PAGE_BYTES } from "../../../driver/allocator.ts";
import type { GpuDriver } from "../../../driver/drivers/gpu/gpu-driver.ts";
import { MemEntryList } from "../../../driver/drivers/gpu/mem-entries.ts";
import type { GpuDisplay } from "../../../driver/drivers/gpu/responses.ts";
import type { GuestBuffer } from "../../../driver/guest-buffer.ts";
import {
  VIRTIO_GPU_BLOB_FLAG_USE_CROSS_DEVICE,
  VIRTIO_GPU_BLOB_FLAG_USE_SHAREABLE,
  VIRTIO_GPU_BLOB_MEM_GUEST,
  VIRTIO_GPU_F_EDID,
  VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM,
} from "../../../wire/gpu.ts";
import type { Rect } from "../scene/picture.ts";
import { boundingBox } from "../scene/scene.ts";

const SCANOUT = 0;
const BYTES_PER_PIXEL = 4;
const FORMAT = VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM;

/** The first resource id a Linux kernel uses. */
export const FIRST_RESOURCE_ID = 2;

/** A buffer of pixels in scattered pages of guest memory, and the resource made of it. */
export interface KmsBuffer {
  readonly resourceId: number;
  readonly width: number;
  readonly height: number;
  readonly strideBytes: number;
  readonly pages: GuestBuffer;
  /** Scanned out from the guest's pages themselves. */
  readonly blob: boolean;
  /** Segments of memory that the pages make up. */
  readonly segments: number;
}

/** One CRTC with its monitor. */
export class Kms {
  readonly #gpu: GpuDriver;
  #current: KmsBuffer | null = null;
  /** The device has not heard of the current buffer since the mode was set. */
  #fresh = false;

  constructor(gpu: GpuDriver) {
    this.#gpu = gpu;
  }

  /** What is connected. */
  probe(): GpuDisplay {
    const { requests } = this.#gpu;
    // Both questions with one notification; of the first only the second answer matters here.
    if (this.#gpu.driver.hasFeature(VIRTIO_GPU_F_EDID)) requests.getEdid(SCANOUT);
    const [display] = this.#gpu.getDisplayInfo();
    if (display === undefined || !display.enabled)
      throw new Error("no monitor is connected to the demo's gpu");
    return display;
  }

  /** CREATE_DUMB: pixels that the device has to be given copies of. */
  createDumb(width: number, height: number): KmsBuffer {
    const { pages, entries, resourceId } = this.#allocate(width, height);
    const { requests } = this.#gpu;
    requests.resourceCreate2D(resourceId, FORMAT, width, height);
    requests.resourceAttachBacking(resourceId, entries);
    this.#gpu.drain();
    return this.#buffer(resourceId, width, height, pages, entries, false);
  }

  /** A blob of guest memory: pixels that the device sees where they lie. With `shared` for other devices, too. */
  createBlob(width: number, height: number, shared: boolean): KmsBuffer {
    const { pages, entries, resourceId } = this.#allocate(width, height);
    const flags = VIRTIO_GPU_BLOB_FLAG_USE_SHAREABLE | (shared ? VIRTIO_GPU_BLOB_FLAG_USE_CROSS_DEVICE : 0);
    this.#gpu.resourceCreateBlob(resourceId, {
      mem: VIRTIO_GPU_BLOB_MEM_GUEST,
      flags,
      sizeBytes: pages.lengthBytes,
      entries,
    });
    return this.#buffer(resourceId, width, height, pages, entries, true);
  }

  #allocate(width: number, height: number) {
    const { allocator } = this.#gpu;
    const { blobAlignment } = this.#gpu.config;
    const unit = Math.max(PAGE_BYTES, blobAlignment);
    const bytes = Math.ceil((width * height * BYTES_PER_PIXEL) / unit) * unit;
    const pages = allocator.allocatePages(bytes / PAGE_BYTES);
    return { pages, entries: MemEntryList.ofPages(pages), resourceId: this.#gpu.newResourceId() };
  }

  #buffer(
    resourceId: number,
    width: number,
    height: number,
    pages: GuestBuffer,
    entries: MemEntryList,
    blob: boolean,
  ): KmsBuffer {
    const strideBytes = width * BYTES_PER_PIXEL;
    return { resourceId, width, height, strideBytes, pages, blob, segments: entries.count };
  }

  /** PRIME_HANDLE_TO_FD: the name under which other devices find the buffer. */
  exportUuid(buffer: KmsBuffer): Uint8Array<ArrayBuffer> {
    return this.#gpu.resourceAssignUuid(buffer.resourceId);
  }

  /** SETCRTC: shows the buffer, all of it. */
  setCrtc(buffer: KmsBuffer): void {
    const { requests } = this.#gpu;
    requests.setScanout(SCANOUT, 0, 0, 0, buffer.width, buffer.height);
    this.#transfer(buffer, { x: 0, y: 0, width: buffer.width, height: buffer.height });
    this.#setScanout(buffer);
    requests.resourceFlush(buffer.resourceId, 0, 0, buffer.width, buffer.height);
    this.#gpu.drain();
    this.#current = buffer;
    this.#fresh = true;
  }

  /** DIRTYFB: what is inside the clips was drawn. The device gets to hear of one box around all of them. */
  dirtyFb(clips: readonly Rect[]): void {
    const buffer = this.#expectBuffer();
    const box = boundingBox(clips);
    this.#transfer(buffer, box);
    if (this.#fresh) this.#setScanout(buffer);
    this.#fresh = false;
    this.#flush(buffer, box);
    this.#gpu.drain();
  }

  /** As {@link dirtyFb}, for pixels that others drew into the host's copy: fetching the guest's would undo that. */
  dirtyFbOnHost(box: Rect): void {
    const buffer = this.#expectBuffer();
    this.#flush(buffer, box);
    this.#gpu.drain();
  }

  /** Brings the guest's pixels to the host ahead of a flip, for who wants to draw over them there. */
  upload(buffer: KmsBuffer): void {
    this.#transfer(buffer, { x: 0, y: 0, width: buffer.width, height: buffer.height });
    this.#gpu.drain();
  }

  /**
   * PAGE_FLIP: shows another buffer. Returns what {@link waitForFlip} waits with until it is shown. Pixels are
   * transferred first where they have to be, unless they are `uploaded` already.
   */
  pageFlip(buffer: KmsBuffer, uploaded = false): number {
    const { requests } = this.#gpu;
    const all = { x: 0, y: 0, width: buffer.width, height: buffer.height };
    if (!uploaded) this.#transfer(buffer, all);
    this.#setScanout(buffer);
    const ticket = requests.channel.keep(this.#flush(buffer, all));
    this.#gpu.kick();
    this.#current = buffer;
    this.#fresh = false;
    return ticket;
  }

  /** Waits until a flip is complete; once for each. */
  waitForFlip(ticket: number): void {
    this.#gpu.requests.channel.finish(ticket, () => undefined);
  }

  /** Waits until every command sent has been answered. */
  waitForAll(): void {
    this.#gpu.drain();
  }

  /** CRTC off. */
  off(): void {
    this.#gpu.setScanout(SCANOUT, 0, 0, 0, 0, 0);
    this.#current = null;
  }

  /** Closes buffers: their resources end, their pages are free. */
  destroy(buffers: readonly KmsBuffer[]): void {
    for (const { resourceId } of buffers) this.#gpu.requests.resourceUnref(resourceId);
    this.#gpu.drain();
    for (const { pages } of buffers) this.#gpu.allocator.freePages(pages);
  }

  #transfer(buffer: KmsBuffer, box: Rect): void {
    if (buffer.blob) return;
    const offset = box.y * buffer.strideBytes + box.x * BYTES_PER_PIXEL;
    this.#gpu.requests.transferToHost2D(buffer.resourceId, box.x, box.y, box.width, box.height, offset);
  }

  #setScanout(buffer: KmsBuffer): void {
    const { requests } = this.#gpu;
    const { resourceId, width, height, strideBytes } = buffer;
    if (buffer.blob) {
      requests.setScanoutBlob(SCANOUT, resourceId, { width, height, format: FORMAT, strides: [strideBytes] });
    } else {
      requests.setScanout(SCANOUT, resourceId, 0, 0, width, height);
    }
  }

  /** The flush of a blob is fenced: the answer says that the device has done reading the guest's pages. */
  #flush(buffer: KmsBuffer, box: Rect): number {
    if (buffer.blob) this.#gpu.fenceNext();
    return this.#gpu.requests.resourceFlush(buffer.resourceId, box.x, box.y, box.width, box.height);
  }

  #expectBuffer(): KmsBuffer {
    if (this.#current === null) throw new Error("the CRTC is off");
    return this.#current;
  }
}
