import { test } from "uvu";
import * as assert from "uvu/assert";
import { VirtioUsageError } from "../../src/base/index.ts";
import { GpuRig } from "../support/gpu-rig.ts";

// A state whose device-specific part does not fit was refused, but the status and features of the saved driver stayed.

test("a state that does not fit leaves a device that was reset", () => {
  const rig = new GpuRig();
  const state = rig.device.save();
  const other = new GpuRig({}, { idle: true });
  assert.throws(
    () => other.device.restore({ ...state, type: null }),
    (error: unknown) => error instanceof VirtioUsageError,
  );
  assert.is(other.device.status, 0);
  assert.is(other.device.driverFeatureWord(1), 0);
});

test.run();
