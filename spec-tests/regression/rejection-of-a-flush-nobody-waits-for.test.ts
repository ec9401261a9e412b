import { test } from "uvu";
import * as assert from "uvu/assert";
import { ERR, msg } from "../support/gpu-messages.ts";
import { expectOk, GpuRig } from "../support/gpu-rig.ts";

// A flush of two scanouts of which the first returned a promise and the second threw left the promise to itself: had it
// been rejected, Node would have ended the process.

const FULL = { x: 0, y: 0, w: 64, h: 64 };

test("a flush that fails on one scanout does not forget the promise of another", async () => {
  const unhandled: unknown[] = [];
  const note = (reason: unknown): void => void unhandled.push(reason);
  process.on("unhandledRejection", note);
  const display = {
    setScanout() {},
    flush(scanoutId: number) {
      if (scanoutId === 0) return Promise.reject(new Error("the first window is gone"));
      throw new Error("so is the second");
    },
  };
  const rig = new GpuRig({ display: display as never, scanouts: 2 });
  rig.resource2d(1, 64, 64);
  for (const i of [0, 1]) expectOk(rig.command(msg.setScanout(i, 1, FULL)));
  assert.is(rig.command(msg.flush(1, FULL)).type, ERR.UNSPEC);
  await new Promise((resolve) => setTimeout(resolve, 5));
  process.off("unhandledRejection", note);
  assert.equal(unhandled, []);
});

test.run();
