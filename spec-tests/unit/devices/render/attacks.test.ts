// Hostile guests: whatever they write, the device answers with a specified error or stops its queue, and goes on.
import * as fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { RenderDeviceOptions } from "../../../../src/devices/render/index.ts";
import { GuestMemory } from "../../../../src/memory/index.ts";
import { NEEDS_RESET, type RawSplitRing, type RigOptions, type Sent } from "../../../../src/testing/index.ts";
import { concat, words } from "../../../support/gpu-messages.ts";
import { RCMD, RERR, ROK, renderHeader, rmsg } from "../../../support/render-messages.ts";
import { COMMANDQ, expectRender, RenderRig } from "../../../support/render-rig.ts";
import { TestClock } from "../../../support/test-clock.ts";

const attacks = suite("render: attacks");

/** Why the last command of any rig was refused. The same response may have another reason: an attack has to meet its own. */
let reason = "";

class AttackedRig extends RenderRig {
  constructor(options: RenderDeviceOptions = {}, rig: RigOptions = {}) {
    const onCommand = (record: { readonly reason: string }): void => {
      reason = record.reason;
    };
    super({ ...options, onCommand }, rig);
  }
}

/** The last command was refused with this, and for this. */
function refused(type: number, expected: number, why: string): void {
  assert.equal([`0x${type.toString(16)}`, reason], [`0x${expected.toString(16)}`, why]);
}

/** The device still does what it should. */
function alive(rig: RenderRig): void {
  const { uuid, content } = rig.export(4, 4);
  expectRender(rig.command(rmsg.importUuid(0x7777, uuid)), ROK.IMPORT);
  expectRender(rig.command(rmsg.fill(0x7777, 0xffabcdef, [0, 0, 4, 4])));
  assert.ok(content.pixels.every((pixel) => pixel === 0xffabcdef));
  expectRender(rig.command(rmsg.release(0x7777)));
}

attacks("unknown commands and flags, with and without a fence: the error echoes it", () => {
  const rig = new AttackedRig();
  let fence = 0;
  for (const type of [0, 1, 0x101, 0xe0ff, 0xe106, 0xe1ff, 0xe205, 0xe800, 0xe900, 0xffffffff]) {
    refused(rig.type(renderHeader(type)), RERR.COMMAND, "no such command");
    const answer = rig.command(renderHeader(type, { fence: ++fence }));
    refused(answer.type, RERR.COMMAND, "no such command");
    assert.equal([answer.flags, answer.fence], [1, BigInt(fence)]);
  }
  for (const flags of [2, 0x80000000, 0xfffffffe]) {
    const answer = rig.command(renderHeader(RCMD.NOP, { flags }));
    refused(answer.type, RERR.PARAMETER, "flags has unknown bits");
    assert.is(answer.flags, 0);
  }
  const answer = rig.command(renderHeader(RCMD.NOP, { flags: 2, fence: 0 }));
  refused(answer.type, RERR.PARAMETER, "flags has unknown bits");
  assert.equal([answer.flags, answer.fence], [1, 0n]);
  alive(rig);
});

attacks("padding is ignored, and zero in answers", () => {
  const rig = new AttackedRig();
  const request = rmsg.nop({ fence: 1 });
  request.fill(0xff, 20, 24);
  const answer = rig.command(request);
  expectRender(answer);
  assert.is(answer.padding, 0);
  const { uuid } = rig.export(4, 4);
  const made = rig.command(rmsg.importUuid(1, uuid));
  assert.equal([...made.bytes.subarray(4, 24), ...made.bytes.subarray(28, 32)], Array(24).fill(0));
});

attacks(
  "counts that overflow when multiplied, or are larger than the request (CVE-2026-3196, CVE-2024-7730)",
  () => {
    const rig = new AttackedRig({
      limits: { maxEntries: 0xffffffff, maxEntriesTotal: 0xffffffff },
    });
    const layout = { width: 4, height: 4 };
    for (const count of [1, 0x10000000, 0x10000001, 0x7fffffff, 0xffffffff]) {
      refused(
        rig.type(rmsg.importPages(1, [], layout, { count })),
        RERR.PAGES,
        "fewer entries than announced",
      );
    }
    alive(rig);
  },
);

attacks("pages that lie in the device's own ring and requests (CVE-2024-3446)", () => {
  for (const part of ["desc", "avail", "used"] as const) {
    const rig = new AttackedRig();
    const ring = rig.rings[COMMANDQ] as RawSplitRing;
    const entries = [[ring[part], 1024]] as const;
    expectRender(rig.command(rmsg.importPages(1, entries, { width: 16, height: 16 })), ROK.IMPORT);
    for (const color of [0xffffffff, 0x00010001]) {
      rig.offer(COMMANDQ, [rmsg.fill(1, color, [0, 0, 16, 16])], [24]);
      rig.device.notify(COMMANDQ);
    }
    // The driver broke its ring, and resets the device.
    rig.device.writeStatus(0);
    rig.initialize();
    alive(rig);
  }
});

attacks("a request that draws over itself, and over its own response", () => {
  const rig = new AttackedRig();
  const request = rmsg.fill(1, 0x0e0e0e0e, [0, 0, 4, 4], { fence: 12 });
  const address = rig.allocate(4096, 4096);
  rig.memory.write(address, request);
  expectRender(rig.command(rmsg.importPages(1, [[address, 4096]], { width: 32, height: 4 })), ROK.IMPORT);
  const response = address + 128;
  const sent = rig.offerBuffers(
    COMMANDQ,
    [
      { address, length: request.length, flags: 0 },
      { address: response, length: 24, flags: 2 },
    ],
    [{ address: response, length: 24 }],
  );
  rig.notify(COMMANDQ);
  const answer = rig.answer(sent);
  assert.equal([answer.type, answer.fence], [ROK.PLAIN, 12n]);
  assert.ok(rig.memory.read(address, 16).every((byte) => byte === 0x0e));
  alive(rig);
});

attacks("entries that are rewritten behind the header (CVE-2021-3748)", () => {
  // The list is counted once, its entries are read once: what is in memory later means nothing.
  const rig = new AttackedRig();
  const page = rig.allocate(4096, 4096);
  const request = rmsg.importPages(1, [[page, 4096]], { width: 8, height: 8 });
  const address = rig.place(request);
  const response = rig.allocate(64);
  const sent = rig.offerBuffers(
    COMMANDQ,
    [
      { address, length: request.length, flags: 0 },
      { address: response, length: 64, flags: 2 },
    ],
    [{ address: response, length: 64 }],
  );
  rig.notify(COMMANDQ);
  expectRender(rig.answer(sent), ROK.IMPORT);
  rig.memory.write(address, new Uint8Array(request.length).fill(0xff));
  expectRender(rig.command(rmsg.fill(1, 0x01010101, [0, 0, 8, 8])));
  assert.ok(rig.memory.read(page, 256).every((byte) => byte === 1));
});

for (const [name, act] of [
  ["notifies", (rig: RenderRig) => rig.device.notify(COMMANDQ)],
  ["resets the device", (rig: RenderRig) => rig.device.writeStatus(0)],
  ["resets the queue", (rig: RenderRig) => rig.device.resetQueue(COMMANDQ)],
  ["suspends the device", (rig: RenderRig) => rig.device.writeStatus(rig.device.status | 16)],
] as const) {
  attacks(`memory whose writes reach back into the device: it ${name}`, () => {
    for (const timed of [false, true]) {
      const clock = new TestClock();
      const holder: { rig: RenderRig | null; depth: number } = { rig: null, depth: 0 };
      const memory = new GuestMemory([
        { base: 0, memory: new ArrayBuffer(4 << 20) },
        {
          base: 4 << 20,
          memory: new ArrayBuffer(1 << 16),
          onDeviceWrite: () => {
            assert.ok(++holder.depth < 3);
            if (holder.rig !== null) act(holder.rig);
            holder.depth--;
          },
        },
      ]);
      const rig = new AttackedRig(timed ? { timing: { clock, slicePixels: 128 } } : {}, {
        memory,
        features: [0, 1, 43],
      });
      const layout = { width: 64, height: 64 };
      const importRequest = rmsg.importPages(1, [[4 << 20, 1 << 16]], layout);
      expectRender(rig.command(importRequest), ROK.IMPORT);
      expectRender(rig.command(rmsg.ctxCreate({ ctx: 1 })));
      for (let i = 1; i < 4; i++) {
        rig.offer(COMMANDQ, [rmsg.fill(1, i, [0, 0, 64, 64], { fence: i })], [24]);
        rig.offer(COMMANDQ, [rmsg.blit(1, 1, 1, 1, [0, 0, 64, 64], { ctx: 1 })], [24]);
        rig.offer(COMMANDQ, [rmsg.release(1)], [24]);
      }
      holder.rig = rig;
      rig.device.notify(COMMANDQ);
      clock.runAll();
      holder.rig = null;
      if (rig.device.status !== 0) rig.device.writeStatus(0);
      rig.initialize();
      assert.is(rig.render.pending, 0);
      aliveAfter(rig, clock);
      for (let i = 0; i < 256; i++) expectRender(rig.command(rmsg.importPages(9 + i, [[4 << 20, 1 << 16]], layout)), ROK.IMPORT); // biome-ignore format: one loop
      // The accounts are right.
      refused(rig.type(rmsg.importPages(8, [[4 << 20, 1 << 16]], layout)), RERR.LIMIT, "too many imports");
    }
  });
}

attacks(
  "memory whose writes reset the device and start it anew: the new life is not touched by the old one",
  () => {
    const clock = new TestClock();
    const holder: { again: (() => void) | null } = { again: null };
    const memory = new GuestMemory([
      { base: 0, memory: new ArrayBuffer(4 << 20) },
      {
        base: 4 << 20,
        memory: new ArrayBuffer(1 << 16),
        onDeviceWrite: () => {
          const { again } = holder;
          holder.again = null;
          again?.();
        },
      },
    ]);
    const rig = new AttackedRig({ timing: { clock, slicePixels: 64 } }, { memory });
    const layout = { width: 64, height: 64 };
    expectRender(rig.command(rmsg.importPages(1, [[4 << 20, 1 << 16]], layout)), ROK.IMPORT);
    rig.begin(rmsg.fill(1, 1, [0, 0, 64, 64], { fence: 1 }));
    expectRender(rig.command(rmsg.release(1)));
    let fresh: Sent | null = null;
    holder.again = () => {
      rig.device.writeStatus(0);
      rig.initialize();
      rig.picture(1, 64, 64);
      fresh = rig.begin(rmsg.fill(1, 2, [0, 0, 64, 64], { fence: 1 }));
    };
    clock.runAll();
    if (fresh === null) throw new Error("the memory was never written to");
    expectRender(rig.answer(fresh));
    assert.is(rig.render.pending, 0);
  },
);

/** As {@link alive}, with a clock. */
function aliveAfter(rig: RenderRig, clock: TestClock): void {
  const picture = rig.picture(1, 4, 4);
  const sent = rig.begin(rmsg.fill(1, 5, [0, 0, 4, 4], { fence: 1 }));
  clock.runAll();
  expectRender(rig.answer(sent));
  assert.ok(picture.pixels.every((pixel) => pixel === 5));
  expectRender(rig.command(rmsg.release(1)));
}

attacks("requests without end are not all held (CVE-2016-5403)", () => {
  const clock = new TestClock();
  const rig = new AttackedRig({ timing: { clock }, limits: { maxCommands: 16 } });
  rig.picture(1, 4, 4);
  // Unfenced commands come back at once: without a limit the guest could send them for ever.
  let sent = 0;
  for (; sent < 1000; sent++) {
    if (rig.begin(rmsg.fill(1, 0, [0, 0, 4, 4])).written < 0) break;
  }
  assert.is(sent, 16);
  assert.is(rig.render.pending, 16);
  clock.runAll();
  assert.is(rig.render.pending, 0);
  assert.is(rig.type(rmsg.getImport(1)), ROK.IMPORT);
});

attacks("a broken ring stops the queue, with NEEDS_RESET; what was taken is drawn all the same", () => {
  const clock = new TestClock();
  const rig = new AttackedRig({ timing: { clock } });
  const picture = rig.picture(1, 4, 4);
  rig.begin(rmsg.fill(1, 3, [0, 0, 4, 4], { fence: 1 }));
  const ring = rig.rings[COMMANDQ] as RawSplitRing;
  ring.offer(60000);
  rig.device.notify(COMMANDQ);
  assert.is(rig.device.status & NEEDS_RESET, NEEDS_RESET);
  clock.runAll();
  assert.ok(picture.pixels.every((pixel) => pixel === 3));
  rig.device.writeStatus(0);
  rig.initialize();
  assert.is(rig.device.status & NEEDS_RESET, 0);
});

/** Numbers that are more likely than others to mean trouble. */
const number = fc.oneof(
  fc.constantFrom(0, 1, 2, 3, 4, 7, 16, 64, 65535, 65536, 0x7fffffff, 0x80000000, 0xffffffff, 0xfffffff0),
  fc.integer({ min: 0, max: 80 }),
  fc.integer({ min: 0, max: 0xffffffff }),
);

const request = fc.record({
  type: fc.oneof({ weight: 20, arbitrary: fc.constantFrom(...Object.values(RCMD)) }, number),
  flags: fc.oneof({ weight: 9, arbitrary: fc.constantFrom(0, 1) }, number),
  fence: number,
  ctx: fc.oneof({ weight: 9, arbitrary: fc.constantFrom(0, 1, 2) }, number),
  fields: fc.array(number, { minLength: 0, maxLength: 20 }),
  cut: fc.option(fc.integer({ min: 0, max: 100 })),
  room: fc.constantFrom(0, 8, 24, 64),
});
const happening = fc.oneof(
  { weight: 40, arbitrary: request },
  { weight: 10, arbitrary: fc.constant("step" as const) },
  {
    weight: 2,
    arbitrary: fc.constantFrom("revoke", "unexport", "queue-reset", "reset", "missing", "export"),
  },
);

attacks("random requests, with objects coming and going: answers, and no more than that", () => {
  fc.assert(
    fc.property(fc.array(happening, { minLength: 20, maxLength: 120 }), fc.boolean(), (list, timed) => {
      const clock = new TestClock();
      const rig = new AttackedRig(
        {
          limits: {
            maxImports: 6,
            maxContexts: 4,
            maxCommands: 12,
            maxDimension: 64,
            maxImportBytes: 1 << 16,
          },
          ...(timed ? { timing: { clock, slicePixels: 100 } } : {}),
        },
        { memoryBytes: 1 << 20 },
      );
      // Guest memory that no request names.
      const guard = rig.place(new Uint8Array(4096).fill(0x5a));
      const exported = [rig.export(16, 16), rig.export(9, 5, 67), rig.export(30, 30, 2, false)];
      const page = rig.allocate(16384, 4096);
      expectRender(rig.command(rmsg.importUuid(1, (exported[0] as (typeof exported)[0]).uuid)), ROK.IMPORT);
      expectRender(rig.command(rmsg.importPages(2, [[page, 16384]], { width: 64, height: 64 })), ROK.IMPORT);
      let owed = 0;
      for (const each of list) {
        const some = exported[(clock.now() % 3) | 0] as (typeof exported)[0];
        if (each === "step") clock.step();
        else if (each === "revoke") some.object.revoke();
        else if (each === "unexport") some.object.unexport();
        else if (each === "missing") some.content.missing = !some.content.missing;
        else if (each === "export") exported.push(rig.export(12, 12));
        else if (each === "reset" || each === "queue-reset") {
          if (each === "reset") {
            rig.device.writeStatus(0);
            rig.initialize();
          } else {
            rig.device.resetQueue(COMMANDQ);
            rig.enableQueue(COMMANDQ);
          }
          owed = 0;
        } else {
          owed -= rig.collect(COMMANDQ).length;
          if (owed > 10) {
            clock.runAll();
            owed -= rig.collect(COMMANDQ).length;
          }
          const bytes = concat(
            words(each.type, each.flags, each.fence, 0, each.ctx, 0),
            importBody(each.type, each.fields, exported, page),
          );
          const cut = each.cut ?? bytes.length;
          rig.offer(COMMANDQ, [bytes.subarray(0, Math.max(1, cut))], each.room === 0 ? [] : [each.room]);
          rig.device.notify(COMMANDQ);
          owed++;
        }
      }
      clock.runAll();
      owed -= rig.collect(COMMANDQ).length;
      assert.is(owed, 0, "everything is answered");
      assert.is(rig.render.pending, 0);
      assert.is(rig.device.status & NEEDS_RESET, 0);
      assert.ok(rig.memory.read(guard, 4096).every((byte) => byte === 0x5a));
      rig.device.writeStatus(0);
      assert.ok(
        exported.every(({ object }) => object.users === 0),
        "everything is let go",
      );
    }),
    { numRuns: 250 },
  );
});

/** Fields behind the header: for imports with an object or memory that is there, more often than not. */
function importBody(
  type: number,
  fields: readonly number[],
  exported: readonly { readonly uuid: Uint8Array }[],
  page: number,
): Uint8Array {
  const [id = 1, flags = 0, pick = 0, ...rest] = fields;
  if (type === RCMD.IMPORT_UUID && pick < 70) {
    const { uuid } = exported[pick % exported.length] as { readonly uuid: Uint8Array };
    return concat(words(id & 7, flags & 1), uuid, pick % 3 === 0 ? words(...rest) : new Uint8Array(24));
  }
  if (type === RCMD.IMPORT_PAGES && pick < 70) {
    const layout = pick % 3 === 0 ? words(...rest.slice(0, 6)) : words(1, 10, 10, 40, 0, 0);
    return concat(
      words(id & 7, flags & 1, pick % 5, 0),
      layout,
      words(page, 0, 4096, 0, page + 8192, 0, pick, 0),
    );
  }
  return words(id > 100 ? id : id & 7, flags > 100 ? flags : flags & 7, pick, ...rest);
}

attacks.run();
