// What a device type must say of itself, what it may leave out, and what it is told when it is half-written.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { VirtioUsageError } from "../../../src/base/index.ts";
import {
  completeDeviceType,
  type DeviceType,
  type RequestDeviceType,
  VirtioDevice,
} from "../../../src/device/index.ts";
import { GuestMemory } from "../../../src/memory/index.ts";
import { DeviceRig, settle } from "../../../src/testing/index.ts";
import type { DeviceQueue } from "../../../src/virtqueue/index.ts";
import { LoopbackDevice } from "../../support/loopback-device.ts";

const test = suite("device type");

/** No more than a device is. */
class Discard implements DeviceType {
  readonly name = "discard";
  readonly deviceId = 42;
  readonly queues = [{ name: "requestq", maxSize: 8 }];
  handleQueue(_index: number, queue: DeviceQueue): void {
    for (let chain = queue.pop(); chain !== null; chain = queue.pop()) queue.push(chain, 0);
  }
}

const memory = (): GuestMemory => new GuestMemory([{ base: 0, memory: new ArrayBuffer(4096) }]);
const BASE = {
  name: "half",
  deviceId: 42,
  queues: [{ name: "requestq", maxSize: 8 }],
  handleQueue() {},
};

test("name, id, queues and handleQueue make a device that lives through everything", () => {
  const rig = new DeviceRig(new Discard());
  const sent = rig.offer(0, [Uint8Array.of(1)], [4]);
  rig.notify(0);
  assert.is(sent.written, 0);
  const { device } = rig;
  assert.is(device.readConfig(0, 4), 0);
  device.writeConfig(0, 4, 1);
  const state = device.save();
  assert.is(state.type, null);
  device.resetQueue(0);
  device.reset();
  const next = new DeviceRig(new Discard(), { idle: true, memory: rig.memory });
  next.device.restore(state);
  assert.is(next.device.status, state.status);
  assert.throws(
    () => next.device.restore({ ...state, type: { more: 1 } }),
    (error: unknown) => error instanceof VirtioUsageError && /discard/.test(error.message),
  );
  assert.equal(
    [device.type.pciClass, device.type.features, device.type.sharedMemory, device.type.configLengthBytes],
    [0xff0000, [], [], 0],
  );
});

test("a type that leaves nothing out is used as it is", () => {
  const type = new LoopbackDevice();
  assert.is(completeDeviceType(type), type);
  assert.is(new VirtioDevice(type, { memory: memory() }).type, type);
});

test("config is the configuration space: read by the driver, changed by the device", () => {
  class WithConfig extends Discard {
    readonly config = Uint8Array.of(1, 2, 3, 4, 5);
  }
  const type = new WithConfig();
  const device = new VirtioDevice(type, { memory: memory() });
  assert.is(device.readConfig(0, 4), 0x04030201);
  assert.is(device.readConfig(4, 2), 5);
  device.writeConfig(0, 1, 9);
  assert.is(type.config[0], 1);
});

test("reset and start are called where they are given", () => {
  const events: string[] = [];
  const type = Object.assign(new Discard(), {
    start: () => void events.push("start"),
    queueReset: (index: number) => void events.push(`queue ${index}`),
    reset: () => void events.push("reset"),
    quiesce: () => void events.push("quiesce"),
  });
  const rig = new DeviceRig(type);
  rig.device.resetQueue(0);
  rig.device.reset();
  assert.equal(events, ["start", "queue 0", "reset"]);
});

/** Each wrong type with what its message must say: the member, and an example of a right one. */
test("what saves or restores later is refused in words, and leaves nothing that nobody waits for", async () => {
  const late = () => Promise.reject(new Error("nobody waits for it")) as never;
  const good = { save: () => null, prepareRestore: () => ({ takeOver() {} }) };
  const make = (methods: object) => new VirtioDevice({ ...BASE, ...good, ...methods }, { memory: memory() });
  const state = make({}).save();
  const refused = (method: string) => (error: unknown) =>
    error instanceof VirtioUsageError && error.message.startsWith(`${method} of the half returned a promise`);
  assert.throws(() => make({ save: late }).save(), refused("save()"));
  assert.throws(() => make({ prepareRestore: late }).restore(state), refused("prepareRestore()"));
  const device = make({ prepareRestore: () => ({ takeOver: late }) });
  assert.throws(() => device.restore({ ...state, status: 1 }), refused("takeOver()"));
  assert.is(device.status, 0);
  await settle();
});

const WRONG: readonly (readonly [string, unknown, RegExp])[] = [
  ["nothing", undefined, /the device type is undefined; it is an object such as new RngDevice/],
  ["a class", Discard, /is the class Discard, not an object: new it/],
  ["an empty object", {}, /has no name; .*readonly name = "blk"/],
  ["an empty name", { ...BASE, name: "" }, /has "" as name; .*readonly name/],
  ["no id", { ...BASE, deviceId: undefined }, /"half" has no deviceId; .*readonly deviceId = 2/],
  ["an id of text", { ...BASE, deviceId: "2" }, /has "2" as deviceId; .*deviceId = 2/],
  [
    "no queues",
    { ...BASE, queues: undefined },
    /has no queues; .*queues = \[\{ name: "requestq", maxSize: 128 \}\]/,
  ],
  ["queues that are a number", { ...BASE, queues: 1 }, /has 1 as queues; .*maxSize: 128/],
  ["names of queues", { ...BASE, queues: ["requestq"] }, /has a list with "requestq" as queues/],
  ["a queue without size", { ...BASE, queues: [{ name: "q" }] }, /as queues; right would be/],
  ["a queue of size 0", { ...BASE, queues: [{ name: "q", maxSize: 0 }] }, /sizes from 1 to 32768/],
  [
    "no handler",
    { ...BASE, handleQueue: undefined },
    /has no method handleQueue, .*handleQueue\(index, queue\)/,
  ],
  [
    "a handler with a wrong name",
    { ...BASE, handleQueue: undefined, handleQueues() {} },
    /handleQueues is not known; is it that\?/,
  ],
  ["a handler that is none", { ...BASE, handleQueue: 1 }, /has 1 as handleQueue, which is a method/],
  ["two handlers", { ...BASE, handleRequest() {} }, /handleQueue and handleRequest: one of them/],
  [
    "features by name",
    { ...BASE, features: ["flush"] },
    /has a list with "flush" as features; .*numbers of bits/,
  ],
  ["features that are none", { ...BASE, features: 9 }, /has 9 as features/],
  ["a feature bit too high", { ...BASE, features: [128] }, /from 0 to 127/],
  ["dependencies that are pairs", { ...BASE, featureDependencies: [[1, 2]] }, /featureDependencies = \[\{/],
  ["a class code that is too long", { ...BASE, pciClass: 0x1000000 }, /pciClass = 0x018000/],
  ["config that is a list", { ...BASE, config: [1, 2] }, /as config; right would be: .*new Uint8Array/],
  ["a length without bytes", { ...BASE, configLengthBytes: 8 }, /nothing to read there: give config/],
  [
    "two lengths",
    { ...BASE, config: new Uint8Array(4), configLengthBytes: 8 },
    /4 bytes of config, and a configLengthBytes of 8/,
  ],
  ["a member that is not a method", { ...BASE, reset: true }, /has true as reset; .*reset\(\)/],
  ["save without restore", { ...BASE, save: () => null }, /has save and no prepareRestore/],
  ["restore without save", { ...BASE, prepareRestore() {} }, /has prepareRestore and no save/],
  [
    "shared memory longer than its buffer",
    { ...BASE, sharedMemory: [{ id: 0, lengthBytes: 8, buffer: new ArrayBuffer(4) }] },
    /as sharedMemory; right would be/,
  ],
  [
    "no room in flight",
    { ...BASE, handleQueue: undefined, handleRequest() {}, maxRequestsInFlight: 0 },
    /= 64/,
  ],
];

for (const [what, type, message] of WRONG) {
  test(`${what}: the message names the member and what would be right`, () => {
    assert.throws(
      () => new VirtioDevice(type as DeviceType, { memory: memory() }),
      (error: unknown) => {
        assert.instance(error, VirtioUsageError);
        assert.match((error as Error).message, message);
        return true;
      },
    );
  });
}

test("a device type belongs to one device", () => {
  const type: RequestDeviceType = { ...BASE, handleRequest: () => 0 };
  const only = { ...type, handleQueue: undefined };
  assert.type(new VirtioDevice(only as RequestDeviceType, { memory: memory() }).reset, "function");
});

test.run();
