import {
  VIRTIO_MMIO_CONFIG,
  VIRTIO_MMIO_CONFIG_GENERATION,
  VIRTIO_MMIO_DEVICE_FEATURES,
  VIRTIO_MMIO_DEVICE_FEATURES_SEL,
  VIRTIO_MMIO_DEVICE_ID,
  VIRTIO_MMIO_DRIVER_FEATURES,
  VIRTIO_MMIO_DRIVER_FEATURES_SEL,
  VIRTIO_MMIO_INTERRUPT_ACK,
  VIRTIO_MMIO_INTERRUPT_STATUS,
  VIRTIO_MMIO_MAGIC,
  VIRTIO_MMIO_MAGIC_VALUE,
  VIRTIO_MMIO_QUEUE_AVAIL_HIGH,
  VIRTIO_MMIO_QUEUE_AVAIL_LOW,
  VIRTIO_MMIO_QUEUE_DESC_HIGH,
  VIRTIO_MMIO_QUEUE_DESC_LOW,
  VIRTIO_MMIO_QUEUE_NOTIFY,
  VIRTIO_MMIO_QUEUE_NUM,
  VIRTIO_MMIO_QUEUE_NUM_MAX,
  VIRTIO_MMIO_QUEUE_SEL,
  VIRTIO_MMIO_QUEUE_USED_HIGH,
  VIRTIO_MMIO_QUEUE_USED_LOW,
  VIRTIO_MMIO_SHM_BASE_HIGH,
  VIRTIO_MMIO_SHM_BASE_LOW,
  VIRTIO_MMIO_SHM_LEN_HIGH,
  VIRTIO_MMIO_SHM_LEN_LOW,
  VIRTIO_MMIO_SHM_SEL,
  VIRTIO_MMIO_STATUS,
  VIRTIO_MMIO_VENDOR_ID,
  VIRTIO_MMIO_VERSION,
  VIRTIO_MMIO_VERSION_2,
} from "../../../wire/mmio.ts";
import { type CaseDefinition, CaseList } from "../../case.ts";
import { displays, type OneDisplay } from "../gpu/displays.ts";
import { GpuSession } from "../gpu/session.ts";
import { CLAUSE, MMIO } from "./common.ts";

const cases = new CaseList();
const ALL_ONES = 0xffffffff;

cases.add({
  id: "transport-mmio/identity/magic",
  title: "MagicValue is 0x74726976, in every status",
  clauses: [CLAUSE.magic],
  needs: MMIO,
  async run(t) {
    const { mmio } = t.guest;
    t.equal(await mmio.read(VIRTIO_MMIO_MAGIC_VALUE), VIRTIO_MMIO_MAGIC, "MagicValue behind a reset");
    await t.guest.start();
    t.equal(await mmio.read(VIRTIO_MMIO_MAGIC_VALUE), VIRTIO_MMIO_MAGIC, "MagicValue with DRIVER_OK");
  },
});

cases.add({
  id: "transport-mmio/identity/version",
  title: "Version is 2, in every status",
  clauses: [CLAUSE.version],
  needs: MMIO,
  async run(t) {
    const { mmio } = t.guest;
    t.equal(await mmio.read(VIRTIO_MMIO_VERSION), VIRTIO_MMIO_VERSION_2, "Version behind a reset");
    await t.guest.start();
    t.equal(await mmio.read(VIRTIO_MMIO_VERSION), VIRTIO_MMIO_VERSION_2, "Version with DRIVER_OK");
  },
});

cases.add({
  id: "transport-mmio/identity/device-id",
  title: "DeviceID is that of the type of device, and not 0, which means that there is none",
  clauses: [CLAUSE.deviceId],
  needs: MMIO,
  async run(t) {
    t.equal(await t.guest.mmio.read(VIRTIO_MMIO_DEVICE_ID), t.guest.model.deviceId, "DeviceID");
  },
});

const READ_ONLY: Readonly<Record<string, { readonly offset: number; readonly clause: string }>> = {
  MagicValue: { offset: VIRTIO_MMIO_MAGIC_VALUE, clause: CLAUSE.magic },
  Version: { offset: VIRTIO_MMIO_VERSION, clause: CLAUSE.version },
  DeviceID: { offset: VIRTIO_MMIO_DEVICE_ID, clause: CLAUSE.described },
  VendorID: { offset: VIRTIO_MMIO_VENDOR_ID, clause: CLAUSE.described },
  DeviceFeatures: { offset: VIRTIO_MMIO_DEVICE_FEATURES, clause: CLAUSE.described },
  QueueSizeMax: { offset: VIRTIO_MMIO_QUEUE_NUM_MAX, clause: CLAUSE.described },
  InterruptStatus: { offset: VIRTIO_MMIO_INTERRUPT_STATUS, clause: CLAUSE.noOtherEvents },
  SHMLenLow: { offset: VIRTIO_MMIO_SHM_LEN_LOW, clause: CLAUSE.described },
  SHMLenHigh: { offset: VIRTIO_MMIO_SHM_LEN_HIGH, clause: CLAUSE.described },
  SHMBaseLow: { offset: VIRTIO_MMIO_SHM_BASE_LOW, clause: CLAUSE.described },
  SHMBaseHigh: { offset: VIRTIO_MMIO_SHM_BASE_HIGH, clause: CLAUSE.described },
  ConfigGeneration: { offset: VIRTIO_MMIO_CONFIG_GENERATION, clause: CLAUSE.generation },
};

for (const [name, { offset, clause }] of Object.entries(READ_ONLY)) {
  cases.add({
    id: `transport-mmio/read-only/${name.toLowerCase()}`,
    title: `${name} can be read and not written`,
    clauses: [clause],
    needs: MMIO,
    async run(t) {
      const { mmio } = t.guest;
      await t.guest.start();
      const before = await mmio.read(offset);
      for (const value of [0, ALL_ONES, 0x5a5a5a5a]) {
        await mmio.write(offset, value);
        t.equal(await mmio.read(offset), before, `${name} behind a write of 0x${value.toString(16)}`);
      }
      await t.serves();
    },
  });
}

const WRITE_ONLY: Readonly<Record<string, number>> = {
  DeviceFeaturesSel: VIRTIO_MMIO_DEVICE_FEATURES_SEL,
  DriverFeatures: VIRTIO_MMIO_DRIVER_FEATURES,
  DriverFeaturesSel: VIRTIO_MMIO_DRIVER_FEATURES_SEL,
  QueueSel: VIRTIO_MMIO_QUEUE_SEL,
  QueueSize: VIRTIO_MMIO_QUEUE_NUM,
  QueueNotify: VIRTIO_MMIO_QUEUE_NOTIFY,
  InterruptACK: VIRTIO_MMIO_INTERRUPT_ACK,
  QueueDescLow: VIRTIO_MMIO_QUEUE_DESC_LOW,
  QueueDescHigh: VIRTIO_MMIO_QUEUE_DESC_HIGH,
  QueueDriverLow: VIRTIO_MMIO_QUEUE_AVAIL_LOW,
  QueueDriverHigh: VIRTIO_MMIO_QUEUE_AVAIL_HIGH,
  QueueDeviceLow: VIRTIO_MMIO_QUEUE_USED_LOW,
  QueueDeviceHigh: VIRTIO_MMIO_QUEUE_USED_HIGH,
  SHMSel: VIRTIO_MMIO_SHM_SEL,
};

cases.add({
  id: "transport-mmio/write-only/read",
  title: "Reads of a register that is there to be written come to nothing: nothing is lost by them",
  clauses: [CLAUSE.events, CLAUSE.described],
  needs: MMIO,
  parameters: Object.keys(WRITE_ONLY).map((register) => ({ register })),
  async run(t, { register }) {
    const { mmio } = t.guest;
    await t.guest.start();
    await t.serves();
    const events = await mmio.read(VIRTIO_MMIO_INTERRUPT_STATUS);
    await mmio.read(WRITE_ONLY[register] as number);
    t.equal(await mmio.read(VIRTIO_MMIO_INTERRUPT_STATUS), events, "InterruptStatus behind the read");
    t.equal(await mmio.read(VIRTIO_MMIO_MAGIC_VALUE), VIRTIO_MMIO_MAGIC, "MagicValue behind the read");
    await t.serves();
  },
});

cases.add({
  id: "transport-mmio/odd-accesses/widths",
  title: "Accesses of other widths and alignments than 32 bits to control registers are survived",
  clauses: [CLAUSE.widths],
  needs: MMIO,
  parameters: [{ access: "read" }, { access: "write" }],
  async run(t, { access }) {
    const { raw } = t.guest.mmio;
    await t.guest.start();
    for (let offset = 0; offset < VIRTIO_MMIO_CONFIG; offset++) {
      for (const width of [1, 2, 4] as const) {
        if (width === 4 && offset % 4 === 0) continue;
        // What crosses into the configuration space is another matter.
        if (offset + width > VIRTIO_MMIO_CONFIG) continue;
        if (access === "read") await raw.read(offset, width);
        else await raw.write(offset, width, 0);
      }
    }
    t.equal(await raw.read(VIRTIO_MMIO_MAGIC_VALUE, 4), VIRTIO_MMIO_MAGIC, "MagicValue");
    await t.guest.reset();
    await t.guest.start();
    await t.serves();
  },
});

cases.add({
  id: "transport-mmio/odd-accesses/no-register",
  title: "Accesses to offsets where no register is are survived",
  clauses: [CLAUSE.described],
  needs: MMIO,
  async run(t) {
    const { mmio } = t.guest;
    await t.guest.start();
    const known = new Set([
      ...Object.values(READ_ONLY).map(({ offset }) => offset),
      ...Object.values(WRITE_ONLY),
    ]);
    const holes = Array.from({ length: VIRTIO_MMIO_CONFIG / 4 }, (_, i) => i * 4).filter(
      // QueueReady, Status and QueueReset are both read and written.
      (offset) => !known.has(offset) && ![0x44, VIRTIO_MMIO_STATUS, 0xc0].includes(offset),
    );
    for (const offset of holes) {
      await mmio.read(offset);
      await mmio.write(offset, ALL_ONES);
    }
    t.equal(await mmio.read(VIRTIO_MMIO_MAGIC_VALUE), VIRTIO_MMIO_MAGIC, "MagicValue");
    await t.serves();
  },
});

cases.add({
  id: "transport-mmio/features/words",
  title: "DeviceFeaturesSel selects a word of feature bits; beyond those that exist there are none",
  clauses: [CLAUSE.featuresSel, "content.device.feature-bits.3"],
  needs: MMIO,
  parameters: [{ word: 4 }, { word: ALL_ONES }],
  async run(t, { word }) {
    const { registers } = t.guest;
    const first = await registers.deviceFeatures(0);
    const second = await registers.deviceFeatures(1);
    t.equal(await registers.deviceFeatures(word), 0, `word ${word} of the feature bits`);
    t.equal(await registers.deviceFeatures(0), first, "word 0, read once more");
    t.equal(await registers.deviceFeatures(1), second, "word 1, read once more");
  },
});

cases.add({
  id: "transport-mmio/shared-memory/no-such-region",
  title: "A region that does not exist has the length -1 and lies at 0xffffffffffffffff (section 4.2.2)",
  clauses: [CLAUSE.sharedMemory],
  needs: MMIO,
  parameters: [{ id: 2 }, { id: 0x101 }, { id: ALL_ONES }],
  async run(t, { id }) {
    const { mmio } = t.guest;
    await mmio.write(VIRTIO_MMIO_SHM_SEL, id);
    for (const name of ["SHMLenLow", "SHMLenHigh", "SHMBaseLow", "SHMBaseHigh"]) {
      const offset = (READ_ONLY[name] as { offset: number }).offset;
      t.equal(await mmio.read(offset), ALL_ONES, `${name} of region ${id}`);
    }
  },
});

cases.add({
  id: "transport-mmio/config/byte-alignment",
  title:
    "The configuration space is accessed with byte alignment: every width at every offset sees the same bytes",
  clauses: [CLAUSE.configWidths],
  needs: MMIO,
  async run(t) {
    const { registers, model } = t.guest;
    const bytes: number[] = [];
    for (let at = 0; at < model.configBytes; at++) bytes.push(await registers.config(at, 1));
    if (bytes.length === 0) return t.skip("the device has no configuration space of its own");
    for (const width of [2, 4] as const) {
      for (let at = 0; at + width <= bytes.length; at += width) {
        const expected = bytes.slice(at, at + width).reduceRight((sum, byte) => sum * 256 + byte, 0);
        t.equal(await registers.config(at, width), expected, `${width} bytes at ${at}`);
      }
    }
  },
});

cases.add({
  id: "transport-mmio/config/beyond",
  title: "Accesses beyond the configuration space are survived",
  clauses: [CLAUSE.described],
  needs: MMIO,
  async run(t) {
    const { registers } = t.guest;
    await t.guest.start();
    for (const width of [1, 2, 4] as const) {
      for (let at = 64; at < 0x100; at += 4) {
        await registers.config(at, width);
        await registers.setConfig(at, width, ALL_ONES);
      }
    }
    t.equal(await t.guest.mmio.read(VIRTIO_MMIO_MAGIC_VALUE), VIRTIO_MMIO_MAGIC, "MagicValue");
    await t.serves();
  },
});

cases.add({
  id: "transport-mmio/config/generation-unchanged",
  title: "ConfigGeneration stays the same as long as the configuration does",
  clauses: [CLAUSE.generation],
  needs: MMIO,
  async run(t) {
    const { registers, model } = t.guest;
    await t.guest.start();
    const before = await registers.configGeneration();
    for (let at = 0; at + 4 <= model.configBytes; at += 4) await registers.config(at, 4);
    await t.serves();
    t.equal(await registers.configGeneration(), before, "ConfigGeneration");
  },
});

cases.add({
  id: "transport-mmio/config/generation-changes",
  title: "ConfigGeneration differs behind a change that a driver may have seen half of",
  clauses: [CLAUSE.generation],
  needs: { ...MMIO, devices: ["gpu"], displayChange: true },
  async run(t) {
    const { registers, dut } = t.guest;
    const gpu = await GpuSession.start(t);
    const { width, height } = (await displays(gpu))[0] as OneDisplay;
    try {
      for (const wider of [16, 32, 48]) {
        const before = await registers.configGeneration();
        await registers.config(0, 4);
        await dut.changeDisplay?.({ scanout: 0, width: width + wider, height });
        await dut.settle();
        for (let at = 0; at < t.guest.model.configBytes; at += 4) await registers.config(at, 4);
        const after = await registers.configGeneration();
        t.ok(after !== before, `ConfigGeneration is no longer ${before}`);
      }
    } finally {
      await dut.changeDisplay?.({ scanout: 0, width, height });
    }
  },
});

/** The registers as such. */
export const REGISTER_CASES: readonly CaseDefinition[] = cases.all;
