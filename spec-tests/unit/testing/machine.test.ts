// The rigs that authors of devices and drivers get.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { VirtioUsageError } from "../../../src/base/index.ts";
import type { RequestDeviceType } from "../../../src/device/index.ts";
import { RngDevice } from "../../../src/devices/rng/index.ts";
import {
  BackendPlan,
  EchoDevice,
  SteppedScheduler,
  settle,
  TestMachine,
} from "../../../src/testing/index.ts";

const test = suite("testing");

for (const transport of ["mmio", "pci"] as const) {
  for (const format of ["split", "packed"] as const) {
    test(`one call brings a device up, another asks it something: ${transport}, ${format}`, async () => {
      const machine = TestMachine.start(new EchoDevice({ queues: 2 }), { transport, format });
      assert.is(
        machine.device.activeQueue(0)?.constructor.name,
        machine.device.activeQueue(1)?.constructor.name,
      );
      assert.is(machine.driver.hasFeature(34), format === "packed");
      for (let round = 0; round < 300; round++) {
        const { bytes, written } = await machine.request(round % 2, Uint8Array.of(round & 0x7f, 5), 4);
        assert.equal([[...bytes], written], [[(round & 0x7f) + 1, 6, 0xa5, 0xa5], 2]);
      }
    });
  }
}

test("requests under way at once are answered each for itself", async () => {
  const echo = new EchoDevice({ hold: true });
  const machine = TestMachine.start(echo);
  const sent = [1, 2, 3].map((byte) => machine.send(0, Uint8Array.of(byte), 1));
  machine.look(0);
  assert.ok(sent.every(({ answer }) => answer === null));
  echo.complete(0, [2, 0]);
  machine.look(0);
  assert.equal(
    sent.map(({ answer }) => answer && [...answer.bytes]),
    [[2], null, [4]],
  );
});

test("a request waits for the turns that the device asks for, and for real promises", async () => {
  const slow: RequestDeviceType = {
    name: "slow",
    deviceId: 42,
    queues: [{ name: "requestq", maxSize: 8 }],
    handleRequest: (chain) =>
      new Promise((resolve) => setTimeout(() => resolve(chain.write(0, Uint8Array.of(9), 0, 1)), 2)),
  };
  const machine = TestMachine.start(slow, { device: { maxTurnWork: 1 } });
  const [first, second] = await Promise.all(
    [0, 0].map((queue) => machine.request(queue, Uint8Array.of(1), 1)),
  );
  assert.equal([first?.bytes[0], second?.bytes[0]], [9, 9]);
});

test("what cannot be answered is said, not waited for", async () => {
  const rejects = async (promise: Promise<unknown>, message: RegExp): Promise<void> => {
    try {
      await promise;
    } catch (error) {
      assert.match((error as Error).message, message);
      return;
    }
    assert.unreachable("it should have been rejected");
  };
  const broken: RequestDeviceType = {
    name: "broken",
    deviceId: 42,
    queues: [{ name: "requestq", maxSize: 8 }],
    handleRequest: () => new Promise(() => {}),
  };
  const machine = TestMachine.start(broken, { timeoutMs: 0 });
  await rejects(machine.request(0, Uint8Array.of(1), 1), /queue 0: no answer in 0 ms/);
  await rejects(machine.request(1, Uint8Array.of(1), 1), /there is no queue 1; the device has 1/);
  for (let more = 0; more < 7; more++) machine.send(0, Uint8Array.of(1), 0);
  assert.throws(
    () => machine.send(0, Uint8Array.of(1), 0),
    (error: unknown) => error instanceof VirtioUsageError && /full/.test(error.message),
  );
});

test("a stepped scheduler runs what waits, in order, and says when that never ends", () => {
  const scheduler = new SteppedScheduler();
  const done: number[] = [];
  scheduler.schedule(() => {
    done.push(1);
    scheduler.schedule(() => void done.push(3));
  });
  scheduler.schedule(() => void done.push(2));
  assert.ok(scheduler.step());
  assert.equal(done, [1]);
  assert.is(scheduler.run(), 2);
  assert.equal(done, [1, 2, 3]);
  assert.not(scheduler.step());
  const again = (): void => scheduler.schedule(again);
  again();
  assert.throws(() => scheduler.run(50), /after 50 turns/);
});

test("back ends fail and come late as planned", async () => {
  const plan = new BackendPlan();
  const rng = new RngDevice({ source: (bytes) => plan.call("source", () => void bytes.fill(7)) });
  const machine = TestMachine.start(rng);
  assert.equal([...(await machine.request(0, new Uint8Array(0), 2)).bytes], [7, 7]);
  plan.failAfter = 0;
  assert.is((await machine.request(0, new Uint8Array(0), 2)).written, 2);
  assert.is(rng.counters.failures, 1);
  assert.equal(plan.failed, ["source: throw"]);
  plan.late = () => true;
  const sent = machine.send(0, new Uint8Array(0), 2);
  await settle();
  machine.look(0);
  assert.is(sent.answer, null);
  assert.is(plan.owed, 1);
  plan.settle(0);
  await settle();
  machine.look(0);
  assert.equal([...(sent.answer?.bytes ?? [])], [7, 7]);
});

test.run();
