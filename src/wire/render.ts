/**
 * The render device: an experimental device of this project, described in src/devices/render/PROTOCOL.md, and not part
 * of the specification. Its numbers are chosen so that nobody mistakes them for those of another device.
 */
import { array, bytes, le32, le64, offsetsOf, struct } from "./schema.ts";

/**
 * The device id. The specification's table ends at 49 (virtio 1.4, chapter 5), PCI has room up to 63: experiments count
 * down from there.
 */
export const VIRTIO_RENDER_DEVICE_ID = 62;

// Feature bits, as bit numbers.
/** VIRTIO_RENDER_CMD_IMPORT_UUID can be used. */
export const VIRTIO_RENDER_F_IMPORT_UUID = 0;
/** VIRTIO_RENDER_CMD_IMPORT_PAGES can be used. */
export const VIRTIO_RENDER_F_IMPORT_PAGES = 1;

/** Index of the only virtqueue. */
export const VIRTIO_RENDER_COMMANDQ = 0;

// Commands that are carried out at once.
export const VIRTIO_RENDER_CMD_CTX_CREATE = 0xe100;
export const VIRTIO_RENDER_CMD_CTX_DESTROY = 0xe101;
export const VIRTIO_RENDER_CMD_IMPORT_UUID = 0xe102;
export const VIRTIO_RENDER_CMD_IMPORT_PAGES = 0xe103;
export const VIRTIO_RENDER_CMD_RELEASE = 0xe104;
export const VIRTIO_RENDER_CMD_GET_IMPORT = 0xe105;

// Commands on the timeline of a context.
export const VIRTIO_RENDER_CMD_NOP = 0xe200;
export const VIRTIO_RENDER_CMD_FILL = 0xe201;
export const VIRTIO_RENDER_CMD_BLIT = 0xe202;
export const VIRTIO_RENDER_CMD_GRADIENT = 0xe203;
export const VIRTIO_RENDER_CMD_TRIANGLE = 0xe204;

// Success responses.
export const VIRTIO_RENDER_RESP_OK = 0xe800;
export const VIRTIO_RENDER_RESP_OK_IMPORT = 0xe801;

// Error responses.
/** Nothing more can be said. */
export const VIRTIO_RENDER_RESP_ERR_UNSPEC = 0xe900;
/** `type` is not a command. */
export const VIRTIO_RENDER_RESP_ERR_COMMAND = 0xe901;
/** The request is shorter than its struct. */
export const VIRTIO_RENDER_RESP_ERR_LENGTH = 0xe902;
/** The feature bit of the command was not negotiated. */
export const VIRTIO_RENDER_RESP_ERR_FEATURE = 0xe903;
/** There is no such context, or there is one already. */
export const VIRTIO_RENDER_RESP_ERR_CONTEXT = 0xe904;
/** The fence id is not above that of the last fence of the context. */
export const VIRTIO_RENDER_RESP_ERR_FENCE = 0xe905;
/** There is no such import, or the id is 0 or in use. */
export const VIRTIO_RENDER_RESP_ERR_IMPORT = 0xe906;
/** No device exports an object with this UUID. */
export const VIRTIO_RENDER_RESP_ERR_UUID = 0xe907;
/** The layout is not a picture, or does not fit into the object. */
export const VIRTIO_RENDER_RESP_ERR_LAYOUT = 0xe908;
/** The list of pages is broken: fewer than announced, empty ones, outside of memory. */
export const VIRTIO_RENDER_RESP_ERR_PAGES = 0xe909;
/** A field has a value that it must not have. */
export const VIRTIO_RENDER_RESP_ERR_PARAMETER = 0xe90a;
/** A limit of the device is reached. */
export const VIRTIO_RENDER_RESP_ERR_LIMIT = 0xe90b;
/** The import may not be drawn into. */
export const VIRTIO_RENDER_RESP_ERR_READ_ONLY = 0xe90c;
/** The exporter took the object away. */
export const VIRTIO_RENDER_RESP_ERR_REVOKED = 0xe90d;
/** Bytes of the object are nowhere (any more). */
export const VIRTIO_RENDER_RESP_ERR_UNBACKED = 0xe90e;
/** The command was given up because its context was destroyed. */
export const VIRTIO_RENDER_RESP_ERR_CANCELED = 0xe90f;

/** Bit of virtio_render_hdr.flags: the response says that the command, and all before it in its context, are done. */
export const VIRTIO_RENDER_FLAG_FENCE = 1 << 0;

/** Bit of virtio_render_import_uuid.flags and virtio_render_import_pages.flags: a source of blits only. */
export const VIRTIO_RENDER_IMPORT_READ_ONLY = 1 << 0;

// Bits of virtio_render_resp_import.state.
export const VIRTIO_RENDER_STATE_READ_ONLY = 1 << 0;
export const VIRTIO_RENDER_STATE_REVOKED = 1 << 1;
/** The bytes are in guest memory; otherwise in the exporter's. */
export const VIRTIO_RENDER_STATE_GUEST_MEMORY = 1 << 2;

/** Bit of virtio_render_config.events_read and events_clear: an import was revoked. */
export const VIRTIO_RENDER_EVENT_REVOKED = 1 << 0;

/** A full turn in units of virtio_render_triangle.angle. */
export const VIRTIO_RENDER_TURN = 65536;
/** Coordinates of the two points of a gradient lie between the negative of this and this, in pixels. */
export const VIRTIO_RENDER_MAX_GRADIENT_COORDINATE = 32767;

export const virtio_render_config = /* @__PURE__ */ struct({
  events_read: le32,
  events_clear: le32,
  max_imports: le32,
  max_contexts: le32,
  max_commands: le32,
  max_dimension: le32,
  max_entries: le32,
  padding: le32,
  max_import_bytes: le64,
});
export const VIRTIO_RENDER_CONFIG = /* @__PURE__ */ offsetsOf(virtio_render_config);

/** Starts every request and every response. */
export const virtio_render_hdr = /* @__PURE__ */ struct({
  type: le32,
  flags: le32,
  fence_id: le64,
  ctx_id: le32,
  padding: le32,
});
export const VIRTIO_RENDER_HDR = /* @__PURE__ */ offsetsOf(virtio_render_hdr);

/** A rectangle in pixels. x and y are signed, in two's complement. */
export const virtio_render_rect = /* @__PURE__ */ struct({
  x: le32,
  y: le32,
  width: le32,
  height: le32,
});
export const VIRTIO_RENDER_RECT = /* @__PURE__ */ offsetsOf(virtio_render_rect);

/** How bytes make up a picture. `format` is one of VIRTIO_GPU_FORMAT_*. */
export const virtio_render_layout = /* @__PURE__ */ struct({
  format: le32,
  width: le32,
  height: le32,
  stride: le32,
  offset: le64,
});
export const VIRTIO_RENDER_LAYOUT = /* @__PURE__ */ offsetsOf(virtio_render_layout);

export const virtio_render_mem_entry = /* @__PURE__ */ struct({
  addr: le64,
  length: le32,
  padding: le32,
});
export const VIRTIO_RENDER_MEM_ENTRY = /* @__PURE__ */ offsetsOf(virtio_render_mem_entry);

/** Of VIRTIO_RENDER_CMD_CTX_CREATE, VIRTIO_RENDER_CMD_CTX_DESTROY and VIRTIO_RENDER_CMD_NOP. */
export const virtio_render_plain = /* @__PURE__ */ struct({ hdr: virtio_render_hdr });
export const VIRTIO_RENDER_PLAIN = /* @__PURE__ */ offsetsOf(virtio_render_plain);

export const virtio_render_import_uuid = /* @__PURE__ */ struct({
  hdr: virtio_render_hdr,
  import_id: le32,
  flags: le32,
  uuid: /* @__PURE__ */ bytes(16),
  layout: virtio_render_layout,
});
export const VIRTIO_RENDER_IMPORT_UUID = /* @__PURE__ */ offsetsOf(virtio_render_import_uuid);

/** `nr_entries` virtio_render_mem_entry structs follow. */
export const virtio_render_import_pages = /* @__PURE__ */ struct({
  hdr: virtio_render_hdr,
  import_id: le32,
  flags: le32,
  nr_entries: le32,
  padding: le32,
  layout: virtio_render_layout,
});
export const VIRTIO_RENDER_IMPORT_PAGES = /* @__PURE__ */ offsetsOf(virtio_render_import_pages);

/** Of VIRTIO_RENDER_CMD_RELEASE and VIRTIO_RENDER_CMD_GET_IMPORT. */
export const virtio_render_import_ref = /* @__PURE__ */ struct({
  hdr: virtio_render_hdr,
  import_id: le32,
  padding: le32,
});
export const VIRTIO_RENDER_IMPORT_REF = /* @__PURE__ */ offsetsOf(virtio_render_import_ref);

export const virtio_render_resp_import = /* @__PURE__ */ struct({
  hdr: virtio_render_hdr,
  state: le32,
  padding: le32,
  layout: virtio_render_layout,
  size: le64,
});
export const VIRTIO_RENDER_RESP_IMPORT = /* @__PURE__ */ offsetsOf(virtio_render_resp_import);

/** Colours are 0xAARRGGBB whatever the format of the target. */
export const virtio_render_fill = /* @__PURE__ */ struct({
  hdr: virtio_render_hdr,
  import_id: le32,
  color: le32,
  r: virtio_render_rect,
});
export const VIRTIO_RENDER_FILL = /* @__PURE__ */ offsetsOf(virtio_render_fill);

/** dst_x and dst_y are signed. */
export const virtio_render_blit = /* @__PURE__ */ struct({
  hdr: virtio_render_hdr,
  import_id: le32,
  src_import_id: le32,
  dst_x: le32,
  dst_y: le32,
  src: virtio_render_rect,
});
export const VIRTIO_RENDER_BLIT = /* @__PURE__ */ offsetsOf(virtio_render_blit);

/** x and y are signed. */
export const virtio_render_point = /* @__PURE__ */ struct({ x: le32, y: le32 });
export const VIRTIO_RENDER_POINT = /* @__PURE__ */ offsetsOf(virtio_render_point);

export const virtio_render_gradient = /* @__PURE__ */ struct({
  hdr: virtio_render_hdr,
  import_id: le32,
  padding: le32,
  r: virtio_render_rect,
  points: /* @__PURE__ */ array(virtio_render_point, 2),
  colors: /* @__PURE__ */ array(le32, 2),
});
export const VIRTIO_RENDER_GRADIENT = /* @__PURE__ */ offsetsOf(virtio_render_gradient);

export const virtio_render_triangle = /* @__PURE__ */ struct({
  hdr: virtio_render_hdr,
  import_id: le32,
  angle: le32,
  r: virtio_render_rect,
  colors: /* @__PURE__ */ array(le32, 3),
  padding: le32,
});
export const VIRTIO_RENDER_TRIANGLE = /* @__PURE__ */ offsetsOf(virtio_render_triangle);
