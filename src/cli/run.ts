import { Command, CommanderError } from "commander";
import { addCompareLinuxCommand } from "./compare-linux/command.ts";
import { addConformanceCommand } from "./conformance/command.ts";
import type { Console } from "./console.ts";
import { addDemoCommand } from "./demo/command.ts";
import { ExitCode } from "./exit-code.ts";
import { readPackageInfo } from "./package-info.ts";
import { addShareCommand } from "./share/command.ts";
import { UsageError } from "./usage-error.ts";
import { addVdmabufCommand } from "./vdmabuf/command.ts";

const EXIT_ERROR = 1;
const EXIT_USAGE = 2;

/** Everything the command line offers. */
function createProgram(console: Console): Command {
  const { version, description } = readPackageInfo();
  const program = new Command();
  program
    .name("virtio-emulator")
    .description(`${description}.`)
    .version(version, "-V, --version", "print the version")
    .helpOption("-h, --help", "print this help")
    .helpCommand("help [command]", "print the help of a command")
    .showSuggestionAfterError()
    .exitOverride()
    // What is wrong is said once, in one line, where the error is caught.
    .configureOutput({ writeOut: console.out, writeErr: () => {} });
  addDemoCommand(program, console);
  addCompareLinuxCommand(program, console);
  addConformanceCommand(program, console);
  addVdmabufCommand(program, console);
  addShareCommand(program, console);
  return program;
}

/**
 * Runs the command line and returns the exit code: 0, 1 when something went wrong, 2 when what was asked for makes no
 * sense.
 */
export async function runCommandLine(argv: readonly string[], console: Console): Promise<number> {
  const program = createProgram(console);
  try {
    if (argv.length === 0) {
      console.error(program.helpInformation());
      return EXIT_USAGE;
    }
    await program.parseAsync([...argv], { from: "user" });
    return 0;
  } catch (error) {
    if (error instanceof ExitCode) return error.code;
    return report(error, commandNamed(argv, program), console);
  }
}

/** The command as the user would type it. */
function commandNamed(argv: readonly string[], program: Command): string {
  const command = program.commands.find((candidate) => candidate.name() === argv[0]);
  return command === undefined ? program.name() : `${program.name()} ${command.name()}`;
}

function report(error: unknown, command: string, console: Console): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0;
    // `help` of something that does not exist has no message of its own.
    const said = error.code === "commander.help" ? "there is no such command" : error.message;
    const message = said.replace(/^error: /, "").replace(/\s+/g, " ");
    console.error(`${command}: ${message}${/[.)?]$/.test(message) ? "" : "."} See ${command} --help.\n`);
    return EXIT_USAGE;
  }
  if (error instanceof UsageError) {
    console.error(`${command}: ${error.message}\n`);
    return EXIT_USAGE;
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  console.error(`${command}: ${text}\n`);
  return EXIT_ERROR;
}
