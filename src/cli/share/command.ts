import { type Command, Option } from "commander";
import { PNG } from "pngjs";
import { LINUX_PROFILE_NAMES, type LinuxProfileName } from "../../driver/kms/index.ts";
import { type Console, styleFor } from "../console.ts";
import { integerBetween } from "../option-values.ts";
import { JSON_OPTION, jsonHelp, openDrawingOutputs, refuseTextOptions, writeOutput } from "../outputs.ts";
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
  readonly profile: LinuxProfileName;
  readonly out?: string;
  readonly json?: string | true;
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
      new Option("--profile <name>", "the kernel whose display driver is modelled")
        .default("linux-7.3")
        .choices([...LINUX_PROFILE_NAMES]),
    )
    .option(
      "--out <file>",
      `where to write the picture, a torn one if there is any (default: ${DEFAULT_OUT} in the current folder, none when --json prints)`,
    )
    .option(JSON_OPTION, jsonHelp())
    .addOption(new Option("-v, --verbose", "show every command"))
    .allowExcessArguments(false)
    .action((options: ShareOptions) => share(options, console));
}

async function share(options: ShareOptions, console: Console): Promise<void> {
  const settings = settingsOf(options);
  const outputs = openDrawingOutputs(options, DEFAULT_OUT);
  refuseTextOptions(outputs.json, { "--verbose": options.verbose });
  const result = await runWithProgress(settings);
  const written = result.picture === null ? null : outputs.picture;
  if (result.picture !== null) written?.write(encodePng(result.picture));
  const png = written?.path ?? null;
  writeOutput(outputs.json, `${JSON.stringify(summarize(result, png))}\n`, console);
  if (outputs.json === "stdout") return;
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
  const { width, height, frames, blob, sync, profile } = options;
  if (!blob && options.import === "uuid") {
    throw new UsageError(
      "without blobs a UUID names the host's copy of a buffer, which every DIRTYFB overwrites with the guest's pages: " +
        "choose --import pages, or leave --no-blob out.",
    );
  }
  const path = options.import ?? (blob ? "uuid" : "pages");
  const settings: ShareSettings = { width, height, frames, blob, sync, path, profile };
  const needed = ramBytesFor(settings);
  if (needed > MAX_RAM_BYTES) {
    throw new UsageError(
      `buffers of ${width} × ${height} need ${Math.ceil(needed / 2 ** 20)} MiB, more than ` +
        `${MAX_RAM_BYTES / 2 ** 20}: choose a smaller --width or --height.`,
    );
  }
  return settings;
}

function encodePng({ width, height, rgba }: Picture): Buffer {
  const png = new PNG({ width, height });
  png.data = Buffer.from(rgba.buffer, rgba.byteOffset, rgba.byteLength);
  return PNG.sync.write(png, { colorType: 2, inputHasAlpha: true });
}
