// Inputs that broke other implementations. Each must be answered with the specified error, change nothing, and leave
// the device at work.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  type GpuDeviceOptions,
  type GuestPages,
  HostHeap,
  type ScanoutSource,
} from "../../../../src/devices/gpu/index.ts";
import { GuestMemory } from "../../../../src/memory/index.ts";
import { NEEDS_RESET, type RigOptions, settle } from "../../../../src/testing/index.ts";
import { BGRX, CMD, CONTROLQ, CURSORQ, concat, ERR, msg, OK, words } from "../../../support/gpu-messages.ts";
import { type Answer, expectOk, GpuRig, pattern } from "../../../support/gpu-rig.ts";
import { RecordingRenderer } from "../../../support/recording-renderer.ts";

const full = (w: number, h: number) => ({ x: 0, y: 0, w, h });
const test = suite("attacks");

/** Why the last command of any rig was refused. The same response may have another reason: an attack has to meet its own. */
let reason = "";

class AttackedRig extends GpuRig {
  constructor(options: GpuDeviceOptions = {}, rig: RigOptions = {}) {
    const onCommand = (record: { readonly reason: string }): void => {
      reason = record.reason;
    };
    super({ ...options, onCommand }, rig);
  }
}

/** The answer to the last command, and, when it is an error, what for. */
function is(answer: Answer, type: number, why = ""): void {
  assert.equal([`0x${answer.type.toString(16)}`, reason], [`0x${type.toString(16)}`, why]);
}

/** The device still works on both queues. */
function alive(rig: GpuRig): void {
  assert.is(rig.device.status & NEEDS_RESET, 0);
  is(rig.command(msg.displayInfo(), 408), OK.DISPLAY_INFO);
  is(rig.cursorCommand(msg.cursor(CMD.MOVE_CURSOR, 0, 1, 1), 24), OK.NODATA);
}

test("CVE-2016-10029: scanout ids from num_scanouts up, in every command that has one", () => {
  const rig = new AttackedRig({ displays: [{}, {}] });
  rig.resource2d(5, 64, 64);
  expectOk(rig.command(msg.createBlob(6, { size: 16384, entries: [[0x100000, 16384]] })));
  for (const id of [2, 3, 15, 16, 17, 31, 32, 0x7fffffff, 0x80000000, 0xffffffff]) {
    is(rig.command(msg.setScanout(id, 5, full(64, 64))), ERR.SCANOUT, "no such scanout");
    is(rig.command(msg.setScanout(id, 0, full(0, 0))), ERR.SCANOUT, "no such scanout");
    is(rig.command(msg.setScanoutBlob(id, 6, { w: 64, h: 64 })), ERR.SCANOUT, "no such scanout");
    is(rig.command(msg.edid(id), 1056), ERR.SCANOUT, "no such scanout");
    is(rig.cursorCommand(msg.cursor(CMD.UPDATE_CURSOR, id, 0, 0, 5), 24), ERR.SCANOUT, "no such scanout");
    is(rig.cursorCommand(msg.cursor(CMD.MOVE_CURSOR, id, 0, 0), 24), ERR.SCANOUT, "no such scanout");
  }
  alive(rig);
});

test("CVE-2016-10028: GET_CAPSET of a capset with maximum size 0", () => {
  const rig = new AttackedRig({ renderer: new RecordingRenderer() });
  const answer = rig.command(msg.capset(4, 0), 100);
  is(answer, OK.CAPSET);
  assert.is(answer.written, 24);
  alive(rig);
});

test("CVE-2016-9845, CVE-2016-9908, CVE-2021-3545: no byte of a response is left from elsewhere", () => {
  const renderer = new RecordingRenderer();
  const rig = new AttackedRig({ renderer, hostHeap: new HostHeap(65536) });
  expectOk(rig.command(msg.ctxCreate(0, "", { ctx: 1 })));
  expectOk(rig.command(msg.createBlob(5, { mem: 2, flags: 1, size: 4096 }, { ctx: 1 })));
  rig.resource2d(6, 64, 64);
  // Fill every scratch buffer of the device with what must not come out again.
  rig.command(concat(msg.edid(0), new Uint8Array(200).fill(0xcc)), 1056);
  const zeroFrom = (answer: Answer, from: number) =>
    assert.ok(answer.bytes.subarray(from, answer.written).every((byte) => byte === 0));
  const info = rig.command(msg.capsetInfo(0), 40);
  zeroFrom(info, 36);
  rig.command(msg.edid(0), 1056);
  const map = rig.command(msg.mapBlob(5, 0), 32);
  zeroFrom(map, 28);
  rig.command(msg.edid(0), 1056);
  zeroFrom(rig.command(msg.displayInfo(), 408), 24 + 24);
  rig.command(msg.edid(0), 1056);
  const error = rig.command(msg.edid(9), 1056);
  assert.is(error.written, 24);
  zeroFrom(error, 4);
  assert.ok(error.bytes.subarray(24).every((byte) => byte === 0xa5));
});

test("CVE-2016-7994: CREATE_2D that fails keeps nothing", () => {
  const rig = new AttackedRig({ limits: { maxHostBytes: 1 << 20 } });
  for (let i = 0; i < 200; i++) {
    is(rig.command(msg.create2d(5, 0, 500, 500)), ERR.PARAMETER, "no such format");
    is(rig.command(msg.create2d(5, BGRX, 5000, 5000)), ERR.OUT_OF_MEMORY, "beyond the limits");
    is(rig.command(msg.create2d(0, BGRX, 500, 500)), ERR.RESOURCE, "the resource id is 0 or in use");
  }
  assert.is(rig.gpu.hostBytes, 0);
  is(rig.command(msg.create2d(5, BGRX, 512, 512)), OK.NODATA);
});

test("CVE-2016-9846: cursors of the wrong size", () => {
  const rig = new AttackedRig();
  for (const [id, w, h] of [
    [5, 63, 64],
    [6, 65, 64],
    [7, 1, 1],
    [8, 1024, 1024],
    [9, 4096, 1],
  ] as const) {
    expectOk(rig.command(msg.create2d(id, BGRX, w, h)));
    is(
      rig.cursorCommand(msg.cursor(CMD.UPDATE_CURSOR, 0, 0, 0, id), 24),
      ERR.PARAMETER,
      "the cursor is not 64x64 pixels",
    );
  }
  assert.is(rig.gpu.cursor(0), null);
  alive(rig);
});

test("CVE-2016-9912, CVE-2017-5552, -5578, -5857: backing is freed with its resource and not attached twice", () => {
  const rig = new AttackedRig({ limits: { maxBackingEntriesTotal: 8 } });
  const list = Array.from({ length: 8 }, (_, i) => [0x100000 + i * 8192, 4096] as const);
  for (let i = 0; i < 50; i++) {
    expectOk(rig.command(msg.create2d(5, BGRX, 64, 64)));
    is(rig.command(msg.attach(5, list)), OK.NODATA);
    is(rig.command(msg.attach(5, list)), ERR.UNSPEC, "the resource already has backing");
    expectOk(rig.command(msg.unref(5)));
  }
  alive(rig);
});

test("CVE-2021-3546: GET_CAPSET writes no more than promised or than there is room for", () => {
  const renderer = new RecordingRenderer();
  renderer.capsetBytes = new Uint8Array(100_000).fill(0xdd);
  const rig = new AttackedRig({ renderer });
  const answer = rig.command(msg.capset(1, 0), 4096);
  assert.is(answer.written, 24 + 308);
  assert.ok(answer.bytes.subarray(332).every((byte) => byte === 0xa5));
  assert.is(rig.command(msg.capset(1, 0), 30).written, 30);
});

test("CVE-2024-3446: responses and backing that lie in the rings themselves", () => {
  const rig = new AttackedRig();
  const ring = rig.rings[CURSORQ] as { used: number; avail: number; desc: number };
  // The cursor ring's used ring as response buffer of a control command: that ring is garbage, the device lives.
  const request = rig.place(msg.displayInfo());
  const sent = rig.offerBuffers(
    CONTROLQ,
    [
      { address: request, length: 24, flags: 0 },
      { address: ring.used, length: 64, flags: 2 },
    ],
    [{ address: ring.used, length: 64 }],
  );
  rig.notify(CONTROLQ);
  assert.is(sent.written, 64);
  // The control queue's own descriptors as backing: they are bytes like others.
  const control = rig.rings[CONTROLQ] as { desc: number };
  expectOk(rig.command(msg.create2d(5, BGRX, 16, 16)));
  expectOk(rig.command(msg.attach(5, [[control.desc, 1024]])));
  is(rig.command(msg.transfer(5, full(16, 16), 0)), OK.NODATA);
  is(rig.command(msg.displayInfo(), 408), OK.DISPLAY_INFO);
});

test("CVE-2024-3446: memory whose writes reach back into the device", () => {
  // Every write of the device into this region makes the driver notify again: what an own register in DMA does.
  let depth = 0;
  let deepest = 0;
  const holder: { rig: GpuRig | null } = { rig: null };
  const memory = new GuestMemory([
    { base: 0, memory: new ArrayBuffer(1 << 20) },
    {
      base: 1 << 20,
      memory: new ArrayBuffer(4096),
      onDeviceWrite: () => {
        depth++;
        deepest = Math.max(deepest, depth);
        holder.rig?.device.notify(CONTROLQ);
        holder.rig?.device.notify(CURSORQ);
        depth--;
      },
    },
  ]);
  const rig = new AttackedRig({}, { memory });
  holder.rig = rig;
  const request = rig.place(msg.displayInfo());
  for (let i = 0; i < 3; i++) {
    rig.offerBuffers(
      CONTROLQ,
      [
        { address: request, length: 24, flags: 0 },
        { address: 1 << 20, length: 408, flags: 2 },
      ],
      [{ address: 1 << 20, length: 408 }],
    );
  }
  rig.notify(CONTROLQ);
  assert.is(deepest, 1);
  assert.is(rig.gpu.counters.commands, 3);
  alive(rig);
});

test("CVE-2026-3886: width times bytes per pixel wraps 32 bits", () => {
  const rig = new AttackedRig({ limits: { maxResourceDimension: 0xffffffff } });
  for (const [w, h] of [
    [0x40000000, 1],
    [0x40000001, 1],
    [1, 0x40000001],
    [0x10001, 0x10000],
    [0x80000001, 2],
    [0xffffffff, 0xffffffff],
  ] as const) {
    is(rig.command(msg.create2d(5, BGRX, w, h)), ERR.OUT_OF_MEMORY, "beyond the limits");
  }
  expectOk(rig.command(msg.createBlob(6, { size: 4096, entries: [[0x100000, 4096]] })));
  for (const [w, h, stride] of [
    [0x40000001, 1, 4],
    [0x40000000, 1, 0],
    [0x20000000, 2, 0x80000000],
  ] as const) {
    is(
      rig.command(msg.setScanoutBlob(0, 6, { w, h, stride, r: full(1, 1) })),
      ERR.PARAMETER,
      "the frame has no size, or too small a stride",
    );
  }
  assert.is(rig.gpu.hostBytes, 0);
});

test("CVE-2026-66021: a blob larger than its backing is not read beyond it", () => {
  const strict = new AttackedRig();
  is(
    strict.command(msg.createBlob(5, { size: 1 << 20, entries: [[0x100000, 4096]] })),
    ERR.PARAMETER,
    "4096 bytes of backing for 1048576",
  );
  is(strict.command(msg.createBlob(5, { size: 1 << 20 })), OK.NODATA);
  is(strict.command(msg.attach(5, [[0x100000, 4096]])), ERR.PARAMETER, "4096 bytes of backing for 1048576");
  // Where a profile accepts it, the rest of the blob is nothing.
  const rig = new AttackedRig({ profile: "crosvm" });
  const page = rig.allocate(8192, 4096);
  rig.memory.view(page, 8192).fill(0x77);
  expectOk(rig.command(msg.createBlob(5, { size: 64 * 32 * 4, entries: [[page, 4096]] })));
  expectOk(rig.command(msg.setScanoutBlob(0, 5, { w: 64, h: 32 })));
  expectOk(rig.command(msg.flush(5, full(64, 32))));
  const rgba = rig.display.readRgba(0) as Uint8Array;
  assert.is(rgba[4095 - 3], 0x77);
  assert.equal([...rgba.subarray(4096, 4100)], [0, 0, 0, 255]);
});

test("CVE-2026-6502: a blob freed while it is scanned out", () => {
  const rig = new AttackedRig({ displays: [{}, {}] });
  expectOk(rig.command(msg.createBlob(5, { size: 64 * 48 * 4, entries: rig.scatter(64 * 48 * 4) })));
  for (const scanout of [0, 1]) expectOk(rig.command(msg.setScanoutBlob(scanout, 5, { w: 64, h: 48 })));
  const pages = (rig.display.screen(0).source as ScanoutSource).pages as GuestPages;
  expectOk(rig.command(msg.unref(5)));
  assert.equal([rig.gpu.scanout(0), rig.gpu.scanout(1)], [null, null]);
  assert.is(pages.read(0, new Uint8Array(64), 0, 64), 0);
  is(rig.command(msg.flush(5, full(64, 48))), ERR.RESOURCE, "no such resource");
  alive(rig);
});

test("CVE-2016-5403: requests without end are not all held", () => {
  const renderer = new RecordingRenderer();
  const rig = new AttackedRig({ renderer, limits: { maxCommandsInFlight: 5 } });
  expectOk(rig.command(msg.ctxCreate(0, "", { ctx: 1 })));
  const request = rig.place(msg.submit(new Uint8Array(4), { ctx: 1 }));
  for (let round = 0; round < 4; round++) {
    for (let i = 0; i < 10; i++) {
      rig.offerBuffers(CONTROLQ, [{ address: request, length: 36, flags: 0 }], []);
      renderer.next("later");
      rig.notify(CONTROLQ);
    }
    rig.device.resetQueue(CONTROLQ);
    rig.enableQueue(CONTROLQ);
  }
  assert.is(renderer.held.length, 5);
});

test("CVE-2021-3748: a request that the guest rewrites while it is worked on", async () => {
  // The renderer, in the middle of the command, finds that the guest has turned the request into another.
  const holder: { rig: GpuRig | null; address: number } = { rig: null, address: 0 };
  const renderer = new RecordingRenderer();
  const overwrite = () => holder.rig?.memory.write(holder.address, new Uint8Array(64).fill(0xff));
  const createResource = renderer.createResource.bind(renderer);
  renderer.createResource = (id, info) => {
    overwrite();
    return createResource(id, info);
  };
  const rig = new AttackedRig({ renderer });
  holder.rig = rig;
  const request = msg.create3d(5, [2, 1, 0, 64, 48, 1, 1, 0, 0, 0], { flags: 1, fence: 77 });
  holder.address = rig.place(request);
  renderer.next("later");
  const response = rig.allocate(24);
  const sent = rig.offerBuffers(
    CONTROLQ,
    [
      { address: holder.address, length: request.length, flags: 0 },
      { address: response, length: 24, flags: 2 },
    ],
    [{ address: response, length: 24 }],
  );
  rig.notify(CONTROLQ);
  renderer.held[0]?.resolve();
  await settle();
  rig.collect(CONTROLQ);
  const answer = rig.answer(sent);
  assert.equal([answer.type, answer.flags, answer.fence], [OK.NODATA, 1, 77n]);
  assert.equal(
    rig.gpu.resources().map(({ id, widthPixels }) => [id, widthPixels]),
    [[5, 64]],
  );
});

test("CVE-2026-3196, CVE-2024-7730: counts that overflow when multiplied", () => {
  const rig = new AttackedRig({
    limits: { maxBackingEntries: 0xffffffff, maxBackingEntriesTotal: Number.MAX_SAFE_INTEGER },
  });
  expectOk(rig.command(msg.create2d(5, BGRX, 32, 32)));
  for (const count of [0x10000000, 0x10000001, 0x80000000, 0xffffffff, 2]) {
    is(
      rig.command(msg.attach(5, [[0x100000, 4096]], {}, count)),
      ERR.PARAMETER,
      "fewer entries than announced",
    );
    is(
      rig.command(msg.createBlob(6, { size: 4096, entries: [[0x100000, 4096]], count })),
      ERR.PARAMETER,
      "fewer entries than announced",
    );
  }
  alive(rig);
});

test("entry counts above the limit or above what is there, and nothing is allocated for them", () => {
  const rig = new AttackedRig();
  expectOk(rig.command(msg.create2d(5, BGRX, 32, 32)));
  for (const [count, type, why] of [
    [16384, ERR.PARAMETER, "fewer entries than announced"],
    [16385, ERR.OUT_OF_MEMORY, "more than 16384 entries"],
    [0xffffffff, ERR.OUT_OF_MEMORY, "more than 16384 entries"],
  ] as const) {
    is(rig.command(msg.attach(5, [[0x100000, 4096]], {}, count)), type, why);
  }
  is(
    rig.command(msg.attach(5, [[0x100000, 4096]]).subarray(0, 47)),
    ERR.PARAMETER,
    "fewer entries than announced",
  );
});

test("entries of length 0, across the end of memory, and around the end of 64 bits", () => {
  const rig = new AttackedRig();
  expectOk(rig.command(msg.create2d(5, BGRX, 32, 32)));
  const nowhere = "an entry leads nowhere: address-out-of-range";
  for (const [address, length, why] of [
    [0x100000, 0, "an entry of length 0"],
    [(32 << 20) - 4095, 4096, nowhere],
    [32 << 20, 1, nowhere],
    [(1n << 64n) - 4096n, 4096, nowhere],
    [(1n << 64n) - 1n, 2, nowhere],
    [(1n << 64n) - 4096n, 0xffffffff, nowhere],
    [1n << 63n, 0x80000000, nowhere],
    [0, 0xffffffff, nowhere],
  ] as const) {
    const entries = [
      [0x100000, 4096],
      [address, length],
    ] as const;
    is(rig.command(msg.attach(5, entries)), ERR.PARAMETER, why);
    is(rig.command(msg.createBlob(6, { size: 4096, entries })), ERR.PARAMETER, why);
  }
  // What failed half way left nothing attached.
  is(rig.command(msg.detach(5)), ERR.UNSPEC, "the resource has no backing");
  is(rig.command(msg.attach(5, [[0x100000, 4096]])), OK.NODATA);
});

test("x plus width wrapping 32 bits, everywhere", () => {
  const rig = new AttackedRig();
  rig.resource2d(5, 64, 64);
  expectOk(rig.command(msg.createBlob(6, { size: 16384, entries: rig.scatter(16384) })));
  expectOk(rig.command(msg.setScanoutBlob(0, 6, { w: 64, h: 64 })));
  for (const r of [
    { x: 0xffffffff, y: 0, w: 1, h: 1 },
    { x: 0xffffffc0, y: 0, w: 65, h: 1 },
    { x: 1, y: 0, w: 0xffffffff, h: 1 },
    { x: 0, y: 0xffffffff, w: 1, h: 0xffffffff },
  ]) {
    is(rig.command(msg.transfer(5, r, 0)), ERR.PARAMETER, "the rectangle is not inside the resource");
    is(rig.command(msg.flush(5, r)), ERR.PARAMETER, "the rectangle is not inside the resource");
    is(rig.command(msg.setScanout(0, 5, r)), ERR.PARAMETER, "the rectangle is not inside the resource");
    is(
      rig.command(msg.setScanoutBlob(0, 6, { w: 64, h: 64, r })),
      ERR.PARAMETER,
      "the rectangle is not inside the frame",
    );
    // A blob has no size to be outside of; what does not touch its frame is not shown.
    is(rig.command(msg.flush(6, r)), OK.NODATA);
  }
  const damage = rig.display.screen(0).damage;
  assert.ok(damage === null || (damage.x + damage.widthPixels <= 64 && damage.y + damage.heightPixels <= 64));
});

test("offset plus stride times height beyond the blob", () => {
  const rig = new AttackedRig();
  expectOk(rig.command(msg.createBlob(6, { size: 65536, entries: [[0x100000, 65536]] })));
  for (const frame of [
    { w: 16, h: 16384, stride: 0x7fffffff },
    { w: 16, h: 2, stride: 0x7ffffffc, offset: 0xfffffffc },
    { w: 128, h: 128, offset: 4 },
    { w: 128, h: 129 },
    { w: 16, h: 2, stride: 65536 - 63 },
  ]) {
    is(rig.command(msg.setScanoutBlob(0, 6, frame)), ERR.PARAMETER, "the frame is not inside the blob");
  }
  is(rig.command(msg.setScanoutBlob(0, 6, { w: 16, h: 2, stride: 65536 - 64 })), OK.NODATA);
  assert.ok(rig.display.readRgba(0));
});

test("MAP_BLOB offset plus size wrapping", () => {
  const rig = new AttackedRig({ renderer: new RecordingRenderer(), hostHeap: new HostHeap(8192) });
  expectOk(rig.command(msg.ctxCreate(0, "", { ctx: 1 })));
  expectOk(rig.command(msg.createBlob(5, { mem: 2, flags: 1, size: 4096 }, { ctx: 1 })));
  for (const offset of [
    4097,
    8192,
    0xfffff000,
    (1n << 32n) - 4096n,
    (1n << 64n) - 4096n,
    (1n << 64n) - 1n,
    1n << 53n,
  ]) {
    is(rig.command(msg.mapBlob(5, offset), 32), ERR.PARAMETER, "outside of the window, or over another blob");
  }
  is(rig.command(msg.mapBlob(5, 4096), 32), OK.MAP_INFO);
});

test("UNREF and DETACH while scanned out, shown as cursor, mapped and exported at once", () => {
  const renderer = new RecordingRenderer();
  const hostHeap = new HostHeap(65536);
  const rig = new AttackedRig({ renderer, hostHeap });
  expectOk(rig.command(msg.ctxCreate(0, "", { ctx: 1 })));
  expectOk(rig.command(msg.createBlob(5, { mem: 2, flags: 5, size: 16384 }, { ctx: 1 })));
  renderer.blobs.get(5)?.memory.bytes().set(pattern(16384));
  is(rig.command(msg.mapBlob(5, 16384), 32), OK.MAP_INFO);
  expectOk(rig.command(msg.setScanoutBlob(0, 5, { w: 64, h: 64 })));
  is(rig.cursorCommand(msg.cursor(CMD.UPDATE_CURSOR, 0, 0, 0, 5), 24), OK.NODATA);
  expectOk(rig.command(msg.ctxAttach(5, { ctx: 1 })));
  const uuid = rig.command(msg.assignUuid(5), 40).bytes.slice(24);
  const use = rig.gpu.sharedObjects.acquire(uuid);
  is(rig.command(msg.detach(5)), ERR.UNSPEC, "the resource has no backing");
  expectOk(rig.command(msg.unref(5)));
  assert.is(rig.gpu.scanout(0), null);
  assert.is(hostHeap.mappedBlobs, 0);
  assert.ok(new Uint8Array(hostHeap.buffer).every((byte) => byte === 0));
  assert.equal(rig.gpu.cursor(0)?.pixels, pattern(16384));
  assert.equal(use?.content?.hostBytes(), pattern(16384));
  assert.is(rig.gpu.hostBytes, 16384);
  use?.release();
  assert.is(rig.gpu.hostBytes, 0);
  is(rig.command(msg.ctxDetach(5, { ctx: 1 })), ERR.RESOURCE, "no such resource");
  alive(rig);
});

test("an unknown command with a fence: the error echoes it", () => {
  const rig = new AttackedRig();
  for (const type of [0, 0x1ff, 0x20a, 0xffffffff]) {
    const request = concat(words(type), msg.displayInfo({ flags: 1, fence: 0xabcdef, ctx: 3 }).subarray(4));
    const answer = rig.command(request);
    is(answer, ERR.UNSPEC, "no such command");
    assert.equal([answer.flags, answer.fence, answer.ctx], [1, 0xabcdefn, 3]);
  }
});

test("a broken ring stops its queue only", () => {
  const rig = new AttackedRig();
  rig.offerBuffers(CURSORQ, [{ address: 0x4000_0000, length: 24, flags: 0 }], []);
  rig.notify(CURSORQ);
  assert.is(rig.device.status & NEEDS_RESET, NEEDS_RESET);
  is(rig.command(msg.displayInfo(), 408), OK.DISPLAY_INFO);
  rig.device.writeStatus(0);
  rig.initialize();
  alive(rig);
});

test("huge chains: a request and a response of megabytes", () => {
  const rig = new AttackedRig();
  const address = rig.allocate(8 << 20, 4096);
  rig.memory.write(address, msg.create2d(5, BGRX, 8, 8));
  const sent = rig.offerBuffers(
    CONTROLQ,
    [
      { address, length: 4 << 20, flags: 0 },
      { address: address + (4 << 20), length: 4 << 20, flags: 2 },
    ],
    [{ address: address + (4 << 20), length: 4 << 20 }],
  );
  rig.notify(CONTROLQ);
  assert.is(sent.written, 24);
  alive(rig);
});

test("memory that goes away under a resource, a scanout and a cursor", () => {
  const memory = new GuestMemory([{ base: 0, memory: new ArrayBuffer(4 << 20) }]);
  const extra = memory.addRegion({ base: 1 << 30, memory: new ArrayBuffer(1 << 20) });
  const rig = new AttackedRig({}, { memory });
  const entry = [[1 << 30, 64 * 64 * 4]] as const;
  expectOk(rig.command(msg.create2d(5, BGRX, 64, 64)));
  expectOk(rig.command(msg.attach(5, entry)));
  expectOk(rig.command(msg.createBlob(6, { size: 64 * 64 * 4, entries: entry })));
  expectOk(rig.command(msg.setScanoutBlob(0, 6, { w: 64, h: 64 })));
  memory.removeRegion(extra);
  extra.u8.fill(0x55);
  expectOk(rig.command(msg.transfer(5, full(64, 64), 0)));
  expectOk(rig.command(msg.flush(6, full(64, 64))));
  assert.ok((rig.display.readRgba(0) as Uint8Array).every((byte, i) => byte === (i % 4 === 3 ? 255 : 0)));
  is(rig.cursorCommand(msg.cursor(CMD.UPDATE_CURSOR, 0, 0, 0, 6), 24), OK.NODATA);
  assert.ok(rig.gpu.cursor(0)?.pixels.every((byte) => byte === 0));
  assert.is(rig.gpu.counters.bytesCopied, 0);
  alive(rig);
});

test.run();
