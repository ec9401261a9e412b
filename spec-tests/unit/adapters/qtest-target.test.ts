import { suite } from "uvu";
import * as assert from "uvu/assert";
import { qemuTarget } from "../../../src/cli/conformance/targets/qemu.ts";
import { UsageError } from "../../../src/cli/usage-error.ts";
import { DeviceGoneError, type DeviceUnderTest } from "../../../src/conformance/device-under-test.ts";
import { locate, needs, peers } from "../../support/peer.ts";

const target = suite("QEMU as a target");
const withQemu = needs(target, peers.qemu);
const qemuPath = locate(peers.qemu);

/** What an operation rejects with. */
function failure(operation: () => unknown): Promise<unknown> {
  return Promise.resolve()
    .then(operation)
    .then(
      () => undefined,
      (reason: unknown) => reason,
    );
}

async function withDevice(
  name: "qemu-mmio" | "qemu-pci",
  device: string,
  use: (dut: DeviceUnderTest) => Promise<void>,
): Promise<void> {
  const dut = await (await qemuTarget(name, { qemuPath })).open(device);
  try {
    await use(dut);
  } finally {
    await dut.close();
  }
}

target("a missing QEMU is told in one line that says what to do", async () => {
  const path = process.env["PATH"];
  process.env["PATH"] = "";
  const missing = await failure(() => qemuTarget("qemu-mmio")).finally(() => {
    process.env["PATH"] = path;
  });
  assert.instance(missing, UsageError);
  assert.match(`${missing}`, /apt-get install qemu-system-x86.*--qemu/);
  const wrong = await failure(() => qemuTarget("qemu-pci", { qemuPath: "/no/qemu" }));
  assert.instance(wrong, UsageError);
  assert.match(`${wrong}`, /--qemu: \/no\/qemu: there is no such program/);
});

withQemu("targets say what they are and have", async () => {
  const mmio = await qemuTarget("qemu-mmio", { qemuPath });
  const pci = await qemuTarget("qemu-pci", { qemuPath });
  assert.match(mmio.description, /^QEMU \d+\.\d+\.\d+.*microvm$/);
  assert.equal([mmio.transport, pci.transport], ["mmio", "pci"]);
  assert.equal(mmio.devices, ["gpu", "rng"]);
  assert.equal(pci.devices, ["gpu", "rng", "rng-transitional", "balloon-transitional"]);
  assert.instance(await failure(() => mmio.open("sound")), UsageError);
});

for (const device of ["gpu", "rng"]) {
  withQemu(`${device} over mmio offers packed rings, indirect descriptors, event indexes, queue reset`, () =>
    withDevice("qemu-mmio", device, async ({ bus }) => {
      assert.is(bus.kind, "mmio");
      if (bus.kind !== "mmio") return;
      assert.is(await bus.mmio.read(0, 4), 0x74726976);
      assert.is(await bus.mmio.read(4, 4), 2);
      assert.is(await bus.mmio.read(8, 4), device === "gpu" ? 16 : 4);
      const words: number[] = [];
      for (const word of [0, 1]) {
        await bus.mmio.write(0x14, 4, word);
        words.push(await bus.mmio.read(0x10, 4));
      }
      for (const bit of [28, 29, 32, 34, 40]) {
        assert.is(((words[bit >> 5] ?? 0) >>> (bit & 31)) & 1, 1, `feature bit ${bit}`);
      }
    }),
  );
}

for (const [device, id, revision] of [
  ["gpu", 0x1050, 1],
  ["rng", 0x1044, 1],
  ["rng-transitional", 0x1005, 0],
  ["balloon-transitional", 0x1002, 0],
] as const) {
  withQemu(`${device} over PCI is where it should be`, () =>
    withDevice("qemu-pci", device, async ({ bus, interruptLine, settle }) => {
      assert.is(bus.kind, "pci");
      if (bus.kind !== "pci") return;
      assert.is(await bus.pci.configRead(0, 2), 0x1af4);
      assert.is(await bus.pci.configRead(2, 2), id);
      assert.is(await bus.pci.configRead(8, 1), revision);
      assert.is((await bus.pci.barRead(0, 0, 4)) === 0xffffffff, revision !== 0, "I/O BAR");
      await settle();
      assert.is(await interruptLine(), false);
    }),
  );
}

withQemu("displays: nothing shown is null, monitors can be changed; an rng has none", async () => {
  await withDevice("qemu-mmio", "gpu", async (dut) => {
    for (let scanout = 0; scanout < 4; scanout++) assert.is(await dut.screenshot?.(scanout), null);
    if (dut.changeDisplay === undefined || dut.bus.kind !== "mmio") return;
    assert.is(await dut.bus.mmio.read(0x100, 4), 0);
    for (let scanout = 0; scanout < 4; scanout++) {
      await dut.changeDisplay({ scanout, width: 640 + 8 * scanout, height: 400 });
    }
    assert.is(await dut.bus.mmio.read(0x100, 4), 1, "VIRTIO_GPU_EVENT_DISPLAY");
  });
  await withDevice("qemu-mmio", "rng", async (dut) => {
    assert.is(dut.screenshot, undefined);
    assert.is(dut.changeDisplay, undefined);
  });
});

withQemu("memory is what the device sees, and all zeros at first", () =>
  withDevice("qemu-mmio", "rng", async ({ ram }) => {
    assert.ok(ram.sizeBytes >= 16 << 20);
    assert.ok(ram.read(0, ram.sizeBytes).every((byte) => byte === 0));
    ram.write(ram.sizeBytes - 3, Uint8Array.of(1, 2, 3));
    assert.equal([...ram.read(ram.sizeBytes - 4, 4)], [0, 1, 2, 3]);
    assert.throws(() => ram.read(ram.sizeBytes - 3, 4), /outside/);
    assert.throws(() => ram.write(-1, Uint8Array.of(1)), /outside/);
  }),
);

withQemu("a device that went away is told as the kit wants it", () =>
  withDevice("qemu-pci", "gpu", async (dut) => {
    if (dut.bus.kind !== "pci") return;
    const { pci } = dut.bus;
    await dut.close();
    const gone = await failure(() => pci.configRead(0, 4));
    assert.instance(gone, DeviceGoneError);
    assert.instance(await failure(() => dut.settle()), DeviceGoneError);
    assert.instance(await failure(() => dut.screenshot?.(0)), DeviceGoneError);
  }),
);

target.run();
