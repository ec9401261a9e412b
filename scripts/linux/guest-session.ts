// A guest that has booted, and the scenarios in it. See guest/scenarios.c and guest/init for the lines both sides
// exchange; a guest of one's own works the same way if it keeps to them.
import type { CommandRecord, LinuxDevice, Picture } from "./linux-device.ts";
import { LinuxError } from "./linux-error.ts";
import type { Machine } from "./machine.ts";
import { type Marker, numberField, numberValue, parseMarker } from "./markers.ts";
import { DrawnPicture, firstDifference, hashPicture, hexHash } from "./pattern.ts";

const COMMAND_TIMEOUT_MS = 60_000;
const SCENARIO_TIMEOUT_MS = 120_000;
/** A size no EDID here prefers. */
const RESIZED = { width: 1024, height: 600 } as const;

/** In the order in which the golden captures were made: each finds the screen as the one before has left it. */
export const SCENARIOS = [
  "mode-set",
  "dirty",
  "flip",
  "prime",
  "cursor",
  "closeonly",
  "blob",
  "params",
  "damage",
  "resize",
  "fbcon",
] as const;
export type ScenarioName = (typeof SCENARIOS)[number];

/** Needs the kernel's own console, which the others do without: its commands would come between theirs. */
const CONSOLE_SCENARIO: ScenarioName = "fbcon";

export type TimelineEntry =
  | { readonly kind: "command"; readonly record: CommandRecord }
  | { readonly kind: "call"; readonly name: string; result: number | undefined }
  | { readonly kind: "note"; readonly text: string }
  | { readonly kind: "stage"; readonly stage: StageReport };

export interface StageReport {
  /** E.g. "dirty/two-clips". */
  readonly name: string;
  /** 0 × 0 when nothing is meant to be on screen. */
  readonly width: number;
  readonly height: number;
  /** FNV-1a of the pixels that the guest has drawn, in hexadecimal. */
  readonly guestHash: string | undefined;
  /** The same of what the device shows. */
  readonly screenHash: string | undefined;
  /** What is not as the guest means it to be. */
  readonly problems: readonly string[];
  picture?: string;
}

export interface ScenarioReport {
  readonly name: string;
  readonly exitCode: number;
  readonly elapsedMs: number;
  readonly timeline: readonly TimelineEntry[];
  /** What the guest's kernel logged. */
  readonly kernelMessages: readonly string[];
  readonly problems: readonly string[];
}

export interface SessionOptions {
  readonly machine: Machine;
  readonly device: LinuxDevice;
  /** Called at each stage with what is on screen; may say where it put the picture. */
  readonly onPicture?: (stage: string, picture: Picture) => Promise<string | undefined>;
  readonly onProgress?: (text: string) => void;
}

type Driver = "none" | "plain" | "with-console";

export class GuestSession {
  readonly #machine: Machine;
  readonly #device: LinuxDevice;
  readonly #onPicture: SessionOptions["onPicture"];
  readonly #onProgress: ((text: string) => void) | undefined;
  #seenCommands = 0;
  #seenComplaints = 0;
  #driver: Driver = "none";

  constructor({ machine, device, onPicture, onProgress }: SessionOptions) {
    this.#machine = machine;
    this.#device = device;
    this.#onPicture = onPicture;
    this.#onProgress = onProgress;
  }

  /** Runs a scenario; what goes wrong in it is in the report. The driver is loaded in the way it needs first. */
  async run(name: ScenarioName): Promise<ScenarioReport[]> {
    const wanted: Driver = name === CONSOLE_SCENARIO ? "with-console" : "plain";
    const reports: ScenarioReport[] = [];
    if (this.#driver !== wanted) {
      if (this.#driver !== "none") reports.push(await this.#command("unload", COMMAND_TIMEOUT_MS));
      reports.push(await this.#command(wanted === "plain" ? "load" : "load fbcon", COMMAND_TIMEOUT_MS));
      this.#driver = wanted;
    }
    reports.push(await this.#command(`run ${name}`, SCENARIO_TIMEOUT_MS));
    return reports;
  }

  async #command(command: string, timeoutMs: number): Promise<ScenarioReport> {
    this.#onProgress?.(command);
    const begin = performance.now();
    const timeline: TimelineEntry[] = [];
    const observer = new Observer(this.#device, timeline, this.#onPicture);
    const { console } = this.#machine;
    const takeCommands = (): void => {
      const { commands } = this.#device;
      for (; this.#seenCommands < commands.length; this.#seenCommands++) {
        const record = commands[this.#seenCommands];
        if (record !== undefined) timeline.push({ kind: "command", record });
      }
    };
    let pending: Promise<void> = Promise.resolve();
    const stop = console.onLine((line) => {
      takeCommands();
      const marker = parseMarker(line);
      if (marker === undefined) return;
      if (marker.word !== "STAGE") return observer.take(marker);
      pending = observer.stage(marker).then(() => console.send(""));
    });
    try {
      console.send(command);
      const verb = command.split(" ")[0] ?? "";
      const done = await console.waitFor(
        (line) => line.startsWith(`@@DONE ${verb} `),
        `end of "${command}"`,
        timeoutMs,
      );
      await pending;
      takeCommands();
      const exitCode = Number(done.split(" ")[2] ?? Number.NaN);
      const complaints = this.#device.complaints.slice(this.#seenComplaints);
      this.#seenComplaints += complaints.length;
      const problems = [...observer.problems, ...complaints.map((text) => `the device says: ${text}`)];
      if (exitCode !== 0) problems.push(`"${command}" ended with code ${exitCode} in the guest`);
      return {
        name: command.replace(/^run /, ""),
        exitCode,
        elapsedMs: performance.now() - begin,
        timeline,
        kernelMessages: observer.kernelMessages,
        problems,
      };
    } catch (error) {
      if (error instanceof LinuxError) await pending.catch(() => undefined);
      throw error;
    } finally {
      stop();
    }
  }
}

/** Follows what the guest's program says, and compares it with the device. */
class Observer {
  readonly problems: string[] = [];
  readonly kernelMessages: string[] = [];
  readonly #device: LinuxDevice;
  readonly #timeline: TimelineEntry[];
  readonly #onPicture: SessionOptions["onPicture"];
  readonly #pictures = new Map<string, DrawnPicture>();
  #mode = { width: 0, height: 0 };
  #pixels: Marker | undefined;
  #shown: string | undefined;
  #cursor: Marker | undefined;
  #wantsResize = false;

  constructor(device: LinuxDevice, timeline: TimelineEntry[], onPicture: SessionOptions["onPicture"]) {
    this.#device = device;
    this.#timeline = timeline;
    this.#onPicture = onPicture;
  }

  take(marker: Marker): void {
    switch (marker.word) {
      case "BEGIN":
        this.#timeline.push({ kind: "call", name: marker.rest, result: undefined });
        return;
      case "END":
        this.#endCall(marker);
        return;
      case "MODE":
        this.#mode = { width: numberValue(marker, 0), height: numberValue(marker, 1) };
        break;
      case "DRAW":
        this.#draw(marker);
        return;
      case "PIXELS":
        this.#pixels = marker;
        return;
      case "SHOW":
        this.#shown = marker.rest;
        return;
      case "CURSOR":
        this.#cursor = marker;
        break;
      case "WANT":
        this.#wantsResize = marker.rest === "resize";
        break;
      case "KMSG":
        this.kernelMessages.push(marker.rest);
        if (/\*ERROR\*|WARNING:|BUG:|Oops/.test(marker.rest)) {
          this.problems.push(`the guest's kernel says: ${marker.rest}`);
        }
        return;
      case "FAIL":
        this.problems.push(`the guest says: ${marker.rest}`);
        break;
      case "DONE":
      case "READY":
        return;
      default:
        break;
    }
    this.#timeline.push({ kind: "note", text: `${marker.word.toLowerCase()} ${marker.rest}`.trim() });
  }

  /** Compares the screen with what the guest means to be on it. */
  async stage(marker: Marker): Promise<void> {
    const name = marker.values[0] ?? "";
    const width = numberValue(marker, 1);
    const height = numberValue(marker, 2);
    const screen = this.#device.scanout();
    const problems = width === 0 ? this.#checkOff(screen) : this.#checkScreen(screen);
    problems.push(...this.#checkCursor());
    const stage: StageReport = {
      name,
      width,
      height,
      guestHash: width === 0 ? undefined : this.#pixels?.fields["fnv1a"],
      screenHash: screen === undefined ? undefined : hexHash(hashPicture(screen)),
      problems,
    };
    this.problems.push(...problems.map((problem) => `${name}: ${problem}`));
    this.#timeline.push({ kind: "stage", stage });
    this.#pixels = undefined;
    this.#shown = undefined;
    if (screen !== undefined && this.#onPicture !== undefined) {
      const path = await this.#onPicture(name, screen);
      if (path !== undefined) stage.picture = path;
    }
    if (this.#wantsResize) {
      this.#wantsResize = false;
      this.#device.resize(RESIZED.width, RESIZED.height);
    }
  }

  #endCall(marker: Marker): void {
    const call = this.#timeline.findLast((entry) => entry.kind === "call");
    if (call?.kind === "call") call.result = numberField(marker, "rc");
  }

  #draw(marker: Marker): void {
    const name = marker.values[0] ?? "";
    const [x, y, width, height] = [1, 2, 3, 4].map((index) => numberValue(marker, index)) as [
      number,
      number,
      number,
      number,
    ];
    const seed = numberField(marker, "seed");
    if (name === "cursor") {
      const image = new DrawnPicture(width, height);
      image.drawCursor(seed);
      this.#pictures.set(name, image);
      return;
    }
    let picture = this.#pictures.get(name);
    if (picture === undefined || picture.width !== this.#mode.width || picture.height !== this.#mode.height) {
      picture = new DrawnPicture(this.#mode.width, this.#mode.height);
      this.#pictures.set(name, picture);
    }
    picture.draw(x, y, width, height, seed);
  }

  #checkOff(screen: Picture | undefined): string[] {
    return screen === undefined
      ? []
      : [`${screen.width}×${screen.height} pixels are on screen instead of nothing`];
  }

  #checkScreen(screen: Picture | undefined): string[] {
    const guestHash = this.#pixels?.fields["fnv1a"];
    const drawn = this.#pictures.get(this.#shown ?? "");
    if (drawn === undefined) {
      // Pixels that only the guest knows: its hash is all there is to compare with.
      if (screen === undefined) return ["nothing is on screen"];
      const hash = hexHash(hashPicture(screen));
      return hash === guestHash
        ? []
        : [`the pixels on screen have the hash ${hash}, the guest's ${guestHash}`];
    }
    const problems: string[] = [];
    const drawnHash = hexHash(hashPicture(drawn));
    if (drawnHash !== guestHash) {
      problems.push(`the guest's pixels have the hash ${guestHash}, those it says it drew ${drawnHash}`);
    }
    const difference = firstDifference(screen, drawn);
    if (difference !== undefined) problems.push(difference);
    return problems;
  }

  #checkCursor(): string[] {
    const marker = this.#cursor;
    if (marker === undefined) return [];
    const cursor = this.#device.cursor();
    if (marker.rest === "off") return cursor === undefined ? [] : ["the cursor is visible"];
    if (cursor === undefined) return ["the cursor is not visible"];
    const problems: string[] = [];
    const actual = { x: cursor.x, y: cursor.y, hot_x: cursor.hotX, hot_y: cursor.hotY };
    for (const [name, value] of Object.entries(actual)) {
      const wanted = numberField(marker, name);
      if (value !== wanted) problems.push(`the cursor's ${name} is ${value} instead of ${wanted}`);
    }
    const image = this.#pictures.get("cursor");
    const difference = image === undefined ? "no image was drawn" : firstDifference(cursor.image, image);
    if (difference !== undefined) problems.push(`cursor: ${difference}`);
    return problems;
  }
}
