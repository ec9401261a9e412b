import { type Mutant, mutant } from "../../support/mutants/mutant.ts";

const CHAIN = "src/virtqueue/chain.ts";
const SEGMENTS = "src/memory/segments.ts";
const PROTOCOL = "src/devices/gpu/protocol.ts";
const CLAUSES = ["split-ring.device.message-framing.1", "packed-ring.device.scatter-gather-support.1"];

/** Devices that care how a message is cut. */
export const FRAMING_MUTANTS: readonly Mutant[] = [
  mutant(
    "reads-on-behind-the-first-piece",
    CLAUSES,
    CHAIN,
    "|| length === 0 || length > this.readLength)",
    "|| length === 0)",
  ),
  mutant(
    "reads-the-first-piece-only",
    CLAUSES,
    CHAIN,
    "return this.read(0, scratch.u8, 0, length);",
    "return this.read(0, scratch.u8, 0, Math.min(length, this.readLength));",
  ),
  mutant(
    "writes-on-behind-the-first-piece",
    CLAUSES,
    CHAIN,
    "if (lengthBytes > this.writeLoopBytes || (lengthBytes & 3) !== 0)",
    "if (lengthBytes > (this.writeLength === 0 || (this.writeOffset & 3) !== 0 ? -1 : this.writableBytes) || (lengthBytes & 3) !== 0)",
  ),
  mutant(
    "writes-the-first-piece-only",
    CLAUSES,
    CHAIN,
    "return segments.copyIn(first, segments.count, position,",
    "return segments.copyIn(first, first + 1, position,",
  ),
  mutant(
    "loses-a-byte-where-readable-pieces-meet",
    CLAUSES,
    SEGMENTS,
    "copyBytes(u8, (this.offsets[i] as number) + skip, target, targetOffset + done, part);",
    "copyBytes(u8, (this.offsets[i] as number) + skip, target, targetOffset + done, part - (done > 0 ? 1 : 0));",
  ),
  mutant(
    "loses-a-byte-where-writable-pieces-meet",
    CLAUSES,
    SEGMENTS,
    "if (region.u8.length !== 0) copyBytes(source, sourceOffset + done, region.u8, to, part);",
    "if (region.u8.length !== 0) copyBytes(source, sourceOffset + done, region.u8, to + (done > 0 ? 1 : 0), part - (done > 0 ? 1 : 0));",
  ),
  mutant(
    "wants-the-header-in-one-piece",
    CLAUSES,
    PROTOCOL,
    "if (this.lengthBytes < HEADER_BYTES) {",
    "if (this.lengthBytes < HEADER_BYTES || (chain.readableCount > 1 && chain.segments.lengths[0] < HEADER_BYTES)) {",
  ),
  mutant(
    "wants-room-for-the-response-in-one-piece",
    CLAUSES,
    PROTOCOL,
    "const room = chain.writableBytes;",
    "const room = Math.min(chain.writableBytes, chain.segments.lengths[chain.readableCount] ?? 0);",
  ),
  mutant(
    "puts-a-capset-behind-the-first-piece",
    CLAUSES,
    PROTOCOL,
    "if (payload !== null && room > head) {",
    "if (payload !== null && room > head && chain.segments.count - chain.readableCount === 1) {",
  ),
  mutant(
    "reads-memory-entries-from-the-first-piece",
    CLAUSES,
    "src/devices/gpu/commands/attach.ts",
    "chain.read(position + this.#done * ENTRY_BYTES, scratch.u8, 0, entries * ENTRY_BYTES);",
    "scratch.u8.fill(0); chain.read(position + this.#done * ENTRY_BYTES, scratch.u8, 0, Math.min(entries * ENTRY_BYTES, Math.max(0, chain.segments.lengths[0] - position)));",
  ),
];
