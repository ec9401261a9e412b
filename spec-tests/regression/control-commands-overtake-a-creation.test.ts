import { test } from "uvu";
import * as assert from "uvu/assert";
import { BackendError } from "../../src/base/backend-error.ts";

import { settle } from "../../src/testing/index.ts";
import { CONTROLQ, CURSORQ, ERR, msg } from "../support/gpu-messages.ts";
import { expectOk, GpuRig } from "../support/gpu-rig.ts";
import { RecordingRenderer } from "../support/recording-renderer.ts";

// With the profile `crosvm` the cursor queue takes control commands: one that overtook the creation of a blob and gave
// it back had the blob's bytes subtracted twice once the creation failed.

test("a blob given back through the other queue while it is created is counted once", async () => {
  const renderer = new RecordingRenderer();
  const rig = new GpuRig({ renderer, profile: "crosvm" });
  expectOk(rig.command(msg.ctxCreate(0, "", { ctx: 1 })));
  renderer.next("later");
  const created = rig.begin(msg.createBlob(7, { mem: 2, size: 8192 }, { ctx: 1 }));
  const given = rig.begin(msg.unref(7), 24, CURSORQ);
  assert.is(given.written, -1, "it waits for its turn");
  renderer.held.pop()?.reject(new BackendError("out-of-memory"));
  await settle();
  rig.collect(CONTROLQ);
  rig.collect(CURSORQ);
  assert.is(rig.answer(created).type, ERR.OUT_OF_MEMORY);
  assert.is(rig.answer(given).type, ERR.RESOURCE);
  assert.is(rig.gpu.hostBytes, 0);
});

test.run();
