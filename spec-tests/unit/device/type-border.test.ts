// What the code of a device's author throws or promises: the guest sees a device that needs a reset or a byte that is 0, the
// embedder a count and a trace that names the method; nobody sees an exception in the middle of a register access.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { TraceEvent } from "../../../src/base/index.ts";
import { VirtioUsageError } from "../../../src/base/index.ts";
import type { DeviceHost, RequestDeviceType } from "../../../src/device/index.ts";
import { GuestMemory } from "../../../src/memory/index.ts";
import { DeviceRig } from "../../../src/testing/index.ts";

const test = suite("the border to a device type");

const NEEDS_RESET = 0x40;
const BASE: RequestDeviceType = {
  name: "late",
  deviceId: 42,
  queues: [{ name: "requestq", maxSize: 8 }],
  handleRequest: () => 0,
};

interface Traced {
  readonly rig: DeviceRig;
  readonly failures: string[];
}

function rigOf(members: object, idle = false): Traced {
  const failures: string[] = [];
  const trace = ({ kind, detail }: TraceEvent): void => {
    if (kind === "device-type-failed") failures.push(`${detail?.["member"]}: ${detail?.["reason"]}`);
  };
  const rig = new DeviceRig({ ...BASE, ...members } as RequestDeviceType, { idle, device: { trace } });
  return { rig, failures };
}

const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Throws at once, or rejects. */
function failing(late: boolean): () => unknown {
  return () => {
    if (late) return Promise.reject(new Error("out of order"));
    throw new Error("out of order");
  };
}

for (const late of [false, true]) {
  const how = late ? "late" : "at once";

  test(`start() that fails ${how}`, async () => {
    const { rig, failures } = rigOf({ start: failing(late) });
    await settled();
    assert.equal(failures, ["start: out of order"]);
    assert.is(rig.device.status & NEEDS_RESET, NEEDS_RESET);
    assert.is(rig.device.counters.typeFailures, 1);
  });

  test(`handleQueue() that fails ${how}`, async () => {
    const { rig, failures } = rigOf({ handleRequest: undefined, handleQueue: failing(late) });
    rig.offer(0, [], [4]);
    rig.notify(0);
    await settled();
    assert.is(failures[0], "handleQueue: out of order");
    assert.is(rig.device.status & NEEDS_RESET, NEEDS_RESET);
  });

  test(`quiesce(), queueReset() and reset() that fail ${how}`, async () => {
    const fail = failing(late);
    const { rig, failures } = rigOf({ quiesce: fail, queueReset: fail, reset: fail });
    rig.device.disableQueue(0);
    await settled();
    assert.equal(failures, ["queueReset: out of order"]);
    assert.is(rig.device.status & NEEDS_RESET, NEEDS_RESET);
    rig.device.reset();
    await settled();
    assert.is(failures[1], "reset: out of order");
    assert.is(rig.device.status, 0, "a device that was reset says nothing");
  });

  test(`a byte of the configuration space that fails ${how} reads as 0`, async () => {
    const { rig, failures } = rigOf({
      configLengthBytes: 8,
      readConfigByte: (at: number) => (at === 1 ? failing(late)() : 0x11),
    });
    assert.is(rig.device.readConfig(0, 4), 0x11110011);
    await settled();
    assert.is(failures.length, 1);
    assert.match(
      failures[0] as string,
      late ? /readConfigByte: it returned a promise/ : /readConfigByte: out of order/,
    );
    assert.is(rig.device.status & NEEDS_RESET, 0, "the rest of the device works");
  });

  test(`a write to the configuration space that fails ${how} is counted and traced`, async () => {
    const { rig, failures } = rigOf({ config: new Uint8Array(8), writeConfig: failing(late) });
    rig.device.writeConfig(0, 4, 1);
    await settled();
    assert.equal(failures, ["writeConfig: out of order"]);
    assert.is(rig.device.counters.typeFailures, 1);
  });
}

test("what fails late of a life that is over leaves the next one alone", async () => {
  let fail = (_error: Error) => {};
  const { rig, failures } = rigOf({ start: () => new Promise((_, reject) => (fail = reject)) });
  rig.device.reset();
  fail(new Error("too late"));
  await settled();
  assert.equal(failures, ["start: too late"]);
  assert.is(rig.device.status, 0);
});

test("a byte is 8 bits, and nothing else is a byte", () => {
  const values: readonly unknown[] = [0x3e7, undefined, null, "7"];
  const { rig, failures } = rigOf({ configLengthBytes: 4, readConfigByte: (at: number) => values[at] });
  assert.is(rig.device.readConfig(0, 4), 0xe7);
  assert.equal(failures, [
    "readConfigByte: it returned undefined, not a byte",
    "readConfigByte: it returned null, not a byte",
    "readConfigByte: it returned 7, not a byte",
  ]);
});

test("misuse of the library is told to whoever runs the program", () => {
  assert.throws(
    () =>
      rigOf({
        start() {
          throw new VirtioUsageError("there is no such disk");
        },
      }),
    /there is no such disk/,
  );
  assert.throws(
    () => rigOf({ attach: async () => {} }),
    (error: unknown) =>
      error instanceof VirtioUsageError && /attach\(\) of the late returned a promise/.test(error.message),
  );
});

test("failRequest() has its answer at once", async () => {
  const reasons: string[] = [];
  const rig = new DeviceRig(
    {
      ...BASE,
      handleRequest() {
        throw new Error("no");
      },
      failRequest: (async () => 0) as never,
    } as RequestDeviceType,
    {
      device: {
        trace: ({ kind, detail }) => {
          if (kind === "needs-reset") reasons.push(String(detail?.["reason"]));
        },
      },
    },
  );
  rig.offer(0, [], [4]);
  rig.notify(0);
  await settled();
  assert.match(reasons[0] as string, /failRequest\(\) returned a promise, and its result is needed at once/);
});

test("queues that are not there", () => {
  let host: DeviceHost | undefined;
  const { rig } = rigOf({
    attach(given: DeviceHost) {
      host = given;
    },
  });
  const own = host as DeviceHost;
  for (const wrong of [5, -1, 1.5, Number.NaN, undefined, null]) {
    for (const [name, call] of [
      ["kick", own.kick],
      ["flush", own.flush],
    ] as const) {
      assert.throws(
        () => call(wrong as number),
        (error: unknown) =>
          error instanceof VirtioUsageError &&
          error.message === `host.${name}: there is no queue ${wrong}; the late has 1, counted from 0`,
        `${name} ${wrong}`,
      );
    }
  }
  // A guest's number is a guest's fault, whatever it is; what is none can only be the embedder's.
  for (const guest of [1, -1, 65535, -2147483648]) rig.device.notify(guest);
  assert.is(rig.device.counters.ignoredAccesses, 4);
  for (const wrong of [Number.NaN, 1.5, undefined, null, "0"]) {
    assert.throws(
      () => rig.device.notify(wrong as number),
      (error: unknown) =>
        error instanceof VirtioUsageError && /notify: there is no queue/.test(error.message),
    );
  }
  for (const change of [undefined, 5, async () => {}]) {
    assert.throws(
      () => own.changeConfig(change as () => void),
      (error: unknown) => error instanceof VirtioUsageError && /host\.changeConfig/.test(error.message),
    );
  }
});

test("guest memory is written with bytes", () => {
  const memory = new GuestMemory([{ base: 0, memory: new ArrayBuffer(64) }]);
  for (const wrong of ["7", null, undefined, 5, {}]) {
    assert.throws(
      () => memory.write(0, wrong as never),
      (error: unknown) =>
        error instanceof VirtioUsageError && /bytes is .*, not a Uint8Array/.test(error.message),
    );
  }
  memory.write(0, [1, 2]);
  assert.equal([...memory.read(0, 3)], [1, 2, 0]);
});

test.run();
