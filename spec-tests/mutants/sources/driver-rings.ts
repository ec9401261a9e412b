import { mutantsOf, type SourceMutant, sourceMutant } from "../../support/mutants/source-mutant.ts";
import { withoutAtomics } from "./atomics.ts";

const TESTS = ["spec-tests/unit/driver/shared-memory.test.ts"];
const SPLIT = "src/driver/rings/split.ts";
const PACKED = "src/driver/rings/packed.ts";

/** The driver's rings without atomic accesses, or with the right ones in the wrong order. */
export const DRIVER_RING_MUTANTS: readonly SourceMutant[] = [
  ...withoutAtomics(SPLIT, TESTS),
  ...withoutAtomics(PACKED, TESTS),
  ...(
    [
      ["split-available", SPLIT, "this.#availShared = driver.region.shared;", "this.#availShared = false;"],
      ["split-used", SPLIT, "this.#usedShared = device.region.shared;", "this.#usedShared = false;"],
      ["packed-descriptor", PACKED, "this.#descShared = desc.region.shared;", "this.#descShared = false;"],
      ["packed-driver", PACKED, "this.#driverShared = driver.region.shared;", "this.#driverShared = false;"],
      ["packed-device", PACKED, "this.#deviceShared = device.region.shared;", "this.#deviceShared = false;"],
    ] as const
  ).map(([part, file, find, replace]) =>
    sourceMutant(`${part}-ring-taken-for-unshared`, file, find, replace, TESTS),
  ),

  ...[SPLIT, PACKED].map((file) =>
    sourceMutant(
      `${file === SPLIT ? "split" : "packed"}-looks-before-it-asks-for-notifications`,
      file,
      "  enableNotifications(buffers = 1): boolean {\n    if (this.released) return false;\n",
      "  enableNotifications(buffers = 1): boolean {\n    if (this.released || this.hasUsed()) return !this.released;\n",
      TESTS,
      "and then the ring is looked at",
    ),
  ),
  ...[SPLIT, PACKED].map((file) =>
    sourceMutant(
      `${file === SPLIT ? "split" : "packed"}-does-not-look-once-notifications-are-asked-for`,
      file,
      "    return this.hasUsed();\n  }\n\n  disableNotifications",
      "    return false;\n  }\n\n  disableNotifications",
      TESTS,
      "and then the ring is looked at",
    ),
  ),
  ...mutantsOf(SPLIT, TESTS, [
    [
      "split-index-published-with-each-buffer",
      "    this.noteAdded(head, slots, elements.writableBytes);\n",
      "    this.noteAdded(head, slots, elements.writableBytes);\n    this.#writeAvail(this.#availFlags + 1, this.#availIdx);\n",
    ],
    [
      "split-heads-written-behind-the-index",
      "    this.#avail16[this.#availRing + (this.#availIdx & this.#mask)] = le16(head);\n",
      "    const place = this.#availRing + (this.#availIdx & this.#mask);\n    queueMicrotask(() => { this.#avail16[place] = le16(head); });\n",
      "lie there before the index",
    ],
    [
      "split-flags-read-before-the-index-is-shown",
      "    this.#writeAvail(this.#availFlags + 1, this.#availIdx);\n    this.noteShown();\n",
      "    this.#readUsed(this.#usedFlags);\n    this.#writeAvail(this.#availFlags + 1, this.#availIdx);\n    this.noteShown();\n",
    ],
    [
      "split-entries-read-before-the-used-index",
      `      if (this.#nextUsed === this.#usedIdx && !this.#readUsedIdx()) return -1;
      const at = this.#usedWord + ((this.#nextUsed & this.#mask) << 1);
      const id = le32(this.#used32[at] as number);
      this.check(id, le32(this.#used32[at + 1] as number)`,
      `      const at = this.#usedWord + ((this.#nextUsed & this.#mask) << 1);
      const written = le32(this.#used32[at + 1] as number);
      if (this.#nextUsed === this.#usedIdx && !this.#readUsedIdx()) return -1;
      const id = le32(this.#used32[at] as number);
      this.check(id, written`,
      "entries read after it",
    ],
  ]),
  ...mutantsOf(PACKED, TESTS, [
    [
      "packed-first-flags-written-with-the-descriptor",
      "      this.#desc16[this.#descHalf + (position << 3) + 6] = le16(id);\n",
      "      words[at + 3] = le32(((flags | this.#availBits) << 16) | id);\n",
      "lies there before the flags",
    ],
    [
      "packed-rest-read-before-the-flags",
      `      if (!this.#nextIsUsed()) return -1;
      const at = this.#descWord + (this.#nextUsed << 2);
      const idFlags = le32(this.#desc32[at + 3] as number);
`,
      `      const at = this.#descWord + (this.#nextUsed << 2);
      const idFlags = le32(this.#desc32[at + 3] as number);
      if (!this.#nextIsUsed()) return -1;
`,
      "read after them",
    ],
  ]),
];
