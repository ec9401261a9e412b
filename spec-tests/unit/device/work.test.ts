// What each thing that a driver can ask for is charged. One notification is measured at a time: it gets a whole budget,
// and what is missing afterwards was charged.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { WorkBudget } from "../../../src/base/work-budget.ts";
import { DEFAULT_MAX_TURN_WORK } from "../../../src/device/work.ts";
import { HostHeap } from "../../../src/devices/gpu/index.ts";
import { RngDevice } from "../../../src/devices/rng/index.ts";
import type { AddressTranslator } from "../../../src/memory/index.ts";
import { DeviceRig, WRITE } from "../../../src/testing/index.ts";
import { CMD, CONTROLQ, CURSORQ, msg, OK } from "../../support/gpu-messages.ts";
import { expectOk, GpuRig } from "../../support/gpu-rig.ts";
import { RecordingRenderer } from "../../support/recording-renderer.ts";
import { VdmabufGuest } from "../../support/vdmabuf-guest.ts";
import { exportMessage, S, statusOf } from "../../support/vdmabuf-messages.ts";

// Written out a second time.
const REQUEST = 1024;
const PIECE = 512;
const TRANSLATED = 2048;
const ELEMENT = 256;
const FRESH = 2;
const SWEEP = 6144;
const ROW = 64;
const PIXEL = 4;
const ENTRY = 4096;
const RANDOM_BYTE = 16;

/** Units that were charged for an action of one notification. */
function charged(action: () => void): number {
  const { renew } = WorkBudget.prototype;
  let budget: WorkBudget | null = null;
  WorkBudget.prototype.renew = function (this: WorkBudget) {
    budget = this;
    renew.call(this);
  };
  try {
    action();
  } finally {
    WorkBudget.prototype.renew = renew;
  }
  const { max, left, waiting } = budget as unknown as WorkBudget;
  assert.is(waiting, 0, "all of it in one turn");
  return max - left;
}

const rect = (w: number, h: number) => ({ x: 0, y: 0, w, h });

/** A gpu, and what a command is charged beyond a command that does nothing. */
function gpu() {
  const renderer = new RecordingRenderer();
  const rig = new GpuRig({ renderer, hostHeap: new HostHeap(1 << 20), uuidOnRepeat: "new" });
  expectOk(rig.command(msg.ctxCreate(0, "test", { ctx: 1 })));
  const nothing = charged(() => rig.cursorCommand(msg.cursor(CMD.MOVE_CURSOR, 0, 1, 1)));
  const beyond = (request: Uint8Array, responseBytes = 24): number =>
    charged(() => assert.ok(rig.command(request, responseBytes).type < 0x1200, "it is done")) - nothing;
  return { rig, beyond };
}

test("a turn is 16 MiB of copied bytes, unless the embedder says otherwise", () => {
  assert.is(DEFAULT_MAX_TURN_WORK, 16 << 20);
});

test("requests, of every device", () => {
  const { rig } = gpu();
  for (const queue of [CONTROLQ, CURSORQ]) {
    const [one, three] = [1, 3].map((count) =>
      charged(() => {
        for (let i = 0; i < count; i++) {
          rig.offer(
            queue,
            [queue === CONTROLQ ? msg.displayInfo() : msg.cursor(CMD.MOVE_CURSOR, 0, 1, 1)],
            [24],
          );
        }
        rig.notify(queue);
      }),
    ) as [number, number];
    assert.is(three - one, 2 * REQUEST);
    assert.ok(one >= REQUEST);
  }
  const source = (target: Uint8Array): void => void target.fill(7);
  const random = new DeviceRig(new RngDevice({ source }));
  const buffers = (count: number, bytes: number) =>
    charged(() => {
      for (let i = 0; i < count; i++) random.offer(0, [], [bytes]);
      random.notify(0);
    });
  const one = buffers(1, 100);
  assert.is(buffers(1, 1100) - one, 1000 * RANDOM_BYTE, "random bytes");
  assert.is(buffers(3, 100) - one, 2 * (REQUEST + 100 * RANDOM_BYTE));
});

test("pixels that come into being, and the entries that end with a resource", () => {
  const { rig, beyond } = gpu();
  assert.is(beyond(msg.create2d(1, 2, 64, 32)), 64 * 32 * 4);
  assert.is(beyond(msg.unref(1)), ENTRY);
  expectOk(rig.command(msg.createBlob(2, { size: 4096, flags: 2 })));
  for (let i = 0; i < 5; i++) assert.is(rig.command(msg.assignUuid(2), 40).type, OK.UUID);
  assert.is(beyond(msg.unref(2)), 6 * ENTRY);
});

test("pieces of backing, copied bytes, rows and pieces of a transfer, pixels of a flush", () => {
  const { rig, beyond } = gpu();
  expectOk(rig.command(msg.create2d(1, 2, 64, 64)));
  const pages = rig.scatter(64 * 64 * 4);
  assert.is(pages.length, 4);
  assert.is(beyond(msg.attach(1, pages)), 4 * PIECE);
  // What is written for the first time costs more: of the first half, then of the rest.
  assert.is(beyond(msg.transfer(1, rect(64, 32), 0)), 64 * 32 * 4 * (1 + FRESH) + 4 * PIECE);
  assert.is(beyond(msg.transfer(1, rect(64, 64), 0)), 64 * 64 * 4 + 64 * 32 * 4 * FRESH + 4 * PIECE);
  assert.is(beyond(msg.transfer(1, rect(64, 64), 0)), 64 * 64 * 4 + 4 * PIECE);
  assert.is(beyond(msg.transfer(1, rect(32, 64), 0)), 64 * (32 * 4 + ROW) + 4 * PIECE);
  expectOk(rig.command(msg.setScanout(0, 1, rect(64, 64))));
  assert.is(beyond(msg.flush(1, rect(16, 8))), 16 * 8 * PIXEL);
});

/** From 1 GiB on, every page is one of a few that are far apart. */
const SCATTERED = 0x4000_0000;
const translator: AddressTranslator = {
  translate(hi, lo, lengthBytes, _write, result) {
    result.hi = hi;
    result.lo = lo < SCATTERED ? lo : (1 << 20) + ((lo >>> 12) & 15) * 8192 + (lo & 4095);
    return lo < SCATTERED ? lengthBytes : Math.min(lengthBytes, 4096 - (lo & 4095));
  },
};

test("elements of a buffer beyond the second, and runs that a translator is asked for", () => {
  const source = (target: Uint8Array): void => void target.fill(7);
  const rig = new DeviceRig(new RngDevice({ source }));
  const cost = (lengths: readonly number[]) =>
    charged(() => {
      rig.offer(0, [], lengths);
      rig.notify(0);
    });
  const one = cost([64]);
  assert.is(cost([32, 32]), one);
  assert.is(cost([16, 16, 16, 16]) - one, 2 * ELEMENT);
  const translated = new DeviceRig(new RngDevice({ source }), { device: { translator }, ringFeatures: [33] });
  const [two, five] = [2, 5].map((pages) =>
    charged(() => {
      const buffer = { address: SCATTERED, length: pages * 4096, flags: WRITE };
      translated.offerBuffers(0, [buffer], [buffer]);
      translated.notify(0);
    }),
  ) as [number, number];
  assert.is(five - two, 3 * (TRANSLATED + 4096 * RANDOM_BYTE));
  const behind = new GpuRig({}, { device: { translator }, ringFeatures: [33] });
  const attached = [1, 2].map((id) => {
    expectOk(behind.command(msg.create2d(id, 2, 8, 8)));
    return charged(() => expectOk(behind.command(msg.attach(id, [[SCATTERED, id * 4096]]))));
  }) as [number, number];
  assert.is(attached[1] - attached[0], TRANSLATED);
});

test("resources that a context lets go of", () => {
  const { rig, beyond } = gpu();
  expectOk(rig.command(msg.ctxCreate(0, "test", { ctx: 2 })));
  for (const id of [1, 2, 3]) {
    expectOk(rig.command(msg.create3d(id, [2, 1, 2, 8, 8, 1, 1, 0, 0, 0])));
    expectOk(rig.command(msg.ctxAttach(id, { ctx: 2 })));
  }
  assert.is(beyond(msg.ctxDestroy({ ctx: 2 })), 3 * SWEEP);
});

test("host blobs, mapped and unmapped, and bytes of commands", () => {
  const { beyond } = gpu();
  const SIZE = 16384;
  const blob = msg.createBlob(5, { mem: 2, flags: 1, blobId: 77, size: SIZE }, { ctx: 1 });
  assert.is(beyond(blob), SIZE);
  // Memory of the window and of the blob that is touched for the first time.
  assert.is(beyond(msg.mapBlob(5, 4096), 32), SIZE * (1 + 2 * FRESH));
  // Copied and cleared.
  assert.is(beyond(msg.unmapBlob(5)), 2 * SIZE * (1 + FRESH));
  assert.is(beyond(msg.mapBlob(5, 0), 32), SIZE);
  assert.is(beyond(msg.unmapBlob(5)), 2 * SIZE);
  assert.is(beyond(msg.submit(new Uint8Array(100), { ctx: 1 })), 100);
});

test("pages that are exported, and messages to a guest", () => {
  const guest = new VdmabufGuest();
  const exported = (count: number) => {
    const pages = Array.from({ length: count }, () => guest.page());
    const message = exportMessage({ counter: count, pages: count, top: guest.tables(pages) });
    return charged(() => assert.is(statusOf(guest.send(message)), S.OK));
  };
  const two = exported(2);
  assert.is(exported(9) - two, 7 * PIECE);
  assert.ok(two >= 2 * PIECE + REQUEST, "the message itself");
  for (const count of [1, 3]) exported(count);
  // One more each time: the device looks whether there is another buffer, or another message.
  const [one, three] = [1, 3].map((count) => {
    for (let i = 0; i < count; i++) guest.exported.pop()?.release();
    const lengths = Array.from({ length: count }, () => 260);
    return charged(() => assert.is(guest.hear(...lengths).length, count));
  }) as [number, number];
  assert.is(three - one, 2 * REQUEST);
});

test.run();
