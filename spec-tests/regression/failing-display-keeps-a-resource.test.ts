import { test } from "uvu";
import * as assert from "uvu/assert";
import { msg, OK } from "../support/gpu-messages.ts";
import { expectOk, GpuRig } from "../support/gpu-rig.ts";

// A display that failed when its picture was taken away made UNREF fail half way: the resource stayed, with its memory.

test("a resource is given back even if a display that showed it fails", () => {
  let broken = false;
  const display = {
    setScanout() {
      if (broken) throw new Error("no window");
    },
    flush() {},
  };
  const rig = new GpuRig({ display: display as never, scanouts: 2 });
  rig.resource2d(1, 64, 64);
  for (const i of [0, 1]) expectOk(rig.command(msg.setScanout(i, 1, { x: 0, y: 0, w: 64, h: 64 })));
  broken = true;
  assert.is(rig.command(msg.unref(1)).type, OK.NODATA);
  assert.equal(rig.gpu.resources(), []);
  assert.is(rig.gpu.hostBytes, 0);
  assert.is(rig.gpu.scanout(0), null);
  assert.is(rig.gpu.scanout(1), null);
});

test.run();
