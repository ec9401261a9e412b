import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  isPlaceholder,
  probeQemu,
  QemuGoneError,
  QemuMachine,
  type QemuMachineOptions,
  QemuUnfitError,
} from "../../../src/adapters/qtest/index.ts";
import { locate, needs, peers } from "../../support/peer.ts";
import { gpuRequest, mmioRegisters, pciRegisters, QemuGuest } from "../../support/qemu-guest.ts";

const qtest = suite("qtest on QEMU");
const withQemu = needs(qtest, peers.qemu);

const GET_DISPLAY_INFO = 0x100;
const CREATE_2D = 0x101;
const UNREF = 0x102;
const SET_SCANOUT = 0x103;
const FLUSH = 0x104;
const TRANSFER = 0x105;
const ATTACH = 0x106;
const OK_NODATA = 0x1100;
const OK_DISPLAY_INFO = 0x1101;
const B8G8R8X8 = 2;
const PIXELS = 0x200000;

/** What an operation rejects with, which must be of this class. */
async function failure<T extends Error>(
  operation: Promise<unknown>,
  type: new (...parameters: never[]) => T,
): Promise<T> {
  const error: unknown = await operation.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof type)) throw new Error(`expected ${type.name}, not ${error}`);
  return error;
}

async function withMachine(
  options: QemuMachineOptions,
  use: (machine: QemuMachine) => Promise<void>,
): Promise<void> {
  const machine = await QemuMachine.start({ qemu: locate(peers.qemu) ?? "", ...options });
  try {
    await use(machine);
  } finally {
    await machine.close();
  }
}

const gpu = (machine: "microvm" | "q35"): QemuMachineOptions => ({
  machine,
  devices: [
    {
      type: machine === "microvm" ? "virtio-gpu-device" : "virtio-gpu-pci",
      properties: { packed: true, max_outputs: 2 },
      resizableDisplays: 2,
    },
  ],
});

const registersOf = (machine: QemuMachine, kind: "microvm" | "q35") =>
  kind === "microvm" ? mmioRegisters(machine) : pciRegisters(machine);

for (const kind of ["microvm", "q35"] as const) {
  for (const packed of [false, true]) {
    withQemu(`GET_DISPLAY_INFO on ${kind}, ${packed ? "packed" : "split"} ring, many times`, () =>
      withMachine(gpu(kind), async (machine) => {
        const guest = await QemuGuest.start(machine, await registersOf(machine, kind), packed);
        assert.is(await guest.registers.status(), 15);
        for (let i = 0; i < 40; i++) {
          const answer = await guest.submit(gpuRequest(GET_DISPLAY_INFO), 24 + 16 * 24);
          assert.is(answer?.usedLength, 408);
          const word = (offset: number): number | undefined => answer?.bytes.readUInt32LE(offset);
          assert.equal([word(0), word(32), word(36), word(40)], [OK_DISPLAY_INFO, 1280, 800, 1]);
        }
      }),
    );
  }

  withQemu(`random bytes on ${kind}`, () =>
    withMachine(
      { machine: kind, devices: [{ type: kind === "microvm" ? "virtio-rng-device" : "virtio-rng-pci" }] },
      async (machine) => {
        const guest = await QemuGuest.start(machine, await registersOf(machine, kind), false);
        const answer = await guest.submit(new Uint8Array(0), 64);
        assert.is(answer?.usedLength, 64);
        assert.ok(new Set(answer?.bytes).size > 20);
      },
    ),
  );

  withQemu(`the interrupt line follows the device on ${kind}`, () =>
    withMachine(gpu(kind), async (machine) => {
      const registers = await registersOf(machine, kind);
      const guest = await QemuGuest.start(machine, registers, false);
      assert.is(await machine.isInterruptAsserted(0), false);
      await guest.submit(gpuRequest(GET_DISPLAY_INFO), 408);
      assert.is(await machine.isInterruptAsserted(0), true);
      if (kind === "microvm") await machine.mmio(0).write(0x64, 4, 1);
      else await registers.status(0);
      assert.is(await machine.isInterruptAsserted(0), false);
    }),
  );

  withQemu(`a reset brings the device back to power-on on ${kind}`, () =>
    withMachine(gpu(kind), async (machine) => {
      const guest = await QemuGuest.start(machine, await registersOf(machine, kind), false);
      await guest.submit(gpuRequest(GET_DISPLAY_INFO), 408);
      await machine.reset();
      assert.is(await guest.registers.status(), 0);
      assert.ok(machine.ram.read(0x100000, 0x40000).every((byte) => byte === 0));
      const again = await QemuGuest.start(machine, await registersOf(machine, kind), true);
      assert.is((await again.submit(gpuRequest(GET_DISPLAY_INFO), 408))?.usedLength, 408);
    }),
  );
}

withQemu("a screendump shows the resource, exactly, and tells when there is none", () =>
  withMachine(gpu("microvm"), async (machine) => {
    const guest = await QemuGuest.start(machine, mmioRegisters(machine), false);
    const [width, height] = [64, 48];
    assert.ok(isPlaceholder(await machine.screendump(0)));
    const pixels = Buffer.alloc(width * height * 4);
    for (let i = 0; i < width * height; i++) pixels.writeUInt32LE(Math.imul(i, 2654435761) >>> 8, 4 * i);
    machine.ram.write(PIXELS, pixels);
    const rectangle = [0, 0, width, height];
    for (const request of [
      gpuRequest(CREATE_2D, 5, B8G8R8X8, width, height),
      gpuRequest(ATTACH, 5, 1, PIXELS, 0, pixels.length, 0),
      gpuRequest(SET_SCANOUT, ...rectangle, 0, 5),
      gpuRequest(TRANSFER, ...rectangle, 0, 0, 5, 0),
      gpuRequest(FLUSH, ...rectangle, 5, 0),
    ]) {
      assert.is((await guest.submit(request, 24))?.bytes.readUInt32LE(0), OK_NODATA);
    }
    const picture = await machine.screendump(0);
    assert.equal([picture.width, picture.height], [width, height]);
    for (let i = 0; i < width * height; i++) {
      const rgba = [pixels[4 * i + 2], pixels[4 * i + 1], pixels[4 * i], 255];
      assert.equal([...picture.rgba.subarray(4 * i, 4 * i + 4)], rgba, `pixel ${i}`);
    }
    assert.not(isPlaceholder(picture));
    await guest.submit(gpuRequest(SET_SCANOUT, 0, 0, 0, 0, 0, 0), 24);
    assert.ok(isPlaceholder(await machine.screendump(0)), "disabled");
    assert.ok(isPlaceholder(await machine.screendump(0, 1)), "the other display");
    assert.is((await guest.submit(gpuRequest(UNREF, 5, 0), 24))?.bytes.readUInt32LE(0), OK_NODATA);
  }),
);

withQemu("displays change size, come and go", () =>
  withMachine(gpu("microvm"), async (machine) => {
    const guest = await QemuGuest.start(machine, mmioRegisters(machine), false);
    const modes = async () => {
      const answer = await guest.submit(gpuRequest(GET_DISPLAY_INFO), 408);
      return [0, 1].map((i) => [8, 12, 16].map((field) => answer?.bytes.readUInt32LE(24 + 24 * i + field)));
    };
    await machine.resizeDisplay(0, 0, 800, 600);
    assert.is(await guest.registers.config(0), 1, "events_read");
    assert.is((await machine.mmio(0).read(0x60, 4)) & 2, 2, "a configuration change notification");
    await machine.resizeDisplay(0, 1, 320, 240);
    assert.equal(await modes(), [
      [800, 600, 1],
      [320, 240, 1],
    ]);
    await machine.resizeDisplay(0, 1, 0, 0);
    assert.is((await modes())[1]?.[2], 0);
  }),
);

withQemu("a message-signalled interrupt is a store into memory", () =>
  withMachine(gpu("q35"), async (machine) => {
    const pci = machine.pci(0);
    let capability = await pci.configRead(0x34, 1);
    while ((await pci.configRead(capability, 1)) !== 0x11)
      capability = await pci.configRead(capability + 1, 1);
    const table = await pci.configRead(capability + 4, 4);
    const [bar, offset] = [table & 7, table & ~7];
    await pci.configWrite(capability + 2, 2, 0x8000);
    await pci.barWrite(bar, offset, 4, 0x8000);
    await pci.barWrite(bar, offset + 4, 4, 0);
    await pci.barWrite(bar, offset + 8, 4, 0xabcd1234);
    await pci.barWrite(bar, offset + 12, 4, 0);
    const registers = await pciRegisters(machine);
    const { submit } = await withVector(machine, registers);
    assert.equal([...machine.ram.read(0x8000, 4)], [0, 0, 0, 0]);
    await submit();
    assert.equal([...machine.ram.read(0x8000, 4)], [0x34, 0x12, 0xcd, 0xab]);
    assert.is(await machine.isInterruptAsserted(0), false);
  }),
);

async function withVector(machine: QemuMachine, registers: Awaited<ReturnType<typeof pciRegisters>>) {
  const pci = machine.pci(0);
  let common = await pci.configRead(0x34, 1);
  const isCommon = async (): Promise<boolean> =>
    (await pci.configRead(common, 1)) === 9 && (await pci.configRead(common + 3, 1)) === 1;
  while (!(await isCommon())) common = await pci.configRead(common + 1, 1);
  const [bar, offset] = [await pci.configRead(common + 4, 1), await pci.configRead(common + 8, 4)];
  const queue = registers.queue;
  const guest = await QemuGuest.start(
    machine,
    {
      ...registers,
      queue: async (...place) => {
        await pci.barWrite(bar, offset + 0x16, 2, place[0]);
        await pci.barWrite(bar, offset + 0x1a, 2, 0);
        await queue(...place);
      },
    },
    false,
  );
  return { submit: () => guest.submit(gpuRequest(GET_DISPLAY_INFO), 408) };
}

withQemu("memory below 1 MiB is memory on q35, and base address registers can be moved", () =>
  withMachine({ machine: "q35", devices: [{ type: "virtio-rng-pci" }] }, async (machine) => {
    for (const address of [0, 0xa0000, 0xbfffc, 0xc0000, 0xe8000, 0xf0000, 0xffffc, 0x100000]) {
      machine.ram.write(address, Uint8Array.of(1, 2, 3, 4));
      assert.is(await machine.qtest.read(address, 4), 0x04030201, address.toString(16));
      await machine.qtest.write(address, 4, 0x99);
      assert.is(machine.ram.read(address, 1)[0], 0x99, address.toString(16));
    }
    const pci = machine.pci(0);
    assert.equal(
      pci.bars.map(({ index, kind, sizeBytes }) => [index, kind, sizeBytes]),
      [
        [0, "io", 32],
        [1, "memory", 4096],
        [4, "memory", 16384],
      ],
    );
    const legacyFeatures = await pci.barRead(0, 0, 4);
    assert.is.not(legacyFeatures & (1 << 28), 0);
    await pci.configWrite(0x10, 4, 0xd000);
    assert.is(await pci.barRead(0, 0, 4), legacyFeatures);
    assert.is(pci.bars[0]?.address, 0xd000);
    assert.is(await pci.barRead(2, 0, 2), 0xffff, "a register that is not there");
    assert.is(await pci.configRead(0x100, 4), 0xffffffff, "no extended configuration space");
  }),
);

withQemu("a crash is told from everything else, and what waits fails with it", () =>
  withMachine(gpu("microvm"), async (machine) => {
    process.kill(machine.pid ?? 0, "SIGSEGV");
    const readOn = async (): Promise<void> => {
      for (;;) await machine.mmio(0).read(0x70, 4);
    };
    const error = await failure(readOn(), QemuGoneError);
    assert.is(error.how, "crash");
    assert.match(error.message, "SIGSEGV");
    assert.ok(machine.isGone);
    assert.is(await failure(machine.qmp.execute("query-status"), QemuGoneError), error);
    assert.is(await failure(machine.resizeDisplay(0, 0, 100, 100), QemuGoneError), error);
    assert.is(await failure(machine.reset(), QemuGoneError), error);
  }),
);

withQemu("QEMU 7.2's abort over an indirect table of no bytes is caught", async () => {
  const program = await probeQemu(locate(peers.qemu));
  await withMachine(gpu("microvm"), async (machine) => {
    const guest = await QemuGuest.start(machine, mmioRegisters(machine), true);
    if (program.numbers[0] > 7) {
      await guest.offerIndirect(0);
      assert.is((await guest.registers.status()) & 0x40, 0x40, "needs a reset");
    } else {
      const error = await failure(guest.offerIndirect(0), QemuGoneError);
      assert.is(error.how, "crash");
      assert.match(error.message, /SIGABRT.*ssert/);
    }
  });
});

withQemu("a QEMU that does not answer is killed", () =>
  withMachine({ ...gpu("microvm"), answerTimeoutMs: 200 }, async (machine) => {
    process.kill(machine.pid ?? 0, "SIGSTOP");
    const begin = performance.now();
    const error = await failure(machine.mmio(0).read(0x70, 4), QemuGoneError);
    assert.is(error.how, "hang");
    assert.match(error.message, "readl 0xfeb00070");
    assert.ok(performance.now() - begin < 2000);
    assert.is(await machine.gone, error);
  }),
);

withQemu("what QEMU refuses at the start is said in one line", async () => {
  const devices = [{ type: "virtio-gpu-device", properties: { no_such_property: 1 } }];
  const start = QemuMachine.start({ qemu: locate(peers.qemu) ?? "", devices });
  const error = await failure(start, QemuUnfitError);
  assert.match(error.message, "no_such_property");
  assert.not.match(error.message, "\n");
});

// What is left behind: other tests run at the same time, so that this needs a folder of its own.
const folder = mkdtempSync(join(tmpdir(), "qtest-test-"));
process.env["TMPDIR"] = folder;
qtest.after(() => rmSync(folder, { recursive: true, force: true }));

/** Files of machines that process `owner` started, and that are there now. */
function files(owner = process.pid): string[] {
  const memory = existsSync("/dev/shm") ? readdirSync("/dev/shm") : [];
  return [...readdirSync(folder), ...memory.filter((name) => name.endsWith(`-${owner}`))];
}

withQemu("a machine that was closed leaves nothing behind", async () => {
  let pid = 0;
  await withMachine(gpu("q35"), async (machine) => {
    pid = machine.pid ?? 0;
    assert.ok(isRunning(pid));
    await machine.screendump(0);
    assert.is(files().length, 1, "memory has no name any more");
  });
  assert.not(isRunning(pid));
  assert.equal(files(), []);
});

/** Starts a process that starts a QEMU; resolves when both are gone, with the files that are left. */
async function leftBy(manner: string, signal?: NodeJS.Signals): Promise<{ how: unknown; left: string[] }> {
  const owner = new URL("../../support/qemu-owner.worker.ts", import.meta.url);
  const child = spawn(process.execPath, [owner.pathname, locate(peers.qemu) ?? "", manner], {
    stdio: ["ignore", "pipe", "ignore"],
    timeout: 20_000,
  });
  let pid = 0;
  child.stdout.once("data", (text) => {
    pid = Number(text);
    if (signal !== undefined) child.kill(signal);
  });
  const how = await new Promise((resolve) =>
    child.once("close", (code, endedBy) => resolve(endedBy ?? code)),
  );
  assert.is.not(pid, 0);
  for (let i = 0; i < 100 && isRunning(pid); i++) await new Promise((done) => setTimeout(done, 20));
  assert.not(isRunning(pid), "QEMU lives on");
  return { how, left: files(child.pid) };
}

for (const [manner, how] of [
  ["exit", 3],
  ["throw", 1],
  ["SIGINT", "SIGINT"],
  ["SIGTERM", "SIGTERM"],
] as const) {
  withQemu(`QEMU and its files go with the process that started it: ${manner}`, async () => {
    const signal = typeof how === "string" ? how : undefined;
    assert.equal(await leftBy(manner, signal), { how, left: [] });
  });
}

if (existsSync("/usr/bin/setpriv")) {
  withQemu("QEMU goes even if the process that started it is killed", async () => {
    const { how, left } = await leftBy("wait", "SIGKILL");
    assert.is(how, "SIGKILL");
    // Nobody was left to delete the folder; the memory has no name.
    assert.ok(left.length <= 1);
    for (const name of left) rmSync(join(folder, name), { recursive: true });
  });
}

/** Whether a process runs; one that has ended but whose exit code nobody fetched yet does not. */
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return process.platform !== "linux" || !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return false;
  }
}

qtest.run();
