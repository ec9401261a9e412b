import { type Command, Option } from "commander";
import { PNG } from "pngjs";
import { type Console, styleFor } from "../console.ts";
import { integerBetween } from "../option-values.ts";
import { JSON_OPTION, jsonHelp, openDrawingOutputs, writeOutput } from "../outputs.ts";
import { UsageError } from "../usage-error.ts";
import { type CompareResult, type CompareSettings, compareWays, ramBytesFor } from "./compare.ts";
import { formatComparison, summarize } from "./report.ts";

const DEFAULT_OUT = "virtio-vdmabuf.png";
const MAX_RAM_BYTES = 1 << 30;

interface VdmabufOptions extends CompareSettings {
  readonly out?: string;
  readonly json?: string | true;
}

/** Adds `vdmabuf` to the program. */
export function addVdmabufCommand(program: Command, console: Console): void {
  program
    .command("vdmabuf")
    .summary("show the same buffers through Vdmabuf and through virtio-gpu, and compare the costs")
    .description(
      "Shows the pictures of one guest on three displays: exported through Vdmabuf, a\n" +
        "device proposed in 2021; as blobs of a virtio-gpu, which took its place; and as\n" +
        "2D resources of a virtio-gpu, which copies. The pages are the same, and so are\n" +
        "the pictures. Prints what each way costs, and writes the last picture as PNG.",
    )
    .addOption(
      new Option("--frames <n>", "pictures to show").default(60).argParser(integerBetween(0, 10_000)),
    )
    .addOption(
      new Option("--width <pixels>", "width of the pictures")
        .default(640)
        .argParser(integerBetween(16, 4096)),
    )
    .addOption(
      new Option("--height <pixels>", "height of the pictures")
        .default(480)
        .argParser(integerBetween(16, 4096)),
    )
    .addOption(
      new Option("--buffers <n>", "buffers that take turns").default(2).argParser(integerBetween(2, 16)),
    )
    .addOption(
      new Option("--ring <format>", "format of the rings").default("split").choices(["split", "packed"]),
    )
    .addOption(new Option("--contiguous", "pages in one piece instead of scattered ones").default(false))
    .option(
      "--out <file>",
      `where to write the picture (default: ${DEFAULT_OUT} in the current folder, none when --json prints)`,
    )
    .option(JSON_OPTION, jsonHelp())
    .allowExcessArguments(false)
    .action((options: VdmabufOptions) => run(options, console));
}

function run(options: VdmabufOptions, console: Console): void {
  const settings = settingsOf(options);
  const outputs = openDrawingOutputs(options, DEFAULT_OUT);
  const result = compareWays(settings);
  const written = settings.frames > 0 ? outputs.picture : null;
  written?.write(encodePng(result));
  const png = written?.path ?? null;
  writeOutput(outputs.json, `${JSON.stringify(summarize(result, png))}\n`, console);
  if (outputs.json !== "stdout") {
    const style = styleFor(console.outIsTerminal);
    console.out(formatComparison(result, style));
    if (png !== null) console.out(`\nPicture: ${style.bold(png)}\n`);
  }
  if (!result.identical) throw new Error("the displays did not show the same pictures");
}

function settingsOf(options: VdmabufOptions): CompareSettings {
  const { width, height, frames, buffers, ring, contiguous } = options;
  const settings = { width, height, frames, buffers, ring, contiguous };
  const needed = ramBytesFor(settings);
  if (needed > MAX_RAM_BYTES) {
    throw new UsageError(
      `${buffers} buffers of ${width} × ${height} need ${Math.ceil(needed / 2 ** 20)} MiB, more than ` +
        `${MAX_RAM_BYTES / 2 ** 20}: choose fewer --buffers, or a smaller --width or --height.`,
    );
  }
  return settings;
}

function encodePng({ settings, rgba }: CompareResult): Buffer {
  const png = new PNG({ width: settings.width, height: settings.height });
  png.data = Buffer.from(rgba.buffer, rgba.byteOffset, rgba.byteLength);
  return PNG.sync.write(png, { colorType: 2, inputHasAlpha: true });
}
