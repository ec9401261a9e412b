import { CaseList, type CaseRun } from "../../case.ts";
import { PackedRing } from "../../guest/index.ts";
import { SMALL } from "../support/rings.ts";

const cases = new CaseList();
const needs = { format: "packed" } as const;
const ALIGNED = "packed-ring.driver.packed-virtqueues.1";
const ERROR_STATE = "content.device.device-status-field.2";

/** How far each area lies behind an address with a larger alignment than it needs. */
interface Offsets {
  readonly descriptors: number;
  readonly driver: number;
  readonly device: number;
}

async function startAt(t: CaseRun, offsets: Offsets): Promise<void> {
  const { guest } = t;
  if (!(await guest.negotiate())) t.fail("the device does not accept VIRTIO_F_RING_PACKED");
  const ring = await guest.configureQueue(0, SMALL);
  const moved = new PackedRing(guest.arena, 0, ring.name, ring.size, {
    descriptors: guest.arena.allocate(1024, 64) + offsets.descriptors,
    driver: guest.arena.allocate(128, 64) + offsets.driver,
    device: guest.arena.allocate(128, 64) + offsets.device,
  });
  await guest.registers.setQueueAddresses(0, moved.addresses);
  guest.rings.set(0, moved);
  await guest.registers.setQueueEnabled(0, 1);
  await guest.driverOk();
}

cases.add({
  id: "packed-ring/areas/least-alignment",
  title: "The three areas may lie at any multiple of their alignments: 16, 4 and 4",
  clauses: [ALIGNED, "packed-ring.device.scatter-gather-support.1"],
  needs,
  parameters: [
    { descriptors: 0, driver: 0, device: 0 },
    { descriptors: 16, driver: 4, device: 4 },
    { descriptors: 48, driver: 60, device: 60 },
  ],
  async run(t, offsets) {
    await startAt(t, offsets);
    for (let round = 0; round < SMALL + 2; round++) await t.serves();
  },
});

cases.add({
  id: "packed-ring/areas/misaligned",
  title: "An area at an odd place is refused, or served as it is",
  clauses: [ALIGNED, ERROR_STATE],
  needs,
  parameters: [
    { descriptors: 8, driver: 0, device: 0 },
    { descriptors: 0, driver: 2, device: 0 },
    { descriptors: 0, driver: 0, device: 2 },
  ],
  async run(t, offsets) {
    await startAt(t, offsets);
    await t.refused();
  },
});

/** Where an area lies that is not wholly in memory of `size` bytes. */
const OUTSIDE: Readonly<Record<string, (size: number) => number>> = {
  "crosses-the-end": (size) => size - 16,
  behind: (size) => size + 0x10000,
};

cases.add({
  id: "packed-ring/areas/outside-memory",
  title: "An area that is not in memory is refused, and the device is usable after a reset",
  clauses: [ERROR_STATE, "content.device.device-reset.1"],
  needs,
  parameters: [
    { area: "descriptors", where: "crosses-the-end" },
    { area: "descriptors", where: "behind" },
    { area: "driver", where: "behind" },
    { area: "device", where: "behind" },
  ],
  async run(t, { area, where }) {
    const { guest } = t;
    if (!(await guest.negotiate())) t.fail("the device does not accept VIRTIO_F_RING_PACKED");
    const ring = await guest.configureQueue(0, SMALL);
    const outside = OUTSIDE[where]?.(guest.dut.ram.sizeBytes) ?? 0;
    await guest.registers.setQueueAddresses(0, { ...ring.addresses, [area]: outside });
    await guest.registers.setQueueEnabled(0, 1);
    await guest.driverOk();
    await guest.notify(ring);
    await guest.dut.settle();
    // Whether it says DEVICE_NEEDS_RESET, or sees a ring that never has a buffer: a reset heals it.
    await guest.reset();
    await guest.start({ queueSize: SMALL });
    await t.serves(0, "the device serves after a reset");
  },
});

/** Where the ring and its event suppression structures lie (virtio 1.4, section 2.8.10.1). */
export const AREA_CASES = cases.all;
