import { mutantsOf, type SourceMutant } from "../../support/mutants/source-mutant.ts";
import { withoutAtomics } from "./atomics.ts";

const TESTS = ["spec-tests/unit/virtqueue/shared-memory.test.ts"];
const SPLIT = "src/virtqueue/split.ts";
const PACKED = "src/virtqueue/packed.ts";

/** The device's rings without atomic accesses, or with the right ones in the wrong order. */
export const DEVICE_RING_MUTANTS: readonly SourceMutant[] = [
  ...withoutAtomics(SPLIT, TESTS),
  ...withoutAtomics(PACKED, TESTS),
  ...mutantsOf(SPLIT, TESTS, [
    [
      "split-shared-used-ring-taken-for-unshared",
      "this.usedShared = used.region.shared;",
      "this.usedShared = false;",
    ],
    [
      "split-shared-available-ring-taken-for-unshared",
      "this.availPlain = HOST_IS_LITTLE_ENDIAN && !avail.region.shared;",
      "this.availPlain = HOST_IS_LITTLE_ENDIAN;",
    ],
    [
      "split-unshared-ring-taken-for-shared",
      "this.usedShared = used.region.shared;",
      "this.usedShared = true;",
      "memory of one thread",
    ],
    [
      "split-index-published-with-each-entry",
      "    this.used = (used + 1) & 0xffff;\n    this.held[head] = 0;\n    this.free(chain);\n",
      "    this.used = (used + 1) & 0xffff;\n    this.writeUsedHalf((this.usedFlags + 1) | 0, this.used);\n    this.held[head] = 0;\n    this.free(chain);\n",
      "lie there before the index",
    ],
    [
      "split-entries-written-behind-the-index",
      "    words[at] = head;\n    words[(at + 1) | 0] = writtenBytes;\n",
      "    queueMicrotask(() => { words[at] = head; words[(at + 1) | 0] = writtenBytes; });\n",
      "lie there before the index",
    ],
    [
      "split-event-index-read-before-the-used-index-is-shown",
      `    this.writeUsedHalf((this.usedFlags + 1) | 0, used);
    this.published = used;
    if (this.onUsedWrite !== null) this.onUsedWrite(this.usedOffset, this.usedBytes);
`,
      `    const early = this.eventIdx ? this.readAvail((this.availRing + this.size) | 0) : this.readAvail(this.availFlags);
    this.writeUsedHalf((this.usedFlags + 1) | 0, used);
    this.published = used;
    if (this.eventIdx) return ((used - early - 1) & 0xffff) < ((used - old) & 0xffff);
    if (!this.notifyOnEmpty) return (early & VIRTQ_AVAIL_F_NO_INTERRUPT) === 0;
`,
    ],
    [
      "split-drain-looks-before-it-asks-for-notifications",
      `  private askForNotification(): boolean {
`,
      `  private askForNotification(): boolean {
    if (this.sawEmpty && !this.hasNext) this.sawEmpty = false;
`,
      "looks once more",
    ],
    [
      "split-drain-looks-again-though-it-was-never-empty",
      "    if (!this.sawEmpty) return false;\n",
      "",
      "does not look again",
    ],
  ]),
  ...mutantsOf(PACKED, TESTS, [
    [
      "packed-drain-looks-again-though-it-was-never-empty",
      "    if (!this.sawEmpty) return false;\n",
      "",
      "does not look again",
    ],
    [
      "packed-drain-looks-before-it-asks-for-notifications",
      `  private askForNotification(): boolean {
`,
      `  private askForNotification(): boolean {
    if (this.sawEmpty && !this.hasNext) this.sawEmpty = false;
`,
      "looks once more",
    ],
    [
      "packed-descriptor-read-before-its-flags",
      `    const flags = le16(Atomics.load(this.desc16, this.descHalf + (position << 3) + 7));
    const idFlags = le32(this.desc32[this.descWord + (position << 2) + 3] as number);
`,
      `    const idFlags = le32(this.desc32[this.descWord + (position << 2) + 3] as number);
    const flags = le16(Atomics.load(this.desc16, this.descHalf + (position << 3) + 7));
`,
      "read after them",
    ],
    [
      "packed-shared-ring-taken-for-unshared",
      "this.descPlain = HOST_IS_LITTLE_ENDIAN && !desc.region.shared;",
      "this.descPlain = HOST_IS_LITTLE_ENDIAN;",
    ],
    [
      "packed-id-written-behind-the-flags",
      `    this.desc16[at + 6] = le16(this.firstIdFlags & 0xffff);
    if (this.descShared) Atomics.store(this.desc16, at + 7, flags);
`,
      `    if (this.descShared) {
      Atomics.store(this.desc16, at + 7, flags);
      this.desc16[at + 6] = le16(this.firstIdFlags & 0xffff);
    }
`,
      "lie there before the flags",
    ],
    [
      "packed-first-descriptor-shown-with-its-push",
      `      this.firstPosition = position;
    } else {
      words[(at + 3) | 0] = idFlags;
    }
`,
      `      this.firstPosition = position;
    }
    words[(at + 3) | 0] = idFlags;
`,
      "lie there before the flags",
    ],
    [
      "packed-events-read-before-the-flags-are-shown",
      `    const first = this.firstPosition;
    if (this.descPlain === true) {`,
      `    const first = this.firstPosition;
    this.readDriver(1);
    if (this.descPlain === true) {`,
    ],
    [
      "packed-events-asked-for-before-their-offset",
      `        this.writeDevice(0, offWrap);
      }
      this.setEventFlags(RING_EVENT_FLAGS_DESC);
`,
      `        this.setEventFlags(RING_EVENT_FLAGS_DESC);
        this.writeDevice(0, offWrap);
      }
      this.setEventFlags(RING_EVENT_FLAGS_DESC);
`,
    ],
  ]),
];
