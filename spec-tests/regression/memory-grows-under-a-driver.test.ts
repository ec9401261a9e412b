import { test } from "uvu";
import * as assert from "uvu/assert";
import { MemoryDisplay } from "../../src/backends/display/memory/index.ts";
import { GpuDevice } from "../../src/devices/gpu/index.ts";
import { RngDevice } from "../../src/devices/rng/index.ts";
import { GpuDriver, GpuFramebuffer, GuestAllocator, RngDriver } from "../../src/driver/index.ts";
import { GuestMemory, type MemoryRegion } from "../../src/memory/index.ts";
import { drive } from "../../src/testing/index.ts";
import { VIRTIO_F_RING_PACKED } from "../../src/wire/index.ts";

// A driver whose memory grew wrote its next request through the views of before: it went nowhere, and the device got
// what was there from the request before. Guest pages could be read and written no more. And when it was the region
// that noticed the growth, by `buffer` or `refresh`, the rings kept their dead views for good.

const PAGES = 64;

function stage() {
  const wasm = new WebAssembly.Memory({ initial: PAGES, maximum: 10 * PAGES });
  const memory = new GuestMemory([{ base: 0, memory: wasm }]);
  return { wasm, memory };
}

test("pages of guest memory follow it", () => {
  const { wasm, memory } = stage();
  const pages = new GuestAllocator(memory).allocatePages(3);
  const accesses: readonly (() => void)[] = [
    () => pages.write(0, new Uint8Array(1000).fill(7)),
    () => pages.fill(8, 4000, 1000),
    () => pages.setWord(20, 0x0909_0909),
    () => pages.fillWords(24, 2000, 0x0a0a_0a0a),
  ];
  for (const access of accesses) {
    wasm.grow(1);
    access();
  }
  const bytes = new Uint8Array(pages.lengthBytes);
  wasm.grow(1);
  pages.read(0, bytes);
  assert.equal([bytes[19], bytes[20], bytes[24], bytes[8023], bytes[8024]], [7, 9, 10, 10, 0]);
  wasm.grow(1);
  assert.is(pages.word(20), 0x0909_0909);
});

for (const refuse of [[], [VIRTIO_F_RING_PACKED]]) {
  const format = refuse.length === 0 ? "packed" : "split";
  test(`a gpu driver and its device follow it: ${format}`, () => {
    const { wasm, memory } = stage();
    const display = new MemoryDisplay();
    const { driver, device } = drive(new GpuDevice({ display }), { transport: "mmio", memory });
    const gpu = GpuDriver.start(driver, { refuse });
    wasm.grow(1);
    const framebuffer = GpuFramebuffer.create(gpu, { width: 64, height: 64 });
    for (let turn = 1; turn < 8; turn++) {
      wasm.grow(1);
      framebuffer.fillRect(0, 0, 64, 64, 0x010101 * turn);
      wasm.grow(1);
      framebuffer.show(0);
      // Someone looks at the memory before the driver or the device does.
      wasm.grow(1);
      assert.is((memory.regions[0] as MemoryRegion).buffer, wasm.buffer);
      framebuffer.flush();
      assert.is((display.readRgba(0) as Uint8Array)[64 * 64 * 4 - 2], turn);
    }
    wasm.grow(1);
    assert.is(gpu.getEdid(0)[1], 255);
    assert.is(device.counters.queueFaults, 0);
  });
}

test("so does a driver that takes bytes out of its buffer", () => {
  const { wasm, memory } = stage();
  const { driver } = drive(new RngDevice({ source: (bytes) => void bytes.fill(5) }), {
    transport: "mmio",
    memory,
  });
  const rng = RngDriver.start(driver);
  for (let turn = 0; turn < 3; turn++) {
    wasm.grow(1);
    assert.equal([...rng.read(4)], [5, 5, 5, 5]);
  }
});

test.run();
