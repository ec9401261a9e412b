// Debian's kernel in a machine with three cards: a gpu in I/O space, one in memory space, and v86's own network card,
// which shares an interrupt pin with the first. All tests start from one snapshot of it.

import { type Machine, restoreMachine } from "../../scripts/linux/machine.ts";
import { guestFolder } from "../../scripts/linux/paths.ts";
import { firstDifference, patternPixel } from "../../scripts/linux/pattern.ts";
import { collectParts } from "../../scripts/linux/run-linux.ts";
import { bootedState } from "../../scripts/linux/snapshot.ts";
import {
  attachToV86,
  type SavedV86Attachment,
  type V86Attachment,
  type V86AttachOptions,
  v86Memory,
} from "../../src/adapters/v86/index.ts";
import { MemoryDisplay } from "../../src/backends/display/memory/index.ts";
import type { TraceEvent } from "../../src/base/index.ts";
import { VirtioDevice } from "../../src/device/index.ts";
import { type Display, GpuDevice, type GpuDeviceOptions } from "../../src/devices/gpu/index.ts";

export const NE2K_PCI_ID = 5 << 3;
const TIMEOUT_MS = 120_000;
/** What the guest's program draws into its two framebuffers. */
const SEEDS = [26, 27] as const;
const SIZE = { widthPixels: 320, heightPixels: 240 } as const;
const MONITOR = { ...SIZE, maxWidthPixels: 1280, maxHeightPixels: 1024 } as const;

/** The cards: where their registers are, and what the guest calls them. */
export const CARDS = [
  { space: "io", node: "/dev/dri/card0" },
  { space: "memory", node: "/dev/dri/card1" },
] as const;

export interface CardOptions {
  readonly display?: Display;
  readonly gpu?: GpuDeviceOptions;
  readonly attach?: V86AttachOptions;
}

export interface Card {
  readonly gpu: GpuDevice;
  readonly device: VirtioDevice;
  readonly attachment: V86Attachment;
  readonly events: TraceEvent[];
  readonly screen: MemoryDisplay;
}

function plug(emulator: object, options: readonly CardOptions[]): Card[] {
  const memory = v86Memory(emulator);
  return CARDS.map(({ space }, i) => {
    const { display, gpu: gpuOptions, attach } = options[i] ?? {};
    const events: TraceEvent[] = [];
    const screen = new MemoryDisplay();
    const gpu = new GpuDevice({ display: display ?? screen, displays: [MONITOR], ...gpuOptions });
    const device = new VirtioDevice(gpu, { memory, trace: (event) => events.push(event) });
    // Slots and places are the adapter's choice, in this order.
    const attachment = attachToV86(emulator, device, { space, ...attach });
    return { gpu, device, attachment, events, screen };
  });
}

export interface FlippingGuest {
  readonly machine: Machine;
  readonly cards: readonly Card[];
}

async function parts() {
  const collected = await collectParts({ memoryMebibytes: 128 });
  return { ...collected.parts, networkCard: true };
}

/** The machine as it has just booted; its driver is not loaded yet. */
async function bootedGuest(): Promise<FlippingGuest> {
  const machineParts = await parts();
  const { state } = await bootedState({
    parts: machineParts,
    identity: {
      pciId: 0,
      configSpace: new TextEncoder().encode(JSON.stringify([CARDS, MONITOR])),
      barSizes: [],
    },
    attach: (emulator) => void plug(emulator, []),
    folder: guestFolder(),
  });
  return resumeGuest({ machine: state, devices: [] });
}

/** Goes on from a snapshot; without devices they are in reset. */
export async function resumeGuest(
  { machine: state, devices }: SavedGuest,
  options: readonly CardOptions[] = [],
): Promise<FlippingGuest> {
  let cards: readonly Card[] = [];
  const machine = await restoreMachine(
    { ...(await parts()) },
    (emulator) => {
      cards = plug(emulator, options);
    },
    state,
    () => {
      for (const [i, device] of devices.entries()) cards[i]?.attachment.restore(device);
    },
  );
  machines.add(machine);
  return { machine: { ...machine, close: () => closeGuest(machine) }, cards };
}

const machines = new Set<Machine>();

/** Switches off what failed tests have left. */
export async function closeGuests(): Promise<void> {
  for (const machine of machines) await closeGuest(machine);
}

async function closeGuest(machine: Machine): Promise<void> {
  if (machines.delete(machine)) await machine.close();
}

/** A machine and its devices, saved at the same time. */
export interface SavedGuest {
  readonly machine: ArrayBuffer;
  readonly devices: readonly SavedV86Attachment[];
}

export async function saveGuest({ machine, cards }: FlippingGuest): Promise<SavedGuest> {
  await machine.emulator.stop();
  const devices = [];
  for (const { attachment } of cards) devices.push(await attachment.save());
  return { machine: await machine.emulator.save_state(), devices };
}

let loaded: Promise<SavedGuest> | undefined;

async function loadDriver(): Promise<SavedGuest> {
  const guest = await bootedGuest();
  const { console } = guest.machine;
  const done = console.waitFor((line) => line.startsWith("@@DONE load 0"), "driver", TIMEOUT_MS);
  console.send("load");
  await done;
  const saved = await saveGuest(guest);
  await guest.machine.close();
  return saved;
}

/** The machine with its driver loaded. */
export async function loadedGuest(options: readonly CardOptions[] = []): Promise<FlippingGuest> {
  loaded ??= loadDriver();
  return resumeGuest(await loaded, options);
}

export function startFlips({ machine }: FlippingGuest, flips: number, card: 0 | 1): void {
  machine.console.send(`sh /scenarios flips ${flips} ${CARDS[card].node}`);
}

/** Waits until the guest says that it has come so far. */
export async function flipped({ machine }: FlippingGuest, flips: number): Promise<void> {
  const line = `@@FLIPPED ${flips}`;
  await machine.console.waitFor((said) => said === line || said.startsWith("@@FAIL"), line, TIMEOUT_MS);
}

/** Waits for the last flip, compares the screen with what was drawn, and lets the guest go on to its prompt. */
export async function finishFlips(
  { machine }: FlippingGuest,
  flips: number,
  screen: MemoryDisplay,
): Promise<string | undefined> {
  await machine.console.waitFor((said) => said.startsWith("@@STAGE flips/flips"), "last flip", TIMEOUT_MS);
  const { source } = screen.screen(0);
  const rgba = screen.readRgba(0);
  const done = machine.console.waitFor(
    (said) => said.startsWith("@@DONE sh "),
    "end of the flips",
    TIMEOUT_MS,
  );
  machine.console.send("");
  const end = await done;
  if (source === null && rgba === null) return "the screen is off";
  const width = SIZE.widthPixels;
  const height = SIZE.heightPixels;
  const actual = rgbOf(rgba ?? new Uint8Array(0));
  const wanted = Uint32Array.from({ length: width * height }, (_, i) =>
    patternPixel(i % width, Math.floor(i / width), SEEDS[(flips & 1) as 0 | 1]),
  );
  return (
    firstDifference({ width, height, pixels: actual }, { width, height, pixels: wanted }) ??
    (end === "@@DONE sh 0" ? undefined : end)
  );
}

function rgbOf(rgba: Uint8Array): Uint32Array {
  const bytes = new DataView(rgba.buffer, rgba.byteOffset, rgba.byteLength);
  return Uint32Array.from({ length: rgba.length / 4 }, (_, i) => bytes.getUint32(4 * i) >>> 8);
}
