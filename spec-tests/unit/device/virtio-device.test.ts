import { test } from "uvu";
import * as assert from "uvu/assert";
import { VirtioUsageError } from "../../../src/base/index.ts";
import { VirtioDevice, type VirtioDeviceOptions } from "../../../src/device/index.ts";
import { RngDevice } from "../../../src/devices/rng/index.ts";
import { GuestMemory } from "../../../src/memory/index.ts";

test("a profile that does not exist is refused, also one by the name of what every object has", () => {
  const create = (profile: string) =>
    new VirtioDevice(new RngDevice(), {
      memory: new GuestMemory([{ base: 0, memory: new ArrayBuffer(4096) }]),
      profile: profile as NonNullable<VirtioDeviceOptions["profile"]>,
    });
  for (const wrong of ["bochs", "", "toString"]) {
    assert.throws(
      () => create(wrong),
      (error: unknown) =>
        error instanceof VirtioUsageError && /not one of "spec", "qemu", "crosvm"/.test(error.message),
    );
  }
  assert.is(create("qemu").profile, "qemu");
});

test.run();
