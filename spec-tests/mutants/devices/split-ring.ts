import { type Mutant, mutant } from "../../support/mutants/mutant.ts";

const SPLIT = "src/virtqueue/split.ts";
const CHAIN = "src/virtqueue/chain.ts";
const DEVICE = "src/device/virtio-device.ts";
const PROTOCOL = "src/devices/gpu/protocol.ts";

const clause = (section: string, number: number): string => `split-ring.device.${section}.${number}`;
const FRAMING = [clause("message-framing", 1)];
const NOT_READABLE = [clause("the-virtqueue-descriptor-table", 1)];
const NOT_THE_TABLE = [clause("the-virtqueue-descriptor-table", 2)];
const WRITE_FLAG = [clause("indirect-descriptors", 1)];
const AFTER_DIRECT = [clause("indirect-descriptors", 2)];
const used = (number: number): string[] => [clause("used-buffer-notification-suppression", number)];
const available = (number: number): string[] => [clause("available-buffer-notification-suppression", number)];
const LENGTH_FIRST = [clause("the-virtqueue-used-ring", 1)];
const BYTES_FIRST = [clause("the-virtqueue-used-ring", 2)];

const EVENT_PASSED = "return ((used - event - 1) & 0xffff) < ((used - old) & 0xffff);";
const NO_INTERRUPT = "return (this.readAvail(this.availFlags) & VIRTQ_AVAIL_F_NO_INTERRUPT) === 0;";
const PUBLISHED = "this.published = used;";
/** Where the length of the used element written last stands. */
const LAST_LENGTH = "((this.usedRingWord + (((used - 1) & this.mask) << 1) + 1) | 0)";
const ENTERS_TABLE = "chain.indirect = true;";

/** Split rings, and what is done with their chains, with one rule broken each. */
export const SPLIT_RING_MUTANTS: readonly Mutant[] = [
  mutant(
    "wants-one-readable-descriptor",
    FRAMING,
    PROTOCOL,
    "this.lengthBytes = chain.readHead(this.scratch);",
    "this.lengthBytes = chain.readableCount === 1 ? chain.readHead(this.scratch) : 0;",
  ),
  mutant(
    "takes-descriptors-for-neighbours",
    FRAMING,
    SPLIT,
    "index = flagsNext >>> 16;",
    "index = (index + 1) % entries;",
  ),
  mutant(
    "takes-four-descriptors-at-most",
    FRAMING,
    SPLIT,
    "if (++count > this.maxElements)",
    "if (++count > 4)",
  ),
  mutant(
    "leaves-out-the-last-descriptor",
    FRAMING,
    SPLIT,
    "if ((flagsNext & VIRTQ_DESC_F_NEXT) === 0) break;",
    "if ((flagsNext & VIRTQ_DESC_F_NEXT) === 0 || count === 5) break;",
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
    PROTOCOL,
    "this.chain = chain;",
    "this.chain = chain; const { regions, offsets } = chain.segments; regions[0].u8[offsets[0] + 20] ^= 1;",
  ),
  mutant(
    "changes-descriptors",
    NOT_THE_TABLE,
    SPLIT,
    PUBLISHED,
    `${PUBLISHED} this.desc32[(this.descWord + ((used & this.mask) << 2) + 2) | 0] ^= 1;`,
  ),
  mutant(
    "marks-indirect-tables",
    NOT_THE_TABLE,
    SPLIT,
    ENTERS_TABLE,
    `${ENTERS_TABLE} const known = this.openTable(hi, lo, lengthBytes, head); if (known) this.table32[this.tableWord + 4 * this.tableEntries - 1] |= 0x80000000;`,
  ),
  mutant(
    "refuses-the-write-flag-of-a-table",
    WRITE_FLAG,
    SPLIT,
    ENTERS_TABLE,
    `if ((flags & VIRTQ_DESC_F_WRITE) !== 0) return this.fail("indirect-with-next", head, flags); ${ENTERS_TABLE}`,
  ),
  mutant(
    "takes-a-table-for-a-buffer-when-it-may-write",
    WRITE_FLAG,
    SPLIT,
    "if ((flagsNext & VIRTQ_DESC_F_INDIRECT) !== 0) {",
    "if ((flagsNext & VIRTQ_DESC_F_INDIRECT) !== 0 && (flagsNext & VIRTQ_DESC_F_WRITE) === 0) {",
  ),
  mutant(
    "refuses-a-table-behind-descriptors",
    AFTER_DIRECT,
    SPLIT,
    "if ((flagsNext & VIRTQ_DESC_F_INDIRECT) !== 0) {",
    'if ((flagsNext & VIRTQ_DESC_F_INDIRECT) !== 0) { if (count > 0) return this.fail("indirect-with-next", head, count);',
  ),
  mutant(
    "forgets-descriptors-before-a-table",
    AFTER_DIRECT,
    SPLIT,
    ENTERS_TABLE,
    `chain.clear(); ${ENTERS_TABLE}`,
  ),
  mutant(
    "takes-one-descriptor-before-a-table-at-most",
    AFTER_DIRECT,
    SPLIT,
    "if ((flagsNext & VIRTQ_DESC_F_INDIRECT) !== 0) {",
    'if ((flagsNext & VIRTQ_DESC_F_INDIRECT) !== 0) { if (count > 1) return this.fail("indirect-with-next", head, count);',
  ),
  mutant(
    "goes-by-used-event-all-the-same",
    used(1),
    SPLIT,
    "if (this.eventIdx === true) {",
    "if (Boolean(this)) {",
  ),
  mutant("notifies-against-the-flag", used(2), SPLIT, NO_INTERRUPT, "return true;"),
  mutant("never-notifies", used(3), SPLIT, NO_INTERRUPT, "return false;"),
  mutant(
    "notifies-of-batches-only",
    used(3),
    SPLIT,
    NO_INTERRUPT,
    `if (((used - old) & 0xffff) === 1) return false; ${NO_INTERRUPT}`,
  ),
  mutant(
    "goes-by-the-flag-all-the-same",
    used(4),
    SPLIT,
    EVENT_PASSED,
    `if ((this.readAvail(this.availFlags) & 1) !== 0) return false; ${EVENT_PASSED}`,
  ),
  mutant(
    "takes-the-flag-for-a-wish",
    used(4),
    SPLIT,
    EVENT_PASSED,
    `if ((this.readAvail(this.availFlags) & 1) !== 0) return true; ${EVENT_PASSED}`,
  ),
  mutant(
    "looks-at-the-last-of-a-batch-only",
    used(5),
    SPLIT,
    EVENT_PASSED,
    "return ((used - event - 1) & 0xffff) === 0;",
  ),
  mutant("looks-at-the-first-of-a-batch-only", used(5), SPLIT, EVENT_PASSED, "return event === old;"),
  mutant(
    "compares-events-without-coming-round",
    used(5),
    SPLIT,
    EVENT_PASSED,
    "return event >= old && event < used;",
  ),
  mutant(
    "is-one-off-with-used-event",
    used(5),
    SPLIT,
    EVENT_PASSED,
    "return ((used - event) & 0xffff) < ((used - old) & 0xffff);",
  ),
  mutant("notifies-whatever-used-event-says", used(6), SPLIT, EVENT_PASSED, "return event >= 0;"),
  mutant(
    "notifies-from-used-event-on",
    used(6),
    SPLIT,
    EVENT_PASSED,
    "return ((used - event - 1) & 0xffff) < 0x8000;",
  ),
  mutant(
    "writes-the-length-with-the-next-one",
    LENGTH_FIRST,
    SPLIT,
    PUBLISHED,
    `${PUBLISHED} const at = ${LAST_LENGTH}; const length = this.used32[at]; this.used32[at] = 0xffffffff; if (this.lateAt !== undefined) this.used32[this.lateAt] = this.late; this.lateAt = at; this.late = length;`,
  ),
  mutant(
    "writes-no-length",
    LENGTH_FIRST,
    SPLIT,
    PUBLISHED,
    `${PUBLISHED} this.used32[${LAST_LENGTH}] = 0xffffffff;`,
  ),
  mutant(
    "writes-less-than-it-says",
    BYTES_FIRST,
    PROTOCOL,
    "let written = head === 0 ? 0 : chain.writeHead(this.scratch, head);",
    "let written = head; if (head !== 0) chain.writeHead(this.scratch, head - 4);",
  ),
  mutant(
    "writes-with-the-next-request",
    BYTES_FIRST,
    "src/devices/rng/device.ts",
    "const written = chain.write(0, bytes, 0, bytes.length);",
    "const written = bytes.length; const last = chain.segments; if (this.last) this.last[0].fill(1, this.last[1], this.last[1] + 1); this.last = [last.regions[0].u8, last.offsets[0]];",
  ),
  mutant(
    "sets-flags-to-2",
    available(1),
    SPLIT,
    PUBLISHED,
    `${PUBLISHED} this.writeUsedHalf(this.usedFlags, 2);`,
  ),
  mutant(
    "wants-no-notification-and-does-not-look",
    available(2),
    SPLIT,
    PUBLISHED,
    `${PUBLISHED} this.writeUsedHalf(this.usedFlags, 1);`,
  ),
  mutant(
    "sets-the-flag-beside-avail-event",
    available(3),
    SPLIT,
    PUBLISHED,
    `${PUBLISHED} if (this.eventIdx) this.writeUsedHalf(this.usedFlags, 1);`,
  ),
  mutant(
    "asks-for-the-buffer-after-the-next",
    available(4),
    SPLIT,
    "this.writeUsedHalf(this.usedFlags + 2 + 4 * this.size, this.next);",
    "this.writeUsedHalf(this.usedFlags + 2 + 4 * this.size, this.next + 1);",
  ),
  mutant(
    "takes-a-spurious-notification-amiss",
    available(5),
    DEVICE,
    "this.counters.notifications++;",
    'this.counters.notifications++; const one = this.#queues.queue(index); if (one !== null && index === 0) { const at = one.progress().nextAvail; this.#queues.drain(index); if (one.progress().nextAvail === at && one.fault === null) this.#needsReset("spurious"); return; }',
  ),
  mutant(
    "uses-a-buffer-more-when-there-is-none",
    available(5),
    SPLIT,
    "if (used === old) return false;",
    "if (used === old) { if (used !== 0) this.writeUsedHalf((this.usedFlags + 1) | 0, (used + 1) & 0xffff); return false; }",
  ),
];
