// Everything that an embedder can call with an argument that is no option: what it cannot stand on is refused in words. The
// entry points are asked for what they export, so that whatever is new is found here.
import { readFileSync } from "node:fs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import * as qtest from "../../src/adapters/qtest/index.ts";
import * as v86 from "../../src/adapters/v86/index.ts";
import * as worker from "../../src/adapters/worker/index.ts";
import * as canvas from "../../src/backends/display/canvas/index.ts";
import * as memoryDisplay from "../../src/backends/display/memory/index.ts";
import * as paced from "../../src/backends/display/paced/index.ts";
import * as recorder from "../../src/backends/display/recorder/index.ts";
import * as terminal from "../../src/backends/display/terminal/index.ts";
import * as vnc from "../../src/backends/display/vnc/index.ts";
import * as base from "../../src/base/index.ts";
import * as driverChecker from "../../src/conformance/driver-checker/index.ts";
import * as conformance from "../../src/conformance/index.ts";
import * as device from "../../src/device/index.ts";
import * as gpu from "../../src/devices/gpu/index.ts";
import * as render from "../../src/devices/render/index.ts";
import * as rng from "../../src/devices/rng/index.ts";
import * as vdmabuf from "../../src/devices/vdmabuf/index.ts";
import * as driver from "../../src/driver/index.ts";
import * as kms from "../../src/driver/kms/index.ts";
import * as memory from "../../src/memory/index.ts";
import * as testing from "../../src/testing/index.ts";
import * as mmio from "../../src/transport/mmio/index.ts";
import * as pci from "../../src/transport/pci/index.ts";
import * as virtqueue from "../../src/virtqueue/index.ts";

const test = suite("arguments");

const ENTRY_POINTS: Readonly<Record<string, object>> = {
  "./base": base,
  "./memory": memory,
  "./virtqueue": virtqueue,
  "./device": device,
  "./transport/mmio": mmio,
  "./transport/pci": pci,
  "./gpu": gpu,
  "./rng": rng,
  "./render": render,
  "./vdmabuf": vdmabuf,
  "./conformance": conformance,
  "./conformance/driver-checker": driverChecker,
  "./testing": testing,
  "./driver": driver,
  "./driver/kms": kms,
  "./adapters/qtest": qtest,
  "./adapters/v86": v86,
  "./adapters/worker": worker,
  "./backends/display/canvas": canvas,
  "./backends/display/memory": memoryDisplay,
  "./backends/display/paced": paced,
  "./backends/display/recorder": recorder,
  "./backends/display/terminal": terminal,
  "./backends/display/vnc": vnc,
};

/** What needs no look at its first argument, by the reason why. */
const EXEMPT: Readonly<Record<string, string>> = {
  "errors: whatever they are given is a message":
    "new BackendError, new DeviceGoneError, new DriverError, new GpuCommandError, new RenderCommandError, new VdmabufStatusError, " +
    "new KmsHangError, new QemuGoneError, new ChannelError, new SavedStateError, new TargetError, new VirtioBugError, new VirtioUsageError",
  "arithmetic of the request path, for any number":
    "hex64, hi32, lo32, le16, le32, swap16, swap32, toBigInt, toNumber, copyBytes, initialQueueConfig, runSoon, toHex",
  "made and handed out by the library; exported for their types":
    "new DmaSpace, new GuestPages, new ChainReader, new ChainWriter, new PackedDeviceQueue, new SplitDeviceQueue, new Scratch, " +
    "activateQueue, new SharedObject, new SharedObjectUse, new ByteLanes, new VdmabufBuffer, new TestMachine, new DriverQueue, " +
    "new GpuChannel, new GpuCursorRequests, new GpuDriver, new GpuFramebuffer, new GpuRequests, new GuestBuffer, " +
    "new MmioDriverTransport, new PciDriverTransport, new PackedDriverRing, new SplitDriverRing, new RenderBuffer, new RenderChannel, " +
    "new RenderDriver, new RenderJob, new RenderReply, new RenderRequests, new RngDriver, new VdmabufDriver, new VdmabufGuestBuffer, " +
    "new VdmabufTables, new DrmFile, new ExportedBuffer, new GuestDmaBuf, new PrimeFd, new KmsCard, new QemuMachine",
  "of what a driver's or a device's author has at hand, typed, in the middle of a request":
    "platformRandomBytes, formatVdmabufId, readVdmabufImage, sameVdmabufId, vdmabufIdBytes, MemEntryList.ofPages, MemEntryList.ofBuffer, " +
    "RenderBuffer.importDmaBuf, RenderBuffer.importUuid, allocateRingMemory, freeRingMemory, chooseFeatures, encodeVdmabufPicture, " +
    "findCapabilities, frameLikeLinux, sameMode, isPlaceholder, parsePpm, new RawPackedRing, new RawSplitRing, writeSplitDescriptor",
  "the conformance kit's own words for its cases, reports and catalogue":
    "new Timeline, new Arena, new CaseRun, new Guest, Guest.arrive, new LegacyPci, new MmioVirtioRegisters, new Msix, Msix.find, new PackedRing, " +
    "new PciVirtioRegisters, PciVirtioRegisters.find, new Ring, new SplitRing, capabilitiesOf, citeDriverStatement, citeStatement, " +
    "clauseById, clauseResults, expectationsOf, formatExpectations, formatHtml, formatJson, formatJunit, formatTable, instancesOf, judge, " +
    "legacyHeaderBytes, probeBars, reportOf, selectInstances, sentenceOf, statementLines, summarizeAreas",
};
const exempt = new Set(Object.values(EXEMPT).flatMap((names) => names.split(", ")));

/** Calls of those that are right. */
const FINE = new Set([
  "new WorkBudget(5)",
  "new HostHeap(5)",
  "new DeviceRig(RngDevice)",
  "completeDeviceType(RngDevice)",
  "TestMachine.start(RngDevice)",
]);

const WRONG: readonly unknown[] = [Number.NaN, -1, 5, "7", null, undefined, {}, new rng.RngDevice()];

/** What can be called with something that it needs, as `new NAME`, `NAME.method` or `NAME`. */
function callables(exports: object): [name: string, call: (argument: unknown) => unknown][] {
  const found: [string, (argument: unknown) => unknown][] = [];
  for (const [name, value] of Object.entries(exports)) {
    if (typeof value !== "function") continue;
    if (!/^class\b/.test(Function.prototype.toString.call(value))) {
      if (value.length > 0) found.push([name, (argument) => value(argument)]);
      continue;
    }
    if (value.length > 0) found.push([`new ${name}`, (argument) => new value(argument)]);
    for (const method of Object.getOwnPropertyNames(value)) {
      const own = value[method];
      if (typeof own !== "function" || own.length === 0) continue;
      found.push([`${name}.${method}`, (argument) => value[method](argument)]);
    }
  }
  return found;
}

/** What came of a call: the kind of its refusal. */
async function outcome(call: (argument: unknown) => unknown, argument: unknown): Promise<string> {
  try {
    await call(argument);
    return "taken";
  } catch (error) {
    return error instanceof base.VirtioUsageError ? "refused" : `${error}`;
  }
}

for (const [entry, exports] of Object.entries(ENTRY_POINTS)) {
  test(`${entry}: what is no argument of its functions and classes is refused in words`, async () => {
    const wrong: string[] = [];
    for (const [name, call] of callables(exports)) {
      if (exempt.has(name)) continue;
      for (const argument of WRONG) {
        const shown = `${name}(${typeof argument === "object" && argument !== null ? argument.constructor.name : String(argument)})`;
        if (FINE.has(shown)) continue;
        const came = await outcome(call, argument);
        if (came !== "refused") wrong.push(`${shown}: ${came}`);
      }
    }
    assert.equal(wrong, []);
  });
}

test("no entry point is forgotten", () => {
  const { exports } = JSON.parse(readFileSync("package.json", "utf8")) as {
    exports: Record<string, unknown>;
  };
  // The first has what the others have, the last is data; those of `wire` are layouts, read and written on the request path.
  const others = [".", "./wire", "./package.json"];
  const missing = Object.keys(exports).filter((name) => !(name in ENTRY_POINTS) && !others.includes(name));
  assert.equal(missing, []);
});

test.run();
