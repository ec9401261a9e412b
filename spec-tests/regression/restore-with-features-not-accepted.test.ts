import { test } from "uvu";
import * as assert from "uvu/assert";
import { RngDevice } from "../../src/devices/rng/index.ts";
import { ACKNOWLEDGE, DeviceRig, DRIVER, FEATURES_OK } from "../../src/testing/index.ts";

// A driver that wrote bits which are not offered, and was refused, could be saved but not restored.

const NOT_OFFERED = 13;

test("a driver whose features were refused is restored like any other", () => {
  const rig = new DeviceRig(new RngDevice(), { idle: true });
  rig.device.writeStatus(ACKNOWLEDGE | DRIVER);
  rig.device.writeDriverFeatureWord(0, 1 << NOT_OFFERED);
  rig.device.writeStatus(ACKNOWLEDGE | DRIVER | FEATURES_OK);
  assert.is(rig.device.status & FEATURES_OK, 0);
  const other = new DeviceRig(new RngDevice(), { idle: true });
  other.device.restore(rig.device.save());
  assert.is(other.device.status, ACKNOWLEDGE | DRIVER);
  assert.is(other.device.driverFeatureWord(0), 1 << NOT_OFFERED);
});

test("but not one that accepted what is not offered", () => {
  const rig = new DeviceRig(new RngDevice());
  const state = rig.device.save();
  const features = [1 << NOT_OFFERED, ...state.driverFeatures.slice(1)];
  assert.throws(
    () => rig.device.restore({ ...state, driverFeatures: features }),
    /include bit 13, which this device does not offer/,
  );
  assert.is(rig.device.status, 15, "and it stays as it was");
});

test.run();
