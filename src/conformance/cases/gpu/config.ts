import { VIRTIO_F_VERSION_1 } from "../../../wire/common.ts";
import {
  VIRTIO_GPU_CONFIG,
  VIRTIO_GPU_EVENT_DISPLAY,
  VIRTIO_GPU_F_BLOB_ALIGNMENT,
  VIRTIO_GPU_F_CONTEXT_INIT,
  VIRTIO_GPU_F_EDID,
  VIRTIO_GPU_F_RESOURCE_BLOB,
  VIRTIO_GPU_F_RESOURCE_UUID,
  VIRTIO_GPU_F_VIRGL,
  VIRTIO_GPU_MAX_SCANOUTS,
} from "../../../wire/gpu.ts";
import { PCI_CLASS_DEVICE } from "../../../wire/pci.ts";
import { type CaseDefinition, CaseList, type CaseRun } from "../../case.ts";
import { CLAUSE, GPU } from "./common.ts";
import { displays, type OneDisplay, preferredMode, readEdid } from "./displays.ts";
import { GpuSession } from "./session.ts";

const cases = new CaseList();
const HOTPLUG = { ...GPU, displayChange: true };

/** Features, each with those it requires. */
const FEATURES: Readonly<Record<string, readonly number[]>> = {
  none: [],
  VIRGL: [VIRTIO_GPU_F_VIRGL],
  EDID: [VIRTIO_GPU_F_EDID],
  RESOURCE_UUID: [VIRTIO_GPU_F_RESOURCE_UUID],
  RESOURCE_BLOB: [VIRTIO_GPU_F_RESOURCE_BLOB],
  CONTEXT_INIT: [VIRTIO_GPU_F_VIRGL, VIRTIO_GPU_F_CONTEXT_INIT],
  BLOB_ALIGNMENT: [VIRTIO_GPU_F_RESOURCE_BLOB, VIRTIO_GPU_F_BLOB_ALIGNMENT],
};

function events(t: CaseRun): Promise<number> {
  return t.guest.registers.config(VIRTIO_GPU_CONFIG.events_read, 4);
}

function clear(t: CaseRun, bits: number): Promise<void> {
  return t.guest.registers.setConfig(VIRTIO_GPU_CONFIG.events_clear, 4, bits);
}

/** Gives monitor 0 another size while `body` runs. */
async function withChange(
  gpu: GpuSession,
  width: number,
  height: number,
  body: (before: OneDisplay) => Promise<void>,
): Promise<void> {
  const { dut } = gpu.t.guest;
  const before = (await displays(gpu))[0] as OneDisplay;
  await gpu.t.guest.takeInterrupts();
  gpu.t.note(`monitor 0 becomes ${width} × ${height}`);
  await dut.changeDisplay?.({ scanout: 0, width, height });
  try {
    await body(before);
  } finally {
    await dut.changeDisplay?.({ scanout: 0, width: before.width, height: before.height });
  }
}

cases.add({
  id: "gpu/config/num-scanouts",
  title: "num_scanouts is 1 to 16",
  clauses: [CLAUSE.config],
  needs: GPU,
  async run(t) {
    const count = await t.guest.registers.config(VIRTIO_GPU_CONFIG.num_scanouts, 4);
    t.ok(count >= 1 && count <= VIRTIO_GPU_MAX_SCANOUTS, `num_scanouts (${count}) is 1 to 16`);
  },
});

cases.add({
  id: "gpu/config/blob-alignment",
  title: "blob_alignment is a power of two when VIRTIO_GPU_F_BLOB_ALIGNMENT is offered",
  clauses: [CLAUSE.config],
  needs: { ...GPU, features: [VIRTIO_GPU_F_BLOB_ALIGNMENT] },
  async run(t) {
    await t.guest.negotiate([VIRTIO_GPU_F_RESOURCE_BLOB, VIRTIO_GPU_F_BLOB_ALIGNMENT]);
    const alignment = await t.guest.registers.config(VIRTIO_GPU_CONFIG.blob_alignment, 4);
    // 2^32, the largest value, does not fit into the field.
    t.ok(
      alignment > 0 && (alignment & (alignment - 1)) === 0,
      `blob_alignment (${alignment}) is a power of two`,
    );
  },
});

cases.add({
  id: "gpu/config/dependent-features",
  title: "CONTEXT_INIT is offered with VIRGL only, BLOB_ALIGNMENT with RESOURCE_BLOB only (section 5.7.3)",
  clauses: [CLAUSE.config, "content.device.feature-bits.1"],
  needs: GPU,
  async run(t) {
    const offered = await t.guest.offeredFeatures();
    const holds = (bit: number, requires: number): boolean => !offered.has(bit) || offered.has(requires);
    t.ok(holds(VIRTIO_GPU_F_CONTEXT_INIT, VIRTIO_GPU_F_VIRGL), "CONTEXT_INIT comes with VIRGL");
    t.ok(
      holds(VIRTIO_GPU_F_BLOB_ALIGNMENT, VIRTIO_GPU_F_RESOURCE_BLOB),
      "BLOB_ALIGNMENT comes with RESOURCE_BLOB",
    );
    t.ok(offered.has(VIRTIO_F_VERSION_1), "VERSION_1 is offered");
  },
});

cases.add({
  id: "gpu/config/valid-subsets",
  title: "Every feature of the chapter can be accepted with what it requires and without the others",
  clauses: ["content.device.feature-bits.2"],
  needs: GPU,
  parameters: Object.keys(FEATURES).map((feature) => ({ feature })),
  async run(t, { feature }) {
    const bits = FEATURES[feature] as readonly number[];
    const offered = await t.guest.offeredFeatures();
    if (!bits.every((bit) => offered.has(bit))) return t.skip(`${feature} is not offered`);
    await t.guest.start({ features: bits });
    await t.serves();
  },
});

cases.add({
  id: "gpu/config/pci-class",
  title: "The PCI class is DISPLAY_OTHER, or DISPLAY_VGA with VGA compatibility (section 5.7.7)",
  clauses: [CLAUSE.config],
  needs: { ...GPU, transport: "pci" },
  async run(t) {
    const code = await t.guest.pci.raw.configRead(PCI_CLASS_DEVICE, 2);
    t.ok(code === 0x0300 || code === 0x0380, `0x${code.toString(16)} is the class of a display`);
  },
});

cases.add({
  id: "gpu/config/read-only-fields",
  title: "Writes to events_read, num_scanouts and num_capsets change nothing",
  clauses: [CLAUSE.config],
  needs: GPU,
  parameters: [{ field: "events_read" }, { field: "num_scanouts" }, { field: "num_capsets" }] as const,
  async run(t, { field }) {
    await t.guest.start();
    const { registers } = t.guest;
    const before = await registers.config(VIRTIO_GPU_CONFIG[field], 4);
    await registers.setConfig(VIRTIO_GPU_CONFIG[field], 4, 0x5a5a5a5b);
    t.equal(await registers.config(VIRTIO_GPU_CONFIG[field], 4), before, field);
    await t.serves();
  },
});

cases.add({
  id: "gpu/config/same-at-every-width",
  title: "The configuration space says the same whether it is read by bytes, halves or words",
  clauses: [CLAUSE.config],
  needs: GPU,
  async run(t) {
    const { registers } = t.guest;
    for (const offset of [VIRTIO_GPU_CONFIG.num_scanouts, VIRTIO_GPU_CONFIG.num_capsets]) {
      const word = await registers.config(offset, 4);
      const halves = (await registers.config(offset, 2)) + (await registers.config(offset + 2, 2)) * 0x10000;
      t.equal(halves, word, `the field at ${offset} read by halves`);
      let bytes = 0;
      for (let i = 0; i < 4; i++) bytes += (await registers.config(offset + i, 1)) * 256 ** i;
      t.equal(bytes, word, `the field at ${offset} read by bytes`);
    }
  },
});

cases.add({
  id: "gpu/events/none-at-first",
  title: "events_read has no unknown bit, and no event behind events_clear",
  clauses: [CLAUSE.config, CLAUSE.events],
  needs: GPU,
  async run(t) {
    await t.guest.start();
    t.equal(
      (await events(t)) & ~VIRTIO_GPU_EVENT_DISPLAY,
      0,
      "the bits of events_read besides EVENT_DISPLAY",
    );
    await clear(t, 0xffffffff);
    t.equal(await events(t), 0, "events_read behind a write of all ones to events_clear");
  },
});

cases.add({
  id: "gpu/events/display",
  title: "A monitor that changes sets EVENT_DISPLAY and sends a configuration change notification",
  clauses: [CLAUSE.config, CLAUSE.events],
  needs: HOTPLUG,
  async run(t) {
    const gpu = await GpuSession.start(t);
    await clear(t, 0xffffffff);
    await withChange(gpu, 640, 480, async () => {
      const { config } = await t.guest.takeInterrupts();
      t.ok(config, "a configuration change notification came");
      t.equal(await events(t), VIRTIO_GPU_EVENT_DISPLAY, "events_read");
    });
  },
});

cases.add({
  id: "gpu/events/clear",
  title: "Ones written to events_clear clear these bits of events_read, zeros leave them alone",
  clauses: [CLAUSE.config, CLAUSE.events],
  needs: HOTPLUG,
  async run(t) {
    const gpu = await GpuSession.start(t);
    await withChange(gpu, 640, 480, async () => {
      await clear(t, 0);
      t.equal(await events(t), VIRTIO_GPU_EVENT_DISPLAY, "events_read behind a write of 0");
      await clear(t, 2);
      t.equal(await events(t), VIRTIO_GPU_EVENT_DISPLAY, "events_read behind a write of another bit");
      t.equal(await events(t), VIRTIO_GPU_EVENT_DISPLAY, "events_read, read once more");
      await clear(t, VIRTIO_GPU_EVENT_DISPLAY);
      t.equal(await events(t), 0, "events_read behind a write of 1");
    });
  },
});

cases.add({
  id: "gpu/events/again",
  title: "An event that was cleared comes again with the next change",
  clauses: [CLAUSE.config, CLAUSE.events],
  needs: HOTPLUG,
  async run(t) {
    const gpu = await GpuSession.start(t);
    await withChange(gpu, 640, 480, async () => {
      await clear(t, VIRTIO_GPU_EVENT_DISPLAY);
      await t.guest.takeInterrupts();
      await t.guest.dut.changeDisplay?.({ scanout: 0, width: 800, height: 480 });
      t.ok((await t.guest.takeInterrupts()).config, "another configuration change notification came");
      t.equal(await events(t), VIRTIO_GPU_EVENT_DISPLAY, "events_read");
    });
  },
});

cases.add({
  id: "gpu/events/display-info-follows",
  title: "Behind the event GET_DISPLAY_INFO tells the new size",
  clauses: [CLAUSE.events, CLAUSE.displayInfo],
  needs: HOTPLUG,
  async run(t) {
    const gpu = await GpuSession.start(t);
    await withChange(gpu, 640, 480, async () => {
      const [display] = await displays(gpu);
      t.equal(display?.width, 640, "the width of display 0");
      t.equal(display?.height, 480, "the height of display 0");
      t.equal(display?.enabled, 1, "enabled of display 0");
    });
  },
});

cases.add({
  id: "gpu/events/edid-follows",
  title: "Behind the event GET_EDID tells the new size as the preferred mode",
  clauses: [CLAUSE.eventsEdid, CLAUSE.edid],
  needs: { ...HOTPLUG, features: [VIRTIO_GPU_F_EDID] },
  async run(t) {
    const gpu = await GpuSession.start(t, [VIRTIO_GPU_F_EDID]);
    await withChange(gpu, 640, 480, async () => {
      const { width, height } = preferredMode(await readEdid(gpu, 0));
      t.equal(`${width} × ${height}`, "640 × 480", "the preferred mode");
    });
  },
});

cases.add({
  id: "gpu/events/unplugged",
  title:
    "A monitor that is unplugged is no longer enabled, and a driver may show its fallback there all the same",
  clauses: [CLAUSE.events, CLAUSE.fallback],
  needs: HOTPLUG,
  async run(t) {
    const gpu = await GpuSession.start(t);
    await withChange(gpu, 0, 0, async () => {
      const [display] = await displays(gpu);
      if (display?.enabled !== 0) t.skip("the monitor cannot be unplugged");
      await gpu.resource(1, 1024, 768);
      await gpu.show(0, 1, 1024, 768);
    });
  },
});

/** Configuration space and events. */
export const CONFIG_CASES: readonly CaseDefinition[] = cases.all;
