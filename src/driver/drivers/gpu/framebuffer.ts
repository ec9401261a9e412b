import {
  checkArgument,
  checkOptions,
  type OptionRule,
  type OptionRules,
  U32_RULE,
} from "../../../base/options.ts";
import {
  VIRTIO_GPU_BLOB_FLAG_USE_SHAREABLE,
  VIRTIO_GPU_BLOB_MEM_GUEST,
  VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM,
} from "../../../wire/gpu.ts";
import { PAGE_BYTES } from "../../allocator.ts";
import type { GuestBuffer } from "../../guest-buffer.ts";
import type { GpuDriver } from "./gpu-driver.ts";
import { MemEntryList } from "./mem-entries.ts";

const BYTES_PER_PIXEL = 4;

/** Choices for {@link GpuFramebuffer.create}. */
export interface FramebufferOptions {
  /** In pixels, 1 to 65535. */
  readonly width: number;
  readonly height: number;
  /** VIRTIO_GPU_FORMAT_*. Default B8G8R8X8. */
  readonly format?: number;
  /** Guest memory in one piece instead of scattered pages. Default false. */
  readonly contiguous?: boolean;
  /** A blob resource of guest memory, scanned out in place: no transfers. Default false. */
  readonly blob?: boolean;
}

const GPU_DRIVER_RULE: OptionRule = {
  like: "a GpuDriver (GpuDriver.start(driver))",
  has: ["driver", "allocator", "resourceFlush"],
};

/** Beyond it the bytes of a picture could not be counted any more, whatever its other side. */
const MAX_SIDE_PIXELS = 0xffff;
const SIDE_RULE: OptionRule = [1, MAX_SIDE_PIXELS];

const RULES: OptionRules<FramebufferOptions> = {
  width: SIDE_RULE,
  height: SIDE_RULE,
  format: U32_RULE,
  contiguous: "boolean",
  blob: "boolean",
};

/**
 * A resource with backing pages in guest memory, to draw into and to show. Pixels are 32-bit values: for the default
 * format 0xXXRRGGBB.
 *
 * @example
 * ```ts
 * const framebuffer = GpuFramebuffer.create(gpu, { width: 640, height: 480 });
 * framebuffer.fillRect(10, 10, 100, 50, 0xff0000);
 * framebuffer.show(0);
 * framebuffer.flush();
 * ```
 */
export class GpuFramebuffer {
  readonly gpu: GpuDriver;
  readonly resourceId: number;
  readonly width: number;
  readonly height: number;
  readonly format: number;
  /** Bytes from one row to the next. */
  readonly strideBytes: number;
  readonly blob: boolean;
  readonly pages: GuestBuffer;

  private constructor(gpu: GpuDriver, resourceId: number, pages: GuestBuffer, options: FramebufferOptions) {
    this.gpu = gpu;
    this.resourceId = resourceId;
    this.width = options.width;
    this.height = options.height;
    this.format = options.format ?? VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM;
    this.strideBytes = options.width * BYTES_PER_PIXEL;
    this.blob = options.blob ?? false;
    this.pages = pages;
  }

  /**
   * Allocates pages, creates the resource and attaches them. Throws `DriverError` ENOMEM, or what the device says;
   * nothing is left behind then.
   */
  static create(gpu: GpuDriver, options: FramebufferOptions): GpuFramebuffer {
    checkOptions("GpuFramebuffer.create", options, RULES, ["width", "height"]);
    checkArgument("GpuFramebuffer.create", "gpu", gpu, GPU_DRIVER_RULE);
    const { width, height } = options;
    const lengthBytes = width * height * BYTES_PER_PIXEL;
    const { blobAlignment } = gpu.config;
    const unit = options.blob === true ? Math.max(PAGE_BYTES, blobAlignment) : PAGE_BYTES;
    const pageCount = (Math.ceil(lengthBytes / unit) * unit) / PAGE_BYTES;
    const pages = gpu.allocator.allocatePages(pageCount, options.contiguous ?? false);
    const resourceId = gpu.newResourceId();
    const framebuffer = new GpuFramebuffer(gpu, resourceId, pages, options);
    const entries = MemEntryList.ofPages(pages);
    let created = false;
    try {
      if (framebuffer.blob) {
        gpu.resourceCreateBlob(resourceId, {
          mem: VIRTIO_GPU_BLOB_MEM_GUEST,
          flags: VIRTIO_GPU_BLOB_FLAG_USE_SHAREABLE,
          sizeBytes: pages.lengthBytes,
          entries,
        });
        created = true;
      } else {
        gpu.resourceCreate2D(resourceId, framebuffer.format, width, height);
        created = true;
        gpu.resourceAttachBacking(resourceId, entries);
      }
    } catch (error) {
      if (created) gpu.resourceUnref(resourceId);
      gpu.allocator.freePages(pages);
      throw error;
    }
    return framebuffer;
  }

  /** Position of a pixel in the backing, in bytes. */
  offsetOf(x: number, y: number): number {
    return y * this.strideBytes + x * BYTES_PER_PIXEL;
  }

  /** The pixel at a position. */
  pixel(x: number, y: number): number {
    return this.pages.word(this.offsetOf(x, y));
  }

  /** Sets the pixel at a position. */
  setPixel(x: number, y: number, value: number): void {
    this.pages.setWord(this.offsetOf(x, y), value);
  }

  /** Fills a rectangle, which must lie inside. */
  fillRect(x: number, y: number, width: number, height: number, value: number): void {
    for (let row = y; row < y + height; row++) this.pages.fillWords(this.offsetOf(x, row), width, value);
  }

  /** Scans the framebuffer out. */
  show(scanoutId: number): void {
    if (this.blob) {
      this.gpu.setScanoutBlob(scanoutId, this.resourceId, {
        width: this.width,
        height: this.height,
        format: this.format,
        strides: [this.strideBytes],
      });
    } else {
      this.gpu.setScanout(scanoutId, this.resourceId, 0, 0, this.width, this.height);
    }
  }

  /** Queues what brings a rectangle to the display: transfer and flush, for a blob the flush alone. */
  queueFlush(x = 0, y = 0, width: number = this.width - x, height: number = this.height - y): void {
    const { requests } = this.gpu;
    if (!this.blob) requests.transferToHost2D(this.resourceId, x, y, width, height, this.offsetOf(x, y));
    requests.resourceFlush(this.resourceId, x, y, width, height);
  }

  /** Brings a rectangle, by default everything, to the display, with one notification; waits until it is there. */
  flush(x = 0, y = 0, width: number = this.width - x, height: number = this.height - y): void {
    this.queueFlush(x, y, width, height);
    this.gpu.drain();
  }

  /** Destroys the resource and frees the pages. */
  destroy(): void {
    this.gpu.resourceUnref(this.resourceId);
    this.gpu.allocator.freePages(this.pages);
  }
}
