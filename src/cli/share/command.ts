import { type Command, Option } from "commander";
import { PNG } from "pngjs";
import { LINUX_PROFILE_NAMES, type LinuxProfileName } from "../../driver/kms/index.ts";
import { type Console, styleFor } from "../console.ts";
import { OutputFile } from "../demo/output-file.ts";
import { integerBetween } from "../option-values.ts";
import { Progress } from "../progress.ts";
import { UsageError } from "../usage-error.ts";
import type { Picture } from "./recorder.ts";
import { formatSetting, formatSummary, summarize } from "./report.ts";
import { runShare, type ShareResult } from "./run-share.ts";
import { ramBytesFor, type ShareSettings } from "./settings.ts";
import { formatTimeline, type TimelineLimits } from "./timeline.ts";

const DEFAULT_OUT = "virtio-share.png";
const MAX_RAM_BYTES = 1 << 30;
const PROGRESS_AFTER_MS = 700;
const SOME: TimelineLimits = { head: 14, tail: 4 };
const ALL: TimelineLimits = { head: Number.POSITIVE_INFINITY, tail: 0 };

interface ShareOptions {
  readonly width: number;
  readonly height: number;
  readonly frames: number;
  readonly blob: boolean;
  readonly sync: boolean;
  readonly import?: "uuid" | "pages";
  readonly kernel: LinuxProfileName;
  readonly out?: string;
  readonly json?: true;
  readonly verbose?: true;
}

/** Adds `share` to the program. */
export function addShareCommand(program: Command, console: Console): void {
  program
    .command("share")
    .summary("render with one device, show with another: buffers shared by UUID, without a copy")
    .description(
      "Runs a guest with two devices: a virtio-gpu, which shows, and a renderer, which draws. Buffers of the one are " +
        "exported and imported into the other; first one buffer is drawn into and shown with DIRTYFB, then three " +
        "flip. Drawing takes time, and implicit synchronisation makes the display wait for it. Shows the commands of " +
        "both devices, counts copied bytes and torn pictures, and writes a picture as PNG. All times are those of " +
        "the machine's own clock, the same in every run.",
    )
    .addOption(
      new Option("--frames <n>", "pictures of each kind").default(6).argParser(integerBetween(0, 1000)),
    )
    .addOption(
      new Option("--width <pixels>", "width of the screen").default(640).argParser(integerBetween(64, 4096)),
    )
    .addOption(
      new Option("--height <pixels>", "height of the screen")
        .default(480)
        .argParser(integerBetween(64, 4096)),
    )
    .option("--no-blob", "no blobs: the device copies what was damaged")
    .option("--no-sync", "nobody waits for anybody: pictures tear")
    .addOption(
      new Option(
        "--import <how>",
        "how the renderer gets at the buffers (default: uuid, without blobs pages)",
      ).choices(["uuid", "pages"]),
    )
    .addOption(
      new Option("--kernel <name>", "whose display driver")
        .default("linux-7.3")
        .choices([...LINUX_PROFILE_NAMES]),
    )
    .option(
      "--out <file>",
      `where to write the picture, a torn one if there is any (default: ${DEFAULT_OUT} in the current folder; with --json none)`,
    )
    .addOption(new Option("--json", "print one JSON object and nothing else").conflicts("verbose"))
    .addOption(new Option("-v, --verbose", "show every command"))
    .allowExcessArguments(false)
    .action((options: ShareOptions) => share(options, console));
}

async function share(options: ShareOptions, console: Console): Promise<void> {
  const settings = settingsOf(options);
  const file = outputOf(options);
  const result = await runWithProgress(settings);
  const written = result.picture === null ? null : file;
  if (result.picture !== null) written?.write(encodePng(result.picture));
  const png = written?.path ?? null;
  if (options.json) {
    console.out(`${JSON.stringify(summarize(result, png))}\n`);
    return;
  }
  const style = styleFor(console.outIsTerminal);
  const parts = [
    formatSetting(result, style),
    formatTimeline(result, options.verbose ? ALL : SOME, style),
    formatSummary(result, style),
  ];
  if (png !== null) parts.push(`Picture: ${style.bold(png)}\n`);
  console.out(parts.join("\n"));
}

async function runWithProgress(settings: ShareSettings): Promise<ShareResult> {
  const progress = new Progress(process.stderr, PROGRESS_AFTER_MS);
  try {
    return await runShare(settings, (done) => progress.say(`${Math.floor(100 * done)} % of the pictures`));
  } finally {
    progress.stop();
  }
}

function settingsOf(options: ShareOptions): ShareSettings {
  const { width, height, frames, blob, sync, kernel } = options;
  if (!blob && options.import === "uuid") {
    throw new UsageError(
      "without blobs a UUID names the host's copy of a buffer, which every DIRTYFB overwrites with the guest's pages: " +
        "choose --import pages, or leave --no-blob out.",
    );
  }
  const path = options.import ?? (blob ? "uuid" : "pages");
  const settings: ShareSettings = { width, height, frames, blob, sync, path, kernel };
  const needed = ramBytesFor(settings);
  if (needed > MAX_RAM_BYTES) {
    throw new UsageError(
      `buffers of ${width} × ${height} need ${Math.ceil(needed / 2 ** 20)} MiB, more than ` +
        `${MAX_RAM_BYTES / 2 ** 20}: choose a smaller --width or --height.`,
    );
  }
  return settings;
}

function outputOf({ out, json }: ShareOptions): OutputFile | null {
  if (out === "") throw new UsageError("--out is empty: give the name of a file.");
  if (out !== undefined) return OutputFile.open(out);
  return json ? null : OutputFile.openByDefault(DEFAULT_OUT);
}

function encodePng({ width, height, rgba }: Picture): Buffer {
  const png = new PNG({ width, height });
  png.data = Buffer.from(rgba.buffer, rgba.byteOffset, rgba.byteLength);
  return PNG.sync.write(png, { colorType: 2, inputHasAlpha: true });
}
