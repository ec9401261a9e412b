// Drivers that do what none should, in front of any device. The specification leaves open what comes of most of it, so the
// cases ask for what must hold all the same: the device lives, it is not wedged without saying so, and a reset heals it.
import {
  VIRTIO_CONFIG_S_SUSPEND,
  VIRTIO_F_NOTIFICATION_DATA,
  VIRTIO_F_RING_PACKED,
  VIRTIO_F_SUSPEND,
  VIRTIO_F_VERSION_1,
} from "../../../wire/common.ts";
import { CaseList, type CaseRun } from "../../case.ts";
import { prepareProbe, refusedOrLost, SMALL } from "../support/rings.ts";

const cases = new CaseList();
const RESET = "content.device.device-reset.1";
const ERROR_STATE = "content.device.device-status-field.2";
const SUBSET = "content.device.feature-bits.2";
const RUNNING = 15;

/** Writes of the device status that no driver makes, in this order. */
const STATUS_WRITES: Readonly<Record<string, readonly number[]>> = {
  "driver-ok-first": [4],
  "without-features-ok": [1, 3, 7],
  "all-ones": [0xff],
  "reserved-bit": [1, 3, 0x23],
  "needs-reset": [1, 3, 0x43],
};

cases.add({
  id: "content/misuse/status",
  title: "Status bits that are out of order, reserved or the device's own do not lose the device",
  clauses: [RESET, ERROR_STATE],
  parameters: Object.keys(STATUS_WRITES).map((writes) => ({ writes })),
  async run(t, { writes }) {
    for (const value of STATUS_WRITES[writes] ?? []) await t.guest.writeStatus(value);
    await t.guest.addQueue(0, SMALL);
    await t.guest.notify(t.guest.ring(0));
    await t.guest.dut.settle();
    await t.guest.reset();
    await t.guest.start({ queueSize: SMALL });
    await t.serves(0, "the device serves after a reset");
  },
});

/** Sizes that no queue has, by the largest it may have. */
const SIZES: Readonly<Record<string, (max: number) => number>> = {
  zero: () => 0,
  "not-a-power-of-two": () => SMALL - 1,
  "above-the-largest": (max) => Math.min(2 * max, 0xffff),
};

cases.add({
  id: "content/misuse/queue-size",
  title: "A queue that is enabled with a size it cannot have does not lose the device",
  clauses: [ERROR_STATE],
  parameters: Object.keys(SIZES).map((size) => ({ size })),
  async run(t, { size }) {
    const { guest } = t;
    t.ok(await guest.negotiate(), "FEATURES_OK stands");
    const max = await guest.registers.queueSize(0);
    const ring = await guest.configureQueue(0, SMALL);
    await guest.registers.setQueueSize(0, SIZES[size]?.(max) ?? 0);
    await guest.registers.setQueueEnabled(0, 1);
    await guest.driverOk();
    guest.placeElements(ring, prepareProbe(guest, 0, 1).elements);
    await guest.kick(ring);
    await refusedOrLost(t);
  },
});

cases.add({
  id: "content/misuse/queue-at-0",
  title: "A queue that is enabled with all its areas at address 0 does not lose the device",
  clauses: [ERROR_STATE],
  async run(t) {
    const { guest } = t;
    t.ok(await guest.negotiate(), "FEATURES_OK stands");
    const ring = await guest.configureQueue(0, SMALL);
    await guest.registers.setQueueAddresses(0, { descriptors: 0, driver: 0, device: 0 });
    await guest.registers.setQueueEnabled(0, 1);
    await guest.driverOk();
    await guest.notify(ring);
    await refusedOrLost(t);
  },
});

/** The other queues are alive, unless the device said that it needs a reset. */
async function othersServe(t: CaseRun): Promise<void> {
  if (await t.guest.needsReset()) return;
  for (const index of t.guest.rings.keys()) if (index !== 0) await t.serves(index, `queue ${index} goes on`);
}

cases.add({
  id: "content/misuse/live-queue-changed",
  title: "Size and addresses written to a queue that is at work lose neither the device nor other queues",
  clauses: [ERROR_STATE],
  async run(t) {
    const { guest } = t;
    await guest.start({ queueSize: SMALL });
    await t.serves();
    const place = guest.arena.allocate(4096, 4096);
    await guest.registers.setQueueSize(0, SMALL / 2);
    await guest.registers.setQueueAddresses(0, {
      descriptors: place,
      driver: place + 1024,
      device: place + 2048,
    });
    await guest.notify(guest.ring(0));
    await guest.dut.settle();
    await othersServe(t);
    await refusedOrLost(t);
  },
});

cases.add({
  id: "content/misuse/queue-enabled-twice",
  title: "A queue that is enabled once more while it is at work goes on, or the device says that it cannot",
  clauses: [ERROR_STATE],
  async run(t) {
    await t.guest.start({ queueSize: SMALL });
    for (let i = 0; i < 3; i++) await t.serves();
    await t.guest.registers.setQueueEnabled(0, 1);
    await othersServe(t);
    await t.refused();
  },
});

cases.add({
  id: "content/misuse/feature-select-beyond",
  title: "Feature bits written behind the last word there is are not taken for others",
  clauses: [SUBSET],
  needs: { format: "any" },
  parameters: [{ word: 4 }, { word: 5 }, { word: 0x80000000 }, { word: 0xffffffff }],
  async run(t, { word }) {
    const { guest } = t;
    t.equal(await guest.registers.deviceFeatures(word), 0, "what is offered behind the last word");
    await guest.acknowledge();
    await guest.acceptFeatures([VIRTIO_F_VERSION_1]);
    await guest.registers.setDriverFeatures(word, 0xffffffff);
    await guest.writeStatus(11);
    t.equal(await guest.status(), 11, "the device status after FEATURES_OK");
  },
});

cases.add({
  id: "content/misuse/suspended-twice",
  title: "SUSPEND written to a device that is suspended already does not lose it",
  clauses: [ERROR_STATE],
  needs: { features: [VIRTIO_F_SUSPEND] },
  async run(t) {
    const { guest } = t;
    await guest.start({ features: [VIRTIO_F_SUSPEND], queueSize: SMALL });
    await t.serves();
    for (let i = 0; i < 2; i++) {
      await guest.writeStatus(RUNNING | VIRTIO_CONFIG_S_SUSPEND);
      await guest.dut.settle();
    }
    await guest.writeStatus(RUNNING);
    await refusedOrLost(t);
  },
});

/** Where guests have registers, tables and no memory, near the end of 32 bits. */
const NO_MEMORY = [0xfe000000, 0xfec00000, 0xfee00000, 0xfffffff0];

cases.add({
  id: "content/misuse/buffer-without-memory",
  title: "A buffer below 4 GiB where no memory is does not lose the device",
  clauses: [ERROR_STATE],
  parameters: NO_MEMORY.map((address) => ({ at: `0x${address.toString(16)}` })),
  async run(t, { at }) {
    await t.guest.start({ queueSize: SMALL });
    const { elements } = prepareProbe(t.guest, 0, 2);
    const ring = t.guest.ring(0);
    t.guest.placeElements(
      ring,
      elements.map((element) => ({ ...element, address: Number(at) })),
    );
    await t.guest.kick(ring);
    await t.refused();
  },
});

cases.add({
  id: "content/misuse/notification-data",
  title: "Notifications with a wrong queue or a stale index do no harm",
  clauses: [ERROR_STATE],
  needs: { features: [VIRTIO_F_NOTIFICATION_DATA] },
  parameters: [{ data: "no-such-queue" }, { data: "stale-index" }, { data: "index-ahead" }],
  async run(t, { data }) {
    const { guest } = t;
    const features = [VIRTIO_F_NOTIFICATION_DATA];
    if (guest.format === "packed") features.push(VIRTIO_F_RING_PACKED);
    await guest.start({ features, queueSize: SMALL });
    for (let i = 0; i < 3; i++) await t.serves();
    const right = guest.ring(0).notificationData();
    const index = data === "stale-index" ? right - 0x20000 : right + 0x20000;
    await guest.registers.notify(0, data === "no-such-queue" ? right | 0xfff0 : index >>> 0);
    await guest.dut.settle();
    await t.serves(0, "the device serves after a notification that told it nothing true");
  },
});

/** Misuse of what all devices have (virtio 1.4, chapters 2 and 3). */
export const MISUSE_CASES = cases.all;
