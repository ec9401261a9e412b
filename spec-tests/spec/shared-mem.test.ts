import { suite } from "uvu";
import * as assert from "uvu/assert";
import { VirtioDevice } from "../../src/device/index.ts";
import { GpuDevice, HostHeap } from "../../src/devices/gpu/index.ts";
import { GuestMemory } from "../../src/memory/index.ts";
import { PciTransport } from "../../src/transport/pci/index.ts";
import { RecordingRenderer } from "../support/recording-renderer.ts";

const test = suite("shared memory regions");

test("writing into a region is not a way to control the device or to stream to it [shared-mem.device.shared-memory-regions.1]", () => {
  const memory = new GuestMemory([{ base: 0, memory: new ArrayBuffer(0x10000) }]);
  const renderer = new RecordingRenderer();
  const gpu = new GpuDevice({ renderer, hostHeap: new HostHeap(0x10000) });
  const device = new VirtioDevice(gpu, { memory });
  const interrupts: boolean[] = [];
  const transport = new PciTransport(device, { onInterrupt: (asserted) => interrupts.push(asserted) });
  const bar = transport.bars.find(({ windows }) =>
    windows.some(({ structure }) => structure === "shared-memory"),
  );
  assert.ok(bar !== undefined, "the region has a BAR of its own");
  assert.equal(
    bar?.windows.map(({ structure }) => structure),
    ["shared-memory"],
    "no register shares it",
  );
  for (const status of [1, 3, 11, 15]) {
    if (status === 11) device.writeDriverFeatureWord(1, 1);
    device.writeStatus(status);
    const before = JSON.stringify([device.save(), device.counters, gpu.counters]);
    for (let offset = 0; offset < 0x10000; offset += 4) {
      transport.barWrite(bar?.index ?? 0, offset, 4, (offset * 2654435761) >>> 0);
      transport.barRead(bar?.index ?? 0, offset, 4);
    }
    assert.is(JSON.stringify([device.save(), device.counters, gpu.counters]), before);
    assert.is(device.status, status);
  }
  assert.equal(interrupts, []);
  assert.equal(
    [...memory.read(0, 0x10000)].filter((byte) => byte !== 0),
    [],
  );
});

test.run();
