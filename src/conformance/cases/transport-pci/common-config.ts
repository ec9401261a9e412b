import {
  VIRTIO_F_ADMIN_VQ,
  VIRTIO_F_RING_PACKED,
  VIRTIO_F_RING_RESET,
  VIRTIO_F_VERSION_1,
} from "../../../wire/common.ts";
import { VIRTIO_GPU_CONFIG } from "../../../wire/gpu.ts";
import { VIRTIO_PCI_CAP_COMMON_CFG, VIRTIO_PCI_COMMON_CFG } from "../../../wire/pci.ts";
import { CaseList, type CaseRun } from "../../case.ts";
import { changeDisplay, PCI, PCI_EACH, queueCount, structures } from "./common.ts";

const cases = new CaseList();
const CFG = VIRTIO_PCI_COMMON_CFG;

/** Bits 0 to 23 and 50 to 127 are the device type's; no type has one from 64 on. */
const FIRST_WORD_WITHOUT_FEATURES = 2;

cases.add({
  id: "transport-pci/common-config/alignment",
  title: "The common configuration structure is 4-byte aligned",
  clauses: ["transport-pci.device.common-configuration-structure-layout.1"],
  needs: PCI,
  async run(t) {
    for (const { offset } of structures(t, VIRTIO_PCI_CAP_COMMON_CFG))
      t.equal(offset % 4, 0, "offset modulo 4");
  },
});

cases.add({
  id: "transport-pci/common-config/present",
  title: "There is a common configuration capability",
  clauses: ["transport-pci.device.common-configuration-structure-layout.2"],
  needs: PCI,
  async run(t) {
    t.ok(
      structures(t, VIRTIO_PCI_CAP_COMMON_CFG).length > 0,
      "there is a VIRTIO_PCI_CAP_COMMON_CFG capability",
    );
  },
});

cases.add({
  id: "transport-pci/common-config/device-features-by-word",
  title:
    "device_feature presents the word that device_feature_select names, and 0 for words that hold no feature",
  clauses: ["transport-pci.device.common-configuration-structure-layout.3"],
  needs: PCI,
  async run(t) {
    const { registers } = t.guest;
    const low = await registers.deviceFeatures(0);
    const high = await registers.deviceFeatures(1);
    t.ok(((high >>> (VIRTIO_F_VERSION_1 - 32)) & 1) === 1, "bit 32 is bit 0 of word 1");
    for (const word of [
      FIRST_WORD_WITHOUT_FEATURES,
      3,
      4,
      31,
      32,
      33,
      255,
      256,
      0x10000,
      0x80000000,
      0xffffffff,
    ]) {
      t.equal(await registers.deviceFeatures(word), 0, `device_feature of word ${word}`);
    }
    t.equal(await registers.deviceFeatures(1), high, "device_feature of word 1, read again");
    t.equal(await registers.deviceFeatures(0), low, "device_feature of word 0, read again");
    await t.guest.start();
    t.equal(await registers.deviceFeatures(0), low, "device_feature of word 0, of the running device");
    t.equal(await registers.deviceFeatures(1), high, "device_feature of word 1, of the running device");
  },
});

cases.add({
  id: "transport-pci/common-config/driver-features-read-back",
  title:
    "driver_feature presents the valid bits that were written, word by word, one bit at a time and all together",
  clauses: ["transport-pci.device.common-configuration-structure-layout.4"],
  needs: PCI,
  async run(t) {
    const { pci } = t.guest;
    await t.guest.acknowledge();
    const words = [await pci.deviceFeatures(0), await pci.deviceFeatures(1)];
    for (const [word, offered] of words.entries()) {
      for (let bit = 0; bit < 32; bit++) {
        const value = (1 << bit) >>> 0;
        if ((offered & value) === 0) continue;
        await pci.setDriverFeatures(word, value);
        t.equal(
          (await pci.driverFeatures(word)) & offered,
          value | 0,
          `driver_feature with bit ${32 * word + bit}`,
        );
      }
      await pci.setDriverFeatures(word, 0);
      t.equal((await pci.driverFeatures(word)) & offered, 0, `driver_feature of word ${word}, cleared`);
    }
    for (const [word, offered] of words.entries()) await pci.setDriverFeatures(word, offered);
    for (const [word, offered] of words.entries()) {
      t.equal(((await pci.driverFeatures(word)) & offered) >>> 0, offered, `driver_feature of word ${word}`);
    }
  },
});

cases.add({
  id: "transport-pci/common-config/driver-features-after-negotiation",
  title: "driver_feature still presents what was accepted once FEATURES_OK is set",
  clauses: ["transport-pci.device.common-configuration-structure-layout.4"],
  needs: PCI_EACH,
  async run(t) {
    await t.guest.start();
    const { pci } = t.guest;
    for (const word of [0, 1]) {
      let accepted = 0;
      for (const bit of t.guest.features)
        if (bit >> 5 === word) accepted = (accepted | (1 << (bit & 31))) >>> 0;
      const offered = await pci.deviceFeatures(word);
      t.equal(((await pci.driverFeatures(word)) & offered) >>> 0, accepted, `driver_feature of word ${word}`);
    }
  },
});

cases.add({
  id: "transport-pci/common-config/driver-features-invalid-bits",
  title: "Bits that were never offered may come back from driver_feature or not; the valid ones do",
  clauses: ["transport-pci.device.common-configuration-structure-layout.5"],
  needs: PCI,
  async run(t) {
    const { pci } = t.guest;
    await t.guest.acknowledge();
    for (const word of [0, 1]) {
      const offered = await pci.deviceFeatures(word);
      await pci.setDriverFeatures(word, 0xffffffff);
      const found = await pci.driverFeatures(word);
      t.equal((found & offered) >>> 0, offered, `the valid bits of word ${word}`);
      t.note(
        `word ${word}: invalid bits ${(found & ~offered) >>> 0 === 0 ? "do not come back" : "come back"}`,
      );
    }
  },
});

cases.add({
  id: "transport-pci/common-config/halves-of-64-bit-fields",
  title:
    "The halves of queue_desc, queue_driver and queue_device are written and read apart, in either order",
  clauses: ["transport-pci.device.pci-device-layout.1"],
  needs: PCI,
  parameters: [{ field: "queue_desc" }, { field: "queue_driver" }, { field: "queue_device" }] as const,
  async run(t, { field }) {
    const { pci } = t.guest;
    await t.guest.negotiate();
    await pci.selectQueue(0);
    const at = CFG[field];
    const low = 0x12345000;
    const high = 0x7;
    await pci.setCommon(at + 4, 4, high);
    await pci.setCommon(at, 4, low);
    t.equal(await pci.common(at, 4), low, `the low half of ${field}`);
    t.equal(await pci.common(at + 4, 4), high, `the high half of ${field}`);
    await pci.setCommon(at + 4, 4, 0);
    t.equal(await pci.common(at, 4), low, `the low half of ${field} after a write of the high one`);
    t.equal(await pci.common(at + 4, 4), 0, `the high half of ${field}`);
    await pci.setCommon(at, 4, 0x1000);
    t.equal(await pci.common(at, 4), 0x1000, `the low half of ${field}`);
    t.equal(await pci.common(at + 4, 4), 0, `the high half of ${field} after a write of the low one`);
  },
});

async function configValue(t: CaseRun): Promise<number> {
  return t.guest.registers.config(VIRTIO_GPU_CONFIG.events_read, 4);
}

cases.add({
  id: "transport-pci/common-config/generation-after-a-change",
  title: "config_generation is another one after a changed configuration value was read",
  clauses: ["transport-pci.device.common-configuration-structure-layout.6"],
  needs: { ...PCI, devices: ["gpu"], displayChange: true },
  async run(t) {
    await t.guest.start();
    const { registers } = t.guest;
    try {
      for (let round = 0; round < 4; round++) {
        await registers.setConfig(VIRTIO_GPU_CONFIG.events_clear, 4, 1);
        t.equal(await configValue(t), 0, "events_read, acknowledged");
        const before = await registers.configGeneration();
        await changeDisplay(t, 640 + 8 * round, 480);
        t.equal(await configValue(t), 1, "events_read after a change of the display");
        const after = await registers.configGeneration();
        t.ok(after !== before, `config_generation is no longer ${before}`);
      }
    } finally {
      await changeDisplay(t, 1024, 768);
    }
  },
});

cases.add({
  id: "transport-pci/common-config/generation-does-not-wrap",
  title: "256 changes between two reads do not bring config_generation back to where it was",
  clauses: ["transport-pci.device.common-configuration-structure-layout.6"],
  needs: { ...PCI, devices: ["gpu"], displayChange: true },
  async run(t) {
    await t.guest.start();
    const { registers } = t.guest;
    try {
      await registers.setConfig(VIRTIO_GPU_CONFIG.events_clear, 4, 1);
      await configValue(t);
      const before = await registers.configGeneration();
      for (let change = 0; change < 256; change++) {
        await t.guest.dut.changeDisplay?.({ scanout: 0, width: 640 + (change % 2) * 64, height: 480 });
      }
      await t.guest.dut.settle();
      t.equal(await configValue(t), 1, "events_read after 256 changes of the display");
      t.ok((await registers.configGeneration()) !== before, `config_generation is no longer ${before}`);
    } finally {
      await changeDisplay(t, 1024, 768);
    }
  },
});

cases.add({
  id: "transport-pci/common-config/reset-by-status-0",
  title:
    "Writing 0 to device_status resets the device, in whatever state it is, and presents 0 when it is done",
  clauses: ["transport-pci.device.common-configuration-structure-layout.7"],
  needs: PCI_EACH,
  parameters: [{ from: "acknowledged" }, { from: "negotiated" }, { from: "running" }, { from: "failed" }],
  async run(t, { from }) {
    const { guest } = t;
    if (from === "acknowledged") await guest.acknowledge();
    else if (from === "negotiated") await guest.negotiate();
    else await guest.start();
    if (from === "failed") await guest.writeStatus((await guest.status()) | 0x80);
    t.ok((await guest.status()) !== 0, "the device is in the state to begin with");
    await guest.reset();
    t.equal(await guest.status(), 0, "device_status after the reset");
    await guest.start();
    await t.serves(0, "the device serves after the reset");
  },
});

cases.add({
  id: "transport-pci/common-config/queues-disabled-by-reset",
  title: "queue_enable is 0 on reset, for every queue, at first and after they were enabled",
  clauses: ["transport-pci.device.common-configuration-structure-layout.8"],
  needs: PCI_EACH,
  async run(t) {
    const { registers } = t.guest;
    const count = await queueCount(t);
    for (let queue = 0; queue < count; queue++)
      t.equal(await registers.queueEnabled(queue), 0, `queue ${queue}`);
    await t.guest.start();
    t.equal(await registers.queueEnabled(0), 1, "queue_enable of the running device");
    await t.guest.reset();
    for (let queue = 0; queue < count; queue++) {
      t.equal(await registers.queueEnabled(queue), 0, `queue_enable of queue ${queue} after the reset`);
    }
  },
});

const RING_RESET = { ...PCI_EACH, features: [VIRTIO_F_RING_RESET] };

cases.add({
  id: "transport-pci/common-config/queue-reset-0-on-reset",
  title: "queue_reset is 0 on reset, once VIRTIO_F_RING_RESET is negotiated",
  clauses: ["transport-pci.device.common-configuration-structure-layout.9"],
  needs: RING_RESET,
  async run(t) {
    const { guest } = t;
    await guest.negotiate([VIRTIO_F_RING_RESET]);
    const count = await queueCount(t);
    for (let queue = 0; queue < count; queue++) {
      t.equal(await guest.registers.queueReset(queue), 0, `queue_reset of queue ${queue}`);
    }
    await guest.reset();
    await guest.start({ features: [VIRTIO_F_RING_RESET] });
    await guest.registers.setQueueReset(0, 1);
    await guest.reset();
    await guest.negotiate([VIRTIO_F_RING_RESET]);
    for (let queue = 0; queue < count; queue++) {
      t.equal(await guest.registers.queueReset(queue), 0, `queue_reset of queue ${queue} after the reset`);
    }
  },
});

/** Writes 1 to queue_reset and waits until the device says that the reset is over. */
async function resetQueue(t: CaseRun, queue: number): Promise<void> {
  const { registers, dut } = t.guest;
  t.note(`queue_reset of queue ${queue} ← 1`);
  await registers.setQueueReset(queue, 1);
  for (let turn = 0; (await registers.queueReset(queue)) !== 0; turn++) {
    if (turn === 20) t.fail("queue_reset does not become 0");
    t.equal(await registers.queueReset(queue), 1, "queue_reset while the reset is under way");
    await dut.settle();
  }
}

cases.add({
  id: "transport-pci/common-config/queue-reset-0-after-enable",
  title: "queue_reset is 0 after the queue was enabled, for the first time and again",
  clauses: ["transport-pci.device.common-configuration-structure-layout.10"],
  needs: RING_RESET,
  async run(t) {
    const { guest } = t;
    await guest.start({ features: [VIRTIO_F_RING_RESET] });
    t.equal(await guest.registers.queueReset(0), 0, "queue_reset of an enabled queue");
    await resetQueue(t, 0);
    await guest.addQueue(0);
    t.equal(await guest.registers.queueReset(0), 0, "queue_reset of a queue that was enabled again");
    await t.serves();
  },
});

cases.add({
  id: "transport-pci/common-config/queue-reset",
  title:
    "1 in queue_reset resets the queue: it takes no more buffers until it is set up anew, from its beginning",
  clauses: [
    "transport-pci.device.common-configuration-structure-layout.11",
    "transport-pci.device.common-configuration-structure-layout.13",
  ],
  needs: RING_RESET,
  async run(t) {
    const { guest } = t;
    await guest.start({ features: [VIRTIO_F_RING_RESET] });
    for (let round = 0; round < 3; round++) await t.serves();
    const old = guest.ring(0);
    await resetQueue(t, 0);
    t.equal(await guest.registers.queueReset(0), 0, "queue_reset");
    t.equal(await guest.registers.queueEnabled(0), 0, "queue_enable");
    const probe = guest.model.probe(0);
    guest.place(old, probe.readable, probe.writableBytes);
    await guest.kick(old);
    t.ok(await guest.returnedNothing(old), "the queue that was reset takes no buffer");
    await guest.addQueue(0);
    await t.serves(0, "the queue serves after it was set up anew");
  },
});

cases.add({
  id: "transport-pci/common-config/queue-reset-of-one-queue",
  title: "The reset of one queue leaves the others running",
  clauses: ["transport-pci.device.common-configuration-structure-layout.11"],
  needs: { ...RING_RESET, devices: ["gpu"] },
  async run(t) {
    await t.guest.start({ features: [VIRTIO_F_RING_RESET] });
    await resetQueue(t, 1);
    t.equal(await t.guest.registers.queueEnabled(0), 1, "queue_enable of queue 0");
    await t.serves(0, "queue 0 serves");
    await t.guest.addQueue(1);
    await t.serves(1, "queue 1 serves after it was set up anew");
  },
});

cases.add({
  id: "transport-pci/common-config/queue-reset-is-over-when-it-says-so",
  title:
    "Once queue_reset reads 0 the reset is over, even with buffers in flight: nothing of the old queue is touched",
  clauses: [
    "transport-pci.device.common-configuration-structure-layout.12",
    "transport-pci.device.common-configuration-structure-layout.13",
  ],
  needs: RING_RESET,
  async run(t) {
    const { guest } = t;
    await guest.start({ features: [VIRTIO_F_RING_RESET] });
    await t.serves();
    const old = guest.ring(0);
    const probe = guest.model.probe(0);
    guest.place(old, probe.readable, probe.writableBytes);
    await guest.kick(old);
    await resetQueue(t, 0);
    t.equal(await guest.registers.queueEnabled(0), 0, "queue_enable as soon as queue_reset reads 0");
    // What was done before the reset was over is done; from now on there must be silence.
    while (old.takeUsed() !== null) t.note("the buffer came back before the reset was over");
    guest.place(old, probe.readable, probe.writableBytes);
    await guest.kick(old);
    t.ok(await guest.returnedNothing(old), "the device has let go of the old queue");
    t.equal(await guest.registers.queueEnabled(0), 0, "queue_enable a while after");
    t.equal(await guest.registers.queueReset(0), 0, "queue_reset a while after");
  },
});

cases.add({
  id: "transport-pci/common-config/size-of-unavailable-queues",
  title: "queue_size is 0 for queues that do not exist, and not for those that do",
  clauses: ["transport-pci.device.common-configuration-structure-layout.14"],
  needs: PCI_EACH,
  async run(t) {
    const { registers } = t.guest;
    await t.guest.negotiate();
    const count = await queueCount(t);
    t.ok(count >= t.guest.model.queues.length, "num_queues counts all queues of the device type");
    for (let queue = 0; queue < t.guest.model.queues.length; queue++) {
      t.ok((await registers.queueSize(queue)) > 0, `queue_size of queue ${queue} is not 0`);
    }
    for (const queue of [count, count + 1, 0x100 + count, 0x1000, 0x7fff, 0x8000, 0xffff]) {
      t.equal(await registers.queueSize(queue), 0, `queue_size of queue ${queue}, of ${count}`);
    }
    t.ok((await registers.queueSize(0)) > 0, "queue_size of queue 0, selected again, is not 0");
  },
});

cases.add({
  id: "transport-pci/common-config/sizes-are-powers-of-two",
  title: "queue_size is 0 or a power of 2 unless VIRTIO_F_RING_PACKED is negotiated",
  clauses: ["transport-pci.device.common-configuration-structure-layout.15"],
  needs: { ...PCI, format: "split" },
  parameters: [{ negotiated: false }, { negotiated: true }],
  async run(t, { negotiated }) {
    const { registers } = t.guest;
    if (negotiated) await t.guest.negotiate();
    t.ok(!t.guest.features.has(VIRTIO_F_RING_PACKED), "VIRTIO_F_RING_PACKED is not negotiated");
    const count = await queueCount(t);
    for (let queue = 0; queue < count; queue++) {
      const size = await registers.queueSize(queue);
      t.equal(size & (size - 1), 0, `what makes queue_size ${size} of queue ${queue} no power of 2`);
      t.ok(size <= 32768, `queue_size of queue ${queue} is at most 32768`);
    }
  },
});

cases.add({
  id: "transport-pci/common-config/sizes-stay-powers-of-two",
  title:
    "A size that is not a power of 2, as no driver of a split ring may write, does not come back from queue_size",
  clauses: ["transport-pci.device.common-configuration-structure-layout.15"],
  needs: { ...PCI, format: "split" },
  async run(t) {
    const { registers } = t.guest;
    await t.guest.negotiate();
    for (const wrong of [3, 7, 12]) {
      await registers.setQueueSize(0, wrong);
      const size = await registers.queueSize(0);
      t.equal(
        size & (size - 1),
        0,
        `what makes queue_size ${size} no power of 2, after ${wrong} was written,`,
      );
    }
  },
});

cases.add({
  id: "transport-pci/common-config/admin-queues",
  title: "Administration virtqueues have indexes behind all others and within 16 bits",
  clauses: ["transport-pci.device.common-configuration-structure-layout.16"],
  needs: { ...PCI, features: [VIRTIO_F_ADMIN_VQ] },
  async run(t) {
    t.ok(await t.guest.negotiate([VIRTIO_F_ADMIN_VQ]), "VIRTIO_F_ADMIN_VQ can be negotiated");
    const { pci } = t.guest;
    const first = await pci.common(CFG.admin_queue_index, 2);
    const number = await pci.common(CFG.admin_queue_num, 2);
    t.ok(first >= (await queueCount(t)), `admin_queue_index ${first} is num_queues or more`);
    t.ok(number <= 0x10000 - first, `admin_queue_num ${number} is at most 0x10000 - ${first}`);
  },
});

/** The common configuration structure (virtio 1.4, section 4.1.4.3), and 64-bit fields (4.1.3). */
export const COMMON_CONFIG_CASES = cases.all;
