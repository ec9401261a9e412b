// One boot serves many runs: the machine is saved once at the point where the guest has found the device on its bus
// but has not touched it, and restored for each run.
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { unpackKernel } from "./fast-kernel.ts";
import { LinuxError, messageOf } from "./linux-error.ts";
import {
  type Attach,
  bootMachine,
  emulatorVersion,
  type Machine,
  type MachineParts,
  saveMachine,
} from "./machine.ts";

/** Printed by /init when the guest waits for its first command. */
export const READY = "@@READY";
const BOOT_TIMEOUT_MS = 300_000;
/** What the kernel still does behind the last line. */
const SETTLE_MS = 500;
const KEPT_STATES = 3;

/** What of a device is saved within the emulator's state: it must be the same when that is restored. */
export interface DeviceIdentity {
  /** The PCI function, e.g. 9 << 3. */
  readonly pciId: number;
  /** The configuration space as it is registered. */
  readonly configSpace: Uint8Array;
  readonly barSizes: readonly number[];
}

export interface SnapshotOptions {
  readonly parts: MachineParts;
  readonly identity: DeviceIdentity;
  /** Attaches a device of this identity, which the guest will not touch. */
  readonly attach: Attach;
  /** The cache. */
  readonly folder: string;
  readonly onProgress?: (text: string) => void;
  /** The console's lines while the guest boots. */
  readonly onLine?: (line: string) => void;
}

export interface Snapshot {
  readonly state: ArrayBuffer;
  /** How long the boot took; undefined if the state was there. */
  readonly bootMs: number | undefined;
}

/** @returns the saved state of a machine that has booted; made if it does not exist yet */
export async function bootedState(options: SnapshotOptions): Promise<Snapshot> {
  const { folder, parts, identity } = options;
  const key = await keyOf(parts, identity);
  const path = join(resolve(folder), `state-${key}`);
  const present = await readFile(path).catch(() => undefined);
  if (present !== undefined) return { state: new Uint8Array(present).buffer, bootMs: undefined };
  const begin = performance.now();
  const machine = await bootToReady(options);
  let state: ArrayBuffer;
  try {
    state = await saveMachine(machine);
  } finally {
    await machine.close();
  }
  await mkdir(folder, { recursive: true });
  const temporary = `${path}.${process.pid}.tmp`;
  await writeFile(temporary, new Uint8Array(state));
  await rename(temporary, path);
  await removeOldStates(folder);
  return { state, bootMs: performance.now() - begin };
}

/** Boots the unpacked kernel if that is possible, the packed one if it is not. */
export async function bootToReady(options: Omit<SnapshotOptions, "folder" | "identity">): Promise<Machine> {
  const { parts, attach, onProgress } = options;
  const fast = await unpackKernel(Buffer.from(parts.kernel));
  if (fast !== undefined) {
    onProgress?.("booting the kernel");
    try {
      return await waitForReady(await bootMachine(parts, attach, fast), options);
    } catch (error) {
      if (!(error instanceof LinuxError)) throw error;
      onProgress?.(`the unpacked kernel did not boot (${messageOf(error)}), trying the packed one`);
    }
  }
  onProgress?.("booting the kernel, which unpacks itself first");
  return waitForReady(await bootMachine(parts, attach), options);
}

async function waitForReady(machine: Machine, { onLine }: Pick<SnapshotOptions, "onLine">): Promise<Machine> {
  const stop = onLine === undefined ? undefined : machine.console.onLine(onLine);
  try {
    await machine.console.waitFor(
      (line) => line.startsWith(READY),
      "end of the guest's boot",
      BOOT_TIMEOUT_MS,
    );
    await new Promise((done) => setTimeout(done, SETTLE_MS));
    return machine;
  } catch (error) {
    await machine.close();
    throw error;
  } finally {
    stop?.();
  }
}

async function keyOf(parts: MachineParts, identity: DeviceIdentity): Promise<string> {
  const hash = createHash("sha256");
  const add = (name: string, value: Uint8Array | string): void => {
    hash.update(`${name} ${value.length}\n`).update(value);
  };
  add("v86", await emulatorVersion());
  add("kernel", parts.kernel);
  add("initrd", parts.initrd);
  add("bios", parts.bios);
  add("vga bios", parts.vgaBios ?? "");
  add("command line", parts.commandLine);
  add("memory", String(parts.memoryMebibytes));
  if (parts.networkCard === true) add("network card", "ne2k");
  add("device", JSON.stringify([identity.pciId, identity.barSizes]));
  add("configuration space", identity.configSpace);
  return hash.digest("hex").slice(0, 16);
}

/** Tens of megabytes each: only the last ones are kept. */
async function removeOldStates(folder: string): Promise<void> {
  const states = [];
  for (const name of await readdir(folder)) {
    if (!name.startsWith("state-")) continue;
    const path = join(folder, name);
    const info = await stat(path).catch(() => undefined);
    if (info !== undefined) states.push({ path, time: info.mtimeMs });
  }
  states.sort((a, b) => b.time - a.time);
  for (const { path } of states.slice(KEPT_STATES)) await rm(path, { force: true });
}
