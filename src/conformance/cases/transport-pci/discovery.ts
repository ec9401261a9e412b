import {
  VIRTIO_ID_9P,
  VIRTIO_ID_BALLOON,
  VIRTIO_ID_BLOCK,
  VIRTIO_ID_CONSOLE,
  VIRTIO_ID_NET,
  VIRTIO_ID_RNG,
  VIRTIO_ID_SCSI,
} from "../../../wire/common.ts";
import {
  PCI_DEVICE_ID,
  PCI_REVISION_ID,
  PCI_SUBSYSTEM_ID,
  PCI_SUBSYSTEM_VENDOR_ID,
  PCI_VENDOR_ID,
  VIRTIO_PCI_DEVICE_ID_BASE,
  VIRTIO_PCI_DEVICE_ID_LAST,
  VIRTIO_PCI_VENDOR_ID,
  VIRTIO_TRANS_ID_9P,
  VIRTIO_TRANS_ID_BALLOON,
  VIRTIO_TRANS_ID_BLOCK,
  VIRTIO_TRANS_ID_CONSOLE,
  VIRTIO_TRANS_ID_NET,
  VIRTIO_TRANS_ID_RNG,
  VIRTIO_TRANS_ID_SCSI,
} from "../../../wire/pci.ts";
import { CaseList } from "../../case.ts";
import { PCI, PCI_MODERN } from "./common.ts";

const cases = new CaseList();

/** Transitional PCI device ids by virtio device id. */
export const TRANSITIONAL_IDS: Readonly<Record<number, number>> = {
  [VIRTIO_ID_NET]: VIRTIO_TRANS_ID_NET,
  [VIRTIO_ID_BLOCK]: VIRTIO_TRANS_ID_BLOCK,
  [VIRTIO_ID_BALLOON]: VIRTIO_TRANS_ID_BALLOON,
  [VIRTIO_ID_CONSOLE]: VIRTIO_TRANS_ID_CONSOLE,
  [VIRTIO_ID_SCSI]: VIRTIO_TRANS_ID_SCSI,
  [VIRTIO_ID_RNG]: VIRTIO_TRANS_ID_RNG,
  [VIRTIO_ID_9P]: VIRTIO_TRANS_ID_9P,
};

cases.add({
  id: "transport-pci/discovery/vendor-id",
  title: "The PCI vendor id is 0x1af4",
  clauses: ["transport-pci.device.pci-device-discovery.1"],
  needs: PCI,
  async run(t) {
    t.equal(await t.guest.pci.raw.configRead(PCI_VENDOR_ID, 2), VIRTIO_PCI_VENDOR_ID, "the vendor id");
  },
});

cases.add({
  id: "transport-pci/discovery/device-id",
  title: "The PCI device id is 0x1040 + the virtio device id, or the transitional one of the type",
  clauses: [
    "transport-pci.device.pci-device-discovery.2",
    // Which of the two is the device's choice.
    "transport-pci.prose.pci-device-discovery.1",
  ],
  needs: PCI,
  async run(t) {
    const id = await t.guest.pci.raw.configRead(PCI_DEVICE_ID, 2);
    const type = t.guest.model.deviceId;
    if (id === TRANSITIONAL_IDS[type]) t.note("the device uses the transitional id of its type");
    else t.equal(id, VIRTIO_PCI_DEVICE_ID_BASE + type, "the PCI device id");
  },
});

cases.add({
  id: "transport-pci/discovery/subsystem-ids",
  title: "The subsystem ids are the environment's to choose, and stay the same over resets",
  clauses: ["transport-pci.device.pci-device-discovery.3"],
  needs: PCI,
  async run(t) {
    const { raw } = t.guest.pci;
    const vendor = await raw.configRead(PCI_SUBSYSTEM_VENDOR_ID, 2);
    const id = await raw.configRead(PCI_SUBSYSTEM_ID, 2);
    t.note(`subsystem 0x${vendor.toString(16)}:0x${id.toString(16)}`);
    await t.guest.start();
    await t.guest.reset();
    t.equal(
      await raw.configRead(PCI_SUBSYSTEM_VENDOR_ID, 2),
      vendor,
      "the subsystem vendor id after a reset",
    );
    t.equal(await raw.configRead(PCI_SUBSYSTEM_ID, 2), id, "the subsystem id after a reset");
  },
});

cases.add({
  id: "transport-pci/discovery/non-transitional-id-range",
  title: "A non-transitional device has a PCI device id from 0x1040 to 0x107f",
  clauses: ["transport-pci.device.pci-device-discovery.4"],
  needs: PCI_MODERN,
  async run(t) {
    const id = await t.guest.pci.raw.configRead(PCI_DEVICE_ID, 2);
    t.ok(
      id >= VIRTIO_PCI_DEVICE_ID_BASE && id <= VIRTIO_PCI_DEVICE_ID_LAST,
      `the device id 0x${id.toString(16)} is in 0x1040 to 0x107f`,
    );
  },
});

cases.add({
  id: "transport-pci/discovery/non-transitional-revision",
  title: "A non-transitional device has a PCI revision id of 1 or higher",
  clauses: ["transport-pci.device.pci-device-discovery.5"],
  needs: PCI_MODERN,
  async run(t) {
    t.ok((await t.guest.pci.raw.configRead(PCI_REVISION_ID, 1)) >= 1, "the revision id is 1 or higher");
  },
});

cases.add({
  id: "transport-pci/discovery/non-transitional-subsystem-id",
  title: "A non-transitional device has a PCI subsystem device id of 0x40 or higher",
  clauses: ["transport-pci.device.pci-device-discovery.6"],
  needs: PCI_MODERN,
  async run(t) {
    t.ok(
      (await t.guest.pci.raw.configRead(PCI_SUBSYSTEM_ID, 2)) >= 0x40,
      "the subsystem id is 0x40 or higher",
    );
  },
});

/** PCI Device Discovery (virtio 1.4, section 4.1.2). */
export const DISCOVERY_CASES = cases.all;
