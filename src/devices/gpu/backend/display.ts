import type { GuestPages } from "../../../memory/guest-pages.ts";

/** A rectangle of a scanout, in pixels. */
export interface PixelRectangle {
  readonly x: number;
  readonly y: number;
  readonly widthPixels: number;
  readonly heightPixels: number;
}

/**
 * What one scanout shows: a rectangle of pixels in host memory or in the guest's. The object belongs to the device,
 * which changes it in place right before each `setScanout`; a display that wants to keep something copies it.
 *
 * Exactly one of `pixels` and `pages` is set. Row `y` of the picture starts at byte `offsetBytes + y * strideBytes`
 * of either, four bytes a pixel, in the order that `format` names (`gpuFormat` of the wire layer describes it).
 */
export interface ScanoutSource {
  /** Which scanout, 0 … 15. */
  readonly scanoutId: number;
  /** Size of the picture in pixels. */
  readonly widthPixels: number;
  readonly heightPixels: number;
  /** One of VIRTIO_GPU_FORMAT_*. */
  readonly format: number;
  readonly strideBytes: number;
  readonly offsetBytes: number;
  /** Pixels in host memory: of a 2D resource, a 3D resource or a host blob. */
  readonly pixels: Uint8Array | null;
  /** Pixels in guest memory: of a guest blob. Nothing is copied, the guest may be drawing meanwhile. */
  readonly pages: GuestPages | null;
  /** The resource and where in it the picture starts, for information. */
  readonly resourceId: number;
  readonly x: number;
  readonly y: number;
}

/** A cursor image and where it is. Belongs to the device like {@link ScanoutSource}. */
export interface CursorImage {
  readonly scanoutId: number;
  readonly widthPixels: number;
  readonly heightPixels: number;
  /** One of VIRTIO_GPU_FORMAT_*. */
  readonly format: number;
  /** Rows without gaps: `widthPixels * 4` bytes each. A private copy of the guest's image. */
  readonly pixels: Uint8Array<ArrayBuffer>;
  /** The pixel of the image that points, counted from its upper left corner. */
  readonly hotX: number;
  readonly hotY: number;
  /** Position on the scanout; negative when the image sticks out to the left or above. */
  readonly x: number;
  readonly y: number;
}

/**
 * Where pictures go: a canvas, a window, a recorder. Injected by the embedder; every method may do nothing. Called
 * synchronously while a command is being processed.
 *
 * Throwing means that nothing was done: the command is answered with an error, and a {@link BackendError} says which.
 * A returned promise holds back the response and, unless `flush` returned it, all later commands; a rejection counts
 * as a throw.
 */
export interface Display {
  /**
   * The scanout shows something else from now on, or nothing. The picture is complete only with the flush that
   * follows. Called for every page flip, but not when the driver merely repeats its last command.
   */
  setScanout(scanoutId: number, source: ScanoutSource | null): void | Promise<void>;
  /**
   * The pixels of this rectangle changed; it lies inside the scanout. A promise holds back the response, and with
   * it the fence, until it settles: this is how a display tells the driver that it is done reading guest memory.
   */
  flush(
    scanoutId: number,
    x: number,
    y: number,
    widthPixels: number,
    heightPixels: number,
  ): void | Promise<void>;
  /** A new cursor image, or none. */
  setCursor?(scanoutId: number, cursor: CursorImage | null): void | Promise<void>;
  /** The cursor moved; positions may be negative. */
  moveCursor?(scanoutId: number, x: number, y: number): void | Promise<void>;
}
