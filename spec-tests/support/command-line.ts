// The built command line as its users run it: as a program of its own.
import { spawn, spawnSync } from "node:child_process";
import { join } from "node:path";

/** What a program left behind. */
export interface ProgramResult {
  readonly code: number | null;
  readonly out: string;
  readonly error: string;
}

let built = false;

/** Builds dist if it is stale, as `npm start` does. */
export function buildCommandLine(): void {
  if (built) return;
  const { status, stderr } = spawnSync(process.execPath, ["scripts/setup.mjs", "lib"], { encoding: "utf8" });
  if (status !== 0) throw new Error(`dist cannot be built: ${stderr}`);
  built = true;
}

/** Runs `virtio-emulator …args`, in the folder `cwd` if given. */
export function runProgram(
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {},
): Promise<ProgramResult> {
  buildCommandLine();
  const program = join(process.cwd(), "dist/cli.js");
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, ...args], {
      stdio: ["ignore", "pipe", "pipe"],
      ...options,
    });
    let out = "";
    let error = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      out += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      error += text;
    });
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, out, error }));
  });
}
