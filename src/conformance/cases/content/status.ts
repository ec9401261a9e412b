import {
  VIRTIO_CONFIG_S_ACKNOWLEDGE,
  VIRTIO_CONFIG_S_DRIVER,
  VIRTIO_CONFIG_S_FAILED,
} from "../../../wire/common.ts";
import { CaseList, type CaseRun } from "../../case.ts";
import { SMALL } from "../support/rings.ts";
import { breakRing, makeNeedsReset, placeProbes, quiet, resetOnly, usedMark } from "./support.ts";

const cases = new CaseList();
const BEFORE_DRIVER_OK = "content.device.device-status-field.1";
const ERROR_STATE = "content.device.device-status-field.2";
const ERROR_NOTIFIED = "content.device.device-status-field.3";
const RESET = "content.device.device-reset.1";
const AFTER_RESET = "content.device.device-reset.2";
const AGAIN = "content.device.feature-bits.4";

cases.add({
  id: "content/status/steps-stand",
  title:
    "Each step of the initialization stands in the device status once it is written, and nothing else does",
  clauses: [RESET, BEFORE_DRIVER_OK],
  needs: { format: "any" },
  async run(t) {
    const { guest } = t;
    t.equal(await guest.status(), 0, "the device status after a reset");
    await guest.writeStatus(VIRTIO_CONFIG_S_ACKNOWLEDGE);
    t.equal(await guest.status(), 1, "the device status after ACKNOWLEDGE");
    await guest.writeStatus(VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER);
    t.equal(await guest.status(), 3, "the device status after DRIVER");
    await resetOnly(t);
    t.ok(await guest.negotiate(), "FEATURES_OK stands");
    t.equal(await guest.status(), 11, "the device status after FEATURES_OK");
    await guest.driverOk();
    t.equal(await guest.status(), 15, "the device status after DRIVER_OK");
  },
});

cases.add({
  id: "content/status/nothing-used-before-driver-ok",
  title: "Before DRIVER_OK the device uses no buffer and notifies of none, whatever it is told",
  clauses: [BEFORE_DRIVER_OK],
  parameters: [{ notified: false }, { notified: true }],
  async run(t, { notified }) {
    const { guest } = t;
    if (!(await guest.negotiate())) t.fail("FEATURES_OK does not stand");
    const ring = await guest.addQueue(0, SMALL);
    const requests = placeProbes(t, ring, 2);
    ring.publish();
    const before = usedMark(ring);
    if (notified) await guest.notify(ring);
    await quiet(t, "before DRIVER_OK");
    t.equal(usedMark(ring), before, "what is used before DRIVER_OK");
    await guest.driverOk();
    await guest.notify(ring);
    for (const request of requests) await guest.answer(request);
  },
});

cases.add({
  id: "content/status/nothing-used-before-features-ok",
  title: "A queue that was set up before FEATURES_OK is not used",
  clauses: [BEFORE_DRIVER_OK],
  async run(t) {
    const { guest } = t;
    await guest.acknowledge();
    const ring = await guest.addQueue(0, SMALL);
    placeProbes(t, ring, 2);
    ring.publish();
    const before = usedMark(ring);
    await guest.notify(ring);
    await quiet(t, "before FEATURES_OK");
    t.equal(usedMark(ring), before, "what is used before FEATURES_OK");
  },
});

cases.add({
  id: "content/status/served-after-driver-ok",
  title: "After DRIVER_OK buffers are used on every queue: the control of nothing-used-before-driver-ok",
  clauses: [BEFORE_DRIVER_OK],
  async run(t) {
    await t.guest.start();
    for (const index of t.guest.model.queues.keys()) {
      await t.serves(index, `queue ${index} is served`);
      t.ok((await t.guest.takeInterrupts()).queue, "a used buffer notification comes");
    }
  },
});

cases.add({
  id: "content/status/error-state",
  title: "A device that cannot go on with a ring says DEVICE_NEEDS_RESET",
  clauses: [ERROR_STATE],
  async run(t) {
    await t.guest.start({ queueSize: SMALL });
    await t.serves();
    breakRing(t, t.guest.ring(0));
    await t.guest.notify(t.guest.ring(0));
    await t.refused();
  },
});

cases.add({
  id: "content/status/error-state-is-notified",
  title: "After DRIVER_OK, DEVICE_NEEDS_RESET comes with a configuration change notification",
  clauses: [ERROR_NOTIFIED],
  async run(t) {
    await t.guest.start({ queueSize: SMALL });
    await t.guest.takeInterrupts();
    await makeNeedsReset(t);
    t.ok((await t.guest.takeInterrupts()).config, "a configuration change notification comes");
  },
});

cases.add({
  id: "content/status/error-state-without-error",
  title: "A device that works does not say DEVICE_NEEDS_RESET and sends no configuration change notification",
  clauses: [ERROR_STATE, ERROR_NOTIFIED],
  async run(t) {
    await t.guest.start({ queueSize: SMALL });
    for (let round = 0; round < 2 * SMALL; round++) await t.serves();
    t.ok(!(await t.guest.needsReset()), "the device does not say DEVICE_NEEDS_RESET");
    t.ok(!(await t.guest.takeInterrupts()).config, "no configuration change notification comes");
  },
});

/** How far a driver got before it resets the device. */
const STAGES: Readonly<Record<string, (t: CaseRun) => Promise<void>>> = {
  acknowledge: (t) => t.guest.writeStatus(VIRTIO_CONFIG_S_ACKNOWLEDGE),
  driver: (t) => t.guest.acknowledge(),
  "features-ok": async (t) => void (await t.guest.negotiate()),
  "queues-enabled": async (t) => {
    await t.guest.negotiate();
    await t.guest.addQueue(0, SMALL);
  },
  "driver-ok": (t) => t.guest.start({ queueSize: SMALL }),
  used: async (t) => {
    await t.guest.start({ queueSize: SMALL });
    for (let i = 0; i < 3; i++) await t.serves();
  },
  "buffers-available": async (t) => {
    await t.guest.start({ queueSize: SMALL });
    placeProbes(t, t.guest.ring(0), 2);
    t.guest.ring(0).publish();
  },
  failed: async (t) => {
    await t.guest.start({ queueSize: SMALL });
    await t.guest.writeStatus((await t.guest.status()) | VIRTIO_CONFIG_S_FAILED);
  },
  "needs-reset": async (t) => {
    await t.guest.start({ queueSize: SMALL });
    breakRing(t, t.guest.ring(0));
    await t.guest.notify(t.guest.ring(0));
    await t.guest.dut.settle();
  },
};

cases.add({
  id: "content/reset/from-every-stage",
  title: "However far a driver got, a reset brings the device status to 0 and everything begins anew",
  clauses: [RESET, AGAIN],
  parameters: Object.keys(STAGES).map((stage) => ({ stage })),
  async run(t, { stage }) {
    const { guest } = t;
    await STAGES[stage]?.(t);
    await resetOnly(t);
    t.equal(await guest.status(), 0, "the device status after the reset");
    t.equal(await guest.registers.queueEnabled(0), 0, "whether queue 0 is enabled after the reset");
    await guest.reset();
    await guest.start({ queueSize: SMALL });
    for (let i = 0; i < SMALL + 1; i++) await t.serves(0, "the device serves after the reset");
  },
});

cases.add({
  id: "content/reset/queues-untouched",
  title: "After a reset the device uses no buffer and notifies of none until it is initialized again",
  clauses: [AFTER_RESET],
  parameters: [{ available: "before" }, { available: "after" }],
  async run(t, { available }) {
    const { guest } = t;
    await guest.start({ queueSize: SMALL });
    await t.serves();
    const ring = guest.ring(0);
    placeProbes(t, ring, 2);
    const before = usedMark(ring);
    if (available === "before") {
      // The device is not told, and may find out by itself until the reset.
      ring.publish();
      await guest.dut.settle();
    }
    const mark = available === "before" ? usedMark(ring) : before;
    await resetOnly(t);
    await guest.registers.takeInterrupts();
    ring.publish();
    const after = available === "before" ? mark : usedMark(ring);
    await guest.notify(ring);
    await quiet(t, "after the reset");
    t.equal(usedMark(ring), after, "what is used after the reset");
    // Initialized again, but with other rings: these stay alone.
    await guest.reset();
    await guest.start({ queueSize: SMALL });
    await t.serves();
    t.equal(usedMark(ring), after, "what is used of the old ring");
  },
});

cases.add({
  id: "content/reset/no-notification-is-left",
  title: "A notification that the driver has not seen yet is gone after a reset",
  clauses: [AFTER_RESET],
  async run(t) {
    const { guest } = t;
    await guest.start({ queueSize: SMALL });
    await guest.takeInterrupts();
    await t.serves();
    t.ok(await guest.dut.interruptLine(), "the interrupt line is asserted for the used buffer");
    await resetOnly(t);
    await guest.dut.settle();
    t.ok(!(await guest.dut.interruptLine()), "the interrupt line is not asserted after the reset");
    await quiet(t, "after the reset");
  },
});

cases.add({
  id: "content/reset/again-and-again",
  title: "The same features are accepted again after every reset, and others are too",
  clauses: [AGAIN],
  async run(t) {
    const { guest } = t;
    const offered = [...(await guest.offeredFeatures())];
    // What changes how queues are notified of, or where memory is, is left to other cases.
    const all = offered.filter((bit) => bit < 32 || bit === 36 || bit === 40);
    for (const features of [all, all, [], all, []]) {
      await guest.reset();
      await guest.start({ features, queueSize: SMALL });
      await t.serves(0, `the device serves with features ${features.join(", ")}`);
    }
  },
});

/** The device status, and resets (virtio 1.4, sections 2.1 and 2.4). */
export const STATUS_CASES = cases.all;
