// States that older versions of the library wrote, kept as they came from them, live on in this one.
import { readdirSync, readFileSync } from "node:fs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  type DeviceType,
  parseUuid,
  type SavedDevice,
  SharedObjectRegistry,
  VirtioDevice,
} from "../../../../src/device/index.ts";
import { GpuDevice, type GuestPages, HostHeap } from "../../../../src/devices/gpu/index.ts";
import { RenderDevice } from "../../../../src/devices/render/index.ts";
import { RngDevice } from "../../../../src/devices/rng/index.ts";
import { VdmabufDevice } from "../../../../src/devices/vdmabuf/index.ts";
import { GuestMemory } from "../../../../src/memory/index.ts";
import { MmioTransport, type SavedMmioTransport } from "../../../../src/transport/mmio/index.ts";
import { PciTransport, type SavedPciTransport } from "../../../../src/transport/pci/index.ts";
import { pattern } from "../../../support/gpu-rig.ts";
import { SavingRenderer } from "../../../support/recording-renderer.ts";
import { FakeExport } from "../../../support/render-rig.ts";

const FOLDER = "spec-tests/fixtures/saved-states";

interface Kept {
  readonly state: unknown;
  readonly memoryBase?: number;
  readonly memoryBytes: number;
  /** Pages of guest memory that are not all zeros, as base64. */
  readonly memory: readonly (readonly [address: number, bytes: string])[];
}

function readKept(name: string): Kept {
  return JSON.parse(readFileSync(`${FOLDER}/${name}`, "utf8")) as Kept;
}

function memoryOf({ memoryBase = 0, memoryBytes, memory }: Kept): GuestMemory {
  const guest = new GuestMemory([{ base: memoryBase, memory: new ArrayBuffer(memoryBytes) }]);
  for (const [address, bytes] of memory) guest.write(address, Buffer.from(bytes, "base64"));
  return guest;
}

interface SavedContexts {
  readonly contexts: readonly {
    readonly id: number;
    readonly capsetId: number;
    readonly debugName: string;
    readonly resources: readonly number[];
  }[];
}

interface SavedRenderContexts {
  readonly contexts: readonly {
    readonly id: number;
    readonly fenceHi: number;
    readonly fenceLo: number;
  }[];
}

function contentOf(pages: GuestPages | null | undefined): Uint8Array {
  const bytes = new Uint8Array(pages?.totalBytes ?? 0);
  pages?.read(0, bytes, 0, bytes.length);
  return bytes;
}

const DISPLAYS = [{ widthPixels: 1024, heightPixels: 768 }, { enabled: false }];

/** A device with the kept state, told of nothing yet that it tells at once. */
function revive(name: string, type: DeviceType) {
  const kept = readKept(name);
  const device = new VirtioDevice(type, { memory: memoryOf(kept), schedule: () => {} });
  let notifications = 0;
  device.connect({
    queueInterrupt() {},
    configInterrupt: () => notifications++,
    deviceReset() {},
  });
  device.restore(kept.state as SavedDevice);
  return { device, notifications: () => notifications };
}

const test = suite("states of older versions");
const names = readdirSync(FOLDER).sort();

for (const name of names.filter((each) => each.startsWith("gpu-busy"))) {
  test(`${name}: everything that the guest had is there`, () => {
    const gpu = new GpuDevice({ displays: DISPLAYS });
    const { device, notifications } = revive(name, gpu);
    assert.equal(
      gpu
        .resources()
        .map(({ id, kind, sizeBytes, backingBytes, scanouts, uuids }) => [
          id,
          kind,
          sizeBytes,
          backingBytes,
          scanouts,
          uuids.length,
        ]),
      [
        [5, "2d", 1024, 1024, [0], 1],
        [6, "blob", 1024, 1024, [1], 0],
        [7, "2d", 16384, 0, [], 0],
      ],
    );
    const shown = gpu.scanout(0);
    assert.equal([shown?.widthPixels, shown?.heightPixels, shown?.offsetBytes], [8, 4, 72]);
    const cursor = gpu.cursor(0);
    assert.equal([cursor?.x, cursor?.y, cursor?.hotX, cursor?.hotY], [-3, 17, 2, 5]);
    assert.is(gpu.cursor(1), null);
    // What its driver had been told of the displays nobody knew then: so it is told to look.
    const told = name.includes("gpu-3") ? 0 : 1;
    assert.equal([notifications(), device.readConfig(0, 4)], [told, told]);
    // Once more, in the form of today.
    const state = JSON.parse(JSON.stringify(device.save())) as SavedDevice;
    assert.is(state.version, 4);
    const next = new VirtioDevice(new GpuDevice({ displays: DISPLAYS }), { memory: device.memory });
    next.restore(state);
    assert.equal(JSON.parse(JSON.stringify(next.save())), state);
  });
}

for (const name of names.filter((each) => each.startsWith("gpu-suspended"))) {
  test(`${name}: what was due is told on resume`, () => {
    const gpu = new GpuDevice({ displays: [{ widthPixels: 640, heightPixels: 480 }, { enabled: false }] });
    const { device, notifications } = revive(name, gpu);
    assert.is(notifications(), 0);
    assert.is(device.readConfig(0, 4), 0, "the driver sees nothing yet");
    device.writeStatus(15);
    assert.is(notifications(), 1);
    assert.is(device.readConfig(0, 4), 1);
  });
}

for (const name of names.filter((each) => each.startsWith("gpu-3d"))) {
  test(`${name}: contexts, resources, blobs, and the renderer with its own state`, () => {
    const renderer = new SavingRenderer();
    const hostHeap = new HostHeap(65536);
    const gpu = new GpuDevice({ displays: DISPLAYS, renderer, hostHeap });
    const { device } = revive(name, gpu);
    assert.equal(renderer.restored, { contexts: [9, 10], resources: [8, 9, 10, 11] });
    assert.equal(
      renderer.resources.map(({ resourceId, backing, memory }) => [
        resourceId,
        backing?.totalBytes ?? null,
        memory?.mappedAt ?? null,
      ]),
      [
        [8, 3 * 4096, null],
        [9, null, 8192],
        [10, 4096, -1],
        [11, null, null],
      ],
    );
    const [drawn, mapped, shadowed] = renderer.resources;
    assert.equal(contentOf(drawn?.backing), pattern(3 * 4096, 8));
    assert.equal(contentOf(shadowed?.backing), pattern(4096, 6));
    assert.equal(mapped?.memory?.bytes(), pattern(4096, 5));
    const { contexts } = device.save().type as unknown as SavedContexts;
    assert.equal(
      contexts.map(({ id, capsetId, debugName, resources }) => [id, capsetId, debugName, resources]),
      [
        [9, 1, "one", [8, 10]],
        [10, 0, "", [8]],
      ],
    );
  });
}

for (const name of names.filter((each) => each.startsWith("render"))) {
  test(`${name}: imports and contexts`, () => {
    const kept = readKept(name);
    const registry = new SharedObjectRegistry();
    registry.publish(parseUuid("01234567-89ab-4cde-8f01-000000000001"), new FakeExport(8 * 4 * 4, null));
    const render = new RenderDevice({ sharedObjects: registry });
    const device = new VirtioDevice(render, { memory: memoryOf(kept), schedule: () => {} });
    device.restore(kept.state as SavedDevice);
    assert.equal(
      render
        .imports()
        .map(({ id, widthPixels, heightPixels, revoked }) => [id, widthPixels, heightPixels, revoked]),
      [
        [1, 4, 2, false],
        [2, 50, 50, false],
        [3, 8, 4, true],
      ],
    );
    assert.equal(render.contexts, [0, 4]);
    const { contexts } = device.save().type as unknown as SavedRenderContexts;
    assert.equal(
      contexts.map(({ id, fenceHi, fenceLo }) => [id, fenceHi, fenceLo]),
      [
        [0, 0, 3],
        [4, 256, 0],
      ],
    );
    assert.is(device.readConfig(0, 4), 1, "a revoked object is still to be told of");
  });
}

for (const name of names.filter((each) => each.startsWith("rng"))) {
  test(`${name}: a device behind a transport`, () => {
    const kept = readKept(name);
    const device = new VirtioDevice(new RngDevice({ queueSize: 8 }), {
      memory: memoryOf(kept),
      schedule: () => {},
    });
    if (name.startsWith("rng-mmio")) new MmioTransport(device).restore(kept.state as SavedMmioTransport);
    else new PciTransport(device).restore(kept.state as SavedPciTransport);
    assert.is(device.status, 15);
    assert.equal(device.activeQueue(0)?.progress().nextAvail, 1);
  });
}

for (const name of names.filter((each) => each.startsWith("vdmabuf"))) {
  test(`${name}: the host still holds the buffer`, () => {
    const type = new VdmabufDevice();
    const kept = readKept(name);
    const device = new VirtioDevice(type, { memory: memoryOf(kept), schedule: () => {} });
    device.restore(kept.state as SavedDevice);
    assert.is(type.buffers.length, 1);
    assert.is(type.buffers[0]?.pages.count, 1);
  });
}

test("there are states of every version, of every device type that has one", () => {
  for (const each of ["gpu-busy", "gpu-suspended", "gpu-3d"]) {
    for (const versions of ["device-1.gpu-1", "device-1.gpu-2", "device-2.gpu-1", "device-3.gpu-3"]) {
      assert.ok(names.includes(`${each}.${versions}.json`), `${each}, ${versions}`);
    }
  }
  for (const version of [1, 2, 3]) {
    assert.ok(names.includes(`vdmabuf.device-${version}.json`), `vdmabuf, ${version}`);
    assert.ok(names.includes(`render.device-${version}.render-1.json`), `render, ${version}`);
    assert.ok(
      names.some((name) => name.startsWith("rng-") && name.endsWith(`device-${version}.json`)),
      `rng, ${version}`,
    );
  }
});

test.run();
