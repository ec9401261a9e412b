import { test } from "uvu";
import * as assert from "uvu/assert";
import { settle } from "../../src/testing/index.ts";
import { CONTROLQ, msg, OK } from "../support/gpu-messages.ts";
import { expectOk, GpuRig } from "../support/gpu-rig.ts";
import { RecordingRenderer } from "../support/recording-renderer.ts";

// The unfinished fence of a destroyed context held up the next context of that id, until the device was reset: timelines
// were told apart by ids, which come again.

const FENCE_ON_RING = 3;
const at = (fence: number) => ({ ctx: 1, flags: FENCE_ON_RING, ring: 0, fence });

test("a new context has timelines of its own", async () => {
  const renderer = new RecordingRenderer();
  const rig = new GpuRig({ renderer });
  expectOk(rig.command(msg.ctxCreate(0, "a", { ctx: 1 })));
  renderer.next("later");
  const old = rig.begin(msg.submit(new Uint8Array(8), at(1)));
  // This fence is one of the old context: it waits for the one before.
  const destroyed = rig.begin(msg.ctxDestroy(at(2)));
  assert.is(destroyed.written, -1);
  // And this is the first of the new one.
  expectOk(rig.command(msg.ctxCreate(0, "b", at(1))));
  expectOk(rig.command(msg.submit(new Uint8Array(8), at(2))));
  assert.equal([old.written, destroyed.written], [-1, -1]);
  renderer.held[0]?.resolve();
  await settle();
  rig.collect(CONTROLQ);
  assert.equal([rig.answer(old).type, rig.answer(destroyed).type], [OK.NODATA, OK.NODATA]);
});

test("within a context the order of fences stays, from its creation on", async () => {
  const renderer = new RecordingRenderer();
  const rig = new GpuRig({ renderer });
  renderer.next("later");
  const created = rig.begin(msg.ctxCreate(0, "a", at(1)));
  const submitted = rig.begin(msg.submit(new Uint8Array(8), at(2)));
  assert.equal([created.written, submitted.written], [-1, -1]);
  renderer.held[0]?.resolve();
  await settle();
  rig.collect(CONTROLQ);
  assert.equal([rig.answer(created).type, rig.answer(submitted).type], [OK.NODATA, OK.NODATA]);
});

test.run();
