import {
  VIRTIO_F_ANY_LAYOUT,
  VIRTIO_F_EVENT_IDX,
  VIRTIO_F_INDIRECT_DESC,
  VIRTIO_F_NOTIFY_ON_EMPTY,
  VIRTIO_F_RING_PACKED,
  VIRTIO_F_VERSION_1,
} from "../../../wire/common.ts";
import { CaseList, type CaseRun } from "../../case.ts";
import type { LegacyPci, SplitRing } from "../../guest/index.ts";
import { LEGACY, legacyOf, serves } from "./common.ts";

const cases = new CaseList();
const FEATURES = "content.legacy.legacy-interface-reserved-feature-bits";
const LAYOUT = "split-ring.legacy.legacy-interfaces-a-note-on-virtqueue-layout";

const UNUSED_BIT = 30;

/** A legacy driver at work. */
async function start(
  t: CaseRun,
  features: readonly number[] = [],
): Promise<{ legacy: LegacyPci; ring: SplitRing }> {
  const legacy = legacyOf(t);
  await legacy.negotiate(features);
  const ring = await legacy.addQueue(0);
  await legacy.write("device_status", 7);
  return { legacy, ring };
}

/** Lengths of two pieces of which the first has `first` bytes; none when there is nothing to cut. */
function cut(lengthBytes: number, first: number): number[] {
  return lengthBytes === 0 ? [] : [first, lengthBytes - first];
}

/** Skips the case unless legacy drivers are offered the feature. */
async function offered(t: CaseRun, bit: number): Promise<void> {
  const bits = await legacyOf(t).read("device_features");
  if (((bits >>> bit) & 1) === 0) t.skip(`feature bit ${bit} is not offered to legacy drivers`);
}

cases.add({
  id: "legacy/driver/version-1-not-acknowledged",
  title:
    "A driver that did not acknowledge VERSION_1 is served as a legacy one: no FEATURES_OK, and DRIVER_OK stands",
  clauses: ["content.device.feature-bits.6", "content.device.feature-bits.8"],
  needs: LEGACY,
  async run(t) {
    const { legacy, ring } = await start(t);
    t.equal(await legacy.read("device_status"), 7, "device_status");
    for (let round = 0; round < 3; round++)
      await serves(t, legacy, ring, "the device serves a legacy driver");
  },
});

cases.add({
  id: "legacy/driver/version-1-acknowledged",
  title:
    "A driver that acknowledges VERSION_1 is served as a modern one: FEATURES_OK stands, and features from 32 on count",
  clauses: ["content.device.feature-bits.6", "content.device.feature-bits.7"],
  needs: { ...LEGACY, format: "each" },
  async run(t) {
    await t.guest.start();
    await t.serves(0, "the device serves a modern driver, in the ring format that was negotiated");
  },
});

cases.add({
  id: "legacy/driver/modern-drivers-wait-for-driver-ok",
  title: "Of a driver that acknowledged VERSION_1 a transitional device takes no buffer before DRIVER_OK",
  clauses: ["content.device.device-status-field.1"],
  needs: { ...LEGACY, format: "each" },
  async run(t) {
    const { guest } = t;
    t.ok(await guest.negotiate(), "FEATURES_OK stands");
    const ring = await guest.addQueue(0);
    const probe = guest.model.probe(0);
    const request = guest.place(ring, probe.readable, probe.writableBytes);
    await guest.kick(ring);
    t.ok(await guest.returnedNothing(ring), "no buffer is taken before DRIVER_OK");
    await guest.driverOk();
    await guest.notify(ring);
    const { bytes, lengthBytes } = await guest.answer(request);
    t.equal(probe.check(bytes, lengthBytes), null, "what is wrong with the answer");
  },
});

cases.add({
  id: "legacy/driver/modern-after-legacy",
  title: "After a legacy driver and a reset comes a modern one, and the other way round",
  clauses: ["content.device.feature-bits.6", "content.device.feature-bits.8"],
  needs: LEGACY,
  async run(t) {
    for (let round = 0; round < 2; round++) {
      const { legacy, ring } = await start(t);
      await serves(t, legacy, ring, "the device serves a legacy driver");
      await t.guest.reset();
      await t.guest.start();
      await t.serves(0, "the device serves a modern driver");
      await t.guest.reset();
    }
  },
});

cases.add({
  id: "legacy/driver/buffers-before-driver-ok",
  title: "A legacy driver uses the device before it sets DRIVER_OK, and goes on after that",
  clauses: ["content.legacy.legacy-interface-device-initialization.3"],
  needs: LEGACY,
  async run(t) {
    const legacy = legacyOf(t);
    await legacy.negotiate();
    const ring = await legacy.addQueue(0);
    await serves(t, legacy, ring, "the device serves before DRIVER_OK");
    await serves(t, legacy, ring, "the device serves before DRIVER_OK, again");
    await t.guest.dut.settle();
    t.equal(await legacy.read("isr_status"), 1, "isr_status before DRIVER_OK");
    await legacy.write("device_status", 7);
    await serves(t, legacy, ring, "the device serves after DRIVER_OK");
  },
});

cases.add({
  id: "legacy/driver/high-features-not-acknowledged",
  title:
    "Feature bits 32 and up count as not acknowledged, even if they were written by way of the modern interface",
  clauses: ["transport-pci.legacy.legacy-interfaces-a-note-on-pci-device-layout.6"],
  needs: LEGACY,
  async run(t) {
    const { guest } = t;
    const legacy = legacyOf(t);
    await guest.acknowledge();
    const high = [VIRTIO_F_RING_PACKED, VIRTIO_F_VERSION_1];
    const offers = await guest.offeredFeatures();
    await guest.acceptFeatures(high.filter((bit) => offers.has(bit)));
    await legacy.write("driver_features", 0);
    const ring = await legacy.addQueue(0);
    await legacy.write("device_status", 7);
    t.equal(await legacy.read("device_status"), 7, "device_status");
    await serves(t, legacy, ring, "the device serves a split ring, without FEATURES_OK");
  },
});

cases.add({
  id: "legacy/driver/features-in-force",
  title: "Features of a legacy driver are in force without FEATURES_OK: an indirect table is understood",
  clauses: ["content.device.feature-bits.8"],
  needs: LEGACY,
  async run(t) {
    await offered(t, VIRTIO_F_INDIRECT_DESC);
    const { legacy, ring } = await start(t, [VIRTIO_F_INDIRECT_DESC]);
    const { guest } = t;
    const probe = guest.model.probe(0);
    const request = guest.place(ring, probe.readable, probe.writableBytes, { indirectFrom: 0 });
    await legacy.kick(ring);
    const { bytes, lengthBytes } = await guest.answer(request);
    t.equal(probe.check(bytes, lengthBytes), null, "what is wrong with the answer");
  },
});

cases.add({
  id: "legacy/driver/any-layout-offered",
  title: "VIRTIO_F_ANY_LAYOUT is offered",
  clauses: [`${FEATURES}.3`],
  needs: LEGACY,
  async run(t) {
    const bits = await legacyOf(t).read("device_features");
    t.equal((bits >>> VIRTIO_F_ANY_LAYOUT) & 1, 1, "bit 27 of device_features");
  },
});

cases.add({
  id: "legacy/driver/any-layout",
  title: "With VIRTIO_F_ANY_LAYOUT accepted, a request may be cut into descriptors in any way",
  clauses: [`${FEATURES}.3`],
  needs: LEGACY,
  async run(t) {
    await offered(t, VIRTIO_F_ANY_LAYOUT);
    const { legacy, ring } = await start(t, [VIRTIO_F_ANY_LAYOUT]);
    const { guest } = t;
    const probe = guest.model.probe(0);
    for (const first of [1, 3]) {
      const request = guest.place(ring, probe.readable, probe.writableBytes, {
        readable: cut(probe.readable.length, first),
        writable: cut(probe.writableBytes, first),
      });
      await legacy.kick(ring);
      const { bytes, lengthBytes } = await guest.answer(request);
      t.equal(probe.check(bytes, lengthBytes), null, "what is wrong with the answer");
    }
  },
});

cases.add({
  id: "legacy/driver/bit-30",
  title: "Bit 30, once a mark of experimental drivers, cannot be negotiated: it is not offered",
  clauses: [`${FEATURES}.4`],
  needs: LEGACY,
  async run(t) {
    const bits = await legacyOf(t).read("device_features");
    t.equal((bits >>> UNUSED_BIT) & 1, 0, "bit 30 of device_features");
  },
});

cases.add({
  id: "legacy/driver/notify-on-empty",
  title:
    "With VIRTIO_F_NOTIFY_ON_EMPTY the last available buffer's use is notified although notifications are suppressed",
  clauses: [`${FEATURES}.1`, `${FEATURES}.2`],
  needs: LEGACY,
  parameters: [{ by: "flag" }, { by: "used_event" }],
  async run(t, { by }) {
    await offered(t, VIRTIO_F_NOTIFY_ON_EMPTY);
    const features = [VIRTIO_F_NOTIFY_ON_EMPTY];
    if (by === "used_event") {
      await offered(t, VIRTIO_F_EVENT_IDX);
      features.push(VIRTIO_F_EVENT_IDX);
    }
    const { legacy, ring } = await start(t, features);
    if (by === "flag") ring.setInterruptsWanted(false);
    else ring.setUsedEvent(100);
    await serves(t, legacy, ring, "the device serves a legacy driver");
    await t.guest.dut.settle();
    t.equal(await legacy.read("isr_status"), 1, "isr_status once the queue was empty");
    for (let n = 0; n < 2; n++) {
      const probe = t.guest.model.probe(0);
      t.guest.place(ring, probe.readable, probe.writableBytes);
    }
    await legacy.kick(ring);
    t.ok(
      (await t.guest.used(ring)) !== null && (await t.guest.used(ring)) !== null,
      "both buffers come back",
    );
    t.equal(await legacy.read("isr_status"), 1, "isr_status once the queue was empty again");
  },
});

cases.add({
  id: "legacy/driver/suppression-without-notify-on-empty",
  title: "Without VIRTIO_F_NOTIFY_ON_EMPTY suppressed notifications stay away, be the queue empty or not",
  clauses: [`${FEATURES}.1`],
  needs: LEGACY,
  async run(t) {
    const { legacy, ring } = await start(t);
    ring.setInterruptsWanted(false);
    await serves(t, legacy, ring, "the device serves a legacy driver");
    await t.guest.dut.settle();
    t.equal(await legacy.read("isr_status"), 0, "isr_status");
    ring.setInterruptsWanted(true);
    await serves(t, legacy, ring, "the device serves a legacy driver");
    await t.guest.dut.settle();
    t.equal(await legacy.read("isr_status"), 1, "isr_status with notifications wanted");
  },
});

cases.add({
  id: "legacy/ring/layout",
  title: "The used ring lies on the page behind the available ring, and every entry of every part is found",
  clauses: [`${LAYOUT}.2`],
  needs: LEGACY,
  async run(t) {
    const { legacy, ring } = await start(t);
    t.equal(ring.addresses.device % 4096, 0, "the used ring's address modulo 4096");
    // Once around and beyond: every descriptor, every entry of both rings.
    for (let round = 0; round < ring.size + 2; round++) {
      await serves(t, legacy, ring, `the device serves buffer ${round}`);
      t.equal(ring.usedIdx, round + 1, "the used ring's idx");
    }
  },
});

cases.add({
  id: "legacy/ring/layout-with-event-index",
  title: "used_event and avail_event stand behind the rings of the legacy layout",
  clauses: [`${LAYOUT}.2`],
  needs: LEGACY,
  async run(t) {
    await offered(t, VIRTIO_F_EVENT_IDX);
    const { legacy, ring } = await start(t, [VIRTIO_F_EVENT_IDX]);
    // The first notification may come whatever used_event says: the device has not sent any that it could compare with.
    await serves(t, legacy, ring, "the device serves");
    await t.guest.dut.settle();
    t.equal(await legacy.read("isr_status"), 1, "isr_status with used_event 0");
    ring.setUsedEvent(2);
    await serves(t, legacy, ring, "the device serves");
    await t.guest.dut.settle();
    t.equal(await legacy.read("isr_status"), 0, "isr_status before used_event is reached");
    await serves(t, legacy, ring, "the device serves");
    await t.guest.dut.settle();
    t.equal(await legacy.read("isr_status"), 1, "isr_status once used_event was reached");
  },
});

cases.add({
  id: "legacy/ring/endianness",
  title: "All numbers of the queue have the guest's byte order, here the little-endian one",
  clauses: ["split-ring.legacy.legacy-interfaces-a-note-on-virtqueue-endianness.1"],
  needs: LEGACY,
  async run(t) {
    const { legacy, ring } = await start(t);
    const { guest } = t;
    const probe = guest.model.probe(0);
    // A head, a length and an index whose bytes differ.
    ring.takeSlots(2);
    const request = guest.place(ring, probe.readable, probe.writableBytes);
    t.equal(request.placed.id, 2, "the head of the chain");
    await legacy.kick(ring);
    const { lengthBytes } = await guest.answer(request);
    const { device } = ring.addresses;
    const bytes = guest.arena.ram.read(device, 12);
    t.equalBytes(
      bytes,
      new Uint8Array([0, 0, 1, 0, 2, 0, 0, 0, lengthBytes & 0xff, lengthBytes >> 8, 0, 0]),
      "the used ring",
    );
  },
});

/** What a legacy driver may rely on (virtio 1.4, sections 2.2.3, 2.7.2, 2.7.3, 3.1.2 and 6.3). */
export const LEGACY_DRIVER_CASES = cases.all;
