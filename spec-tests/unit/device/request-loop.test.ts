// Device types that answer request by request: now, later, in any order, or not at all.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { BackendError, type TraceEvent, VirtioBugError } from "../../../src/base/index.ts";
import type { DeviceHost, RequestDeviceType } from "../../../src/device/index.ts";
import { DeviceRig, NEEDS_RESET, settle } from "../../../src/testing/index.ts";
import { ChainReader, type DescriptorChain } from "../../../src/virtqueue/index.ts";

const test = suite("request loop");

type Answer = number | Promise<number>;

/** Writes back the first byte of each request, when and how the test says. */
class Answerer implements RequestDeviceType {
  readonly name = "answerer";
  readonly deviceId = 42;
  readonly queues = [
    { name: "one", maxSize: 16 },
    { name: "two", maxSize: 16 },
  ];
  readonly maxRequestsInFlight = 2;
  readonly maxAbandonedCalls = 3;
  readonly taken: number[] = [];
  host: DeviceHost | null = null;
  answer: (chain: DescriptorChain, byte: number) => Answer;
  readonly #reader = new ChainReader();

  constructor(answer: (chain: DescriptorChain, byte: number) => Answer) {
    this.answer = answer;
  }

  attach(host: DeviceHost): void {
    this.host = host;
  }

  handleRequest(chain: DescriptorChain): Answer {
    const byte = this.#reader.open(chain).u8();
    this.taken.push(byte);
    return this.answer(chain, byte);
  }
}

const echo = (chain: DescriptorChain, byte: number): number => chain.write(0, Uint8Array.of(byte), 0, 1);

function send(rig: DeviceRig, byte: number, queue = 0) {
  const sent = rig.offer(queue, [Uint8Array.of(byte)], [1]);
  rig.notify(queue);
  return sent;
}

/** Answers when told to. */
function later() {
  const owed: ((fail?: unknown) => void)[] = [];
  const answer = (chain: DescriptorChain, byte: number) =>
    new Promise<number>((resolve, reject) => {
      owed.push((fail) => (fail === undefined ? resolve(echo(chain, byte)) : reject(fail)));
    });
  return { owed, answer };
}

test("a number answers at once", () => {
  const rig = new DeviceRig(new Answerer(echo));
  const sent = send(rig, 7);
  assert.is(sent.written, 1);
  assert.equal([...rig.response(sent)], [7]);
});

test("promises answer later and in any order, and beyond the limit no more are taken", async () => {
  const { owed, answer } = later();
  const type = new Answerer(answer);
  const rig = new DeviceRig(type);
  const sent = [1, 2, 3].map((byte) => send(rig, byte));
  assert.equal(type.taken, [1, 2]);
  owed[1]?.();
  await settle();
  rig.collect(0);
  assert.equal(
    sent.map(({ written }) => written),
    [-1, 1, -1],
  );
  // The third was taken without another notification.
  assert.equal(type.taken, [1, 2, 3]);
  owed[0]?.();
  owed[2]?.();
  await settle();
  rig.collect(0);
  assert.equal(
    sent.map((each) => [...rig.response(each)]),
    [[1], [2], [3]],
  );
  assert.is(rig.device.chainsInFlight, 0);
});

test("each queue has room of its own", () => {
  const type = new Answerer(later().answer);
  const rig = new DeviceRig(type);
  for (const byte of [1, 2, 3]) send(rig, byte, 0);
  send(rig, 4, 1);
  assert.equal(type.taken, [1, 2, 4]);
});

test("an answer that comes after a reset of the device or the queue moves nothing", async () => {
  for (const reset of ["device", "queue"] as const) {
    const { owed, answer } = later();
    const rig = new DeviceRig(new Answerer(answer));
    const sent = send(rig, 9);
    if (reset === "device") rig.device.reset();
    else rig.device.resetQueue(0);
    owed[0]?.();
    await settle();
    assert.is(rig.rings[0]?.usedIdx, 0);
    assert.is.not([...rig.response(sent)][0], 9);
  }
});

test("what is owed from before resets is bounded, and taken up again once it is settled", async () => {
  const { owed, answer } = later();
  const type = new Answerer(answer);
  const rig = new DeviceRig(type);
  for (let round = 0; round < 4; round++) {
    send(rig, round);
    rig.device.reset();
    rig.initialize();
  }
  assert.equal(type.taken, [0, 1, 2]);
  const sent = send(rig, 8);
  assert.is(type.taken.length, 3);
  owed[0]?.();
  await settle();
  assert.equal(type.taken, [0, 1, 2, 8]);
  owed[3]?.();
  await settle();
  rig.collect(0);
  assert.equal([...rig.response(sent)], [8]);
});

test("what fails is answered by failRequest, at once or late", async () => {
  for (const fail of [
    () => {
      throw new BackendError("lost", "gone");
    },
    () => Promise.reject(new BackendError("lost", "gone")),
  ]) {
    const seen: unknown[] = [];
    const type = Object.assign(new Answerer(fail as () => Answer), {
      failRequest(chain: DescriptorChain, index: number, error: unknown): number {
        seen.push(index, (error as Error).message);
        return chain.write(0, Uint8Array.of(0xee), 0, 1);
      },
    });
    const rig = new DeviceRig(type);
    const sent = send(rig, 1);
    await settle();
    rig.collect(0);
    assert.equal([...rig.response(sent)], [0xee]);
    assert.equal(seen, [0, "gone"]);
    assert.is(rig.device.status & NEEDS_RESET, 0);
  }
});

test("without failRequest the buffer comes back empty and the device says that it is broken", async () => {
  for (const wrong of [
    () => {
      throw new TypeError("a bug of the author's");
    },
    () => Promise.reject(new Error("no disk")),
    () => undefined as unknown as number,
    () => 2,
    () => -1,
    () => Promise.resolve(0.5),
  ]) {
    const events: TraceEvent[] = [];
    const type = new Answerer(wrong as () => Answer);
    const rig = new DeviceRig(type, { device: { trace: (event) => events.push(event) } });
    const sent = send(rig, 1);
    await settle();
    rig.collect(0);
    assert.is(sent.written, 0);
    assert.is(rig.device.status & NEEDS_RESET, NEEDS_RESET);
    assert.match(
      String(events.find(({ kind }) => kind === "needs-reset")?.detail?.["reason"]),
      /a request of queue 0 failed: (a bug of the author's|no disk|handleRequest returned)/,
    );
  }
});

test("a failRequest that fails itself is no exception either", async () => {
  const type = Object.assign(new Answerer(() => Promise.reject(new Error("first"))), {
    failRequest(): number {
      throw new Error("second");
    },
  });
  const rig = new DeviceRig(type);
  const sent = send(rig, 1);
  await settle();
  rig.collect(0);
  assert.is(sent.written, 0);
  assert.is(rig.device.status & NEEDS_RESET, NEEDS_RESET);
});

test("a broken invariant is not swallowed", () => {
  const type = new Answerer(() => {
    throw new VirtioBugError("this cannot be");
  });
  const rig = new DeviceRig(type);
  assert.throws(() => send(rig, 1), /this cannot be/);
});

test("a device that is reset from within a request takes nothing of it over", () => {
  let rig: DeviceRig | null = null;
  const type = new Answerer((chain, byte) => {
    rig?.device.reset();
    return echo(chain, byte);
  });
  rig = new DeviceRig(type);
  rig.offer(0, [Uint8Array.of(5)], [1]);
  rig.device.notify(0);
  assert.is(rig.rings[0]?.usedIdx, 0);
  assert.is(rig.device.status, 0);
});

test("requests use up the budget of a turn, and the rest goes on in the next", () => {
  const type = new Answerer(echo);
  const rig = new DeviceRig(type, { device: { maxTurnWork: 2048 } });
  for (let byte = 0; byte < 5; byte++) rig.offer(0, [Uint8Array.of(byte)], [1]);
  rig.notify(0);
  assert.equal(type.taken, [0, 1]);
  while (rig.scheduled.length > 0) rig.scheduled.shift()?.();
  assert.equal(type.taken, [0, 1, 2, 3, 4]);
  assert.is(rig.collect(0).length, 3);
});

test("a request device belongs to one device", () => {
  const type = new Answerer(echo);
  const rig = new DeviceRig(type);
  assert.is(rig.device.queueCount, 2);
  assert.ok(type.host !== null);
});

test.run();
