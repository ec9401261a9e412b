import { le32 } from "../../base/endian.ts";
import { type DescriptorChain, Scratch } from "../../virtqueue/chain.ts";
import {
  VIRTIO_VDMABUF_CMD_DMABUF_REL,
  VIRTIO_VDMABUF_REL,
  VIRTIO_VDMABUF_REPLY,
} from "../../wire/vdmabuf.ts";
import { sameVdmabufId, type VdmabufId } from "./id.ts";

/** A message to the guest. */
export interface VdmabufEvent {
  readonly command: number;
  /** Operands 0 to 3. */
  readonly id: VdmabufId;
  /** Operand 4; -1 for a message without status, which is shorter. */
  readonly status: number;
}

/** Messages that wait for room in the receive queue. One too many drops the oldest, as in the proposal. */
export class EventQueue {
  /** Events that nobody will ever see. */
  dropped = 0;
  readonly #capacity: number;
  readonly #events: VdmabufEvent[] = [];
  readonly #scratch = new Scratch(VIRTIO_VDMABUF_REPLY.sizeBytes);

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get count(): number {
    return this.#events.length;
  }

  /** The oldest, or null. */
  get first(): VdmabufEvent | null {
    return this.#events[0] ?? null;
  }

  list(): readonly VdmabufEvent[] {
    return this.#events;
  }

  push(event: VdmabufEvent): void {
    if (this.#events.length >= this.#capacity) {
      this.#events.shift();
      this.dropped++;
    }
    this.#events.push(event);
  }

  shift(): void {
    this.#events.shift();
  }

  clear(): void {
    this.#events.length = 0;
  }

  /**
   * A buffer is exported anew: a release of before must not be mistaken for one of now. Returns what brings it back, to
   * where it was, should the export be refused.
   */
  forgetRelease(id: VdmabufId): () => void {
    const at = this.#events.findIndex(
      (event) => event.command === VIRTIO_VDMABUF_CMD_DMABUF_REL && sameVdmabufId(event.id, id),
    );
    const next = this.#events[at + 1];
    const [forgotten] = at >= 0 ? this.#events.splice(at, 1) : [];
    return () => {
      if (forgotten === undefined) return;
      const before = next === undefined ? -1 : this.#events.indexOf(next);
      // Those that were before it may have gone meanwhile, those behind it may not: they are in order.
      if (before >= 0) this.#events.splice(before, 0, forgotten);
      else this.#events.splice(next === undefined ? Math.min(at, this.#events.length) : 0, 0, forgotten);
    };
  }

  /** Writes a message to the chain, as far as there is room; returns the bytes written. */
  write(event: VdmabufEvent, chain: DescriptorChain): number {
    const words = this.#scratch.u32;
    words[0] = le32(event.command);
    words[1] = le32(event.id.counter);
    words[2] = le32(event.id.vmId);
    words[3] = le32(event.id.key0);
    words[4] = le32(event.id.key1);
    words[5] = le32(event.status);
    return chain.writeHead(this.#scratch, Math.min(lengthOf(event), chain.writableBytes));
  }
}

/** Length of a message in bytes. */
export function lengthOf(event: VdmabufEvent): number {
  return event.status < 0 ? VIRTIO_VDMABUF_REL.sizeBytes : VIRTIO_VDMABUF_REPLY.sizeBytes;
}
