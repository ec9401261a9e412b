// The adapter on a real v86 whose guest stands still: lines, places, resets and snapshots one by one.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  attachToV86,
  type SavedV86Attachment,
  type V86AttachOptions,
  v86Memory,
} from "../../../src/adapters/v86/index.ts";
import { type TraceEvent, VirtioUsageError } from "../../../src/base/index.ts";
import { VirtioDevice } from "../../../src/device/index.ts";
import { RngDevice } from "../../../src/devices/rng/index.ts";
import { type Board, closeBoards, HandDriver, openBoard } from "../../support/v86-board.ts";

const test = suite("v86 adapter");
const BUFFER = 0x200000;
const EFLAGS_IF = 0x200;

test.after(closeBoards);

interface Attached {
  readonly attachment: ReturnType<typeof attachToV86>;
  readonly driver: HandDriver;
  readonly events: TraceEvent[];
  /** Answers of the source of random numbers that are due. */
  readonly answers: (() => void)[];
}

function attachRng(board: Board, options: V86AttachOptions = {}, ring?: number): Attached {
  const answers: (() => void)[] = [];
  const events: TraceEvent[] = [];
  const source = (target: Uint8Array) =>
    new Promise<void>((resolve) => {
      answers.push(() => {
        target.fill(0xee);
        resolve();
      });
    });
  const device = new VirtioDevice(new RngDevice({ source }), {
    memory: v86Memory(board.emulator),
    trace: (event) => events.push(event),
  });
  const attachment = attachToV86(board.emulator, device, options);
  return { attachment, driver: new HandDriver(board, attachment, ring), events, answers };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

function refused(action: () => unknown, message: RegExp): void {
  assert.throws(action, (error: unknown) => error instanceof VirtioUsageError && message.test(error.message));
}

async function asked(board: Board, options: V86AttachOptions = {}): Promise<Attached> {
  const rng = attachRng(board, options);
  rng.driver.start();
  rng.driver.ask(BUFFER, 64);
  return rng;
}

for (const space of ["io", "memory"] as const) {
  test(`${space}: a request is answered, its interrupt is raised, and lowered by reading the ISR`, async () => {
    const board = await openBoard();
    const { attachment, driver, answers } = await asked(board, { space });
    assert.is(answers.length, 1);
    answers.shift()?.();
    await settle();
    assert.is(driver.used, 1);
    assert.is(driver.byteAt(BUFFER), 0xee);
    assert.ok(attachment.transport.interruptAsserted);
    assert.equal([...board.lines.values()], [true]);
    assert.is(driver.readIsr(), 1);
    assert.equal([...board.lines.values()], [false]);
  });

  test(`${space}: a reset of the machine resets the device, and a late answer goes nowhere`, async () => {
    const board = await openBoard();
    const { attachment, driver, answers } = await asked(board, { space });
    board.emulator.restart();
    assert.is(attachment.transport.device.status, 0);
    driver.fill(BUFFER, 64, 0x77);
    answers.shift()?.();
    await settle();
    assert.is(driver.byteAt(BUFFER), 0x77);
    assert.is(driver.used, 0);
    assert.not(attachment.transport.interruptAsserted);
    // The next kernel finds the device as the first one did.
    driver.start();
    assert.is(attachment.transport.device.status, 0xf);
  });
}

test("a reset of the machine lowers the line and brings configuration space back, but for the addresses", async () => {
  const board = await openBoard();
  const { attachment, answers } = await asked(board);
  const space = board.cpu.devices.pci.device_spaces[attachment.pciId] as Int32Array;
  const fresh = space.slice();
  answers.shift()?.();
  await settle();
  space[1] = 0;
  space[15] = 0x0b;
  board.emulator.restart();
  assert.equal(space, fresh);
  assert.equal([...board.lines.values()], [false]);
});

test("a card of v86's own that shares the line does not lower it for others", async () => {
  const board = await openBoard({ net_device: { type: "ne2k" } });
  const { driver, answers } = await asked(board);
  answers.shift()?.();
  await settle();
  const [line] = [...board.lines.keys()] as [number];
  assert.is(board.lines.get(line), true);
  const { pci } = board.cpu.devices;
  const card = 5 << 3;
  pci.lower_irq(card);
  assert.is(board.lines.get(line), true, "the card acknowledges, the device has not been read");
  pci.raise_irq(card);
  assert.is(driver.readIsr(), 1);
  assert.is(board.lines.get(line), true, "the device has been read, the card not acknowledged");
  pci.lower_irq(card);
  assert.is(board.lines.get(line), false);
});

test("a line that no other device shares is passed on as it comes", async () => {
  const board = await openBoard();
  attachRng(board);
  const seen: string[] = [];
  const { cpu } = board;
  // v86's keyboard makes an edge of its interrupts.
  cpu.device_lower_irq(1);
  seen.push(`${board.lines.get(1)}`);
  cpu.device_raise_irq(1);
  seen.push(`${board.lines.get(1)}`);
  cpu.device_lower_irq(1);
  seen.push(`${board.lines.get(1)}`);
  assert.equal(seen, ["false", "true", "false"]);
});

test("in memory space no interrupt is raised in the middle of an access, unless the guest has them off", async () => {
  const board = await openBoard();
  const device = new VirtioDevice(new RngDevice({ source: (target) => void target.fill(0xee) }), {
    memory: v86Memory(board.emulator),
  });
  const attachment = attachToV86(board.emulator, device, { space: "memory" });
  const driver = new HandDriver(board, attachment);
  driver.start();
  let eflags = EFLAGS_IF;
  board.cpu.get_eflags = () => eflags;
  driver.ask(BUFFER, 16);
  assert.is(driver.used, 1, "the answer is there at once");
  assert.equal([...board.lines], [], "the interrupt is not");
  board.cpu.run_hardware_timers(false, 0);
  assert.equal([...board.lines.values()], [true], "v86 has left the guest's code");
  assert.is(driver.readIsr(), 1);
  assert.equal([...board.lines.values()], [true]);
  await null;
  assert.equal([...board.lines.values()], [false], "at the latest when v86's turn is over");
  eflags = 0;
  driver.ask(BUFFER, 16);
  assert.equal([...board.lines.values()], [true]);
  assert.is(driver.readIsr(), 1);
  assert.equal([...board.lines.values()], [false]);
});

for (const space of ["io", "memory"] as const) {
  test(`${space}: devices get slots and places of their own`, async () => {
    const board = await openBoard();
    const first = await asked(board, { space });
    const second = attachRng(board, { space }, 0x110000);
    assert.not(second.attachment.pciId === first.attachment.pciId);
    assert.not(second.attachment.address === first.attachment.address);
    second.driver.start();
    second.driver.ask(BUFFER + 0x1000, 16);
    second.answers.shift()?.();
    first.answers.shift()?.();
    await settle();
    assert.equal([first.driver.used, second.driver.used], [1, 1]);
    const { address } = first.attachment;
    refused(() => attachRng(board, { space, address }), /are not free in v86; leave `address` out/);
  });
}

test("places that v86 itself has are refused", async () => {
  const board = await openBoard({ net_device: { type: "ne2k" } });
  refused(() => attachRng(board, { address: 0x300 }), /ports at address 0x300 are not free/);
  for (const address of [0x100000, 0xa0000, 0xe0000000, 0xfec00000, 0xfee00000, 0xfffe0000]) {
    refused(
      () => attachRng(board, { space: "memory", address }),
      /memory at address 0x[0-9a-f]+ are not free/,
    );
  }
  refused(() => attachRng(board, { address: 0xa001 }), /not a positive multiple of 256/);
  refused(() => attachRng(board, { slot: 5 }), /slot 5 is not in 0 … 31 or taken; 9 is free/);
  refused(() => attachRng(board, { slot: 32 }), /slot is 32, not an integer from 0 to 31/);
});

for (const space of ["io", "memory"] as const) {
  test(`${space}: a snapshot goes on in another v86`, async () => {
    const board = await openBoard();
    const first = await asked(board, { space });
    first.answers.shift()?.();
    await settle();
    // The interrupt has not been taken, and a second request is under way.
    first.driver.ask(BUFFER + 0x100, 16);
    const saving = first.attachment.save();
    first.answers.shift()?.();
    const device = JSON.parse(JSON.stringify(await saving)) as SavedV86Attachment;
    const machine = await board.emulator.save_state();

    const other = await openBoard();
    const second = attachRng(other, { space });
    await other.emulator.restore_state(machine);
    second.attachment.restore(device);
    assert.is(second.driver.used, 2);
    assert.is(second.driver.byteAt(BUFFER + 0x100), 0xee);
    assert.ok(second.attachment.transport.interruptAsserted);
    assert.is(second.driver.readIsr(), 1);
    assert.equal([...other.lines.values()], [false]);
    assert.equal(second.events, []);
  });
}

test("a state in memory is restored into the v86 it comes from, and what was under way is forgotten", async () => {
  const board = await openBoard();
  const { attachment, driver, answers } = await asked(board);
  answers.shift()?.();
  await settle();
  driver.readIsr();
  const device = await attachment.save();
  const machine = await board.emulator.save_state();
  driver.ask(BUFFER + 0x100, 16);
  await board.emulator.restore_state(machine);
  attachment.restore(device);
  answers.shift()?.();
  await settle();
  assert.is(driver.byteAt(BUFFER + 0x100), 0);
  assert.is(driver.used, 1);
});

test("what is under way when another state is restored never reaches its memory", async () => {
  const board = await openBoard();
  const { attachment, driver, answers } = await asked(board);
  const machine = await board.emulator.save_state();
  await board.emulator.restore_state(machine);
  assert.is(attachment.transport.device.status, 0);
  answers.shift()?.();
  await settle();
  assert.is(driver.byteAt(BUFFER), 0);
  assert.is(driver.used, 0);
});

test("a device that was left out of a restored machine says so at the first notification, once", async () => {
  const board = await openBoard();
  const first = await asked(board);
  first.answers.shift()?.();
  await settle();
  const machine = await board.emulator.save_state();
  const other = await openBoard();
  const { driver, events } = attachRng(other);
  await other.emulator.restore_state(machine);
  driver.ask(BUFFER, 16);
  driver.ask(BUFFER, 16);
  assert.equal(
    events.map(({ kind, detail }) => [kind, detail["what"]]),
    [
      ["register-ignored", "notified-in-reset-after-restore-state"],
      ["notified-before-driver-ok", undefined],
    ],
  );
});

test("a driver that begins anew after a machine was restored is not warned of", async () => {
  const board = await openBoard();
  attachRng(board);
  const machine = await board.emulator.save_state();
  const other = await openBoard();
  const { driver, events, answers } = attachRng(other);
  await other.emulator.restore_state(machine);
  driver.start();
  driver.ask(BUFFER, 16);
  assert.is(answers.length, 1);
  assert.equal(events, []);
});

test("who holds up the line besides is part of the snapshot", async () => {
  const board = await openBoard({ net_device: { type: "ne2k" } });
  const { attachment, answers } = await asked(board);
  answers.shift()?.();
  await settle();
  board.cpu.devices.pci.raise_irq(5 << 3);
  const device = await attachment.save();
  const machine = await board.emulator.save_state();
  const other = await openBoard({ net_device: { type: "ne2k" } });
  const second = attachRng(other);
  await other.emulator.restore_state(machine);
  second.attachment.restore(device);
  second.driver.readIsr();
  assert.equal([...other.lines.values()], [true], "the card still holds it");
  other.cpu.devices.pci.lower_irq(5 << 3);
  assert.equal([...other.lines.values()], [false]);
});

test("states that do not fit are refused with a sentence", async () => {
  const board = await openBoard();
  const first = attachRng(board, { slot: 9 });
  const second = attachRng(board, { slot: 10 }, 0x110000);
  const state = await first.attachment.save();
  refused(() => second.attachment.restore(state), /of slot 9, not of slot 10/);
  const wrong = (change: object) => ({ ...state, ...change }) as SavedV86Attachment;
  refused(() => first.attachment.restore(wrong({ version: 2 })), /version 2, this adapter reads 1/);
  refused(() => first.attachment.restore(wrong({ adapter: "qtest" })), /comes from `attachment.save\(\)`/);
  refused(() => first.attachment.restore(null as never), /comes from `attachment.save\(\)`/);
  for (const heldLines of [null, [[5]], [[5, 0x10000]], [[256, 1]], [[5.5, 1]], Array(300).fill([1, 1])]) {
    refused(() => first.attachment.restore(wrong({ heldLines })), /heldLines/);
  }
});

test("saving waits for answers, but not for ever, and not while the machine runs", async () => {
  const board = await openBoard();
  const { attachment } = await asked(board);
  const error = await attachment.save({ timeoutMs: 0 }).catch((reason: unknown) => reason);
  assert.ok(
    error instanceof VirtioUsageError && /1 requests are not answered after 0 ms/.test(error.message),
  );
  await board.emulator.run();
  const running = await attachment.save().catch((reason: unknown) => reason);
  assert.ok(running instanceof VirtioUsageError && /v86 is running/.test(running.message));
  await board.emulator.stop();
});

test("initial_state: attached in `emulator-ready` the device is restored, later it is refused", async () => {
  const board = await openBoard();
  const first = await asked(board);
  first.answers.shift()?.();
  await settle();
  // A guest that has booted has looked at the bus.
  board.cpu.io.port_write32(0xcf8, 0x80004800);
  const device = await first.attachment.save();
  const initial_state = { buffer: await board.emulator.save_state() };

  let second: Attached | undefined;
  const other = await openBoard({ initial_state }, (emulator) => {
    second = attachRng({ emulator, cpu: board.cpu, lines: new Map() });
  });
  assert.ok(second);
  second?.attachment.restore(device);
  assert.is(second?.attachment.transport.device.status, 0xf);
  assert.ok(second?.attachment.transport.interruptAsserted);
  assert.ok(other.cpu.devices.pci.device_spaces[second?.attachment.pciId ?? 0]);

  const late = await openBoard({ initial_state });
  refused(() => attachRng(late), /with `initial_state` in the event `emulator-ready`/);
});

test.run();
