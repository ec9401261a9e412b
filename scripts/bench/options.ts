import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { integerBetween } from "../../src/cli/option-values.ts";
import { JSON_OPTION, jsonHelp } from "../../src/cli/outputs.ts";

export interface BenchOptions {
  /** File for the result as JSON, an array of {name, value, unit, ratio, against}; `true` prints it. */
  readonly json: string | true | undefined;
  /** Part of the names to run; all when left out. */
  readonly filter: string | undefined;
  readonly launches: number;
  readonly rounds: number;
}

export type ParsedOptions =
  | { readonly kind: "run"; readonly options: BenchOptions }
  /** Text for standard output, exit code 0. */
  | { readonly kind: "text"; readonly text: string }
  /** One line for standard error, exit code 2. */
  | { readonly kind: "error"; readonly message: string };

interface Values {
  readonly json?: string | true;
  readonly filter?: string;
  readonly launches: number;
  readonly rounds: number;
}

/** @param args without the interpreter and the script; `names` are those of the benchmarks there are */
export function parseOptions(args: readonly string[], names: readonly string[]): ParsedOptions {
  let text = "";
  const command = createCommand(names, (part) => {
    text += part;
  });
  try {
    command.parse([...args], { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return { kind: "text", text };
    return { kind: "error", message: error.message.replace(/^error: /, "").replace(/\s*\n\s*/g, " ") };
  }
  const { json, filter, launches, rounds } = command.opts<Values>();
  return { kind: "run", options: { json, filter, launches, rounds } };
}

function createCommand(names: readonly string[], write: (text: string) => void): Command {
  return new Command("npm run bench --")
    .description(
      "Measures the library against other implementations of the same work, in the same run: each has turns of CPU " +
        "time in a process of its own, and ratios are medians over rounds in which all had one.",
    )
    .option(JSON_OPTION, jsonHelp("npm run --silent bench -- --json"))
    .addOption(
      new Option("--filter <name>", "run only what has this in its name").argParser((value: string) => {
        if (names.some((name) => name.includes(value))) return value;
        throw new InvalidArgumentError(`There are ${names.join(", ")}.`);
      }),
    )
    .addOption(
      new Option("--launches <n>", "how often each process is started anew")
        .default(3)
        .argParser(integerBetween(1, 1000)),
    )
    .addOption(
      new Option("--rounds <n>", "measured rounds per launch").default(9).argParser(integerBetween(1, 1000)),
    )
    .allowExcessArguments(false)
    .addHelpText("after", `\nThere are:\n${names.map((name) => `  ${name}`).join("\n")}`)
    .exitOverride()
    .configureOutput({ writeOut: write, writeErr: () => {} });
}
