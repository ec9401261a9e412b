// The words that a driver's thread and a device's thread share: which are accessed atomically, in which order, and what
// lies there by then. The other thread is played.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  createChannel,
  DeviceEndpoint,
  DriverEndpoint,
  runSoon,
} from "../../../src/adapters/worker/index.ts";
import { Signal } from "../../../src/adapters/worker/signal.ts";
import { Spinner, spinUntil } from "../../../src/adapters/worker/spinner.ts";
import { AtomicsSpy } from "../../support/atomics-spy.ts";

const test = suite("words shared by two threads");

// Written out a second time.
const WORDS = {
  state: 2,
  "device.count": 16,
  "device.sleepers": 17,
  "request.sequence": 32,
  "request.operation": 33,
  "request.offset": 34,
  "request.width": 35,
  "request.value": 36,
  "response.count": 48,
  "response.sleepers": 49,
  "response.sequence": 50,
  "response.status": 51,
  "response.value": 52,
  "interrupt.count": 64,
  "interrupt.sleepers": 65,
  "interrupt.level": 66,
  "doorbell[0]": 80,
  "doorbell[0].value": 81,
  "doorbell[1]": 82,
  "doorbell[1].value": 83,
} as const;
const PLACES = Object.fromEntries(Object.entries(WORDS).map(([name, word]) => [name, 4 * word]));

function setup() {
  const channel = createChannel({ queues: 2, ram: 4096 });
  const words = new Int32Array(channel.driver.control);
  return { channel, words, spy: new AtomicsSpy(channel.driver.control, PLACES) };
}

/** Answers the request that is posted, as a device's thread does. */
function answer(words: Int32Array, value: number): void {
  words[WORDS["response.status"]] = 0;
  words[WORDS["response.value"]] = value;
  words[WORDS["response.sequence"]] = words[WORDS["request.sequence"]] as number;
}

test("driver: a request lies there before its sequence number, and the answer is read behind that of the device", () => {
  const { channel, words, spy } = setup();
  const bus = new DriverEndpoint(channel.driver, { spinUs: 0 });
  let posted: unknown = null;
  spy.before("store request.sequence", () => {
    posted = [...words.subarray(WORDS["request.sequence"], WORDS["request.value"] + 1)];
  });
  spy.before("add device.count", () => {
    // Not before: the first look at the answer is for the request before this one.
    spy.before("load response.sequence", () => answer(words, 0x1234));
  });
  const calls = spy.during(() => assert.is(bus.read(0x10, 4), 0x1234));
  assert.equal(posted, [0, 1, 0x10, 4, 0]);
  assert.equal(calls, [
    "load response.count",
    "load response.sequence",
    "store request.operation 1",
    "store request.offset 16",
    "store request.width 4",
    "store request.value 0",
    "store request.sequence 1",
    "add device.count 1",
    "load device.sleepers",
    "load response.count",
    "load response.sequence",
    "load response.status",
    "load response.value",
  ]);
});

test("driver: what was written to QueueNotify lies there before its doorbell rings, and a ring wakes the device once", () => {
  const { channel, words, spy } = setup();
  const bus = new DriverEndpoint(channel.driver);
  const value = 0x70001;
  let shown: unknown = null;
  spy.before("exchange doorbell[1]", () => {
    shown = [words[WORDS["doorbell[1]"]], words[WORDS["doorbell[1].value"]]];
  });
  const ring = (): string[] => spy.during(() => bus.write(0x50, 4, value));
  assert.equal(ring(), [
    "load state",
    "store doorbell[1].value 458753",
    "exchange doorbell[1] 1",
    "add device.count 1",
    "load device.sleepers",
  ]);
  assert.equal(shown, [0, value]);
  assert.is(words[WORDS["doorbell[1]"]], 1);
  assert.equal(ring(), ["load state", "store doorbell[1].value 458753", "exchange doorbell[1] 1"]);
  assert.is(bus.counters.coalesced, 1);
});

test("driver: the counter is read before the interrupt line, so that one of both tells of it", () => {
  const { channel, words, spy } = setup();
  const bus = new DriverEndpoint(channel.driver, { spinUs: 0 });
  // The line goes up right after it was looked at: the driver must not sleep for it.
  let looks = 0;
  const raise = (): void => {
    if (++looks === 1) {
      spy.before("load interrupt.level", raise);
      return;
    }
    words[WORDS["interrupt.level"]] = 1;
  };
  spy.before("load interrupt.level", raise);
  spy.before("load state", () => {
    words[WORDS["interrupt.count"]] = 1;
  });
  const calls = spy.during(() => assert.ok(bus.waitInterrupt(1000)));
  assert.equal(calls, [
    "load interrupt.count",
    "load interrupt.level",
    "load state",
    "load interrupt.count",
    "load interrupt.count",
    "load interrupt.level",
  ]);
});

/** One step of a device's end that serves, with what was written meanwhile. */
async function served(
  prepare: (words: Int32Array) => void,
  wrote: string[],
): Promise<{ calls: string[]; words: Int32Array; spy: AtomicsSpy }> {
  const { channel, words, spy } = setup();
  const endpoint = new DeviceEndpoint(channel.device, { spinUs: 0 });
  const target = {
    read: (offset: number, width: number): number => {
      wrote.push(`read ${offset} ${width}, rung ${words[WORDS["doorbell[1]"]]}`);
      return 0xdeadbeef;
    },
    write: (offset: number, width: number, value: number): void => {
      wrote.push(`write ${offset} ${width} ${value}, rung ${words[WORDS["doorbell[1]"]]}`);
    },
  };
  prepare(words);
  let shown: unknown = null;
  let end: Promise<string> | null = null;
  const calls = spy.during(() => {
    if (words[WORDS["request.sequence"]] !== 0) {
      spy.before("store response.sequence", () => {
        shown = [...words.subarray(WORDS["response.sequence"], WORDS["response.value"] + 1)];
      });
    }
    // The first step is taken at once.
    end = endpoint.serve(target);
  });
  if (shown !== null) assert.equal(shown, [0, 0, 0xdeadbeef | 0], "the answer lies there before its number");
  await new Promise<void>(runSoon);
  endpoint.close();
  await end;
  // What it says of itself at first.
  return { calls: calls.slice(calls.indexOf("load device.count")), words, spy };
}

test("device: a request is read behind its number, and the answer lies there before its own", async () => {
  const wrote: string[] = [];
  const { calls } = await served((words) => {
    words.set([9, 1, 0x10, 4, 0], WORDS["request.sequence"]);
  }, wrote);
  assert.equal(wrote, ["read 16 4, rung 0"]);
  assert.equal(calls, [
    "load device.count",
    "load state",
    "load request.sequence",
    "load doorbell[0]",
    "load doorbell[1]",
    "load request.operation",
    "load request.offset",
    "load request.width",
    "load request.value",
    "store response.status 0",
    `store response.value ${0xdeadbeef | 0}`,
    "store response.sequence 9",
    "add response.count 1",
    "load response.sleepers",
  ]);
});

test("device: doorbells are looked at behind the request's number and taken down before the queue is served", async () => {
  const wrote: string[] = [];
  const { calls } = await served((words) => {
    words[WORDS["doorbell[1]"]] = 1;
    words[WORDS["doorbell[1].value"]] = 0x70001;
  }, wrote);
  assert.equal(wrote, [`write 80 4 ${0x70001}, rung 0`]);
  assert.equal(calls, [
    "load device.count",
    "load state",
    "load request.sequence",
    "load doorbell[0]",
    "load doorbell[1]",
    "store doorbell[1] 0",
    "load doorbell[1].value",
  ]);
});

test("device: the interrupt line is set before anybody is woken", () => {
  const { channel, spy } = setup();
  const endpoint = new DeviceEndpoint(channel.device);
  const set = (asserted: boolean): string[] => spy.during(() => endpoint.setInterrupt(asserted));
  assert.equal(set(true), ["store interrupt.level 1", "add interrupt.count 1", "load interrupt.sleepers"]);
  assert.equal(set(true), []);
  assert.equal(set(false), ["store interrupt.level 0"]);
});

test("both: the state changes before everybody is woken", () => {
  const { channel, spy } = setup();
  const bits: [name: string, change: () => void, bit: number][] = [
    ["the driver closes", () => new DriverEndpoint(channel.driver).close(), 8],
    ["the device closes", () => new DeviceEndpoint(channel.device).close(), 2],
    ["the channel is given up", () => channel.abort(), 16],
  ];
  for (const [name, change, bit] of bits) {
    assert.equal(
      spy.during(change),
      [
        `or state ${bit}`,
        ...["device", "response", "interrupt"].flatMap((signal) => [
          `add ${signal}.count 1`,
          `load ${signal}.sleepers`,
        ]),
      ],
      name,
    );
  }
});

test("connect looks for the device's end", async () => {
  const { channel, words, spy } = setup();
  const bus = new DriverEndpoint(channel.driver);
  let done: Promise<void> | null = null;
  spy.before("load state", () => {
    words[WORDS.state] = 1;
  });
  spy.during(() => {
    done = bus.connect(0);
  });
  await done;
});

const ABILITIES = { canBlock: true, canWaitAsync: true };

test("a sleeper says so before it looks at the counter a last time, and is woken", async () => {
  const { words, spy } = setup();
  const signal = new Signal(words, WORDS["device.count"], ABILITIES, null);
  assert.is(signal.count, 0);
  // Raised meanwhile: it does not sleep.
  spy.before("or device.sleepers", () => signal.raise());
  assert.equal(
    spy.during(() => signal.sleep(0, 60_000)),
    ["or device.sleepers 1", "add device.count 1", "load device.sleepers", "wait device.count"],
  );
  words[WORDS["device.sleepers"]] = 1;
  assert.equal(
    spy.during(() => signal.raise()),
    ["add device.count 1", "load device.sleepers", "exchange device.sleepers 0", "notify device.count"],
  );
  assert.is(words[WORDS["device.sleepers"]], 0);
  let slept: Promise<boolean> | null = null;
  const calls = spy.during(() => {
    slept = signal.sleepAsync(signal.count, 60_000);
  });
  assert.equal(calls, ["load device.count", "or device.sleepers 1"]);
  signal.raise();
  assert.ok(await slept);
});

test("without waiting on words a sleeper says that it has a port", async () => {
  const { words, spy } = setup();
  const posted: unknown[] = [];
  const port = { onmessage: null, postMessage: (value: unknown) => void posted.push(value), close: () => {} };
  const signal = new Signal(words, WORDS["device.count"], { canBlock: false, canWaitAsync: false }, port);
  let slept: Promise<boolean> | null = null;
  assert.equal(
    spy.during(() => {
      slept = signal.sleepAsync(0, 60_000);
    }),
    ["or device.sleepers 2", "load device.count"],
  );
  signal.raise();
  assert.equal(posted, [0]);
  signal.messageArrived();
  assert.ok(await slept);
});

test("who spins looks atomically each time", () => {
  const { words, spy } = setup();
  const at = WORDS["device.count"];
  const change = (): void => {
    words[at] = 7;
  };
  for (const spin of [
    () => new Spinner(0).spin(words, at, 0),
    () => new Spinner(1000).spin(words, at, 0),
    () => spinUntil(words, at, 0, performance.now() + 1000),
  ]) {
    words[at] = 0;
    spy.before("load device.count", change);
    assert.equal(
      spy.during(() => assert.ok(spin())),
      ["load device.count"],
    );
  }
});

test.run();
