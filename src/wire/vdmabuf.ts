/**
 * Vdmabuf, a device that was proposed in 2021 and withdrawn: experimental, and not part of the specification. The
 * proposal put an in-kernel list head in front of its messages, so that they were no portable format; the
 * little-endian layout here is this project's own, described in src/devices/vdmabuf/PROTOCOL.md. Commands, operands,
 * identifiers and tables are those of the proposal.
 *
 * The device id, 37, is VIRTIO_ID_DMABUF.
 */
import { array, le32, le64, offsetsOf, struct } from "./schema.ts";

/** Indexes of the two virtqueues: messages of the host, messages of the guest. */
export const VIRTIO_VDMABUF_RECVQ = 0;
export const VIRTIO_VDMABUF_SENDQ = 1;

// Commands.
/** Guest to host: which VM am I? */
export const VIRTIO_VDMABUF_CMD_NEED_VMID = 0x00;
/** Guest to host: here is a buffer. */
export const VIRTIO_VDMABUF_CMD_EXPORT = 0x10;
/** Host to guest: the buffer is yours again. */
export const VIRTIO_VDMABUF_CMD_DMABUF_REL = 0x11;

/** Operands a message has room for. */
export const VIRTIO_VDMABUF_MAX_OPS = 64;

// Values of virtio_vdmabuf_reply.status.
export const VIRTIO_VDMABUF_S_OK = 0;
/** The message is shorter than its command needs, or longer than 64 operands. */
export const VIRTIO_VDMABUF_S_LENGTH = 1;
/** There is no such command from guest to host. */
export const VIRTIO_VDMABUF_S_COMMAND = 2;
/** The identifier belongs to another VM. */
export const VIRTIO_VDMABUF_S_VMID = 3;
/** The host holds this buffer already. */
export const VIRTIO_VDMABUF_S_HELD = 4;
/** The host holds a buffer of this number that has other keys. */
export const VIRTIO_VDMABUF_S_KEY = 5;
/** The host holds as many buffers or pages as it will. */
export const VIRTIO_VDMABUF_S_LIMIT = 6;
/** More private data than operands, or than the host takes. */
export const VIRTIO_VDMABUF_S_PRIVATE = 7;
/** Page count, offset or length out of range. */
export const VIRTIO_VDMABUF_S_RANGE = 8;
/** A table is not aligned, not in memory, or met again. */
export const VIRTIO_VDMABUF_S_TABLE = 9;
/** A page is not aligned, not in memory, or one of the tables. */
export const VIRTIO_VDMABUF_S_PAGE = 10;
/** Nobody on the host wants the buffer. */
export const VIRTIO_VDMABUF_S_IMPORT = 11;

/** Size in bytes of a page and of a table, and their alignment. */
export const VIRTIO_VDMABUF_PAGE_BYTES = 4096;
/** Addresses in one table. */
export const VIRTIO_VDMABUF_TABLE_ENTRIES = 512;
/** Pages that one top-level table of full second-level tables leads to: 1 GiB. */
export const VIRTIO_VDMABUF_MAX_PAGES = 262144;
/** Most private data in bytes: what the operands behind the tenth hold. */
export const VIRTIO_VDMABUF_MAX_PRIVATE_BYTES = 216;
/** Events that wait for whom they concern, in the proposal; one more drops the oldest. */
export const VIRTIO_VDMABUF_EVENTS = 32;

/** Operands 0 to 3: le64 `vm id << 32 | counter`, and two random keys. */
export const virtio_vdmabuf_buf_id = /* @__PURE__ */ struct({
  counter: le32,
  vm_id: le32,
  key0: le32,
  key1: le32,
});
export const VIRTIO_VDMABUF_BUF_ID = /* @__PURE__ */ offsetsOf(virtio_vdmabuf_buf_id);

/** Any message. Operands behind the last one in use are left out. */
export const virtio_vdmabuf_msg = /* @__PURE__ */ struct({
  cmd: le32,
  op: /* @__PURE__ */ array(le32, VIRTIO_VDMABUF_MAX_OPS),
});
export const VIRTIO_VDMABUF_MSG = /* @__PURE__ */ offsetsOf(virtio_vdmabuf_msg);

/** VIRTIO_VDMABUF_CMD_EXPORT; `private_size` bytes of private data follow. */
export const virtio_vdmabuf_export = /* @__PURE__ */ struct({
  cmd: le32,
  id: virtio_vdmabuf_buf_id,
  page_count: le32,
  first_page_offset: le32,
  last_page_length: le32,
  top_table_hi: le32,
  top_table_lo: le32,
  private_size: le32,
});
export const VIRTIO_VDMABUF_EXPORT = /* @__PURE__ */ offsetsOf(virtio_vdmabuf_export);

/** VIRTIO_VDMABUF_CMD_DMABUF_REL. */
export const virtio_vdmabuf_rel = /* @__PURE__ */ struct({ cmd: le32, id: virtio_vdmabuf_buf_id });
export const VIRTIO_VDMABUF_REL = /* @__PURE__ */ offsetsOf(virtio_vdmabuf_rel);

/** The answer to every message of the guest. `result` is the VM id and zeros, or the buffer's identifier. */
export const virtio_vdmabuf_reply = /* @__PURE__ */ struct({
  cmd: le32,
  result: /* @__PURE__ */ array(le32, 4),
  status: le32,
});
export const VIRTIO_VDMABUF_REPLY = /* @__PURE__ */ offsetsOf(virtio_vdmabuf_reply);

/** One address in a table of either level. */
export const virtio_vdmabuf_ref = /* @__PURE__ */ struct({ addr: le64 });
export const VIRTIO_VDMABUF_REF = /* @__PURE__ */ offsetsOf(virtio_vdmabuf_ref);

/**
 * Private data of a buffer that holds a picture: an agreement between exporter and importer, in which the device has
 * no part. Sizes and places in pixels, `stride` and `offset` in bytes, `format` one of VIRTIO_GPU_FORMAT_*.
 */
export const virtio_vdmabuf_image = /* @__PURE__ */ struct({
  width: le32,
  height: le32,
  stride: le32,
  offset: le32,
  format: le32,
  scanout_id: le32,
  damage_x: le32,
  damage_y: le32,
  damage_width: le32,
  damage_height: le32,
});
export const VIRTIO_VDMABUF_IMAGE = /* @__PURE__ */ offsetsOf(virtio_vdmabuf_image);

const STATUS_NAMES: readonly string[] = [
  "OK",
  "LENGTH",
  "COMMAND",
  "VMID",
  "HELD",
  "KEY",
  "LIMIT",
  "PRIVATE",
  "RANGE",
  "TABLE",
  "PAGE",
  "IMPORT",
];

/**
 * The name of a status, VIRTIO_VDMABUF_S_*; a status nobody defined in hexadecimal.
 *
 * @example
 * ```ts
 * vdmabufStatusName(0); // "VIRTIO_VDMABUF_S_OK"
 * ```
 */
export function vdmabufStatusName(status: number): string {
  const name = STATUS_NAMES[status];
  return name === undefined ? `0x${status.toString(16)}` : `VIRTIO_VDMABUF_S_${name}`;
}

/**
 * The name of a command, VIRTIO_VDMABUF_CMD_*; one that nobody defined in hexadecimal.
 *
 * @example
 * ```ts
 * vdmabufCommandName(0xffff); // "0xffff"
 * ```
 */
export function vdmabufCommandName(command: number): string {
  switch (command) {
    case VIRTIO_VDMABUF_CMD_NEED_VMID:
      return "VIRTIO_VDMABUF_CMD_NEED_VMID";
    case VIRTIO_VDMABUF_CMD_EXPORT:
      return "VIRTIO_VDMABUF_CMD_EXPORT";
    case VIRTIO_VDMABUF_CMD_DMABUF_REL:
      return "VIRTIO_VDMABUF_CMD_DMABUF_REL";
    default:
      return `0x${command.toString(16)}`;
  }
}
