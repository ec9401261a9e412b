import { VIRTIO_MSI_NO_VECTOR } from "../../../wire/common.ts";
import {
  PCI_DEVICE_ID,
  PCI_REVISION_ID,
  PCI_SUBSYSTEM_ID,
  VIRTIO_PCI_CAP_DEVICE_CFG,
  VIRTIO_PCI_DEVICE_ID_BASE,
  VIRTIO_PCI_DEVICE_ID_FIRST,
} from "../../../wire/pci.ts";
import { CaseList, type CaseRun } from "../../case.ts";
import type { AccessWidth } from "../../device-under-test.ts";
import { legacyHeaderBytes, probeBars } from "../../guest/index.ts";
import { queueCount, structures, withMsix } from "../transport-pci/common.ts";
import { TRANSITIONAL_IDS } from "../transport-pci/discovery.ts";
import { LEGACY, legacyOf, serves } from "./common.ts";

const cases = new CaseList();
const DISCOVERY = "transport-pci.legacy.legacy-interfaces-a-note-on-pci-device-discovery";
const LAYOUT = "transport-pci.legacy.legacy-interfaces-a-note-on-pci-device-layout";

cases.add({
  id: "legacy/discovery/revision",
  title: "A transitional device has a PCI revision id of 0",
  clauses: [`${DISCOVERY}.1`],
  needs: LEGACY,
  async run(t) {
    t.equal(await t.guest.pci.raw.configRead(PCI_REVISION_ID, 1), 0, "the revision id");
  },
});

cases.add({
  id: "legacy/discovery/subsystem-id",
  title: "A transitional device has its virtio device id as PCI subsystem device id",
  clauses: [`${DISCOVERY}.2`],
  needs: LEGACY,
  async run(t) {
    t.equal(
      await t.guest.pci.raw.configRead(PCI_SUBSYSTEM_ID, 2),
      t.guest.model.deviceId,
      "the subsystem id",
    );
  },
});

cases.add({
  id: "legacy/discovery/device-id",
  title: "A transitional device has the transitional PCI device id of its type",
  clauses: [`${DISCOVERY}.3`],
  needs: LEGACY,
  async run(t) {
    const id = await t.guest.pci.raw.configRead(PCI_DEVICE_ID, 2);
    t.ok(
      id >= VIRTIO_PCI_DEVICE_ID_FIRST && id < VIRTIO_PCI_DEVICE_ID_BASE,
      `the device id 0x${id.toString(16)} is in 0x1000 to 0x103f`,
    );
    t.equal(id, TRANSITIONAL_IDS[t.guest.model.deviceId] ?? 0, "the device id");
  },
});

cases.add({
  id: "legacy/interface/io-bar-0",
  title: "BAR 0 is an I/O BAR with room for the legacy header and the configuration",
  clauses: [`${LAYOUT}.1`, "transport-pci.legacy.legacy-interface-a-note-on-device-layout-detecti.1"],
  needs: LEGACY,
  async run(t) {
    const bar = (await probeBars(t.guest.pci.raw)).find(({ index }) => index === 0);
    t.equal(bar?.kind, "io", "the kind of BAR 0");
    const least = legacyHeaderBytes(true) + t.guest.model.configBytes;
    t.ok((bar?.sizeBytes ?? 0n) >= BigInt(least), `BAR 0 has ${least} bytes or more`);
  },
});

cases.add({
  id: "legacy/interface/header",
  title: "The header's registers are where the legacy layout has them, and do what they are for",
  clauses: [`${LAYOUT}.1`],
  needs: LEGACY,
  async run(t) {
    const legacy = legacyOf(t);
    t.equal(await legacy.read("device_status"), 0, "device_status after a reset");
    t.ok((await legacy.read("device_features")) !== 0, "device_features offers something");
    await legacy.write("device_status", 1);
    await legacy.write("device_status", 3);
    t.equal(await legacy.read("device_status"), 3, "device_status");
    t.equal(await t.guest.status(), 3, "device_status by way of the modern interface");
    await legacy.write("driver_features", 0);
    t.equal(await legacy.read("driver_features"), 0, "driver_features");
    await legacy.write("queue_select", 0);
    t.equal(await legacy.read("queue_select"), 0, "queue_select");
    const size = await legacy.read("queue_size");
    t.ok(size > 0 && (size & (size - 1)) === 0, `queue_size ${size} is a power of 2`);
    t.equal(await legacy.read("queue_address"), 0, "queue_address at first");
    t.equal(await legacy.read("isr_status"), 0, "isr_status at first");
    const count = await queueCount(t);
    await legacy.write("queue_select", count);
    t.equal(await legacy.read("queue_size"), 0, `queue_size of queue ${count}, which does not exist,`);
    await legacy.write("device_status", 0);
    t.equal(await legacy.read("device_status"), 0, "device_status after a reset");
  },
});

cases.add({
  id: "legacy/interface/queue-address",
  title: "queue_address keeps a page number of 32 bits, 0 takes the queue away, and so does a reset",
  clauses: [`${LAYOUT}.1`],
  needs: LEGACY,
  async run(t) {
    const legacy = legacyOf(t);
    await legacy.negotiate();
    const ring = await legacy.addQueue(0);
    t.equal(await legacy.read("queue_address"), ring.addresses.descriptors / 4096, "queue_address");
    await legacy.write("queue_address", 0);
    t.equal(await legacy.read("queue_address"), 0, "queue_address, taken away");
    await legacy.addQueue(0);
    await legacy.write("device_status", 0);
    await legacy.write("queue_select", 0);
    t.equal(await legacy.read("queue_address"), 0, "queue_address after a reset");
  },
});

cases.add({
  id: "legacy/interface/interrupt-status",
  title: "isr_status says that a buffer was used, lets the line down, and is 0 when read again",
  clauses: [`${LAYOUT}.1`],
  needs: LEGACY,
  async run(t) {
    const legacy = legacyOf(t);
    await legacy.negotiate();
    const ring = await legacy.addQueue(0);
    await legacy.write("device_status", 7);
    await serves(t, legacy, ring, "the device serves a legacy driver");
    await t.guest.dut.settle();
    t.equal(await t.guest.dut.interruptLine(), true, "the interrupt line");
    t.equal(await legacy.read("isr_status"), 1, "isr_status");
    t.equal(await legacy.read("isr_status"), 0, "isr_status, read again");
    t.equal(await t.guest.dut.interruptLine(), false, "the interrupt line");
  },
});

cases.add({
  id: "legacy/interface/vectors-with-msix",
  title:
    "With MSI-X enabled two registers of vectors follow the header: they map, and say when mapping failed",
  clauses: [`${LAYOUT}.1`, `${LAYOUT}.5`],
  needs: LEGACY,
  async run(t) {
    await withMsix(t, async (msix) => {
      const legacy = legacyOf(t);
      await legacy.negotiate();
      const ring = await legacy.addQueue(0);
      for (const register of ["config_msix_vector", "queue_msix_vector"] as const) {
        t.equal(await legacy.read(register), VIRTIO_MSI_NO_VECTOR, `${register} after a reset`);
        await legacy.write(register, msix.vectors);
        t.equal(await legacy.read(register), VIRTIO_MSI_NO_VECTOR, `${register}, mapped beyond the table,`);
        const vector = register === "config_msix_vector" ? 0 : 1;
        await legacy.write(register, vector);
        t.equal(await legacy.read(register), vector, register);
      }
      await legacy.write("device_status", 7);
      msix.forget();
      await serves(t, legacy, ring, "the device serves a legacy driver");
      t.equal((await msix.take()).join(), "1", "the vectors whose messages came");
    });
  },
});

/** The bytes of the configuration space, by way of the modern interface; skips the case when there is none. */
async function configuration(t: CaseRun): Promise<number[]> {
  const found = structures(t, VIRTIO_PCI_CAP_DEVICE_CFG)[0];
  if (found === undefined) return t.skip("the device type has no configuration space");
  const bytes: number[] = [];
  for (let at = 0; at < Math.min(found.lengthBytes, 64); at++)
    bytes.push(await t.guest.registers.config(at, 1));
  return bytes;
}

cases.add({
  id: "legacy/interface/configuration-follows",
  title: "The configuration follows the header at once, and moves when MSI-X makes the header longer",
  clauses: [`${LAYOUT}.5`],
  needs: LEGACY,
  parameters: [{ msix: false }, { msix: true }],
  async run(t, { msix }) {
    const expected = await configuration(t);
    const check = async (): Promise<void> => {
      const start = legacyHeaderBytes(msix);
      for (const [at, byte] of expected.entries()) {
        t.equal(await legacyOf(t).in(start + at, 1), byte, `byte ${start + at} of the legacy region`);
      }
    };
    if (msix) await withMsix(t, check);
    else await check();
  },
});

cases.add({
  id: "legacy/interface/configuration-at-any-width",
  title: "The configuration reads the same in accesses of any width",
  clauses: [`${LAYOUT}.3`],
  needs: LEGACY,
  parameters: [{ widthBytes: 1 }, { widthBytes: 2 }, { widthBytes: 4 }],
  async run(t, { widthBytes }) {
    const expected = await configuration(t);
    const legacy = legacyOf(t);
    for (let at = 0; at + widthBytes <= expected.length; at += widthBytes) {
      let value = 0;
      for (let i = widthBytes - 1; i >= 0; i--) value = value * 256 + (expected[at + i] as number);
      const found = await legacy.in(legacyHeaderBytes(false) + at, widthBytes as AccessWidth);
      t.equal(found, value, `${widthBytes} bytes of the configuration at ${at}`);
    }
  },
});

cases.add({
  id: "legacy/interface/configuration-written-at-any-width",
  title: "The configuration can be written in accesses of any width",
  clauses: [`${LAYOUT}.3`],
  needs: LEGACY,
  parameters: [{ widthBytes: 1 }, { widthBytes: 2 }],
  async run(t, { widthBytes }) {
    const bytes = await configuration(t);
    const legacy = legacyOf(t);
    const start = legacyHeaderBytes(false);
    let fields = 0;
    for (let at = 0; at + 4 <= bytes.length; at += 4) {
      const before = await legacy.in(start + at, 4);
      const value = (before ^ 0xa5c3968f) >>> 0;
      await legacy.out(start + at, 4, value);
      const writable = (await legacy.in(start + at, 4)) === value;
      await legacy.out(start + at, 4, before);
      if (!writable) continue;
      fields++;
      for (let i = 0; i < 4; i += widthBytes) {
        const part = Math.floor(value / 2 ** (8 * i)) % 2 ** (8 * widthBytes);
        await legacy.out(start + at + i, widthBytes as AccessWidth, part);
      }
      t.equal(
        await legacy.in(start + at, 4),
        value,
        `the field at ${at}, written ${widthBytes} bytes at a time,`,
      );
      await legacy.out(start + at, 4, before);
    }
    if (fields === 0) t.skip("no field of the configuration can be written");
  },
});

cases.add({
  id: "legacy/interface/configuration-before-features",
  title: "The configuration can be written before the features are read, and before ACKNOWLEDGE",
  clauses: ["content.legacy.legacy-interface-device-initialization.2"],
  needs: LEGACY,
  async run(t) {
    const bytes = await configuration(t);
    const legacy = legacyOf(t);
    const start = legacyHeaderBytes(false);
    let kept = 0;
    for (const [at, byte] of bytes.entries()) {
      await legacy.out(start + at, 1, byte ^ 0xff);
      if ((await legacy.in(start + at, 1)) === (byte ^ 0xff)) kept++;
      await legacy.out(start + at, 1, byte);
    }
    if (kept === 0) {
      // Nothing sticks now: then nothing may stick later either, or it was the time that mattered.
      await legacy.negotiate();
      await legacy.addQueue(0);
      await legacy.write("device_status", 7);
      for (const [at, byte] of bytes.entries()) {
        await legacy.out(start + at, 1, byte ^ 0xff);
        t.equal(
          await legacy.in(start + at, 1),
          byte,
          `byte ${at} of the configuration, written after DRIVER_OK`,
        );
      }
      t.skip("no field of the configuration can be written");
    }
  },
});

/** How legacy drivers find a device, and the registers they find (virtio 1.4, sections 4.1.2.3 and 4.1.4.10). */
export const LEGACY_INTERFACE_CASES = cases.all;
