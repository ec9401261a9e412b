import { spawn } from "node:child_process";
import { LinuxError } from "./linux-error.ts";

const MAX_OUTPUT_BYTES = 256 * 1024 * 1024;

export interface ProgramResult {
  /** Exit code; -1 if a signal ended it. */
  readonly code: number;
  readonly stdout: Buffer;
  /** Text, trimmed. */
  readonly stderr: string;
}

export interface ProgramOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** What the program reads on its standard input; nothing when left out. */
  readonly input?: Uint8Array;
}

/** Runs a program to its end. Resolves to undefined if there is no such program. */
export function tryProgram(
  program: string,
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<ProgramResult | undefined> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      env: { ...process.env, LC_ALL: "C", ...options.env },
      stdio: ["pipe", "pipe", "pipe"],
    });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    let length = 0;
    child.stdout.on("data", (data: Buffer) => {
      length += data.length;
      if (length > MAX_OUTPUT_BYTES) child.kill();
      else stdout.push(data);
    });
    child.stderr.on("data", (data: Buffer) => stderr.push(data));
    // A program that does not read all of its input is not an error of its own: its exit code says what happened.
    child.stdin.on("error", () => undefined);
    child.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT" || error.code === "EACCES" || error.code === "ENOEXEC") resolve(undefined);
      else reject(error);
    });
    child.on("close", (code) => {
      resolve({
        code: code ?? -1,
        stdout: Buffer.concat(stdout),
        stderr: Buffer.concat(stderr).toString("utf8").trim(),
      });
    });
    child.stdin.end(options.input);
  });
}

/**
 * Runs a program that has to succeed.
 * @returns its standard output
 * @throws LinuxError when it is missing or fails; the message holds the last line it wrote
 */
export async function runProgram(
  program: string,
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<Buffer> {
  const result = await tryProgram(program, args, options);
  if (result === undefined) throw new LinuxError(`${program} is not installed`);
  if (result.code !== 0) {
    const reason = lastLine(result.stderr) ?? lastLine(result.stdout.toString("utf8"));
    throw new LinuxError(
      `${program} ${args.join(" ")} failed with exit code ${result.code}${reason === undefined ? "" : `: ${reason}`}`,
    );
  }
  return result.stdout;
}

/** The last line that is not empty. */
export function lastLine(text: string): string | undefined {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "")
    .at(-1);
}
