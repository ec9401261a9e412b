import { type Command, Option } from "commander";
import { PNG } from "pngjs";
import { type Console, styleFor } from "../console.ts";
import { DISPLAY_SYNTAX, type DisplaySpec, parseDisplaySpec } from "../display/display-spec.ts";
import { integerBetween, subsetOf } from "../option-values.ts";
import {
  type DrawingOutputs,
  JSON_OPTION,
  jsonHelp,
  openDrawingOutputs,
  refuseTextOptions,
  writeOutput,
} from "../outputs.ts";
import { Progress } from "../progress.ts";
import { UsageError } from "../usage-error.ts";
import { type DemoSettings, type DeviceReport, GPU_FEATURE_NAMES, type GpuFeatureName } from "./protocol.ts";
import { formatSetting, formatSummary, summarize } from "./report.ts";
import { type DemoResult, ramBytesFor, runDemo } from "./run-demo.ts";
import { formatTimeline, type TimelineLimits } from "./timeline.ts";

const DEFAULT_OUT = "virtio-demo.png";
const MAX_RAM_BYTES = 1 << 30;
const SOME: TimelineLimits = { head: 12, tail: 4 };
const ALL: TimelineLimits = { head: Number.POSITIVE_INFINITY, tail: 0 };
const PROGRESS_AFTER_MS = 700;

interface DemoOptions {
  readonly width: number;
  readonly height: number;
  readonly frames: number;
  readonly buffers: number;
  readonly ring: "split" | "packed";
  readonly features: readonly GpuFeatureName[];
  readonly blob: boolean;
  readonly out?: string;
  readonly display?: DisplaySpec;
  readonly json?: string | true;
  readonly quiet?: true;
  readonly verbose?: true;
}

/** Adds `demo` to the program. */
export function addDemoCommand(program: Command, console: Console): void {
  program
    .command("demo")
    .summary("let a guest draw on a virtio-gpu, and show what happens")
    .description(
      "Runs a virtio-gpu and a guest that draws on it, in two threads over shared memory: a dumb buffer becomes a " +
        "framebuffer, is exported under a UUID, is drawn into by the guest and by another device, and is flushed with " +
        "DIRTYFB; then several buffers flip. Shows the commands as they came, sums, and the last picture as PNG.",
    )
    .addOption(
      new Option("--width <pixels>", "width of the screen").default(1280).argParser(integerBetween(64, 4096)),
    )
    .addOption(
      new Option("--height <pixels>", "height of the screen")
        .default(800)
        .argParser(integerBetween(64, 4096)),
    )
    .addOption(new Option("--frames <n>", "page flips").default(60).argParser(integerBetween(0, 10_000)))
    .addOption(
      new Option("--buffers <n>", "buffers that flip by turns").default(3).argParser(integerBetween(2, 16)),
    )
    .addOption(
      new Option("--ring <format>", "format of the rings").default("split").choices(["split", "packed"]),
    )
    .addOption(
      new Option("--features <list>", `what the device offers: ${GPU_FEATURE_NAMES.join(",")} or none`)
        .default(GPU_FEATURE_NAMES, "all")
        .argParser(subsetOf(GPU_FEATURE_NAMES)),
    )
    .option("--no-blob", "leave the feature blob out: every flip copies")
    .option(
      "--out <file>",
      `where to write the picture (default: ${DEFAULT_OUT} in the current folder, none when --json prints)`,
    )
    .addOption(
      new Option(
        "--display <kind>",
        `show the pictures besides, ${DISPLAY_SYNTAX}: to VNC viewers or in this terminal, where they go on until ` +
          "Ctrl-C, or as files in a folder",
      ).argParser(parseDisplaySpec),
    )
    .option(JSON_OPTION, jsonHelp("npm start --silent -- --json"))
    .addOption(new Option("-q, --quiet", "leave the commands out").conflicts("verbose"))
    .addOption(new Option("-v, --verbose", "show every command"))
    .allowExcessArguments(false)
    .action(async (options: DemoOptions) => {
      await demo(options, console);
    });
}

async function demo(options: DemoOptions, console: Console): Promise<void> {
  const settings = settingsOf(options);
  const outputs = openDrawingOutputs(options, DEFAULT_OUT);
  refuseTextOptions(outputs.json, { "--quiet": options.quiet, "--verbose": options.verbose });
  const result = await runWithProgress(settings, options, outputs, console);
  const { picture } = result.device;
  if (picture !== null) outputs.picture?.write(encodePng(picture));
  const json = summarize(result, picture === null ? null : (outputs.picture?.path ?? null));
  writeOutput(outputs.json, `${JSON.stringify(json)}\n`, console);
  if (outputs.json !== "stdout") console.out(describe(result, json, options, console));
}

function settingsOf(options: DemoOptions): DemoSettings {
  const { width, height, frames, buffers, ring, blob, display = null } = options;
  const features = options.features.filter((name) => blob || name !== "blob");
  const live = display !== null && display.kind !== "png";
  const settings = { width, height, frames, buffers, ring, features, display, live };
  const needed = ramBytesFor(settings);
  if (needed > MAX_RAM_BYTES) {
    throw new UsageError(
      `${buffers} buffers of ${width} × ${height} need ${Math.ceil(needed / 2 ** 20)} MiB, more than ` +
        `${MAX_RAM_BYTES / 2 ** 20}: choose fewer --buffers, or a smaller --width or --height.`,
    );
  }
  return settings;
}

async function runWithProgress(
  settings: DemoSettings,
  { quiet }: DemoOptions,
  { json }: DrawingOutputs,
  console: Console,
): Promise<DemoResult> {
  const isTerminalFree = settings.display?.kind !== "terminal";
  const progress = new Progress(process.stderr, PROGRESS_AFTER_MS);
  try {
    return await runDemo(settings, {
      onFlips: (done) => {
        if (json !== "stdout" && !quiet && isTerminalFree)
          progress.say(`${done} of ${settings.frames} page flips`);
      },
      onDisplay: (hint) => {
        if (hint !== "") console.error(`${hint} (Ctrl-C ends this)\n`);
      },
    });
  } finally {
    progress.stop();
  }
}

function describe(
  result: DemoResult,
  json: ReturnType<typeof summarize>,
  options: DemoOptions,
  console: Console,
): string {
  const style = styleFor(console.outIsTerminal);
  const parts = [formatSetting(result, json)];
  if (!options.quiet) {
    const limits = options.verbose ? ALL : SOME;
    parts.push(formatTimeline(result.device.commands, result.guest.chapters, limits, style));
  }
  parts.push(formatSummary(result, json, style));
  if (json.png !== null) parts.push(`Picture: ${style.bold(json.png)}\n`);
  return parts.join("\n");
}

function encodePng({ width, height, rgba }: NonNullable<DeviceReport["picture"]>): Buffer {
  const png = new PNG({ width, height });
  png.data = Buffer.from(rgba.buffer, rgba.byteOffset, rgba.byteLength);
  return PNG.sync.write(png, { colorType: 2, inputHasAlpha: true });
}
