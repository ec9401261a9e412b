// Requests of the GPU device as bytes, and its responses as fields: for cases, which need every field open.
import {
  VIRTIO_GPU_BOX,
  VIRTIO_GPU_CMD_CTX_ATTACH_RESOURCE,
  VIRTIO_GPU_CMD_CTX_CREATE,
  VIRTIO_GPU_CMD_CTX_DESTROY,
  VIRTIO_GPU_CMD_CTX_DETACH_RESOURCE,
  VIRTIO_GPU_CMD_GET_CAPSET,
  VIRTIO_GPU_CMD_GET_CAPSET_INFO,
  VIRTIO_GPU_CMD_GET_DISPLAY_INFO,
  VIRTIO_GPU_CMD_GET_EDID,
  VIRTIO_GPU_CMD_MOVE_CURSOR,
  VIRTIO_GPU_CMD_RESOURCE_ASSIGN_UUID,
  VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING,
  VIRTIO_GPU_CMD_RESOURCE_CREATE_2D,
  VIRTIO_GPU_CMD_RESOURCE_CREATE_3D,
  VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB,
  VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING,
  VIRTIO_GPU_CMD_RESOURCE_FLUSH,
  VIRTIO_GPU_CMD_RESOURCE_MAP_BLOB,
  VIRTIO_GPU_CMD_RESOURCE_UNMAP_BLOB,
  VIRTIO_GPU_CMD_RESOURCE_UNREF,
  VIRTIO_GPU_CMD_SET_SCANOUT,
  VIRTIO_GPU_CMD_SET_SCANOUT_BLOB,
  VIRTIO_GPU_CMD_SUBMIT,
  VIRTIO_GPU_CMD_SUBMIT_3D,
  VIRTIO_GPU_CMD_TRANSFER_FROM_HOST_3D,
  VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D,
  VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D,
  VIRTIO_GPU_CMD_UPDATE_CURSOR,
  VIRTIO_GPU_CTRL_HDR,
  VIRTIO_GPU_CTX_CREATE,
  VIRTIO_GPU_CTX_DESTROY,
  VIRTIO_GPU_CTX_RESOURCE,
  VIRTIO_GPU_CURSOR_POS,
  VIRTIO_GPU_GET_CAPSET,
  VIRTIO_GPU_GET_CAPSET_INFO,
  VIRTIO_GPU_GET_EDID,
  VIRTIO_GPU_MEM_ENTRY,
  VIRTIO_GPU_RECT,
  VIRTIO_GPU_RESOURCE_ASSIGN_UUID,
  VIRTIO_GPU_RESOURCE_ATTACH_BACKING,
  VIRTIO_GPU_RESOURCE_CREATE_2D,
  VIRTIO_GPU_RESOURCE_CREATE_3D,
  VIRTIO_GPU_RESOURCE_CREATE_BLOB,
  VIRTIO_GPU_RESOURCE_DETACH_BACKING,
  VIRTIO_GPU_RESOURCE_FLUSH,
  VIRTIO_GPU_RESOURCE_MAP_BLOB,
  VIRTIO_GPU_RESOURCE_UNMAP_BLOB,
  VIRTIO_GPU_RESOURCE_UNREF,
  VIRTIO_GPU_SET_SCANOUT,
  VIRTIO_GPU_SET_SCANOUT_BLOB,
  VIRTIO_GPU_TRANSFER_HOST_3D,
  VIRTIO_GPU_TRANSFER_TO_HOST_2D,
  VIRTIO_GPU_UPDATE_CURSOR,
} from "../../wire/gpu.ts";

/** Fields of virtio_gpu_ctrl_hdr besides the type; all 0 when left out. */
export interface GpuHeader {
  /** VIRTIO_GPU_FLAG_*. */
  readonly flags?: number;
  readonly fenceId?: bigint;
  readonly ctxId?: number;
  readonly ringIdx?: number;
}

/** A rectangle in pixels, as virtio_gpu_rect holds it: any unsigned 32-bit numbers. */
export interface GpuRect {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** A range of guest memory that backs a resource. */
export interface GpuMemEntry {
  readonly address: number | bigint;
  readonly lengthBytes: number;
}

/** A box of a 3D resource. */
export interface GpuBox {
  readonly x?: number;
  readonly y?: number;
  readonly z?: number;
  readonly width: number;
  readonly height: number;
  readonly depth?: number;
}

class Fields {
  readonly bytes: Uint8Array;
  readonly #view: DataView;

  constructor(type: number, lengthBytes: number, header: GpuHeader = {}) {
    this.bytes = new Uint8Array(lengthBytes);
    this.#view = new DataView(this.bytes.buffer);
    this.u32(VIRTIO_GPU_CTRL_HDR.type, type);
    this.u32(VIRTIO_GPU_CTRL_HDR.flags, header.flags ?? 0);
    this.u64(VIRTIO_GPU_CTRL_HDR.fence_id, header.fenceId ?? 0n);
    this.u32(VIRTIO_GPU_CTRL_HDR.ctx_id, header.ctxId ?? 0);
    this.#view.setUint8(VIRTIO_GPU_CTRL_HDR.ring_idx, header.ringIdx ?? 0);
  }

  u32(offset: number, value: number): this {
    this.#view.setUint32(offset, value, true);
    return this;
  }

  u64(offset: number, value: number | bigint): this {
    this.#view.setBigUint64(offset, BigInt(value), true);
    return this;
  }

  rect(offset: number, { x, y, width, height }: GpuRect): this {
    this.u32(offset + VIRTIO_GPU_RECT.x, x);
    this.u32(offset + VIRTIO_GPU_RECT.y, y);
    this.u32(offset + VIRTIO_GPU_RECT.width, width);
    return this.u32(offset + VIRTIO_GPU_RECT.height, height);
  }

  entries(offset: number, entries: readonly GpuMemEntry[]): this {
    entries.forEach(({ address, lengthBytes }, i) => {
      const at = offset + i * VIRTIO_GPU_MEM_ENTRY.sizeBytes;
      this.u64(at + VIRTIO_GPU_MEM_ENTRY.addr, address);
      this.u32(at + VIRTIO_GPU_MEM_ENTRY.length, lengthBytes);
    });
    return this;
  }
}

/** A request that is no more than a header: GET_DISPLAY_INFO, or a type that does not exist. */
export function bareRequest(type: number, header?: GpuHeader): Uint8Array {
  return new Fields(type, VIRTIO_GPU_CTRL_HDR.sizeBytes, header).bytes;
}

/** VIRTIO_GPU_CMD_GET_DISPLAY_INFO */
export function getDisplayInfo(header?: GpuHeader): Uint8Array {
  return bareRequest(VIRTIO_GPU_CMD_GET_DISPLAY_INFO, header);
}

/** VIRTIO_GPU_CMD_GET_EDID */
export function getEdid(scanout: number, header?: GpuHeader): Uint8Array {
  return new Fields(VIRTIO_GPU_CMD_GET_EDID, VIRTIO_GPU_GET_EDID.sizeBytes, header).u32(
    VIRTIO_GPU_GET_EDID.scanout,
    scanout,
  ).bytes;
}

/** VIRTIO_GPU_CMD_RESOURCE_CREATE_2D */
export function create2d(
  {
    resourceId,
    format,
    width,
    height,
  }: Readonly<Record<"resourceId" | "format" | "width" | "height", number>>,
  header?: GpuHeader,
): Uint8Array {
  const at = VIRTIO_GPU_RESOURCE_CREATE_2D;
  return new Fields(VIRTIO_GPU_CMD_RESOURCE_CREATE_2D, at.sizeBytes, header)
    .u32(at.resource_id, resourceId)
    .u32(at.format, format)
    .u32(at.width, width)
    .u32(at.height, height).bytes;
}

/** VIRTIO_GPU_CMD_RESOURCE_UNREF */
export function unref(resourceId: number, header?: GpuHeader): Uint8Array {
  const at = VIRTIO_GPU_RESOURCE_UNREF;
  return new Fields(VIRTIO_GPU_CMD_RESOURCE_UNREF, at.sizeBytes, header).u32(at.resource_id, resourceId)
    .bytes;
}

/** VIRTIO_GPU_CMD_SET_SCANOUT */
export function setScanout(
  scanoutId: number,
  resourceId: number,
  rect: GpuRect,
  header?: GpuHeader,
): Uint8Array {
  const at = VIRTIO_GPU_SET_SCANOUT;
  return new Fields(VIRTIO_GPU_CMD_SET_SCANOUT, at.sizeBytes, header)
    .rect(at.r, rect)
    .u32(at.scanout_id, scanoutId)
    .u32(at.resource_id, resourceId).bytes;
}

/** VIRTIO_GPU_CMD_RESOURCE_FLUSH */
export function flush(resourceId: number, rect: GpuRect, header?: GpuHeader): Uint8Array {
  const at = VIRTIO_GPU_RESOURCE_FLUSH;
  return new Fields(VIRTIO_GPU_CMD_RESOURCE_FLUSH, at.sizeBytes, header)
    .rect(at.r, rect)
    .u32(at.resource_id, resourceId).bytes;
}

/** VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D */
export function transferToHost2d(
  resourceId: number,
  rect: GpuRect,
  offset: number | bigint,
  header?: GpuHeader,
): Uint8Array {
  const at = VIRTIO_GPU_TRANSFER_TO_HOST_2D;
  return new Fields(VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D, at.sizeBytes, header)
    .rect(at.r, rect)
    .u64(at.offset, offset)
    .u32(at.resource_id, resourceId).bytes;
}

/** VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING. `count` is what nr_entries says, if not the truth. */
export function attachBacking(
  resourceId: number,
  entries: readonly GpuMemEntry[],
  header?: GpuHeader,
  count = entries.length,
): Uint8Array {
  const at = VIRTIO_GPU_RESOURCE_ATTACH_BACKING;
  const lengthBytes = at.sizeBytes + entries.length * VIRTIO_GPU_MEM_ENTRY.sizeBytes;
  return new Fields(VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING, lengthBytes, header)
    .u32(at.resource_id, resourceId)
    .u32(at.nr_entries, count)
    .entries(at.sizeBytes, entries).bytes;
}

/** VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING */
export function detachBacking(resourceId: number, header?: GpuHeader): Uint8Array {
  const at = VIRTIO_GPU_RESOURCE_DETACH_BACKING;
  return new Fields(VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING, at.sizeBytes, header).u32(
    at.resource_id,
    resourceId,
  ).bytes;
}

/** VIRTIO_GPU_CMD_GET_CAPSET_INFO */
export function getCapsetInfo(index: number, header?: GpuHeader): Uint8Array {
  const at = VIRTIO_GPU_GET_CAPSET_INFO;
  return new Fields(VIRTIO_GPU_CMD_GET_CAPSET_INFO, at.sizeBytes, header).u32(at.capset_index, index).bytes;
}

/** VIRTIO_GPU_CMD_GET_CAPSET */
export function getCapset(id: number, version: number, header?: GpuHeader): Uint8Array {
  const at = VIRTIO_GPU_GET_CAPSET;
  return new Fields(VIRTIO_GPU_CMD_GET_CAPSET, at.sizeBytes, header)
    .u32(at.capset_id, id)
    .u32(at.capset_version, version).bytes;
}

/** VIRTIO_GPU_CMD_RESOURCE_ASSIGN_UUID */
export function assignUuid(resourceId: number, header?: GpuHeader): Uint8Array {
  const at = VIRTIO_GPU_RESOURCE_ASSIGN_UUID;
  return new Fields(VIRTIO_GPU_CMD_RESOURCE_ASSIGN_UUID, at.sizeBytes, header).u32(at.resource_id, resourceId)
    .bytes;
}

/** Fields of virtio_gpu_resource_create_blob. */
export interface CreateBlob {
  readonly resourceId: number;
  /** VIRTIO_GPU_BLOB_MEM_*. */
  readonly blobMem: number;
  /** VIRTIO_GPU_BLOB_FLAG_*. Default 0. */
  readonly blobFlags?: number;
  /** Default 0. */
  readonly blobId?: bigint;
  readonly sizeBytes: number | bigint;
  /** Default none. */
  readonly entries?: readonly GpuMemEntry[];
  /** What nr_entries says, if not the truth. */
  readonly count?: number;
}

/** VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB */
export function createBlob(blob: CreateBlob, header?: GpuHeader): Uint8Array {
  const at = VIRTIO_GPU_RESOURCE_CREATE_BLOB;
  const entries = blob.entries ?? [];
  const lengthBytes = at.sizeBytes + entries.length * VIRTIO_GPU_MEM_ENTRY.sizeBytes;
  return new Fields(VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB, lengthBytes, header)
    .u32(at.resource_id, blob.resourceId)
    .u32(at.blob_mem, blob.blobMem)
    .u32(at.blob_flags, blob.blobFlags ?? 0)
    .u32(at.nr_entries, blob.count ?? entries.length)
    .u64(at.blob_id, blob.blobId ?? 0n)
    .u64(at.size, blob.sizeBytes)
    .entries(at.sizeBytes, entries).bytes;
}

/** Fields of virtio_gpu_set_scanout_blob. */
export interface SetScanoutBlob {
  readonly scanoutId: number;
  readonly resourceId: number;
  readonly rect: GpuRect;
  /** Pixels of the picture in the blob. */
  readonly width: number;
  readonly height: number;
  readonly format: number;
  /** Of plane 0. */
  readonly strideBytes: number;
  /** Of plane 0. Default 0. */
  readonly offsetBytes?: number;
}

/** VIRTIO_GPU_CMD_SET_SCANOUT_BLOB */
export function setScanoutBlob(scanout: SetScanoutBlob, header?: GpuHeader): Uint8Array {
  const at = VIRTIO_GPU_SET_SCANOUT_BLOB;
  return new Fields(VIRTIO_GPU_CMD_SET_SCANOUT_BLOB, at.sizeBytes, header)
    .rect(at.r, scanout.rect)
    .u32(at.scanout_id, scanout.scanoutId)
    .u32(at.resource_id, scanout.resourceId)
    .u32(at.width, scanout.width)
    .u32(at.height, scanout.height)
    .u32(at.format, scanout.format)
    .u32(at.strides, scanout.strideBytes)
    .u32(at.offsets, scanout.offsetBytes ?? 0).bytes;
}

/** VIRTIO_GPU_CMD_CTX_CREATE; the context is that of the header. */
export function ctxCreate(contextInit: number, name: string, header: GpuHeader): Uint8Array {
  const at = VIRTIO_GPU_CTX_CREATE;
  const fields = new Fields(VIRTIO_GPU_CMD_CTX_CREATE, at.sizeBytes, header)
    .u32(at.nlen, name.length)
    .u32(at.context_init, contextInit);
  for (let i = 0; i < name.length; i++) fields.bytes[at.debug_name + i] = name.charCodeAt(i);
  return fields.bytes;
}

/** VIRTIO_GPU_CMD_CTX_DESTROY; the context is that of the header. */
export function ctxDestroy(header: GpuHeader): Uint8Array {
  return new Fields(VIRTIO_GPU_CMD_CTX_DESTROY, VIRTIO_GPU_CTX_DESTROY.sizeBytes, header).bytes;
}

/** VIRTIO_GPU_CMD_CTX_ATTACH_RESOURCE; the context is that of the header. */
export function ctxAttachResource(resourceId: number, header: GpuHeader): Uint8Array {
  const at = VIRTIO_GPU_CTX_RESOURCE;
  return new Fields(VIRTIO_GPU_CMD_CTX_ATTACH_RESOURCE, at.sizeBytes, header).u32(at.resource_id, resourceId)
    .bytes;
}

/** VIRTIO_GPU_CMD_CTX_DETACH_RESOURCE; the context is that of the header. */
export function ctxDetachResource(resourceId: number, header: GpuHeader): Uint8Array {
  const at = VIRTIO_GPU_CTX_RESOURCE;
  return new Fields(VIRTIO_GPU_CMD_CTX_DETACH_RESOURCE, at.sizeBytes, header).u32(at.resource_id, resourceId)
    .bytes;
}

/** A plain texture: fields of virtio_gpu_resource_create_3d. */
export interface Create3d {
  readonly resourceId: number;
  /** Gallium's numbers. Default 2: a texture of two dimensions. */
  readonly target?: number;
  readonly format: number;
  /** Default 2: a render target. */
  readonly bind?: number;
  readonly width: number;
  readonly height: number;
}

/** VIRTIO_GPU_CMD_RESOURCE_CREATE_3D: one level, one layer, no multisampling. */
export function create3d(resource: Create3d, header?: GpuHeader): Uint8Array {
  const at = VIRTIO_GPU_RESOURCE_CREATE_3D;
  return new Fields(VIRTIO_GPU_CMD_RESOURCE_CREATE_3D, at.sizeBytes, header)
    .u32(at.resource_id, resource.resourceId)
    .u32(at.target, resource.target ?? 2)
    .u32(at.format, resource.format)
    .u32(at.bind, resource.bind ?? 2)
    .u32(at.width, resource.width)
    .u32(at.height, resource.height)
    .u32(at.depth, 1)
    .u32(at.array_size, 1).bytes;
}

function transfer3d(
  type: number,
  resourceId: number,
  box: GpuBox,
  offset: number | bigint,
  strideBytes: number,
  header?: GpuHeader,
): Uint8Array {
  const at = VIRTIO_GPU_TRANSFER_HOST_3D;
  return new Fields(type, at.sizeBytes, header)
    .u32(at.box + VIRTIO_GPU_BOX.x, box.x ?? 0)
    .u32(at.box + VIRTIO_GPU_BOX.y, box.y ?? 0)
    .u32(at.box + VIRTIO_GPU_BOX.z, box.z ?? 0)
    .u32(at.box + VIRTIO_GPU_BOX.w, box.width)
    .u32(at.box + VIRTIO_GPU_BOX.h, box.height)
    .u32(at.box + VIRTIO_GPU_BOX.d, box.depth ?? 1)
    .u64(at.offset, offset)
    .u32(at.resource_id, resourceId)
    .u32(at.stride, strideBytes).bytes;
}

/** VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D of level 0. */
export function transferToHost3d(
  resourceId: number,
  box: GpuBox,
  offset: number | bigint,
  strideBytes: number,
  header?: GpuHeader,
): Uint8Array {
  return transfer3d(VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D, resourceId, box, offset, strideBytes, header);
}

/** VIRTIO_GPU_CMD_TRANSFER_FROM_HOST_3D of level 0. */
export function transferFromHost3d(
  resourceId: number,
  box: GpuBox,
  offset: number | bigint,
  strideBytes: number,
  header?: GpuHeader,
): Uint8Array {
  return transfer3d(VIRTIO_GPU_CMD_TRANSFER_FROM_HOST_3D, resourceId, box, offset, strideBytes, header);
}

/** VIRTIO_GPU_CMD_SUBMIT_3D; the context is that of the header. `sizeBytes` is what the size says, if not the truth. */
export function submit3d(commands: Uint8Array, header: GpuHeader, sizeBytes = commands.length): Uint8Array {
  const at = VIRTIO_GPU_CMD_SUBMIT;
  const fields = new Fields(VIRTIO_GPU_CMD_SUBMIT_3D, at.sizeBytes + commands.length, header);
  fields.u32(at.size, sizeBytes).bytes.set(commands, at.sizeBytes);
  return fields.bytes;
}

/** VIRTIO_GPU_CMD_RESOURCE_MAP_BLOB */
export function mapBlob(resourceId: number, offset: number | bigint, header?: GpuHeader): Uint8Array {
  const at = VIRTIO_GPU_RESOURCE_MAP_BLOB;
  return new Fields(VIRTIO_GPU_CMD_RESOURCE_MAP_BLOB, at.sizeBytes, header)
    .u32(at.resource_id, resourceId)
    .u64(at.offset, offset).bytes;
}

/** VIRTIO_GPU_CMD_RESOURCE_UNMAP_BLOB */
export function unmapBlob(resourceId: number, header?: GpuHeader): Uint8Array {
  const at = VIRTIO_GPU_RESOURCE_UNMAP_BLOB;
  return new Fields(VIRTIO_GPU_CMD_RESOURCE_UNMAP_BLOB, at.sizeBytes, header).u32(at.resource_id, resourceId)
    .bytes;
}

/** Fields of virtio_gpu_update_cursor; 0 when left out. */
export interface CursorFields {
  readonly scanoutId: number;
  readonly x: number;
  readonly y: number;
  readonly resourceId?: number;
  readonly hotX?: number;
  readonly hotY?: number;
}

function cursor(type: number, fields: CursorFields, header?: GpuHeader): Uint8Array {
  const at = VIRTIO_GPU_UPDATE_CURSOR;
  return new Fields(type, at.sizeBytes, header)
    .u32(at.pos + VIRTIO_GPU_CURSOR_POS.scanout_id, fields.scanoutId)
    .u32(at.pos + VIRTIO_GPU_CURSOR_POS.x, fields.x)
    .u32(at.pos + VIRTIO_GPU_CURSOR_POS.y, fields.y)
    .u32(at.resource_id, fields.resourceId ?? 0)
    .u32(at.hot_x, fields.hotX ?? 0)
    .u32(at.hot_y, fields.hotY ?? 0).bytes;
}

/** VIRTIO_GPU_CMD_UPDATE_CURSOR, for the cursorq. */
export function updateCursor(fields: CursorFields, header?: GpuHeader): Uint8Array {
  return cursor(VIRTIO_GPU_CMD_UPDATE_CURSOR, fields, header);
}

/** VIRTIO_GPU_CMD_MOVE_CURSOR, for the cursorq. */
export function moveCursor(fields: CursorFields, header?: GpuHeader): Uint8Array {
  return cursor(VIRTIO_GPU_CMD_MOVE_CURSOR, fields, header);
}

/** virtio_gpu_ctrl_hdr of a response. */
export interface GpuResponseHeader {
  readonly type: number;
  readonly flags: number;
  readonly fenceId: bigint;
  readonly ctxId: number;
  readonly ringIdx: number;
  /** The three bytes behind ring_idx. */
  readonly padding: Uint8Array;
}

/** Reads the header of a response, which must be there in full. */
export function decodeHeader(bytes: Uint8Array): GpuResponseHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return {
    type: view.getUint32(VIRTIO_GPU_CTRL_HDR.type, true),
    flags: view.getUint32(VIRTIO_GPU_CTRL_HDR.flags, true),
    fenceId: view.getBigUint64(VIRTIO_GPU_CTRL_HDR.fence_id, true),
    ctxId: view.getUint32(VIRTIO_GPU_CTRL_HDR.ctx_id, true),
    ringIdx: view.getUint8(VIRTIO_GPU_CTRL_HDR.ring_idx),
    padding: bytes.slice(VIRTIO_GPU_CTRL_HDR.padding, VIRTIO_GPU_CTRL_HDR.sizeBytes),
  };
}

/** The le32 at an offset of a response. */
export function responseU32(bytes: Uint8Array, offset: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getUint32(offset, true);
}
