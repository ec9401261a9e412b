// Any commands in any order, in any state, whole and broken: the device answers each with a response of the
// specification, keeps its accounts, and never throws.
import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { MemoryDisplay } from "../../src/backends/display/memory/index.ts";
import { HostHeap } from "../../src/devices/gpu/index.ts";
import { NEEDS_RESET, settle } from "../../src/testing/index.ts";
import { CMD, CONTROLQ, CURSORQ, type Entry, type HeaderOptions, msg, OK } from "../support/gpu-messages.ts";
import { GpuRig } from "../support/gpu-rig.ts";
import { RecordingRenderer } from "../support/recording-renderer.ts";

const MEMORY_BYTES = 4 << 20;
const OUTSIDE = 1n << 40n;

// Few ids, so that commands meet; numbers at the edges, so that sums wrap.
const id = fc.constantFrom(1, 1, 2, 2, 3, 4, 5, 0, 0xffffffff);
const scanout = fc.constantFrom(0, 0, 0, 1, 1, 1, 2, 0xffffffff);
const size = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 66 }) },
  { weight: 1, arbitrary: fc.constantFrom(64, 4096, 16384, 0x40000001, 0x7fffffff, 0x80000000, 0xffffffff) },
);
const small = fc.integer({ min: 0, max: 20 });
const rect = fc.oneof(
  { weight: 3, arbitrary: fc.record({ x: small, y: small, w: small, h: small }) },
  { weight: 1, arbitrary: fc.record({ x: size, y: size, w: size, h: size }) },
);
const format = fc.constantFrom(1, 2, 67, 134, 0, 77);
const number64 = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 70_000 }).map(BigInt) },
  { weight: 1, arbitrary: fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }) },
);
const entry: fc.Arbitrary<Entry> = fc.tuple(
  fc.oneof(
    { weight: 9, arbitrary: fc.integer({ min: 0x80000, max: MEMORY_BYTES }).map(BigInt) },
    { weight: 1, arbitrary: fc.constantFrom(OUTSIDE, (1n << 64n) - 8n) },
  ),
  fc.oneof(
    { weight: 9, arbitrary: fc.integer({ min: 1, max: 20_000 }) },
    { weight: 1, arbitrary: fc.constantFrom(0, 0xffffffff) },
  ),
);
const entryList = fc.array(entry, { maxLength: 6 });
const header: fc.Arbitrary<HeaderOptions> = fc.record({
  flags: fc.constantFrom(0, 0, 1, 3, 2, 0xffffffff),
  fence: fc.constantFrom(0, 1, 2, 3, 0xffff_ffff_ffff),
  ctx: fc.constantFrom(0, 1, 1, 1, 2),
  ring: fc.constantFrom(0, 1, 63, 64),
});

const anyMessage = fc.oneof(
  header.map((o) => msg.displayInfo(o)),
  fc.tuple(scanout, header).map(([s, o]) => msg.edid(s, o)),
  fc.tuple(id, format, size, size, header).map(([i, f, w, h, o]) => msg.create2d(i, f, w, h, o)),
  fc.tuple(id, header).map(([i, o]) => msg.unref(i, o)),
  fc.tuple(scanout, id, rect, header).map(([s, i, r, o]) => msg.setScanout(s, i, r, o)),
  fc.tuple(id, rect, header).map(([i, r, o]) => msg.flush(i, r, o)),
  fc.tuple(id, rect, number64, header).map(([i, r, at, o]) => msg.transfer(i, r, at, o)),
  fc
    .tuple(id, entryList, header, fc.option(size))
    .map(([i, list, o, count]) => msg.attach(i, list, o, count ?? list.length)),
  fc.tuple(id, header).map(([i, o]) => msg.detach(i, o)),
  fc.tuple(size, header).map(([i, o]) => msg.capsetInfo(i % 4, o)),
  fc.tuple(size, header).map(([i, o]) => msg.capset(i % 5, i % 3, o)),
  fc.tuple(id, header).map(([i, o]) => msg.assignUuid(i, o)),
  fc
    .tuple(id, fc.constantFrom(0, 1, 1, 2, 3), fc.integer({ min: 0, max: 8 }), number64, entryList, header)
    .map(([i, mem, flags, bytes, list, o]) =>
      msg.createBlob(i, { mem, flags, size: bytes, entries: list }, o),
    ),
  fc
    .tuple(scanout, id, rect, size, size, size, format, header)
    .map(([s, i, r, w, h, offset, f, o]) => msg.setScanoutBlob(s, i, { r, w, h, offset, format: f }, o)),
  fc.tuple(id, number64, header).map(([i, at, o]) => msg.mapBlob(i, at, o)),
  fc.tuple(id, header).map(([i, o]) => msg.unmapBlob(i, o)),
  fc.tuple(size, header).map(([n, o]) => msg.ctxCreate(n, "name", o)),
  header.map((o) => msg.ctxDestroy(o)),
  fc.tuple(id, header).map(([i, o]) => msg.ctxAttach(i, o)),
  fc.tuple(id, header).map(([i, o]) => msg.ctxDetach(i, o)),
  fc.tuple(id, header).map(([i, o]) => msg.create3d(i, [2, 1, 0, 64, 64, 1, 1, 0, 0, 0], o)),
  fc
    .tuple(id, fc.boolean(), number64, header)
    .map(([i, to, at, o]) =>
      msg.transfer3d(
        to ? CMD.TRANSFER_TO_HOST_3D : CMD.TRANSFER_FROM_HOST_3D,
        i,
        [0, 0, 0, 1, 1, 1],
        at,
        0,
        0,
        0,
        o,
      ),
    ),
  fc.tuple(size, header).map(([n, o]) => msg.submit(new Uint8Array(n % 100), o, n)),
  fc
    .tuple(fc.constantFrom(CMD.UPDATE_CURSOR, CMD.MOVE_CURSOR), scanout, size, id, header)
    .map(([type, s, at, i, o]) => msg.cursor(type, s, at, at, i, at, at, o)),
);

/** What is done to a message before it is sent. */
const damage = fc.oneof(
  { weight: 8, arbitrary: fc.constant({ kind: "none" as const }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("cut" as const), at: fc.nat({ max: 120 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("flip" as const),
      at: fc.nat({ max: 120 }),
      bits: fc.integer({ min: 1, max: 255 }),
    }),
  },
);

const step = fc.record({
  message: anyMessage,
  damage,
  room: fc.constantFrom(24, 24, 408, 1056, 0, 7, 40),
  onCursorQueue: fc.integer({ min: 0, max: 19 }).map((n) => n === 0),
  later: fc.integer({ min: 0, max: 4 }).map((n) => n === 0),
  fails: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
  event: fc.constantFrom(
    "",
    "",
    "",
    "",
    "",
    "",
    "",
    "settle",
    "settle",
    "reset",
    "queue-reset",
    "read",
    "display",
  ),
});

/** Something of every kind, so that commands find what they refer to. */
function prepare(rig: GpuRig): void {
  const page = 0x100000;
  rig.command(msg.ctxCreate(0, "", { ctx: 1 }));
  rig.command(msg.create2d(1, 2, 64, 64));
  rig.command(
    msg.attach(1, [
      [page + 8192, 8192],
      [page, 8192],
    ]),
  );
  rig.command(msg.createBlob(2, { size: 16384, entries: [[page + 65536, 16384]] }));
  rig.command(msg.create3d(3, [2, 1, 0, 64, 64, 1, 1, 0, 0, 0]));
  rig.command(msg.createBlob(4, { mem: 2, flags: 1, size: 16384 }, { ctx: 1 }));
}

function check(rig: GpuRig): void {
  const resources = rig.gpu.resources();
  const known = new Set(resources.map((each) => each.id));
  let bytes = 0;
  for (const { kind, sizeBytes } of resources) if (kind === "2d" || kind === "host-blob") bytes += sizeBytes;
  assert.is(rig.gpu.hostBytes, bytes);
  for (let i = 0; i < rig.gpu.scanoutCount; i++) {
    const source = rig.gpu.scanout(i);
    assert.is(rig.display.screen(i).source, source);
    if (source === null) continue;
    assert.ok(known.has(source.resourceId));
    assert.ok((source.pixels === null) !== (source.pages === null));
    assert.ok(resources.find(({ id: each }) => each === source.resourceId)?.scanouts.includes(i));
  }
}

for (const profile of ["spec", "qemu", "crosvm"] as const) {
  test(`any commands in any order, ${profile}`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60 }), async (steps) => {
        const renderer = new RecordingRenderer();
        const display = new MemoryDisplay();
        const rig = new GpuRig(
          {
            profile,
            renderer,
            display,
            hostHeap: new HostHeap(65536),
            displays: [{}, {}],
            features: { resourceUuid: true },
            limits: { maxHostBytes: 1 << 20, maxResources: 6, maxCommandsInFlight: 6 },
            onCommand: () => {},
          },
          { memoryBytes: MEMORY_BYTES },
        );
        const picture = {
          widthPixels: 64,
          heightPixels: 64,
          format: 2,
          strideBytes: 256,
          bytes: new Uint8Array(16384),
        };
        renderer.pictures.set(1, picture);
        renderer.pictures.set(3, picture);
        prepare(rig);
        for (const each of steps) {
          let bytes: Uint8Array = each.message;
          if (each.damage.kind === "cut") bytes = bytes.subarray(0, each.damage.at);
          if (each.damage.kind === "flip") {
            bytes = bytes.slice();
            const at = each.damage.at % bytes.length;
            bytes[at] = (bytes[at] as number) ^ each.damage.bits;
          }
          if (each.later) renderer.next("later");
          else if (each.fails) renderer.next("out-of-memory");
          const isCursor = bytes[1] === 3;
          const queue = isCursor !== each.onCursorQueue ? CURSORQ : CONTROLQ;
          if ((rig.rings[queue]?.availIdx ?? 0) - (rig.rings[queue]?.usedIdx ?? 0) < 5) {
            const sent = rig.offer(queue, [bytes], each.room === 0 ? [] : [each.room]);
            rig.notify(queue);
            if (sent.written >= 0) {
              const answer = rig.answer(sent);
              assert.ok(sent.written <= each.room);
              assert.ok(answer.bytes.subarray(sent.written).every((byte) => byte === 0xa5));
              const good = answer.type >= OK.NODATA && answer.type <= OK.MAP_INFO;
              const bad = answer.type >= 0x1200 && answer.type <= 0x1205;
              if (sent.written >= 4) assert.ok(good || bad, `0x${answer.type.toString(16)}`);
              if (sent.written >= 24 && bad) assert.is(sent.written, 24);
            }
          }
          if (each.event === "settle") {
            for (const held of renderer.held.splice(0)) held.resolve();
            await settle();
            rig.collect(CONTROLQ);
            rig.collect(CURSORQ);
          } else if (each.event === "reset") {
            rig.device.writeStatus(0);
            rig.initialize();
            // What is under way from before the reset may fill all places.
            for (const held of renderer.held.splice(0)) held.resolve();
            await settle();
            renderer.next(null);
            prepare(rig);
          } else if (each.event === "queue-reset") {
            rig.device.resetQueue(CONTROLQ);
            rig.enableQueue(CONTROLQ);
          } else if (each.event === "read") {
            for (const i of [0, 1]) display.readRgba(i);
          } else if (each.event === "display") {
            rig.gpu.setDisplay(1, { widthPixels: 100 + steps.length, heightPixels: 100 });
          }
          assert.is(rig.device.status & NEEDS_RESET, 0);
        }
        for (let i = 0; i < 40 && rig.gpu.commandsInFlight > 0; i++) {
          for (const held of renderer.held.splice(0)) held.resolve();
          await settle();
        }
        rig.collect(CONTROLQ);
        rig.collect(CURSORQ);
        assert.is(rig.gpu.commandsInFlight, 0);
        check(rig);
        renderer.next(null);
        assert.is(rig.command(msg.displayInfo(), 408).type, OK.DISPLAY_INFO);
        rig.device.writeStatus(0);
        assert.is(rig.gpu.hostBytes, 0);
        assert.is(rig.gpu.sharedObjects.size, 0);
      }),
      { numRuns: 200, includeErrorInReport: true },
    );
  });
}

test.run();
