/**
 * The GPU device, section 5.7 of the specification.
 *
 * Structs of 3D commands that the specification names but does not list have the fields of Linux'
 * uapi header, on which all implementations agree.
 */
import { array, bytes, le8, le32, le64, offsetsOf, struct } from "./schema.ts";

// Feature bits, as bit numbers.
export const VIRTIO_GPU_F_VIRGL = 0;
export const VIRTIO_GPU_F_EDID = 1;
export const VIRTIO_GPU_F_RESOURCE_UUID = 2;
export const VIRTIO_GPU_F_RESOURCE_BLOB = 3;
export const VIRTIO_GPU_F_CONTEXT_INIT = 4;
export const VIRTIO_GPU_F_BLOB_ALIGNMENT = 5;

/** Indexes of the two virtqueues. */
export const VIRTIO_GPU_CONTROLQ = 0;
export const VIRTIO_GPU_CURSORQ = 1;

/** virtio_gpu_ctrl_hdr.type of a message that is none. */
export const VIRTIO_GPU_UNDEFINED = 0;

// 2D commands.
export const VIRTIO_GPU_CMD_GET_DISPLAY_INFO = 0x0100;
export const VIRTIO_GPU_CMD_RESOURCE_CREATE_2D = 0x0101;
export const VIRTIO_GPU_CMD_RESOURCE_UNREF = 0x0102;
export const VIRTIO_GPU_CMD_SET_SCANOUT = 0x0103;
export const VIRTIO_GPU_CMD_RESOURCE_FLUSH = 0x0104;
export const VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D = 0x0105;
export const VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING = 0x0106;
export const VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING = 0x0107;
export const VIRTIO_GPU_CMD_GET_CAPSET_INFO = 0x0108;
export const VIRTIO_GPU_CMD_GET_CAPSET = 0x0109;
export const VIRTIO_GPU_CMD_GET_EDID = 0x010a;
export const VIRTIO_GPU_CMD_RESOURCE_ASSIGN_UUID = 0x010b;
export const VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB = 0x010c;
export const VIRTIO_GPU_CMD_SET_SCANOUT_BLOB = 0x010d;

// 3D commands.
export const VIRTIO_GPU_CMD_CTX_CREATE = 0x0200;
export const VIRTIO_GPU_CMD_CTX_DESTROY = 0x0201;
export const VIRTIO_GPU_CMD_CTX_ATTACH_RESOURCE = 0x0202;
export const VIRTIO_GPU_CMD_CTX_DETACH_RESOURCE = 0x0203;
export const VIRTIO_GPU_CMD_RESOURCE_CREATE_3D = 0x0204;
export const VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D = 0x0205;
export const VIRTIO_GPU_CMD_TRANSFER_FROM_HOST_3D = 0x0206;
export const VIRTIO_GPU_CMD_SUBMIT_3D = 0x0207;
export const VIRTIO_GPU_CMD_RESOURCE_MAP_BLOB = 0x0208;
export const VIRTIO_GPU_CMD_RESOURCE_UNMAP_BLOB = 0x0209;

// Cursor commands.
export const VIRTIO_GPU_CMD_UPDATE_CURSOR = 0x0300;
export const VIRTIO_GPU_CMD_MOVE_CURSOR = 0x0301;

// Success responses.
export const VIRTIO_GPU_RESP_OK_NODATA = 0x1100;
export const VIRTIO_GPU_RESP_OK_DISPLAY_INFO = 0x1101;
export const VIRTIO_GPU_RESP_OK_CAPSET_INFO = 0x1102;
export const VIRTIO_GPU_RESP_OK_CAPSET = 0x1103;
export const VIRTIO_GPU_RESP_OK_EDID = 0x1104;
export const VIRTIO_GPU_RESP_OK_RESOURCE_UUID = 0x1105;
export const VIRTIO_GPU_RESP_OK_MAP_INFO = 0x1106;

// Error responses.
export const VIRTIO_GPU_RESP_ERR_UNSPEC = 0x1200;
export const VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY = 0x1201;
export const VIRTIO_GPU_RESP_ERR_INVALID_SCANOUT_ID = 0x1202;
export const VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID = 0x1203;
export const VIRTIO_GPU_RESP_ERR_INVALID_CONTEXT_ID = 0x1204;
export const VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER = 0x1205;

// Bits of virtio_gpu_ctrl_hdr.flags.
export const VIRTIO_GPU_FLAG_FENCE = 1 << 0;
export const VIRTIO_GPU_FLAG_INFO_RING_IDX = 1 << 1;

/** Bits of virtio_gpu_config.events_read and events_clear. */
export const VIRTIO_GPU_EVENT_DISPLAY = 1 << 0;

export const VIRTIO_GPU_MAX_SCANOUTS = 16;
/** Capacity in bytes of virtio_gpu_resp_edid.edid. */
export const VIRTIO_GPU_EDID_MAX_BYTES = 1024;
/** Width and height in pixels of a cursor resource. */
export const VIRTIO_GPU_CURSOR_SIZE = 64;
/** The largest virtio_gpu_ctrl_hdr.ring_idx. */
export const VIRTIO_GPU_MAX_RING_IDX = 63;

export const VIRTIO_GPU_SHM_ID_UNDEFINED = 0;
export const VIRTIO_GPU_SHM_ID_HOST_VISIBLE = 1;

export const VIRTIO_GPU_CAPSET_VIRGL = 1;
export const VIRTIO_GPU_CAPSET_VIRGL2 = 2;
export const VIRTIO_GPU_CAPSET_GFXSTREAM = 3;
export const VIRTIO_GPU_CAPSET_VENUS = 4;
export const VIRTIO_GPU_CAPSET_CROSS_DOMAIN = 5;
/** Native contexts of a DRM driver: in Linux' headers, not in the specification. */
export const VIRTIO_GPU_CAPSET_DRM = 6;

/** The bits of virtio_gpu_ctx_create.context_init that hold a capset id. */
export const VIRTIO_GPU_CONTEXT_INIT_CAPSET_ID_MASK = 0x000000ff;

/** Bit of virtio_gpu_resource_create_3d.flags. */
export const VIRTIO_GPU_RESOURCE_FLAG_Y_0_TOP = 1 << 0;

// virtio_gpu_resource_create_blob.blob_mem.
export const VIRTIO_GPU_BLOB_MEM_GUEST = 0x0001;
export const VIRTIO_GPU_BLOB_MEM_HOST3D = 0x0002;
export const VIRTIO_GPU_BLOB_MEM_HOST3D_GUEST = 0x0003;

// Bits of virtio_gpu_resource_create_blob.blob_flags.
export const VIRTIO_GPU_BLOB_FLAG_USE_MAPPABLE = 0x0001;
export const VIRTIO_GPU_BLOB_FLAG_USE_SHAREABLE = 0x0002;
export const VIRTIO_GPU_BLOB_FLAG_USE_CROSS_DEVICE = 0x0004;

// virtio_gpu_resp_map_info.map_info.
export const VIRTIO_GPU_MAP_CACHE_MASK = 0x0f;
export const VIRTIO_GPU_MAP_CACHE_NONE = 0x00;
export const VIRTIO_GPU_MAP_CACHE_CACHED = 0x01;
export const VIRTIO_GPU_MAP_CACHE_UNCACHED = 0x02;
export const VIRTIO_GPU_MAP_CACHE_WC = 0x03;

// enum virtio_gpu_formats: the channels are named in the order of their bytes in memory.
export const VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM = 1;
export const VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM = 2;
export const VIRTIO_GPU_FORMAT_A8R8G8B8_UNORM = 3;
export const VIRTIO_GPU_FORMAT_X8R8G8B8_UNORM = 4;
export const VIRTIO_GPU_FORMAT_R8G8B8A8_UNORM = 67;
export const VIRTIO_GPU_FORMAT_X8B8G8R8_UNORM = 68;
export const VIRTIO_GPU_FORMAT_A8B8G8R8_UNORM = 121;
export const VIRTIO_GPU_FORMAT_R8G8B8X8_UNORM = 134;

/** `blob_alignment` exists when VIRTIO_GPU_F_BLOB_ALIGNMENT is offered. */
export const virtio_gpu_config = /* @__PURE__ */ struct({
  events_read: le32,
  events_clear: le32,
  num_scanouts: le32,
  num_capsets: le32,
  blob_alignment: le32,
});
export const VIRTIO_GPU_CONFIG = /* @__PURE__ */ offsetsOf(virtio_gpu_config);

export const virtio_gpu_ctrl_hdr = /* @__PURE__ */ struct({
  type: le32,
  flags: le32,
  fence_id: le64,
  ctx_id: le32,
  ring_idx: le8,
  padding: /* @__PURE__ */ bytes(3),
});
export const VIRTIO_GPU_CTRL_HDR = /* @__PURE__ */ offsetsOf(virtio_gpu_ctrl_hdr);

export const virtio_gpu_rect = /* @__PURE__ */ struct({ x: le32, y: le32, width: le32, height: le32 });
export const VIRTIO_GPU_RECT = /* @__PURE__ */ offsetsOf(virtio_gpu_rect);

export const virtio_gpu_display_one = /* @__PURE__ */ struct({
  r: virtio_gpu_rect,
  enabled: le32,
  flags: le32,
});
export const VIRTIO_GPU_DISPLAY_ONE = /* @__PURE__ */ offsetsOf(virtio_gpu_display_one);

export const virtio_gpu_resp_display_info = /* @__PURE__ */ struct({
  hdr: virtio_gpu_ctrl_hdr,
  pmodes: /* @__PURE__ */ array(virtio_gpu_display_one, VIRTIO_GPU_MAX_SCANOUTS),
});
export const VIRTIO_GPU_RESP_DISPLAY_INFO = /* @__PURE__ */ offsetsOf(virtio_gpu_resp_display_info);

/** Called virtio_gpu_cmd_get_edid in Linux' headers. */
export const virtio_gpu_get_edid = /* @__PURE__ */ struct({
  hdr: virtio_gpu_ctrl_hdr,
  scanout: le32,
  padding: le32,
});
export const VIRTIO_GPU_GET_EDID = /* @__PURE__ */ offsetsOf(virtio_gpu_get_edid);

export const virtio_gpu_resp_edid = /* @__PURE__ */ struct({
  hdr: virtio_gpu_ctrl_hdr,
  size: le32,
  padding: le32,
  edid: /* @__PURE__ */ bytes(VIRTIO_GPU_EDID_MAX_BYTES),
});
export const VIRTIO_GPU_RESP_EDID = /* @__PURE__ */ offsetsOf(virtio_gpu_resp_edid);

export const virtio_gpu_resource_create_2d = /* @__PURE__ */ struct({
  hdr: virtio_gpu_ctrl_hdr,
  resource_id: le32,
  format: le32,
  width: le32,
  height: le32,
});
export const VIRTIO_GPU_RESOURCE_CREATE_2D = /* @__PURE__ */ offsetsOf(virtio_gpu_resource_create_2d);

export const virtio_gpu_resource_unref = /* @__PURE__ */ struct({
  hdr: virtio_gpu_ctrl_hdr,
  resource_id: le32,
  padding: le32,
});
export const VIRTIO_GPU_RESOURCE_UNREF = /* @__PURE__ */ offsetsOf(virtio_gpu_resource_unref);

export const virtio_gpu_set_scanout = /* @__PURE__ */ struct({
  hdr: virtio_gpu_ctrl_hdr,
  r: virtio_gpu_rect,
  scanout_id: le32,
  resource_id: le32,
});
export const VIRTIO_GPU_SET_SCANOUT = /* @__PURE__ */ offsetsOf(virtio_gpu_set_scanout);

export const virtio_gpu_resource_flush = /* @__PURE__ */ struct({
  hdr: virtio_gpu_ctrl_hdr,
  r: virtio_gpu_rect,
  resource_id: le32,
  padding: le32,
});
export const VIRTIO_GPU_RESOURCE_FLUSH = /* @__PURE__ */ offsetsOf(virtio_gpu_resource_flush);

export const virtio_gpu_transfer_to_host_2d = /* @__PURE__ */ struct({
  hdr: virtio_gpu_ctrl_hdr,
  r: virtio_gpu_rect,
  offset: le64,
  resource_id: le32,
  padding: le32,
});
export const VIRTIO_GPU_TRANSFER_TO_HOST_2D = /* @__PURE__ */ offsetsOf(virtio_gpu_transfer_to_host_2d);

export const virtio_gpu_mem_entry = /* @__PURE__ */ struct({ addr: le64, length: le32, padding: le32 });
export const VIRTIO_GPU_MEM_ENTRY = /* @__PURE__ */ offsetsOf(virtio_gpu_mem_entry);

/** `nr_entries` of virtio_gpu_mem_entry follow. */
export const virtio_gpu_resource_attach_backing = /* @__PURE__ */ struct({
  hdr: virtio_gpu_ctrl_hdr,
  resource_id: le32,
  nr_entries: le32,
});
export const VIRTIO_GPU_RESOURCE_ATTACH_BACKING = /* @__PURE__ */ offsetsOf(
  virtio_gpu_resource_attach_backing,
);

export const virtio_gpu_resource_detach_backing = /* @__PURE__ */ struct({
  hdr: virtio_gpu_ctrl_hdr,
  resource_id: le32,
  padding: le32,
});
export const VIRTIO_GPU_RESOURCE_DETACH_BACKING = /* @__PURE__ */ offsetsOf(
  virtio_gpu_resource_detach_backing,
);

export const virtio_gpu_get_capset_info = /* @__PURE__ */ struct({
  hdr: virtio_gpu_ctrl_hdr,
  capset_index: le32,
  padding: le32,
});
export const VIRTIO_GPU_GET_CAPSET_INFO = /* @__PURE__ */ offsetsOf(virtio_gpu_get_capset_info);

export const virtio_gpu_resp_capset_info = /* @__PURE__ */ struct({
  hdr: virtio_gpu_ctrl_hdr,
  capset_id: le32,
  capset_max_version: le32,
  capset_max_size: le32,
  padding: le32,
});
export const VIRTIO_GPU_RESP_CAPSET_INFO = /* @__PURE__ */ offsetsOf(virtio_gpu_resp_capset_info);

export const virtio_gpu_get_capset = /* @__PURE__ */ struct({
  hdr: virtio_gpu_ctrl_hdr,
  capset_id: le32,
  capset_version: le32,
});
export const VIRTIO_GPU_GET_CAPSET = /* @__PURE__ */ offsetsOf(virtio_gpu_get_capset);

/** `capset_data` extends to the end of the response. */
export const virtio_gpu_resp_capset = /* @__PURE__ */ struct({
  hdr: virtio_gpu_ctrl_hdr,
  capset_data: /* @__PURE__ */ bytes(0),
});
export const VIRTIO_GPU_RESP_CAPSET = /* @__PURE__ */ offsetsOf(virtio_gpu_resp_capset);

export const virtio_gpu_resource_assign_uuid = /* @__PURE__ */ struct({
  hdr: virtio_gpu_ctrl_hdr,
  resource_id: le32,
  padding: le32,
});
export const VIRTIO_GPU_RESOURCE_ASSIGN_UUID = /* @__PURE__ */ offsetsOf(virtio_gpu_resource_assign_uuid);

export const virtio_gpu_resp_resource_uuid = /* @__PURE__ */ struct({
  hdr: virtio_gpu_ctrl_hdr,
  uuid: /* @__PURE__ */ bytes(16),
});
export const VIRTIO_GPU_RESP_RESOURCE_UUID = /* @__PURE__ */ offsetsOf(virtio_gpu_resp_resource_uuid);

/** `nr_entries` of virtio_gpu_mem_entry follow. */
export const virtio_gpu_resource_create_blob = /* @__PURE__ */ struct({
  hdr: virtio_gpu_ctrl_hdr,
  resource_id: le32,
  blob_mem: le32,
  blob_flags: le32,
  nr_entries: le32,
  blob_id: le64,
  size: le64,
});
export const VIRTIO_GPU_RESOURCE_CREATE_BLOB = /* @__PURE__ */ offsetsOf(virtio_gpu_resource_create_blob);

export const virtio_gpu_set_scanout_blob = /* @__PURE__ */ struct({
  hdr: virtio_gpu_ctrl_hdr,
  r: virtio_gpu_rect,
  scanout_id: le32,
  resource_id: le32,
  width: le32,
  height: le32,
  format: le32,
  padding: le32,
  strides: /* @__PURE__ */ array(le32, 4),
  offsets: /* @__PURE__ */ array(le32, 4),
});
export const VIRTIO_GPU_SET_SCANOUT_BLOB = /* @__PURE__ */ offsetsOf(virtio_gpu_set_scanout_blob);

export const virtio_gpu_ctx_create = /* @__PURE__ */ struct({
  hdr: virtio_gpu_ctrl_hdr,
  nlen: le32,
  context_init: le32,
  debug_name: /* @__PURE__ */ bytes(64),
});
export const VIRTIO_GPU_CTX_CREATE = /* @__PURE__ */ offsetsOf(virtio_gpu_ctx_create);

export const virtio_gpu_ctx_destroy = /* @__PURE__ */ struct({ hdr: virtio_gpu_ctrl_hdr });
export const VIRTIO_GPU_CTX_DESTROY = /* @__PURE__ */ offsetsOf(virtio_gpu_ctx_destroy);

/** Of VIRTIO_GPU_CMD_CTX_ATTACH_RESOURCE and VIRTIO_GPU_CMD_CTX_DETACH_RESOURCE. */
export const virtio_gpu_ctx_resource = /* @__PURE__ */ struct({
  hdr: virtio_gpu_ctrl_hdr,
  resource_id: le32,
  padding: le32,
});
export const VIRTIO_GPU_CTX_RESOURCE = /* @__PURE__ */ offsetsOf(virtio_gpu_ctx_resource);

export const virtio_gpu_resource_create_3d = /* @__PURE__ */ struct({
  hdr: virtio_gpu_ctrl_hdr,
  resource_id: le32,
  target: le32,
  format: le32,
  bind: le32,
  width: le32,
  height: le32,
  depth: le32,
  array_size: le32,
  last_level: le32,
  nr_samples: le32,
  flags: le32,
  padding: le32,
});
export const VIRTIO_GPU_RESOURCE_CREATE_3D = /* @__PURE__ */ offsetsOf(virtio_gpu_resource_create_3d);

export const virtio_gpu_box = /* @__PURE__ */ struct({
  x: le32,
  y: le32,
  z: le32,
  w: le32,
  h: le32,
  d: le32,
});
export const VIRTIO_GPU_BOX = /* @__PURE__ */ offsetsOf(virtio_gpu_box);

/** Of VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D and VIRTIO_GPU_CMD_TRANSFER_FROM_HOST_3D. */
export const virtio_gpu_transfer_host_3d = /* @__PURE__ */ struct({
  hdr: virtio_gpu_ctrl_hdr,
  box: virtio_gpu_box,
  offset: le64,
  resource_id: le32,
  level: le32,
  stride: le32,
  layer_stride: le32,
});
export const VIRTIO_GPU_TRANSFER_HOST_3D = /* @__PURE__ */ offsetsOf(virtio_gpu_transfer_host_3d);

/** Of VIRTIO_GPU_CMD_SUBMIT_3D: `size` bytes of commands follow. */
export const virtio_gpu_cmd_submit = /* @__PURE__ */ struct({
  hdr: virtio_gpu_ctrl_hdr,
  size: le32,
  padding: le32,
});
export const VIRTIO_GPU_CMD_SUBMIT = /* @__PURE__ */ offsetsOf(virtio_gpu_cmd_submit);

export const virtio_gpu_resource_map_blob = /* @__PURE__ */ struct({
  hdr: virtio_gpu_ctrl_hdr,
  resource_id: le32,
  padding: le32,
  offset: le64,
});
export const VIRTIO_GPU_RESOURCE_MAP_BLOB = /* @__PURE__ */ offsetsOf(virtio_gpu_resource_map_blob);

export const virtio_gpu_resp_map_info = /* @__PURE__ */ struct({
  hdr: virtio_gpu_ctrl_hdr,
  map_info: le32,
  padding: le32,
});
export const VIRTIO_GPU_RESP_MAP_INFO = /* @__PURE__ */ offsetsOf(virtio_gpu_resp_map_info);

export const virtio_gpu_resource_unmap_blob = /* @__PURE__ */ struct({
  hdr: virtio_gpu_ctrl_hdr,
  resource_id: le32,
  padding: le32,
});
export const VIRTIO_GPU_RESOURCE_UNMAP_BLOB = /* @__PURE__ */ offsetsOf(virtio_gpu_resource_unmap_blob);

export const virtio_gpu_cursor_pos = /* @__PURE__ */ struct({
  scanout_id: le32,
  x: le32,
  y: le32,
  padding: le32,
});
export const VIRTIO_GPU_CURSOR_POS = /* @__PURE__ */ offsetsOf(virtio_gpu_cursor_pos);

/** Of VIRTIO_GPU_CMD_UPDATE_CURSOR and VIRTIO_GPU_CMD_MOVE_CURSOR. */
export const virtio_gpu_update_cursor = /* @__PURE__ */ struct({
  hdr: virtio_gpu_ctrl_hdr,
  pos: virtio_gpu_cursor_pos,
  resource_id: le32,
  hot_x: le32,
  hot_y: le32,
  padding: le32,
});
export const VIRTIO_GPU_UPDATE_CURSOR = /* @__PURE__ */ offsetsOf(virtio_gpu_update_cursor);
