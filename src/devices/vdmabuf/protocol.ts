import { le32 } from "../../base/endian.ts";
import { type DescriptorChain, Scratch } from "../../virtqueue/chain.ts";
import { VIRTIO_VDMABUF_BUF_ID, VIRTIO_VDMABUF_EXPORT, VIRTIO_VDMABUF_MSG } from "../../wire/vdmabuf.ts";
import type { VdmabufId } from "./id.ts";

const { sizeBytes: MESSAGE_BYTES } = VIRTIO_VDMABUF_MSG;
const ID_END = VIRTIO_VDMABUF_EXPORT.id + VIRTIO_VDMABUF_BUF_ID.sizeBytes;
const NO_ID: VdmabufId = { vmId: 0, counter: 0, key0: 0, key1: 0 };

/**
 * One message of the guest, copied out of guest memory once: whatever the guest does to its buffer afterwards, the
 * device sees these bytes only.
 */
export class GuestMessage {
  /** Length in bytes of the whole message, which may be more than there is a place for. */
  lengthBytes = 0;
  /** Bytes that were not sent are zero. */
  command = 0;
  readonly #scratch = new Scratch(MESSAGE_BYTES);

  /** Copies the message. */
  load(chain: DescriptorChain): void {
    this.lengthBytes = chain.readableBytes;
    // What is left of an earlier message must not be taken for a part of this one.
    this.#scratch.u32.fill(0);
    chain.readHead(this.#scratch);
    this.command = this.u32(VIRTIO_VDMABUF_MSG.cmd);
  }

  /** True when the message is no longer than messages can be, and has `lengthBytes` bytes. */
  has(lengthBytes: number): boolean {
    return this.lengthBytes <= MESSAGE_BYTES && this.lengthBytes >= lengthBytes;
  }

  /** The le32 field at a byte offset that is a multiple of 4. Unsigned. */
  u32(offset: number): number {
    return le32(this.#scratch.u32[offset >>> 2] as number) >>> 0;
  }

  /** Operands 0 to 3; zeros when the message ends before them. */
  get id(): VdmabufId {
    if (!this.has(ID_END)) return NO_ID;
    const at = VIRTIO_VDMABUF_EXPORT.id;
    return {
      vmId: this.u32(at + VIRTIO_VDMABUF_BUF_ID.vm_id),
      counter: this.u32(at + VIRTIO_VDMABUF_BUF_ID.counter),
      key0: this.u32(at + VIRTIO_VDMABUF_BUF_ID.key0),
      key1: this.u32(at + VIRTIO_VDMABUF_BUF_ID.key1),
    };
  }

  /** A copy of what follows the fixed part of an EXPORT. */
  privateData(lengthBytes: number): Uint8Array<ArrayBuffer> {
    const start = VIRTIO_VDMABUF_EXPORT.sizeBytes;
    return this.#scratch.u8.slice(start, start + lengthBytes);
  }
}
