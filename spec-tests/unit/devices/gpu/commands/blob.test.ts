import { test } from "uvu";
import * as assert from "uvu/assert";
import { VirtioUsageError } from "../../../../../src/base/errors.ts";
import {
  type Display,
  type GuestPages,
  HostHeap,
  type ScanoutSource,
} from "../../../../../src/devices/gpu/index.ts";
import { BGRX, CMD, ERR, F, msg, OK, u32At } from "../../../../support/gpu-messages.ts";
import { type Answer, GpuRig, pattern } from "../../../../support/gpu-rig.ts";
import { RecordingRenderer } from "../../../../support/recording-renderer.ts";

const full = (w: number, h: number) => ({ x: 0, y: 0, w, h });
const MAPPABLE = 1;
const GUEST = 1;
const HOST3D = 2;
const HOST3D_GUEST = 3;

function is(answer: Answer, type: number): void {
  assert.is(`0x${answer.type.toString(16)}`, `0x${type.toString(16)}`);
}

function withBlob(id = 5, bytes = 64 * 48 * 4) {
  const rig = new GpuRig();
  const pages = rig.scatter(bytes);
  is(rig.command(msg.createBlob(id, { size: bytes, entries: pages })), OK.NODATA);
  return { rig, pages };
}

test("a guest blob is shown from the guest's memory itself", () => {
  const { rig, pages } = withBlob();
  is(rig.command(msg.setScanoutBlob(0, 5, { w: 64, h: 48 })), OK.NODATA);
  const source = rig.display.screen(0).source as ScanoutSource;
  assert.is(source.pixels, null);
  const image = pattern(64 * 48 * 4);
  rig.fill(pages, 0, image);
  is(rig.command(msg.flush(5, full(64, 48))), OK.NODATA);
  const seen = new Uint8Array(image.length);
  (source.pages as GuestPages).read(0, seen, 0, seen.length);
  assert.equal(seen, image);
  const rgba = rig.display.readRgba(0) as Uint8Array;
  const at = (47 * 64 + 63) * 4;
  assert.equal([...rgba.subarray(at, at + 4)], [image[at + 2], image[at + 1], image[at], 255]);
  assert.is(rig.gpu.counters.bytesCopied, 0);
  assert.is(rig.gpu.hostBytes, 0);
});

test("TRANSFER_TO_HOST_2D of a blob is answered and copies nothing", () => {
  const { rig } = withBlob();
  is(rig.command(msg.transfer(5, full(64, 48), 0)), OK.NODATA);
  is(rig.command(msg.transfer(5, full(5000, 5000), 0)), OK.NODATA);
  is(rig.command(msg.detach(5)), OK.NODATA);
  is(rig.command(msg.transfer(5, full(64, 48), 0)), OK.NODATA);
  assert.is(rig.gpu.counters.bytesCopied, 0);
});

test("a frame inside a blob: offset, stride, rectangle, format", () => {
  const { rig, pages } = withBlob(5, 65536);
  const image = pattern(65536);
  rig.fill(pages, 0, image);
  const frame = { r: { x: 3, y: 5, w: 20, h: 10 }, w: 50, h: 40, stride: 1024, offset: 4096, format: 67 };
  is(rig.command(msg.setScanoutBlob(0, 5, frame)), OK.NODATA);
  const source = rig.display.screen(0).source as ScanoutSource;
  assert.is(source.offsetBytes, 4096 + 5 * 1024 + 12);
  assert.is(source.strideBytes, 1024);
  assert.is(source.format, 67);
  is(rig.command(msg.flush(5, full(50, 40))), OK.NODATA);
  assert.equal(rig.display.screen(0).damage, { x: 0, y: 0, widthPixels: 20, heightPixels: 10 });
  const rgba = rig.display.readRgba(0) as Uint8Array;
  assert.equal(rgba.subarray(0, 80), image.subarray(source.offsetBytes, source.offsetBytes + 80));
});

test("SET_SCANOUT_BLOB refuses frames that are not inside the blob", () => {
  const { rig } = withBlob(5, 64 * 48 * 4);
  const bad = [
    { w: 64, h: 48, format: 0 },
    { w: 64, h: 48, format: 3000 },
    { w: 0, h: 48 },
    { w: 64, h: 0 },
    { w: 64, h: 48, stride: 252 },
    { w: 64, h: 48, stride: 0 },
    { w: 64, h: 48, stride: 0x80000000 },
    { w: 64, h: 1, stride: 0xffffffff },
    { w: 64, h: 48, stride: 260 },
    { w: 64, h: 48, offset: 4 },
    { w: 64, h: 48, offset: 0xffffffff },
    { w: 64, h: 49 },
    { w: 0x10000, h: 0x10000 },
    { w: 0xffffffff, h: 0xffffffff, stride: 0x7fffffff },
    { w: 0x40000001, h: 1, stride: 4 },
    { w: 64, h: 48, r: { x: 1, y: 0, w: 64, h: 48 } },
    { w: 64, h: 48, r: { x: 0, y: 0xffffffff, w: 64, h: 2 } },
    { w: 64, h: 48, r: full(0, 0) },
  ];
  for (const frame of bad) is(rig.command(msg.setScanoutBlob(0, 5, frame)), ERR.PARAMETER);
  is(rig.command(msg.setScanoutBlob(1, 5, { w: 64, h: 48 })), ERR.SCANOUT);
  is(rig.command(msg.setScanoutBlob(0, 6, { w: 64, h: 48 })), ERR.RESOURCE);
  rig.resource2d(6, 64, 48);
  is(rig.command(msg.setScanoutBlob(0, 6, { w: 64, h: 48 })), ERR.PARAMETER);
  assert.is(rig.display.screen(0).changes, 0);
  // The very last byte may be used.
  is(rig.command(msg.setScanoutBlob(0, 5, { w: 64, h: 47, offset: 256 })), OK.NODATA);
  is(rig.command(msg.setScanoutBlob(0, 0, { w: 0, h: 0 })), OK.NODATA);
  assert.is(rig.gpu.scanout(0), null);
});

test("CREATE_BLOB refuses bad ids, memory types, flags and sizes", () => {
  const rig = new GpuRig();
  const entries = [[0x100000, 8192]] as const;
  is(rig.command(msg.createBlob(0, { size: 4096, entries })), ERR.RESOURCE);
  for (const mem of [0, 4, 0x100, 0xffffffff, HOST3D, HOST3D_GUEST]) {
    is(rig.command(msg.createBlob(5, { mem, size: 4096, entries })), ERR.PARAMETER);
  }
  for (const flags of [8, 0x80000000, 0xffffffff]) {
    is(rig.command(msg.createBlob(5, { flags, size: 4096, entries })), ERR.PARAMETER);
  }
  is(rig.command(msg.createBlob(5, { size: 0, entries })), ERR.PARAMETER);
  is(rig.command(msg.createBlob(5, { size: 8193, entries })), ERR.PARAMETER);
  is(rig.command(msg.createBlob(5, { size: (1n << 64n) - 1n, entries })), ERR.PARAMETER);
  is(rig.command(msg.createBlob(5, { size: 4096, entries, count: 2 })), ERR.PARAMETER);
  is(rig.command(msg.createBlob(5, { size: 4096, entries, count: 0xffffffff })), ERR.OUT_OF_MEMORY);
  is(rig.command(msg.createBlob(5, { size: 4096, entries })), OK.NODATA);
  is(rig.command(msg.createBlob(5, { size: 4096, entries })), ERR.RESOURCE);
  is(rig.command(msg.create2d(5, BGRX, 8, 8)), ERR.RESOURCE);
});

test("a blob may get its memory later, lose it and get other", () => {
  const rig = new GpuRig();
  is(rig.command(msg.createBlob(5, { size: 64 * 48 * 4 })), OK.NODATA);
  const first = rig.scatter(64 * 48 * 4);
  const second = rig.scatter(64 * 48 * 4);
  rig.fill(first, 0, new Uint8Array(64 * 48 * 4).fill(1));
  rig.fill(second, 0, new Uint8Array(64 * 48 * 4).fill(2));
  is(rig.command(msg.attach(5, [[0x100000, 4096]])), ERR.PARAMETER);
  is(rig.command(msg.attach(5, first)), OK.NODATA);
  is(rig.command(msg.setScanoutBlob(0, 5, { w: 64, h: 48 })), OK.NODATA);
  assert.is((rig.display.readRgba(0) as Uint8Array)[0], 1);
  const before = rig.display.screen(0).source?.pages as GuestPages;
  // The guest takes its pages away while they are on the screen: the scanout goes dark, nothing is read.
  is(rig.command(msg.detach(5)), OK.NODATA);
  assert.is(rig.display.screen(0).source, null);
  assert.is(before.read(0, new Uint8Array(16), 0, 16), 0);
  is(rig.command(msg.flush(5, full(64, 48))), OK.NODATA);
  assert.is(rig.display.screen(0).flushes, 0);
  is(rig.command(msg.attach(5, second)), OK.NODATA);
  assert.is((rig.display.readRgba(0) as Uint8Array)[0], 2);
  is(rig.command(msg.flush(5, full(64, 48))), OK.NODATA);
  assert.is(rig.display.screen(0).flushes, 1);
});

test("UNREF of a blob on the screen: the scanout goes dark, nothing is read any more", () => {
  const { rig } = withBlob();
  is(rig.command(msg.setScanoutBlob(0, 5, { w: 64, h: 48 })), OK.NODATA);
  const pages = rig.display.screen(0).source?.pages as GuestPages;
  is(rig.command(msg.unref(5)), OK.NODATA);
  assert.is(rig.display.screen(0).source, null);
  assert.is(pages.read(0, new Uint8Array(16), 0, 16), 0);
});

test("page flips between blobs copy nothing and repeat nothing", () => {
  const { rig } = withBlob(5);
  is(rig.command(msg.createBlob(6, { size: 64 * 48 * 4, entries: rig.scatter(64 * 48 * 4) })), OK.NODATA);
  for (let i = 0; i < 10; i++) {
    const id = 5 + (i % 2);
    is(rig.command(msg.setScanoutBlob(0, id, { w: 64, h: 48 })), OK.NODATA);
    is(rig.command(msg.setScanoutBlob(0, id, { w: 64, h: 48 })), OK.NODATA);
    is(rig.command(msg.flush(id, full(64, 48))), OK.NODATA);
    assert.is(rig.display.screen(0).source?.resourceId, id);
  }
  assert.is(rig.display.screen(0).changes, 10);
  assert.is(rig.gpu.counters.flips, 9);
  assert.is(rig.gpu.counters.bytesCopied, 0);
});

test("blob_alignment holds for sizes once it is negotiated", () => {
  const aligned = new GpuRig({ blobAlignmentBytes: 8192 });
  assert.is(aligned.gpu.configLengthBytes, 20);
  assert.is(aligned.device.readConfig(16, 4), 8192);
  is(aligned.command(msg.createBlob(5, { size: 4096 })), ERR.PARAMETER);
  is(aligned.command(msg.createBlob(5, { size: 16384 })), OK.NODATA);
  const ignorant = new GpuRig({ blobAlignmentBytes: 8192 }, { features: [F.EDID, F.BLOB] });
  is(ignorant.command(msg.createBlob(5, { size: 4096 })), OK.NODATA);
  assert.is(new GpuRig().gpu.configLengthBytes, 16);
  for (const bytes of [0, 3, -4, 1.5, 2 ** 32]) {
    const says =
      bytes === 0 || bytes === 3
        ? /power of two/
        : /blobAlignmentBytes is .*, not an integer from 0 to 4294967295/;
    assert.throws(() => new GpuRig({ blobAlignmentBytes: bytes }), says);
  }
});

test("a blob has at most 2^53 - 1 bytes, so that it can be counted, saved and restored", () => {
  const rig = new GpuRig();
  for (const size of [1n << 53n, 1n << 63n, (1n << 64n) - 1n]) {
    is(rig.command(msg.createBlob(5, { size })), ERR.PARAMETER);
  }
  is(rig.command(msg.createBlob(5, { size: (1n << 53n) - 1n })), OK.NODATA);
  const next = new GpuRig({}, { idle: true, memory: rig.memory });
  next.device.restore(rig.device.save());
  assert.is(next.gpu.resources()[0]?.sizeBytes, Number.MAX_SAFE_INTEGER);
});

// Host blobs

function withHeap(heapBytes = 65536, options: { flags?: number; size?: number } = {}) {
  const renderer = new RecordingRenderer();
  const hostHeap = new HostHeap(heapBytes);
  const rig = new GpuRig({ renderer, hostHeap });
  is(rig.command(msg.ctxCreate(0, "test", { ctx: 1 })), OK.NODATA);
  const { flags = MAPPABLE, size = 8192 } = options;
  is(rig.command(msg.createBlob(5, { mem: HOST3D, flags, blobId: 77, size }, { ctx: 1 })), OK.NODATA);
  const window = new Uint8Array(hostHeap.buffer);
  return { rig, renderer, hostHeap, window };
}

test("the host visible memory is shared memory region 1", () => {
  const { rig, hostHeap } = withHeap();
  assert.equal(rig.gpu.sharedMemory, [{ id: 1, lengthBytes: 65536, buffer: hostHeap.buffer }]);
  assert.equal(new GpuRig().gpu.sharedMemory, []);
});

test("MAP moves the bytes into the window, UNMAP moves them out", () => {
  const { rig, renderer, window } = withHeap();
  const memory = renderer.blobs.get(5)?.memory;
  assert.is(memory?.sizeBytes, 8192);
  memory?.bytes().set(pattern(8192));
  const map = rig.command(msg.mapBlob(5, 4096), 32);
  is(map, OK.MAP_INFO);
  assert.is(map.written, 32);
  assert.equal([u32At(map.bytes, 24), u32At(map.bytes, 28)], [1, 0]);
  assert.equal(window.subarray(4096, 12288), pattern(8192));
  // The guest writes, the renderer sees it, and the other way round.
  window[4096] = 0xaa;
  assert.is(memory?.bytes()[0], 0xaa);
  if (memory !== undefined) memory.bytes()[1] = 0xbb;
  assert.is(window[4097], 0xbb);
  is(rig.command(msg.unmapBlob(5)), OK.NODATA);
  assert.equal([...(memory?.bytes().subarray(0, 2) ?? [])], [0xaa, 0xbb]);
  assert.ok(window.every((byte) => byte === 0));
  assert.equal(
    renderer.calls.slice(2).map(([method]) => method),
    ["mapBlob", "unmapBlob"],
  );
});

test("MAP errors: unknown, not host-only, not mappable, mapped, outside, overlapping", () => {
  const { rig, hostHeap } = withHeap();
  is(rig.command(msg.mapBlob(99, 0), 32), ERR.RESOURCE);
  is(rig.command(msg.unmapBlob(99)), ERR.RESOURCE);
  is(rig.command(msg.unmapBlob(5)), ERR.PARAMETER);
  is(rig.command(msg.createBlob(6, { mem: GUEST, flags: MAPPABLE, size: 4096 })), OK.NODATA);
  is(rig.command(msg.mapBlob(6, 0), 32), ERR.PARAMETER);
  is(
    rig.command(msg.createBlob(7, { mem: HOST3D_GUEST, flags: MAPPABLE, size: 4096 }, { ctx: 1 })),
    OK.NODATA,
  );
  is(rig.command(msg.mapBlob(7, 0), 32), ERR.PARAMETER);
  is(rig.command(msg.createBlob(8, { mem: HOST3D, flags: 0, size: 4096 }, { ctx: 1 })), OK.NODATA);
  is(rig.command(msg.mapBlob(8, 0), 32), ERR.PARAMETER);
  for (const offset of [65536 - 8191, 65536, 0xffffffff, (1n << 64n) - 4096n, 1n << 63n]) {
    is(rig.command(msg.mapBlob(5, offset), 32), ERR.PARAMETER);
  }
  is(rig.command(msg.mapBlob(5, 65536 - 8192), 32), OK.MAP_INFO);
  is(rig.command(msg.mapBlob(5, 0), 32), ERR.PARAMETER);
  is(rig.command(msg.createBlob(9, { mem: HOST3D, flags: MAPPABLE, size: 4096 }, { ctx: 1 })), OK.NODATA);
  is(rig.command(msg.mapBlob(9, 65536 - 4096), 32), ERR.PARAMETER);
  is(rig.command(msg.mapBlob(9, 65536 - 8192 - 4095), 32), ERR.PARAMETER);
  is(rig.command(msg.mapBlob(9, 65536 - 8192 - 4096), 32), OK.MAP_INFO);
  assert.is(hostHeap.mappedBlobs, 2);
  const without = new GpuRig({ renderer: new RecordingRenderer() });
  is(without.command(msg.mapBlob(5, 0), 32), ERR.UNSPEC);
  is(without.command(msg.unmapBlob(5)), ERR.UNSPEC);
});

test("with host visible memory MAP and UNMAP are there, renderer or not", () => {
  const rig = new GpuRig({ hostHeap: new HostHeap(4096) });
  is(rig.command(msg.mapBlob(5, 0), 32), ERR.RESOURCE);
  is(rig.command(msg.unmapBlob(5)), ERR.RESOURCE);
  is(rig.command(msg.createBlob(5, { mem: GUEST, flags: MAPPABLE, size: 4096 })), OK.NODATA);
  is(rig.command(msg.mapBlob(5, 0), 32), ERR.PARAMETER);
  is(rig.command(msg.unmapBlob(5)), ERR.PARAMETER);
});

test("a host heap has at least one byte", () => {
  for (const lengthBytes of [0, -1, 1.5, Number.NaN]) {
    assert.throws(
      () => new HostHeap(lengthBytes),
      (error: unknown) => error instanceof VirtioUsageError,
    );
  }
});

test("profiles qemu and crosvm map blobs without the flag", () => {
  for (const profile of ["qemu", "crosvm"] as const) {
    const rig = new GpuRig({ profile, renderer: new RecordingRenderer(), hostHeap: new HostHeap(65536) });
    is(rig.command(msg.ctxCreate(0, "test", { ctx: 1 })), OK.NODATA);
    is(rig.command(msg.createBlob(5, { mem: HOST3D, flags: 0, size: 4096 }, { ctx: 1 })), OK.NODATA);
    is(rig.command(msg.mapBlob(5, 0), 32), OK.MAP_INFO);
  }
});

test("UNREF and reset end mappings", () => {
  const { rig, hostHeap, window, renderer } = withHeap();
  renderer.blobs.get(5)?.memory.bytes().fill(7);
  is(rig.command(msg.mapBlob(5, 0), 32), OK.MAP_INFO);
  is(rig.command(msg.unref(5)), OK.NODATA);
  assert.is(hostHeap.mappedBlobs, 0);
  assert.ok(window.every((byte) => byte === 0));
  is(rig.command(msg.createBlob(5, { mem: HOST3D, flags: MAPPABLE, size: 4096 }, { ctx: 1 })), OK.NODATA);
  is(rig.command(msg.mapBlob(5, 0), 32), OK.MAP_INFO);
  rig.device.writeStatus(0);
  assert.is(hostHeap.mappedBlobs, 0);
  assert.is(rig.gpu.hostBytes, 0);
});

test("a renderer that can't map leaves the blob unmapped", () => {
  const { rig, renderer, hostHeap, window } = withHeap();
  renderer.next("out-of-memory");
  is(rig.command(msg.mapBlob(5, 0), 32), ERR.OUT_OF_MEMORY);
  assert.is(hostHeap.mappedBlobs, 0);
  assert.ok(window.every((byte) => byte === 0));
  is(rig.command(msg.mapBlob(5, 0), 32), OK.MAP_INFO);
});

test("a host blob on the screen stays there while it is mapped and unmapped", () => {
  const { rig, renderer, window } = withHeap(65536, { size: 64 * 32 * 4 });
  const image = pattern(8192);
  renderer.blobs.get(5)?.memory.bytes().set(image);
  is(rig.command(msg.setScanoutBlob(0, 5, { w: 64, h: 32 })), OK.NODATA);
  const seen = () => (rig.display.screen(0).source as ScanoutSource).pixels;
  assert.equal(seen(), image);
  is(rig.command(msg.mapBlob(5, 8192), 32), OK.MAP_INFO);
  window[8192] = (image[0] as number) ^ 0xff;
  assert.is(seen()?.[0], window[8192]);
  is(rig.command(msg.unmapBlob(5)), OK.NODATA);
  assert.is(seen()?.[0], (image[0] as number) ^ 0xff);
  is(rig.command(msg.flush(5, full(64, 32))), OK.NODATA);
  assert.is(rig.display.screen(0).flushes, 1);
  is(rig.command(msg.unref(5)), OK.NODATA);
  assert.is(rig.display.screen(0).source, null);
});

test("blob_alignment holds for offsets once it is negotiated", () => {
  const hostHeap = new HostHeap(65536);
  const rig = new GpuRig({ renderer: new RecordingRenderer(), hostHeap, blobAlignmentBytes: 8192 });
  is(rig.command(msg.ctxCreate(0, "test", { ctx: 1 })), OK.NODATA);
  is(rig.command(msg.createBlob(5, { mem: HOST3D, flags: MAPPABLE, size: 8192 }, { ctx: 1 })), OK.NODATA);
  is(rig.command(msg.mapBlob(5, 4096), 32), ERR.PARAMETER);
  is(rig.command(msg.mapBlob(5, 8192), 32), OK.MAP_INFO);
});

test("a fenced flush of a blob waits for the display", async () => {
  let finish = () => {};
  const display: Display = {
    setScanout: () => {},
    flush: () => new Promise<void>((resolve) => (finish = resolve)),
  };
  const rig = new GpuRig({ display: display as never });
  is(rig.command(msg.createBlob(5, { size: 64 * 48 * 4, entries: rig.scatter(64 * 48 * 4) })), OK.NODATA);
  is(rig.command(msg.setScanoutBlob(0, 5, { w: 64, h: 48 })), OK.NODATA);
  const { sent } = await rig.exchange(0, [msg.flush(5, full(64, 48), { flags: 1, fence: 9 })], [24]);
  assert.is(sent.written, -1);
  // Later commands go on meanwhile.
  is(rig.command(msg.create2d(6, BGRX, 8, 8)), OK.NODATA);
  finish();
  for (let i = 0; i < 20; i++) await Promise.resolve();
  rig.collect(0);
  const answer = rig.answer(sent);
  assert.equal([answer.type, answer.flags, answer.fence], [OK.NODATA, 1, 9n]);
  assert.is(CMD.RESOURCE_FLUSH, 0x104);
});

test.run();
