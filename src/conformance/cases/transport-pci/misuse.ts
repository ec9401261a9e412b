// Accesses of the PCI transport that no driver makes.
import {
  VIRTIO_PCI_CAP_COMMON_CFG,
  VIRTIO_PCI_CAP_NOTIFY_CFG,
  VIRTIO_PCI_COMMON_CFG,
} from "../../../wire/pci.ts";
import { CaseList, type CaseRun } from "../../case.ts";
import { PCI, PCI_MODERN } from "./common.ts";

const cases = new CaseList();
const LAYOUT = "transport-pci.device.common-configuration-structure-layout";
/** Registers of a queue stand for no other. */
const NO_QUEUE = `${LAYOUT}.14`;
const STATUS = `${LAYOUT}.7`;
const CFG = VIRTIO_PCI_COMMON_CFG;
/** Queues that no device of the kit has. */
const NO_QUEUES = [9, 0x7fff, 0xffff];

/** The device runs again after a reset. */
async function startsAgain(t: CaseRun): Promise<void> {
  await t.guest.reset();
  await t.guest.start();
  await t.serves(0, "the device serves after a reset");
}

const READ_ONLY = [
  { field: "device_feature", offset: CFG.device_feature, width: 4 },
  { field: "num_queues", offset: CFG.num_queues, width: 2 },
  { field: "config_generation", offset: CFG.config_generation, width: 1 },
  { field: "queue_notify_off", offset: CFG.queue_notify_off, width: 2 },
] as const;

cases.add({
  id: "transport-pci/misuse/read-only-fields",
  title: "Writes to fields of the common configuration that are read-only change nothing",
  clauses: [`${LAYOUT}.3`],
  needs: PCI,
  parameters: READ_ONLY.map(({ field }) => ({ field })),
  async run(t, { field }) {
    const { pci } = t.guest;
    const { offset, width } = READ_ONLY.find((one) => one.field === field) ?? READ_ONLY[0];
    await pci.setCommon(CFG.device_feature_select, 4, 0);
    await pci.selectQueue(0);
    const before = await pci.common(offset, width);
    for (const value of [2 ** (8 * width) - 1, 0, 0x55]) {
      await pci.setCommon(offset, width, value);
      t.equal(await pci.common(offset, width), before, `${field} after 0x${value.toString(16)} was written`);
    }
    await startsAgain(t);
  },
});

cases.add({
  id: "transport-pci/misuse/odd-widths",
  title: "Accesses of a wrong width, or to the middle of a field, do not lose the device",
  clauses: [STATUS],
  needs: PCI,
  async run(t) {
    const { bar, offset: start } = t.guest.pci.structure(VIRTIO_PCI_CAP_COMMON_CFG);
    const { raw } = t.guest.pci;
    await t.guest.start();
    for (let offset = 0; offset < CFG.queue_device + 8; offset++) {
      for (const width of [1, 2, 4] as const) {
        await raw.barRead(bar, start + offset, width);
        await raw.barWrite(bar, start + offset, width, 2 ** (8 * width) - 1);
      }
    }
    await t.guest.dut.settle();
    await startsAgain(t);
  },
});

cases.add({
  id: "transport-pci/misuse/no-such-queue",
  title: "A queue that does not exist cannot be set up or notified, and those that exist go on",
  clauses: [NO_QUEUE],
  needs: PCI_MODERN,
  parameters: NO_QUEUES.map((queue) => ({ queue })),
  async run(t, { queue }) {
    const { registers } = t.guest;
    await t.guest.start();
    await registers.setQueueSize(queue, 16);
    await registers.setQueueAddresses(queue, { descriptors: 0x100000, driver: 0x101000, device: 0x102000 });
    await registers.setQueueEnabled(queue, 1);
    await registers.setQueueReset(queue, 1);
    t.equal(await registers.queueSize(queue), 0, `queue_size of queue ${queue}`);
    await registers.notify(queue);
    await t.guest.dut.settle();
    await t.serves();
  },
});

cases.add({
  id: "transport-pci/misuse/notification-of-another",
  title: "What is written to a queue's notification address, other than its index, does no harm",
  clauses: [NO_QUEUE],
  needs: PCI_MODERN,
  parameters: NO_QUEUES.map((value) => ({ value })),
  async run(t, { value }) {
    await t.guest.start();
    const { pci } = t.guest;
    const { bar, offset } = pci.structure(VIRTIO_PCI_CAP_NOTIFY_CFG);
    await pci.selectQueue(0);
    const register = offset + (await pci.common(CFG.queue_notify_off, 2)) * pci.notifyOffMultiplier;
    await pci.raw.barWrite(bar, register, 2, value);
    await pci.raw.barWrite(bar, register, 1, value & 0xff);
    await t.guest.dut.settle();
    await t.serves();
  },
});

/** Misuse of the PCI transport (virtio 1.4, section 4.1). */
export const MISUSE_CASES = cases.all;
