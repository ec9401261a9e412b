import { CaseList, type CaseRun } from "../../case.ts";
import { SplitRing } from "../../guest/index.ts";
import { SMALL } from "../support/rings.ts";

const cases = new CaseList();
const needs = { format: "split" } as const;
const ALIGNED = "split-ring.driver.virtqueues.1";
const ERROR_STATE = "content.device.device-status-field.2";

/** How far each area lies behind an address with twice the alignment it needs. */
interface Offsets {
  readonly descriptors: number;
  readonly driver: number;
  readonly device: number;
}

/** Starts the device with queue 0 at these places. */
async function startAt(t: CaseRun, offsets: Offsets): Promise<void> {
  const { guest } = t;
  if (!(await guest.negotiate())) t.fail("the device does not accept VIRTIO_F_VERSION_1");
  const ring = await guest.configureQueue(0, SMALL);
  const moved = new SplitRing(guest.arena, 0, ring.name, ring.size, {
    descriptors: guest.arena.allocate(1024, 64) + offsets.descriptors,
    driver: guest.arena.allocate(256, 64) + offsets.driver,
    device: guest.arena.allocate(256, 64) + offsets.device,
  });
  await guest.registers.setQueueAddresses(0, moved.addresses);
  guest.rings.set(0, moved);
  await guest.registers.setQueueEnabled(0, 1);
  await guest.driverOk();
}

cases.add({
  id: "split-ring/areas/least-alignment",
  title: "The three areas may lie at any multiple of their alignments: 16, 2 and 4",
  clauses: [ALIGNED, "split-ring.device.the-virtqueue-used-ring.2"],
  needs,
  parameters: [
    { descriptors: 0, driver: 0, device: 0 },
    { descriptors: 16, driver: 2, device: 4 },
    { descriptors: 48, driver: 62, device: 60 },
  ],
  async run(t, offsets) {
    await startAt(t, offsets);
    for (let round = 0; round < SMALL + 2; round++) await t.serves();
  },
});

cases.add({
  id: "split-ring/areas/misaligned",
  title: "An area at an odd place is refused, or served as it is",
  clauses: [ALIGNED, ERROR_STATE],
  needs,
  parameters: [
    { descriptors: 8, driver: 0, device: 0 },
    { descriptors: 0, driver: 1, device: 0 },
    { descriptors: 0, driver: 0, device: 2 },
  ],
  async run(t, offsets) {
    await startAt(t, offsets);
    t.guest.ring(0).publish();
    await t.refused();
  },
});

/** Where an area lies that is not wholly in memory of `size` bytes. */
const OUTSIDE: Readonly<Record<string, (size: number) => number>> = {
  "crosses-the-end": (size) => size - 16,
  behind: (size) => size + 0x10000,
};

cases.add({
  id: "split-ring/areas/outside-memory",
  title: "An area that is not in memory is refused, and the device is usable after a reset",
  clauses: [ERROR_STATE, "content.device.device-reset.1"],
  needs,
  parameters: ["descriptors", "driver", "device"].flatMap((area) =>
    Object.keys(OUTSIDE).map((where) => ({ area, where })),
  ),
  async run(t, { area, where }) {
    const { guest } = t;
    if (!(await guest.negotiate())) t.fail("the device does not accept VIRTIO_F_VERSION_1");
    const ring = await guest.configureQueue(0, SMALL);
    const outside = OUTSIDE[where]?.(guest.dut.ram.sizeBytes) ?? 0;
    await guest.registers.setQueueAddresses(0, { ...ring.addresses, [area]: outside });
    await guest.registers.setQueueEnabled(0, 1);
    await guest.driverOk();
    await guest.notify(ring);
    await guest.dut.settle();
    // Whether it says DEVICE_NEEDS_RESET, or sees a queue that never has a buffer: a reset heals it.
    await guest.reset();
    await guest.start({ queueSize: SMALL });
    await t.serves(0, "the device serves after a reset");
  },
});

/** Where the rings lie (virtio 1.4, section 2.7). */
export const AREA_CASES = cases.all;
