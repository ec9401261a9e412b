// What the areas of split and of packed rings have in common.
import type { CaseRun } from "../../case.ts";
import { SMALL } from "./rings.ts";

/** How far each area lies behind an address with a larger alignment than it needs. */
interface Offsets {
  readonly descriptors: number;
  readonly driver: number;
  readonly device: number;
}

/** Starts the device with queue 0 at these places. */
export async function startAt(t: CaseRun, offsets: Offsets): Promise<void> {
  const { guest } = t;
  if (!(await guest.negotiate())) t.fail("the device does not accept the features of the ring");
  await guest.configureQueue(0, SMALL, {
    descriptors: guest.arena.allocate(1024, 64) + offsets.descriptors,
    driver: guest.arena.allocate(256, 64) + offsets.driver,
    device: guest.arena.allocate(256, 64) + offsets.device,
  });
  await guest.registers.setQueueEnabled(0, 1);
  await guest.driverOk();
}

/** Where an area lies that is not wholly in memory of `size` bytes. */
export const OUTSIDE: Readonly<Record<string, (size: number) => number>> = {
  "crosses-the-end": (size) => size - 16,
  behind: (size) => size + 0x10000,
};

/** Puts an area of queue 0 where no memory is; whatever comes of it, the device serves after a reset. */
export async function outsideMemory(t: CaseRun, area: string, where: string): Promise<void> {
  const { guest } = t;
  if (!(await guest.negotiate())) t.fail("the device does not accept the features of the ring");
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
}
