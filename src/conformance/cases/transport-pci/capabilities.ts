import {
  PCI_STD_NUM_BARS,
  VIRTIO_PCI_CAP,
  VIRTIO_PCI_CAP_COMMON_CFG,
  VIRTIO_PCI_CAP_DEVICE_CFG,
  VIRTIO_PCI_CAP_ISR_CFG,
  VIRTIO_PCI_CAP_NOTIFY_CFG,
  VIRTIO_PCI_CAP_PCI_CFG,
  VIRTIO_PCI_CAP_SHARED_MEMORY_CFG,
  VIRTIO_PCI_CAP_VENDOR_CFG,
  VIRTIO_PCI_CAP64,
  VIRTIO_PCI_CFG_CAP,
  VIRTIO_PCI_COMMON_CFG,
  VIRTIO_PCI_NOTIFY_CAP,
  VIRTIO_PCI_VENDOR_ID,
  VIRTIO_PCI_VNDR_DATA,
} from "../../../wire/pci.ts";
import { CaseList } from "../../case.ts";
import { probeBars } from "../../guest/index.ts";
import { barOf, PCI, queueCount, structures } from "./common.ts";

const cases = new CaseList();

/** Least length of a capability by its type, with what the type adds. */
const LEAST_LENGTHS: Readonly<Record<number, number>> = {
  [VIRTIO_PCI_CAP_COMMON_CFG]: VIRTIO_PCI_CAP.sizeBytes,
  [VIRTIO_PCI_CAP_NOTIFY_CFG]: VIRTIO_PCI_NOTIFY_CAP.sizeBytes,
  [VIRTIO_PCI_CAP_ISR_CFG]: VIRTIO_PCI_CAP.sizeBytes,
  [VIRTIO_PCI_CAP_DEVICE_CFG]: VIRTIO_PCI_CAP.sizeBytes,
  [VIRTIO_PCI_CAP_PCI_CFG]: VIRTIO_PCI_CFG_CAP.sizeBytes,
  [VIRTIO_PCI_CAP_SHARED_MEMORY_CFG]: VIRTIO_PCI_CAP64.sizeBytes,
  [VIRTIO_PCI_CAP_VENDOR_CFG]: VIRTIO_PCI_VNDR_DATA.sizeBytes,
};

cases.add({
  id: "transport-pci/capabilities/length-with-extra-data",
  title: "cap_len counts everything from cap_vndr to the end of what the type adds; more is padding",
  clauses: [
    "transport-pci.device.virtio-structure-pci-capabilities.1",
    "transport-pci.device.virtio-structure-pci-capabilities.2",
    "transport-pci.prose.virtio-structure-pci-capabilities.1",
  ],
  needs: PCI,
  async run(t) {
    for (const { at, type, lengthOfCapability } of t.guest.pci.structures) {
      const least = LEAST_LENGTHS[type];
      if (least === undefined) continue;
      const where = `cap_len of the capability at 0x${at.toString(16)}, of type ${type},`;
      t.ok(lengthOfCapability >= least, `${where} is ${least} or more, not ${lengthOfCapability}`);
      if (lengthOfCapability > least) t.note(`${where} has padding`);
    }
  },
});

cases.add({
  id: "transport-pci/capabilities/structure-lengths",
  title: "Every structure is as long as its fields or longer, and lies inside of its BAR",
  clauses: ["transport-pci.prose.virtio-structure-pci-capabilities.3"],
  needs: PCI,
  async run(t) {
    const least: Readonly<Record<number, number>> = {
      // Fields behind queue_device came with later versions and their features.
      [VIRTIO_PCI_CAP_COMMON_CFG]: VIRTIO_PCI_COMMON_CFG.queue_notif_config_data,
      [VIRTIO_PCI_CAP_NOTIFY_CFG]: 2,
      [VIRTIO_PCI_CAP_ISR_CFG]: 1,
      [VIRTIO_PCI_CAP_DEVICE_CFG]: t.guest.model.configBytes,
    };
    for (const structure of t.guest.pci.structures) {
      const bytes = least[structure.type];
      if (bytes === undefined || structure.bar >= PCI_STD_NUM_BARS) continue;
      const { type, lengthBytes } = structure;
      t.ok(
        lengthBytes >= bytes,
        `the structure of type ${type} has ${bytes} bytes or more, not ${lengthBytes}`,
      );
      await barOf(t, structure, BigInt(lengthBytes));
    }
  },
});

cases.add({
  id: "transport-pci/capabilities/several-of-a-type",
  title: "Where there are several structures of a type, each of them works",
  clauses: ["transport-pci.prose.virtio-structure-pci-capabilities.2"],
  needs: PCI,
  async run(t) {
    const { raw } = t.guest.pci;
    await t.guest.start();
    const status = await t.guest.status();
    for (const { bar, offset } of structures(t, VIRTIO_PCI_CAP_COMMON_CFG)) {
      t.equal(
        await raw.barRead(bar, offset + VIRTIO_PCI_COMMON_CFG.device_status, 1),
        status,
        "the device status",
      );
    }
    const ring = t.guest.ring(0);
    for (const { at, bar, offset } of structures(t, VIRTIO_PCI_CAP_NOTIFY_CFG)) {
      const probe = t.guest.model.probe(0);
      const request = t.guest.place(ring, probe.readable, probe.writableBytes);
      ring.publish();
      const step = await raw.configRead(at + VIRTIO_PCI_NOTIFY_CAP.notify_off_multiplier, 4);
      await t.guest.pci.selectQueue(0);
      const notifyOff = await t.guest.pci.common(VIRTIO_PCI_COMMON_CFG.queue_notify_off, 2);
      await raw.barWrite(bar, offset + notifyOff * step, 2, 0);
      await t.guest.answer(request);
    }
    t.note(`${t.guest.pci.structures.length} structures`);
  },
});

cases.add({
  id: "transport-pci/capabilities/device-configuration-present",
  title: "A device type with a configuration space presents a VIRTIO_PCI_CAP_DEVICE_CFG capability",
  clauses: ["transport-pci.prose.device-specific-configuration.1"],
  needs: PCI,
  async run(t) {
    if (t.guest.model.configBytes === 0) t.skip("the device type has no configuration space");
    t.ok(
      structures(t, VIRTIO_PCI_CAP_DEVICE_CFG).length > 0,
      "there is a VIRTIO_PCI_CAP_DEVICE_CFG capability",
    );
  },
});

cases.add({
  id: "transport-pci/capabilities/device-configuration-alignment",
  title: "The device-specific configuration is 4-byte aligned",
  clauses: ["transport-pci.device.device-specific-configuration.1"],
  needs: PCI,
  async run(t) {
    const found = structures(t, VIRTIO_PCI_CAP_DEVICE_CFG);
    if (found.length === 0) t.skip("the device has no configuration space");
    for (const { offset } of found) t.equal(offset % 4, 0, "offset modulo 4");
  },
});

cases.add({
  id: "transport-pci/capabilities/shared-memory-inside-its-bar",
  title: "Every shared memory region lies inside of its BAR, both of 64 bits",
  clauses: ["transport-pci.device.shared-memory-capability.1"],
  needs: PCI,
  async run(t) {
    const found = structures(t, VIRTIO_PCI_CAP_SHARED_MEMORY_CFG);
    if (found.length === 0) t.skip("the device has no shared memory region");
    const bars = await probeBars(t.guest.pci.raw);
    for (const { id, bar: index } of found) {
      const region = await t.guest.pci.sharedMemory(id);
      const bar = bars.find((candidate) => candidate.index === index);
      if (bar === undefined || region === null) return t.fail(`region ${id}: there is no BAR ${index}`);
      t.ok(
        region.address + region.lengthBytes <= bar.sizeBytes,
        `region ${id} ends within the ${bar.sizeBytes} bytes of BAR ${index}`,
      );
    }
  },
});

cases.add({
  id: "transport-pci/capabilities/shared-memory-ids",
  title: "No two shared memory regions have the same id",
  clauses: ["transport-pci.device.shared-memory-capability.2"],
  needs: PCI,
  async run(t) {
    const ids = structures(t, VIRTIO_PCI_CAP_SHARED_MEMORY_CFG).map(({ id }) => id);
    if (ids.length === 0) t.skip("the device has no shared memory region");
    t.equal(new Set(ids).size, ids.length, "the number of different ids");
  },
});

cases.add({
  id: "transport-pci/capabilities/vendor-data-id",
  title: "Vendor data bears a vendor id other than virtio's own",
  clauses: ["transport-pci.device.vendor-data-capability.1"],
  needs: PCI,
  async run(t) {
    const found = structures(t, VIRTIO_PCI_CAP_VENDOR_CFG);
    if (found.length === 0) t.skip("the device has no vendor data");
    for (const { at } of found) {
      const id = await t.guest.pci.raw.configRead(at + VIRTIO_PCI_VNDR_DATA.vendor_id, 2);
      t.ok(id !== VIRTIO_PCI_VENDOR_ID, "vendor_id is not 0x1af4");
    }
  },
});

cases.add({
  id: "transport-pci/capabilities/vendor-data-length",
  title: "Vendor data is a multiple of 4 bytes long",
  clauses: ["transport-pci.device.vendor-data-capability.2"],
  needs: PCI,
  async run(t) {
    const found = structures(t, VIRTIO_PCI_CAP_VENDOR_CFG);
    if (found.length === 0) t.skip("the device has no vendor data");
    for (const { lengthOfCapability } of found) t.equal(lengthOfCapability % 4, 0, "cap_len modulo 4");
  },
});

cases.add({
  id: "transport-pci/capabilities/vendor-data-reads",
  title: "Reading vendor data, at any width, changes neither itself nor the device",
  clauses: ["transport-pci.device.vendor-data-capability.3", "transport-pci.prose.vendor-data-capability.1"],
  needs: PCI,
  async run(t) {
    const found = structures(t, VIRTIO_PCI_CAP_VENDOR_CFG);
    if (found.length === 0) t.skip("the device has no vendor data");
    const { raw } = t.guest.pci;
    await t.guest.start();
    const state = async (): Promise<string> => {
      const bytes: number[] = [];
      for (let at = 0; at < 256; at += 4) {
        // The window of the access capability is not for looking at.
        const window = structures(t, VIRTIO_PCI_CAP_PCI_CFG).some(
          (structure) => at === structure.at + VIRTIO_PCI_CFG_CAP.pci_cfg_data,
        );
        if (!window) bytes.push(await raw.configRead(at, 4));
      }
      return `${bytes.join()} ${await t.guest.status()} ${await queueCount(t)}`;
    };
    const before = await state();
    for (const { at, lengthOfCapability } of found) {
      for (const widthBytes of [1, 2, 4] as const) {
        for (let byte = at; byte + widthBytes <= at + lengthOfCapability; byte += widthBytes) {
          const value = await raw.configRead(byte, widthBytes);
          t.equal(
            await raw.configRead(byte, widthBytes),
            value,
            `what a second read at 0x${byte.toString(16)} returns`,
          );
        }
      }
    }
    t.equal(await state(), before, "the configuration space after the reads");
    await t.serves();
  },
});

/** Capabilities and the structures that are only described (virtio 1.4, sections 4.1.4, 4.1.4.6 to 4.1.4.8). */
export const CAPABILITY_CASES = cases.all;
