import {
  VIRTIO_GPU_CONFIG,
  VIRTIO_GPU_F_RESOURCE_UUID,
  VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM,
  VIRTIO_GPU_RESP_OK_RESOURCE_UUID,
  VIRTIO_GPU_RESP_RESOURCE_UUID,
} from "../../../wire/gpu.ts";
import { CaseList, type CaseRun } from "../../case.ts";
import { assignUuid, create2d, decodeHeader } from "../../models/gpu-commands.ts";
import type { ConfigField, DeviceModel } from "../../models/model.ts";

const cases = new CaseList();
const READABLE = "content.device.device-configuration-space.1";

/** The fields of a device of the guest's type, those that depend on a feature only where it is offered. */
function fieldsOf({ guest: { model } }: CaseRun, offered: ReadonlySet<number>): readonly ConfigField[] {
  return (model.config ?? []).filter(({ feature }) => feature === undefined || offered.has(feature));
}

/** A field as drivers read it, 64 bits in two halves. */
async function readField({ guest }: CaseRun, { offset, sizeBytes }: ConfigField): Promise<number> {
  if (sizeBytes !== 8) return guest.registers.config(offset, sizeBytes);
  const low = await guest.registers.config(offset, 4);
  return low + (await guest.registers.config(offset + 4, 4)) * 2 ** 32;
}

/** The fields that do not change by themselves. */
async function readAll(t: CaseRun, fields: readonly ConfigField[]): Promise<string> {
  const values: string[] = [];
  for (const field of fields) {
    if (field.changes !== true) values.push(`${field.name} ${await readField(t, field)}`);
  }
  return values.join(", ");
}

cases.add({
  id: "content/config/readable-before-features-ok",
  title:
    "Every field of the configuration space can be read before FEATURES_OK, is in its range, and does not differ afterwards",
  clauses: [READABLE],
  needs: { format: "any" },
  parameters: [{ stage: "reset" }, { stage: "driver" }, { stage: "features-written" }],
  async run(t, { stage }) {
    const { guest } = t;
    const offered = await guest.offeredFeatures();
    const fields = fieldsOf(t, offered);
    if (fields.length === 0) t.skip("the model of the device names no field of its configuration space");
    if (stage !== "reset") await guest.acknowledge();
    if (stage === "features-written") await guest.acceptFeatures([]);
    const early = await readAll(t, fields);
    for (const field of fields) {
      const value = await readField(t, field);
      const [least, most] = field.range ?? [0, Number.POSITIVE_INFINITY];
      t.ok(value >= least && value <= most, `${field.name} is ${least} to ${most}, not ${value}`);
    }
    await guest.reset();
    const all = [...offered].filter((bit) => fields.some(({ feature }) => feature === bit));
    t.ok(await guest.negotiate(withRequired(guest.model, all)), "FEATURES_OK stands");
    t.equal(await readAll(t, fields), early, "the configuration space after FEATURES_OK");
    await guest.addQueue(0);
    await guest.driverOk();
    t.equal(await readAll(t, fields), early, "the configuration space after DRIVER_OK");
  },
});

/** Features, and those they do not do without, by way of others too. */
function withRequired({ features = [] }: DeviceModel, bits: readonly number[]): readonly number[] {
  const all = new Set(bits);
  for (const bit of all)
    for (const more of features.find((one) => one.bit === bit)?.requires ?? []) all.add(more);
  return [...all];
}

/** Statement on the generation, by transport. */
const GENERATION = {
  mmio: "transport-mmio.device.mmio-device-register-layout.6",
  pci: "transport-pci.device.common-configuration-structure-layout.6",
} as const;

for (const transport of ["mmio", "pci"] as const) {
  cases.add({
    id: `content/config/generation-on-${transport}`,
    title: "The generation differs after a change of the configuration space, and stays when there is none",
    clauses: [GENERATION[transport]],
    needs: { devices: ["gpu"], format: "any", displayChange: true, transport },
    async run(t) {
      const { guest } = t;
      await guest.start();
      const read = async (): Promise<number> => {
        await guest.registers.config(VIRTIO_GPU_CONFIG.events_read, 4);
        return guest.registers.configGeneration();
      };
      const first = await read();
      t.equal(await read(), first, "the generation without a change");
      // The same event again is not a change: it is cleared in between.
      for (const width of [810, 820, 830]) {
        const before = await read();
        await guest.dut.changeDisplay?.({ scanout: 0, width, height: 600 });
        await guest.dut.settle();
        t.ok((await read()) !== before, "the generation differs after a change");
        await guest.registers.setConfig(VIRTIO_GPU_CONFIG.events_clear, 4, 1);
      }
    },
  });
}

cases.add({
  id: "content/exporting/uuid-version-4",
  title: "The UUID of an exported object is one of version 4",
  clauses: ["content.prose.exporting-objects.1"],
  needs: { devices: ["gpu"], format: "any", features: [VIRTIO_GPU_F_RESOURCE_UUID] },
  async run(t) {
    await t.guest.start({ features: [VIRTIO_GPU_F_RESOURCE_UUID] });
    const seen = new Set<string>();
    const length = VIRTIO_GPU_RESP_RESOURCE_UUID.sizeBytes;
    const format = VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM;
    for (const resourceId of [1, 2, 3, 4]) {
      await t.guest.exchange(0, create2d({ resourceId, format, width: 16, height: 16 }), 24);
      const { bytes } = await t.guest.exchange(0, assignUuid(resourceId), length);
      t.equal(decodeHeader(bytes).type, VIRTIO_GPU_RESP_OK_RESOURCE_UUID, "the type of the response");
      const uuid = bytes.slice(VIRTIO_GPU_RESP_RESOURCE_UUID.uuid, length);
      t.equal((uuid[6] ?? 0) >>> 4, 4, "the version of the UUID");
      t.equal((uuid[8] ?? 0) >>> 6, 2, "the variant of the UUID");
      seen.add(uuid.join());
    }
    t.equal(seen.size, 4, "the number of different UUIDs of four resources");
  },
});

/** The configuration space, and exported objects (virtio 1.4, sections 2.5 and 2.11). */
export const CONFIG_CASES = cases.all;
