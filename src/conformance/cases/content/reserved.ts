import {
  VIRTIO_F_ACCESS_PLATFORM,
  VIRTIO_F_EVENT_IDX,
  VIRTIO_F_IN_ORDER,
  VIRTIO_F_INDIRECT_DESC,
  VIRTIO_F_NOTIFICATION_DATA,
  VIRTIO_F_ORDER_PLATFORM,
  VIRTIO_F_RING_RESET,
  VIRTIO_F_SR_IOV,
  VIRTIO_F_SUSPEND,
} from "../../../wire/common.ts";
import { CaseList, type CaseRun } from "../../case.ts";
import { SMALL } from "../support/rings.ts";
import { works } from "./support.ts";

const cases = new CaseList();
const SUPPORTED = "content.device.feature-bits.3";
const RESERVED = "content.device.reserved-feature-bits";

cases.add({
  id: "content/features/access-platform",
  title:
    "A device that does not offer VIRTIO_F_ACCESS_PLATFORM goes by physical addresses; one that does may insist",
  clauses: [`${RESERVED}.3`, `${RESERVED}.4`],
  async run(t) {
    const offered = (await t.guest.offeredFeatures()).has(VIRTIO_F_ACCESS_PLATFORM);
    const accepted = await t.guest.negotiate();
    if (!accepted && offered) return t.note("the device insists on VIRTIO_F_ACCESS_PLATFORM");
    t.ok(accepted, "FEATURES_OK stands without VIRTIO_F_ACCESS_PLATFORM");
    await works(t, []);
  },
});

cases.add({
  id: "content/features/order-platform",
  title:
    "Without VIRTIO_F_ORDER_PLATFORM a device works, or refuses if it offers the feature; with it, it works",
  clauses: [`${RESERVED}.6`, `${RESERVED}.7`],
  async run(t) {
    const offered = (await t.guest.offeredFeatures()).has(VIRTIO_F_ORDER_PLATFORM);
    const accepted = await t.guest.negotiate();
    t.ok(accepted || offered, "FEATURES_OK stands without VIRTIO_F_ORDER_PLATFORM, which is not offered");
    if (accepted) await works(t, []);
    if (!offered) return;
    await t.guest.reset();
    t.ok(await t.guest.negotiate([VIRTIO_F_ORDER_PLATFORM]), "FEATURES_OK stands with it");
    await works(t, [VIRTIO_F_ORDER_PLATFORM]);
  },
});

const PCI_EXTENDED_CAPABILITIES = 0x100;
const PCI_EXT_CAP_ID_SRIOV = 0x10;

cases.add({
  id: "content/features/sr-iov",
  title: "VIRTIO_F_SR_IOV is offered by PCI devices with an SR-IOV capability and by no others",
  clauses: [`${RESERVED}.9`],
  needs: { format: "any" },
  async run(t) {
    const offered = (await t.guest.offeredFeatures()).has(VIRTIO_F_SR_IOV);
    if (t.guest.registers.transport === "mmio") {
      t.ok(!offered, "VIRTIO_F_SR_IOV is not offered on virtio-mmio");
      return;
    }
    t.equal(offered, await hasSrIov(t), "that VIRTIO_F_SR_IOV is offered");
  },
});

/** Whether the extended configuration space, if there is one, has an SR-IOV capability. */
async function hasSrIov(t: CaseRun): Promise<boolean> {
  let at = PCI_EXTENDED_CAPABILITIES;
  for (let count = 0; at >= PCI_EXTENDED_CAPABILITIES && count < 64; count++) {
    const header = await t.guest.pci.raw.configRead(at, 4);
    if (header === 0xffffffff) return false;
    if ((header & 0xffff) === PCI_EXT_CAP_ID_SRIOV) return true;
    at = (header >>> 20) & 0xffc;
  }
  return false;
}

cases.add({
  id: "content/features/notification-data",
  title: "With VIRTIO_F_NOTIFICATION_DATA every queue is served, in all rounds of the ring",
  clauses: [SUPPORTED, "packed-ring.driver.the-virtqueue-descriptor-table.3"],
  needs: { features: [VIRTIO_F_NOTIFICATION_DATA] },
  async run(t) {
    await t.guest.start({ features: [VIRTIO_F_NOTIFICATION_DATA], queueSize: SMALL });
    for (let round = 0; round < 3 * SMALL; round++) {
      for (const index of t.guest.model.queues.keys()) {
        await t.serves(index, `queue ${index} is served in round ${round}`);
        // The same again, without a new buffer.
        await t.guest.notify(t.guest.ring(index));
      }
    }
  },
});

cases.add({
  id: "content/features/all-together",
  title: "All ring features together work",
  clauses: [SUPPORTED],
  async run(t) {
    const wanted = [VIRTIO_F_RING_RESET, VIRTIO_F_SUSPEND, VIRTIO_F_IN_ORDER, VIRTIO_F_NOTIFICATION_DATA];
    const offered = await t.guest.offeredFeatures();
    const features = [VIRTIO_F_INDIRECT_DESC, VIRTIO_F_EVENT_IDX, ...wanted].filter((bit) =>
      offered.has(bit),
    );
    t.ok(await t.guest.negotiate(features), `FEATURES_OK stands with feature bits ${features.join(", ")}`);
    await works(t, features);
  },
});

/** Device-independent features (virtio 1.4, chapter 6). */
export const RESERVED_CASES = cases.all;
