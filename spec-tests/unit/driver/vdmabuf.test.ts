import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  type VdmabufBuffer,
  VdmabufDevice,
  type VdmabufDeviceOptions,
  VdmabufHost,
  type VdmabufImporter,
} from "../../../src/devices/vdmabuf/index.ts";
import {
  type DriverError,
  encodeVdmabufPicture,
  GuestAllocator,
  VdmabufDriver,
  type VdmabufDriverOptions,
  VdmabufStatusError,
} from "../../../src/driver/index.ts";
import { GuestMemory } from "../../../src/memory/index.ts";
import { type DrivenOptions, drive } from "../../../src/testing/index.ts";
import { VIRTIO_F_RING_PACKED } from "../../../src/wire/index.ts";
import { pattern } from "../../support/gpu-rig.ts";

interface StartOptions {
  readonly importer?: VdmabufImporter;
  readonly host?: VdmabufHost;
  readonly device?: VdmabufDeviceOptions;
  readonly driver?: VdmabufDriverOptions;
  readonly driven?: Partial<DrivenOptions>;
}

function start(options: StartOptions = {}) {
  const exported: VdmabufBuffer[] = [];
  const host =
    options.host ??
    new VdmabufHost({ importer: options.importer ?? { onExport: (buffer) => void exported.push(buffer) } });
  const device = new VdmabufDevice({ host, ...options.device });
  const driven = drive(device, { transport: "mmio", ...options.driven });
  const vdmabuf = VdmabufDriver.start(driven.driver, options.driver);
  return { exported, host, vdmabufDevice: device, vdmabuf, ...driven };
}

function errorOf(action: () => unknown): Error {
  try {
    action();
  } catch (error) {
    return error as Error;
  }
  throw new Error("nothing was thrown");
}

const statusOf = (action: () => unknown): string => {
  const error = errorOf(action);
  assert.instance(error, VdmabufStatusError);
  return (error as VdmabufStatusError).statusName;
};

const everywhere = suite("vdmabuf driver, everywhere");
for (const transport of ["mmio", "pci"] as const) {
  for (const format of ["split", "packed"] as const) {
    for (const replies of ["in-place", "recv"] as const) {
      for (const interrupts of [true, false]) {
        const refuse = format === "split" ? [VIRTIO_F_RING_PACKED] : [];
        everywhere(
          `${transport}, ${format}, answers ${replies}, ${interrupts ? "interrupts" : "polling"}`,
          async () => {
            const { vdmabuf, exported, device, allocator } = start({
              driven: { transport, interrupts },
              driver: { refuse, replies },
            });
            assert.is(vdmabuf.driver.queue(0)?.ring.format, format);
            assert.is(vdmabuf.vmId, null);
            const buffer = vdmabuf.allocate(5 * 4096 - 100);
            const bytes = pattern(5 * 4096 - 100);
            buffer.pages.write(0, bytes);
            vdmabuf.export(buffer, Uint8Array.of(1, 2, 3));
            assert.is(vdmabuf.vmId, 1);
            assert.is(buffer.exported, true);
            assert.is(errorOf(() => vdmabuf.export(buffer)).message, "EBUSY: the host holds the buffer");
            const [first] = exported as [VdmabufBuffer];
            const copy = new Uint8Array(first.sizeBytes);
            assert.is(first.read(0, copy, 0, copy.length), copy.length);
            assert.equal(copy, bytes);
            assert.equal(first.privateData, Uint8Array.of(1, 2, 3));
            assert.equal(first.id, buffer.id);
            first.release();
            vdmabuf.waitReleased(buffer);
            assert.equal(
              vdmabuf.takeEvents().map(({ kind, buffer: which }) => [kind, which === buffer]),
              [["released", true]],
            );
            // The same buffer again, and without blocking.
            const again = vdmabuf.exportAsync(buffer);
            assert.is(buffer.exported, true);
            await again;
            const second = exported[1] as VdmabufBuffer;
            assert.equal(second.id, first.id);
            setTimeout(() => second.release(), 0);
            await vdmabuf.waitReleasedAsync(buffer);
            assert.is(buffer.exports, 2);
            assert.is(buffer.releases, 2);
            assert.is(device.counters.queueFaults, 0);
            const live = allocator.liveAllocations;
            vdmabuf.free(buffer);
            assert.is(allocator.liveAllocations, live - 3, "pages and both levels of tables");
            vdmabuf.close();
            assert.is(allocator.liveAllocations, 0);
          },
        );
      }
    }
  }
}
everywhere.run();

const test = suite("vdmabuf driver");

test("data may start and end anywhere in pages of somebody else", () => {
  const { vdmabuf, exported, allocator } = start();
  const pages = allocator.allocatePages(9);
  const bytes = pattern(9 * 4096);
  pages.write(0, bytes);
  for (const [offset, length] of [
    [0, 1],
    [0, 4096],
    [0, 4097],
    [4095, 1],
    [4095, 2],
    [4096, 4096],
    [100, 200],
    [5000, 20000],
    [1, 9 * 4096 - 1],
    [0, 9 * 4096],
  ] as const) {
    const buffer = vdmabuf.wrap(pages, offset, length);
    vdmabuf.export(buffer);
    const seen = exported.pop() as VdmabufBuffer;
    assert.is(seen.sizeBytes, length);
    const copy = new Uint8Array(length);
    assert.is(seen.read(0, copy, 0, length), length);
    assert.equal(copy, bytes.slice(offset, offset + length));
    seen.release();
    vdmabuf.free(buffer);
  }
  assert.throws(() => vdmabuf.wrap(pages, 1, 9 * 4096), /of 36864/);
  assert.throws(() => vdmabuf.wrap(pages, 0, 0), /0 bytes/);
  vdmabuf.close();
  assert.is(allocator.liveAllocations, 1, "the pages of somebody else");
});

test("a buffer of several second-level tables is read in order", () => {
  const { vdmabuf, exported } = start();
  const pages = 512 * 2 + 3;
  const buffer = vdmabuf.allocate(pages * 4096);
  for (let i = 0; i < pages; i++) buffer.pages.setWord(i * 4096, i);
  assert.is(buffer.tables.second.count, 3);
  assert.is(buffer.tables.tableBytes, (3 + pages) * 8);
  vdmabuf.export(buffer);
  const [seen] = exported as [VdmabufBuffer];
  const word = new Uint8Array(4);
  for (let i = 0; i < pages; i++) {
    seen.read(i * 4096, word, 0, 4);
    assert.is(new DataView(word.buffer).getUint32(0, true), i);
  }
});

test("the offset is that of the first page alone, however many tables there are", () => {
  const { vdmabuf, exported, allocator } = start();
  const pages = allocator.allocatePages(515);
  for (let i = 0; i < 515; i++) pages.setWord(i * 4096 + 100, i);
  const buffer = vdmabuf.wrap(pages, 100, 514 * 4096);
  vdmabuf.export(buffer);
  const [seen] = exported as [VdmabufBuffer];
  assert.is(seen.sizeBytes, 514 * 4096);
  const word = new Uint8Array(4);
  for (const page of [0, 1, 511, 512, 513]) {
    seen.read(page * 4096, word, 0, 4);
    assert.is(new DataView(word.buffer).getUint32(0, true), page);
  }
});

test("answers that come by themselves are told apart by their buffers", async () => {
  const { vdmabuf, vdmabufDevice, device } = start({ driver: { replies: "recv" } });
  vdmabuf.needVmId();
  const [first, second] = [vdmabuf.allocate(1), vdmabuf.allocate(1)] as const;
  const answers: number[][] = [];
  vdmabufDevice.handleQueue = (index, ring) => {
    if (index === 1) {
      for (let chain = ring.pop(); chain !== null; chain = ring.pop()) ring.push(chain, 0);
      return;
    }
    for (const answer of answers.splice(0)) {
      const chain = ring.pop();
      if (chain === null) throw new Error("no buffer in the receive queue");
      const bytes = new Uint8Array(Uint32Array.from(answer).buffer);
      chain.write(0, bytes, 0, bytes.length);
      ring.push(chain, bytes.length);
    }
  };
  const outcomes = [first, second].map((buffer) =>
    vdmabuf.exportAsync(buffer).then(
      () => "taken",
      (error: VdmabufStatusError) => error.statusName,
    ),
  );
  const [a, b] = [first.id?.counter ?? 0, second.id?.counter ?? 0];
  answers.push([0x10, b, 1, 0, 0, 0], [0x10, a, 1, 0, 0, 6]);
  device.notify(0);
  assert.equal(await Promise.all(outcomes), ["VIRTIO_VDMABUF_S_LIMIT", "taken"]);
  assert.equal([first.exported, second.exported], [false, true]);
});

test("identifiers count up, with keys of their own", () => {
  let next = 100;
  const { vdmabuf } = start({
    device: { vmId: 7 },
    driver: {
      randomWords: (target) => {
        for (let i = 0; i < target.length; i++) target[i] = next++;
      },
    },
  });
  const ids = [1, 2, 3].map(() => {
    const buffer = vdmabuf.allocate(1);
    vdmabuf.export(buffer);
    return buffer.id;
  });
  assert.equal(ids, [
    { vmId: 7, counter: 1, key0: 100, key1: 101 },
    { vmId: 7, counter: 2, key0: 102, key1: 103 },
    { vmId: 7, counter: 3, key0: 104, key1: 105 },
  ]);
});

test("keys are random by themselves", () => {
  const { vdmabuf } = start();
  const keys = new Set<number>();
  for (let i = 0; i < 8; i++) {
    const buffer = vdmabuf.allocate(1);
    vdmabuf.export(buffer);
    keys.add(buffer.id?.key0 ?? 0).add(buffer.id?.key1 ?? 0);
  }
  assert.ok(keys.size > 14);
});

test("the host's answer is an error with a code", () => {
  const { vdmabuf } = start({
    device: { limits: { maxBuffers: 1, maxPagesPerBuffer: 4, maxPrivateBytes: 8 } },
  });
  const large = vdmabuf.allocate(5 * 4096);
  assert.is(
    statusOf(() => vdmabuf.export(large)),
    "VIRTIO_VDMABUF_S_RANGE",
  );
  assert.is(large.exported, false, "it is the guest's still");
  assert.is(large.exports, 0);
  const small = vdmabuf.allocate(4096);
  assert.is(
    statusOf(() => vdmabuf.export(small, new Uint8Array(9))),
    "VIRTIO_VDMABUF_S_PRIVATE",
  );
  vdmabuf.export(small, new Uint8Array(8));
  const one = vdmabuf.allocate(4096);
  const error = errorOf(() => vdmabuf.export(one)) as VdmabufStatusError;
  assert.is(error.code, "ENOSPC");
  assert.is(error.message, "ENOSPC: VIRTIO_VDMABUF_CMD_EXPORT: VIRTIO_VDMABUF_S_LIMIT");
  assert.throws(() => vdmabuf.export(one, new Uint8Array(217)), /EINVAL: 217 bytes of private data/);
  assert.throws(() => vdmabuf.free(small), /EBUSY/);
  vdmabuf.free(one);
  assert.throws(() => vdmabuf.free(one), /was freed/);
  assert.throws(() => vdmabuf.export(one), /was freed/);
});

test("a host that releases at once is understood", () => {
  for (const replies of ["in-place", "recv"] as const) {
    const { vdmabuf } = start({ importer: { onExport: (buffer) => buffer.release() }, driver: { replies } });
    const buffer = vdmabuf.allocate(4096);
    for (let i = 1; i <= 100; i++) {
      vdmabuf.export(buffer);
      vdmabuf.waitReleased(buffer);
      assert.is(buffer.releases, i);
    }
    assert.is(vdmabuf.strayMessages, 0);
  }
});

test("the 33rd event drops the oldest, but no buffer stays with the host", () => {
  const { vdmabuf } = start({ importer: { onExport: (buffer) => buffer.release() } });
  const buffers = Array.from({ length: 40 }, () => vdmabuf.allocate(1));
  for (const buffer of buffers) vdmabuf.export(buffer);
  vdmabuf.process();
  assert.is(vdmabuf.eventsDropped, 8);
  const events = vdmabuf.takeEvents();
  assert.is(events.length, 32);
  assert.is(events[0]?.buffer, buffers[8]);
  assert.is(events[31]?.buffer, buffers[39]);
  assert.ok(buffers.every(({ exported }) => !exported));
  assert.is(vdmabuf.takeEvents().length, 0);
});

test("a guest that never listens can export all the same, and export again what came back unheard", () => {
  const { vdmabuf, exported, vdmabufDevice } = start({ driver: { receiveBuffers: 0 } });
  const buffer = vdmabuf.allocate(4096);
  vdmabuf.export(buffer);
  (exported[0] as VdmabufBuffer).release();
  assert.is(vdmabufDevice.pendingEvents, 1);
  assert.is(errorOf(() => vdmabuf.waitReleased(buffer)).message.slice(0, 6), "EINVAL");
  // It cannot know, but it can try.
  buffer.exported = false;
  vdmabuf.export(buffer);
  assert.is(exported.length, 2);
  assert.is(vdmabufDevice.pendingEvents, 0, "the release of before is no release of now");
});

test("many exports at once, answered in any of the ways", async () => {
  for (const replies of ["in-place", "recv"] as const) {
    const { vdmabuf, exported } = start({ driver: { replies, slots: 8 } });
    const buffers = Array.from({ length: 8 }, () => vdmabuf.allocate(4096));
    await vdmabuf.needVmIdAsync();
    await Promise.all(buffers.map((buffer) => vdmabuf.exportAsync(buffer)));
    assert.is(exported.length, 8);
  }
});

test("releases of other buffers, with wrong keys or too short are stray and change nothing", () => {
  const { vdmabuf, vdmabufDevice, device } = start();
  const buffer = vdmabuf.allocate(4096);
  vdmabuf.export(buffer);
  const { id } = buffer;
  assert.ok(id !== null);
  // A device that lies: the messages go into the receive queue behind the back of the real one.
  const { handleQueue } = vdmabufDevice;
  const say = (words: readonly number[]): void => {
    vdmabufDevice.handleQueue = (_index, ring) => {
      const chain = ring.pop();
      if (chain === null) throw new Error("no buffer in the receive queue");
      const bytes = new Uint8Array(Uint32Array.from(words).buffer);
      chain.write(0, bytes, 0, bytes.length);
      ring.push(chain, bytes.length);
    };
    device.notify(0);
    vdmabufDevice.handleQueue = handleQueue;
  };
  say([0x11, id.counter, id.vmId, id.key0, id.key1 ^ 1]);
  say([0x11, id.counter, id.vmId, id.key0 ^ 1, id.key1]);
  say([0x11, id.counter, id.vmId + 1, id.key0, id.key1]);
  say([0x11, id.counter + 1, id.vmId, id.key0, id.key1]);
  say([0x11, id.counter, id.vmId, id.key0]);
  say([]);
  say([0x10, id.counter, id.vmId, id.key0, id.key1, 0]);
  say([0x99, 1, 2, 3, 4, 5, 6, 7]);
  assert.is(vdmabuf.strayMessages, 8);
  assert.is(buffer.exported, true);
  say([0x11, id.counter, id.vmId, id.key0, id.key1]);
  assert.is(buffer.exported, false);
  say([0x11, id.counter, id.vmId, id.key0, id.key1]);
  assert.is(vdmabuf.strayMessages, 9, "it was released already");
});

test("an answer that is cut off is an I/O error, and the buffer's owner is unknown", () => {
  const { vdmabuf, vdmabufDevice } = start();
  const buffer = vdmabuf.allocate(4096);
  vdmabuf.needVmId();
  vdmabufDevice.handleQueue = (index, queue) => {
    if (index === 0) return;
    for (let chain = queue.pop(); chain !== null; chain = queue.pop()) queue.push(chain, 20);
  };
  assert.is((errorOf(() => vdmabuf.export(buffer)) as DriverError).code, "EIO");
  assert.is(buffer.exported, true);
});

test("a device that does not answer is given up", () => {
  const { vdmabuf, vdmabufDevice } = start({ driven: { platform: { maxAttempts: 10 } } });
  vdmabufDevice.handleQueue = () => {};
  assert.is((errorOf(() => vdmabuf.needVmId()) as DriverError).code, "ETIMEDOUT");
});

test("too many messages under way are refused", () => {
  const { vdmabuf, vdmabufDevice } = start({ driver: { slots: 2 } });
  const buffers = [1, 2, 3].map(() => vdmabuf.allocate(1));
  vdmabuf.needVmId();
  vdmabufDevice.handleQueue = () => {};
  const pending = buffers.slice(0, 2).map((buffer) => vdmabuf.exportAsync(buffer));
  for (const promise of pending) promise.catch(() => {});
  const third = buffers[2];
  assert.ok(third);
  return vdmabuf.exportAsync(third).then(
    () => assert.unreachable(),
    (error: DriverError) => {
      assert.is(error.code, "ENOSPC");
      assert.is(third.exported, false);
      vdmabuf.close();
    },
  );
});

test("closing takes everything back", () => {
  const lost: string[] = [];
  const { vdmabuf, host, allocator } = start({
    importer: { onExport: () => {}, onRelease: (_buffer, reason) => void lost.push(reason) },
  });
  for (let i = 0; i < 3; i++) vdmabuf.export(vdmabuf.allocate(10000));
  assert.is([...host.buffers()].length, 3);
  vdmabuf.close();
  assert.equal(lost, ["reset", "reset", "reset"]);
  assert.is([...host.buffers()].length, 0);
  assert.is(allocator.liveAllocations, 0);
});

test("without memory for tables nothing is left behind", () => {
  const memory = new GuestMemory([{ base: 0, memory: new ArrayBuffer(24 * 4096) }]);
  const allocator = new GuestAllocator(memory, { base: 4096 });
  const { vdmabuf } = start({
    driven: { platform: { allocator }, device: { memory } },
    driver: { slots: 1, receiveBuffers: 1 },
  });
  const live = allocator.liveAllocations;
  const free = allocator.freePageCount;
  for (const pages of [free, free - 1]) {
    assert.is((errorOf(() => vdmabuf.allocate(pages * 4096)) as DriverError).code, "ENOMEM");
    assert.is(allocator.liveAllocations, live);
    assert.is(allocator.freePageCount, free);
  }
  vdmabuf.free(vdmabuf.allocate((free - 2) * 4096));
  assert.is(allocator.freePageCount, free);
});

test("the driver suspends, and hears of releases when it resumes", () => {
  const { vdmabuf, exported, driver } = start();
  const buffer = vdmabuf.allocate(4096);
  vdmabuf.export(buffer);
  driver.suspend();
  (exported[0] as VdmabufBuffer).release();
  assert.is(buffer.exported, true);
  assert.throws(() => vdmabuf.needVmId(), /EINVAL/);
  driver.resume();
  vdmabuf.waitReleased(buffer);
});

test("pictures are encoded field by field", () => {
  const bytes = encodeVdmabufPicture({
    width: 0x11,
    height: 0x22,
    strideBytes: 0x33,
    offsetBytes: 0x44,
    format: 0x55,
    scanoutId: 0x66,
    damage: { x: 0x77, y: 0x88, width: 0x99, height: 0xaa },
  });
  const words = [0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa];
  assert.equal(
    Array.from(bytes),
    words.flatMap((word) => [word, 0, 0, 0]),
  );
  const defaults = encodeVdmabufPicture({ width: 10, height: 3, format: 2 });
  assert.equal(Array.from(new Uint32Array(defaults.buffer)), [10, 3, 40, 0, 2, 0, 0, 0, 10, 3]);
});

test.run();
