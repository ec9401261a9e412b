// Some drivers of before virtio 1.0 write FEATURES_OK into the legacy status. They were taken for modern ones under the
// profiles that keep the bit, and their queues were ignored.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { LegacyMachine, STATUS } from "../support/legacy-machine.ts";

const test = suite("legacy drivers that write FEATURES_OK");

for (const profile of ["spec", "qemu", "crosvm"] as const) {
  test(`a legacy driver that writes FEATURES_OK is a legacy driver with ${profile}`, () => {
    const machine = new LegacyMachine({}, {}, { profile });
    machine.out(STATUS, 1, 0);
    machine.out(STATUS, 1, 3);
    machine.out(4, 4, 0);
    machine.out(STATUS, 1, 11);
    machine.placeQueue(0);
    machine.placeQueue(1);
    machine.out(STATUS, 1, 15);
    assert.ok(machine.device.legacyDriver);
    machine.legacyExchange(1);
    assert.is(machine.used(1), 1);
    machine.legacyExchange(0);
    assert.is(machine.used(0), 1);
  });
}

test.run();
