// A region of exactly 4 GiB, which a full WebAssembly.Memory is: lengths and offsets beyond 2 GiB and up to 2^32 survive
// every shift, on both sides of the rings. The memory is reserved and hardly touched, so that this is cheap.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { MemoryDisplay } from "../../src/backends/display/memory/index.ts";
import { VirtioDevice } from "../../src/device/index.ts";
import { GpuDevice } from "../../src/devices/gpu/index.ts";
import {
  GpuDriver,
  GpuFramebuffer,
  GuestAllocator,
  MmioDriverTransport,
  VirtioDriver,
} from "../../src/driver/index.ts";
import { type GrowableMemory, GuestMemory } from "../../src/memory/index.ts";
import { MmioTransport } from "../../src/transport/mmio/index.ts";

const test = suite("regions of 4 GiB");

const GIB4 = 2 ** 32;
const RING_PACKED = 34;
const EVENT_IDX = 29;
const INDIRECT_DESC = 28;
const WIDTH = 64;
const HEIGHT = 32;

declare const WebAssembly: {
  readonly Memory: new (limits: { initial: number; maximum: number; shared?: boolean }) => GrowableMemory;
};

function memoryOf(what: "unshared" | "shared" | "WebAssembly"): GuestMemory {
  const bytes =
    what === "WebAssembly"
      ? new WebAssembly.Memory({ initial: 65536, maximum: 65536 })
      : what === "shared"
        ? new SharedArrayBuffer(GIB4)
        : new ArrayBuffer(GIB4);
  return new GuestMemory([{ base: 0, memory: bytes }]);
}

for (const what of ["unshared", "shared", "WebAssembly"] as const) {
  test(`${what}: views reach the last byte`, () => {
    const [region] = memoryOf(what).regions;
    assert.is(region?.sizeBytes, GIB4);
    assert.is(region?.u8.length, GIB4);
    assert.is(region?.u16.length, GIB4 / 2);
    assert.is(region?.u32.length, GIB4 / 4);
    assert.is(region?.u64.length, GIB4 / 8);
    assert.is(region?.offsetOf(0, 0xffffffff, 1), 0xffffffff);
    assert.is(region?.offsetOf(0, 0xffffffff, 2), -1);
  });

  for (const format of ["split", "packed"] as const) {
    for (const [place, base] of [
      ["around 2 GiB", 2 ** 31 - 64 * 1024],
      ["just below 4 GiB", GIB4 - 128 * 1024],
    ] as const) {
      test(`${what}, ${format}: a picture through rings and pages ${place}`, () => {
        const memory = memoryOf(what);
        const display = new MemoryDisplay();
        const ringFeatures = [INDIRECT_DESC, EVENT_IDX, ...(format === "packed" ? [RING_PACKED] : [])];
        const device = new VirtioDevice(new GpuDevice({ display }), { memory, ringFeatures });
        const transport = new MmioTransport(device);
        const allocator = new GuestAllocator(memory, { base, lengthBytes: 128 * 1024 });
        const driver = new VirtioDriver(MmioDriverTransport.probe(transport) as MmioDriverTransport, {
          allocator,
        });
        const gpu = GpuDriver.start(driver);
        const picture = GpuFramebuffer.create(gpu, { width: WIDTH, height: HEIGHT });
        picture.pages.fillWords(0, WIDTH * HEIGHT, 0x00c08040);
        picture.show(0);
        picture.flush();
        const rgba = display.readRgba(0);
        assert.equal([...(rgba ?? []).slice(0, 4)], [0xc0, 0x80, 0x40, 0xff]);
        assert.equal([...(rgba ?? []).slice(-4)], [0xc0, 0x80, 0x40, 0xff]);
        assert.is(device.status & 0x40, 0, "no DEVICE_NEEDS_RESET");
        assert.is(driver.hasFeature(RING_PACKED), format === "packed");
      });
    }
  }
}

test.run();
