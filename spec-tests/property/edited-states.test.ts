// Whatever somebody makes of a saved state, it is refused whole, with one sentence, or works: the device goes on, is reset,
// and can be saved. A device that refused one is as it was before.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { VirtioUsageError } from "../../src/base/index.ts";
import { GpuDevice, type GpuDeviceOptions, HostHeap } from "../../src/devices/gpu/index.ts";
import { RngDevice } from "../../src/devices/rng/index.ts";
import { GpuDriver, GpuFramebuffer, RngDriver } from "../../src/driver/index.ts";
import { drive } from "../../src/testing/index.ts";
import { MmioTransport } from "../../src/transport/mmio/index.ts";
import { BGRA, CMD, msg } from "../support/gpu-messages.ts";
import { expectOk, GpuRig, pattern } from "../support/gpu-rig.ts";
import { SavingRenderer } from "../support/recording-renderer.ts";
import { rmsg } from "../support/render-messages.ts";
import { RenderRig } from "../support/render-rig.ts";
import { VdmabufGuest } from "../support/vdmabuf-guest.ts";
import { exportMessage } from "../support/vdmabuf-messages.ts";

const TRIALS = 300;
const F_SUSPEND = 43;

type Random = (below: number) => number;
type Mutable = Record<string | number, unknown>;

/** Marsaglia's xorshift. */
function random(seed: number): Random {
  let x = seed | 1;
  return (below) => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return (x >>> 0) % below;
  };
}

const ODD: readonly unknown[] = [null, true, false, "", "x", [], {}, [null], -0, Number.NaN, "AAAA"];
const NUMBERS = [
  0,
  1,
  2,
  -1,
  0.5,
  63,
  64,
  999,
  0x7fff,
  0xffff,
  0x10000,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32 - 1,
  2 ** 32,
  2 ** 53 - 1,
  2 ** 53,
];

/** A random place below the root: what holds it, and its key. Every level is as likely as the next. */
function choosePlace(root: Mutable, next: Random): readonly [holder: Mutable, key: string | number] {
  let holder = root;
  for (;;) {
    const keys = Object.keys(holder);
    const key = keys[next(keys.length)] as string;
    const value = holder[key];
    const goesOn =
      typeof value === "object" && value !== null && Object.keys(value).length > 0 && next(5) > 0;
    if (!goesOn) return [holder, Array.isArray(holder) ? Number(key) : key];
    holder = value as Mutable;
  }
}

function edit(root: Mutable, next: Random): void {
  const [holder, key] = choosePlace(root, next);
  const value = holder[key];
  switch (next(9)) {
    case 0:
      if (Array.isArray(holder)) holder.splice(Number(key), 1);
      else delete holder[key];
      return;
    case 1:
      if (Array.isArray(holder)) holder.splice(Number(key), 0, structuredClone(value));
      else holder[`${key}2`] = value;
      return;
    case 2:
      holder[key] = ODD[next(ODD.length)];
      return;
    case 3:
      if (Array.isArray(value)) holder[key] = [...value, ...structuredClone(value)];
      else holder[key] = NUMBERS[next(NUMBERS.length)];
      return;
    case 4: {
      const [other, otherKey] = choosePlace(root, next);
      const moved = structuredClone(other[otherKey]);
      other[otherKey] = structuredClone(value);
      holder[key] = moved;
      return;
    }
    default:
      if (typeof value === "number") {
        holder[key] = next(2) === 0 ? value + next(3) - 1 : NUMBERS[next(NUMBERS.length)];
      } else if (typeof value === "boolean") {
        holder[key] = !value;
      } else if (typeof value === "string") {
        const at = next(value.length + 1);
        holder[key] = value.slice(0, at) + ["", "A", "=", "\u0141"][next(4)] + value.slice(at + next(2));
      } else {
        holder[key] = null;
      }
  }
}

interface Subject {
  readonly save: () => unknown;
  readonly restore: (state: unknown) => void;
  /** A driver does this and that, and resets the device. */
  readonly live: () => void;
}

/** `make` gives a device with the state to edit. */
function check(name: string, make: () => Subject, seed: number, refusedAtLeast: number): void {
  test(name, () => {
    let subject = make();
    const saved = JSON.stringify(subject.save());
    let refused = 0;
    for (let trial = 0; trial < TRIALS; trial++) {
      const next = random(seed * 7919 + trial * 104729);
      const state = JSON.parse(saved) as Mutable;
      for (let edits = next(3); edits >= 0; edits--) edit(state, next);
      const what = `trial ${trial}`;
      let taken = true;
      try {
        subject.restore(state);
      } catch (error) {
        assert.instance(
          error,
          VirtioUsageError,
          `${what}: ${error instanceof Error ? error.stack : String(error)}`,
        );
        assert.not.match((error as Error).message, "\n");
        taken = false;
      }
      if (!taken) {
        refused++;
        assert.is(JSON.stringify(subject.save()), saved, `${what}: not as before`);
        continue;
      }
      try {
        subject.save();
        subject.live();
        JSON.stringify(subject.save());
      } catch (error) {
        assert.unreachable(`${what}: ${error instanceof Error ? error.stack : String(error)}`);
      }
      subject = make();
    }
    assert.ok(refused > refusedAtLeast, `${refused} of ${TRIALS} refused`);
  });
}

const full = (w: number, h: number) => ({ x: 0, y: 0, w, h });

function busyGpu(suspended: boolean): Subject {
  const options: GpuDeviceOptions = {
    displays: [{ widthPixels: 1024, heightPixels: 768 }, {}],
    renderer: new SavingRenderer(),
    hostHeap: new HostHeap(65536),
    randomBytes: (target) => void target.fill(7),
    limits: { maxHostBytes: 1 << 20, maxResources: 8, maxContexts: 4 },
  };
  const rig = new GpuRig(options, { memoryBytes: 1 << 20, ringFeatures: [F_SUSPEND] });
  const { pages } = rig.resource2d(5, 16, 16);
  rig.fill(pages, 0, pattern(1024));
  expectOk(rig.command(msg.setScanout(0, 5, { x: 2, y: 1, w: 8, h: 4 })));
  expectOk(rig.command(msg.createBlob(6, { size: 1024, entries: rig.scatter(1024) })));
  expectOk(rig.command(msg.setScanoutBlob(1, 6, { w: 16, h: 16 })));
  expectOk(rig.command(msg.create2d(7, BGRA, 64, 64)));
  rig.cursorCommand(msg.cursor(CMD.UPDATE_CURSOR, 0, -3, 17, 7, 2, 5));
  rig.command(msg.assignUuid(5), 40);
  expectOk(rig.command(msg.ctxCreate(1, "name", { ctx: 9 })));
  expectOk(rig.command(msg.create3d(8, [2, 1, 0, 8, 8, 1, 1, 0, 0, 0])));
  expectOk(rig.command(msg.ctxAttach(8, { ctx: 9 })));
  expectOk(rig.command(msg.createBlob(9, { mem: 2, flags: 1, size: 4096 }, { ctx: 9 })));
  rig.command(msg.mapBlob(9, 8192), 32);
  if (suspended) {
    rig.device.writeStatus(15 | 16);
    rig.gpu.setDisplay(0, { widthPixels: 640 });
  }
  return {
    save: () => rig.device.save(),
    restore: (state) => rig.device.restore(state as never),
    live() {
      const { device, gpu } = rig;
      device.writeStatus(15);
      for (const index of [0, 1]) {
        device.notify(index);
        device.resetQueue(index);
        rig.enableQueue(index);
      }
      device.readConfig(0, 4);
      device.writeConfig(4, 4, 1);
      for (const { id, widthPixels, heightPixels } of gpu.resources()) {
        rig.begin(msg.transfer(id, full(widthPixels, heightPixels), 0));
        rig.begin(msg.flush(id, full(widthPixels, heightPixels)));
        rig.begin(msg.setScanout(0, id, full(widthPixels, heightPixels)));
        rig.begin(msg.unmapBlob(id));
      }
      rig.display.readRgba(0);
      rig.display.readRgba(1);
      gpu.setDisplay(0, { widthPixels: 333 });
      for (const { id } of gpu.resources().slice(0, 4)) rig.begin(msg.unref(id));
      device.reset();
      assert.is(gpu.hostBytes, 0);
      assert.is(gpu.resources().length, 0);
    },
  };
}

function renderer(): Subject {
  const rig = new RenderRig({ limits: { maxImports: 8 } }, { memoryBytes: 1 << 20 });
  const { uuid } = rig.export(8, 4);
  rig.command(rmsg.importUuid(1, uuid));
  rig.pages(2, { width: 20, height: 20, stride: 256, offset: 100 });
  rig.command(rmsg.ctxCreate({ ctx: 4, fence: 2n ** 40n }));
  return {
    save: () => rig.device.save(),
    restore: (state) => rig.device.restore(state as never),
    live() {
      rig.device.resetQueue(0);
      rig.enableQueue(0);
      for (const { id, widthPixels, heightPixels } of rig.render.imports()) {
        rig.begin(rmsg.fill(id, 0xff123456, [0, 0, widthPixels, heightPixels]), 64);
      }
      rig.device.reset();
    },
  };
}

/** A host that holds two buffers, with the release of a third that the guest has not heard of. */
function vdmabuf(): Subject {
  const guest = new VdmabufGuest({ device: { limits: { maxPages: 8, maxBuffers: 4, maxEvents: 4 } } });
  const pages = [guest.page(), guest.page(), guest.page()];
  for (const [i, page] of pages.entries()) {
    guest.memory.write(page, pattern(64, i));
    const data = pattern(5 * i);
    guest.send(exportMessage({ counter: i + 1, pages: 2, top: guest.tables([page, guest.page()]), data }));
  }
  guest.exported[1]?.release();
  const { mmio } = guest.driven;
  if (mmio === null) throw new Error("there is no transport");
  const { device } = mmio;
  return {
    save: () => device.save(),
    restore: (state) => device.restore(state as never),
    live() {
      const { buffers } = guest.type;
      for (const buffer of buffers) {
        const bytes = new Uint8Array(buffer.sizeBytes);
        buffer.read(0, bytes, 0, bytes.length);
      }
      buffers[0]?.release();
      device.writeStatus(15);
      device.notify(0);
      device.notify(1);
      for (const index of [0, 1]) device.resetQueue(index);
      device.reset();
      assert.is(guest.type.buffers.length, 0);
      assert.ok(buffers.every(({ held }) => !held));
    },
  };
}

/** A device behind a transport, with a driver that used it. */
function behind(kind: "mmio" | "pci" | "legacy", format: "split" | "packed", what: "gpu" | "rng"): Subject {
  const type = what === "gpu" ? new GpuDevice() : new RngDevice({ queueSize: 8 });
  const isLegacy = kind === "legacy";
  const driven = drive(type, {
    transport: kind === "mmio" ? "mmio" : "pci",
    msix: kind === "pci",
    memoryBytes: 1 << 20,
    device: {
      ringFeatures: format === "packed" ? [28, 29, 34, 35, 40, F_SUSPEND] : [28, 29, 35, 40, F_SUSPEND],
    },
    ...(isLegacy && { pci: { transitional: true } }),
  });
  if (what === "gpu") {
    const framebuffer = GpuFramebuffer.create(GpuDriver.start(driven.driver), { width: 16, height: 16 });
    framebuffer.show(0);
    framebuffer.flush();
  } else {
    RngDriver.start(driven.driver).read(10);
  }
  const transport = driven.mmio ?? driven.pci;
  if (transport === null) throw new Error("there is no transport");
  return {
    save: () => transport.save(),
    restore: (state) => transport.restore(state as never),
    live() {
      const { device } = transport;
      for (let index = 0; index < device.queueCount; index++) device.notify(index);
      if (transport instanceof MmioTransport) {
        for (let offset = 0; offset < 0x120; offset += 4) transport.read(offset, 4);
        transport.write(0x64, 4, 3);
        transport.write(0x44, 4, 1);
      } else {
        for (let offset = 0; offset < 256; offset += 4) transport.configRead(offset, 4);
        for (const { index, sizeBytes } of transport.bars) {
          for (let offset = 0; offset < Math.min(sizeBytes, 0x4000); offset += 4)
            transport.barRead(index, offset, 4);
        }
      }
      device.writeStatus(15);
      if (device.type instanceof GpuDevice) device.type.setDisplay(0, { widthPixels: 333 });
      transport.reset();
    },
  };
}

const test = suite("edited states");
check("a busy gpu", () => busyGpu(false), 1, 150);
check("a suspended gpu", () => busyGpu(true), 2, 150);
check("a renderer", renderer, 3, 100);
check("a vdmabuf host", vdmabuf, 6, 100);
for (const format of ["split", "packed"] as const) {
  for (const kind of ["mmio", "pci"] as const) {
    for (const what of ["gpu", "rng"] as const) {
      check(`${what} behind ${kind}, ${format}`, () => behind(kind, format, what), 4, 60);
    }
  }
}
check("rng on a transitional function", () => behind("legacy", "split", "rng"), 5, 60);
test.run();
