// Guest memory that is not simply there: behind a translator, growing, in several regions.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type AddressTranslator, GuestMemory } from "../../../../src/memory/index.ts";
import { CMD, ERR, msg, OK } from "../../../support/gpu-messages.ts";
import { expectOk, GpuRig, pattern } from "../../../support/gpu-rig.ts";
import { RecordingRenderer } from "../../../support/recording-renderer.ts";

const full = (w: number, h: number) => ({ x: 0, y: 0, w, h });
const ACCESS_PLATFORM = 33;
const PAGE = 4096;
/** Device addresses from here on go through a table, those below are physical. */
const WINDOW = 0x4000_0000;

class PageTable implements AddressTranslator {
  readonly pages = new Map<number, { physical: number; write: boolean }>();

  translate(
    hi: number,
    lo: number,
    lengthBytes: number,
    write: boolean,
    result: { hi: number; lo: number },
  ): number {
    if (hi !== 0) return 0;
    result.hi = 0;
    if (lo < WINDOW) {
      result.lo = lo;
      return lengthBytes;
    }
    const inner = lo % PAGE;
    const page = this.pages.get(lo - inner);
    if (page === undefined || (write && !page.write)) return 0;
    result.lo = page.physical + inner;
    return Math.min(lengthBytes, PAGE - inner);
  }
}

function behindTranslator(options = {}) {
  const translator = new PageTable();
  const rig = new GpuRig(options, { device: { translator }, ringFeatures: [ACCESS_PLATFORM] });
  assert.ok(rig.device.hasFeature(ACCESS_PLATFORM));
  /** Maps scattered physical pages at one stretch of device addresses. */
  const map = (address: number, count: number, write = true): number[] => {
    const physical = Array.from({ length: count }, () => rig.allocate(2 * PAGE, PAGE)).reverse();
    for (const [i, page] of physical.entries()) {
      translator.pages.set(address + i * PAGE, { physical: page, write });
    }
    return physical;
  };
  return { rig, map, translator };
}

test("backing through a translator: one entry, many pages", () => {
  const { rig, map } = behindTranslator();
  const physical = map(WINDOW, 3);
  const image = pattern(64 * 48 * 4);
  for (const [i, page] of physical.entries())
    rig.memory.write(page, image.subarray(i * PAGE, (i + 1) * PAGE));
  expectOk(rig.command(msg.create2d(5, 2, 64, 48)));
  assert.is(rig.command(msg.attach(5, [[WINDOW, 64 * 48 * 4]])).type, OK.NODATA);
  assert.is(rig.gpu.resources()[0]?.backingSegments, 3);
  expectOk(rig.command(msg.transfer(5, full(64, 48), 0)));
  expectOk(rig.command(msg.setScanout(0, 5, full(64, 48))));
  assert.equal(rig.gpu.scanout(0)?.pixels, image);
  // What is not mapped, wholly or in part, is not memory.
  expectOk(rig.command(msg.create2d(6, 2, 64, 64)));
  assert.is(rig.command(msg.attach(6, [[WINDOW, 4 * PAGE]])).type, ERR.PARAMETER);
  assert.is(rig.command(msg.attach(6, [[2 * WINDOW, PAGE]])).type, ERR.PARAMETER);
});

test("backing that a renderer writes to needs permission to write", () => {
  const { rig, map } = behindTranslator({ renderer: new RecordingRenderer() });
  map(WINDOW, 2, false);
  expectOk(rig.command(msg.create2d(4, 2, 32, 32)));
  assert.is(rig.command(msg.attach(4, [[WINDOW, PAGE]])).type, OK.NODATA);
  expectOk(rig.command(msg.create3d(5, [2, 1, 0, 32, 32, 1, 1, 0, 0, 0])));
  assert.is(rig.command(msg.attach(5, [[WINDOW, PAGE]])).type, ERR.PARAMETER);
});

test("a translation that ends later does not end what was attached before", () => {
  const { rig, map, translator } = behindTranslator();
  const [page] = map(WINDOW, 1);
  expectOk(rig.command(msg.create2d(5, 2, 32, 32)));
  expectOk(rig.command(msg.attach(5, [[WINDOW, PAGE]])));
  translator.pages.clear();
  rig.memory.write(page as number, new Uint8Array(PAGE).fill(4));
  expectOk(rig.command(msg.transfer(5, full(32, 32), 0)));
  assert.is(rig.gpu.counters.bytesCopied, PAGE);
  expectOk(rig.command(msg.detach(5)));
  assert.is(rig.command(msg.attach(5, [[WINDOW, PAGE]])).type, ERR.PARAMETER);
});

test("memory that grows between commands, as in WebAssembly", () => {
  const wasm = new WebAssembly.Memory({ initial: 64, maximum: 128 });
  const memory = new GuestMemory([{ base: 0, memory: wasm, byteLength: 64 * 65536 }]);
  const rig = new GpuRig({}, { memory });
  const { pages } = rig.resource2d(5, 64, 48);
  expectOk(rig.command(msg.createBlob(6, { size: 12288, entries: pages })));
  expectOk(rig.command(msg.setScanout(0, 5, full(64, 48))));
  for (let i = 1; i <= 5; i++) {
    const image = pattern(12288, i);
    rig.fill(pages, 0, image);
    for (const r of [full(64, 48), { x: 1, y: 1, w: 30, h: 40 }, { x: 0, y: 0, w: 8, h: 8 }]) {
      expectOk(rig.command(msg.transfer(5, r, (r.y * 64 + r.x) * 4)));
      expectOk(rig.command(msg.transfer(5, r, (r.y * 64 + r.x) * 4)));
    }
    assert.equal(rig.gpu.scanout(0)?.pixels, image);
    expectOk(rig.command(msg.setScanoutBlob(0, 6, { w: 64, h: 48 })));
    const shown = new Uint8Array(12288);
    assert.is(rig.gpu.scanout(0)?.pages?.read(0, shown, 0, 12288), 12288);
    assert.equal(shown, image);
    expectOk(rig.command(msg.setScanout(0, 5, full(64, 48))));
    wasm.grow(1);
  }
});

test("memory that grows while a command is worked on", () => {
  const wasm = new WebAssembly.Memory({ initial: 64, maximum: 200 });
  const memory = new GuestMemory([{ base: 0, memory: wasm, byteLength: 64 * 65536 }]);
  const grow = () => void wasm.grow(1);
  const display = { setScanout: grow, flush: grow, setCursor: grow, moveCursor: grow };
  const rig = new GpuRig({ display: display as never, onCommand: grow }, { memory });
  const { pages } = rig.resource2d(5, 64, 64);
  const image = pattern(16384);
  rig.fill(pages, 0, image);
  expectOk(rig.command(msg.transfer(5, full(64, 64), 0)));
  expectOk(rig.command(msg.setScanout(0, 5, full(64, 64))));
  expectOk(rig.command(msg.flush(5, full(64, 64))));
  assert.is(rig.cursorCommand(msg.cursor(CMD.UPDATE_CURSOR, 0, 1, 1, 5), 24).type, OK.NODATA);
  assert.is(rig.cursorCommand(msg.cursor(CMD.MOVE_CURSOR, 0, 1, 1), 24).type, OK.NODATA);
  assert.equal(rig.gpu.scanout(0)?.pixels, image);
});

test("a resource over several regions", () => {
  const memory = new GuestMemory([
    { base: 0, memory: new SharedArrayBuffer(1 << 20) },
    { base: 1 << 24, memory: new ArrayBuffer(65536) },
    { base: 1n << 36n, memory: new ArrayBuffer(65536), kind: "read-only" },
  ]);
  const rig = new GpuRig({}, { memory });
  const image = pattern(12288);
  const low = rig.allocate(4096, 4096);
  memory.write(low, image.subarray(0, 4096));
  memory.write(1 << 24, image.subarray(4096, 8192));
  memory.write(1n << 36n, image.subarray(8192));
  expectOk(rig.command(msg.create2d(5, 2, 64, 48)));
  const entries = [
    [low, 4096],
    [1 << 24, 4096],
    [1n << 36n, 4096],
  ] as const;
  assert.is(rig.command(msg.attach(5, entries)).type, OK.NODATA);
  expectOk(rig.command(msg.setScanout(0, 5, full(64, 48))));
  for (let i = 0; i < 3; i++) {
    for (const r of [full(64, 48), { x: 5, y: 0, w: 50, h: 48 }]) {
      expectOk(rig.command(msg.transfer(5, r, r.x * 4)));
      assert.equal(rig.gpu.scanout(0)?.pixels, image);
    }
  }
});

test.run();
