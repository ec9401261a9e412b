// A desktop for the guest: Debian's kernel, udev and Weston for i386 with everything they depend on, as one archive that
// the kernel unpacks as its root file system. No disk is needed, and nothing of a package is run here.
import {
  copyFile,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  writeFile,
} from "node:fs/promises";
import { join, resolve } from "node:path";
import { CpioWriter } from "../cpio.ts";
import { KERNEL_PACKAGE, modulesInOrder, newest } from "../fetch-guest.ts";
import { LinuxError } from "../linux-error.ts";
import { desktopSources } from "../paths.ts";
import { PrivateApt } from "../private-apt.ts";

const PACKAGES = ["weston", "udev", "kmod", "busybox-static", "xkb-data", "fonts-dejavu-core", "seabios"];
const MODULES = ["evdev", "psmouse", "virtio_gpu", "virtio_pci"];
/** What no program of the desktop opens: more than half of it all. */
const LEFT_OUT = [
  /^usr\/share\/(doc|man|locale|iso-codes|info|lintian|bug|perl5|mime|sounds|seabios)(\/|$)/,
  /^usr\/lib\/i386-linux-gnu\/(gconv|perl-base)(\/|$)/,
  /^usr\/lib\/(udev\/hwdb\.d)(\/|$)/,
];
const MANIFEST = "desktop.json";
/** Changes whenever the content of the folder does. */
const FORMAT = 1;

/** The files of a guest with a desktop. */
export interface DesktopFiles {
  readonly kernel: string;
  readonly kernelRelease: string;
  readonly root: string;
  readonly bios: string;
  readonly vgaBios: string;
  /** Names and versions of the packages. */
  readonly packages: Readonly<Record<string, string>>;
}

interface Manifest {
  readonly format: number;
  readonly kernelRelease: string;
  readonly packages: Readonly<Record<string, string>>;
}

/**
 * @returns the files; fetched with apt the first time (130 MB), from the cache later
 * @throws LinuxError with one line if that cannot be done here
 */
export async function fetchDesktop(folder: string, progress: (text: string) => void): Promise<DesktopFiles> {
  const target = join(resolve(folder), "desktop");
  const present = await readManifest(target);
  if (present !== undefined) return filesOf(target, present);
  await mkdir(folder, { recursive: true });
  const work = await mkdtemp(join(resolve(folder), "desktop-"));
  try {
    const made = await build(work, progress);
    await rm(target, { recursive: true, force: true });
    await rename(made, target);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  const manifest = await readManifest(target);
  if (manifest === undefined) throw new LinuxError(`${target} is incomplete: another process is changing it`);
  return filesOf(target, manifest);
}

async function build(work: string, progress: (text: string) => void): Promise<string> {
  const apt = await PrivateApt.create({ folder: work, architecture: "i386" });
  progress("fetching package lists");
  await apt.update();
  const kernelPackage = newest(await apt.search(KERNEL_PACKAGE));
  if (kernelPackage === undefined) {
    throw new LinuxError("this machine's apt sources have no linux-image-6.1.*-686 for i386; Debian 12 does");
  }
  const [root, kernelRoot, made] = ["root", "kernel", "made"].map((name) => join(work, name)) as [
    string,
    string,
    string,
  ];
  progress("fetching Weston and what it depends on");
  const packages = await apt.unpackAll(PACKAGES, root);
  progress(`fetching ${kernelPackage}`);
  packages[kernelPackage] = await apt.unpack(kernelPackage, kernelRoot);
  progress("collecting files");
  const kernelRelease = kernelPackage.replace("linux-image-", "");
  await mkdir(made);
  await copyFile(join(kernelRoot, `boot/vmlinuz-${kernelRelease}`), join(made, "vmlinuz"));
  for (const name of ["bios.bin", "vgabios-stdvga.bin"]) {
    await copyFile(join(root, "usr/share/seabios", name), join(made, name));
  }
  const archive = new CpioWriter();
  await addTree(archive, root, "");
  archive.characterDevice("dev/console", 5, 1);
  archive.characterDevice("dev/null", 1, 3, 0o666);
  const modules = await modulesInOrder(join(kernelRoot, "lib/modules", kernelRelease), MODULES);
  for (const [name, path] of modules) archive.file(`modules/${name}.ko`, await readFile(path));
  archive.file("modules/order", `${[...modules.keys()].join("\n")}\n`);
  archive.file("etc/passwd", "root:x:0:0:root:/root:/bin/sh\n");
  archive.file("etc/group", "root:x:0:\ntty:x:5:\nvideo:x:44:\ninput:x:101:\n");
  archive.file("etc/desktop/weston.ini", await readFile(join(desktopSources(), "weston.ini")));
  archive.file("init", await readFile(join(desktopSources(), "init")), 0o755);
  await writeFile(join(made, "root.cpio"), archive.finish());
  const manifest: Manifest = { format: FORMAT, kernelRelease, packages };
  await writeFile(join(made, MANIFEST), `${JSON.stringify(manifest, undefined, 2)}\n`);
  return made;
}

async function addTree(archive: CpioWriter, root: string, path: string): Promise<void> {
  for (const name of (await readdir(join(root, path))).sort()) {
    const inside = path === "" ? name : `${path}/${name}`;
    if (LEFT_OUT.some((pattern) => pattern.test(inside))) continue;
    const full = join(root, inside);
    const info = await lstat(full);
    if (info.isSymbolicLink()) archive.link(inside, await readlink(full));
    else if (info.isDirectory()) {
      archive.directory(inside);
      await addTree(archive, root, inside);
    } else if (info.isFile()) archive.file(inside, await readFile(full), info.mode & 0o7777);
  }
}

async function readManifest(folder: string): Promise<Manifest | undefined> {
  try {
    const manifest = JSON.parse(await readFile(join(folder, MANIFEST), "utf8")) as Manifest;
    return manifest.format === FORMAT ? manifest : undefined;
  } catch {
    return undefined;
  }
}

function filesOf(folder: string, { kernelRelease, packages }: Manifest): DesktopFiles {
  return {
    kernel: join(folder, "vmlinuz"),
    kernelRelease,
    root: join(folder, "root.cpio"),
    bios: join(folder, "bios.bin"),
    vgaBios: join(folder, "vgabios-stdvga.bin"),
    packages,
  };
}
