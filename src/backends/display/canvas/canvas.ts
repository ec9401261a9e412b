// What is used of a canvas, so that the library needs no types of the DOM: HTMLCanvasElement and OffscreenCanvas fit.

/** A rectangle of pixels that a canvas made; `ImageData` is one. */
export interface CanvasImage {
  /** Bytes R, G, B, A, row after row. */
  readonly data: Uint8ClampedArray;
}

/** A canvas's 2D context. */
export interface CanvasContext {
  /** Makes a black, transparent rectangle of pixels. */
  createImageData(widthPixels: number, heightPixels: number): CanvasImage;
  /** Copies the second rectangle of an image, whose origin is at (x, y) of the canvas. */
  putImageData(
    image: CanvasImage,
    x: number,
    y: number,
    dirtyX: number,
    dirtyY: number,
    dirtyWidth: number,
    dirtyHeight: number,
  ): void;
}

/** `HTMLCanvasElement` or `OffscreenCanvas`. */
export interface CanvasTarget {
  /** Size in pixels; setting it makes the canvas black. */
  width: number;
  height: number;
  /** The 2D context, null where the canvas has another kind. */
  getContext(kind: "2d", settings?: { alpha?: boolean }): CanvasContext | null;
}
