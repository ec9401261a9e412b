import {
  VIRTIO_CONFIG_S_ACKNOWLEDGE,
  VIRTIO_CONFIG_S_DRIVER,
  VIRTIO_CONFIG_S_DRIVER_OK,
  VIRTIO_CONFIG_S_FEATURES_OK,
  VIRTIO_CONFIG_S_NEEDS_RESET,
  VIRTIO_CONFIG_S_SUSPEND,
  VIRTIO_F_SUSPEND,
} from "../../../wire/common.ts";
import { VIRTIO_GPU_CONFIG, VIRTIO_GPU_EVENT_DISPLAY } from "../../../wire/gpu.ts";
import { CaseList, type CaseRun } from "../../case.ts";
import { SMALL } from "../support/rings.ts";
import { awaitStatus, makeNeedsReset, placeProbes, quiet, usedMark } from "./support.ts";

const cases = new CaseList();
const features = [VIRTIO_F_SUSPEND];
const needs = { features };
const RULE = "content.device.device-suspend";
const RUNNING =
  VIRTIO_CONFIG_S_ACKNOWLEDGE |
  VIRTIO_CONFIG_S_DRIVER |
  VIRTIO_CONFIG_S_FEATURES_OK |
  VIRTIO_CONFIG_S_DRIVER_OK;

/** Sets SUSPEND and waits for the device to be suspended. */
async function suspend(t: CaseRun): Promise<void> {
  await t.guest.writeStatus(RUNNING | VIRTIO_CONFIG_S_SUSPEND);
  const status = await awaitStatus(t, VIRTIO_CONFIG_S_SUSPEND, VIRTIO_CONFIG_S_DRIVER_OK);
  if ((status & VIRTIO_CONFIG_S_NEEDS_RESET) !== 0) t.skip("the device fails to suspend, and says so");
  t.ok((status & VIRTIO_CONFIG_S_SUSPEND) !== 0, "SUSPEND stands");
  t.ok((status & VIRTIO_CONFIG_S_DRIVER_OK) === 0, "DRIVER_OK does not stand while suspended");
}

/** Sets DRIVER_OK and waits for the device to run again. */
async function resume(t: CaseRun): Promise<void> {
  await t.guest.writeStatus(RUNNING);
  const status = await awaitStatus(t, VIRTIO_CONFIG_S_DRIVER_OK, VIRTIO_CONFIG_S_SUSPEND);
  if ((status & VIRTIO_CONFIG_S_NEEDS_RESET) !== 0) t.skip("the device fails to resume, and says so");
  t.equal(status, RUNNING, "the device status after the resume");
}

async function start(t: CaseRun): Promise<void> {
  await t.guest.start({ features, queueSize: SMALL });
  await t.serves();
  await t.guest.takeInterrupts();
}

cases.add({
  id: "content/suspend/and-resume",
  title: "SUSPEND suspends the device and DRIVER_OK resumes it, or it says DEVICE_NEEDS_RESET",
  clauses: [`${RULE}.6`, `${RULE}.7`],
  needs,
  async run(t) {
    await start(t);
    for (let round = 0; round < 3; round++) {
      await suspend(t);
      await resume(t);
      for (const index of t.guest.model.queues.keys()) {
        await t.serves(index, `queue ${index} is served after the resume`);
      }
    }
  },
});

/** How far a driver got: not to DRIVER_OK. */
const STAGES: Readonly<Record<string, (t: CaseRun) => Promise<number>>> = {
  reset: async () => 0,
  driver: async (t) => {
    await t.guest.acknowledge();
    return VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER;
  },
  "features-ok": async (t) => {
    await t.guest.negotiate(features);
    await t.guest.addQueue(0, SMALL);
    return VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER | VIRTIO_CONFIG_S_FEATURES_OK;
  },
};

cases.add({
  id: "content/suspend/not-before-driver-ok",
  title: "SUSPEND is ignored as long as the device is not completely initialized",
  clauses: [`${RULE}.1`],
  needs,
  parameters: Object.keys(STAGES).map((stage) => ({ stage })),
  async run(t, { stage }) {
    const status = (await STAGES[stage]?.(t)) ?? 0;
    await t.guest.writeStatus(status | VIRTIO_CONFIG_S_SUSPEND);
    await t.guest.dut.settle();
    const now = await t.guest.status();
    t.ok((now & VIRTIO_CONFIG_S_SUSPEND) === 0, "SUSPEND does not stand");
    t.ok((now & VIRTIO_CONFIG_S_NEEDS_RESET) === 0, "the device does not say DEVICE_NEEDS_RESET");
    if (stage === "features-ok") await t.guest.driverOk();
    else {
      await t.guest.reset();
      await start(t);
    }
    await t.serves(0, "the device serves afterwards");
  },
});

cases.add({
  id: "content/suspend/not-negotiated",
  title: "Without VIRTIO_F_SUSPEND the device goes on, whatever SUSPEND says",
  clauses: [`${RULE}.1`],
  async run(t) {
    await t.guest.start({ queueSize: SMALL });
    await t.guest.writeStatus(RUNNING | VIRTIO_CONFIG_S_SUSPEND);
    await t.guest.writeStatus(RUNNING);
    await t.serves(0, "the device serves");
  },
});

cases.add({
  id: "content/suspend/queues-untouched",
  title: "While it is suspended the device uses no buffer and notifies of none; once it runs again it does",
  clauses: [`${RULE}.3`],
  needs,
  parameters: [{ notified: true }, { notified: false }],
  async run(t, { notified }) {
    await start(t);
    const ring = t.guest.ring(0);
    await suspend(t);
    await t.guest.takeInterrupts();
    const requests = placeProbes(t, ring, 2);
    ring.publish();
    const mark = usedMark(ring);
    if (notified) await t.guest.notify(ring);
    await quiet(t, "while the device is suspended");
    t.equal(usedMark(ring), mark, "what is used while the device is suspended");
    await resume(t);
    await t.guest.notify(ring);
    for (const request of requests) await t.guest.answer(request);
    t.ok((await t.guest.takeInterrupts()).queue, "a used buffer notification comes after the resume");
  },
});

cases.add({
  id: "content/suspend/buffers-in-hand",
  title: "What the device took before it was suspended is used, and notified of, when SUSPEND stands",
  clauses: [`${RULE}.8`, `${RULE}.3`],
  needs,
  async run(t) {
    await start(t);
    const ring = t.guest.ring(0);
    const requests = placeProbes(t, ring, 3);
    const before = usedMark(ring);
    await t.guest.kick(ring);
    await suspend(t);
    const mark = usedMark(ring);
    const { queue } = await t.guest.takeInterrupts();
    t.equal(queue, mark !== before, "that a notification comes with SUSPEND when buffers were used");
    await quiet(t, "while the device is suspended");
    t.equal(usedMark(ring), mark, "what is used while the device is suspended");
    await resume(t);
    await t.guest.notify(ring);
    for (const request of requests) await t.guest.answer(request);
  },
});

cases.add({
  id: "content/suspend/reset",
  title: "A suspended device can be reset",
  clauses: [`${RULE}.7`, "content.device.device-reset.1"],
  needs,
  async run(t) {
    await start(t);
    await suspend(t);
    await t.guest.reset();
    await start(t);
    await t.serves(0, "the device serves after the reset");
  },
});

cases.add({
  id: "content/suspend/in-error-state",
  title: "A device that needs a reset says so when it is to suspend or resume",
  clauses: [`${RULE}.6`],
  needs,
  async run(t) {
    await start(t);
    await makeNeedsReset(t);
    await t.guest.writeStatus(RUNNING | VIRTIO_CONFIG_S_SUSPEND);
    await t.guest.dut.settle();
    t.ok(await t.guest.needsReset(), "the device says DEVICE_NEEDS_RESET");
    await t.guest.reset();
    await start(t);
  },
});

const gpu = { features, devices: ["gpu"], displayChange: true, format: "any" } as const;

/** A monitor changes its size. */
async function changeDisplay(t: CaseRun, width: number): Promise<void> {
  t.note(`the monitor becomes ${width} pixels wide`);
  await t.guest.dut.changeDisplay?.({ scanout: 0, width, height: 600 });
  await t.guest.dut.settle();
}

function eventsRead(t: CaseRun): Promise<number> {
  return t.guest.registers.config(VIRTIO_GPU_CONFIG.events_read, 4);
}

cases.add({
  id: "content/suspend/configuration-untouched",
  title: "While it is suspended the device changes nothing in its configuration space",
  clauses: [`${RULE}.3`],
  needs: gpu,
  async run(t) {
    await start(t);
    await suspend(t);
    const before = await eventsRead(t);
    await changeDisplay(t, 801);
    t.equal(await eventsRead(t), before, "events_read while the device is suspended");
    await resume(t);
    t.equal(await eventsRead(t), VIRTIO_GPU_EVENT_DISPLAY, "events_read after the resume");
  },
});

cases.add({
  id: "content/suspend/configuration-change-is-told-later",
  title: "A configuration change while it is suspended is notified of when the device runs again",
  clauses: [`${RULE}.4`, `${RULE}.5`],
  needs: gpu,
  parameters: [{ changed: true }, { changed: false }],
  async run(t, { changed }) {
    await start(t);
    await suspend(t);
    await t.guest.takeInterrupts();
    if (changed) await changeDisplay(t, 802);
    await quiet(t, "while the device is suspended");
    await resume(t);
    const { config } = await t.guest.takeInterrupts();
    t.equal(config, changed, "that a configuration change notification comes after the resume");
  },
});

cases.add({
  id: "content/suspend/configuration-writes-ignored",
  title: "While it is suspended the device ignores writes to its configuration space",
  clauses: [`${RULE}.2`],
  needs: gpu,
  async run(t) {
    await start(t);
    await changeDisplay(t, 803);
    t.equal(await eventsRead(t), VIRTIO_GPU_EVENT_DISPLAY, "events_read after the change");
    await suspend(t);
    await t.guest.registers.setConfig(VIRTIO_GPU_CONFIG.events_clear, 4, VIRTIO_GPU_EVENT_DISPLAY);
    t.equal(await eventsRead(t), VIRTIO_GPU_EVENT_DISPLAY, "events_read after a write that is ignored");
    await resume(t);
    await t.guest.registers.setConfig(VIRTIO_GPU_CONFIG.events_clear, 4, VIRTIO_GPU_EVENT_DISPLAY);
    t.equal(await eventsRead(t), 0, "events_read after a write that counts");
  },
});

/** Suspending the device (virtio 1.4, section 3.4). */
export const SUSPEND_CASES = cases.all;
