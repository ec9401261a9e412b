import { type DriverMutant, driverMutant, rawMutant } from "../../support/mutants/driver-mutant.ts";

const PACKED = "src/driver/rings/packed.ts";
const id = (...ids: readonly string[]): string[] => ids.map((name) => `packed-ring.driver.${name}`);

export const PACKED_RING_MUTANTS: readonly DriverMutant[] = [
  rawMutant("packed-area-not-aligned", id("packed-virtqueues.1")),
  rawMutant("packed-descriptor-reused-before-used", id("the-virtqueue-descriptor-table.1")),
  rawMutant("packed-descriptor-changed-in-flight", id("the-virtqueue-descriptor-table.2")),
  driverMutant(
    "wrong-offset-in-notifications",
    id("the-virtqueue-descriptor-table.3"),
    PACKED,
    "    return position | (",
    "    return (position ^ 1) | (",
    { name: "rng", transport: "mmio", ring: ["packed", "data"] },
  ),
  rawMutant("packed-list-longer-than-the-queue", id("scatter-gather-support.2")),
  driverMutant(
    "packed-writable-before-readable",
    id("scatter-gather-support.3"),
    PACKED,
    "let flags = i < readableCount ? 0 : VIRTQ_DESC_F_WRITE;",
    "let flags = i >= readableCount ? 0 : VIRTQ_DESC_F_WRITE;",
    { name: "gpu", transport: "mmio", ring: ["packed"] },
  ),
  rawMutant("packed-list-without-room", id("scatter-gather-support.4", "scatter-gather-support.5")),
  rawMutant("packed-first-descriptor-too-early", id("scatter-gather-support.6")),
  rawMutant("packed-indirect-not-negotiated", id("indirect-descriptors.1")),
  driverMutant(
    "flags-within-a-table",
    id("indirect-descriptors.2"),
    PACKED,
    "words[at + 3] = le32(i < readableCount ? 0 : VIRTQ_DESC_F_WRITE << 16);",
    "words[at + 3] = le32((i < readableCount ? 0 : VIRTQ_DESC_F_WRITE << 16) | (i + 1 < count ? VIRTQ_DESC_F_NEXT << 16 : 0));",
    { name: "gpu", transport: "mmio", ring: ["packed", "indirect"] },
  ),
  rawMutant("packed-indirect-table-longer-than-the-queue", id("indirect-descriptors.3")),
  driverMutant(
    "table-in-a-list",
    id("indirect-descriptors.4"),
    PACKED,
    "this.#write(table.lo, table.hi, count << 4, VIRTQ_DESC_F_INDIRECT, id);",
    "this.#write(table.lo, table.hi, count << 4, VIRTQ_DESC_F_INDIRECT | VIRTQ_DESC_F_NEXT, id);",
    { name: "gpu", transport: "mmio", ring: ["packed", "indirect"] },
  ),
];
