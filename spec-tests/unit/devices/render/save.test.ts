// Saving, and going on in another machine.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { VirtioUsageError } from "../../../../src/base/index.ts";
import { GuestMemory } from "../../../../src/memory/index.ts";
import { RERR, ROK, rmsg } from "../../../support/render-messages.ts";
import { COMMANDQ, expectRender, FakeExport, RenderRig } from "../../../support/render-rig.ts";
import { TestClock } from "../../../support/test-clock.ts";

const save = suite("render: saving");

/** A device in the state of another one, in a memory with the same contents. */
function moved(rig: RenderRig, state: unknown, prepare: (rig: RenderRig) => void): RenderRig {
  const memory = new GuestMemory([{ base: 0, memory: rig.memory.read(0, 32 << 20).buffer }]);
  const next = new RenderRig({}, { memory, idle: true });
  prepare(next);
  next.device.restore(JSON.parse(JSON.stringify(state)));
  return next;
}

save("imports, contexts, fences and events survive JSON", () => {
  const rig = new RenderRig();
  const { uuid } = rig.export(8, 4);
  const layout = { format: 67, width: 4, height: 2, stride: 40, offset: 8 };
  expectRender(rig.command(rmsg.importUuid(1, uuid, layout, { importFlags: 1 })), ROK.IMPORT);
  rig.pages(2, { width: 50, height: 50, stride: 256, offset: 100 });
  const gone = rig.export(8, 4);
  expectRender(rig.command(rmsg.importUuid(3, gone.uuid)), ROK.IMPORT);
  gone.object.revoke();
  expectRender(rig.command(rmsg.ctxCreate({ ctx: 4, fence: 2n ** 40n })));
  expectRender(rig.command(rmsg.nop({ fence: 3 })));
  const before = rig.render.imports();
  const state = rig.device.save();

  const other = new FakeExport(8 * 4 * 4, null);
  const next = moved(rig, state, (target) => void target.registry.publish(uuid, other));
  assert.equal(next.render.imports(), before);
  assert.equal(next.render.contexts, [0, 4]);
  assert.is(next.device.readConfig(0, 4), 1);
  assert.equal(next.device.save().type, state.type);
  assert.is(next.registry.get(uuid)?.users, 1);
  next.device.writeStatus(0);
  assert.is(next.registry.get(uuid)?.users, 0);
});

save("a restored device draws where the saved one did", () => {
  const rig = new RenderRig({}, { queueSize: 8 });
  const { uuid } = rig.export(8, 4);
  expectRender(rig.command(rmsg.importUuid(1, uuid)), ROK.IMPORT);
  const pages = rig.pages(2, { width: 50, height: 50 });
  expectRender(rig.command(rmsg.nop({ fence: 9 })));
  // A request that is in the ring when the state is saved, but was not taken yet.
  const fill = rig.offer(COMMANDQ, [rmsg.fill(2, 0xff123456, [0, 0, 50, 50], { fence: 10 })], [24]);
  const blit = rig.offer(COMMANDQ, [rmsg.blit(1, 2, 0, 0, [0, 0, 8, 4], { fence: 11 })], [24]);
  const stale = rig.offer(COMMANDQ, [rmsg.nop({ fence: 9 })], [24]);
  const state = rig.device.save();
  const content = new FakeExport(8 * 4 * 4, null);
  const next = moved(rig, state, (target) => void target.registry.publish(uuid, content));
  const types = [fill, blit, stale].map((sent) =>
    new DataView(next.memory.read(sent.writable[0]?.address as number, 4).buffer).getUint32(0, true),
  );
  assert.equal(types, [ROK.PLAIN, ROK.PLAIN, RERR.FENCE]);
  assert.ok(
    next
      .words(pages)
      .subarray(0, 2500)
      .every((pixel) => pixel === 0xff123456),
  );
  assert.ok(content.pixels.every((pixel) => pixel === 0xff123456));
});

save("while it draws it can not be saved", () => {
  const clock = new TestClock();
  const rig = new RenderRig({ timing: { clock } });
  rig.picture(1, 8, 4);
  rig.begin(rmsg.fill(1, 1, [0, 0, 8, 4]));
  assert.throws(() => rig.device.save(), /still drawing/);
  clock.runAll();
  rig.device.save();
});

save("an object that nobody exports where it is restored", () => {
  const rig = new RenderRig();
  const { uuid, object } = rig.export(8, 4);
  expectRender(rig.command(rmsg.importUuid(1, uuid)), ROK.IMPORT);
  const exported = rig.device.save();
  assert.throws(
    () => moved(rig, exported, () => {}),
    (error: unknown) =>
      error instanceof VirtioUsageError && /restore the device that does before/.test(error.message),
  );
  // Its exporter had let go of it: it lived for the renderer alone, and is no more.
  object.unexport();
  const lingering = rig.device.save();
  const next = moved(rig, lingering, () => {});
  assert.is(next.render.imports()[0]?.revoked, true);
  assert.is(next.device.readConfig(0, 4), 1);
  assert.is(next.configInterrupts, 1);
});

save("states that are none", () => {
  const rig = new RenderRig();
  const { uuid } = rig.export(8, 4);
  expectRender(rig.command(rmsg.importUuid(1, uuid)), ROK.IMPORT);
  const state = rig.device.save();
  const type = state.type as Record<string, unknown>;
  for (const broken of [
    null,
    [],
    { ...type, version: 2 },
    { ...type, version: undefined },
    { ...type, imports: 3 },
    { ...type, contexts: [1] },
    { ...type, imports: [{ id: 1 }] },
    { ...type, imports: [{ ...(type["imports"] as object[])[0], format: 5 }] },
    { ...type, imports: [{ ...(type["imports"] as object[])[0], uuid: 4 }] },
    { ...type, imports: [{ ...(type["imports"] as object[])[0], pages: { pieces: [[0, 1, 0, 4096]] } }] },
  ]) {
    assert.throws(
      () => rig.device.restore({ ...state, type: broken as typeof state.type }),
      (error: unknown) => error instanceof VirtioUsageError,
      JSON.stringify(broken),
    );
  }
});

save.run();
