import type { CursorImage, PixelRectangle } from "../../../devices/gpu/index.ts";
import {
  VIRTIO_GPU_FORMAT_A8B8G8R8_UNORM,
  VIRTIO_GPU_FORMAT_A8R8G8B8_UNORM,
  VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM,
  VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM,
  VIRTIO_GPU_FORMAT_R8G8B8A8_UNORM,
  VIRTIO_GPU_FORMAT_R8G8B8X8_UNORM,
  VIRTIO_GPU_FORMAT_X8B8G8R8_UNORM,
  VIRTIO_GPU_FORMAT_X8R8G8B8_UNORM,
} from "../../../wire/gpu.ts";
import { readScanoutRgba } from "./read-scanout.ts";
import { intersection } from "./rectangle.ts";
import { BYTES_PER_PIXEL } from "./rgba.ts";

/** A private copy of a cursor's image, as bytes R, G, B, A; the colours are already multiplied with alpha. */
export interface CursorPicture {
  readonly widthPixels: number;
  readonly heightPixels: number;
  readonly rgba: Uint8Array<ArrayBuffer>;
  readonly hotX: number;
  readonly hotY: number;
}

/**
 * Copies a cursor's image. Drivers mean alpha whatever format they give the resource (Linux says B8G8R8X8), and
 * multiply it in as DRM's planes have it; colours brighter than alpha allows, of drivers that don't, are cut.
 */
export function copyCursor(cursor: CursorImage): CursorPicture {
  const { widthPixels, heightPixels, pixels, hotX, hotY } = cursor;
  const rgba = readScanoutRgba({
    scanoutId: cursor.scanoutId,
    widthPixels,
    heightPixels,
    format: withAlpha(cursor.format),
    strideBytes: widthPixels * BYTES_PER_PIXEL,
    offsetBytes: 0,
    pixels,
    pages: null,
    resourceId: 0,
    x: 0,
    y: 0,
  });
  for (let i = 0; i < rgba.length; i += BYTES_PER_PIXEL) {
    const alpha = rgba[i + 3] as number;
    for (let k = i; k < i + 3; k++) if ((rgba[k] as number) > alpha) rgba[k] = alpha;
  }
  return { widthPixels, heightPixels, rgba, hotX, hotY };
}

/** Draws a cursor whose upper left corner is at (x, y) over an area of the same picture, bytes R, G, B, A. */
export function drawCursor(
  cursor: CursorPicture,
  x: number,
  y: number,
  target: Uint8Array | Uint8ClampedArray,
  area: PixelRectangle,
): void {
  const { widthPixels, heightPixels, rgba } = cursor;
  const common = intersection({ x, y, widthPixels, heightPixels }, area);
  if (common === null) return;
  for (let row = common.y; row < common.y + common.heightPixels; row++) {
    let from = ((row - y) * widthPixels + common.x - x) * BYTES_PER_PIXEL;
    let to = ((row - area.y) * area.widthPixels + common.x - area.x) * BYTES_PER_PIXEL;
    for (let i = 0; i < common.widthPixels; i++, from += BYTES_PER_PIXEL, to += BYTES_PER_PIXEL) {
      const alpha = rgba[from + 3] as number;
      if (alpha === 0) continue;
      const rest = 255 - alpha;
      target[to] = (rgba[from] as number) + Math.round(((target[to] as number) * rest) / 255);
      target[to + 1] = (rgba[from + 1] as number) + Math.round(((target[to + 1] as number) * rest) / 255);
      target[to + 2] = (rgba[from + 2] as number) + Math.round(((target[to + 2] as number) * rest) / 255);
    }
  }
}

function withAlpha(format: number): number {
  switch (format) {
    case VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM:
      return VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM;
    case VIRTIO_GPU_FORMAT_X8R8G8B8_UNORM:
      return VIRTIO_GPU_FORMAT_A8R8G8B8_UNORM;
    case VIRTIO_GPU_FORMAT_X8B8G8R8_UNORM:
      return VIRTIO_GPU_FORMAT_A8B8G8R8_UNORM;
    case VIRTIO_GPU_FORMAT_R8G8B8X8_UNORM:
      return VIRTIO_GPU_FORMAT_R8G8B8A8_UNORM;
    default:
      return format;
  }
}
