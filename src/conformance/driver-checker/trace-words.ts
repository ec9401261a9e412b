import type { TraceEvent } from "../../base/trace.ts";
import type { Findings } from "./findings.ts";
import type { RuleContext } from "./rules/rule.ts";
import { hex } from "./violation.ts";

/** What a fault of a queue means to the author of a driver, and which reports of the checker's own say the same. */
interface FaultWords {
  /** `value` is the offending number, `head` the chain's head or its first slot. */
  readonly words: (value: number, head: number) => string;
  readonly saidBy: readonly string[];
}

const FAULTS: Readonly<Record<string, FaultWords>> = {
  "queue-size": {
    words: (value) => `its size is ${value}: it has to be a power of two from 1 to the device's maximum`,
    saidBy: [
      "hint.queue-size",
      "transport-mmio.driver.mmio-device-register-layout.9",
      "transport-pci.driver.common-configuration-structure-layout.2",
      "transport-pci.driver.common-configuration-structure-layout.3",
    ],
  },
  "ring-misaligned": {
    words: (value) => `one of its areas is not aligned, at …${hex(value)}`,
    saidBy: ["split-ring.driver.virtqueues.1", "packed-ring.driver.packed-virtqueues.1"],
  },
  "ring-out-of-range": {
    words: (value) => `one of its areas is not in memory, at …${hex(value)}`,
    saidBy: ["hint.area-not-in-memory"],
  },
  "avail-idx-jump": {
    words: (value) => `the available index jumped to ${hex(value)}, further than there are descriptors`,
    saidBy: ["split-ring.driver.the-virtqueue-available-ring.1", "hint.available-index-jumps"],
  },
  "head-out-of-range": {
    words: (value) => `the available ring names descriptor ${value}, which the queue does not have`,
    saidBy: ["hint.head-out-of-range"],
  },
  "buffer-in-flight": {
    words: (value) => `buffer ${value} was made available again while the device still holds it`,
    saidBy: ["hint.buffer-in-flight", "content.driver.device-cleanup.1"],
  },
  "next-out-of-range": {
    words: (value) => `a descriptor says next ${value}, which its table does not have`,
    saidBy: ["hint.next-out-of-range"],
  },
  "chain-too-long": {
    words: (_value, head) => `the chain from descriptor ${head} on goes in circles, or is too long`,
    saidBy: [
      "split-ring.driver.the-virtqueue-descriptor-table.1",
      "split-ring.driver.indirect-descriptors.3",
      "packed-ring.driver.scatter-gather-support.2",
      "packed-ring.driver.scatter-gather-support.5",
      "packed-ring.driver.indirect-descriptors.3",
    ],
  },
  "chain-bytes-overflow": {
    words: (_value, head) => `the chain from descriptor ${head} on holds more than 2^32 bytes`,
    saidBy: ["split-ring.driver.the-virtqueue-descriptor-table.1"],
  },
  "readable-after-writable": {
    words: (_value, head) =>
      `in the chain from descriptor ${head} on the device may read an element behind one it may write`,
    saidBy: ["split-ring.driver.message-framing.1", "packed-ring.driver.scatter-gather-support.3"],
  },
  "indirect-not-negotiated": {
    words: (_value, head) => `descriptor ${head} is an indirect table without VIRTIO_F_INDIRECT_DESC`,
    saidBy: ["split-ring.driver.indirect-descriptors.1", "packed-ring.driver.indirect-descriptors.1"],
  },
  "indirect-nested": {
    words: (_value, head) => `the table of descriptor ${head} holds another table`,
    saidBy: ["split-ring.driver.indirect-descriptors.2", "packed-ring.driver.indirect-descriptors.2"],
  },
  "indirect-with-next": {
    words: (_value, head) => `descriptor ${head} is an indirect table and part of a longer chain`,
    saidBy: ["split-ring.driver.indirect-descriptors.4", "packed-ring.driver.indirect-descriptors.4"],
  },
  "indirect-length": {
    words: (value) => `an indirect table of ${value} bytes: 16 for each descriptor, and at least one`,
    saidBy: ["hint.table-length"],
  },
  "indirect-out-of-range": {
    words: (value) => `an indirect table is not in memory, at …${hex(value)}`,
    saidBy: ["hint.table-not-in-memory"],
  },
  "zero-length": {
    words: (_value, head) => `the chain from descriptor ${head} on holds an element of length 0`,
    saidBy: ["hint.empty-descriptor"],
  },
  "list-incomplete": {
    words: (_value, head) => `the list from descriptor ${head} on is available before its last descriptor is`,
    saidBy: ["packed-ring.driver.scatter-gather-support.6"],
  },
};

/** Buffers that are not memory, under whatever code. */
const NOT_IN_MEMORY = "content.driver.reserved-feature-bits.4";

/** Puts what the device says of itself into the timeline; why a queue stopped is a hint, unless a rule has said so. */
export function noteTrace(
  context: RuleContext,
  findings: Findings,
  { source, kind, detail }: TraceEvent,
): void {
  const shown = Object.entries(detail).map(
    ([name, value]) => `${name} ${typeof value === "number" && value > 9 ? hex(value) : value}`,
  );
  context.note(`${source}: ${[kind, ...shown].join(", ")}`);
  if (kind !== "queue-fault") return;
  const { queue, code, head, value } = detail;
  if (typeof queue !== "number" || typeof code !== "string") return;
  const known = FAULTS[code];
  const saidBy = known?.saidBy ?? [NOT_IN_MEMORY];
  if (saidBy.some((id) => findings.reported(id, queue))) return;
  const words = known?.words(Number(value), Number(head)) ?? `the device says ${code}`;
  context.hint("queue-stopped", queue, `the device stopped queue ${queue}: ${words}`);
}
