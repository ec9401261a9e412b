import {
  VIRTIO_VDMABUF_BUF_ID,
  VIRTIO_VDMABUF_CMD_EXPORT,
  VIRTIO_VDMABUF_CMD_NEED_VMID,
  VIRTIO_VDMABUF_EXPORT,
  VIRTIO_VDMABUF_IMAGE,
  VIRTIO_VDMABUF_MSG,
  VIRTIO_VDMABUF_PAGE_BYTES,
} from "../../../wire/vdmabuf.ts";
import type { VdmabufGuestBuffer } from "./vdmabuf-buffer.ts";
import type { VdmabufBufferId } from "./vdmabuf-channel.ts";

/** A picture in a buffer, for the host's display; see struct virtio_vdmabuf_image. */
export interface VdmabufPicture {
  readonly width: number;
  readonly height: number;
  /** VIRTIO_GPU_FORMAT_*. */
  readonly format: number;
  /** Default: rows without gaps. */
  readonly strideBytes?: number;
  /** Where the first row starts. Default 0. */
  readonly offsetBytes?: number;
  /** Default 0. */
  readonly scanoutId?: number;
  /** What is new since the last picture. Default: everything. */
  readonly damage?: {
    readonly x: number;
    readonly y: number;
    readonly width: number;
    readonly height: number;
  };
}

/**
 * A picture as private data.
 *
 * @example
 * ```ts
 * const privateBytes = encodeVdmabufPicture({ width: 640, height: 480, format: DRM_FORMAT_XRGB8888 });
 * ```
 */
export function encodeVdmabufPicture(picture: VdmabufPicture): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(VIRTIO_VDMABUF_IMAGE.sizeBytes);
  const view = new DataView(bytes.buffer);
  const { width, height, damage } = picture;
  view.setUint32(VIRTIO_VDMABUF_IMAGE.width, width, true);
  view.setUint32(VIRTIO_VDMABUF_IMAGE.height, height, true);
  view.setUint32(VIRTIO_VDMABUF_IMAGE.stride, picture.strideBytes ?? width * 4, true);
  view.setUint32(VIRTIO_VDMABUF_IMAGE.offset, picture.offsetBytes ?? 0, true);
  view.setUint32(VIRTIO_VDMABUF_IMAGE.format, picture.format, true);
  view.setUint32(VIRTIO_VDMABUF_IMAGE.scanout_id, picture.scanoutId ?? 0, true);
  view.setUint32(VIRTIO_VDMABUF_IMAGE.damage_x, damage?.x ?? 0, true);
  view.setUint32(VIRTIO_VDMABUF_IMAGE.damage_y, damage?.y ?? 0, true);
  view.setUint32(VIRTIO_VDMABUF_IMAGE.damage_width, damage?.width ?? width, true);
  view.setUint32(VIRTIO_VDMABUF_IMAGE.damage_height, damage?.height ?? height, true);
  return bytes;
}

/** VIRTIO_VDMABUF_CMD_NEED_VMID */
export function needVmIdMessage(): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(VIRTIO_VDMABUF_MSG.op);
  new DataView(bytes.buffer).setUint32(VIRTIO_VDMABUF_MSG.cmd, VIRTIO_VDMABUF_CMD_NEED_VMID, true);
  return bytes;
}

/** VIRTIO_VDMABUF_CMD_EXPORT */
export function exportMessage(
  buffer: VdmabufGuestBuffer,
  id: VdmabufBufferId,
  privateData: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const { tables, offsetBytes, lengthBytes } = buffer;
  const bytes = new Uint8Array(VIRTIO_VDMABUF_EXPORT.sizeBytes + privateData.length);
  const view = new DataView(bytes.buffer);
  const first = offsetBytes % VIRTIO_VDMABUF_PAGE_BYTES;
  const last = ((offsetBytes + lengthBytes - 1) % VIRTIO_VDMABUF_PAGE_BYTES) + 1;
  view.setUint32(VIRTIO_VDMABUF_EXPORT.cmd, VIRTIO_VDMABUF_CMD_EXPORT, true);
  view.setUint32(VIRTIO_VDMABUF_EXPORT.id + VIRTIO_VDMABUF_BUF_ID.counter, id.counter, true);
  view.setUint32(VIRTIO_VDMABUF_EXPORT.id + VIRTIO_VDMABUF_BUF_ID.vm_id, id.vmId, true);
  view.setUint32(VIRTIO_VDMABUF_EXPORT.id + VIRTIO_VDMABUF_BUF_ID.key0, id.key0, true);
  view.setUint32(VIRTIO_VDMABUF_EXPORT.id + VIRTIO_VDMABUF_BUF_ID.key1, id.key1, true);
  view.setUint32(VIRTIO_VDMABUF_EXPORT.page_count, tables.pageCount, true);
  view.setUint32(VIRTIO_VDMABUF_EXPORT.first_page_offset, first, true);
  view.setUint32(VIRTIO_VDMABUF_EXPORT.last_page_length, last, true);
  view.setUint32(VIRTIO_VDMABUF_EXPORT.top_table_hi, tables.top.hi, true);
  view.setUint32(VIRTIO_VDMABUF_EXPORT.top_table_lo, tables.top.lo, true);
  view.setUint32(VIRTIO_VDMABUF_EXPORT.private_size, privateData.length, true);
  bytes.set(privateData, VIRTIO_VDMABUF_EXPORT.sizeBytes);
  return bytes;
}
