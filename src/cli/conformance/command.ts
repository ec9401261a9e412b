import { type Command, Option } from "commander";
import type { Console } from "../console.ts";
import { JSON_OPTION, jsonHelp } from "../outputs.ts";
import {
  type ConformanceOptions,
  collect,
  parseNames,
  parseSeconds,
  parseShard,
  parseTargets,
  TARGET_NAMES,
} from "./options.ts";

/** Adds `conformance` to the program. */
export function addConformanceCommand(program: Command, console: Console): void {
  program
    .command("conformance")
    .summary("hold a device against every statement of the virtio specification")
    .description(
      "Runs the conformance kit's cases on devices and says how each normative statement of virtio 1.4 stands: a table " +
        "by area, then the findings. The devices are this project's own, or those of a QEMU, over virtio-mmio and over " +
        "PCI, or yours. The exit code is 1 when there are findings.",
    )
    .addOption(
      new Option(
        "--target <names>",
        `what to test, separated by commas: ${TARGET_NAMES.join(", ")}, or paths of modules that export a target`,
      )
        .default(["builtin-mmio", "builtin-pci"], "builtin-mmio,builtin-pci")
        .argParser(parseTargets),
    )
    .addOption(new Option("--device <names>", "only these of their devices: gpu, rng").argParser(parseNames))
    .addOption(
      new Option("--format <name>", "format of the rings")
        .choices(["split", "packed", "both"])
        .default("both"),
    )
    .addOption(
      new Option(
        "--filter <glob>",
        "only cases like this, by their id, with or without what follows its colon, or by the id of a statement they " +
          "cover: 'split-ring/*', 'gpu.device.*'; may be given several times",
      ).argParser(collect),
    )
    .addOption(new Option("--shard <i/n>", "only the i-th of n parts of the cases").argParser(parseShard))
    .addOption(
      new Option("--list", "print the ids of the cases and run none").conflicts([
        "json",
        "junit",
        "html",
        "expect",
        "writeExpect",
        "spec",
        "timeout",
      ]),
    )
    .option(JSON_OPTION, jsonHelp())
    .option("--junit <file>", "write a report as JUnit XML, for CI; - prints it instead of the table")
    .option(
      "--html <file>",
      "write a report as a page: statements, cases, rings drawn, timelines; - prints it",
    )
    .option(
      "--isolate",
      "run each target in a thread of its own: one that spins, or ends its thread, is a finding, and the run goes on",
    )
    .addOption(
      new Option(
        "--timeout <seconds>",
        "after so long in one call a device hangs, and after twice as long in one case (default: 10)",
      ).argParser(parseSeconds),
    )
    .option("--qemu <path>", "the program for qemu-mmio and qemu-pci (default: qemu-system-x86_64)")
    .option(
      "--expect <file>",
      "hold the verdicts against those in this file: findings are the differences, known differences are listed",
    )
    .option(
      "--write-expect <file>",
      "write the file for --expect; keeps the reasons that stand in it; - prints it",
    )
    .option(
      "--spec <dir>",
      "a copy of the repository oasis-tcs/virtio-spec: findings then show the statements' own wording, too",
    )
    .addOption(
      new Option(
        "--explain <id>",
        "say what a statement demands and where it stands, and run nothing: an id, or a glob like 'gpu.device.*'; may be " +
          "given several times",
      )
        .argParser(collect)
        .conflicts([
          "list",
          "json",
          "junit",
          "html",
          "expect",
          "writeExpect",
          "target",
          "device",
          "format",
          "filter",
          "shard",
          "isolate",
          "timeout",
          "qemu",
        ]),
    )
    .allowExcessArguments(false)
    .action(async (options: ConformanceOptions) => {
      // The kit is large, and the other commands do without it.
      const { runConformance } = await import("./run-conformance.ts");
      await runConformance(options, console);
    });
}
