import { test } from "uvu";
import * as assert from "uvu/assert";
import { BackendError } from "../../src/base/backend-error.ts";

import { settle } from "../../src/testing/index.ts";
import { CONTROLQ, ERR, msg } from "../support/gpu-messages.ts";
import { expectOk, GpuRig } from "../support/gpu-rig.ts";
import { RecordingRenderer } from "../support/recording-renderer.ts";

// CTX_ATTACH_RESOURCE that the renderer refused was remembered as done: the next attempt was answered with OK without
// the renderer hearing of it.

test("a resource that the renderer would not attach is not attached", async () => {
  const renderer = new RecordingRenderer();
  const rig = new GpuRig({ renderer });
  const o = { ctx: 1 };
  expectOk(rig.command(msg.ctxCreate(0, "", o)));
  expectOk(rig.command(msg.create3d(5, [2, 1, 2, 64, 64, 1, 1, 0, 0, 0], o)));
  renderer.next("out-of-memory");
  assert.is(rig.command(msg.ctxAttach(5, o)).type, ERR.OUT_OF_MEMORY);
  renderer.next("later");
  const late = rig.begin(msg.ctxAttach(5, o));
  renderer.held.pop()?.reject(new BackendError("lost"));
  await settle();
  rig.collect(CONTROLQ);
  assert.is(rig.answer(late).type, ERR.UNSPEC);
  expectOk(rig.command(msg.ctxAttach(5, o)));
  assert.is(renderer.calls.filter(([method]) => method === "attachResource").length, 3);
});

test.run();
