import {
  VIRTIO_GPU_CONFIG,
  VIRTIO_GPU_F_BLOB_ALIGNMENT,
  VIRTIO_GPU_F_RESOURCE_UUID,
  VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM,
  VIRTIO_GPU_RESP_OK_RESOURCE_UUID,
  VIRTIO_GPU_RESP_RESOURCE_UUID,
} from "../../../wire/gpu.ts";
import { CaseList, type CaseRun } from "../../case.ts";
import { assignUuid, create2d, decodeHeader } from "../../models/gpu-commands.ts";

const cases = new CaseList();
const READABLE = "content.device.device-configuration-space.1";

/** The fields of a gpu that do not change by themselves. */
function fields(offered: ReadonlySet<number>): readonly (keyof typeof VIRTIO_GPU_CONFIG)[] {
  const always = ["events_read", "num_scanouts", "num_capsets"] as const;
  return offered.has(VIRTIO_GPU_F_BLOB_ALIGNMENT) ? [...always, "blob_alignment"] : always;
}

async function readAll(t: CaseRun, offered: ReadonlySet<number>): Promise<string> {
  const values: string[] = [];
  for (const field of fields(offered)) {
    values.push(`${field} ${await t.guest.registers.config(VIRTIO_GPU_CONFIG[field], 4)}`);
  }
  return values.join(", ");
}

cases.add({
  id: "content/config/readable-before-features-ok",
  title:
    "Every field of the configuration space can be read before FEATURES_OK, and does not differ afterwards",
  clauses: [READABLE],
  needs: { devices: ["gpu"], format: "any" },
  parameters: [{ stage: "reset" }, { stage: "driver" }, { stage: "features-written" }],
  async run(t, { stage }) {
    const { guest } = t;
    const offered = await guest.offeredFeatures();
    if (stage !== "reset") await guest.acknowledge();
    if (stage === "features-written") await guest.acceptFeatures([]);
    const early = await readAll(t, offered);
    const scanouts = await guest.registers.config(VIRTIO_GPU_CONFIG.num_scanouts, 4);
    t.ok(scanouts >= 1 && scanouts <= 16, `num_scanouts is 1 to 16, not ${scanouts}`);
    if (offered.has(VIRTIO_GPU_F_BLOB_ALIGNMENT)) {
      const alignment = await guest.registers.config(VIRTIO_GPU_CONFIG.blob_alignment, 4);
      t.ok(alignment !== 0, "blob_alignment, whose feature is offered, is there");
    }
    await guest.reset();
    const all = [...offered].filter((bit) => bit <= VIRTIO_GPU_F_BLOB_ALIGNMENT);
    t.ok(await guest.negotiate(all), "FEATURES_OK stands");
    t.equal(await readAll(t, offered), early, "the configuration space after FEATURES_OK");
    await guest.addQueue(0);
    await guest.driverOk();
    t.equal(await readAll(t, offered), early, "the configuration space after DRIVER_OK");
  },
});

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
