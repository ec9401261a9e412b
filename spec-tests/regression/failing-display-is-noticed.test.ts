// A display that throws was a black screen which only a trace explained.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Display, GpuBackendFailure } from "../../src/devices/gpu/index.ts";
import { msg } from "../support/gpu-messages.ts";
import { GpuRig } from "../support/gpu-rig.ts";

const test = suite("a display that fails");

const trouble = new Error("no window to draw into");
const broken: Display = {
  setScanout() {
    throw trouble;
  },
  flush() {},
};

test("the failure is counted, kept and told, with what was thrown", () => {
  const told: GpuBackendFailure[] = [];
  const rig = new GpuRig({ display: broken, onBackendFailure: (failure) => told.push(failure) });
  assert.is(rig.gpu.lastBackendFailure, null);
  rig.resource2d(1, 16, 16);
  rig.command(msg.setScanout(0, 1, { x: 0, y: 0, w: 16, h: 16 }));
  assert.is(rig.gpu.counters.backendFailures, 1);
  assert.is(rig.gpu.lastBackendFailure?.error, trouble);
  assert.equal(told, [rig.gpu.lastBackendFailure]);
});

test.run();
