import { type Command, Option } from "commander";
import { LINUX_PROFILE_NAMES, type LinuxProfileName } from "../../driver/kms/index.ts";
import { type Console, styleFor } from "../console.ts";
import { OutputFile } from "../demo/output-file.ts";
import { ExitCode } from "../exit-code.ts";
import { UsageError } from "../usage-error.ts";
import { readCaptureFolders } from "./capture-files.ts";
import { compareFolder } from "./compare-folder.ts";
import { formatReport, reportJson } from "./report.ts";

const EXIT_DIFFERENT = 1;

interface CompareOptions {
  readonly profile: LinuxProfileName;
  readonly json?: string;
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
        "something differs.",
    )
    .argument("<dir>", "a folder of captures, or a folder of such folders")
    .addOption(
      new Option("--profile <name>", "the kernel to compare with")
        .choices(LINUX_PROFILE_NAMES)
        .default("linux-6.1" satisfies LinuxProfileName),
    )
    .option("--json <file>", "write a report as JSON, too; - prints it instead of the text")
    .allowExcessArguments(false)
    .action((dir: string, options: CompareOptions) => {
      if (compare(dir, options, console)) throw new ExitCode(EXIT_DIFFERENT);
    });
}

/** Returns whether anything differs. */
function compare(dir: string, { profile, json }: CompareOptions, console: Console): boolean {
  if (json === "") throw new UsageError("--json is empty: give the name of a file, or -.");
  const captures = readCaptureFolders(dir);
  const file = json === undefined || json === "-" ? null : OutputFile.open(json, "--json");
  const folders = captures.map((folder) => compareFolder(folder, profile));
  const report = reportJson(profile, folders);
  file?.write(`${JSON.stringify(report, null, 2)}\n`);
  console.out(
    json === "-"
      ? `${JSON.stringify(report)}\n`
      : formatReport(profile, folders, styleFor(console.outIsTerminal)),
  );
  return report.different > 0;
}
