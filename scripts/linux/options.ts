import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { DISPLAY_SYNTAX, type DisplaySpec, parseDisplaySpec } from "../../src/cli/display/display-spec.ts";
import { integerBetween, subsetOf } from "../../src/cli/option-values.ts";
import { JSON_OPTION, jsonHelp } from "../../src/cli/outputs.ts";
import { UsageError } from "../../src/cli/usage-error.ts";
import { PCI_STAGES, type PciStage } from "../../src/conformance/driver-checker/index.ts";
import { SCENARIOS, type ScenarioName } from "./guest-session.ts";
import { FEATURE_NAMES, type FeatureName } from "./linux-device.ts";

const LEAST_MEMORY = 80;
const MOST_MEMORY = 2048;
const DEFAULT_MEMORY = 128;
/** One set for UUIDs, which the driver does not ask for when its buffers are blobs, and one for blobs. */
const DEFAULT_FEATURE_SETS: readonly (readonly FeatureName[])[] = [
  ["edid", "uuid"],
  ["edid", "uuid", "blob", "packed"],
];

export interface LinuxOptions {
  /** File for the report as JSON; `true` prints it. */
  readonly json: string | true | undefined;
  readonly list: boolean;
  /** Weston instead of the scenarios. */
  readonly desktop: boolean;
  readonly scenarios: readonly ScenarioName[];
  readonly featureSets: readonly (readonly FeatureName[])[];
  readonly kernel: string | undefined;
  readonly initrd: string | undefined;
  readonly bios: string | undefined;
  readonly commandLine: string | undefined;
  readonly memoryMebibytes: number;
  readonly out: string | undefined;
  readonly display: DisplaySpec | undefined;
  readonly checkDriver: boolean;
  readonly stage: PciStage | undefined;
}

export type ParsedOptions =
  | { readonly kind: "run"; readonly options: LinuxOptions }
  /** Text for standard output, exit code 0. */
  | { readonly kind: "text"; readonly text: string }
  /** One line for standard error, exit code 2. */
  | { readonly kind: "error"; readonly message: string };

/** @param args without the interpreter and the script */
export function parseOptions(args: readonly string[]): ParsedOptions {
  let text = "";
  const command = createCommand((part) => {
    text += part;
  });
  try {
    command.parse([...args], { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return { kind: "text", text };
    return { kind: "error", message: oneLine(error.message) };
  }
  const values = command.opts<Values>();
  if (values.kernel !== undefined && values.initrd === undefined) {
    return {
      kind: "error",
      message: "--kernel needs --initrd too: a kernel's modules and programs come from there",
    };
  }
  if (values.desktop === true) {
    const others = Object.keys(values).filter((name) => !["desktop", "json", "out"].includes(name));
    if (others[0] !== undefined) {
      return {
        kind: "error",
        message: `--desktop goes with --json and --out only, not with ${others.join(", ")}`,
      };
    }
  }
  return {
    kind: "run",
    options: {
      json: values.json,
      list: values.list === true,
      desktop: values.desktop === true,
      scenarios: values.scenario ?? SCENARIOS,
      featureSets: values.features ?? DEFAULT_FEATURE_SETS,
      kernel: values.kernel,
      initrd: values.initrd,
      bios: values.bios,
      commandLine: values.cmdline,
      memoryMebibytes: values.memory ?? DEFAULT_MEMORY,
      out: values.out,
      display: values.display,
      checkDriver: values.checkDriver === true || values.stage !== undefined,
      stage: values.stage,
    },
  };
}

interface Values {
  readonly json?: string | true;
  readonly list?: true;
  readonly desktop?: true;
  readonly scenario?: ScenarioName[];
  readonly features?: FeatureName[][];
  readonly kernel?: string;
  readonly initrd?: string;
  readonly bios?: string;
  readonly cmdline?: string;
  readonly memory?: number;
  readonly out?: string;
  readonly display?: DisplaySpec;
  readonly checkDriver?: true;
  readonly stage?: PciStage;
}

const HELP = `
A kernel of your own: its initrd is used as it is. What the guest writes to its serial port ttyS0 is shown, and the
device's timeline follows when the guest falls silent. To run the scenarios as well, let its first process print
"@@READY" there and then serve the lines of scripts/linux/guest/init with the program of scripts/linux/guest.

Files are kept in .guest, or in the folder that VIRTIO_GUEST_FOLDER names.`;

function createCommand(write: (text: string) => void): Command {
  return new Command("npm run linux --")
    .description("Boots an unmodified Linux kernel in v86 with this project's virtio-gpu and lets it draw.")
    .option(JSON_OPTION, jsonHelp("npm run --silent linux -- --json"))
    .addOption(
      new Option("--scenario <name>", "run only this scenario; may be repeated").argParser(
        (value: string, before: ScenarioName[] | undefined) => [...(before ?? []), scenario(value)],
      ),
    )
    .addOption(
      new Option(
        "--features <list>",
        `features to offer, of ${FEATURE_NAMES.join(", ")}; may be repeated: one run each (default: ` +
          `${DEFAULT_FEATURE_SETS.map((set) => set.join(",")).join(" and then ")})`,
      ).argParser((value: string, before: FeatureName[][] | undefined) => [
        ...(before ?? []),
        [...subsetOf(FEATURE_NAMES)(value)],
      ]),
    )
    .option("--kernel <file>", "boot this bzImage for i386 instead of Debian's")
    .option("--initrd <file>", "boot with this initrd")
    .option("--bios <file>", "use this BIOS instead of Debian's SeaBIOS")
    .option("--cmdline <text>", "the kernel's command line")
    .addOption(
      new Option("--memory <MiB>", `the guest's memory (default: ${DEFAULT_MEMORY})`).argParser(
        integerBetween(LEAST_MEMORY, MOST_MEMORY),
      ),
    )
    .option("--out <folder>", "where pictures of the screen go (default: .build/linux)")
    .addOption(
      new Option(
        "--display <kind>",
        `show the screen while the guest runs: ${DISPLAY_SYNTAX} (a VNC server, this terminal, files in a folder)`,
      ).argParser(display),
    )
    .option(
      "--check-driver",
      "watch the guest's driver and list the statements of the specification it breaks",
    )
    .addOption(
      new Option(
        "--stage <name>",
        "present a peculiar device to the driver, and watch what it makes of it: " +
          PCI_STAGES.map(({ id }) => id).join(", "),
      ).argParser(stage),
    )
    .option(
      "--desktop",
      "boot Debian's Weston instead, save it in the middle of a frame, and go on in another program (10 minutes)",
    )
    .option("--list", "list the scenarios")
    .allowExcessArguments(false)
    .addHelpText("after", HELP)
    .configureOutput({ writeOut: write, writeErr: () => undefined })
    .exitOverride();
}

function scenario(value: string): ScenarioName {
  const name = SCENARIOS.find((known) => known === value);
  if (name === undefined) throw new InvalidArgumentError(`The scenarios are ${SCENARIOS.join(", ")}.`);
  return name;
}

function stage(value: string): PciStage {
  const found = PCI_STAGES.find(({ id }) => id === value);
  if (found === undefined) {
    throw new InvalidArgumentError(`The stages are ${PCI_STAGES.map(({ id }) => id).join(", ")}.`);
  }
  return found;
}

function display(value: string): DisplaySpec {
  try {
    return parseDisplaySpec(value);
  } catch (error) {
    throw error instanceof UsageError ? new InvalidArgumentError(error.message) : error;
  }
}

function oneLine(message: string): string {
  return message
    .replace(/^error: /, "")
    .replace(/\s*\n\s*/g, " ")
    .trim();
}
