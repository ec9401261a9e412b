import { VIRTIO_VDMABUF_IMAGE } from "../../wire/vdmabuf.ts";
import type { VdmabufBuffer } from "./buffer.ts";

/** How the bytes of a buffer make up a picture, and which part of it is new. */
export interface VdmabufImage {
  readonly widthPixels: number;
  readonly heightPixels: number;
  readonly strideBytes: number;
  readonly offsetBytes: number;
  /** One of VIRTIO_GPU_FORMAT_*, four bytes a pixel; whether it is a known one is the importer's to find out. */
  readonly format: number;
  readonly scanoutId: number;
  /** Lies inside the picture. */
  readonly damage: {
    readonly x: number;
    readonly y: number;
    readonly widthPixels: number;
    readonly heightPixels: number;
  };
}

const BYTES_PER_PIXEL = 4;

/**
 * Reads the private data of a buffer as struct virtio_vdmabuf_image. Null when it is none, or describes a picture that
 * does not fit into the buffer or damage that does not fit into the picture: a guest can write anything there.
 *
 * @example
 * ```ts
 * const host = new VdmabufHost({
 *   importer: {
 *     onExport(buffer) {
 *       const image = readVdmabufImage(buffer);
 *       if (image === null) throw new Error("no picture");
 *     },
 *   },
 * });
 * ```
 */
export function readVdmabufImage(buffer: VdmabufBuffer): VdmabufImage | null {
  const { privateData, sizeBytes } = buffer;
  if (privateData.length < VIRTIO_VDMABUF_IMAGE.sizeBytes) return null;
  const view = new DataView(privateData.buffer, privateData.byteOffset, privateData.byteLength);
  const field = (offset: number): number => view.getUint32(offset, true);
  const image: VdmabufImage = {
    widthPixels: field(VIRTIO_VDMABUF_IMAGE.width),
    heightPixels: field(VIRTIO_VDMABUF_IMAGE.height),
    strideBytes: field(VIRTIO_VDMABUF_IMAGE.stride),
    offsetBytes: field(VIRTIO_VDMABUF_IMAGE.offset),
    format: field(VIRTIO_VDMABUF_IMAGE.format),
    scanoutId: field(VIRTIO_VDMABUF_IMAGE.scanout_id),
    damage: {
      x: field(VIRTIO_VDMABUF_IMAGE.damage_x),
      y: field(VIRTIO_VDMABUF_IMAGE.damage_y),
      widthPixels: field(VIRTIO_VDMABUF_IMAGE.damage_width),
      heightPixels: field(VIRTIO_VDMABUF_IMAGE.damage_height),
    },
  };
  const { widthPixels, heightPixels, strideBytes, offsetBytes, damage } = image;
  if (widthPixels === 0 || heightPixels === 0) return null;
  // Sums and products of 32-bit numbers stay far enough below 2^64 for the comparison to come out right.
  const rowBytes = widthPixels * BYTES_PER_PIXEL;
  if (strideBytes < rowBytes || offsetBytes + strideBytes * (heightPixels - 1) + rowBytes > sizeBytes)
    return null;
  if (damage.x + damage.widthPixels > widthPixels || damage.y + damage.heightPixels > heightPixels)
    return null;
  return image;
}
