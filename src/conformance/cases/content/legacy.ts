import { VIRTIO_MMIO_VERSION } from "../../../wire/mmio.ts";
import { PCI_DEVICE_ID, VIRTIO_PCI_DEVICE_ID_BASE } from "../../../wire/pci.ts";
import { CaseList } from "../../case.ts";
import { LegacyPci } from "../../guest/index.ts";
import { SMALL } from "../support/rings.ts";
import { placeProbes } from "./support.ts";

const cases = new CaseList();
const PCI_REVISION_ID = 0x08;

cases.add({
  id: "content/legacy/optional",
  title: "A device says whether it takes legacy drivers, and takes drivers of this specification in any case",
  clauses: ["content.device.feature-bits.7"],
  needs: { devices: ["gpu", "rng", "rng-transitional"], format: "split" },
  async run(t) {
    if (t.guest.registers.transport === "mmio") {
      t.equal(await t.guest.mmio.read(VIRTIO_MMIO_VERSION), 2, "the version register");
    } else if ((await t.guest.pci.raw.configRead(PCI_DEVICE_ID, 2)) < VIRTIO_PCI_DEVICE_ID_BASE) {
      t.equal(
        await t.guest.pci.raw.configRead(PCI_REVISION_ID, 1),
        0,
        "the revision of a transitional device",
      );
      t.note("the device is transitional");
    }
    await t.guest.start({ queueSize: SMALL });
    await t.serves();
  },
});

cases.add({
  id: "content/legacy/told-by-version-1",
  title: "A transitional device takes a driver that does not acknowledge VIRTIO_F_VERSION_1 for a legacy one",
  clauses: ["content.device.feature-bits.6", "content.device.feature-bits.8"],
  needs: { devices: ["rng-transitional"], transport: "pci", format: "split" },
  parameters: [{ driver: "legacy" }, { driver: "of-today" }],
  async run(t, { driver }) {
    const { guest } = t;
    if (driver === "of-today") {
      t.ok(await guest.negotiate(), "FEATURES_OK stands with VIRTIO_F_VERSION_1");
      const modern = await guest.addQueue(0, SMALL);
      placeProbes(t, modern, 1);
      await guest.kick(modern);
      t.ok(
        await guest.returnedNothing(modern),
        "nothing is used before DRIVER_OK, as legacy drivers have it",
      );
      await guest.driverOk();
      await guest.notify(modern);
      t.ok((await guest.used(modern)) !== null, "the buffer is used after DRIVER_OK");
      await t.serves(0, "the device serves in the layout of today");
      return;
    }
    const legacy = new LegacyPci(guest);
    await legacy.negotiate();
    const ring = await legacy.addQueue(0);
    // Legacy drivers set no FEATURES_OK.
    await legacy.write("device_status", 7);
    for (let i = 0; i < 3; i++) t.equal(await legacy.probe(ring), null, "what is wrong with the answer");
  },
});

/** What of legacy drivers concerns all devices (virtio 1.4, section 2.2.3). */
export const LEGACY_CONTENT_CASES = cases.all;
