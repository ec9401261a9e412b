import { type Mutant, mutant } from "../../support/mutants/mutant.ts";

const PACKED = "src/virtqueue/packed.ts";
const CHAIN = "src/virtqueue/chain.ts";
const COMMANDS = "src/devices/gpu/queue/command-queue.ts";

const IN_ORDER = ["packed-ring.device.packed-virtqueues.1"];
const WRITTEN_IN_ORDER = ["packed-ring.device.packed-virtqueues.2"];
const NOT_READABLE = ["packed-ring.device.the-virtqueue-descriptor-table.1"];
const ONLY_AVAILABLE = ["packed-ring.device.the-virtqueue-descriptor-table.2"];
const NOT_AFTER_USED = ["packed-ring.device.the-virtqueue-descriptor-table.3"];
const LIST_IN_ORDER = ["packed-ring.device.scatter-gather-support.1"];
const DRIVER_EVENTS = ["packed-ring.prose.receiving-used-buffers-from-the-device.1"];
const DEVICE_EVENTS = ["packed-ring.prose.sending-available-buffer-notifications.1"];

const TAKES_ONE =
  "const chain = queue.pop();\n      if (chain === null) return;\n      this.#process(index, queue, chain);";
/** In flush: where the batch that is shown begins. */
const FIRST = "const first = this.firstPosition;";
const IS_AVAILABLE = "if (((idFlags >>> 16) & AVAIL_USED) === this.availMark) return";
const DISTANCE = "return distance < passed;";

/** Packed rings, and what is done with their lists, with one rule broken each. */
export const PACKED_RING_MUTANTS: readonly Mutant[] = [
  mutant(
    "begins-with-the-newest",
    IN_ORDER,
    COMMANDS,
    TAKES_ONE,
    "const all = []; for (let one = queue.pop(); one !== null; one = queue.pop()) all.push(one); if (all.length === 0) return; for (const one of all.reverse()) this.#process(index, queue, one);",
  ),
  mutant(
    "takes-them-in-pairs",
    IN_ORDER,
    COMMANDS,
    TAKES_ONE,
    "const chain = queue.pop(); if (chain === null) return; const after = queue.pop(); if (after !== null) this.#process(index, queue, after); this.#process(index, queue, chain);",
  ),
  mutant(
    "marks-a-descriptor-too-far",
    WRITTEN_IN_ORDER,
    PACKED,
    FIRST,
    "const first = (this.firstPosition + 1) % this.size;",
  ),
  mutant(
    "moves-on-by-one-whatever-the-list",
    WRITTEN_IN_ORDER,
    PACKED,
    "chain.ringSlots = slots;\n    chain.descriptorCount = slots;\n    chain.state = CHAIN_IN_FLIGHT;",
    "chain.ringSlots = 1;\n    chain.descriptorCount = slots;\n    chain.state = CHAIN_IN_FLIGHT;",
  ),
  mutant(
    "keeps-the-wrap-counter-of-used-descriptors",
    WRITTEN_IN_ORDER,
    PACKED,
    "this.usedMark ^= AVAIL_USED;",
    "this.usedMark = AVAIL_USED;",
  ),
  mutant(
    "answers-into-the-request",
    NOT_READABLE,
    CHAIN,
    "return segments.copyIn(first, segments.count, position,",
    "return segments.copyIn(0 * first, segments.count, position,",
  ),
  mutant(
    "leaves-a-mark-in-the-request",
    NOT_READABLE,
    "src/devices/gpu/protocol.ts",
    "this.chain = chain;",
    "this.chain = chain; const { regions, offsets } = chain.segments; regions[0].u8[offsets[0] + 20] ^= 1;",
  ),
  mutant(
    "looks-at-the-avail-bit-alone",
    ONLY_AVAILABLE,
    PACKED,
    IS_AVAILABLE,
    "if (((idFlags >>> 16) & VIRTQ_DESC_F_AVAIL) === (this.availMark & VIRTQ_DESC_F_AVAIL)) return",
  ),
  mutant(
    "looks-at-the-used-bit-alone",
    ONLY_AVAILABLE,
    PACKED,
    IS_AVAILABLE,
    "if (((idFlags >>> 16) & VIRTQ_DESC_F_USED) === (this.availMark & VIRTQ_DESC_F_USED)) return",
  ),
  mutant(
    "takes-lists-that-are-not-complete",
    ONLY_AVAILABLE,
    PACKED,
    "if (((idFlags >>> 16) & AVAIL_USED) !== mark)",
    "if (((idFlags >>> 16) & AVAIL_USED) !== mark && slots < 0)",
  ),
  mutant(
    "touches-up-the-last-used-descriptor",
    NOT_AFTER_USED,
    PACKED,
    FIRST,
    `${FIRST} if (first > 0) this.desc32[(this.descWord + ((first - 1) << 2) + 2) | 0] = 0;`,
  ),
  mutant(
    "touches-up-a-used-descriptor-when-notified",
    NOT_AFTER_USED,
    PACKED,
    "this.openDrain();",
    "this.openDrain(); if (this.next > 0) this.desc32[(this.descWord + ((this.next - 1) << 2) + 2) | 0] = 0;",
  ),
  mutant(
    "reads-tables-backwards",
    LIST_IN_ORDER,
    PACKED,
    "let at = this.tableWord;",
    "let at = this.tableWord; { const copy = words.slice(at, at + 4 * entries); for (let i = 0; i < entries; i++) words.set(copy.subarray(4 * i, 4 * i + 4), at + 4 * (entries - 1 - i)); }",
  ),
  mutant(
    "swaps-the-second-and-third-descriptor",
    LIST_IN_ORDER,
    PACKED,
    "const at = this.descWord + (position << 2);\n      const lo",
    "const at = this.descWord + (((slots === 2 || slots === 3) && first + 3 < this.size ? 2 * first + 3 - position : position) << 2);\n      const lo",
  ),
  mutant(
    "does-not-come-round-within-a-list",
    LIST_IN_ORDER,
    PACKED,
    "        mark ^= AVAIL_USED;",
    "        mark ^= 0;",
  ),
  mutant(
    "takes-the-id-of-the-first-descriptor",
    LIST_IN_ORDER,
    PACKED,
    "chain.head = idFlags & 0xffff;\n    chain.ringSlots = slots;",
    "chain.head = firstIdFlags & 0xffff;\n    chain.ringSlots = slots;",
  ),
  mutant(
    "notifies-of-batches-against-the-flags",
    DRIVER_EVENTS,
    PACKED,
    "if (events === RING_EVENT_FLAGS_DISABLE) return false;",
    "if (events === RING_EVENT_FLAGS_DISABLE) return passed > 1;",
  ),
  mutant("never-reaches-the-event", DRIVER_EVENTS, PACKED, DISTANCE, "return distance < 0;"),
  mutant("always-reaches-the-event", DRIVER_EVENTS, PACKED, DISTANCE, "return distance >= 0;"),
  mutant("is-one-off-with-the-event", DRIVER_EVENTS, PACKED, DISTANCE, "return distance <= passed;"),
  mutant("looks-at-the-first-of-a-batch-only", DRIVER_EVENTS, PACKED, DISTANCE, "return distance === 0;"),
  mutant(
    "ignores-the-events-wrap-counter",
    DRIVER_EVENTS,
    PACKED,
    "(offWrap >>> 15 === firstWrap ? 0 : lap)",
    "0",
  ),
  mutant(
    "asks-for-the-other-round",
    DEVICE_EVENTS,
    PACKED,
    "this.writeDevice(0, offWrap);",
    "this.writeDevice(0, offWrap ^ 0x8000);",
  ),
  mutant(
    "wants-no-notification-and-does-not-look",
    DEVICE_EVENTS,
    PACKED,
    FIRST,
    `${FIRST} this.writeDevice(1, RING_EVENT_FLAGS_DISABLE);`,
  ),
];
