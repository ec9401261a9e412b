// The state of a device survives JSON and goes on in another device.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { decodeBase64, encodeBase64 } from "../../../../src/base/base64.ts";
import { VirtioUsageError } from "../../../../src/base/index.ts";
import type { PlainValue, SavedDevice } from "../../../../src/device/index.ts";
import {
  type GpuDeviceOptions,
  type GuestPages,
  HostHeap,
  type PreparedRenderer,
  type RestoredResource,
} from "../../../../src/devices/gpu/index.ts";
import { GuestMemory } from "../../../../src/memory/index.ts";
import { type DeviceRig, settle } from "../../../../src/testing/index.ts";
import { BGRA, BGRX, CMD, msg, OK } from "../../../support/gpu-messages.ts";
import { expectOk, GpuRig, pattern } from "../../../support/gpu-rig.ts";
import { RecordingRenderer, SavingRenderer } from "../../../support/recording-renderer.ts";

const full = (w: number, h: number) => ({ x: 0, y: 0, w, h });

/** A device like the one of `rig`, in a copy of its memory, that takes over its state by way of JSON. */
function moveOn(rig: GpuRig, options: GpuDeviceOptions = {}): GpuRig {
  const saved = JSON.parse(JSON.stringify(rig.device.save())) as SavedDevice;
  const memory = new GuestMemory([{ base: 0, memory: rig.memory.read(0, 32 << 20).buffer }]);
  const next = new GpuRig(options, { memory, idle: true });
  adopt(next, rig);
  next.device.restore(saved);
  return next;
}

/** The driver's half goes on too: its rings stand where they stood. */
function adopt(next: DeviceRig, before: DeviceRig): void {
  Object.assign(next, { rings: [] });
  for (const [i, ring] of before.rings.entries()) {
    const copy = Object.assign(Object.create(Object.getPrototypeOf(ring)) as typeof ring, ring, {
      memory: next.memory,
    });
    next.rings[i] = copy;
    next.takeOver(i, before);
  }
}

test("everything a 2D guest sees is the same afterwards", () => {
  const rig = new GpuRig({ displays: [{}, {}] });
  const { pages } = rig.resource2d(5, 64, 48);
  const image = pattern(64 * 48 * 4);
  rig.fill(pages, 0, image);
  expectOk(rig.command(msg.transfer(5, full(64, 48), 0)));
  expectOk(rig.command(msg.setScanout(0, 5, { x: 8, y: 4, w: 32, h: 16 })));
  const blobPages = rig.scatter(64 * 48 * 4);
  rig.fill(blobPages, 0, pattern(64 * 48 * 4, 9));
  expectOk(rig.command(msg.createBlob(6, { size: 64 * 48 * 4, entries: blobPages })));
  expectOk(rig.command(msg.setScanoutBlob(1, 6, { w: 64, h: 48 })));
  expectOk(rig.command(msg.create2d(7, BGRA, 64, 64)));
  rig.cursorCommand(msg.cursor(CMD.UPDATE_CURSOR, 0, -3, 17, 7, 2, 5));
  rig.cursorCommand(msg.cursor(CMD.MOVE_CURSOR, 1, 40, 50));
  const uuid = rig.command(msg.assignUuid(5), 40).bytes.slice(24);
  rig.gpu.setDisplay(0, { widthPixels: 640, heightPixels: 480 });

  const next = moveOn(rig, { displays: [{ widthPixels: 640, heightPixels: 480 }, {}] });
  assert.equal(next.gpu.resources(), rig.gpu.resources());
  assert.is(next.gpu.hostBytes, rig.gpu.hostBytes);
  assert.equal(next.display.readRgba(0), rig.display.readRgba(0));
  assert.equal(next.display.readRgba(1), rig.display.readRgba(1));
  assert.is(next.display.screen(0).flushes, 1);
  assert.equal(next.display.screen(0).damage, { x: 0, y: 0, widthPixels: 32, heightPixels: 16 });
  const cursor = next.gpu.cursor(0);
  assert.equal([cursor?.x, cursor?.y, cursor?.hotX, cursor?.hotY, cursor?.format], [-3, 17, 2, 5, BGRA]);
  assert.is(next.gpu.cursor(1), null);
  assert.is(next.display.screen(1).cursorX, 40);
  assert.equal(next.gpu.sharedObjects.get(uuid)?.content?.hostBytes(), image);
  assert.is(next.device.readConfig(0, 4), 1);
  // And it goes on.
  next.memory.write(Number(pages[0]?.[0]), new Uint8Array(256).fill(0xfe));
  assert.is(next.command(msg.transfer(5, full(64, 1), 0)).type, OK.NODATA);
  expectOk(next.command(msg.setScanout(0, 5, full(64, 48))));
  assert.is(next.gpu.scanout(0)?.pixels?.[255], 0xfe);
  assert.equal(next.command(msg.assignUuid(5), 40).bytes.slice(24), uuid);
});

test("holes stay holes", () => {
  const policy = { entryOutsideMemory: OK.NODATA };
  const rig = new GpuRig({ policy });
  expectOk(rig.command(msg.create2d(5, BGRX, 64, 48)));
  const page = rig.allocate(4096, 4096);
  rig.memory.view(page, 4096).fill(3);
  expectOk(
    rig.command(
      msg.attach(5, [
        [0x2_0000_0000, 4096],
        [page, 4096],
        [0x2_0000_0000, 4096],
      ]),
    ),
  );
  const next = moveOn(rig, { policy });
  expectOk(next.command(msg.transfer(5, full(64, 48), 0)));
  expectOk(next.command(msg.setScanout(0, 5, full(64, 48))));
  const pixels = next.gpu.scanout(0)?.pixels as Uint8Array;
  assert.equal([pixels[0], pixels[4095], pixels[4096], pixels[8191], pixels[8192]], [0, 0, 3, 3, 0]);
});

test("3D state goes with a renderer that can save its own", () => {
  const rig = new GpuRig({ renderer: new SavingRenderer(), hostHeap: new HostHeap(65536) });
  expectOk(rig.command(msg.ctxCreate(1, "name", { ctx: 9 })));
  expectOk(rig.command(msg.create3d(5, [2, 1, 0, 8, 8, 1, 1, 0, 0, 0])));
  expectOk(rig.command(msg.ctxAttach(5, { ctx: 9 })));
  expectOk(rig.command(msg.createBlob(6, { mem: 2, flags: 1, size: 4096 }, { ctx: 9 })));
  const bytes = new Uint8Array(rig.gpu.sharedMemory[0]?.buffer as ArrayBuffer);
  assert.is(rig.command(msg.mapBlob(6, 8192), 32).type, OK.MAP_INFO);
  bytes.set(pattern(4096), 8192);
  const renderer = new SavingRenderer();
  const hostHeap = new HostHeap(65536);
  const next = moveOn(rig, { renderer, hostHeap });
  assert.equal(renderer.restored, { calls: 5 });
  assert.equal(new Uint8Array(hostHeap.buffer).subarray(8192, 12288), pattern(4096));
  expectOk(next.command(msg.ctxDetach(5, { ctx: 9 })));
  expectOk(next.command(msg.unmapBlob(6)));
  expectOk(next.command(msg.submit(new Uint8Array(1), { ctx: 9 })));
  assert.throws(
    () => moveOn(rig, { renderer: new SavingRenderer(), hostHeap: new HostHeap(4096) }),
    /sharedMemory\[0\] is region 1 of 65536 bytes, and here it is 1 of 4096/,
  );
});

test("a restored renderer has the guest's pages and its blobs again, in the order they were made", () => {
  const rig = new GpuRig({ renderer: new SavingRenderer(), hostHeap: new HostHeap(65536) });
  const create3d = (id: number) => expectOk(rig.command(msg.create3d(id, [2, 1, 0, 8, 8, 1, 1, 0, 0, 0])));
  expectOk(rig.command(msg.ctxCreate(1, "name", { ctx: 9 })));
  create3d(8);
  rig.resource2d(3, 16, 16);
  create3d(5);
  const backing = rig.scatter(3 * 4096);
  rig.fill(backing, 0, pattern(3 * 4096, 8));
  expectOk(rig.command(msg.attach(5, backing)));
  expectOk(rig.command(msg.createBlob(6, { mem: 2, flags: 1, size: 4096 }, { ctx: 9 })));
  rig.command(msg.mapBlob(6, 8192), 32);
  new Uint8Array(rig.gpu.sharedMemory[0]?.buffer as ArrayBuffer).set(pattern(4096, 5), 8192);
  const shadow = rig.scatter(4096);
  rig.fill(shadow, 0, pattern(4096, 6));
  expectOk(rig.command(msg.createBlob(4, { mem: 3, flags: 1, size: 4096, entries: shadow }, { ctx: 9 })));
  // A guest's own blob is none of the renderer's.
  expectOk(rig.command(msg.createBlob(7, { size: 4096, entries: rig.scatter(4096) })));
  const renderer = new SavingRenderer();
  const next = moveOn(rig, { renderer, hostHeap: new HostHeap(65536) });
  assert.equal(
    renderer.resources.map(({ resourceId, backing, memory }) => [
      resourceId,
      backing?.totalBytes ?? null,
      memory?.mappedAt ?? null,
    ]),
    [
      [8, null, null],
      [5, 3 * 4096, null],
      [6, null, 8192],
      [4, 4096, -1],
    ],
  );
  assert.equal(renderer.calls, [["reset"]], "told of it in one call");
  const [, withPages, blob, shadowed] = renderer.resources;
  const copy = (pages: GuestPages | null | undefined, length: number) => {
    const bytes = new Uint8Array(length);
    pages?.read(0, bytes, 0, length);
    return bytes;
  };
  assert.equal(copy(withPages?.backing, 3 * 4096), pattern(3 * 4096, 8));
  assert.equal(copy(shadowed?.backing, 4096), pattern(4096, 6));
  assert.equal(blob?.memory?.bytes(), pattern(4096, 5));
  // These are the pages of now: what the guest writes there the renderer sees.
  next.fill(shadow, 0, pattern(4096, 9));
  assert.equal(copy(shadowed?.backing, 4096), pattern(4096, 9));
});

test("a renderer that has nothing to say of itself is restored all the same; one that can't be, is refused", () => {
  class Forgetful extends SavingRenderer {
    override save() {
      return null;
    }
  }
  const rig = new GpuRig({ renderer: new Forgetful() });
  expectOk(rig.command(msg.create3d(8, [2, 1, 0, 8, 8, 1, 1, 0, 0, 0])));
  const renderer = new Forgetful();
  moveOn(rig, { renderer });
  assert.equal(renderer.resources, [{ resourceId: 8, backing: null, memory: null }]);
  assert.throws(
    () => moveOn(rig, { renderer: new RecordingRenderer() }),
    /type.renderer has a state, and no renderer here takes it/,
  );
});

test("a renderer that saves or restores later is refused in words, and nothing of it is left", async () => {
  const rig = new GpuRig({ renderer: new SavingRenderer() });
  expectOk(rig.command(msg.create3d(8, [2, 1, 0, 8, 8, 1, 1, 0, 0, 0])));
  const saved = rig.device.save();
  const late = Object.assign(new SavingRenderer(), {
    save: () => Promise.reject(new Error("nobody waits for it")),
    restore: () => Promise.reject(new Error("nobody waits for it")),
  });
  const next = new GpuRig({ renderer: late as never }, { idle: true, memory: rig.memory });
  assert.throws(() => next.device.save(), /renderer.save\(\) returned a promise/);
  assert.throws(
    () => next.device.restore(saved),
    (error: unknown) =>
      error instanceof VirtioUsageError && /renderer.restore\(\) returned a promise/.test(error.message),
  );
  assert.is(next.device.status, 0);
  assert.is(next.gpu.resources().length, 0);
  await settle();
  const resets = new SavingRenderer();
  const last = new GpuRig({ renderer: resets }, { idle: true, memory: rig.memory });
  resets.restore = () => last.device.reset();
  assert.throws(() => last.device.restore(saved), /reset the device while it took its state over/);
  assert.is(last.device.status, 0);
});

/** Checks its state first, and takes it over later. */
class CarefulRenderer extends RecordingRenderer {
  readonly events: string[] = [];
  act: (() => unknown) | null = null;

  save(): PlainValue {
    return { calls: this.calls.length };
  }
  override reset(): void {
    this.events.push("reset");
  }
  prepareRestore(state: PlainValue, resources: readonly RestoredResource[]): PreparedRenderer {
    const ids = resources.map(({ resourceId, backing }) => `${resourceId}:${backing?.totalBytes ?? 0}`);
    this.events.push(`prepare ${JSON.stringify(state)} ${ids}`);
    if (this.act !== null) return this.act() as PreparedRenderer;
    return { takeOver: () => void this.events.push("takeOver") };
  }
}

test("a renderer that checks its state first takes it over between the reset and the displays", () => {
  const rig = new GpuRig({ renderer: new CarefulRenderer() });
  expectOk(rig.command(msg.create3d(8, [2, 1, 0, 8, 8, 1, 1, 0, 0, 0])));
  expectOk(rig.command(msg.attach(8, [[0x100000, 4096]])));
  const renderer = new CarefulRenderer();
  moveOn(rig, { renderer });
  const calls = (rig.gpu.resources().length && rig.device.save().type) as { renderer: unknown };
  assert.equal(renderer.events, [`prepare ${JSON.stringify(calls.renderer)} 8:4096`, "reset", "takeOver"]);
});

test("a renderer that refuses its state, or has no answer at once, leaves the device as it was", async () => {
  const refusals: readonly (readonly [() => unknown, RegExp])[] = [
    [
      () => {
        throw new Error("not mine");
      },
      /the renderer refuses its saved state: not mine/,
    ],
    [
      () => {
        throw "a word";
      },
      /the renderer refuses its saved state: a word/,
    ],
    [async () => ({ takeOver() {} }), /renderer\.prepareRestore\(\) returned a promise/],
    [() => undefined, /prepareRestore\(\) returned no object with takeOver\(\)/],
    [() => Promise.reject(new Error("nobody waits for it")), /prepareRestore\(\) returned a promise/],
  ];
  for (const [act, says] of refusals) {
    const renderer = new CarefulRenderer();
    const rig = new GpuRig({ renderer });
    expectOk(rig.command(msg.create3d(8, [2, 1, 0, 8, 8, 1, 1, 0, 0, 0])));
    const saved = rig.device.save();
    expectOk(rig.command(msg.create3d(9, [2, 1, 0, 8, 8, 1, 1, 0, 0, 0])));
    const before = JSON.stringify(rig.device.save());
    renderer.act = act;
    assert.throws(
      () => rig.device.restore(saved),
      (error: unknown) => error instanceof VirtioUsageError && says.test(error.message),
      String(says),
    );
    await settle();
    assert.is(JSON.stringify(rig.device.save()), before);
    assert.equal(renderer.events.includes("reset"), false, "its own state is untouched");
    expectOk(rig.command(msg.unref(9)));
  }
});

test("what cannot be saved or does not fit is refused", () => {
  const unsaveable = new GpuRig({ renderer: new RecordingRenderer() });
  unsaveable.device.save();
  expectOk(unsaveable.command(msg.ctxCreate(0, "", { ctx: 1 })));
  assert.throws(() => unsaveable.device.save(), /renderer can't save/);

  const rig = new GpuRig({ displays: [{}, {}] });
  const { pages } = rig.resource2d(5, 64, 48);
  expectOk(rig.command(msg.setScanout(0, 5, full(64, 48))));
  const saved = rig.device.save();
  const state = saved.type as { [key: string]: PlainValue };
  const restore = (type: PlainValue, options: GpuDeviceOptions = { displays: [{}, {}] }) => {
    new GpuRig(options, { idle: true, memory: rig.memory }).device.restore({ ...saved, type });
  };
  const usage = (error: unknown) => error instanceof VirtioUsageError;
  restore(state);
  for (const version of [0, 4]) {
    assert.throws(
      () => restore({ ...state, version }),
      new RegExp(`type.version is ${version}, and this library reads versions 1 … 3`),
    );
  }
  assert.throws(() => restore(state, {}), /type.scanouts has 2 elements, and there must be 1/);
  assert.throws(() => restore(null), usage);
  assert.throws(() => restore([]), usage);
  assert.throws(() => restore({}), usage);
  assert.throws(() => restore({ ...state, resources: 5 }), usage);
  assert.throws(
    () => restore({ ...state, resources: [] }),
    /type.scanouts\[0\].resourceId is 5, a resource that was not saved/,
  );
  assert.throws(
    () => restore({ ...state, renderer: {} }),
    /type.renderer has a state, and no renderer here takes it/,
  );
  const [resource] = state["resources"] as { [key: string]: PlainValue }[];
  assert.throws(() => restore({ ...state, resources: [{ ...resource, bytes: "AAAA" }] }), usage);
  assert.throws(() => restore({ ...state, resources: [{ ...resource, id: "5" }] }), usage);
  const small = new GpuRig({ displays: [{}, {}] }, { idle: true, memoryBytes: 1 << 18 });
  assert.ok(Number(pages[0]?.[0]) >= 1 << 18);
  assert.throws(() => small.device.restore(saved), usage);
  // Nothing of a state that did not fit stays behind.
  assert.is(small.gpu.resources().length, 0);
  assert.is(small.gpu.hostBytes, 0);
});

test("while a display is at work there is nothing to save", async () => {
  let finish = () => {};
  const display = { setScanout() {}, flush: () => new Promise<void>((resolve) => (finish = resolve)) };
  const rig = new GpuRig({ display: display as never });
  rig.resource2d(5, 64, 48);
  expectOk(rig.command(msg.setScanout(0, 5, full(64, 48))));
  rig.begin(msg.flush(5, full(64, 48)));
  assert.throws(() => rig.device.save(), /in flight/);
  rig.device.resetQueue(0);
  assert.throws(() => rig.device.save(), /at work/);
  finish();
  for (let i = 0; i < 20; i++) await Promise.resolve();
  rig.device.save();
});

test("a display that fails, at once or later, does not stop a restore", async () => {
  const rig = new GpuRig();
  rig.resource2d(5, 64, 64, BGRA);
  expectOk(rig.command(msg.setScanout(0, 5, full(64, 64))));
  rig.cursorCommand(msg.cursor(CMD.UPDATE_CURSOR, 0, 1, 1, 5));
  const saved = rig.device.save();
  const events: string[] = [];
  const trace = ({ kind }: { kind: string }) => events.push(kind);
  const no = (): never => {
    throw new Error("no window");
  };
  const broken = { setScanout: no, flush: no, setCursor: no };
  const next = new GpuRig(
    { display: broken as never },
    { idle: true, memory: rig.memory, device: { trace } },
  );
  next.device.restore(saved);
  assert.is(next.gpu.resources().length, 1);
  assert.ok(next.gpu.cursor(0));
  const slow = { setScanout() {}, flush: () => Promise.reject(new Error("no window")) };
  const last = new GpuRig({ display: slow as never }, { idle: true, memory: rig.memory, device: { trace } });
  last.device.restore(saved);
  for (let i = 0; i < 20; i++) await Promise.resolve();
  assert.equal(events, ["backend-failure", "backend-failure", "backend-failure"]);
});

test("a blob without memory, and one that lost it, survive", () => {
  const rig = new GpuRig();
  expectOk(rig.command(msg.createBlob(6, { size: 64 * 48 * 4, entries: rig.scatter(64 * 48 * 4) })));
  expectOk(rig.command(msg.setScanoutBlob(0, 6, { w: 64, h: 48 })));
  expectOk(rig.command(msg.detach(6)));
  const next = moveOn(rig);
  assert.is(next.display.screen(0).source, null);
  const pages = rig.scatter(64 * 48 * 4);
  expectOk(next.command(msg.attach(6, pages)));
  const shown = next.display.screen(0).source?.pages as GuestPages;
  assert.is(shown.count, 3);
});

test("base64 there and back, for every length and against the platform's", () => {
  for (let length = 0; length < 70; length++) {
    const bytes = pattern(length, length);
    const text = encodeBase64(bytes);
    assert.is(text, Buffer.from(bytes).toString("base64"));
    assert.equal(decodeBase64(text, length), bytes);
  }
  const long = pattern(2_000_000);
  assert.is(encodeBase64(long), Buffer.from(long).toString("base64"));
  assert.equal(decodeBase64(encodeBase64(long), long.length), long);
  for (const [text, length] of [
    ["AAA=", 3],
    ["AAA", 2],
    ["A===", 1],
    ["AA?=", 2],
    ["AA=A", 3],
    ["====", 3],
    ["AA\u0141A", 3],
    ["AAAA", 4],
  ] as const) {
    assert.throws(() => decodeBase64(text, length), text);
  }
});

test.run();
