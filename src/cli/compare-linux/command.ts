import { type Command, Option } from "commander";
import { GUEST_PROGRAMS, LINUX_PROFILE_NAMES, type LinuxProfileName } from "../../driver/kms/index.ts";
import { type Console, styleFor } from "../console.ts";
import { ExitCode } from "../exit-code.ts";
import { JSON_OPTION, jsonHelp, openOutputs, writeOutput } from "../outputs.ts";
import { UsageError } from "../usage-error.ts";
import { readCaptureFolders } from "./capture-files.ts";
import { compareFolder } from "./compare-folder.ts";
import { formatReport, reportJson } from "./report.ts";

const EXIT_DIFFERENT = 1;

interface CompareOptions {
  readonly profile: LinuxProfileName;
  readonly json?: string | true;
}

/** Adds `compare-linux` to the program. */
export function addCompareLinuxCommand(program: Command, console: Console): void {
  program
    .command("compare-linux")
    .summary("compare what a Linux kernel sent to a virtio-gpu with the model of its driver")
    .description(
      "Runs the programs behind a folder of captures (one *.jsonl file for each, see the project's golden captures) on " +
        "the model of Linux' virtio-gpu driver, and compares what both have sent: bytes, descriptors, flags, fences and " +
        "notifications, up to resource ids, fence ids, addresses and numbers of entries; and where the capture tells " +
        "the time, that frames are paced where the kernel paces them (within a quarter of a frame, and never faster " +
        "than its waits allow), and not where it does not. The exit code is 1 when " +
        "something differs, and 2 when there was nothing to compare.",
    )
    .argument("<dir>", "a folder of captures, or a folder of such folders")
    .addOption(
      new Option("--profile <name>", "the kernel to compare with")
        .choices(LINUX_PROFILE_NAMES)
        .default("linux-6.1" satisfies LinuxProfileName),
    )
    .option(JSON_OPTION, jsonHelp())
    .allowExcessArguments(false)
    .action((dir: string, options: CompareOptions) => {
      if (compare(dir, options, console)) throw new ExitCode(EXIT_DIFFERENT);
    });
}

/** Returns whether anything differs. */
function compare(dir: string, { profile, json }: CompareOptions, console: Console): boolean {
  const captures = readCaptureFolders(dir);
  const outputs = openOutputs({ json: { option: "--json", to: json } });
  const folders = captures.map((folder) => compareFolder(folder, profile));
  const report = reportJson(profile, folders);
  if (report.equal + report.different === 0) throw nothingCompared(dir, report.skipped);
  writeOutput(outputs.json, `${JSON.stringify(report, null, 2)}\n`, console);
  if (outputs.json !== "stdout") {
    console.out(formatReport(profile, folders, styleFor(console.outIsTerminal)));
  }
  return report.different > 0;
}

/** A run of nothing must not look like one in which all went well. */
function nothingCompared(dir: string, skipped: number): UsageError {
  const captures = skipped === 1 ? "the only capture" : `all ${skipped} captures`;
  return new UsageError(
    `nothing was compared: ${captures} in ${dir} had to be skipped, having the name of no program of the model; ` +
      `rename them after one of ${GUEST_PROGRAMS.map(({ name }) => name).join(", ")}.`,
  );
}
