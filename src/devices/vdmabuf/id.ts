import { VIRTIO_VDMABUF_BUF_ID } from "../../wire/vdmabuf.ts";

/** What names a buffer: `vm id << 32 | counter`, and two random keys. Four unsigned 32-bit numbers. */
export interface VdmabufId {
  readonly vmId: number;
  readonly counter: number;
  readonly key0: number;
  readonly key1: number;
}

/**
 * True when all four parts are the same.
 *
 * @example
 * ```ts
 * const isIt = sameVdmabufId(buffer.id, wanted);
 * ```
 */
export function sameVdmabufId(a: VdmabufId, b: VdmabufId): boolean {
  return a.vmId === b.vmId && a.counter === b.counter && a.key0 === b.key0 && a.key1 === b.key1;
}

/**
 * The 16 bytes of an identifier on the wire, under which a shared object registry knows the buffer.
 *
 * @example
 * ```ts
 * const object = registry.get(vdmabufIdBytes(buffer.id));
 * ```
 */
export function vdmabufIdBytes(id: VdmabufId): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(VIRTIO_VDMABUF_BUF_ID.sizeBytes);
  const view = new DataView(bytes.buffer);
  view.setUint32(VIRTIO_VDMABUF_BUF_ID.counter, id.counter, true);
  view.setUint32(VIRTIO_VDMABUF_BUF_ID.vm_id, id.vmId, true);
  view.setUint32(VIRTIO_VDMABUF_BUF_ID.key0, id.key0, true);
  view.setUint32(VIRTIO_VDMABUF_BUF_ID.key1, id.key1, true);
  return bytes;
}

/**
 * An identifier for people: VM id and counter in decimal, the keys in hexadecimal.
 *
 * @example
 * ```ts
 * formatVdmabufId({ vmId: 1, counter: 7, key0: 0xab, key1: 0xcd }); // "1:7:000000ab:000000cd"
 * ```
 */
export function formatVdmabufId(id: VdmabufId): string {
  return `${id.vmId}:${id.counter}:${hex(id.key0)}:${hex(id.key1)}`;
}

function hex(key: number): string {
  return key.toString(16).padStart(8, "0");
}
