// Memory that is not what it seems: of another realm, detached when it is handed over, or detached afterwards.
import * as vm from "node:vm";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createChannel } from "../../../src/adapters/worker/index.ts";
import { readScanoutRgba } from "../../../src/backends/display/memory/index.ts";
import { VirtioUsageError } from "../../../src/base/index.ts";
import { VirtioDevice } from "../../../src/device/index.ts";
import { GpuDevice, HostHeap, type ScanoutSource } from "../../../src/devices/gpu/index.ts";
import { RngDevice } from "../../../src/devices/rng/index.ts";
import {
  GpuDriver,
  GuestAllocator,
  MmioDriverTransport,
  RngDriver,
  VirtioDriver,
} from "../../../src/driver/index.ts";
import {
  DmaSpace,
  type GrowableMemory,
  GuestMemory,
  GuestPages,
  SegmentList,
} from "../../../src/memory/index.ts";
import { MmioTransport } from "../../../src/transport/mmio/index.ts";

const test = suite("foreign and detached memory");

const RING_PACKED = 34;
const PAGES = 16;
const BYTES = PAGES * 65536;

declare const WebAssembly: {
  readonly Memory: new (limits: {
    initial: number;
    maximum: number;
  }) => GrowableMemory & { grow(pages: number): number };
};

function usageError(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof VirtioUsageError) return error.message;
    throw error;
  }
  return "nothing was thrown";
}

test("buffers of another realm are known for what they are", () => {
  const inOther = (code: string) => vm.runInNewContext(code) as ArrayBufferLike;
  const shared = inOther("new SharedArrayBuffer(65536)");
  assert.not.instance(shared, SharedArrayBuffer);
  assert.is(new GuestMemory([{ base: 0, memory: shared }]).regions[0]?.shared, true);
  const unshared = inOther("new ArrayBuffer(65536)");
  assert.not.instance(unshared, ArrayBuffer);
  assert.is(new GuestMemory([{ base: 0, memory: unshared }]).regions[0]?.shared, false);
  const growable = vm.runInNewContext("({ buffer: new SharedArrayBuffer(65536) })") as GrowableMemory;
  assert.is(new GuestMemory([{ base: 0, memory: growable }]).regions[0]?.shared, true);
  assert.is(createChannel({ queues: 1, ram: shared as SharedArrayBuffer }).device.ram, shared);
  assert.is(new HostHeap(shared).lengthBytes, 65536);
});

test("what only pretends to be a buffer is refused", () => {
  const pretender = { byteLength: 4096, [Symbol.toStringTag]: "SharedArrayBuffer" };
  const refused = (memory: unknown) =>
    usageError(() => new GuestMemory([{ base: 0, memory: memory as ArrayBuffer }]));
  assert.match(refused(pretender), /takes an ArrayBuffer, a SharedArrayBuffer or a WebAssembly.Memory/);
  assert.match(refused({ buffer: pretender }), /takes an ArrayBuffer/);
  assert.match(refused({ buffer: new Uint8Array(8) }), /takes an ArrayBuffer/);
  assert.match(refused(new Uint8Array(8)), /not a view of one/);
});

/** Ways to lose a buffer; each returns the buffer and what takes it away. */
const WAYS: Readonly<Record<string, () => { buffer: ArrayBuffer; lose: () => void; says: RegExp }>> = {
  "the former buffer of a WebAssembly memory": () => {
    const memory = new WebAssembly.Memory({ initial: PAGES, maximum: 64 });
    return {
      buffer: memory.buffer as ArrayBuffer,
      lose: () => void memory.grow(1),
      says: /pass the memory instead/,
    };
  },
  "a transferred buffer": () => {
    const buffer = new ArrayBuffer(BYTES);
    return {
      buffer,
      lose: () => void structuredClone(buffer, { transfer: [buffer] }),
      says: /it was transferred/,
    };
  },
  "a buffer that shrinks": () => {
    const resizable = ArrayBuffer as unknown as new (
      length: number,
      o: object,
    ) => ArrayBuffer & { resize(n: number): void };
    const buffer = new resizable(BYTES, { maxByteLength: BYTES });
    return {
      buffer,
      lose: () => buffer.resize(0x6000),
      says: /shrank: its buffer no longer holds 1048576 bytes/,
    };
  },
};

for (const [name, make] of Object.entries(WAYS)) {
  if (name !== "a buffer that shrinks") {
    test(`${name} is refused when it is handed in detached`, () => {
      const { buffer, lose, says } = make();
      lose();
      assert.match(
        usageError(() => new GuestMemory([{ base: 0, memory: buffer }])),
        says,
      );
      assert.match(
        usageError(() => new GuestMemory([{ base: 0, memory: { buffer } }])),
        says,
      );
      assert.match(
        usageError(() => new HostHeap(buffer)),
        /host heap is detached/,
      );
    });
  }

  for (const format of ["split", "packed"] as const) {
    test(`${name}, lost later, ${format}: the next entry says so, and the guest is not blamed`, () => {
      const { buffer, lose, says } = make();
      const memory = new GuestMemory([{ base: 0, memory: buffer }]);
      const ringFeatures = format === "packed" ? [RING_PACKED] : [];
      const rng = new VirtioDevice(new RngDevice(), { memory, ringFeatures });
      const gpu = new VirtioDevice(new GpuDevice(), { memory, ringFeatures });
      const entropy = new MmioTransport(rng);
      const graphics = new MmioTransport(gpu);
      const start = (transport: MmioTransport, base: number) =>
        new VirtioDriver(MmioDriverTransport.probe(transport) as MmioDriverTransport, {
          allocator: new GuestAllocator(memory, { base, lengthBytes: 0x40000 }),
        });
      const source = RngDriver.start(start(entropy, 0x1000));
      const driver = GpuDriver.start(start(graphics, 0x80000));
      lose();
      // Whatever comes first notices, again and again: the device's notification, the driver's ring, plain access.
      for (let i = 0; i < 2; i++) {
        assert.match(
          usageError(() => entropy.write(0x50, 4, 0)),
          says,
        );
        assert.match(
          usageError(() => graphics.write(0x50, 4, 0)),
          says,
        );
        assert.match(
          usageError(() => memory.read(0x1000, 4)),
          says,
        );
        assert.match(
          usageError(() => driver.getDisplayInfo()),
          says,
        );
      }
      assert.match(
        usageError(() => source.read(16)),
        says,
      );
      assert.is(rng.status & 0x40, 0, "a guest that did nothing wrong needs no reset");
      assert.is(gpu.status & 0x40, 0);
      assert.is(rng.counters.queueFaults + gpu.counters.queueFaults, 0);
    });
  }
}

for (const [name, make] of Object.entries(WAYS)) {
  test(`${name}, behind a translator: the next address says so`, () => {
    const { buffer, lose, says } = make();
    let asked = 0;
    const dma = new DmaSpace(new GuestMemory([{ base: 0, memory: buffer }]), {
      translate(hi, lo, lengthBytes, _write, result) {
        asked++;
        result.hi = hi;
        result.lo = lo;
        return lengthBytes;
      },
    });
    const list = new SegmentList();
    assert.is(dma.append(list, 0, 0x1000, 64, true), null);
    assert.is(asked, 1);
    lose();
    for (let i = 0; i < 2; i++) {
      assert.match(
        usageError(() => dma.append(list, 0, 0x1000, 64, true)),
        says,
      );
    }
    assert.is(asked, 1, "the translator is not asked about memory that is gone");
  });

  test(`${name}, lost inside a translator: it is not read or written any more`, () => {
    const { buffer, lose, says } = make();
    const dma = new DmaSpace(new GuestMemory([{ base: 0, memory: buffer }]), {
      translate(hi, lo, lengthBytes, _write, result) {
        lose();
        result.hi = hi;
        result.lo = lo;
        return lengthBytes;
      },
    });
    assert.match(
      usageError(() => dma.append(new SegmentList(), 0, 0x1000, 64, true)),
      says,
    );
  });

  test(`${name}, on a display: looking at the guest's pages says so, and shows no stale pixels`, () => {
    const { buffer, lose, says } = make();
    const memory = new GuestMemory([{ base: 0, memory: buffer }]);
    const pages = new GuestPages(memory);
    assert.is(pages.add(new DmaSpace(memory), 0, 0x8000, 4096, false), null);
    const source: ScanoutSource = {
      scanoutId: 0,
      format: 2,
      widthPixels: 16,
      heightPixels: 16,
      strideBytes: 64,
      offsetBytes: 0,
      pixels: null,
      pages,
      resourceId: 1,
      x: 0,
      y: 0,
    };
    assert.is(readScanoutRgba(source).length, 1024);
    lose();
    for (const look of [
      () => readScanoutRgba(source),
      () => pages.contiguous(0, 64),
      () => pages.read(0, new Uint8Array(64), 0, 64),
      () => pages.write(0, new Uint8Array(64), 0, 64),
    ]) {
      assert.match(usageError(look), says);
    }
  });
}

test("a memory whose buffer is another and smaller one has shrunk", () => {
  const source = { buffer: new ArrayBuffer(65536) };
  const memory = new GuestMemory([{ base: 0, memory: source }]);
  source.buffer = new ArrayBuffer(65528);
  assert.throws(
    () => memory.sync(),
    (error: unknown) =>
      error instanceof VirtioUsageError &&
      error.message.includes("shrank: its buffer no longer holds 65536 bytes"),
  );
});

test("a WebAssembly memory itself may grow", () => {
  const source = new WebAssembly.Memory({ initial: PAGES, maximum: 64 });
  const memory = new GuestMemory([{ base: 0, memory: source }]);
  const transport = new MmioTransport(new VirtioDevice(new RngDevice(), { memory }));
  const allocator = new GuestAllocator(memory, { base: 0x1000 });
  const driver = RngDriver.start(
    new VirtioDriver(MmioDriverTransport.probe(transport) as MmioDriverTransport, { allocator }),
  );
  source.grow(1);
  assert.is(driver.read(16).length, 16);
});

test("a region that was taken out is no lost memory", () => {
  const buffer = new ArrayBuffer(4096);
  const memory = new GuestMemory([
    { base: 0, memory: buffer },
    { base: 0x10000, memory: new ArrayBuffer(4096) },
  ]);
  const [region] = memory.regions;
  if (region !== undefined) memory.removeRegion(region);
  assert.is(region?.buffer, buffer);
  memory.sync();
});

test.run();
