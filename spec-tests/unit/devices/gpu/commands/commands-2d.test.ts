import { test } from "uvu";
import * as assert from "uvu/assert";
import type { ScanoutSource } from "../../../../../src/devices/gpu/index.ts";
import { BGRX, CMD, ERR, FORMATS, msg, OK, u32At } from "../../../../support/gpu-messages.ts";
import { type Answer, expectOk, GpuRig, pattern } from "../../../../support/gpu-rig.ts";

const full = (w: number, h: number) => ({ x: 0, y: 0, w, h });

/** The answer must be exactly a header with this type. */
function is(answer: Answer, type: number): void {
  assert.is(`0x${answer.type.toString(16)}`, `0x${type.toString(16)}`);
  assert.is(answer.written, 24);
  assert.is(answer.flags, 0);
  assert.is(answer.fence, 0n);
}

test("a frame goes from scattered guest pages to the display", () => {
  const rig = new GpuRig();
  const { pages } = rig.resource2d(5, 320, 200);
  const image = pattern(320 * 200 * 4);
  rig.fill(pages, 0, image);
  is(rig.command(msg.transfer(5, full(320, 200), 0)), OK.NODATA);
  is(rig.command(msg.setScanout(0, 5, full(320, 200))), OK.NODATA);
  is(rig.command(msg.flush(5, full(320, 200))), OK.NODATA);
  const screen = rig.display.screen(0);
  assert.is(screen.flushes, 1);
  assert.equal(screen.damage, { x: 0, y: 0, widthPixels: 320, heightPixels: 200 });
  assert.equal(screen.source?.pixels, image);
  assert.is(rig.gpu.counters.bytesCopied, image.length);
  const rgba = rig.display.readRgba(0) as Uint8Array;
  for (const at of [0, 4 * 319, 4 * 320 * 199, image.length - 4]) {
    assert.equal([...rgba.subarray(at, at + 4)], [image[at + 2], image[at + 1], image[at], 255]);
  }
});

test("CREATE_2D takes every format of the specification and no other", () => {
  const rig = new GpuRig();
  for (const [i, format] of FORMATS.entries())
    is(rig.command(msg.create2d(10 + i, format, 16, 16)), OK.NODATA);
  for (const format of [0, 5, 66, 69, 120, 122, 133, 135, 0xffffffff]) {
    is(rig.command(msg.create2d(99, format, 16, 16)), ERR.PARAMETER);
  }
  assert.equal(
    rig.gpu.resources().map(({ format }) => format),
    [...FORMATS],
  );
});

test("a picture in each of the eight formats gets to the screen in its colours, and as a cursor", () => {
  // The name of a format is the order of its bytes.
  const orders = ["BGRA", "BGRX", "ARGB", "XRGB", "RGBA", "XBGR", "ABGR", "RGBX"];
  const channels: Readonly<Record<string, number>> = { R: 10, G: 80, B: 200, A: 120, X: 33 };
  for (const [i, format] of FORMATS.entries()) {
    const order = orders[i] as string;
    const pixel = Array.from(order, (channel) => channels[channel] as number);
    const rgba = [10, 80, 200, order.includes("A") ? 120 : 255];
    const rig = new GpuRig();
    const { pages } = rig.resource2d(5, 64, 64, format);
    rig.fill(
      pages,
      0,
      Uint8Array.from({ length: 64 * 64 * 4 }, (_, at) => pixel[at & 3] as number),
    );
    is(rig.command(msg.transfer(5, full(64, 64), 0)), OK.NODATA);
    is(rig.command(msg.setScanout(0, 5, full(64, 64))), OK.NODATA);
    is(rig.command(msg.flush(5, full(64, 64))), OK.NODATA);
    assert.is(rig.gpu.scanout(0)?.format, format);
    const seen = rig.display.readRgba(0) as Uint8Array;
    assert.ok(
      seen.every((value, at) => value === rgba[at & 3]),
      `format ${format}: ${seen.subarray(0, 4)}`,
    );
    is(rig.cursorCommand(msg.cursor(CMD.UPDATE_CURSOR, 0, 0, 0, 5), 24), OK.NODATA);
    assert.is(rig.gpu.cursor(0)?.format, format);
    assert.equal([...(rig.gpu.cursor(0)?.pixels.subarray(0, 4) ?? [])], pixel);
    is(rig.command(msg.unref(5)), OK.NODATA);
  }
});

test("sixteen scanouts: mirrors and parts of one resource, all flushed, moved and turned off with it", () => {
  const rig = new GpuRig({ scanouts: 16 });
  assert.is(rig.device.readConfig(8, 4), 16);
  rig.resource2d(5, 160, 100);
  rig.resource2d(6, 160, 100);
  for (let i = 0; i < 16; i++) {
    const part = i < 8 ? full(160, 100) : { x: 10 * i, y: i, w: 10, h: 20 };
    is(rig.command(msg.setScanout(i, 5, part)), OK.NODATA);
  }
  assert.is(rig.gpu.resources()[0]?.scanouts.length, 16);
  is(rig.command(msg.flush(5, full(160, 100))), OK.NODATA);
  for (let i = 0; i < 16; i++) {
    const { flushes, damage } = rig.display.screen(i);
    assert.is(flushes, 1);
    assert.equal([damage?.widthPixels, damage?.heightPixels], i < 8 ? [160, 100] : [10, 20]);
  }
  is(rig.command(msg.flush(5, { x: 150, y: 34, w: 10, h: 66 })), OK.NODATA);
  assert.equal(
    Array.from({ length: 16 }, (_, i) => rig.display.screen(i).flushes),
    [2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 2],
  );
  is(rig.command(msg.setScanout(15, 6, full(160, 100))), OK.NODATA);
  is(rig.cursorCommand(msg.cursor(CMD.UPDATE_CURSOR, 15, 0, 0, 0), 24), OK.NODATA);
  is(rig.command(msg.setScanout(16, 6, full(160, 100))), ERR.SCANOUT);
  is(rig.command(msg.unref(5)), OK.NODATA);
  for (let i = 0; i < 15; i++) assert.is(rig.display.screen(i).source, null);
  assert.is(rig.display.screen(15).source?.resourceId, 6);
  rig.device.writeStatus(0);
  assert.is(rig.display.screen(15).source, null);
});

test("CREATE_2D refuses id 0, ids in use and sizes that wrap", () => {
  const rig = new GpuRig();
  is(rig.command(msg.create2d(0, BGRX, 8, 8)), ERR.RESOURCE);
  is(rig.command(msg.create2d(7, BGRX, 8, 8)), OK.NODATA);
  is(rig.command(msg.create2d(7, BGRX, 8, 8)), ERR.RESOURCE);
  for (const [w, h] of [
    [0x10000, 0x10000],
    [0x40000001, 1],
    [1, 0x40000001],
    [0x80000000, 2],
    [0xffffffff, 0xffffffff],
    [16384, 16384],
  ] as const) {
    is(rig.command(msg.create2d(8, BGRX, w, h)), ERR.OUT_OF_MEMORY);
  }
  assert.is(rig.gpu.hostBytes, 256);
});

test("UNREF frees the id and the memory; unknown ids are refused", () => {
  const rig = new GpuRig();
  rig.resource2d(7, 64, 64);
  assert.is(rig.gpu.hostBytes, 64 * 64 * 4);
  is(rig.command(msg.unref(7)), OK.NODATA);
  assert.is(rig.gpu.hostBytes, 0);
  is(rig.command(msg.unref(7)), ERR.RESOURCE);
  is(rig.command(msg.unref(0)), ERR.RESOURCE);
  is(rig.command(msg.create2d(7, BGRX, 8, 8)), OK.NODATA);
});

test("ATTACH and DETACH", () => {
  const rig = new GpuRig();
  is(rig.command(msg.attach(5, [[0x100000, 4096]])), ERR.RESOURCE);
  is(rig.command(msg.detach(5)), ERR.RESOURCE);
  expectOk(rig.command(msg.create2d(5, BGRX, 32, 32)));
  is(rig.command(msg.detach(5)), ERR.UNSPEC);
  is(rig.command(msg.transfer(5, full(32, 32), 0)), ERR.UNSPEC);
  is(rig.command(msg.attach(5, [[0x100000, 4096]])), OK.NODATA);
  is(rig.command(msg.attach(5, [[0x100000, 4096]])), ERR.UNSPEC);
  is(rig.command(msg.transfer(5, full(32, 32), 0)), OK.NODATA);
  is(rig.command(msg.detach(5)), OK.NODATA);
  is(rig.command(msg.transfer(5, full(32, 32), 0)), ERR.UNSPEC);
  is(rig.command(msg.attach(5, [[0x100000, 4096]])), OK.NODATA);
});

test("a list of entries longer than one read is taken whole", () => {
  const rig = new GpuRig({}, { memoryBytes: 64 << 20 });
  expectOk(rig.command(msg.create2d(5, BGRX, 1280, 800)));
  const pages = rig.scatter(1280 * 800 * 4);
  assert.is(pages.length, 1000);
  const image = pattern(1280 * 800 * 4);
  rig.fill(pages, 0, image);
  is(rig.command(msg.attach(5, pages)), OK.NODATA);
  is(rig.command(msg.transfer(5, full(1280, 800), 0)), OK.NODATA);
  is(rig.command(msg.setScanout(0, 5, full(1280, 800))), OK.NODATA);
  assert.equal(rig.gpu.scanout(0)?.pixels, image);
  assert.is(rig.gpu.resources()[0]?.backingSegments, 1000);
});

test("TRANSFER copies the rectangle and nothing else", () => {
  const rig = new GpuRig();
  const { pages } = rig.resource2d(5, 100, 50);
  const image = pattern(100 * 50 * 4);
  rig.fill(pages, 0, image);
  const r = { x: 7, y: 9, w: 33, h: 21 };
  is(rig.command(msg.transfer(5, r, (9 * 100 + 7) * 4)), OK.NODATA);
  expectOk(rig.command(msg.setScanout(0, 5, full(100, 50))));
  const pixels = rig.gpu.scanout(0)?.pixels as Uint8Array;
  for (let y = 0; y < 50; y++) {
    for (let x = 0; x < 100; x++) {
      const inside = x >= 7 && x < 40 && y >= 9 && y < 30;
      const at = (y * 100 + x) * 4;
      assert.is(u32At(pixels, at), inside ? u32At(image, at) : 0);
    }
  }
  assert.is(rig.gpu.counters.bytesCopied, 33 * 21 * 4);
});

test("TRANSFER takes the rectangle from wherever its offset points", () => {
  const rig = new GpuRig();
  const { pages } = rig.resource2d(5, 64, 64);
  const image = pattern(64 * 64 * 4);
  rig.fill(pages, 0, image);
  is(rig.command(msg.transfer(5, { x: 10, y: 10, w: 2, h: 2 }, 0)), OK.NODATA);
  expectOk(rig.command(msg.setScanout(0, 5, full(64, 64))));
  const pixels = rig.gpu.scanout(0)?.pixels as Uint8Array;
  assert.is(u32At(pixels, (10 * 64 + 10) * 4), u32At(image, 0));
  assert.is(u32At(pixels, (11 * 64 + 11) * 4), u32At(image, 64 * 4 + 4));
});

test("TRANSFER and FLUSH refuse rectangles outside of the resource, wrapping ones too", () => {
  const rig = new GpuRig();
  rig.resource2d(5, 64, 48);
  const outside = [
    { x: 0, y: 0, w: 65, h: 48 },
    { x: 0, y: 0, w: 64, h: 49 },
    { x: 1, y: 0, w: 64, h: 48 },
    { x: 64, y: 0, w: 1, h: 1 },
    { x: 0xffffffff, y: 0, w: 2, h: 1 },
    { x: 0, y: 0xffffffff, w: 1, h: 2 },
    { x: 0x80000000, y: 0, w: 0x80000000, h: 1 },
  ];
  for (const r of outside) {
    is(rig.command(msg.transfer(5, r, 0)), ERR.PARAMETER);
    is(rig.command(msg.flush(5, r)), ERR.PARAMETER);
  }
  is(rig.command(msg.transfer(6, full(1, 1), 0)), ERR.RESOURCE);
  is(rig.command(msg.flush(6, full(1, 1))), ERR.RESOURCE);
  for (const r of [full(0, 0), { x: 64, y: 48, w: 0, h: 0 }, { x: 3, y: 3, w: 5, h: 0 }]) {
    is(rig.command(msg.transfer(5, r, 0)), OK.NODATA);
    is(rig.command(msg.flush(5, r)), OK.NODATA);
  }
  assert.is(rig.gpu.counters.bytesCopied, 0);
});

test("TRANSFER from beyond the backing", () => {
  const rig = new GpuRig();
  rig.resource2d(5, 64, 48);
  const size = 64 * 48 * 4;
  is(rig.command(msg.transfer(5, full(64, 48), 4)), ERR.PARAMETER);
  is(rig.command(msg.transfer(5, full(64, 48), 0x7fffffff)), ERR.PARAMETER);
  is(rig.command(msg.transfer(5, full(64, 48), (1n << 64n) - 4n)), ERR.PARAMETER);
  is(rig.command(msg.transfer(5, full(64, 1), size - 256)), OK.NODATA);
  is(rig.command(msg.transfer(5, full(64, 1), size - 255)), ERR.PARAMETER);
});

test("SET_SCANOUT shows sub-rectangles and mirrors", () => {
  const rig = new GpuRig({ scanouts: 3, displays: [{}, {}] });
  rig.resource2d(5, 100, 80);
  is(rig.command(msg.setScanout(0, 5, full(100, 80))), OK.NODATA);
  is(rig.command(msg.setScanout(1, 5, { x: 20, y: 10, w: 40, h: 30 })), OK.NODATA);
  is(rig.command(msg.setScanout(2, 5, full(100, 80))), OK.NODATA);
  const source = rig.display.screen(1).source as ScanoutSource;
  assert.is(source.offsetBytes, (10 * 100 + 20) * 4);
  assert.is(source.strideBytes, 400);
  assert.equal([source.widthPixels, source.heightPixels, source.x, source.y], [40, 30, 20, 10]);
  assert.is(source.format, BGRX);
  // Damage reaches each scanout in its own coordinates, cut to what it shows.
  is(rig.command(msg.flush(5, { x: 10, y: 5, w: 20, h: 20 })), OK.NODATA);
  assert.equal(rig.display.screen(0).damage, { x: 10, y: 5, widthPixels: 20, heightPixels: 20 });
  assert.equal(rig.display.screen(1).damage, { x: 0, y: 0, widthPixels: 10, heightPixels: 15 });
  assert.equal(rig.display.screen(2).damage, { x: 10, y: 5, widthPixels: 20, heightPixels: 20 });
  is(rig.command(msg.flush(5, { x: 60, y: 40, w: 40, h: 40 })), OK.NODATA);
  assert.is(rig.display.screen(1).flushes, 1);
  assert.equal(rig.gpu.resources()[0]?.scanouts, [0, 1, 2]);
});

test("SET_SCANOUT refuses what is not there or not covered", () => {
  const rig = new GpuRig();
  rig.resource2d(5, 64, 48);
  is(rig.command(msg.setScanout(1, 5, full(64, 48))), ERR.SCANOUT);
  is(rig.command(msg.setScanout(16, 5, full(64, 48))), ERR.SCANOUT);
  is(rig.command(msg.setScanout(0xffffffff, 0, full(0, 0))), ERR.SCANOUT);
  is(rig.command(msg.setScanout(0, 99, full(64, 48))), ERR.RESOURCE);
  for (const r of [
    { x: 1, y: 0, w: 64, h: 48 },
    { x: 0, y: 1, w: 64, h: 48 },
    { x: 0xffffffff, y: 0, w: 1, h: 48 },
    { x: 0xffffffc1, y: 0, w: 64, h: 48 },
    full(0, 48),
    full(64, 0),
  ]) {
    is(rig.command(msg.setScanout(0, 5, r)), ERR.PARAMETER);
  }
  assert.is(rig.display.screen(0).changes, 0);
});

test("SET_SCANOUT with resource 0 turns a scanout off, whatever the rectangle", () => {
  const rig = new GpuRig();
  rig.resource2d(5, 64, 48);
  is(rig.command(msg.setScanout(0, 0, full(64, 48))), OK.NODATA);
  assert.is(rig.display.screen(0).changes, 0);
  is(rig.command(msg.setScanout(0, 5, full(64, 48))), OK.NODATA);
  is(rig.command(msg.setScanout(0, 0, full(0, 0))), OK.NODATA);
  is(rig.command(msg.setScanout(0, 0, full(64, 48))), OK.NODATA);
  assert.is(rig.display.screen(0).changes, 2);
  assert.is(rig.gpu.scanout(0), null);
  is(rig.command(msg.flush(5, full(64, 48))), OK.NODATA);
  assert.is(rig.display.screen(0).flushes, 0);
});

test("repeating SET_SCANOUT changes nothing, a flip changes the source", () => {
  const rig = new GpuRig();
  rig.resource2d(5, 64, 48);
  rig.resource2d(6, 64, 48);
  for (let i = 0; i < 5; i++) is(rig.command(msg.setScanout(0, 5, full(64, 48))), OK.NODATA);
  assert.is(rig.display.screen(0).changes, 1);
  assert.is(rig.gpu.counters.flips, 0);
  for (let i = 0; i < 4; i++)
    is(rig.command(msg.setScanout(0, i % 2 === 0 ? 6 : 5, full(64, 48))), OK.NODATA);
  assert.is(rig.display.screen(0).changes, 5);
  assert.is(rig.gpu.counters.flips, 4);
  assert.is(rig.gpu.scanout(0)?.resourceId, 5);
});

test("UNREF of what is scanned out turns the scanout off", () => {
  const rig = new GpuRig({ displays: [{}, {}] });
  rig.resource2d(5, 64, 48);
  expectOk(rig.command(msg.setScanout(0, 5, full(64, 48))));
  expectOk(rig.command(msg.setScanout(1, 5, full(64, 48))));
  is(rig.command(msg.unref(5)), OK.NODATA);
  assert.is(rig.display.screen(0).source, null);
  assert.is(rig.display.screen(1).source, null);
  // The same id again is another resource.
  rig.resource2d(5, 64, 48);
  is(rig.command(msg.flush(5, full(64, 48))), OK.NODATA);
  assert.is(rig.display.screen(0).flushes, 0);
});

test("DETACH of a 2D resource leaves what is on the screen", () => {
  const rig = new GpuRig();
  rig.resource2d(5, 64, 48);
  expectOk(rig.command(msg.setScanout(0, 5, full(64, 48))));
  is(rig.command(msg.detach(5)), OK.NODATA);
  assert.is(rig.gpu.scanout(0)?.resourceId, 5);
  assert.is(rig.display.screen(0).changes, 1);
});

test("GET_DISPLAY_INFO and GET_EDID describe every display", () => {
  const rig = new GpuRig({
    scanouts: 3,
    displays: [
      { widthPixels: 1024, heightPixels: 768 },
      { widthPixels: 800, heightPixels: 600, x: 1024, y: 5 },
    ],
  });
  const info = rig.command(msg.displayInfo(), 408);
  assert.is(info.type, OK.DISPLAY_INFO);
  assert.is(info.written, 408);
  const mode = (i: number) => Array.from({ length: 6 }, (_, k) => u32At(info.bytes, 24 + 24 * i + 4 * k));
  assert.equal(mode(0), [0, 0, 1024, 768, 1, 0]);
  assert.equal(mode(1), [1024, 5, 800, 600, 1, 0]);
  assert.is(mode(2)[4], 0);
  for (let i = 3; i < 16; i++) assert.equal(mode(i), [0, 0, 0, 0, 0, 0]);
  const edid = rig.command(msg.edid(1), 1056);
  assert.is(edid.type, OK.EDID);
  assert.is(edid.written, 1056);
  const size = u32At(edid.bytes, 24);
  assert.equal(edid.bytes.subarray(32, 32 + size), rig.gpu.display(1)?.edid);
  assert.equal([...edid.bytes.subarray(32, 40)], [0, 255, 255, 255, 255, 255, 255, 0]);
  assert.ok(edid.bytes.subarray(32 + size).every((byte) => byte === 0));
  assert.is(u32At(edid.bytes, 28), 0);
  is(rig.command(msg.edid(3), 1056), ERR.SCANOUT);
  is(rig.command(msg.edid(0xffffffff), 1056), ERR.SCANOUT);
});

test("commands of features that were not negotiated do not exist", () => {
  const rig = new GpuRig({}, { features: [] });
  is(rig.command(msg.edid(0), 1056), ERR.UNSPEC);
  is(rig.command(msg.assignUuid(1), 40), ERR.UNSPEC);
  is(rig.command(msg.createBlob(1, { size: 4096 })), ERR.UNSPEC);
  is(rig.command(msg.setScanoutBlob(0, 1, { w: 8, h: 8 })), ERR.UNSPEC);
  is(rig.command(msg.mapBlob(1, 0), 32), ERR.UNSPEC);
  is(rig.command(msg.ctxCreate(0, "x", { ctx: 1 })), ERR.UNSPEC);
  is(rig.command(msg.capsetInfo(0), 40), ERR.UNSPEC);
});

test("unknown commands, and cursor commands on the control queue", () => {
  const rig = new GpuRig();
  for (const type of [0, 1, 0xff, 0x10e, 0x1ff, 0x20a, 0x302, 0x400, 0x1100, 0x01000100, 0xffffffff]) {
    is(
      rig.command(new Uint8Array([...new Uint8Array(new Uint32Array([type]).buffer), ...new Array(92)])),
      ERR.UNSPEC,
    );
  }
  is(rig.command(msg.cursor(CMD.MOVE_CURSOR, 0, 1, 1)), ERR.UNSPEC);
  assert.is(rig.cursorCommand(msg.displayInfo(), 408).type, ERR.UNSPEC);
});

test.run();
