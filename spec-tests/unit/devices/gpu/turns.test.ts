// What one notification may cost in work, whatever the driver asks for: bytes, pixels, pieces, entries that end.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { MemoryDisplay } from "../../../../src/backends/display/memory/index.ts";
import { type GpuDeviceOptions, HostHeap } from "../../../../src/devices/gpu/index.ts";
import type { AddressTranslator } from "../../../../src/memory/index.ts";
import type { Sent } from "../../../../src/testing/index.ts";
import { CONTROLQ, ERR, msg, OK } from "../../../support/gpu-messages.ts";
import { expectOk, GpuRig, pattern } from "../../../support/gpu-rig.ts";
import { RecordingRenderer } from "../../../support/recording-renderer.ts";

const rect = (w: number, h: number) => ({ x: 0, y: 0, w, h });
const MIB = 1 << 20;
const BUDGET = MIB;
const SUSPEND = 43;
const ACCESS_PLATFORM = 33;
const HOST3D = 2;
const MAPPABLE = 1;

function makeRig(options: GpuDeviceOptions = {}, maxTurnWork: number = BUDGET): GpuRig {
  return new GpuRig(options, { device: { maxTurnWork }, ringFeatures: [SUSPEND] });
}

/** Lets all turns come; `after` sees each. Returns their number. */
async function turns(rig: GpuRig, after: () => void = () => {}): Promise<number> {
  let count = 0;
  for (; rig.scheduled.length > 0; count++) {
    assert.is(rig.scheduled.length, 1, "one turn is asked for at a time");
    rig.scheduled.shift()?.();
    // What promises that were kept lead to belongs to the turn.
    for (let i = 0; i < 8; i++) await Promise.resolve();
    after();
  }
  return count;
}

/** A picture of 1024 pixels in width whose backing has the same `entryBytes` over and over. */
function overlapping(rig: GpuRig, id: number, height: number, entryBytes: number): void {
  const bytes = 4096 * height;
  const address = rig.allocate(entryBytes);
  rig.memory.view(address, entryBytes).forEach((_, i, view) => {
    view[i] = (i * 7 + (i >>> 8)) & 0xff;
  });
  expectOk(rig.command(msg.create2d(id, 2, 1024, height)));
  const entries = Array.from({ length: bytes / entryBytes }, () => [address, entryBytes] as const);
  expectOk(rig.command(msg.attach(id, entries)));
}

function begin(rig: GpuRig, requests: readonly Uint8Array[]): Sent[] {
  const sent = requests.map((request) => rig.offer(CONTROLQ, [request], [24]));
  rig.notify(CONTROLQ);
  return sent;
}

for (const profile of ["spec", "crosvm"] as const) {
  test(`transfers larger than a turn are done in slices, in order, and nothing is lost: ${profile}`, async () => {
    const rig = makeRig({ profile });
    overlapping(rig, 1, 4096, 65536);
    await turns(rig);
    const whole = msg.transfer(1, rect(1024, 4096), 0);
    const before = rig.gpu.counters.bytesCopied;
    let last = before;
    let most = 0;
    const look = (): void => {
      most = Math.max(most, rig.gpu.counters.bytesCopied - last);
      last = rig.gpu.counters.bytesCopied;
    };
    const order: number[] = [];
    const sent = begin(rig, [whole, whole, msg.transfer(1, rect(1, 1), 0)]);
    look();
    const answered = new Set<Sent>();
    const count = await turns(rig, () => {
      look();
      rig.collect(CONTROLQ);
      for (const [i, each] of sent.entries()) {
        if (each.written < 0 || answered.has(each)) continue;
        answered.add(each);
        order.push(i);
      }
    });
    rig.collect(CONTROLQ);
    for (const each of sent) expectOk(rig.answer(each));
    assert.ok(most <= BUDGET, `${most} bytes in one turn`);
    assert.ok(count >= 31, `${count} turns`);
    assert.is(last - before, 2 * 16 * MIB + 4);
    assert.equal(order, [...order].sort());
    expectOk(rig.command(msg.setScanout(0, 1, rect(1024, 4096))));
    const shown = rig.gpu.scanout(0)?.pixels as Uint8Array;
    // Past the end of a slice, too: every byte is where it belongs.
    for (const at of [0, 65536, 5 * MIB + 12345, 16 * MIB - 1]) {
      const inside = at % 65536;
      assert.is(shown[at], (inside * 7 + (inside >>> 8)) & 0xff, `byte ${at}`);
    }
  });
}

test("while a transfer is under way a cursor command is served, and other control commands wait", async () => {
  const rig = makeRig();
  overlapping(rig, 1, 1024, 65536);
  await turns(rig);
  const sent = begin(rig, [msg.transfer(1, rect(1024, 1024), 0), msg.unref(1)]);
  assert.equal(
    sent.map(({ written }) => written),
    [-1, -1],
  );
  assert.ok(rig.gpu.resources().some(({ id }) => id === 1));
  await turns(rig);
  rig.collect(CONTROLQ);
  for (const each of sent) expectOk(rig.answer(each));
});

for (const how of ["device", "queue"] as const) {
  test(`a ${how} reset in the middle of a transfer is safe`, async () => {
    const rig = makeRig();
    overlapping(rig, 1, 1024, 65536);
    await turns(rig);
    begin(rig, [msg.transfer(1, rect(1024, 1024), 0)]);
    const before = rig.gpu.counters.bytesCopied;
    if (how === "device") {
      rig.device.reset();
      rig.initialize();
    } else {
      rig.device.resetQueue(CONTROLQ);
      rig.enableQueue(CONTROLQ);
    }
    const sent = rig.begin(msg.create2d(2, 2, 8, 8));
    await turns(rig);
    rig.collect(CONTROLQ);
    expectOk(rig.answer(sent));
    if (how === "device") assert.is(rig.gpu.counters.bytesCopied, before);
    else assert.is(rig.gpu.counters.bytesCopied, before + 4 * MIB - before);
  });
}

test("a device that is asked to suspend in the middle of a transfer finishes it first; saving is refused until then", async () => {
  const rig = makeRig();
  overlapping(rig, 1, 1024, 65536);
  await turns(rig);
  const [sent] = begin(rig, [msg.transfer(1, rect(1024, 1024), 0)]);
  rig.device.writeStatus(rig.device.status | 0x10);
  assert.is(rig.device.status & 0x10, 0);
  assert.throws(() => rig.device.save(), /in flight/);
  await turns(rig);
  assert.is(rig.device.status & 0x10, 0x10);
  rig.collect(CONTROLQ);
  expectOk(rig.answer(sent as Sent));
  rig.device.save();
});

test("pixels that are flushed count, so that no turn shows more than a budget and one flush", async () => {
  const display = new MemoryDisplay();
  const rig = makeRig({ display });
  overlapping(rig, 1, 256, 65536);
  await turns(rig);
  expectOk(rig.command(msg.setScanout(0, 1, rect(1024, 256))));
  const flush = msg.flush(1, rect(1024, 256));
  const pixels = (): number => rig.gpu.counters.flushedPixels;
  let last = pixels();
  let most = 0;
  const look = (): void => {
    most = Math.max(most, pixels() - last);
    last = pixels();
  };
  const before = last;
  const sent = begin(
    rig,
    Array.from({ length: 8 }, () => flush),
  );
  look();
  await turns(rig, look);
  rig.collect(CONTROLQ);
  for (const each of sent) expectOk(rig.answer(each));
  assert.is(last - before, 8 * 1024 * 256);
  assert.ok(most <= 2 * 1024 * 256, `${most} pixels in one turn`);
});

test("pieces count: a list of many is as much work as many bytes", async () => {
  const rig = makeRig({}, 256 * 1024);
  const address = rig.allocate(64);
  const entries = Array.from({ length: 1024 }, () => [address, 4] as const);
  const sent = begin(rig, [
    ...Array.from({ length: 4 }, (_, i) => msg.create2d(i + 1, 2, 32, 32)),
    ...Array.from({ length: 4 }, (_, i) => msg.attach(i + 1, entries)),
  ]);
  const count = await turns(rig);
  rig.collect(CONTROLQ);
  for (const each of sent) expectOk(rig.answer(each));
  assert.ok(count >= 3, `${count} turns`);
});

// Every other page of physical memory, which is as scattered as it gets; from 2 GiB on there is nothing.
class ScatteredPages implements AddressTranslator {
  asked = 0;

  translate(
    _hi: number,
    lo: number,
    length: number,
    _write: boolean,
    result: { hi: number; lo: number },
  ): number {
    this.asked++;
    if (lo >= 0x8000_0000) return 0;
    const far = lo >= 0x4000_0000;
    result.hi = 0;
    result.lo = far ? (lo * 2) % (16 * MIB) : lo;
    return far ? Math.min(length, 4096 - (lo & 4095)) : length;
  }
}

test("pages behind an IOMMU count as the pieces that are walked, those of entries that lead nowhere included", () => {
  const translator = new ScatteredPages();
  const rig = new GpuRig(
    { profile: "qemu", policy: { entryOutsideMemory: OK.NODATA }, limits: { maxBackingEntriesTotal: 5000 } },
    { device: { translator, profile: "qemu" }, ringFeatures: [ACCESS_PLATFORM] },
  );
  // Each entry has 1024 pages, of which all but the last few are there.
  const nowhere = Array.from({ length: 64 }, () => [0x8000_0000 - 1020 * 4096, 1024 * 4096] as const);
  expectOk(rig.command(msg.create2d(1, 2, 8, 8)));
  const before = translator.asked;
  assert.is(rig.command(msg.attach(1, nowhere)).type, ERR.UNSPEC);
  assert.ok(translator.asked - before <= 5000 + 1024 + 8, `${translator.asked - before} pages looked for`);
  assert.is(rig.gpu.resources()[0]?.backingSegments, 0);
  // Few enough are holes, and keep nothing.
  expectOk(rig.command(msg.attach(1, nowhere.slice(0, 2))));
  assert.is(rig.gpu.resources()[0]?.backingSegments, 0);
});

/** A gpu behind {@link ScatteredPages}, and how often that was asked in a turn at most. */
function behindIommu(options: GpuDeviceOptions = {}) {
  const translator = new ScatteredPages();
  const rig = new GpuRig(options, {
    device: { translator, maxTurnWork: BUDGET },
    ringFeatures: [ACCESS_PLATFORM],
  });
  expectOk(rig.command(msg.create2d(1, 2, 8, 8)));
  let last = translator.asked;
  let most = 0;
  const look = (): void => {
    most = Math.max(most, translator.asked - last);
    last = translator.asked;
  };
  return { rig, look, most: () => most };
}
const TRANSLATED = 2048;
/** Few entries that come to many pieces, one of them alone to more than a turn's work. */
const SCATTERED: readonly (readonly [number, number])[] = [
  [0x4000_0000, 4096],
  [0x4000_0000, 4000 * 4096],
  [0x4000_0800, 3 * 4096],
  [0x4100_0000, 4000 * 4096],
];

test("backing that a translator scatters is looked for in turns, and is all there", async () => {
  const { rig, look, most } = behindIommu();
  const [attach, after] = begin(rig, [msg.attach(1, SCATTERED), msg.displayInfo()]) as [Sent, Sent];
  look();
  const count = await turns(rig, () => {
    rig.collect(CONTROLQ);
    if (attach.written < 0) assert.is(after.written, -1, "what comes later waits");
    look();
  });
  rig.collect(CONTROLQ);
  expectOk(rig.answer(attach));
  assert.ok(count >= (8005 * TRANSLATED) / BUDGET - 1, `${count} turns`);
  // A little at a time is looked for before the budget is looked at.
  assert.ok(most() <= BUDGET / TRANSLATED + 256, `${most()} pieces in one turn`);
  const resource = rig.gpu.resources()[0];
  assert.is(resource?.backingSegments, 8005);
  assert.is(
    resource?.backingBytes,
    SCATTERED.reduce((sum, [, length]) => sum + length, 0),
  );
});

test("a blob's entries too, and one whose entry leads nowhere in a later turn comes to nothing", async () => {
  const { rig } = behindIommu();
  const create = (id: number, entries: readonly (readonly [number, number])[]): Uint8Array =>
    msg.createBlob(id, { size: 4096, entries });
  const sent = begin(rig, [
    create(2, SCATTERED),
    create(3, [...SCATTERED, [0x8000_0000 - 4096, 8192]]),
    create(4, SCATTERED.slice(0, 1)),
  ]);
  await turns(rig);
  rig.collect(CONTROLQ);
  assert.equal(
    sent.map((each) => rig.answer(each).type),
    [OK.NODATA, ERR.PARAMETER, OK.NODATA],
  );
  assert.equal(
    rig.gpu.resources().map(({ id, backingSegments }) => [id, backingSegments]),
    [
      [1, 0],
      [2, 8005],
      [4, 1],
    ],
  );
});

for (const how of ["device", "queue"] as const) {
  test(`a ${how} reset while backing is looked for leaves nothing behind`, async () => {
    const { rig } = behindIommu();
    begin(rig, [msg.attach(1, SCATTERED)]);
    if (how === "device") {
      rig.device.reset();
      rig.initialize();
      expectOk(rig.command(msg.create2d(1, 2, 8, 8)));
    } else {
      rig.device.resetQueue(CONTROLQ);
      rig.enableQueue(CONTROLQ);
    }
    await turns(rig);
    assert.is(rig.gpu.resources()[0]?.backingSegments, 0);
    expectOk(rig.command(msg.attach(1, SCATTERED.slice(0, 1))));
    assert.is(rig.gpu.resources()[0]?.backingSegments, 1);
  });
}

test("a blob that moves into the window and out takes turns, and arrives whole", async () => {
  const SIZE = 3 * MIB;
  const renderer = new RecordingRenderer();
  const hostHeap = new HostHeap(4 * MIB);
  const rig = makeRig({ renderer, hostHeap });
  expectOk(rig.command(msg.ctxCreate(0, "test", { ctx: 1 })));
  const create = msg.createBlob(5, { mem: HOST3D, flags: MAPPABLE, blobId: 77, size: SIZE }, { ctx: 1 });
  expectOk(rig.command(create));
  await turns(rig);
  const memory = renderer.blobs.get(5)?.memory;
  memory?.bytes().set(pattern(SIZE));
  const window = new Uint8Array(hostHeap.buffer, 4096, SIZE);
  const map = rig.offer(CONTROLQ, [msg.mapBlob(5, 4096)], [32]);
  rig.notify(CONTROLQ);
  rig.collect(CONTROLQ);
  assert.is(map.written, -1);
  // Memory that is touched for the first time counts twice more, the window's and the blob's own.
  assert.is(await turns(rig), 15);
  rig.collect(CONTROLQ);
  assert.is(rig.answer(map).type, OK.MAP_INFO);
  assert.is(Buffer.compare(window, pattern(SIZE)), 0);
  window[SIZE - 1] = 0x5a;
  const [unmap, unref] = begin(rig, [msg.unmapBlob(5), msg.unref(5)]) as [Sent, Sent];
  // Copied and cleared.
  assert.is(await turns(rig), 18);
  rig.collect(CONTROLQ);
  expectOk(rig.answer(unmap));
  expectOk(rig.answer(unref));
  assert.is(memory?.bytes()[SIZE - 1], 0x5a);
  assert.is(Buffer.compare(window, new Uint8Array(SIZE)), 0);
  assert.is(hostHeap.mappedBlobs, 0);
});

test("a blob that was in the window before moves faster", async () => {
  const SIZE = 3 * MIB;
  const hostHeap = new HostHeap(4 * MIB);
  const rig = makeRig({ renderer: new RecordingRenderer(), hostHeap });
  expectOk(rig.command(msg.ctxCreate(0, "test", { ctx: 1 })));
  rig.offer(CONTROLQ, [msg.createBlob(5, { mem: HOST3D, flags: MAPPABLE, size: SIZE }, { ctx: 1 })], [24]);
  const taken: number[] = [];
  for (const request of [msg.mapBlob(5, 0), msg.unmapBlob(5), msg.mapBlob(5, 0), msg.unmapBlob(5)]) {
    rig.offer(CONTROLQ, [request], [32]);
    rig.notify(CONTROLQ);
    taken.push(await turns(rig));
    rig.collect(CONTROLQ);
  }
  const [, , map, unmap] = taken;
  assert.equal([map, unmap], [3, 6]);
});

test("a reset clears the window in turns, and nothing is mapped there before that is done", async () => {
  const renderer = new RecordingRenderer();
  const hostHeap = new HostHeap(8 * MIB);
  const rig = makeRig({ renderer, hostHeap });
  const window = new Uint8Array(hostHeap.buffer);
  const create = async (): Promise<void> => {
    expectOk(rig.command(msg.ctxCreate(0, "test", { ctx: 1 })));
    for (const id of [5, 6]) {
      rig.offer(
        CONTROLQ,
        [msg.createBlob(id, { mem: HOST3D, flags: MAPPABLE, size: 3 * MIB }, { ctx: 1 })],
        [24],
      );
    }
    rig.notify(CONTROLQ);
    await turns(rig);
    rig.collect(CONTROLQ);
  };
  const map = async (): Promise<void> => {
    const sent = begin(rig, [msg.mapBlob(5, 0), msg.mapBlob(6, 4 * MIB)]);
    await turns(rig);
    rig.collect(CONTROLQ);
    for (const each of sent) assert.ok(rig.answer(each).type < 0x1200);
  };
  await create();
  await map();
  window.fill(7);
  const zeros = (): number => window.reduce((sum, byte) => sum + (byte === 0 ? 1 : 0), 0);
  rig.device.reset();
  assert.is(hostHeap.mappedBlobs, 0);
  assert.is(zeros(), MIB, "a turn's work");
  rig.initialize();
  await turns(rig);
  // What never was a blob's is as it was.
  assert.is(zeros(), 6 * MIB);
  // And in the midst of it: the new blobs arrive whole.
  await create();
  await map();
  window.fill(7);
  rig.device.reset();
  rig.initialize();
  const sent = begin(rig, [
    msg.ctxCreate(0, "test", { ctx: 1 }),
    msg.createBlob(5, { mem: HOST3D, flags: MAPPABLE, size: MIB }, { ctx: 1 }),
    msg.mapBlob(5, MIB),
  ]);
  await turns(rig);
  rig.collect(CONTROLQ);
  for (const each of sent) assert.ok(rig.answer(each).type < 0x1200);
  assert.is(zeros(), 6 * MIB);
});

test("a reset in the middle of a map leaves the window empty", async () => {
  const renderer = new RecordingRenderer();
  const hostHeap = new HostHeap(4 * MIB);
  const rig = makeRig({ renderer, hostHeap });
  expectOk(rig.command(msg.ctxCreate(0, "test", { ctx: 1 })));
  const create = msg.createBlob(5, { mem: HOST3D, flags: MAPPABLE, blobId: 77, size: 3 * MIB }, { ctx: 1 });
  expectOk(rig.command(create));
  await turns(rig);
  renderer.blobs.get(5)?.memory.bytes().fill(7);
  rig.offer(CONTROLQ, [msg.mapBlob(5, 0)], [32]);
  rig.notify(CONTROLQ);
  rig.device.reset();
  await turns(rig);
  assert.is(hostHeap.mappedBlobs, 0);
  assert.is(Buffer.compare(new Uint8Array(hostHeap.buffer), new Uint8Array(4 * MIB)), 0);
});

// Ends of life: what a reset or a removal does is counted in looks at the tables, at the documented limits.

test("a reset goes through what was exported once, however much that is", () => {
  const rig = new GpuRig({ displays: [{}] }, { device: { maxTurnWork: 2 ** 30 - 1 } });
  const COUNT = 16384;
  for (let id = 1; id <= COUNT; id++) {
    rig.offer(CONTROLQ, [msg.createBlob(id, { size: 4096 })], [24]);
    rig.offer(CONTROLQ, [msg.assignUuid(id)], [40]);
    if (id % 8 === 0) rig.notify(CONTROLQ);
  }
  assert.is(rig.gpu.sharedObjects.size, COUNT);
  const looks = countLooks(() => rig.device.reset());
  assert.is(rig.gpu.sharedObjects.size, 0);
  assert.ok(looks < 20 * COUNT, `${looks} looks for ${COUNT} exports`);
});

test("what a reset takes away is gone at once, and cleared away in turns", async () => {
  const COUNT = 4096;
  const uuidOf = (id: number): string => `00000000-0000-0000-0000-${id.toString(16).padStart(12, "0")}`;
  const revoked: number[] = [];
  const rig = new GpuRig({ profile: "crosvm" }, { device: { maxTurnWork: BUDGET } });
  const { sharedObjects } = rig.gpu;
  const publish = async (ids: readonly number[]): Promise<void> => {
    for (const id of ids) {
      rig.offer(CONTROLQ, [msg.createBlob(id, { size: 4096 })], [24]);
      rig.offer(CONTROLQ, [msg.assignUuid(id)], [40]);
      if (id % 8 !== 0) continue;
      rig.notify(CONTROLQ);
      await turns(rig);
      rig.collect(CONTROLQ);
    }
  };
  await publish(Array.from({ length: COUNT }, (_, i) => i + 1));
  assert.is(sharedObjects.size, COUNT);
  const use = sharedObjects.acquire(uuidOf(7), () => revoked.push(7));
  const kept = sharedObjects.get(uuidOf(8));
  const looks = countLooks(() => rig.device.reset());
  // An entry counts as 6144 bytes that are copied: the first few hundred are cleared away with the reset itself.
  assert.ok(looks < 8 * (BUDGET / 6144) + COUNT, `${looks} looks`);
  assert.is(sharedObjects.size, 0);
  assert.equal(revoked, [7]);
  assert.is(use?.content, null);
  assert.is(kept?.content, null);
  assert.is(kept?.exported, false);
  assert.is(sharedObjects.acquire(uuidOf(7)), null);
  // The same UUIDs again, while the old ones are still on their way.
  rig.initialize();
  rig.offer(CONTROLQ, [msg.createBlob(COUNT, { size: 4096 })], [24]);
  rig.offer(CONTROLQ, [msg.assignUuid(COUNT)], [40]);
  rig.notify(CONTROLQ);
  assert.ok((await turns(rig)) >= COUNT / (BUDGET / 6144) - 2);
  rig.collect(CONTROLQ);
  assert.is(sharedObjects.size, 1);
  assert.ok(sharedObjects.get(uuidOf(COUNT))?.content);
  rig.device.reset();
  rig.device.reset();
  assert.is(sharedObjects.size, 0);
  await turns(rig);
});

test("a resource that goes costs as much as the contexts it is attached to, and a context as the resources", async () => {
  const CONTEXTS = 200;
  const rig = new GpuRig({ renderer: new RecordingRenderer() }, { device: { maxTurnWork: BUDGET } });
  const sync = async (request: Uint8Array): Promise<void> => {
    const sent = rig.begin(request);
    await turns(rig);
    rig.collect(CONTROLQ);
    expectOk(rig.answer(sent));
  };
  for (let ctx = 1; ctx <= CONTEXTS; ctx++) await sync(msg.ctxCreate(0, "test", { ctx }));
  for (let id = 1; id <= 600; id++) {
    await sync(msg.create3d(id, [2, 1, 2, 8, 8, 1, 1, 0, 0, 0]));
    await sync(msg.ctxAttach(id, { ctx: 1 }));
  }
  const looks = countLooks(() => expectOk(rig.command(msg.unref(600))));
  assert.ok(looks < 60, `${looks} looks into tables`);
  // 599 resources are more than fits into one turn.
  const destroy = rig.begin(msg.ctxDestroy({ ctx: 1 }));
  assert.is(destroy.written, -1);
  assert.ok((await turns(rig)) >= 1);
  rig.collect(CONTROLQ);
  expectOk(rig.answer(destroy));
});

test("removing a resource goes through its own exports only", () => {
  const rig = new GpuRig({ uuidOnRepeat: "new" }, { device: { maxTurnWork: 2 ** 30 - 1 } });
  for (let id = 1; id <= 256; id++) {
    expectOk(rig.command(msg.createBlob(id, { size: 4096 })));
    for (let i = 0; i < 16; i++) rig.command(msg.assignUuid(id), 40);
  }
  assert.is(rig.gpu.sharedObjects.size, 4096);
  const looks = countLooks(() => {
    for (let id = 1; id <= 256; id++) expectOk(rig.command(msg.unref(id)));
  });
  assert.is(rig.gpu.sharedObjects.size, 0);
  assert.ok(looks < 4096 * 20, `${looks} looks`);
});

/** Counts steps through maps and sets, and looks into them, while something is done. */
function countLooks(action: () => void): number {
  let looks = 0;
  const undo: (() => void)[] = [];
  const count = (owner: object, name: string | symbol): void => {
    const before = Object.getOwnPropertyDescriptor(owner, name) as PropertyDescriptor;
    const original = before.value as (...parameters: unknown[]) => unknown;
    const counted = function (this: unknown, ...parameters: unknown[]): unknown {
      looks++;
      return original.apply(this, parameters);
    };
    Object.defineProperty(owner, name, { ...before, value: counted });
    undo.push(() => Object.defineProperty(owner, name, before));
  };
  const steps = [new Map().keys(), new Set().values()].map(
    (iterator) => Object.getPrototypeOf(iterator) as object,
  );
  for (const prototype of steps) count(prototype, "next");
  for (const prototype of [Map.prototype, Set.prototype]) {
    for (const name of ["get", "has", "delete", "set", "add"] as const) {
      if (Object.hasOwn(prototype, name)) count(prototype, name);
    }
  }
  try {
    action();
  } finally {
    for (const each of undo) each();
  }
  return looks;
}

test("a scanout that gets another size, again and again, is paid for as if it were flushed", async () => {
  const rig = makeRig({ display: new MemoryDisplay() });
  expectOk(rig.command(msg.create2d(1, 2, 1024, 1024)));
  await turns(rig);
  const sizes = Array.from({ length: 8 }, (_, i) => msg.setScanout(0, 1, rect(1024, 1024 - i)));
  const before = rig.gpu.counters.commands;
  begin(rig, sizes);
  let last = before;
  let most = rig.gpu.counters.commands - last;
  last = rig.gpu.counters.commands;
  await turns(rig, () => {
    most = Math.max(most, rig.gpu.counters.commands - last);
    last = rig.gpu.counters.commands;
  });
  assert.is(last - before, 8);
  assert.is(most, 1, "each of them is more than a turn's work");
  // What stays as large costs nothing of the kind.
  begin(rig, [msg.setScanout(0, 1, rect(512, 8)), msg.setScanout(0, 1, { x: 1, y: 0, w: 512, h: 8 })]);
  assert.is(rig.gpu.counters.commands - last, 2);
});

test.run();
