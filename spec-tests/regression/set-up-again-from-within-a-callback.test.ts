import { test } from "uvu";
import * as assert from "uvu/assert";
import { MmioMachine } from "../support/mmio-machine.ts";
import { PciMachine } from "../support/pci-machine.ts";
import { DRIVER_OK, RING_RESET } from "../support/transport-device.ts";

// A driver that reset the device from within the interrupt of a queue that faulted at DRIVER_OK, and began anew, had the
// device type started twice, once of it before the driver was there again. One that set a queue up again while its reset
// was being told to the device type lost its registers and its interrupt vector.

test("a driver that begins anew when a queue faults at DRIVER_OK", () => {
  const machine = new MmioMachine();
  const { transport, type } = machine;
  let again: "no" | "reset" | "set up" = "no";
  machine.onLine = (asserted) => {
    if (!asserted || again === "no") return;
    const how = again;
    again = "no";
    transport.write(0x70, 4, 0);
    if (how === "set up") machine.bringUp(machine);
  };
  for (const how of ["reset", "set up"] as const) {
    machine.negotiate(machine);
    // A descriptor table that is not aligned.
    transport.write(0x30, 4, 0);
    transport.write(0x80, 4, 1);
    transport.write(0x44, 4, 1);
    type.events.length = 0;
    again = how;
    transport.write(0x70, 4, 15);
    assert.is(again, "no", "the fault was told");
    assert.is(type.events.filter((event) => event === "start").length, how === "reset" ? 0 : 1, how);
    assert.is(type.events.at(-1), how === "reset" ? "reset" : "start");
    assert.is(machine.status() & DRIVER_OK, how === "reset" ? 0 : DRIVER_OK);
  }
  machine.offer(0);
  machine.notify(0);
  assert.is(machine.used(0), 1);
});

test("a driver that sets a queue up again while the device type hears of its reset", () => {
  const machine = new PciMachine();
  machine.enable();
  machine.bringUp(machine, [RING_RESET]);
  machine.useMsix([1, 2], 0);
  machine.type.onQueueReset = () => {
    machine.setUpQueue(0, machine.ring(0));
    machine.setCommon(0x1a, 2, 1);
  };
  machine.select(0);
  machine.setCommon(0x3a, 2, 1);
  machine.select(0);
  assert.is(machine.common(0x1c, 2), 1);
  assert.is(machine.common(0x20, 4), machine.rings[0]?.desc, "registers");
  assert.is(machine.common(0x1a, 2), 1, "vector");
  machine.vectors.length = 0;
  machine.exchange(0);
  assert.equal(machine.vectors, [1]);
});

test.run();
