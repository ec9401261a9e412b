// Two devices lead the same random life behind their registers. One of them is saved now and then, and a new one goes
// on from there. Whatever a driver can see must stay the same.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Profile } from "../../src/device/index.ts";
import type { RawSplitRing } from "../../src/testing/index.ts";
import { MmioMachine } from "../support/mmio-machine.ts";
import { PciMachine } from "../support/pci-machine.ts";

const OPTIONS = { queueSizes: [8, 16], configBytes: 12 };
const RING_FEATURES = [28, 29, 34, 35, 38, 40, 43];
const STATUSES = [0, 1, 3, 11, 11, 15, 15, 15, 31, 31, 15, 143, 79];
const LIVES = 60;
const STEPS = 120;

type Kind = "mmio" | "pci";
type AnyMachine = MmioMachine | PciMachine;
type Random = (below: number) => number;

/** Marsaglia's xorshift. */
function random(seed: number): Random {
  let x = seed | 1;
  return (below) => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return (x >>> 0) % below;
  };
}

function make(kind: Kind, profile: Profile): AnyMachine {
  const device = { ringFeatures: RING_FEATURES, profile };
  return kind === "mmio" ? new MmioMachine(OPTIONS, device) : new PciMachine(OPTIONS, {}, device);
}

/** Offset and width of a register of either transport. */
const REGISTERS = {
  select: { mmio: [0x30, 4], pci: [0x16, 2] },
  size: { mmio: [0x38, 4], pci: [0x18, 2] },
  enable: { mmio: [0x44, 4], pci: [0x1c, 2] },
  reset: { mmio: [0xc0, 4], pci: [0x3a, 2] },
} as const;

function write(machine: AnyMachine, register: keyof typeof REGISTERS, value: number): void {
  if (machine instanceof MmioMachine) {
    const [offset, width] = REGISTERS[register].mmio;
    machine.transport.write(offset, width, value);
  } else {
    const [offset, width] = REGISTERS[register].pci;
    machine.setCommon(offset, width, value);
  }
}

/** One step of a life, to be taken by both machines. What it returns is what the driver learns. */
function chooseStep(next: Random): (machine: AnyMachine) => unknown {
  const what = next(14);
  const queue = next(3);
  const value = next(5);
  const status = STATUSES[next(STATUSES.length)] as number;
  const features = 1 | (next(2) << 2) | (next(2) << 8) | (next(2) << 11);
  const size = [4, 8, 16, 7, 0][value] as number;
  switch (what) {
    case 0:
    case 1:
      return (machine) => machine.setStatus(status);
    case 2:
      return (machine) => {
        machine.acceptFeatures(0, value < 2 ? 1 << (28 + value) : 0);
        machine.acceptFeatures(1, value === 4 ? 0xffffffff : features);
      };
    case 3:
      return (machine) => write(machine, "select", queue);
    case 4:
      return (machine) => write(machine, "size", size);
    case 5:
      return (machine) => {
        for (const index of [0, 1]) {
          // A ring in use is left alone: a device that was restored looks at it at once, another one when it is notified.
          if (!machine.device.queueEnabled(index)) machine.setUpQueue(index, machine.ring(index, 8));
        }
      };
    case 6:
      return (machine) => write(machine, "enable", 1);
    case 7:
      return (machine) => write(machine, "reset", 1);
    case 8:
      return (machine) => {
        if (machine.rings[queue] !== undefined) machine.offer(queue);
        machine.notify(queue);
      };
    case 9:
      return (machine) => machine.changeConfig(value);
    case 10:
      return (machine) => machine.device.readConfig(0, 4);
    case 11:
      return (machine) =>
        machine instanceof MmioMachine ? machine.transport.write(0x64, 4, value) : machine.isr();
    case 12:
      return (machine) => machine.bringUp(machine, [43, 40, ...(value < 2 ? [29] : [])]);
    default:
      return (machine) => {
        if (machine instanceof MmioMachine) return;
        if (value < 2) machine.setMsix(value === 0, queue === 0);
        else if (value === 2) machine.useMsix([1, 2], 0);
        else machine.transport.configWrite(4, 2, queue * 3);
      };
  }
}

function sight(machine: AnyMachine): unknown {
  const { device, transport } = machine;
  const queues = device.save().queues.map(({ live, faulted }, index) => {
    return [
      device.queueConfig(index),
      device.queueEnabled(index),
      faulted,
      live,
      Buffer.from(machine.memory.read(0x1000 + 0x1000 * index, 0x1000)).toString("base64"),
    ];
  });
  const words = [0, 1, 2, 3].map((word) => device.driverFeatureWord(word));
  const common = [device.status, device.configGeneration, transport.interruptAsserted, words, queues];
  if (machine instanceof MmioMachine) {
    return [common, [0x60, 0x34, 0x44, 0xfc].map((offset) => machine.transport.read(offset, 4))];
  }
  const registers = [0x10, 0x16, 0x18, 0x1a, 0x1c].map((offset) => machine.common(offset, 2));
  return [common, registers, machine.vectors, machine.pending(), machine.transport.configImage()];
}

/** A new machine that goes on where another one stands, with nothing of it but its memory and its saved state. */
function goOn(kind: Kind, profile: Profile, before: AnyMachine): AnyMachine {
  const state: unknown = JSON.parse(JSON.stringify(before.transport.save()));
  const machine = make(kind, profile);
  machine.memory.write(0, before.memory.read(0, 0x40000));
  for (const [index, ring] of before.rings.entries()) {
    if (ring === undefined) continue;
    const own = Object.assign(Object.create(Object.getPrototypeOf(ring)) as RawSplitRing, ring);
    machine.rings[index] = Object.assign(own, { memory: machine.memory });
  }
  machine.transport.restore(state as never);
  assert.equal(JSON.parse(JSON.stringify(machine.transport.save())), state);
  if (machine instanceof PciMachine && before instanceof PciMachine) {
    machine.vectors.push(...before.vectors);
  }
  return machine;
}

const test = suite("saved life");
for (const kind of ["mmio", "pci"] as const) {
  for (const profile of ["spec", "qemu"] as const) {
    test(`a device that is saved and restored all the time lives as one that never is: ${kind}, ${profile}`, () => {
      let saves = 0;
      for (let seed = 1; seed <= LIVES; seed++) {
        const next = random(seed * 7919);
        const whether = random(seed * 104729);
        const one = make(kind, profile);
        let other = make(kind, profile);
        for (let i = 0; i < STEPS; i++) {
          const step = chooseStep(next);
          assert.equal(step(other), step(one), `life ${seed}, step ${i}`);
          if (whether(4) === 0) {
            // A device that is restored looks at its rings at once.
            for (const { device } of [one, other]) for (const index of [0, 1]) device.notify(index);
            other = goOn(kind, profile, other);
            saves++;
          }
          assert.equal(sight(other), sight(one), `life ${seed}, step ${i}`);
        }
      }
      assert.ok(saves > 1000, String(saves));
    });
  }
}
test.run();
