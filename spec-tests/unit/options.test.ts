// Every entry point that takes options: what is misspelt, missing or of the wrong type is refused by name.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { QemuMachine, QmpClient, QtestClient } from "../../src/adapters/qtest/index.ts";
import { attachToV86, connectInput } from "../../src/adapters/v86/index.ts";
import {
  attachDriver,
  createChannel,
  DeviceEndpoint,
  DriverEndpoint,
} from "../../src/adapters/worker/index.ts";
import { CanvasDisplay } from "../../src/backends/display/canvas/index.ts";
import { PacedDisplay } from "../../src/backends/display/paced/index.ts";
import { FrameRecorder } from "../../src/backends/display/recorder/index.ts";
import { TerminalDisplay } from "../../src/backends/display/terminal/index.ts";
import { VncServer } from "../../src/backends/display/vnc/index.ts";
import { VirtioUsageError } from "../../src/base/index.ts";
import { DriverChecker, runCases } from "../../src/conformance/index.ts";
import { VirtioDevice } from "../../src/device/index.ts";
import { createEdid, DEFAULT_GPU_LIMITS, GPU_POLICIES, GpuDevice } from "../../src/devices/gpu/index.ts";
import { DEFAULT_RENDER_LIMITS, RenderDevice } from "../../src/devices/render/index.ts";
import { RngDevice } from "../../src/devices/rng/index.ts";
import { DEFAULT_VDMABUF_LIMITS, VdmabufDevice, VdmabufHost } from "../../src/devices/vdmabuf/index.ts";
import {
  createDriverRing,
  GpuDriver,
  GpuFramebuffer,
  GuestAllocator,
  PciDriverTransport,
  RenderDriver,
  RenderJobs,
  RngDriver,
  VdmabufDriver,
  VirtioDriver,
} from "../../src/driver/index.ts";
import { KmsCard } from "../../src/driver/kms/index.ts";
import { GuestMemory } from "../../src/memory/index.ts";
import { DeviceRig, drive, EchoDevice, TestMachine } from "../../src/testing/index.ts";
import { MmioTransport } from "../../src/transport/mmio/index.ts";
import { PciTransport } from "../../src/transport/pci/index.ts";

const test = suite("options");

type Take = (options: never) => unknown;

const memory = new GuestMemory([{ base: 0, memory: new ArrayBuffer(1 << 20) }]);
const allocator = new GuestAllocator(memory, { base: 4096 });
const device = () => new VirtioDevice(new RngDevice(), { memory });
const channel = createChannel({ queues: 1, ram: 4096, ports: false });
/** Stands where an entry point must not get to before it has looked at its options. */
const NOBODY = {} as never;

/** By the type of the options: what takes them, those it cannot do without, and every name there is. */
const ENTRIES: Readonly<Record<string, { take: Take; valid?: object; names: string }>> = {
  VirtioDeviceOptions: {
    take: (o) => new VirtioDevice(new RngDevice(), o),
    valid: { memory },
    names:
      "memory ringFeatures translator profile maxChainElements suppressWhileDraining inOrderBatching trace schedule",
  },
  EchoDeviceOptions: {
    take: (o) => new EchoDevice(o),
    names: "queues maxSize hold answer configLengthBytes",
  },
  RigOptions: {
    take: (o) => new DeviceRig(new RngDevice(), o),
    names: "features ringFeatures indirect memoryBytes memory device idle queueSize",
  },
  DrivenOptions: {
    take: (o) => drive(new RngDevice(), o),
    valid: { transport: "mmio" },
    names: "transport device mmio pci pciDriver msix memoryBytes memory platform interrupts",
  },
  TestMachineOptions: {
    take: (o) => TestMachine.start(new RngDevice(), o),
    names:
      "transport device mmio pci pciDriver msix memoryBytes memory platform interrupts format features timeoutMs",
  },
  RegionOptions: {
    take: (o) => new GuestMemory([o]),
    valid: { base: 0, memory: new ArrayBuffer(8) },
    names: "base memory byteOffset byteLength kind onDeviceWrite",
  },
  GpuDeviceOptions: {
    take: (o) => new GpuDevice(o),
    names:
      "display renderer displays scanouts features blobAlignmentBytes hostHeap controlQueueSize cursorQueueSize limits " +
      "profile policy sharedObjects uuidOnRepeat exportLifetime randomBytes onBackendFailure onCommand",
  },
  EdidOptions: {
    take: (o) => createEdid(o),
    valid: { widthPixels: 640, heightPixels: 480 },
    names:
      "widthPixels heightPixels maxWidthPixels maxHeightPixels refreshHz name vendor serial widthMm heightMm",
  },
  RngDeviceOptions: {
    take: (o) => new RngDevice(o),
    names: "source queueSize maxBytesPerRequest maxRequestsInFlight maxAbandonedCalls",
  },
  RenderDeviceOptions: {
    take: (o) => new RenderDevice(o),
    names: "sharedObjects importPages queueSize limits timing onCommand",
  },
  VdmabufDeviceOptions: { take: (o) => new VdmabufDevice(o), names: "host vmId limits queueSize onMessage" },
  VdmabufHostOptions: { take: (o) => new VdmabufHost(o), names: "importer sharedObjects" },
  MmioTransportOptions: {
    take: (o) => new MmioTransport(device(), o),
    names: "vendorId sharedMemoryBases onInterrupt",
  },
  PciTransportOptions: {
    take: (o) => new PciTransport(device(), o),
    names:
      "layout msix notifyOffMultiplier notifConfigData subsystemVendorId transitional subsystemId revisionId " +
      "interruptPin express vendorData command onInterrupt onMsix onBarChange",
  },
  V86AttachOptions: {
    take: (o) => attachToV86(NOBODY, device(), o),
    names: "slot name space address present interpose onInterrupt pci",
  },
  V86InputOptions: { take: (o) => connectInput(NOBODY, o), valid: { screens: [] }, names: "screens" },
  ChannelOptions: {
    take: (o) => createChannel(o),
    valid: { queues: 1, ram: 4096 },
    names: "queues ram ports",
  },
  DeviceEndpointOptions: {
    take: (o) => new DeviceEndpoint(channel.device, o),
    names: "spinUs turnMs trace",
  },
  DriverEndpointOptions: { take: (o) => new DriverEndpoint(channel.driver, o), names: "timeoutMs spinUs" },
  AttachDriverOptions: {
    take: (o) => attachDriver(NOBODY, o),
    valid: { allocator },
    names: "allocator timeoutMs pollMs",
  },
  CanvasDisplayOptions: {
    take: (o) => new CanvasDisplay(o),
    valid: { canvas: () => null },
    names: "canvas drawCursor waitForFrame maxPixels schedule",
  },
  PacedDisplayOptions: { take: (o) => new PacedDisplay(NOBODY, o), names: "refreshHz clock" },
  VncServerOptions: {
    take: (o) => new VncServer(o),
    names:
      "host port name password initialSize maxClients maxPixels maxFramesPerSecond handshakeTimeoutMs stallTimeoutMs " +
      "cursor onKey onPointer onResize trace",
  },
  TerminalDisplayOptions: {
    take: (o) => new TerminalDisplay(o),
    names: "output scanoutId maxFramesPerSecond colours restoreOnExit",
  },
  FrameRecorderOptions: {
    take: (o) => new FrameRecorder(o),
    valid: { folder: "package.json/unused" },
    names: "folder format frames withCursor maxPending maxFrames maxPixels now",
  },
  QemuMachineOptions: {
    take: (o) => QemuMachine.start(o),
    valid: { devices: [] },
    names: "qemu machine devices ramBytes answerTimeoutMs extraArguments",
  },
  QmpClientOptions: {
    take: (o) => new QmpClient(new PassThrough(), new PassThrough(), o),
    names: "answerTimeoutMs onStall",
  },
  QtestClientOptions: {
    take: (o) => new QtestClient(new PassThrough(), o),
    names: "answerTimeoutMs onStall onIrq",
  },
  GuestAllocatorOptions: {
    take: (o) => new GuestAllocator(memory, o),
    names: "base lengthBytes seed toDeviceAddress",
  },
  DriverPlatform: {
    take: (o) => new VirtioDriver(NOBODY, o),
    valid: { allocator },
    names: "allocator wait maxAttempts timeoutMs pollMs",
  },
  PciDriverOptions: {
    take: (o) => PciDriverTransport.probe(NOBODY, o),
    names: "resources access msix queueVectors",
  },
  GpuDriverOptions: {
    take: (o) => GpuDriver.start(NOBODY, o),
    names:
      "refuse controlSlots cursorSlots controlQueue cursorQueue cursorResponses frame firstResourceId permissive",
  },
  FramebufferOptions: {
    take: (o) => GpuFramebuffer.create(NOBODY, o),
    valid: { width: 1, height: 1 },
    names: "width height format contiguous blob",
  },
  RngDriverOptions: { take: (o) => RngDriver.start(NOBODY, o), names: "refuse" },
  RenderDriverOptions: { take: (o) => RenderDriver.start(NOBODY, o), names: "refuse queue" },
  RenderJobsOptions: { take: (o) => new RenderJobs(NOBODY, o), names: "contextId implicitSync" },
  VdmabufDriverOptions: {
    take: (o) => VdmabufDriver.start(NOBODY, o),
    names: "refuse replies receiveBuffers slots randomWords",
  },
  DriverRingOptions: {
    take: (o) => createDriverRing(o, NOBODY),
    valid: { format: "split", size: 8 },
    names: "format size indirectDesc eventIdx inOrder maxIndirectElements excessLength",
  },
  KmsCardOptions: {
    take: (o) => KmsCard.bind(NOBODY, o),
    names: "profile clock refuse entryLists hangAfterMs pollMs trace onIoctl",
  },
  DriverCheckerOptions: {
    take: (o) => new DriverChecker(o),
    valid: { memory },
    names:
      "memory deviceId timelineLength violationsPerClause notificationPatience deviceElsewhere transitional " +
      "seesConfigSpace legacyOnly drivesOthers polled onViolation",
  },
  RunOptions: {
    take: (o) => runCases({ transport: "mmio", devices: [] } as never, [], o),
    names: "filter shard formats devices caseTimeoutMs callTimeoutMs onBegin onCase cancelled interrupted",
  },
};

/** Taken with every command, by drivers that test devices with whatever they like; or by what is not exported. */
const UNCHECKED = new Set([
  "BlobOptions",
  "ScanoutBlobOptions",
  "Resource3DOptions",
  "Transfer3DOptions",
  "RenderCommandOptions",
  "RenderImportOptions",
  "DirtyOptions",
  "PlaceOptions",
  "StartOptions",
  "WaitOptions",
  "QueueOptions",
  "GpuChannelOptions",
  "RenderChannelOptions",
]);

async function refusal(take: Take, options: unknown): Promise<string> {
  try {
    await take(options as never);
  } catch (error) {
    return error instanceof VirtioUsageError ? error.message : `${error}`;
  }
  return "it was taken";
}

/** What is no number that anybody would want. */
const NO_NUMBERS = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 2 ** 53, -1.5e300];
/** Options that may be negative, and those that need not be whole. */
const NEGATIVE = new Set(["seed"]);
const FRACTIONS = new Set([
  "refreshHz",
  "maxFramesPerSecond",
  "timeoutMs",
  "pollMs",
  "answerTimeoutMs",
  "caseTimeoutMs",
  "callTimeoutMs",
  "hangAfterMs",
  "pixelsPerMs",
  "commandMs",
]);
/** Options that go on to what has options of its own, which are tried there. */
const HANDED_ON = new Set([
  "device",
  "mmio",
  "pci",
  "pciDriver",
  "platform",
  "properties",
  "sharedMemoryBases",
  "structures",
]);

/** Every option there is, as the refusal of one that is not lists them; null for what takes none. */
async function optionsOf(take: Take, wrap: (inner: object) => object): Promise<string[] | null> {
  const said = await refusal(take, wrap({ qqqqqqqqqqqqqqqqqqqqqqq: 1 }));
  const [, list] = /is unknown: choose from (.*)$/.exec(said) ?? [];
  return list === undefined ? null : list.split(", ");
}

/** Tries numbers that make no sense for each option, and for the options within it, in objects and in lists. */
async function tryNumbers(take: Take, wrap: (inner: object) => object, path: string): Promise<number> {
  let tried = 0;
  for (const name of (await optionsOf(take, wrap)) ?? []) {
    const at = `${path}.${name}`;
    const bad: unknown[] = [...NO_NUMBERS];
    if (!NEGATIVE.has(name)) bad.push(-1);
    if (!FRACTIONS.has(name)) bad.push(1.5);
    for (const value of bad) {
      const said = await refusal(take, wrap({ [name]: value }));
      assert.is(said.includes(`${name} is ${value}, not `), true, `${at} = ${value}: ${said}`);
      if (said.includes(", not a list, each entry ")) {
        const within = await refusal(take, wrap({ [name]: [value] }));
        assert.is(within.includes(`${name}[0] is ${value}, not `), true, `${at} = [${value}]: ${within}`);
      }
      tried++;
    }
    if (HANDED_ON.has(name)) continue;
    tried += await tryNumbers(take, (inner) => wrap({ [name]: inner }), at);
    tried += await tryNumbers(take, (inner) => wrap({ [name]: [inner] }), `${at}[0]`);
  }
  return tried;
}

/** Says undefined for each option, and for each within it: that comes to what it comes to without it. */
async function tryUndefined(take: Take, wrap: (inner: object) => object, path: string): Promise<void> {
  const without = await refusal(take, wrap({}));
  for (const name of (await optionsOf(take, wrap)) ?? []) {
    if (name in wrap({})) continue;
    assert.is(await refusal(take, wrap({ [name]: undefined })), without, `${path}.${name}`);
    await tryUndefined(take, (inner) => wrap({ [name]: inner }), `${path}.${name}`);
    await tryUndefined(take, (inner) => wrap({ [name]: [inner] }), `${path}.${name}[0]`);
  }
}

for (const [type, { take, valid = {}, names }] of Object.entries(ENTRIES)) {
  test(`${type}: every name is known, and no other`, async () => {
    for (const name of names.split(" ")) {
      const misspelt = `${name}x`;
      const said = await refusal(take, { ...valid, [misspelt]: 1 });
      assert.is(said.includes(`${misspelt} is unknown: did you mean ${name}?`), true, said);
      const wrong = await refusal(take, { ...valid, [name]: Symbol("wrong") });
      assert.is(wrong.includes(`${name} is Symbol(wrong), not `), true, wrong);
    }
    assert.match(await refusal(take, { ...valid, qqqqqqqqqqqqqqqqqqqqqqq: 1 }), /is unknown: choose from /);
    for (const [name, of] of [
      ["a list", []],
      ["5", 5],
      ["null", null],
    ] as const) {
      const said = await refusal(take, of);
      assert.is(said.includes(`${name}, not an object with `), true, said);
    }
  });

  test(`${type}: numbers that make no sense are refused by name`, async () => {
    assert.is((await tryNumbers(take, (inner) => ({ ...valid, ...inner }), type)) > 0, true);
  });

  test(`${type}: what is undefined is left out`, async () => {
    // Of this one a whole machine would be started each time.
    const nowhere = type === "QemuMachineOptions" ? { qemu: "there-is-no-such-program" } : {};
    await tryUndefined(take, (inner) => ({ ...valid, ...nowhere, ...inner }), type);
  });

  test(`${type}: what it needs is missed`, async () => {
    for (const name of Object.keys(valid)) {
      const said = await refusal(take, { ...valid, [name]: undefined });
      assert.is(said.includes(`${name} is missing: pass `), true, said);
    }
  });
}

test("no entry point is forgotten", () => {
  const files = readdirSync("src", { recursive: true, encoding: "utf8" }).filter(
    (file) => file.endsWith(".ts") && !file.startsWith("cli") && !file.includes("inspector"),
  );
  const taken = new Set<string>();
  for (const file of files) {
    const text = readFileSync(join("src", file), "utf8");
    // What the folder itself makes, behind its entry points.
    const heads = text.matchAll(
      /^(?: {2}(?:static (?:async )?\w+|constructor|\w+)|export (?:async )?function \w+)\(([^)]*)\)/gm,
    );
    for (const [, parameters = ""] of heads) {
      for (const [, type = ""] of parameters.matchAll(/\w+: (\w+(?:Options|Platform))\b/g)) taken.add(type);
    }
  }
  const inner = [
    "EngineOptions",
    "CommandQueueOptions",
    "BufferObjectOptions",
    "VirtioGpuOptions",
    "SchedulerOptions",
    "CardStateOptions",
    "QemuDeviceOptions",
  ];
  const forgotten = [...taken].filter(
    (type) => !(type in ENTRIES) && !UNCHECKED.has(type) && !inner.includes(type),
  );
  assert.equal(forgotten, []);
});

test("limits and decisions that are undefined are the defaults", () => {
  const undefinedOf = (names: object) =>
    Object.fromEntries(Object.keys(names).map((name) => [name, undefined]));
  const gpu = new GpuDevice({
    limits: undefinedOf(DEFAULT_GPU_LIMITS) as never,
    policy: undefinedOf(GPU_POLICIES.qemu) as never,
    profile: "qemu",
  });
  assert.equal(gpu.limits, DEFAULT_GPU_LIMITS);
  assert.equal(gpu.policy, GPU_POLICIES.qemu);
  const render = new RenderDevice({ limits: undefinedOf(DEFAULT_RENDER_LIMITS) as never });
  assert.equal(render.limits, DEFAULT_RENDER_LIMITS);
  const vdmabuf = new VdmabufDevice({ limits: undefinedOf(DEFAULT_VDMABUF_LIMITS) as never });
  assert.equal(vdmabuf.limits, DEFAULT_VDMABUF_LIMITS);
});

test("what strangers write", async () => {
  const gpu: Take = (o) => new GpuDevice(o);
  for (const [options, says] of [
    [
      { displays: [{ width: 640, height: 480 }] },
      "GpuDevice: displays[0].width is unknown: did you mean widthPixels?",
    ],
    [{ display: {} }, "GpuDevice: display is an object, not a Display, with setScanout, flush"],
    [{ displays: { widthPixels: 1 } }, "GpuDevice: displays is an object, not a list"],
    [{ limits: { maxResource: 1 } }, "GpuDevice: limits.maxResource is unknown: did you mean maxResources?"],
    [{ controlQueueSize: 0 }, "GpuDevice: controlQueueSize is 0, not an integer from 1 to 32768"],
    [
      { policy: { uuid: "zero" } },
      'GpuDevice: policy.uuid is "zero", not one of "random", "resource-id", "refuse"',
    ],
  ] as const) {
    const said = await refusal(gpu, options);
    assert.is(said.includes(says), true, said);
  }
  const list = await refusal(gpu, { features: ["edid"] });
  assert.match(list, /features is a list, not an object with edid, resourceUuid/);
  const bare: Take = (o) => new VirtioDevice(new GpuDevice(), o);
  assert.match(await refusal(bare, {}), /memory is missing: pass a GuestMemory/);
  const bits = (ringFeatures: number[]) => refusal(bare, { memory, ringFeatures });
  assert.match(await bits([4]), /bit 4 is a feature of the device type/);
  assert.match(await bits([45]), /bit 45 is reserved/);
  assert.match(await bits([100]), /bit 100 is a feature of the device type/);
  assert.match(await bits([127.5]), /ringFeatures\[0\] is 127.5/);
});

test("a queue has one largest size on every transport", () => {
  const sizes = (packed: boolean) => {
    const make = () =>
      new VirtioDevice(new GpuDevice({ controlQueueSize: 100 }), {
        memory,
        ringFeatures: packed ? [34] : [],
      });
    const negotiate = (write: (at: number, value: number) => void, at: readonly number[]) => {
      const [status = 0, select = 0, features = 0] = at;
      write(status, 1);
      write(status, 3);
      write(select, 1);
      write(features, packed ? 5 : 1);
      write(status, 11);
    };
    const mmio = new MmioTransport(make());
    negotiate((at, value) => mmio.write(at, 4, value), [0x70, 0x24, 0x20]);
    const pci = new PciTransport(make());
    pci.configWrite(4, 2, 6);
    negotiate((at, value) => pci.barWrite(0, at, at === 0x14 ? 1 : 4, value), [0x14, 8, 12]);
    return [mmio.read(0x34, 4), pci.barRead(0, 0x18, 2)];
  };
  assert.equal(sizes(false), [64, 64]);
  assert.equal(sizes(true), [100, 100]);
});

test.run();
