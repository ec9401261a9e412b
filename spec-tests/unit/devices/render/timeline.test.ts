// Contexts, fences, and drawing that takes time.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  type RenderCommandRecord,
  RenderDevice,
  type RenderTiming,
} from "../../../../src/devices/render/index.ts";
import { DRIVER_OK, type Sent } from "../../../../src/testing/index.ts";
import { RERR, ROK, renderHeader, rmsg } from "../../../support/render-messages.ts";
import { COMMANDQ, expectRender, RenderRig } from "../../../support/render-rig.ts";
import { TestClock } from "../../../support/test-clock.ts";

const timeline = suite("render: timelines");
const SUSPEND = 16;

function timed(timing: Partial<RenderTiming> = {}, limits = {}) {
  const clock = new TestClock();
  // A row of 8 pixels takes a millisecond.
  const rig = new RenderRig({
    timing: { clock, pixelsPerMs: 8, commandMs: 0.5, slicePixels: 8, ...timing },
    limits,
  });
  return { clock, rig };
}

const WHOLE = [0, 0, 8, 4] as const;

timeline("a fenced command is answered when it is drawn, an unfenced one when it is taken", () => {
  const { clock, rig } = timed();
  const picture = rig.picture(1, 8, 4);
  const drawn = () => picture.pixels.filter((pixel) => pixel !== 0).length;
  const plain = rig.begin(rmsg.fill(1, 1, WHOLE));
  const fenced = rig.begin(rmsg.fill(1, 2, WHOLE, { fence: 5 }));
  assert.is(plain.written, 24);
  assert.is(rig.answer(plain).fence, 0n);
  assert.is(rig.answer(plain).flags, 0);
  assert.is(drawn(), 0);
  assert.is(rig.render.pending, 2);
  const interrupts = rig.interrupts[COMMANDQ];
  const times: number[] = [];
  while (clock.step()) times.push(clock.now());
  assert.equal(times, [1.5, 2.5, 3.5, 4.5, 6, 7, 8, 9]);
  assert.is(rig.interrupts[COMMANDQ], (interrupts as number) + 1);
  const answer = rig.answer(fenced);
  expectRender(answer);
  assert.equal([answer.flags, answer.fence, answer.ctx, answer.padding], [1, 5n, 0, 0]);
  assert.ok(picture.pixels.every((pixel) => pixel === 2));
  assert.is(rig.render.pending, 0);
});

timeline("rows appear one slice after the other", () => {
  const { clock, rig } = timed({ slicePixels: 17 });
  const picture = rig.picture(1, 8, 5);
  rig.begin(rmsg.fill(1, 1, [0, 0, 8, 5]));
  const rows: number[] = [];
  while (clock.step()) rows.push(picture.pixels.filter((pixel) => pixel !== 0).length / 8);
  assert.equal(rows, [2, 4, 5]);
});

timeline("fences of a context are reached in order, whatever they stand for", () => {
  const { clock, rig } = timed();
  rig.picture(1, 8, 4);
  const sent = [
    rig.begin(rmsg.fill(1, 1, WHOLE, { fence: 1 })),
    rig.begin(rmsg.getImport(1, { fence: 2 })),
    rig.begin(rmsg.fill(99, 1, WHOLE, { fence: 3 })),
    rig.begin(rmsg.nop({ fence: 4 })),
    rig.begin(renderHeader(0xeeee, { fence: 5 })),
    rig.begin(rmsg.release(99, { fence: 6 })),
    rig.begin(rmsg.fill(1, 1, WHOLE, { fence: 7 })),
  ];
  assert.ok(sent.every(({ written }) => written < 0));
  // Commands that do not draw are carried out at once all the same.
  expectRender(rig.command(rmsg.getImport(1)), ROK.IMPORT);
  for (let i = 0; i < 4; i++) clock.step();
  const done = rig.collect(COMMANDQ);
  assert.equal(done, sent.slice(0, 6));
  assert.equal(
    done.map((each) => rig.answer(each).type),
    [ROK.PLAIN, ROK.IMPORT, RERR.IMPORT, ROK.PLAIN, RERR.COMMAND, RERR.IMPORT],
  );
  assert.equal(
    done.map((each) => [rig.answer(each).fence, each.written]),
    [1n, 2n, 3n, 4n, 5n, 6n].map((fence) => [fence, fence === 2n ? 64 : 24]),
  );
  clock.runAll();
  expectRender(rig.answer(sent[6] as Sent));
});

timeline("contexts take turns, and their fences do not wait for each other", () => {
  const { clock, rig } = timed();
  expectRender(rig.command(rmsg.ctxCreate({ ctx: 9 })));
  const long = rig.picture(1, 8, 6);
  const short = rig.picture(2, 8, 2);
  const first = rig.begin(rmsg.fill(1, 1, [0, 0, 8, 6], { fence: 1 }));
  const second = rig.begin(rmsg.fill(2, 1, [0, 0, 8, 2], { fence: 1, ctx: 9 }));
  const rows = (): [number, number] => [
    long.pixels.filter((pixel) => pixel !== 0).length / 8,
    short.pixels.filter((pixel) => pixel !== 0).length / 8,
  ];
  const seen: [number, number][] = [];
  while (clock.step()) {
    seen.push(rows());
    rig.collect(COMMANDQ);
    if (seen.length === 4) {
      assert.is(second.written, 24);
      assert.is(rig.answer(second).ctx, 9);
      assert.ok(first.written < 0);
    }
  }
  assert.equal(seen, [
    [1, 0],
    [1, 1],
    [2, 1],
    [2, 2],
    [3, 2],
    [4, 2],
    [5, 2],
    [6, 2],
  ]);
  expectRender(rig.answer(first));
});

timeline("fence ids rise within a context, over 64 bits; used ones are used", () => {
  const rig = new RenderRig();
  const nop = (fence: bigint | number, ctx = 0) => rig.command(rmsg.nop({ fence, ctx }));
  assert.is(nop(0).type, RERR.FENCE);
  assert.is(nop(0).fence, 0n);
  assert.is(nop(0).flags, 1);
  assert.is(nop(1).type, ROK.PLAIN);
  assert.is(nop(1).type, RERR.FENCE);
  assert.is(nop(0xffffffff).type, ROK.PLAIN);
  assert.is(nop(0x1_0000_0000).type, ROK.PLAIN);
  assert.is(nop(0xffffffff).type, RERR.FENCE);
  assert.is(rig.type(renderHeader(0xffff, { fence: 0x1_0000_0005 })), RERR.COMMAND);
  assert.is(nop(0x1_0000_0005).type, RERR.FENCE);
  assert.is(nop(2n ** 64n - 1n).type, ROK.PLAIN);
  assert.is(nop(2n ** 64n - 1n).type, RERR.FENCE);
  assert.is(rig.type(rmsg.nop()), ROK.PLAIN);
  expectRender(rig.command(rmsg.ctxCreate({ ctx: 1, fence: 10 })));
  assert.is(nop(10, 1).type, RERR.FENCE);
  assert.is(nop(11, 1).type, ROK.PLAIN);
  // A refused CTX_CREATE makes nothing.
  assert.is(rig.type(rmsg.ctxCreate({ ctx: 2, fence: 0 })), RERR.FENCE);
  assert.is(nop(1, 2).type, RERR.CONTEXT);
  assert.equal(rig.render.contexts, [0, 1]);
});

timeline("contexts: made once, destroyed once, never 0, and only so many", () => {
  const rig = new RenderRig({ limits: { maxContexts: 3 } });
  assert.is(rig.type(rmsg.ctxCreate({})), RERR.CONTEXT);
  assert.is(rig.type(rmsg.ctxDestroy({})), RERR.CONTEXT);
  assert.is(rig.type(rmsg.ctxDestroy({ ctx: 5 })), RERR.CONTEXT);
  assert.is(rig.type(rmsg.ctxCreate({ ctx: 0xffffffff })), ROK.PLAIN);
  assert.is(rig.type(rmsg.ctxCreate({ ctx: 0xffffffff })), RERR.CONTEXT);
  assert.is(rig.type(rmsg.ctxCreate({ ctx: 5 })), ROK.PLAIN);
  assert.is(rig.type(rmsg.ctxCreate({ ctx: 6 })), RERR.LIMIT);
  assert.is(rig.type(rmsg.ctxDestroy({ ctx: 5, fence: 1 })), ROK.PLAIN);
  assert.is(rig.type(rmsg.ctxDestroy({ ctx: 5, fence: 2 })), RERR.CONTEXT);
  assert.is(rig.type(rmsg.nop({ ctx: 5 })), RERR.CONTEXT);
  assert.is(rig.type(rmsg.ctxCreate({ ctx: 6, fence: 1 })), ROK.PLAIN);
});

timeline("destroying a context gives up what it has not drawn, and lets go of its imports", () => {
  const { clock, rig } = timed();
  expectRender(rig.command(rmsg.ctxCreate({ ctx: 1 })));
  const { uuid, content, object } = rig.export(8, 4);
  expectRender(rig.command(rmsg.importUuid(1, uuid)), ROK.IMPORT);
  const sent = [
    rig.begin(rmsg.fill(1, 1, WHOLE, { ctx: 1, fence: 1 })),
    rig.begin(rmsg.fill(1, 2, WHOLE, { ctx: 1 })),
    rig.begin(rmsg.fill(1, 3, WHOLE, { ctx: 1, fence: 2 })),
  ];
  clock.step();
  expectRender(rig.command(rmsg.release(1)));
  assert.is(object.users, 1);
  const destroy = rig.begin(rmsg.ctxDestroy({ ctx: 1, fence: 3 }));
  assert.equal(
    [...sent, destroy].map((each) => [rig.answer(each).type, rig.answer(each).fence]),
    [
      [RERR.CANCELED, 1n],
      [ROK.PLAIN, 0n],
      [RERR.CANCELED, 2n],
      [ROK.PLAIN, 3n],
    ],
  );
  assert.is(object.users, 0);
  assert.is(rig.render.pending, 0);
  clock.runAll();
  assert.is(content.pixels.filter((pixel) => pixel !== 0).length, 8);
  assert.is(rig.render.counters.lateErrors, 1);
});

timeline("destroying one context does not stop the others", () => {
  const { clock, rig } = timed();
  expectRender(rig.command(rmsg.ctxCreate({ ctx: 1 })));
  const picture = rig.picture(1, 8, 4);
  rig.begin(rmsg.fill(1, 1, WHOLE, { ctx: 1 }));
  const other = rig.begin(rmsg.fill(1, 2, WHOLE, { fence: 1 }));
  expectRender(rig.command(rmsg.ctxDestroy({ ctx: 1 })));
  clock.runAll();
  expectRender(rig.answer(other));
  assert.ok(picture.pixels.every((pixel) => pixel === 2));
});

timeline("what failed after its answer is told by the next fence of the context, once", () => {
  const { clock, rig } = timed();
  expectRender(rig.command(rmsg.ctxCreate({ ctx: 1 })));
  const { uuid, object } = rig.export(8, 4);
  expectRender(rig.command(rmsg.importUuid(1, uuid)), ROK.IMPORT);
  const missing = rig.picture(2, 8, 4);
  const fine = rig.picture(3, 8, 4);
  missing.missing = true;
  expectRender(rig.command(rmsg.fill(1, 1, WHOLE)));
  expectRender(rig.command(rmsg.fill(2, 1, WHOLE)));
  object.revoke();
  const query = rig.begin(rmsg.getImport(3, { fence: 1 }));
  const elsewhere = rig.begin(rmsg.nop({ ctx: 1, fence: 1 }));
  const drawn = rig.begin(rmsg.fill(3, 3, WHOLE, { fence: 2 }));
  const after = rig.begin(rmsg.nop({ fence: 3 }));
  clock.runAll();
  // A query is what it is.
  expectRender(rig.answer(query), ROK.IMPORT);
  expectRender(rig.answer(elsewhere));
  const answer = rig.answer(drawn);
  assert.is(answer.type, RERR.REVOKED);
  assert.is(answer.fence, 2n);
  assert.ok(fine.pixels.every((pixel) => pixel === 3));
  expectRender(rig.answer(after));
  assert.is(rig.render.counters.lateErrors, 2);
});

timeline("a queue full of work: no more is taken, until some of it is done", () => {
  const { clock, rig } = timed({}, { maxCommands: 3 });
  rig.picture(1, 8, 4);
  const sent = Array.from({ length: 8 }, (_, i) => rig.begin(rmsg.fill(1, i, WHOLE, { fence: i + 1 })));
  const query = rig.begin(rmsg.getImport(1));
  assert.is(rig.render.pending, 3);
  assert.ok(query.written < 0);
  // Unfenced work counts, too: answers are no measure of what waits.
  let most = 0;
  while (clock.step()) most = Math.max(most, rig.render.pending);
  assert.is(most, 3);
  for (const each of sent) expectRender(rig.answer(each));
  expectRender(rig.answer(query), ROK.IMPORT);
  const plain = Array.from({ length: 8 }, () => rig.begin(rmsg.fill(1, 7, WHOLE)));
  rig.collect(COMMANDQ);
  assert.is(plain.filter(({ written }) => written >= 0).length, 3);
  clock.runAll();
  rig.collect(COMMANDQ);
  assert.ok(plain.every(({ written }) => written === 24));
});

/** Work of a pixel that is drawn, and of a request. */
const PIXEL = 32;
const REQUEST = 1024;

timeline("without timing: no guest keeps the thread for longer than a turn", () => {
  const rig = new RenderRig({}, { device: { maxTurnWork: REQUEST + 64 * PIXEL } });
  const tasks = rig.scheduled;
  const picture = rig.picture(1, 8, 12);
  while (tasks.length > 0) tasks.shift()?.();
  const rows = () => picture.pixels.filter((pixel) => pixel !== 0).length / 8;
  // 96 pixels: 64 at once, the rest when the others have had their turn.
  const large = rig.begin(rmsg.fill(1, 1, [0, 0, 8, 12], { fence: 1 }));
  assert.is(rows(), 8);
  assert.ok(large.written < 0);
  assert.is(tasks.length, 1);
  // What comes now waits behind what is there.
  const next = rig.begin(rmsg.nop({ fence: 2 }));
  assert.ok(next.written < 0);
  assert.is(rows(), 8);
  assert.is(tasks.length, 1, "one turn is asked for at a time");
  (tasks.shift() as () => void)();
  assert.is(rows(), 12);
  rig.collect(COMMANDQ);
  assert.equal([large.written, next.written], [24, 24]);
  const many = Array.from({ length: 5 }, (_, i) =>
    rig.offer(COMMANDQ, [rmsg.fill(1, 2 + i, [0, 0, 8, 12], { fence: 3 + i })], [24]),
  );
  rig.notify(COMMANDQ);
  let before = rig.render.counters.pixels;
  for (let turns = 0; tasks.length > 0; turns++) {
    assert.ok(turns < 20);
    (tasks.shift() as () => void)();
    const { pixels } = rig.render.counters;
    assert.ok(pixels - before <= 64 + 32, `${pixels - before} pixels in a turn`);
    before = pixels;
  }
  rig.collect(COMMANDQ);
  assert.ok(many.every(({ written }) => written === 24));
  assert.ok(picture.pixels.every((pixel) => pixel === 6));
});

timeline("a reset, and a suspend, between two turns", () => {
  const rig = new RenderRig({}, { features: [0, 1, 43], device: { maxTurnWork: REQUEST + 8 * PIXEL } });
  const tasks = rig.scheduled;
  const picture = rig.picture(1, 8, 4);
  while (tasks.length > 0) tasks.shift()?.();
  const fill = rig.begin(rmsg.fill(1, 1, WHOLE, { fence: 1 }));
  assert.is(picture.pixels.filter((pixel) => pixel === 1).length, 8);
  rig.device.writeStatus(rig.device.status | SUSPEND);
  assert.is(rig.device.status & SUSPEND, SUSPEND);
  expectRender(rig.answer(fill));
  assert.ok(picture.pixels.every((pixel) => pixel === 1));
  rig.device.writeStatus(rig.device.status | DRIVER_OK);
  for (const task of tasks.splice(0)) task();
  rig.begin(rmsg.fill(1, 2, WHOLE, { fence: 2 }));
  rig.device.writeStatus(0);
  const before = picture.pixels.slice();
  for (const task of tasks.splice(0)) task();
  assert.equal(picture.pixels, before);
  assert.is(rig.render.pending, 0);
});

timeline("with timing: what is asked for is bounded in pixels, too", () => {
  const { clock, rig } = timed({}, { maxPendingPixels: 80 });
  rig.picture(1, 8, 4);
  let taken = 0;
  while (taken < 50 && rig.begin(rmsg.fill(1, 0, WHOLE)).written >= 0) taken++;
  assert.is(taken, 3);
  clock.runAll();
  rig.collect(COMMANDQ);
  assert.is(rig.render.pending, 0);
});

timeline("a device reset with commands in flight: nothing is drawn or answered any more", () => {
  const { clock, rig } = timed();
  expectRender(rig.command(rmsg.ctxCreate({ ctx: 3 })));
  const { uuid, content, object } = rig.export(8, 4);
  expectRender(rig.command(rmsg.importUuid(1, uuid)), ROK.IMPORT);
  expectRender(rig.command(rmsg.importUuid(2, uuid)), ROK.IMPORT);
  const fenced = rig.begin(rmsg.fill(1, 1, WHOLE, { fence: 9 }));
  rig.begin(rmsg.blit(2, 1, 0, 0, WHOLE, { ctx: 3 }));
  expectRender(rig.command(rmsg.release(2)));
  clock.step();
  const before = content.bytes.slice();
  rig.device.writeStatus(0);
  assert.is(object.users, 0);
  assert.is(rig.render.pending, 0);
  assert.is(clock.waiting, 0);
  assert.equal(content.bytes, before);
  assert.equal(rig.render.imports(), []);
  assert.equal(rig.render.contexts, [0]);
  rig.initialize();
  assert.ok(fenced.written < 0);
  // A new life: ids and fences begin anew.
  expectRender(rig.command(rmsg.importUuid(1, uuid)), ROK.IMPORT);
  const again = rig.begin(rmsg.fill(1, 5, WHOLE, { fence: 1 }));
  clock.runAll();
  expectRender(rig.answer(again));
});

timeline("a queue reset with commands in flight: they are drawn, nobody is told", () => {
  const { clock, rig } = timed({}, { maxCommands: 2 });
  const picture = rig.picture(1, 8, 4);
  for (let i = 0; i < 3; i++) rig.begin(rmsg.fill(1, 10 + i, WHOLE, { fence: 1 + i }));
  rig.device.resetQueue(COMMANDQ);
  const ring = rig.memory.read(0x1000, 0x4000);
  clock.runAll();
  assert.equal(rig.memory.read(0x1000, 0x4000), ring);
  assert.ok(picture.pixels.every((pixel) => pixel === 11));
  rig.enableQueue(COMMANDQ);
  // Fences 1 and 2 are used, 3 was never taken.
  assert.is(rig.type(rmsg.nop({ fence: 2 })), RERR.FENCE);
  assert.is(rig.type(rmsg.nop({ fence: 3 })), ROK.PLAIN);
});

timeline(
  "a suspended device has drawn everything, and draws nothing [content.device.device-suspend.8]",
  () => {
    const clock = new TestClock();
    const rig = new RenderRig(
      { timing: { clock, slicePixels: 8 }, limits: { maxCommands: 2 } },
      { features: [0, 1, 43] },
    );
    const picture = rig.picture(1, 8, 4);
    const sent = [1, 2, 3].map((fence) => rig.begin(rmsg.fill(1, fence, WHOLE, { fence })));
    clock.step();
    rig.device.writeStatus(rig.device.status | SUSPEND);
    assert.is(rig.device.status & (SUSPEND | DRIVER_OK), SUSPEND);
    rig.collect(COMMANDQ);
    assert.equal(
      sent.map(({ written }) => written),
      [24, 24, -1],
    );
    assert.ok(picture.pixels.every((pixel) => pixel === 2));
    assert.is(clock.waiting, 0);
    rig.device.writeStatus(rig.device.status | DRIVER_OK);
    clock.runAll();
    rig.collect(COMMANDQ);
    assert.is((sent[2] as Sent).written, 24);
    assert.ok(picture.pixels.every((pixel) => pixel === 3));
  },
);

timeline("the driver resets the device from within the interrupt for a fence", () => {
  const { clock, rig } = timed();
  rig.picture(1, 8, 1);
  for (let i = 1; i < 5; i++) rig.begin(rmsg.fill(1, i, WHOLE, { fence: i }));
  let interrupts = 0;
  rig.onQueueInterrupt = () => {
    if (++interrupts === 2) rig.device.writeStatus(0);
  };
  clock.runAll();
  assert.is(interrupts, 2);
  assert.is(rig.render.pending, 0);
});

timeline("the driver sends more from within the interrupt for a fence", () => {
  const { clock, rig } = timed();
  const picture = rig.picture(1, 8, 2);
  let fence = 1;
  rig.onQueueInterrupt = () => {
    rig.collect(COMMANDQ);
    if (fence < 6) rig.begin(rmsg.fill(1, fence, WHOLE, { fence: ++fence }));
  };
  rig.begin(rmsg.fill(1, 100, WHOLE, { fence: 1 }));
  clock.runAll();
  assert.is(fence, 6);
  assert.is(picture.pixels[0], 5);
});

timeline("observers see every command with its outcome and its time", () => {
  const clock = new TestClock();
  const records: RenderCommandRecord[] = [];
  const rig = new RenderRig({
    timing: { clock, pixelsPerMs: 8, commandMs: 0, slicePixels: 8 },
    onCommand: (record) => records.push(record),
  });
  const { uuid, object } = rig.export(8, 4);
  rig.command(rmsg.importUuid(1, uuid));
  rig.command(rmsg.fill(1, 0xff0000ff, [-1, 0, 9, 4]));
  rig.begin(rmsg.gradient(1, WHOLE, [0, 0, 0, 4], [1, 2], { fence: 2n ** 40n }));
  rig.command(rmsg.fill(7, 0, WHOLE, { ctx: 0 }));
  rig.command(new Uint8Array(3));
  clock.step();
  object.revoke();
  clock.runAll();
  assert.equal(
    records.map(({ name, response, reason, pixels, takenMs, finishedMs, fence }) => ({
      name: name.replace("VIRTIO_RENDER_CMD_", ""),
      response: response.replace("VIRTIO_RENDER_RESP_", ""),
      reason,
      pixels,
      times: [takenMs, finishedMs],
      fence,
    })),
    [
      { name: "IMPORT_UUID", response: "OK_IMPORT", reason: "", pixels: 0, times: [0, 0], fence: null },
      {
        name: "FILL",
        response: "ERR_IMPORT",
        reason: "no such import to draw into",
        pixels: 0,
        times: [0, 0],
        fence: null,
      },
      {
        name: "0x0000",
        response: "ERR_LENGTH",
        reason: "the request is shorter than a header",
        pixels: 0,
        times: [0, 0],
        fence: null,
      },
      { name: "FILL", response: "ERR_REVOKED", reason: "", pixels: 8, times: [0, 2], fence: null },
      { name: "GRADIENT", response: "ERR_REVOKED", reason: "", pixels: 0, times: [0, 3], fence: 2n ** 40n },
    ],
  );
  assert.equal(records[0]?.fields, {
    import_id: 1,
    flags: 0,
    uuid: object.uuid,
    layout: { format: 0, width: 0, height: 0, stride: 0, offset: 0n },
  });
  assert.equal(records[4]?.fields, {
    import_id: 1,
    r: { x: 0, y: 0, width: 8, height: 4 },
    points: [0, 0, 0, 4],
    colors: [1, 2],
  });
});

timeline("traces name what was refused", () => {
  const events: string[] = [];
  const rig = new RenderRig(
    {},
    {
      device: {
        trace: ({ source, kind, detail }) => {
          if (kind === "command-refused") {
            events.push([source, detail["command"], detail["response"], detail["reason"]].join(" | "));
          }
        },
      },
    },
  );
  rig.command(rmsg.release(3));
  rig.command(rmsg.nop({ fence: 1, ctx: 4 }));
  assert.equal(events, [
    "render | VIRTIO_RENDER_CMD_RELEASE | VIRTIO_RENDER_RESP_ERR_IMPORT | no such import",
    "render | VIRTIO_RENDER_CMD_NOP | VIRTIO_RENDER_RESP_ERR_CONTEXT | no such context",
  ]);
});

timeline("times that make no sense are the embedder's mistake", () => {
  const clock = new TestClock();
  for (const timing of [
    { clock, pixelsPerMs: 0 },
    { clock, pixelsPerMs: Number.NaN },
    { clock, commandMs: -1 },
    { clock, slicePixels: 0 },
  ]) {
    assert.throws(() => new RenderDevice({ timing }), /timing\.\w+ is /);
  }
});

timeline.run();
