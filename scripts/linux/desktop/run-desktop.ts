// `npm run linux -- --desktop`: Weston on the gpu, saved in the middle of its frames, and gone on with in another program.
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Picture } from "../linux-device.ts";
import { LinuxError, messageOf } from "../linux-error.ts";
import { guestFolder } from "../paths.ts";
import { savePicture } from "../picture-file.ts";
import { bootDesktop, type Desktop, saveDesktop } from "./desktop-guest.ts";
import { fetchDesktop } from "./fetch-desktop.ts";

const START_TIMEOUT_MS = 900_000;
const PATIENCE_MS = 300_000;
const FRAMES = 120;
/** A picture of fewer colours is no desktop with programs on it. */
const LEAST_COLOURS = 100;
const POINTER_PIXELS = 8;
/** Where nothing else moves: in the bare part of the desktop. */
const POINTED_BEFORE = [700, 200] as const;
export const POINTED_AFTER = [860, 640] as const;

/** What `--desktop` found. */
export interface DesktopReport {
  readonly kernel: string;
  readonly weston: string;
  /** From switching on to the first process, and from there to Weston's socket, in milliseconds. */
  readonly bootMs: number;
  readonly westonMs: number;
  readonly before: DesktopView;
  /** The same in the program that went on. */
  readonly after: DesktopView;
  readonly problems: readonly string[];
}

/** What was seen of a desktop while it made {@link FRAMES} flips. */
export interface DesktopView {
  readonly flips: number;
  readonly commands: number;
  readonly errors: number;
  readonly elapsedMs: number;
  readonly picture: string;
  readonly problems: readonly string[];
}

/** @throws LinuxError if the guest cannot be had, does not boot or stands still */
export async function runDesktop(out: string, progress: (text: string) => void): Promise<DesktopReport> {
  const files = await fetchDesktop(guestFolder(), progress);
  progress("booting");
  const begin = performance.now();
  const desktop = await bootDesktop(files);
  const bootMs = performance.now() - begin;
  try {
    progress("starting Weston");
    const { console } = desktop.machine;
    const done = console.waitFor((line) => line.startsWith("@@DONE weston"), "Weston", START_TIMEOUT_MS);
    console.send("weston");
    if ((await done) !== "@@DONE weston 0") {
      console.send("sh cat /tmp/weston.log");
      await console.waitFor((line) => line.startsWith("@@DONE sh"), "Weston's log", PATIENCE_MS);
      throw new LinuxError(`Weston did not start: ${console.lastLines(12).join(" | ")}`);
    }
    const westonMs = performance.now() - begin - bootMs;
    progress("watching Weston");
    const before = await watchDesktop(desktop, out, "weston", POINTED_BEFORE);
    progress("saving in the middle of a frame");
    const saved = await saveDesktop(desktop);
    const folder = await mkdtemp(join(guestFolder(), "saved-"));
    try {
      await writeFile(join(folder, "machine"), new Uint8Array(saved.machine));
      await writeFile(join(folder, "device.json"), JSON.stringify(saved.device));
      progress("going on in another program");
      const after = await goOn(folder, out);
      return {
        kernel: `Linux ${files.kernelRelease}`,
        weston: files.packages["weston"] ?? "",
        bootMs,
        westonMs,
        before,
        after,
        problems: [...before.problems, ...after.problems.map((text) => `after the restore: ${text}`)],
      };
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  } finally {
    await desktop.machine.close();
  }
}

async function goOn(folder: string, out: string): Promise<DesktopView> {
  const program = fileURLToPath(new URL("./restored-desktop.worker.ts", import.meta.url));
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [program, folder, out]);
    return JSON.parse(stdout) as DesktopView;
  } catch (error) {
    throw new LinuxError(`the restored desktop: ${messageOf(error)}`);
  }
}

/** Lets the desktop make some frames, moves the pointer, and looks at it. */
export async function watchDesktop(
  desktop: Desktop,
  out: string,
  name: string,
  [pointerX, pointerY]: readonly [number, number],
): Promise<DesktopView> {
  const { gpu, input, complaints } = desktop;
  const problems: string[] = [];
  await desktop.flips(2, PATIENCE_MS);
  const first = desktop.picture();
  const { flips, commands, errors } = gpu.counters;
  const begin = performance.now();
  await desktop.flips(FRAMES / 2, PATIENCE_MS);
  // A mouse that is moved in steps, as people do.
  for (let step = 1; step <= 8; step++) {
    input.pointer(0, pointerX - 8 * (8 - step), pointerY, 0);
    await desktop.flips(1, PATIENCE_MS);
  }
  await desktop.flips(FRAMES / 2, PATIENCE_MS);
  const elapsedMs = performance.now() - begin;
  const last = desktop.picture();
  if (colours(last) < LEAST_COLOURS) problems.push(`the picture has ${colours(last)} colours`);
  if (first.pixels.every((pixel, i) => pixel === last.pixels[i]))
    problems.push("the picture does not change");
  if (samePatch(first, last, pointerX, pointerY)) problems.push("the pointer does not follow the mouse");
  const failed = gpu.counters.errors - errors;
  if (failed > 0) problems.push(`${failed} commands were refused`);
  for (const text of complaints) problems.push(`the device says: ${text}`);
  return {
    flips: gpu.counters.flips - flips,
    commands: gpu.counters.commands - commands,
    errors: failed,
    elapsedMs,
    picture: await savePicture(out, name, last),
    problems,
  };
}

/** Whether nothing has appeared where a pointer's tip should be; compositors draw it into the picture, too. */
function samePatch(first: Picture, last: Picture, left: number, top: number): boolean {
  for (let y = top; y < top + POINTER_PIXELS; y++) {
    for (let x = left; x < left + POINTER_PIXELS; x++) {
      const at = y * first.width + x;
      if (first.pixels[at] !== last.pixels[at]) return false;
    }
  }
  return true;
}

function colours({ pixels }: Picture): number {
  return new Set(pixels).size;
}

/** The report as text. */
export function formatDesktopReport(report: DesktopReport): string {
  const { kernel, weston, bootMs, westonMs, before, after, problems } = report;
  const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;
  const view = (title: string, { flips, commands, errors, elapsedMs, picture }: DesktopView) =>
    `${title}: ${flips} flips, ${commands} commands (${errors} refused) in ${seconds(elapsedMs)}: ${picture}`;
  return `${[
    `${kernel}, Weston ${weston}: booted in ${seconds(bootMs)}, Weston up after ${seconds(westonMs)} more`,
    view("as booted", before),
    view("saved in the middle, and gone on in another program", after),
    ...problems.map((text) => `PROBLEM ${text}`),
  ].join("\n")}\n`;
}
