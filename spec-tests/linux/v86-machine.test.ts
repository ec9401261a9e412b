// Debian's kernel on everything the adapter for v86 can do: registers in I/O and in memory space, several devices,
// interrupt lines shared with v86's own cards, resets of the machine, snapshots in the middle of page flips.
import { spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { connectInput, type V86Cpu } from "../../src/adapters/v86/index.ts";
import { MemoryDisplay } from "../../src/backends/display/memory/index.ts";
import { type PaceClock, PacedDisplay } from "../../src/backends/display/paced/index.ts";
import { needs, peers } from "../support/peer.ts";
import {
  type Card,
  closeGuests,
  finishFlips,
  flipped,
  loadedGuest,
  NE2K_PCI_ID,
  resumeGuest,
  saveGuest,
  startFlips,
} from "./flipping-guest.ts";

const linux = suite("linux in v86");
const MEMORY_BYTES = 128 << 20;

const cpuOf = (emulator: object): V86Cpu => (emulator as { v86: { cpu: V86Cpu } }).v86.cpu;

const test = needs(linux, peers.apt, peers.dpkgDeb);

linux.after(closeGuests);

test("memory space: thousands of page flips, beside another card in I/O space", async () => {
  const guest = await loadedGuest();
  startFlips(guest, 1500, 1);
  const { screen } = guest.cards[1] as Card;
  assert.is(await finishFlips(guest, 1500, screen), undefined);
  assert.ok(screen.screen(0).flushes >= 1500);
  for (const { events } of guest.cards) assert.equal(events, []);
  await guest.machine.close();
});

test("I/O space: flips while a card of v86's own acknowledges its interrupts on the same line", async () => {
  let acknowledge = () => {};
  const guest = await loadedGuest([{ attach: { onInterrupt: (asserted) => asserted && acknowledge() } }]);
  const { pci } = cpuOf(guest.machine.emulator).devices;
  let acknowledged = 0;
  // Right behind each of our interrupts, before the guest sees it.
  acknowledge = () => {
    acknowledged++;
    queueMicrotask(() => pci.lower_irq(NE2K_PCI_ID));
  };
  startFlips(guest, 500, 0);
  const { screen } = guest.cards[0] as Card;
  assert.is(await finishFlips(guest, 500, screen), undefined);
  assert.ok(acknowledged > 100, `${acknowledged} interrupts`);
  await guest.machine.close();
});

for (const [card, space] of (["io", "memory"] as const).entries()) {
  test(`${space}: a snapshot in the middle of flips goes on in another program`, async () => {
    const guest = await loadedGuest();
    startFlips(guest, 400, card as 0 | 1);
    await flipped(guest, 200);
    const { machine, devices } = await saveGuest(guest);
    await guest.machine.close();
    const folder = await mkdtemp(join(tmpdir(), "virtio-v86-"));
    try {
      await writeFile(join(folder, "machine"), new Uint8Array(machine));
      await writeFile(join(folder, "devices.json"), JSON.stringify(devices));
      const program = fileURLToPath(new URL("./flipping-guest.worker.ts", import.meta.url));
      const run = spawnSync(process.execPath, [program, folder, String(card), "400"], {
        encoding: "utf8",
        timeout: 120_000,
      });
      assert.equal(JSON.parse(run.stdout || JSON.stringify(run.stderr)), { difference: null, events: [] });
    } finally {
      await rm(folder, { recursive: true });
    }
  });
}

test("a snapshot without its device: the trace says why the screen is black", async () => {
  const guest = await loadedGuest();
  startFlips(guest, 600, 0);
  await flipped(guest, 100);
  await guest.machine.emulator.stop();
  const machine = await guest.machine.emulator.save_state();
  await guest.machine.close();
  const resumed = await resumeGuest({ machine, devices: [] });
  const { events } = resumed.cards[0] as Card;
  for (let i = 0; i < 1000 && events.length === 0; i++)
    await new Promise((resolve) => setTimeout(resolve, 10));
  assert.is(events[0]?.detail["what"], "notified-in-reset-after-restore-state");
  await resumed.machine.close();
});

test("a paced display: the guest flips once a frame", async () => {
  const inner = new MemoryDisplay();
  // Time goes on to the next frame as soon as somebody waits for it.
  let nowMs = 0;
  const clock: PaceClock = {
    now: () => nowMs,
    callAt: (timeMs, callback) => {
      setTimeout(() => {
        nowMs = Math.max(nowMs, timeMs);
        callback();
      }, 0);
    },
  };
  const guest = await loadedGuest([{ display: new PacedDisplay(inner, { refreshHz: 60, clock }) }]);
  startFlips(guest, 200, 0);
  assert.is(await finishFlips(guest, 200, inner), undefined);
  const frames = Math.round((nowMs * 60) / 1000);
  const flips = inner.screen(0).flushes;
  assert.ok(flips >= 200 && flips <= frames + 1, `${flips} flips in ${frames} frames`);
  await guest.machine.close();
});

test("modes above the preferred size are offered, and a viewer's keys reach the guest's console", async () => {
  const guest = await loadedGuest();
  const { console, emulator } = guest.machine;
  const lines: string[] = [];
  const stop = console.onLine((line) => lines.push(line));
  const listed = console.waitFor((line) => line.startsWith("@@DONE sh"), "modes", 30_000);
  // The kernel asks for the EDID when somebody wants to know.
  const connector = "/sys/class/drm/card0-Virtual-1";
  console.send(`sh echo detect > ${connector}/status; cat ${connector}/modes`);
  await listed;
  for (const mode of ["320x240", "640x480", "1280x1024"])
    assert.ok(lines.includes(mode), `${mode} of ${lines}`);
  assert.is(lines.indexOf("320x240"), 0, "the preferred one comes first");

  const reading = console.waitFor((line) => line === "reading", "reader", 30_000);
  console.send("sh (echo reading; read line; echo got=$line) < /dev/tty1");
  await reading;
  const got = console.waitFor((line) => line.startsWith("got="), "line of the keyboard", 30_000);
  const input = connectInput(emulator, { screens: [{}] });
  const press = (keysym: number) => [true, false].map((down) => input.key(keysym, down));
  const shift = 0xffe1;
  input.key(shift, true);
  press("V".charCodeAt(0));
  input.key(shift, false);
  for (const character of "nc-86") press(character.charCodeAt(0));
  press(0xff0d);
  assert.is(await got, "got=Vnc-86");
  stop();
  await guest.machine.close();
});

test("a guest that reboots while a flush is under way: the answer does not reach the next kernel's memory", async () => {
  const answers: (() => void)[] = [];
  let sayFlushed = () => {};
  const flushed = new Promise<void>((resolve) => {
    sayFlushed = resolve;
  });
  const display = new MemoryDisplay(() => {
    sayFlushed();
    return new Promise<void>((resolve) => answers.push(resolve));
  });
  const guest = await loadedGuest([{ display }]);
  const { emulator } = guest.machine;
  const { device, attachment } = guest.cards[0] as Card;
  const cpu = cpuOf(emulator);
  const rebooted = new Promise<void>((resolve) => {
    const reboot = cpu.reboot_internal.bind(cpu);
    cpu.reboot_internal = () => {
      reboot();
      // v86 does not survive the firmware's second run, with or without devices of ours.
      void emulator.stop();
      resolve();
    };
  });
  guest.machine.console.send("sh /scenarios flips 600 & read go; /bin/busybox reboot -f");
  await flushed;
  guest.machine.console.send("go");
  await rebooted;
  assert.ok(answers.length > 0, "flushes were under way");
  assert.is(device.status, 0);
  assert.is(device.chainsInFlight, 0);
  await emulator.stop();
  const memory = () => emulator.read_memory(0, MEMORY_BYTES);
  const before = Buffer.from(memory());
  for (const answer of answers.splice(0)) answer();
  await new Promise((resolve) => setImmediate(resolve));
  assert.is(before.compare(memory()), 0);
  assert.not(attachment.transport.interruptAsserted);
  await guest.machine.close();
});

linux.run();
