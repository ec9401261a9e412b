// The guest: a stock Debian kernel for i386 with the modules a virtio-gpu needs, a shell, and a BIOS for the emulator.
import { copyFile, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { LinuxError, messageOf } from "./linux-error.ts";
import { PrivateApt } from "./private-apt.ts";

export const KERNEL_PACKAGE = /^linux-image-6\.1\.[0-9]+-[0-9]+-686$/;
/** Loaded last, since it brings the driver and the device together. */
export const LAST_MODULE = "virtio_pci";
const DRIVER_MODULE = "virtio_gpu";
const MANIFEST = "guest.json";
/** Changes whenever the content of the folder does. */
const FORMAT = 1;

export interface GuestFiles {
  /** The kernel as the package has it, a bzImage. */
  readonly kernel: string;
  readonly kernelRelease: string;
  readonly busybox: string;
  readonly bios: string;
  readonly vgaBios: string;
  /** Paths of the modules, in the order in which they have to be loaded. */
  readonly modules: readonly string[];
  /** Names and versions of the packages. */
  readonly packages: Readonly<Record<string, string>>;
}

interface Manifest {
  readonly format: number;
  readonly kernelRelease: string;
  readonly modules: readonly string[];
  readonly packages: Readonly<Record<string, string>>;
}

export interface FetchOptions {
  /** The cache; made when it does not exist. */
  readonly folder: string;
  /** Called with what is being done now. */
  readonly onProgress?: (text: string) => void;
}

/**
 * @returns the guest's files; fetched with apt the first time, from the cache later
 * @throws LinuxError with one line if that cannot be done here
 */
export async function fetchGuest({ folder, onProgress }: FetchOptions): Promise<GuestFiles> {
  const target = join(resolve(folder), "debian");
  const present = await readManifest(target);
  if (present !== undefined) return filesOf(target, present);
  await mkdir(folder, { recursive: true });
  const work = await mkdtemp(join(resolve(folder), "fetch-"));
  let apt: PrivateApt | undefined;
  try {
    apt = await PrivateApt.create({ folder: work, architecture: "i386" });
    await build(apt, work, (text) => onProgress?.(text));
    await publish(join(work, "guest"), target);
  } catch (error) {
    if (!(error instanceof LinuxError)) throw error;
    throw new LinuxError(
      `cannot fetch the guest kernel: ${messageOf(error)}; use --kernel FILE --initrd FILE --bios FILE to boot one of your own`,
    );
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  const manifest = await readManifest(target);
  if (manifest === undefined) throw new LinuxError(`${target} is incomplete: another process is changing it`);
  return filesOf(target, manifest);
}

async function build(apt: PrivateApt, work: string, progress: (text: string) => void): Promise<void> {
  progress("fetching package lists");
  await apt.update();
  const kernelPackage = newest(await apt.search(KERNEL_PACKAGE));
  if (kernelPackage === undefined) {
    const because = apt.updateProblem === undefined ? "" : ` (apt-get update: ${apt.updateProblem})`;
    throw new LinuxError(
      `this machine's apt sources have no linux-image-6.1.*-686 for i386; Debian 12 does${because}`,
    );
  }
  const packages: Record<string, string> = {};
  for (const name of [kernelPackage, "busybox-static", "seabios"]) {
    progress(`fetching ${name}`);
    packages[name] = await apt.unpack(name, join(work, "root"));
  }
  progress("collecting files");
  const root = join(work, "root");
  const guest = join(work, "guest");
  await mkdir(join(guest, "modules"), { recursive: true });
  const kernelRelease = kernelPackage.replace("linux-image-", "");
  await copyFile(join(root, `boot/vmlinuz-${kernelRelease}`), join(guest, "vmlinuz"));
  await copyFile(join(root, "bin/busybox"), join(guest, "busybox"));
  await copyFile(join(root, "usr/share/seabios/bios.bin"), join(guest, "bios.bin"));
  await copyFile(join(root, "usr/share/seabios/vgabios-stdvga.bin"), join(guest, "vgabios.bin"));
  const modules = await modulesInOrder(join(root, "lib/modules", kernelRelease), [
    DRIVER_MODULE,
    LAST_MODULE,
  ]);
  for (const [name, path] of modules) await copyFile(path, join(guest, "modules", `${name}.ko`));
  const manifest: Manifest = { format: FORMAT, kernelRelease, modules: [...modules.keys()], packages };
  await writeFile(join(guest, MANIFEST), `${JSON.stringify(manifest, undefined, 2)}\n`);
}

/** Puts the finished folder in its place; one that another process has put there meanwhile is as good. */
async function publish(made: string, target: string): Promise<void> {
  if ((await readManifest(target)) !== undefined) return;
  await rm(target, { recursive: true, force: true });
  await rename(made, target).catch(async (error: unknown) => {
    if ((await readManifest(target)) === undefined) throw error;
  });
}

/** The one with the highest version and build number. */
export function newest(names: readonly string[]): string | undefined {
  const numbers = (name: string) => (name.match(/\d+/g) ?? []).map(Number);
  return [...names].sort((a, b) => {
    const [left, right] = [numbers(a), numbers(b)];
    for (let i = 0; i < left.length; i++) {
      const difference = (left[i] ?? 0) - (right[i] ?? 0);
      if (difference !== 0) return difference;
    }
    return 0;
  })[names.length - 1];
}

/** Modules, by name with underscores, each behind those it depends on. */
export async function modulesInOrder(
  folder: string,
  wanted: readonly string[],
): Promise<Map<string, string>> {
  const paths = new Map<string, string>();
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith(".ko")) continue;
    paths.set(moduleName(entry.name), join(entry.parentPath, entry.name));
  }
  const order = new Map<string, string>();
  const add = async (name: string): Promise<void> => {
    if (order.has(name)) return;
    const path = paths.get(name);
    if (path === undefined) throw new LinuxError(`the kernel package has no module ${name}`);
    for (const needed of dependencies(await readFile(path))) await add(needed);
    order.set(name, path);
  };
  for (const name of wanted) await add(name);
  return order;
}

function moduleName(file: string): string {
  return basename(file, ".ko").replaceAll("-", "_");
}

/** What a module's own .modinfo section says it depends on. */
function dependencies(module: Buffer): string[] {
  const found = /\0depends=([^\0]*)\0/.exec(module.toString("latin1"));
  return (found?.[1] ?? "")
    .split(",")
    .filter((name) => name !== "")
    .map(moduleName);
}

async function readManifest(folder: string): Promise<Manifest | undefined> {
  try {
    const manifest = JSON.parse(await readFile(join(folder, MANIFEST), "utf8")) as Manifest;
    return manifest.format === FORMAT ? manifest : undefined;
  } catch {
    return undefined;
  }
}

function filesOf(folder: string, manifest: Manifest): GuestFiles {
  return {
    kernel: join(folder, "vmlinuz"),
    kernelRelease: manifest.kernelRelease,
    busybox: join(folder, "busybox"),
    bios: join(folder, "bios.bin"),
    vgaBios: join(folder, "vgabios.bin"),
    modules: manifest.modules.map((name) => join(folder, "modules", `${name}.ko`)),
    packages: manifest.packages,
  };
}
