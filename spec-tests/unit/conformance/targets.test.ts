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
  let release = (): void => {};
  const gate = new Promise<void>((resume) => {
    release = resume;
  });
  const target = targetOf(async () => {
    await gate;
    return { ...(await rng()), close: () => void closed++ };
  });
  await failure(target);
  release();
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
    [
      { config: [{ name: "n", offset: 0, sizeBytes: 4, range: [2, 1] }] },
      /range of config field n is not a pair/,
    ],
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

models("say which fields there are, and their ranges: they can be read before FEATURES_OK", async () => {
  const READABLE = "content/config/readable-before-features-ok";
  const field = { name: "x", offset: 0, sizeBytes: 4 as const };
  // The entropy device has no configuration space: what is read of it is 0.
  for (const [config, verdict] of [
    [[], "skip"],
    [[field], "pass"],
    [[{ ...field, range: [0, 1] as const }], "pass"],
    [[{ ...field, range: [1, 2] as const }], "fail"],
    [[{ ...field, range: [1, 2] as const, feature: 5 }], "skip"],
    [[{ ...field, sizeBytes: 8 as const, range: [0, 0] as const }], "pass"],
  ] as const) {
    const features = [{ bit: 5, name: "VIRTIO_BLK_F_RO" }];
    const verdicts = await verdictOf(offering([], { features, config }), READABLE);
    assert.equal(verdicts, [verdict, verdict, verdict], JSON.stringify(config));
  }
});

models.run();

const answers = suite("calls that give what the interface does not allow");

/** An entropy device one part of which gives something else. */
async function giving(
  part: "mmio" | "ram" | "dut",
  method: string,
  other: unknown,
): Promise<DeviceUnderTest> {
  const dut = await rng();
  if (dut.bus.kind !== "mmio") throw new Error("not on mmio");
  const changed = { [method]: other };
  if (part === "mmio")
    return { ...dut, bus: { kind: "mmio", mmio: { ...asMethods(dut.bus.mmio), ...changed } } };
  if (part === "ram") return { ...dut, ram: { ...dut.ram, ...changed } };
  return { ...dut, ...changed };
}

function asMethods(mmio: Extract<DeviceUnderTest["bus"], { kind: "mmio" }>["mmio"]): typeof mmio {
  return {
    read: (offset, width) => mmio.read(offset, width),
    write: (offset, width, value) => mmio.write(offset, width, value),
  };
}

const SERVES = caseOf("serves", async (t) => {
  await t.guest.start();
  await t.guest.takeInterrupts();
  await t.guest.dut.interruptLine();
  await t.guest.dut.screenshot?.(0);
  await t.serves();
});

const throws = () => {
  throw new Error("no\nmemory");
};

for (const [part, method, other, expected] of [
  [
    "mmio",
    "read",
    () => Number.NaN,
    /^mmio\.read\(0x70\) gave NaN, and values are numbers from 0 to 0xffffffff/,
  ],
  ["mmio", "read", () => undefined, /^mmio\.read\(0x70\) gave undefined,/],
  ["mmio", "read", () => "0", /^mmio\.read\(0x70\) gave "0",/],
  ["mmio", "read", () => 0n, /^mmio\.read\(0x70\) gave the BigInt 0,/],
  ["mmio", "read", () => -1, /^mmio\.read\(0x70\) gave -1,/],
  ["mmio", "read", async () => 0.5, /^mmio\.read\(0x70\) gave 0\.5,/],
  ["mmio", "read", () => 2 ** 32, /^mmio\.read\(0x70\) gave 4294967296,/],
  ["ram", "read", () => null, /^ram\.read\(0x\w+, \d+\) gave null, not a Uint8Array/],
  ["ram", "read", () => new Uint8Array(1), /^ram\.read\(0x\w+, 2\) gave 1 bytes of 2/],
  [
    "ram",
    "read",
    async () => new Uint8Array(2),
    /^ram\.read\(0x\w+, 2\) gave a promise, and guest memory is read/,
  ],
  ["ram", "read", never, /^ram\.read\(0x\w+, 2\) gave a promise/],
  ["ram", "read", throws, /^ram\.read\(0x\w+\) failed: no memory$/],
  ["ram", "write", async () => {}, /^ram\.write\(0x\w+\) gave a promise/],
  ["ram", "write", throws, /^ram\.write\(0x\w+\) failed: no memory$/],
  ["dut", "interruptLine", () => 1, /^interruptLine\(\) gave 1, and the line is true or false/],
  ["dut", "interruptLine", async () => null, /^interruptLine\(\) gave null,/],
  [
    "dut",
    "screenshot",
    () => "picture",
    /^screenshot\(\) gave "picture", which is neither a picture nor null/,
  ],
  ["dut", "screenshot", () => ({ width: 0, height: 4 }), /^screenshot\(\) gave a picture of 0 × 4,/],
  ["dut", "screenshot", () => ({ width: 2, height: 4, rgba: [] }), /rgba is an object, not a Uint8Array/],
  [
    "dut",
    "screenshot",
    () => ({ width: 2, height: 4, rgba: new Uint8Array(24) }),
    /a picture of 2 × 4 in 24 bytes, and it takes 32/,
  ],
] as const) {
  answers(`${part}.${method}: ${expected.source}`, async () => {
    const error = await failure(
      targetOf(() => giving(part, method, other)),
      FAST,
      [SERVES],
    );
    assert.instance(error, TargetError);
    assert.match(error.message, expected);
  });
}

answers("of PCI end the run as well", async () => {
  for (const method of ["configRead", "barRead"] as const) {
    const open = async (): Promise<DeviceUnderTest> => {
      const dut = await rng("pci");
      if (dut.bus.kind !== "pci") throw new Error("not on PCI");
      const pci = new Proxy(dut.bus.pci, {
        get(inner, name) {
          const value: unknown = Reflect.get(inner, name);
          return name === method ? () => "0" : typeof value === "function" ? value.bind(inner) : value;
        },
      });
      return { ...dut, bus: { kind: "pci", pci } };
    };
    const error = await failure(targetOf(open, { transport: "pci" }), FAST, [SERVES]);
    assert.instance(error, TargetError);
    assert.match(error.message, new RegExp(`^pci\\.${method}\\(.*\\) gave "0", and values are numbers`));
  }
});

answers("end the run whatever the case makes of them, with what was found before", async () => {
  const swallows = caseOf("swallows", async (t) => {
    await t.guest.start();
    await t.serves().catch(() => {});
  });
  const open = () => giving("ram", "read", () => null);
  assert.instance(await failure(targetOf(open), FAST, [swallows]), TargetError);
  const report = await runCases(targetOf(open), [PASSES, swallows, PASSES], FAST);
  assert.is(report.totals.pass, 1);
  assert.is(report.totals.fail, 0);
  assert.match(report.incomplete ?? "", /^ram\.read\(.*\) gave null, not a Uint8Array, after 1 of 3 cases$/);
});

answers("of a model that is wrong are not the device's fault either", async () => {
  const right = RNG_MODEL.probe(0);
  for (const [probe, expected] of [
    [throws, /^probe\(0\) of the model rng failed: no memory$/],
    [() => null, /^probe\(0\) of the model rng gave what is not an object$/],
    [() => ({ ...right, readable: [] }), /gave no readable, a Uint8Array$/],
    [() => ({ ...right, writableBytes: "4" }), /gave no writableBytes, a number of bytes$/],
    [() => ({ ...right, check: null }), /gave no method check$/],
    [
      () => ({ ...right, check: () => {} }),
      /^check of probe\(0\) of the model rng gave undefined, neither a text/,
    ],
    [() => ({ ...right, check: throws }), /^check of probe\(0\) of the model rng failed: no memory$/],
  ] as const) {
    const model = { ...RNG_MODEL, probe: probe as never };
    const error = await failure(
      targetOf(() => rng(), { models: [model] }),
      FAST,
      [SERVES],
    );
    assert.instance(error, TargetError);
    assert.match(error.message, expected);
  }
});

answers("memory beyond the end is not asked for", async () => {
  const beyond = caseOf("beyond", async (t) => {
    const { ram } = t.guest.dut;
    t.equal(ram.read(ram.sizeBytes - 2, 4).length, 2, "the bytes before the end");
    t.equal(ram.read(2 ** 40, 4).length, 0, "the bytes far behind it");
  });
  assert.is((await runCases(builtinTarget("mmio"), [beyond], FAST)).totals.pass, 1);
});

answers.run();

const turns = suite("devices that keep a case busy");

turns("without ever waiting: the limit of the case ends it", async () => {
  const busy = caseOf("busy", async (t) => {
    for (;;) await t.guest.status();
  });
  const report = await runCases(builtinTarget("mmio"), [busy, PASSES], FAST);
  assert.equal(
    report.cases.map(({ verdict }) => verdict),
    ["fail", "pass"],
  );
  assert.is(report.cases[0]?.detail?.gone, "hang");
});

turns("by returning buffers it never got: it is told how many", async () => {
  const refuses = caseOf("refuses", async (t) => {
    await t.guest.start({ queueSize: 4 });
    await t.refused();
  });
  const open = async (): Promise<DeviceUnderTest> => {
    const dut = await rng();
    let usedIdx = 0;
    // Every look finds another entry in the used ring, of a buffer that nobody made available.
    const read = (address: number, lengthBytes: number): Uint8Array => {
      const bytes = dut.ram.read(address, lengthBytes);
      if (lengthBytes === 2) new DataView(bytes.buffer).setUint16(0, ++usedIdx & 0xffff, true);
      else if (lengthBytes === 4) bytes.fill(0xee);
      return bytes;
    };
    return { ...dut, ram: { ...dut.ram, read } };
  };
  const report = await runCases(targetOf(open), [refuses], FAST);
  assert.is(report.cases[0]?.verdict, "wedged");
  assert.match(report.cases[0]?.detail?.message ?? "", /the device returned 4 others, and the ring holds 4/);
});

turns.run();
