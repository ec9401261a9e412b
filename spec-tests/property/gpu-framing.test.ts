// Every command of a GPU, cut into descriptors at every byte and through rings of either format: what the device answers
// and does is the same.
import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { CMD, header, msg, words } from "../support/gpu-messages.ts";
import { BACKING_ADDRESS, type GpuMessage, GpuPair, queueOf } from "../support/gpu-pair.ts";
import { kindName, RING_KINDS, type RingKind } from "../support/ring-pair.ts";

const full = { x: 0, y: 0, w: 64, h: 64 };
const part = { x: 8, y: 16, w: 32, h: 24 };
const ctx = 1;
const box = [0, 0, 0, 8, 8, 1];

function message(request: Uint8Array, room = 24): GpuMessage {
  return { queue: queueOf(request), request, room };
}

/** Every command at least once, most of them with success; the errors are those of a request itself. */
const SCRIPT: readonly GpuMessage[] = [
  message(msg.displayInfo(), 408),
  message(msg.edid(1), 1056),
  message(msg.capsetInfo(0), 40),
  message(msg.capset(1, 1), 24 + 308),
  message(msg.create2d(1, 2, 64, 64)),
  message(
    msg.attach(1, [
      [BACKING_ADDRESS + 8192, 8192],
      [BACKING_ADDRESS + 100, 8000],
      [BACKING_ADDRESS + 20000, 192],
    ]),
  ),
  message(msg.transfer(1, full, 0, { flags: 1, fence: 0x1_0000_0002n })),
  message(msg.assignUuid(1), 40),
  message(msg.setScanout(0, 1, full)),
  message(msg.setScanout(1, 1, part)),
  message(msg.flush(1, part, { flags: 1, fence: 7 })),
  message(msg.cursor(CMD.UPDATE_CURSOR, 0, 5, 0xfffffff0, 1, 3, 4)),
  message(msg.cursor(CMD.MOVE_CURSOR, 0, 6, 7), 0),
  message(
    msg.createBlob(2, {
      size: 16384,
      entries: [
        [BACKING_ADDRESS + 32768, 4096],
        [BACKING_ADDRESS + 65536, 12288],
      ],
    }),
  ),
  message(msg.setScanoutBlob(1, 2, { r: part, w: 60, h: 60, stride: 244, offset: 100 })),
  message(msg.flush(2, full)),
  message(msg.ctxCreate(1, "a context", { ctx })),
  message(msg.create3d(3, [2, 1, 10, 64, 64, 1, 1, 0, 0, 0])),
  message(msg.ctxAttach(3, { ctx })),
  message(msg.attach(3, [[BACKING_ADDRESS + 4096, 16384]])),
  message(msg.transfer3d(CMD.TRANSFER_TO_HOST_3D, 3, box, 1n << 33n, 0, 256, 0, { ctx })),
  message(msg.transfer3d(CMD.TRANSFER_FROM_HOST_3D, 3, box, 64, 1, 256, 4096, { ctx })),
  message(msg.submit(words(0x01020304, 0x05060708, 9), { ctx, flags: 3, fence: 9, ring: 63 })),
  message(msg.createBlob(4, { mem: 2, flags: 1, blobId: 0x1234_5678_9abcn, size: 16384 }, { ctx })),
  message(msg.mapBlob(4, 4096), 32),
  message(msg.unmapBlob(4)),
  message(msg.ctxDetach(3, { ctx })),
  message(msg.detach(1)),
  message(msg.unref(2)),
  message(msg.ctxDestroy({ ctx })),
  message(header(0x10e, { flags: 1, fence: 11 })),
  message(msg.create2d(5, 2, 64, 64).subarray(0, 39)),
  message(msg.edid(0), 1055),
  message(msg.unref(77, { flags: 1, fence: 12 }), 23),
];

const LONGEST_REQUEST = Math.max(...SCRIPT.map(({ request }) => request.length));
const LONGEST_RESPONSE = Math.max(...SCRIPT.map(({ room }) => room));
const PLAIN: RingKind = { format: "split", indirectDesc: false, eventIdx: false, inOrder: false };
const FORMATS = RING_KINDS.filter(({ eventIdx, inOrder }) => !eventIdx && !inOrder);

/** What becomes of some of the commands, each followed by what can be seen then. */
function transcript(kind: RingKind, messages: readonly GpuMessage[], at: number): string[] {
  const pair = new GpuPair(kind);
  return messages.flatMap((each) => [pair.send(each, [at], [at]), pair.look()]);
}

const uncut = transcript(PLAIN, SCRIPT, 0);

test("the script has every command, and most do what they should", () => {
  const types = new Set(SCRIPT.map(({ request }) => new DataView(request.buffer).getUint32(0, true)));
  for (const [name, type] of Object.entries(CMD)) assert.ok(types.has(type), name);
  const good = uncut.filter((line, i) => i % 2 === 0 && /^\d+ 0[0-6]11/.test(line));
  // Three of the last four are errors; a MOVE_CURSOR has no room for an answer.
  assert.is(good.length, SCRIPT.length - 4);
});

for (const kind of FORMATS) {
  test(`${kindName(kind)}: every command, request and response cut at every byte`, () => {
    for (let at = 0; at < LONGEST_REQUEST; at++) {
      assert.equal(transcript(kind, SCRIPT, at), uncut, `cut at ${at}`);
    }
    // Behind that only long responses are left to cut.
    const long = SCRIPT.filter(({ room }) => room > LONGEST_REQUEST);
    const pair = new GpuPair(kind);
    const answers = long.map((each) => pair.send(each));
    for (let at = LONGEST_REQUEST; at < LONGEST_RESPONSE; at++) {
      for (const [i, each] of long.entries()) assert.is(pair.send(each, [], [at]), answers[i]);
    }
  });
}

const cuts = fc.array(fc.nat({ max: LONGEST_REQUEST }), { maxLength: 5 });
const step = fc.record({
  message: fc.nat({ max: SCRIPT.length - 1 }),
  room: fc.option(fc.nat({ max: 48 }), { freq: 6 }),
  requestCuts: cuts,
  responseCuts: cuts,
});

for (const kind of RING_KINDS) {
  test(`${kindName(kind)}: any commands, cut anywhere, do what they do uncut through a split ring`, () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 40 }), (steps) => {
        const here = new GpuPair(kind);
        const there = new GpuPair(PLAIN);
        for (const each of steps) {
          const sent = SCRIPT[each.message] as GpuMessage;
          const shorter = { ...sent, room: each.room ?? sent.room };
          assert.is(here.send(shorter, each.requestCuts, each.responseCuts), there.send(shorter));
        }
        assert.is(here.look(), there.look());
      }),
      { numRuns: 40 },
    );
  });
}

test.run();
