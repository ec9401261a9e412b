// Targets of others that do not work: a broken target is not a broken device, and nothing makes the kit wait for ever.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { VirtioUsageError } from "../../../src/base/errors.ts";
import { builtinTarget } from "../../../src/cli/conformance/targets/builtin.ts";
import {
  CASES,
  type CaseDefinition,
  type DeviceModel,
  type DeviceUnderTest,
  RNG_MODEL,
  type RunOptions,
  runCases,
  type Target,
  TargetError,
} from "../../../src/conformance/index.ts";

const CLAUSE = "entropy.device.device-operation.1";
const FAST: RunOptions = { caseTimeoutMs: 60, callTimeoutMs: 20 };

const caseOf = (name: string, run: CaseDefinition["run"]): CaseDefinition => ({
  id: `entropy/${name}`,
  title: `It is ${name}.`,
  clauses: [CLAUSE],
  needs: { devices: ["rng"], format: "split" },
  run,
});
const PASSES = caseOf("passes", async () => {});

/** The built-in entropy device, a new one each time. */
async function rng(transport: "mmio" | "pci" = "mmio"): Promise<DeviceUnderTest> {
  return builtinTarget(transport).open("rng");
}

function targetOf(open: (device: string) => unknown, changes: Partial<Target> = {}): Target {
  return {
    name: "mine",
    description: "mine",
    transport: "mmio",
    devices: ["rng"],
    open: open as Target["open"],
    ...changes,
  };
}

async function failure(target: Target, options: RunOptions = FAST, cases = [PASSES]): Promise<Error> {
  try {
    await runCases(target, cases, options);
  } catch (error) {
    assert.not.match((error as Error).message, "\n");
    return error as Error;
  }
  throw new Error("it ran");
}

const never = () => new Promise<never>(() => {});

const open = suite("targets that do not open");

open("are said to be broken, in one sentence", async () => {
  const dut = await rng();
  const cases: [what: unknown, expected: RegExp, changes?: Partial<Target>][] = [
    [undefined, /gave undefined, no device/],
    [null, /gave null, no device/],
    [{ ...dut, device: "gpu" }, /its device is "gpu", not "rng"/],
    [{ ...dut, bus: undefined }, /its bus\.kind is not "mmio"/],
    [{ ...dut, bus: { kind: "pci" } }, /its bus\.kind is not "mmio"/],
    [{ ...dut, bus: { kind: "mmio", read() {}, write() {} } }, /its bus\.mmio is not an object/],
    [
      { ...dut, bus: { kind: "pci", configRead() {} } },
      /its bus\.pci is not an object/,
      { transport: "pci" },
    ],
    [
      { ...dut, bus: { kind: "pci", pci: { configRead() {} } } },
      /bus\.pci\.configWrite/,
      { transport: "pci" },
    ],
    [{ ...dut, ram: undefined }, /its ram is not an object/],
    [{ ...dut, ram: { ...dut.ram, sizeBytes: "16" } }, /ram\.sizeBytes is not a number/],
    [
      { ...dut, ram: { ...dut.ram, sizeBytes: 8 << 20 } },
      /ram\.sizeBytes is 8388608, .* 16777216 \(16 MiB\)/,
    ],
    [{ ...dut, settle: undefined }, /it has no method settle/],
    [{ ...dut, screenshot: 1 }, /its screenshot is not a method/],
  ];
  for (const [what, expected, changes] of cases) {
    const error = await failure(targetOf(() => what, changes));
    assert.instance(error, TargetError);
    assert.match(error.message, expected);
  }
});

open("by throwing, rejecting, or never", async () => {
  const boom = () => {
    throw new Error("no board\nthere");
  };
  assert.match((await failure(targetOf(boom))).message, 'open("rng") failed: no board there');
  const later = await failure(targetOf(async () => boom()));
  assert.match(later.message, 'open("rng") failed: no board there');
  const error = await failure(targetOf(never));
  assert.instance(error, TargetError);
  assert.match(error.message, 'open("rng") hangs: it gave nothing within 60 ms');
});

open("at a later time end the run with what it has", async () => {
  let opened = 0;
  const crashing = caseOf("hangs", never);
  const target = targetOf(() => {
    if (opened++ > 0) throw new Error("no board");
    return rng();
  });
  const report = await runCases(target, [PASSES, crashing, PASSES], FAST);
  assert.is(report.incomplete, 'open("rng") failed: no board, after 2 of 3 cases');
  assert.is(report.totals.pass, 1);
  assert.is(report.totals.fail, 1);
});

open("a device that comes too late is closed", async () => {
  let closed = 0;
  const target = targetOf(async () => {
    await new Promise((resume) => setTimeout(resume, 100));
    return { ...(await rng()), close: () => void closed++ };
  });
  await failure(target);
  for (let turn = 0; closed === 0 && turn < 400; turn++) await new Promise((resume) => setTimeout(resume, 5));
  assert.is(closed, 1);
});

open.run();

const wrong = suite("runs that make no sense");

wrong(
  "are refused: no case, a device that is not there, one without a model, a target that is none",
  async () => {
    const good = builtinTarget("mmio");
    const messages: [Target, RunOptions, RegExp][] = [
      [good, { filter: () => false }, /no case is left to run on builtin-mmio/],
      [good, { shard: { index: 1, count: 2 } }, /no case is left/],
      [good, { devices: ["rgn"] }, /devices: builtin-mmio has no "rgn"; it has gpu, rng/],
      [targetOf(() => rng(), { devices: ["toaster"] }), {}, /no model of "toaster", .* it knows gpu, rng/],
      [targetOf(() => rng(), { devices: [] }), {}, /its devices are none/],
      [targetOf(() => rng(), { transport: "ccw" as never }), {}, /its transport is neither/],
    ];
    for (const [target, options, expected] of messages) {
      const error = await failure(target, options);
      assert.instance(error, VirtioUsageError);
      assert.match(error.message, expected);
    }
  },
);

wrong("a model that is wrong is told what would be right", async () => {
  const models: [Partial<Record<keyof DeviceModel, unknown>>, RegExp][] = [
    [{ name: "" }, /models\[0\] has no name/],
    [{ deviceId: 0 }, /deviceId is not a device id, 1 to 65535/],
    [{ queues: [] }, /queues are not names/],
    [{ configBytes: -1 }, /configBytes is not a number/],
    [{ probe: undefined }, /no method probe/],
    [{ features: [{ bit: 128, name: "X" }] }, /features\[0\]\.bit is not a feature bit, 0 to 127/],
    [{ features: [{ bit: 1 }] }, /features\[0\] has no name/],
    [{ features: [{ bit: 1, name: "X", requires: ["Y"] }] }, /requires are not feature bits/],
    [{ config: [{ name: "capacity", offset: 0, sizeBytes: 3 }] }, /capacity is not 1, 2, 4 or 8/],
    [
      { config: [{ name: "x", offset: 0, sizeBytes: 4, feature: 5 }] },
      /feature bit 5, which is none of features/,
    ],
  ];
  for (const [changes, expected] of models) {
    const model = { ...RNG_MODEL, ...changes } as DeviceModel;
    assert.match((await failure(targetOf(() => rng(), { models: [model] }))).message, expected);
  }
});

wrong.run();

const limits = suite("calls that never come back");

/** An entropy device that makes one of its methods wait for ever from now on. */
async function hanging(method: string, transport: "mmio" | "pci"): Promise<DeviceUnderTest> {
  const dut = await rng(transport);
  const { bus } = dut;
  if (bus.kind === "mmio")
    return { ...dut, [method]: never, bus: { ...bus, mmio: patched(bus.mmio, method) } };
  return { ...dut, [method]: never, bus: { ...bus, pci: patched(bus.pci, method) } };
}

function patched<T extends object>(inner: T, method: string): T {
  return new Proxy(inner, {
    get(_, name) {
      if (name === method) return never;
      const value: unknown = Reflect.get(inner, name);
      return typeof value === "function" ? value.bind(inner) : value;
    },
  });
}

for (const [method, transport, expected] of [
  ["read", "mmio", /^hangs in mmio\.read\(0x70\): no answer within 20 ms/],
  ["write", "mmio", /^hangs in mmio\.write\(0x70, 0x0\)/],
  ["configRead", "pci", /^hangs in pci\.configRead\(0x6\)/],
  ["configWrite", "pci", /^hangs in pci\.configWrite\(0x4/],
  ["barRead", "pci", /^hangs in pci\.barRead\(\d, 0x/],
  ["barWrite", "pci", /^hangs in pci\.barWrite\(\d, 0x/],
] as const) {
  limits(`${method}: the case hangs, and after three devices the run ends`, async () => {
    let opened = 0;
    const open = () => {
      opened++;
      return hanging(method, transport);
    };
    const target = targetOf(open, { transport });
    const report = await runCases(
      target,
      Array.from({ length: 9 }, (_, i) => caseOf(`case-${i}`, async () => {})),
      FAST,
    );
    assert.is(opened, 3);
    assert.is(report.totals.fail, 3);
    const detail = report.cases[0]?.detail;
    assert.match(detail?.message ?? "", expected);
    assert.is(detail?.gone, "hang");
    assert.is(report.incomplete, "3 devices in a row hung before they were reset, after 3 of 9 cases");
  });
}

limits("settle: the case hangs, and the run goes on with a fresh device", async () => {
  let opened = 0;
  const target = targetOf(async () => ({ ...(await rng()), ...(opened++ === 0 ? { settle: never } : {}) }));
  const serves = caseOf("serves", async (t) => {
    await t.guest.start();
    await t.guest.dut.settle();
    await t.serves();
  });
  const report = await runCases(target, [serves, PASSES, serves], FAST);
  assert.equal(
    report.cases.map(({ verdict }) => verdict),
    ["fail", "pass", "pass"],
  );
  assert.match(report.cases[0]?.detail?.message ?? "", /^hangs in settle\(\)/);
  assert.is(report.incomplete, undefined);
});

limits("a case that was left behind ends at its next call", async () => {
  let ended = "";
  let release = (): void => {};
  const gate = new Promise<void>((resume) => {
    release = resume;
  });
  const late = caseOf("late", async (t) => {
    await gate;
    try {
      await t.guest.status();
    } catch (error) {
      ended = (error as Error).name;
    }
  });
  await runCases(builtinTarget("mmio"), [late, PASSES], FAST);
  release();
  await new Promise((resume) => setTimeout(resume, 0));
  assert.is(ended, "DeviceGoneError");
});

limits("close: what it throws, or that it never ends, is a note and costs nothing", async () => {
  const throwing = () => {
    throw new Error("still\nin use");
  };
  for (const [close, expected] of [
    [throwing, "close() of rng failed: still in use"],
    [never, "close() of rng failed: it hangs: no end within 20 ms"],
  ] as const) {
    const target = targetOf(async () => ({ ...(await rng()), close }));
    const report = await runCases(target, [PASSES], FAST);
    assert.is(report.totals.pass, 1);
    assert.equal(report.notes, [expected]);
  }
});

limits.run();

const models = suite("models of other device types");

/** The entropy device, under another name and with features that are none of its own. */
function offering(bits: readonly number[], model: Partial<DeviceModel>): Target {
  const open = async (): Promise<DeviceUnderTest> => {
    const dut = await rng();
    if (dut.bus.kind !== "mmio") throw new Error("not on mmio");
    const { mmio } = dut.bus;
    let select = 0;
    const read = async (offset: number, width: 1 | 2 | 4): Promise<number> => {
      const value = await mmio.read(offset, width);
      if (offset !== 0x10) return value;
      return bits.reduce((word, bit) => (bit >> 5 === select ? word | (1 << (bit & 31)) : word), value) >>> 0;
    };
    const write = (offset: number, width: 1 | 2 | 4, value: number) => {
      if (offset === 0x14) select = value;
      return mmio.write(offset, width, value);
    };
    return { ...dut, device: "blk", bus: { kind: "mmio", mmio: { read, write } } };
  };
  return targetOf(open, { devices: ["blk"], models: [{ ...RNG_MODEL, name: "blk", ...model }] });
}

const verdictOf = async (target: Target, id: string) => {
  const { cases } = await runCases(target, CASES, { filter: (one) => one.startsWith(`${id}:`) });
  return cases.map(({ verdict }) => verdict);
};

models("say which features there are: a block device that offers SEG_MAX passes", async () => {
  const SEG_MAX = { bit: 2, name: "VIRTIO_BLK_F_SEG_MAX" };
  const KNOWN = "content/features/offer-is-known";
  assert.equal(await verdictOf(offering([2], { features: [SEG_MAX] }), KNOWN), ["pass"]);
  assert.equal(await verdictOf(offering([2], { features: [] }), KNOWN), ["fail"]);
  const { features: _, ...silent } = RNG_MODEL;
  const target = offering([2], {});
  assert.equal(await verdictOf({ ...target, models: [{ ...silent, name: "blk" }] }, KNOWN), ["pass"]);
  assert.equal(
    await verdictOf({ ...offering([25], {}), models: [{ ...silent, name: "blk" }] }, KNOWN),
    ["fail"],
    "bits 24 to 27 are for no device type",
  );
});

models("say what a feature requires, by way of others too", async () => {
  const features = [
    { bit: 0, name: "A" },
    { bit: 1, name: "B", requires: [0] },
    { bit: 2, name: "C", requires: [1] },
  ];
  const COMPLETE = "content/features/offer-is-complete";
  assert.equal(await verdictOf(offering([0, 1, 2], { features }), COMPLETE), ["pass"]);
  assert.equal(await verdictOf(offering([0, 2], { features }), COMPLETE), ["fail"]);
});

models.run();
