// What a driver was told before a state was saved, and is not true of the device that goes on, is announced; nothing is
// announced that is not so, and nobody hears of a state before all of it is in place.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { VirtioDevice } from "../../../../src/device/index.ts";
import { type DisplayConfig, GpuDevice, type GpuDeviceOptions } from "../../../../src/devices/gpu/index.ts";
import { GuestMemory } from "../../../../src/memory/index.ts";
import { DeviceRig, EchoDevice } from "../../../../src/testing/index.ts";
import { MmioTransport } from "../../../../src/transport/mmio/index.ts";
import type { SavedPciTransport } from "../../../../src/transport/pci/index.ts";
import { msg } from "../../../support/gpu-messages.ts";
import { expectOk, GpuRig } from "../../../support/gpu-rig.ts";
import { MmioMachine } from "../../../support/mmio-machine.ts";
import { PciMachine } from "../../../support/pci-machine.ts";
import { RecordingRenderer } from "../../../support/recording-renderer.ts";

const test = suite("what the driver is told after a restore");

const F_SUSPEND = 43;
const OLD: DisplayConfig = { widthPixels: 1024, heightPixels: 768, x: 1, y: 2, name: "one" };

function save(options: GpuDeviceOptions, suspended: boolean) {
  const rig = new GpuRig(options, { ringFeatures: [F_SUSPEND], memoryBytes: 1 << 20 });
  if (suspended) rig.device.writeStatus(15 | 16);
  return { rig, state: JSON.parse(JSON.stringify(rig.device.save())) };
}

function goOn(options: GpuDeviceOptions, { rig, state }: ReturnType<typeof save>): GpuRig {
  const next = new GpuRig(options, { memory: rig.memory, idle: true });
  next.device.restore(state);
  return next;
}

const DIFFERENT: readonly (readonly [string, DisplayConfig])[] = [
  ["another size", { ...OLD, widthPixels: 800, heightPixels: 600 }],
  ["another place", { ...OLD, x: 3 }],
  ["unplugged", { ...OLD, enabled: false }],
  ["another monitor", { ...OLD, name: "two" }],
];

for (const [what, display] of DIFFERENT) {
  test(`${what}: EVENT_DISPLAY with a notification`, () => {
    const next = goOn({ displays: [display] }, save({ displays: [OLD] }, false));
    const generation = next.device.configGeneration;
    assert.is(next.configInterrupts, 1);
    assert.is(next.device.readConfig(0, 4), 1);
    assert.is.not(next.device.configGeneration, generation);
  });

  test(`${what}, suspended: once it resumes`, () => {
    const next = goOn({ displays: [display] }, save({ displays: [OLD] }, true));
    assert.equal([next.configInterrupts, next.device.readConfig(0, 4)], [0, 0]);
    next.device.writeStatus(15);
    assert.equal([next.configInterrupts, next.device.readConfig(0, 4)], [1, 1]);
  });
}

test("the same displays: not a word", () => {
  const next = goOn({ displays: [OLD] }, save({ displays: [OLD] }, false));
  assert.equal([next.configInterrupts, next.device.readConfig(0, 4)], [0, 0]);
});

test("what a driver asks for once must be the same", () => {
  const saved = save({ displays: [OLD] }, false);
  assert.throws(
    () => goOn({ displays: [OLD], scanouts: 2 }, saved),
    /type.scanouts has 1 elements, and there must be 2/,
  );
  const renderer = new RecordingRenderer();
  const withRenderer = save({ renderer, displays: [OLD] }, false);
  const other = new RecordingRenderer();
  other.capsets = [{ id: 1, maxVersion: 2, maxSizeBytes: 308 }];
  assert.throws(() => goOn({ renderer: other, displays: [OLD] }, withRenderer), /type.capsets are not those/);
});

test("a configuration space of any device type that is another one now", () => {
  const rig = new DeviceRig(new EchoDevice({ configLengthBytes: 4 }));
  const state = rig.device.save();
  const type = new EchoDevice({ configLengthBytes: 4 });
  type.config.fill(9);
  const next = new DeviceRig(type, { memory: rig.memory, idle: true });
  next.device.restore(state);
  assert.equal([next.configInterrupts, next.device.readConfig(0, 4)], [1, 0x09090909]);
});

test("with MSI-X a change that was told of does not come back as INTx", () => {
  const machine = new PciMachine();
  machine.bringUp(machine);
  machine.useMsix([1, 2], 0);
  machine.changeConfig(1);
  const saved = JSON.parse(JSON.stringify(machine.transport.save())) as SavedPciTransport;
  assert.is(saved.isr, 2);
  const other = new PciMachine();
  other.memory.write(0, machine.memory.read(0, 0x40000));
  other.transport.restore(saved);
  assert.equal(other.line, [], "no pulse");
  // Nor where the line was up before, or MSI-X is on already.
  machine.transport.restore(saved);
  assert.equal(machine.line, []);
});

test("a line that was up stays up, without a pulse", () => {
  const machine = new PciMachine();
  machine.bringUp(machine);
  machine.exchange(0);
  assert.equal(machine.line, [true]);
  machine.transport.restore(JSON.parse(JSON.stringify(machine.transport.save())));
  assert.equal(machine.line, [true]);
});

for (const kind of ["mmio", "pci"] as const) {
  test(`a driver that resets the device while it is restored finds it reset: ${kind}`, () => {
    const make = () => (kind === "mmio" ? new MmioMachine() : new PciMachine());
    const machine = make();
    machine.bringUp(machine);
    if (machine instanceof MmioMachine) machine.write(0x30, 1);
    else machine.select(1);
    // In the ring when the state is saved, and not taken yet.
    machine.offer(0);
    const state: unknown = JSON.parse(JSON.stringify(machine.transport.save()));
    const other = make();
    other.memory.write(0, machine.memory.read(0, 0x40000));
    let resets = 0;
    const reset = (asserted: boolean) => {
      if (!asserted) return;
      resets++;
      other.setStatus(0);
    };
    Object.assign(other, { onLine: reset });
    other.transport.restore(state as never);
    assert.is(resets, 1, "from within the drain");
    const now = other.transport.save();
    assert.is(now.device.status, 0);
    const registers =
      now.transport === "mmio" ? [now.queueSel, now.interruptStatus] : [now.common.queueSelect, now.isr];
    assert.equal(registers, [0, 0]);
    assert.is(other.transport.interruptAsserted, false);
  });
}

test("a display sees a device that is whole, and may reset it", () => {
  const memory = new GuestMemory([{ base: 0, memory: new ArrayBuffer(1 << 20) }]);
  const options = { displays: [OLD, OLD] };
  const rig = new GpuRig(options, { memory });
  rig.resource2d(5, 16, 16);
  expectOk(rig.command(msg.setScanout(0, 5, { x: 0, y: 0, w: 16, h: 16 })));
  expectOk(rig.command(msg.setScanout(1, 5, { x: 0, y: 0, w: 16, h: 16 })));
  const state = JSON.parse(JSON.stringify(rig.device.save()));
  for (const resets of [false, true]) {
    const seen: unknown[] = [];
    const display = {
      setScanout(index: number, source: object | null) {
        seen.push([
          index,
          source !== null,
          device.status,
          device.activeQueue(0) !== null,
          transport.read(0x70, 4),
        ]);
        if (resets && source !== null) transport.write(0x70, 4, 0);
      },
      flush() {},
    };
    const gpu = new GpuDevice({ ...options, display });
    const device = new VirtioDevice(gpu, { memory });
    const transport = new MmioTransport(device);
    device.restore(state);
    if (resets) {
      assert.equal(seen, [
        [0, true, 15, true, 15],
        [0, false, 0, false, 0],
      ]);
      assert.is(gpu.resources().length, 0);
      assert.is(gpu.scanout(1), null);
      // And it can be told of changes again.
      gpu.setDisplay(0, { widthPixels: 640 });
      assert.is(device.readConfig(0, 4), 1);
    } else {
      assert.equal(seen, [
        [0, true, 15, true, 15],
        [1, true, 15, true, 15],
      ]);
    }
  }
});

test.run();
