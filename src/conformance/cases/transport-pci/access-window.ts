import {
  PCI_STD_NUM_BARS,
  VIRTIO_PCI_CAP,
  VIRTIO_PCI_CAP_COMMON_CFG,
  VIRTIO_PCI_CAP_DEVICE_CFG,
  VIRTIO_PCI_CAP_ISR_CFG,
  VIRTIO_PCI_CAP_NOTIFY_CFG,
  VIRTIO_PCI_CAP_PCI_CFG,
  VIRTIO_PCI_CFG_CAP,
  VIRTIO_PCI_COMMON_CFG,
  VIRTIO_PCI_ISR_QUEUE,
} from "../../../wire/pci.ts";
import { CaseList, type CaseRun } from "../../case.ts";
import { PCI, structures } from "./common.ts";

const cases = new CaseList();
const RULES = "transport-pci.device.pci-configuration-access-capability";
const CFG = VIRTIO_PCI_COMMON_CFG;

/** The window that the access capability opens into a BAR. */
class AccessWindow {
  readonly #t: CaseRun;
  readonly #at: number;

  constructor(t: CaseRun) {
    const found = structures(t, VIRTIO_PCI_CAP_PCI_CFG)[0];
    if (found === undefined) t.fail("there is no VIRTIO_PCI_CAP_PCI_CFG capability");
    this.#t = t;
    this.#at = found.at;
  }

  async #aim(type: number, offset: number, widthBytes: number): Promise<void> {
    const { raw } = this.#t.guest.pci;
    const structure = this.#t.guest.pci.structure(type);
    await raw.configWrite(this.#at + VIRTIO_PCI_CAP.bar, 1, structure.bar);
    await raw.configWrite(this.#at + VIRTIO_PCI_CAP.length, 4, widthBytes);
    await raw.configWrite(this.#at + VIRTIO_PCI_CAP.offset, 4, structure.offset + offset);
  }

  async read(type: number, offset: number, widthBytes: 1 | 2 | 4): Promise<number> {
    await this.#aim(type, offset, widthBytes);
    return this.#t.guest.pci.raw.configRead(this.#at + VIRTIO_PCI_CFG_CAP.pci_cfg_data, widthBytes);
  }

  async write(type: number, offset: number, widthBytes: 1 | 2 | 4, value: number): Promise<void> {
    await this.#aim(type, offset, widthBytes);
    await this.#t.guest.pci.raw.configWrite(this.#at + VIRTIO_PCI_CFG_CAP.pci_cfg_data, widthBytes, value);
  }

  /** Reads back a field of the capability itself. */
  field(offset: number, widthBytes: 1 | 4): Promise<number> {
    return Promise.resolve(this.#t.guest.pci.raw.configRead(this.#at + offset, widthBytes));
  }

  /** Reads and writes pci_cfg_data wherever the window stands. */
  async touch(widthBytes: 1 | 2 | 4): Promise<void> {
    const { raw } = this.#t.guest.pci;
    await raw.configRead(this.#at + VIRTIO_PCI_CFG_CAP.pci_cfg_data, widthBytes);
    await raw.configWrite(this.#at + VIRTIO_PCI_CFG_CAP.pci_cfg_data, widthBytes, 0xff);
  }

  async setField(offset: number, widthBytes: 1 | 4, value: number): Promise<void> {
    await this.#t.guest.pci.raw.configWrite(this.#at + offset, widthBytes, value);
  }
}

cases.add({
  id: "transport-pci/access-window/present",
  title: "There is a PCI configuration access capability",
  clauses: [`${RULES}.1`],
  needs: PCI,
  async run(t) {
    t.ok(structures(t, VIRTIO_PCI_CAP_PCI_CFG).length > 0, "there is a VIRTIO_PCI_CAP_PCI_CFG capability");
  },
});

cases.add({
  id: "transport-pci/access-window/fields-are-writable",
  title: "bar, offset and length of the access capability keep what the driver writes",
  clauses: [`${RULES}.2`, `${RULES}.3`],
  needs: PCI,
  async run(t) {
    const window = new AccessWindow(t);
    const { bar } = t.guest.pci.structure(VIRTIO_PCI_CAP_COMMON_CFG);
    for (const value of [bar, 0, PCI_STD_NUM_BARS - 1, bar]) {
      await window.setField(VIRTIO_PCI_CAP.bar, 1, value);
      t.equal(await window.field(VIRTIO_PCI_CAP.bar, 1), value, "bar");
    }
    for (const value of [0, 4, 0x12345678, 0]) {
      await window.setField(VIRTIO_PCI_CAP.offset, 4, value);
      t.equal(await window.field(VIRTIO_PCI_CAP.offset, 4), value, "offset");
    }
    for (const value of [1, 2, 4]) {
      await window.setField(VIRTIO_PCI_CAP.length, 4, value);
      t.equal(await window.field(VIRTIO_PCI_CAP.length, 4), value, "length");
    }
  },
});

cases.add({
  id: "transport-pci/access-window/reads",
  title: "A read of pci_cfg_data reads the BAR: 1, 2 and 4 bytes, at the offset that was written",
  clauses: [`${RULES}.3`],
  needs: PCI,
  async run(t) {
    const { pci } = t.guest;
    const window = new AccessWindow(t);
    await t.guest.start();
    const common = (offset: number, width: 1 | 2 | 4) =>
      window.read(VIRTIO_PCI_CAP_COMMON_CFG, offset, width);
    t.equal(await common(CFG.device_status, 1), await t.guest.status(), "device_status");
    t.equal(await common(CFG.num_queues, 2), await pci.common(CFG.num_queues, 2), "num_queues");
    await pci.selectQueue(0);
    t.equal(await common(CFG.queue_size, 2), await pci.common(CFG.queue_size, 2), "queue_size");
    t.equal(await common(CFG.queue_desc, 4), t.guest.ring(0).addresses.descriptors, "queue_desc");
    for (const word of [0, 1]) {
      const value = await pci.deviceFeatures(word);
      t.equal(await common(CFG.device_feature, 4), value, `device_feature of word ${word}`);
    }
    if (structures(t, VIRTIO_PCI_CAP_DEVICE_CFG).length > 0) {
      for (let at = 0; at + 4 <= t.guest.model.configBytes; at += 4) {
        const value = await t.guest.registers.config(at, 4);
        t.equal(await window.read(VIRTIO_PCI_CAP_DEVICE_CFG, at, 4), value, `the configuration at ${at}`);
      }
    }
  },
});

cases.add({
  id: "transport-pci/access-window/reads-are-real",
  title: "A read through the window has the effect of the read: the ISR status is 0 afterwards",
  clauses: [`${RULES}.3`],
  needs: PCI,
  async run(t) {
    const window = new AccessWindow(t);
    await t.guest.start();
    await t.serves();
    await t.guest.dut.settle();
    t.equal(await window.read(VIRTIO_PCI_CAP_ISR_CFG, 0, 1), VIRTIO_PCI_ISR_QUEUE, "the ISR status");
    t.equal(await window.read(VIRTIO_PCI_CAP_ISR_CFG, 0, 1), 0, "the ISR status, read again");
    t.equal(await t.guest.dut.interruptLine(), false, "the interrupt line");
  },
});

cases.add({
  id: "transport-pci/access-window/writes",
  title: "A write of pci_cfg_data writes the BAR: 1, 2 and 4 bytes, at the offset that was written",
  clauses: [`${RULES}.2`],
  needs: PCI,
  async run(t) {
    const { pci } = t.guest;
    const window = new AccessWindow(t);
    const common = (offset: number, width: 1 | 2 | 4, value: number) =>
      window.write(VIRTIO_PCI_CAP_COMMON_CFG, offset, width, value);
    await common(CFG.device_status, 1, 1);
    t.equal(await t.guest.status(), 1, "device_status");
    await common(CFG.device_status, 1, 3);
    t.equal(await t.guest.status(), 3, "device_status");
    const count = await pci.common(CFG.num_queues, 2);
    await common(CFG.queue_select, 2, count - 1);
    t.equal(await pci.common(CFG.queue_select, 2), count - 1, "queue_select");
    await common(CFG.device_feature_select, 4, 1);
    t.equal(await pci.common(CFG.device_feature_select, 4), 1, "device_feature_select");
    await common(CFG.queue_desc, 4, 0x12345000);
    t.equal(await pci.common(CFG.queue_desc, 4), 0x12345000, "the low half of queue_desc");
    t.equal(await pci.common(CFG.queue_desc + 4, 4), 0, "the high half of queue_desc, which was not written");
    await common(CFG.device_status, 1, 0);
    t.equal(await t.guest.status(), 0, "device_status");
  },
});

cases.add({
  id: "transport-pci/access-window/whole-life",
  title: "A device is driven through the window alone: status, features, a queue, a notification",
  clauses: [`${RULES}.2`, `${RULES}.3`],
  needs: PCI,
  async run(t) {
    const window = new AccessWindow(t);
    const { guest } = t;
    const common = (offset: number, width: 1 | 2 | 4, value: number) =>
      window.write(VIRTIO_PCI_CAP_COMMON_CFG, offset, width, value);
    await common(CFG.device_status, 1, 1);
    await common(CFG.device_status, 1, 3);
    await common(CFG.driver_feature_select, 4, 1);
    await common(CFG.driver_feature, 4, 1);
    await common(CFG.device_status, 1, 11);
    t.equal(
      await window.read(VIRTIO_PCI_CAP_COMMON_CFG, CFG.device_status, 1),
      11,
      "device_status with FEATURES_OK",
    );
    const ring = await guest.configureQueue(0);
    await common(CFG.queue_select, 2, 0);
    await common(CFG.queue_enable, 2, 1);
    await common(CFG.device_status, 1, 15);
    const probe = guest.model.probe(0);
    const request = guest.place(ring, probe.readable, probe.writableBytes);
    ring.publish();
    const notifyOff = await window.read(VIRTIO_PCI_CAP_COMMON_CFG, CFG.queue_notify_off, 2);
    await window.write(VIRTIO_PCI_CAP_NOTIFY_CFG, notifyOff * guest.pci.notifyOffMultiplier, 2, 0);
    const { bytes, lengthBytes } = await guest.answer(request);
    t.equal(probe.check(bytes, lengthBytes), null, "what is wrong with the answer");
  },
});

cases.add({
  id: "transport-pci/access-window/aimed-at-nothing",
  title: "A window into a BAR that does not exist, beyond its end, or of a width there is not, does no harm",
  clauses: [`${RULES}.2`, `${RULES}.3`],
  needs: PCI,
  parameters: [
    { bar: PCI_STD_NUM_BARS, offset: 0, length: 4 },
    { bar: 255, offset: 0, length: 4 },
    { bar: -1, offset: 0xfffffff0, length: 4 },
    { bar: -1, offset: 0xffffffff, length: 1 },
    { bar: -1, offset: 0, length: 3 },
    { bar: -1, offset: 0, length: 0xffffffff },
  ],
  async run(t, { bar, offset, length }) {
    const window = new AccessWindow(t);
    await t.guest.start();
    const common = t.guest.pci.structure(VIRTIO_PCI_CAP_COMMON_CFG);
    await window.setField(VIRTIO_PCI_CAP.bar, 1, bar < 0 ? common.bar : bar);
    await window.setField(VIRTIO_PCI_CAP.offset, 4, offset === 0 ? common.offset : offset);
    await window.setField(VIRTIO_PCI_CAP.length, 4, length);
    for (const width of [1, 2, 4] as const) await window.touch(width);
    await t.guest.dut.settle();
    // Some of it may have met a register.
    await t.guest.reset();
    await t.guest.start();
    await t.serves();
  },
});

/** The PCI configuration access capability (virtio 1.4, section 4.1.4.9). */
export const ACCESS_WINDOW_CASES = cases.all;
