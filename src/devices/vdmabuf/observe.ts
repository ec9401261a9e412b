import type { DescriptorChain } from "../../virtqueue/chain.ts";
import { vdmabufCommandName, vdmabufStatusName } from "../../wire/vdmabuf.ts";
import type { VdmabufId } from "./id.ts";

/** Everything about one message, for timelines, costs and logs. */
export interface VdmabufMessageRecord {
  readonly queue: "recv" | "send";
  /** Head of the descriptor chain (split) or buffer id (packed). */
  readonly head: number;
  readonly descriptors: number;
  readonly indirect: boolean;
  /** Lengths of the elements of the chain, in bytes. */
  readonly readable: readonly number[];
  readonly writable: readonly number[];
  /** Bytes of the message itself, without its reply: as the guest sent it, or as the device wrote it. */
  readonly messageBytes: number;
  /** VIRTIO_VDMABUF_CMD_*, or the number in hexadecimal. */
  readonly name: string;
  readonly command: number;
  /** The buffer it is about, null when it names none. */
  readonly id: VdmabufId | null;
  /** VIRTIO_VDMABUF_S_*, null for a message that carries no status. */
  readonly status: string | null;
  /** Why it was refused, empty on success. */
  readonly reason: string;
  /** Bytes of tables that were read for it. */
  readonly tableBytes: number;
  /** Bytes written to the chain; the used length. */
  readonly writtenBytes: number;
}

/** Receives every message once its chain is done with. It must not throw. */
export type VdmabufMessageObserver = (record: VdmabufMessageRecord) => void;

/** What only the device knows about a message. */
export interface MessageFacts {
  readonly messageBytes: number;
  readonly command: number;
  readonly id: VdmabufId | null;
  /** -1 for none. */
  readonly status: number;
  readonly reason: string;
  readonly tableBytes: number;
  readonly writtenBytes: number;
}

/** The record of a message whose chain has not been pushed yet. */
export function describeMessage(
  queue: "recv" | "send",
  chain: DescriptorChain,
  facts: MessageFacts,
): VdmabufMessageRecord {
  const lengths = Array.from(chain.segments.lengths.subarray(0, chain.segments.count));
  return {
    queue,
    head: chain.head,
    descriptors: chain.descriptorCount,
    indirect: chain.indirect,
    readable: lengths.slice(0, chain.readableCount),
    writable: lengths.slice(chain.readableCount),
    messageBytes: facts.messageBytes,
    name: vdmabufCommandName(facts.command),
    command: facts.command,
    id: facts.id,
    status: facts.status < 0 ? null : vdmabufStatusName(facts.status),
    reason: facts.reason,
    tableBytes: facts.tableBytes,
    writtenBytes: facts.writtenBytes,
  };
}
