// What cases about status, features and resets share.
import { VIRTIO_CONFIG_S_NEEDS_RESET, VIRTIO_F_INDIRECT_DESC } from "../../../wire/common.ts";
import { VIRTQ_DESC_F_NEXT } from "../../../wire/split-ring.ts";
import type { CaseRun } from "../../case.ts";
import { type PackedRing, type Request, type Ring, SplitRing } from "../../guest/index.ts";
import { inOrder, offerPacked, prepareProbe, SMALL } from "../support/rings.ts";

/** Places `count` of the model's probes; the device does not see them yet. */
export function placeProbes(t: CaseRun, ring: Ring, count: number): Request[] {
  return inOrder(count).map(() => t.guest.placeElements(ring, prepareProbe(t.guest, ring.index, 1).elements));
}

/** Does to a ring what no device can make sense of: a head that does not exist, a list without an end. */
export function breakRing(t: CaseRun, ring: Ring): void {
  t.note(`${ring.name}: broken on purpose`);
  if (ring instanceof SplitRing) {
    ring.offer(0xffff);
    ring.publish();
    return;
  }
  const link = { address: t.guest.arena.allocate(64), lengthBytes: 64, flags: VIRTQ_DESC_F_NEXT };
  offerPacked(
    ring as PackedRing,
    inOrder(ring.size).map(() => link),
  );
}

/** How many buffers the device has used in all, or an impression of it: something that changes when it uses one. */
export function usedMark(ring: Ring): string {
  if (ring instanceof SplitRing) return String(ring.usedIdx);
  const packed = ring as PackedRing;
  return inOrder(packed.size)
    .map((slot) => packed.readDescriptor(slot).flags)
    .join();
}

/** Breaks queue 0; skips the case when the device does not take that for an error. */
export async function makeNeedsReset(t: CaseRun): Promise<void> {
  const ring = t.guest.ring(0);
  breakRing(t, ring);
  await t.guest.notify(ring);
  await t.guest.dut.settle();
  if (!(await t.guest.needsReset())) t.skip("the device does not say DEVICE_NEEDS_RESET of a broken ring");
}

/** Waits until the device status has all of these bits, none of those, or DEVICE_NEEDS_RESET. Returns the status. */
export async function awaitStatus(t: CaseRun, set: number, clear = 0): Promise<number> {
  for (let turn = 0; ; turn++) {
    const status = await t.guest.status();
    if ((status & set) === set && (status & clear) === 0) return status;
    if ((status & VIRTIO_CONFIG_S_NEEDS_RESET) !== 0 || turn === 50) return status;
    await t.guest.dut.settle();
  }
}

/** Writes 0 and waits for the device status to be 0, and nothing more: what is pending stays pending. */
export async function resetOnly(t: CaseRun): Promise<void> {
  await t.guest.writeStatus(0);
  for (let turn = 0; (await t.guest.status()) !== 0; turn++) {
    if (turn === 50) t.fail("the device status does not become 0 after a reset");
    await t.guest.dut.settle();
  }
}

/** Fails when a notification came since they were last looked at. */
export async function quiet(t: CaseRun, when: string): Promise<void> {
  const { queue, config } = await t.guest.takeInterrupts();
  t.ok(!queue, `no used buffer notification comes ${when}`);
  t.ok(!config, `no configuration change notification comes ${when}`);
}

/** Sets up queue 0, runs, and fails unless it is served, with indirect tables too if they were agreed on. */
export async function works(t: CaseRun, features: readonly number[]): Promise<void> {
  const { guest } = t;
  await guest.addQueue(0, SMALL);
  await guest.driverOk();
  const what = `the device serves with feature bits ${features.join(", ")}`;
  for (let i = 0; i < SMALL; i++) await t.serves(0, what);
  if (!guest.features.has(VIRTIO_F_INDIRECT_DESC)) return;
  const wrong = await guest.probe(0, { indirectFrom: 0 });
  if (wrong !== null) t.fail(`it does not hold that ${what} in indirect tables: ${wrong}`);
}
