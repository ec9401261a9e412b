import { suite } from "uvu";
import * as assert from "uvu/assert";
import { MmioMachine } from "../../support/mmio-machine.ts";
import { PciMachine } from "../../support/pci-machine.ts";
import {
  NOTIF_CONFIG_DATA,
  NOTIFICATION_DATA,
  RING_PACKED,
  RING_RESET,
} from "../../support/transport-device.ts";

const test = suite("hostile register accesses");

const ROUNDS = 60;
const STEPS = 1500;
const WIDTHS = [1, 2, 4];
const RING_FEATURES = [28, 29, RING_PACKED, RING_RESET, NOTIFICATION_DATA, NOTIF_CONFIG_DATA, 43];
const VALUES = [
  0, 1, 2, 3, 4, 8, 11, 15, 16, 0x1000, 0x1080, 0x1100, 0x7fff, 0x8000, 0xffff, 0x80000000, 0xffffffff,
];

/** A small generator of the linear congruential kind: the same numbers on every run. */
function numbers(seed: number): (limit: number) => number {
  let state = seed >>> 0;
  return (limit) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

const pick = <T>(next: (limit: number) => number, from: readonly T[]): T => from[next(from.length)] as T;

test("any access at any moment to mmio registers: no exception, values in range", () => {
  for (let round = 0; round < ROUNDS; round++) {
    const next = numbers(round + 1);
    const machine = new MmioMachine({}, { ringFeatures: RING_FEATURES });
    // The driver's handler plays along, three levels deep.
    let depth = 0;
    machine.onLine = () => {
      if (depth++ < 3) step();
      depth--;
    };
    const step = (): void => {
      const width = next(10) === 0 ? pick(next, WIDTHS) : 4;
      const offset = next(10) === 0 ? next(0x140) : 4 * next(0x46);
      if (next(3) === 0) {
        const value = machine.transport.read(offset, width);
        if (!(value >= 0 && value < 2 ** (8 * width))) throw new Error(`${offset}/${width}: ${value}`);
      } else if (next(8) === 0) {
        machine.changeConfig(next(256));
      } else {
        machine.transport.write(offset, width, pick(next, VALUES));
      }
    };
    if (next(2) === 0) machine.bringUp(machine, next(2) === 0 ? [RING_RESET] : []);
    for (let i = 0; i < STEPS; i++) step();
    assert.is(machine.transport.interruptAsserted, machine.read(0x60) !== 0);
    machine.setStatus(0);
    assert.is(machine.status(), 0);
    assert.is(machine.transport.interruptAsserted, false);
    machine.bringUp(machine);
    machine.offer(0);
    machine.notify(0);
    assert.is(machine.used(0), 1, "after a reset it works");
  }
});

test("any access at any moment to pci registers and configuration space: no exception, values in range", () => {
  for (let round = 0; round < ROUNDS; round++) {
    const next = numbers(round + 1);
    const buffer = new ArrayBuffer(64);
    const machine = new PciMachine(
      { sharedMemory: [{ id: 1, lengthBytes: 64, buffer }] },
      { express: round % 2 === 0, layout: { ioNotifyBar: 5 }, msix: { vectors: 40 } },
      { ringFeatures: RING_FEATURES },
    );
    const { transport } = machine;
    let depth = 0;
    const reenter = (): void => {
      if (depth++ < 3) step();
      depth--;
    };
    machine.onLine = reenter;
    machine.onMsix = reenter;
    machine.onBarChange = reenter;
    const offsetIn = (bar: number): number => (bar === 1 ? next(0x900) : next(0xa0));
    const step = (): void => {
      const width = pick(next, WIDTHS);
      const bar = pick(next, [0, 0, 0, 1, 1, 2, 5, 3, 7]);
      const offset = next(4) === 0 ? offsetIn(bar) : offsetIn(bar) & ~(width - 1);
      let value = 0;
      switch (next(6)) {
        case 0:
          value = transport.barRead(bar, offset, width);
          break;
        case 1:
          value = transport.configRead(next(0x110), width);
          break;
        case 2:
          transport.configWrite(next(0x110), width, pick(next, VALUES));
          break;
        case 3:
          machine.changeConfig(next(256));
          break;
        default:
          transport.barWrite(bar, offset, width, pick(next, VALUES));
      }
      if (!(value >= 0 && value < 2 ** (8 * width))) throw new Error(`${bar} ${offset}/${width}: ${value}`);
    };
    if (next(2) === 0) {
      machine.bringUp(machine, next(2) === 0 ? [RING_RESET] : []);
      if (next(2) === 0) machine.useMsix([1, 2], 0);
    }
    for (let i = 0; i < STEPS; i++) step();
    transport.reset();
    assert.is(machine.status(), 0);
    assert.is(transport.interruptAsserted, false);
    machine.onLine = machine.onMsix = machine.onBarChange = () => {};
    machine.bringUp(machine);
    machine.useMsix([1, 2], 0);
    machine.vectors.length = 0;
    machine.exchange(0);
    assert.is(machine.used(0), 1, "after a reset it works");
    assert.equal(machine.vectors, [1]);
  }
});

test.run();
