import { type ChildProcess, execFile, spawn } from "node:child_process";
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import { QemuUnfitError } from "./errors.ts";
import { isObject, QmpClient } from "./qmp-client.ts";

/** What a program called QEMU turned out to be. */
export interface QemuProgram {
  /** Full path. */
  readonly path: string;
  /** For instance `7.2.22`. */
  readonly version: string;
  /** Major, minor, micro. */
  readonly numbers: readonly [number, number, number];
  /** What the distributor calls it; may be empty. */
  readonly package: string;
  /** The accelerator for a machine whose processor does nothing: `qtest` where there is one, else `tcg`. */
  readonly accelerator: "qtest" | "tcg";
  /** Whether it has a VNC server. */
  readonly vnc: boolean;
  /** Names of the properties of device types, by type; types that the program does not have are missing. */
  readonly properties: ReadonlyMap<string, ReadonlySet<string>>;
}

const DEFAULT_NAME = "qemu-system-x86_64";
const PROBE_TIMEOUT_MS = 10_000;

/** Device types whose properties are looked up unless others are asked for. */
export const DEFAULT_DEVICE_TYPES = [
  "virtio-gpu-device",
  "virtio-gpu-pci",
  "virtio-rng-device",
  "virtio-rng-pci",
  "virtio-balloon-pci",
] as const;

/**
 * Looks at a QEMU for x86-64 by running it twice, for a fifth of a second. `path` is that of the program, or a name
 * to be found on PATH; default `qemu-system-x86_64`. Rejects with {@link QemuUnfitError}.
 *
 * @example
 * ```ts
 * const program = await probeQemu();
 * console.log(program.version); // for instance 7.2.22
 * ```
 */
export async function probeQemu(
  path = DEFAULT_NAME,
  deviceTypes: readonly string[] = DEFAULT_DEVICE_TYPES,
): Promise<QemuProgram> {
  const file = locateProgram(path);
  if (file === undefined) throw new QemuUnfitError(`${path}: there is no such program`);
  const accelerator = (await accelerators(file)).includes("qtest") ? "qtest" : "tcg";
  return await interview(file, accelerator, deviceTypes);
}

/** Full path of a program, undefined when it is missing. */
export function locateProgram(name: string): string | undefined {
  const candidates = /[/\\]/.test(name)
    ? [resolve(name)]
    : (process.env["PATH"] ?? "").split(delimiter).map((folder) => join(folder, name));
  return candidates.find((candidate) => {
    try {
      accessSync(candidate, constants.X_OK);
      return statSync(candidate).isFile();
    } catch {
      return false;
    }
  });
}

/** What `-accel help` lists. */
function accelerators(file: string): Promise<string[]> {
  return new Promise((done, reject) => {
    execFile(file, ["-accel", "help"], { timeout: PROBE_TIMEOUT_MS }, (error, output) => {
      if (error) reject(new QemuUnfitError(`${file} is no QEMU: it does not answer -accel help`));
      else done(output.split(/\s+/));
    });
  });
}

async function interview(
  file: string,
  accelerator: "qtest" | "tcg",
  deviceTypes: readonly string[],
): Promise<QemuProgram> {
  const child = spawn(
    file,
    ["-M", "none", "-accel", accelerator, "-nodefaults", "-display", "none", "-qmp", "stdio"],
    { stdio: ["pipe", "pipe", "ignore"] },
  );
  const unfit = new QemuUnfitError(`${file} is no QEMU that can be talked to over QMP`);
  const qmp = new QmpClient(child.stdout, child.stdin, { answerTimeoutMs: PROBE_TIMEOUT_MS });
  const timer = setTimeout(() => qmp.fail(unfit), PROBE_TIMEOUT_MS);
  child.stdin.on("error", () => {});
  child.on("error", () => qmp.fail(unfit));
  child.on("close", () => qmp.fail(unfit));
  try {
    const { numbers, package: distributor } = await qmp.begin();
    const commands = namesIn(await qmp.execute("query-commands"));
    const properties = new Map<string, ReadonlySet<string>>();
    for (const typename of deviceTypes) {
      const answer = await qmp.execute("device-list-properties", { typename }).catch(() => undefined);
      if (answer !== undefined) properties.set(typename, new Set(namesIn(answer)));
    }
    return {
      path: file,
      version: numbers.join("."),
      numbers,
      package: distributor,
      accelerator,
      vnc: commands.includes("query-vnc"),
      properties,
    };
  } finally {
    clearTimeout(timer);
    await ended(child);
  }
}

function ended(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null)
    return Promise.resolve();
  return new Promise((done) => {
    child.once("exit", () => done());
    child.kill("SIGKILL");
  });
}

function namesIn(list: unknown): string[] {
  if (!Array.isArray(list)) return [];
  return list.flatMap((entry: unknown) =>
    isObject(entry) && typeof entry["name"] === "string" ? [entry["name"]] : [],
  );
}
