// A device with a state: entropy from a die, which goes on with the same throws wherever it is restored.
import { fields, VirtioDevice } from "virtio-emulator/device";
import { TestMachine } from "virtio-emulator/testing";
import { ChainWriter } from "virtio-emulator/virtqueue";

// Version 1 did not say how many sides: all its dice had six.
/** @type {import("virtio-emulator/device").fields.Lift[]} */
const LIFTS = [(state) => ({ ...state, sides: 6 })];
const savedDice = fields.record({
  version: fields.whole(),
  seed: fields.whole(1),
  sides: fields.whole(2, 100),
  last: fields.list(fields.whole(1, 100), 3),
});

/** @import { RequestDeviceType } from "virtio-emulator/device" */
/** @implements {RequestDeviceType} */
class Dice {
  name = "rng";
  deviceId = 4;
  queues = [{ name: "requestq", maxSize: 8 }];
  seed = 1;
  sides = 6;
  /** @type {readonly number[]} */
  last = [];

  /** @param {import("virtio-emulator/virtqueue").DescriptorChain} chain */
  handleRequest(chain) {
    this.seed = (this.seed * 48271) % 0x7fffffff;
    const eyes = (this.seed % this.sides) + 1;
    this.last = [...this.last, eyes].slice(-3);
    new ChainWriter(chain).u8(eyes);
    return 1;
  }

  save() {
    return { version: 2, seed: this.seed, sides: this.sides, last: this.last };
  }

  /** @param {unknown} state */
  prepareRestore(state) {
    const { seed, sides, last } = savedDice(fields.lifted(state, LIFTS));
    for (const [i, eyes] of last.entries()) {
      if (eyes > sides) fields.misfit(["last", i], `is ${eyes}, and this die has ${sides} sides`);
    }
    return { takeOver: () => Object.assign(this, { seed, sides, last: [...last] }) };
  }
}

const machine = TestMachine.start(new Dice());
const first = await machine.request(0, new Uint8Array(), 1);
const second = await machine.request(0, new Uint8Array(), 1);
console.log(`thrown: ${first.bytes[0]} ${second.bytes[0]}`);
const saved = machine.device.save();
/** @param {typeof saved.type} type */
const restore = (type) => {
  const device = new VirtioDevice(new Dice(), { memory: machine.memory });
  device.restore({ ...saved, type });
  return JSON.stringify(device.save().type);
};
console.log(`restored: ${restore(saved.type)}`);
console.log(`of version 1: ${restore({ version: 1, seed: 5, last: [6] })}`);
try {
  restore({ version: 2, seed: 5, sides: 6, last: [7] });
} catch (error) {
  console.log(`refused: ${error instanceof Error ? error.message : error}`);
}

// Prints:
// thrown: 2 1
// restored: {"version":2,"seed":182605794,"sides":6,"last":[2,1]}
// of version 1: {"version":2,"seed":5,"sides":6,"last":[6]}
// refused: saved state: type.last[0] is 7, and this die has 6 sides
