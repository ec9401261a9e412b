// Makes the guest program of guest/scenarios.c: with any C compiler of the machine that can produce i386 code, or
// else with Debian's tcc for i386, which is fetched and run without being installed.
import { createHash } from "node:crypto";
import { chmod, mkdir, mkdtemp, readFile, rename, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { LinuxError, messageOf } from "./linux-error.ts";
import { PrivateApt } from "./private-apt.ts";
import { lastLine, tryProgram } from "./run-program.ts";

const COMPILERS = ["cc", "gcc", "clang"] as const;
const FLAGS = [
  "-m32",
  "-std=gnu11",
  "-O1",
  "-Wall",
  "-ffreestanding",
  "-fno-pic",
  "-fno-pie",
  "-fno-stack-protector",
  "-fno-asynchronous-unwind-tables",
  "-nostdlib",
  "-static",
  "-no-pie",
  "-Wl,--build-id=none",
  "-s",
] as const;
const SOURCES = ["scenarios.c", "display.h", "runtime.h", "drm-abi.h"] as const;
const TCC_ROOT = "usr/lib/i386-linux-gnu";

export interface CompileOptions {
  /** The folder with scenarios.c. */
  readonly sources: string;
  /** The cache. */
  readonly folder: string;
  readonly onProgress?: (text: string) => void;
  /** For tests: the compilers to try. */
  readonly compilers?: readonly string[];
}

/**
 * @returns the path of the program
 * @throws LinuxError if nothing here can compile it
 */
export async function compileGuestProgram(options: CompileOptions): Promise<string> {
  const { sources, folder, onProgress, compilers = COMPILERS } = options;
  const hash = createHash("sha256").update(JSON.stringify(FLAGS));
  for (const name of SOURCES) hash.update(await readFile(join(sources, name)));
  const target = join(resolve(folder), `scenarios-${hash.digest("hex").slice(0, 16)}`);
  if (await isI386Program(target)) return target;
  await mkdir(folder, { recursive: true });
  const work = await mkdtemp(join(resolve(folder), "compile-"));
  try {
    onProgress?.("compiling the guest program");
    const output = join(work, "scenarios");
    const source = join(sources, "scenarios.c");
    const problems: string[] = [];
    let done = false;
    for (const compiler of compilers) {
      const result = await tryProgram(compiler, [...FLAGS, "-o", output, source]);
      if (result?.code === 0 && (await isI386Program(output))) {
        done = true;
        break;
      }
      problems.push(
        result === undefined
          ? `${compiler} is not installed`
          : `${compiler} -m32: ${lastLine(result.stderr) ?? `exit code ${result.code}`}`,
      );
    }
    if (!done) {
      onProgress?.("compiling the guest program with tcc from Debian");
      await compileWithTcc(work, source, output).catch((error: unknown) => {
        const tried = [...problems, `tcc: ${messageOf(error)}`].join("; ");
        throw new LinuxError(
          `cannot compile ${source} for i386 (${tried}): install gcc, or pass --kernel FILE --initrd FILE`,
        );
      });
    }
    await chmod(output, 0o755);
    await rename(output, target);
    return target;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function compileWithTcc(work: string, source: string, output: string): Promise<void> {
  const apt = await PrivateApt.create({ folder: work, architecture: "i386" });
  const root = join(work, "tcc");
  await apt.update();
  for (const name of ["tcc", "libc6"]) await apt.unpack(name, root);
  // It is a program for i386 whose loader and library are not where it expects them.
  const loader = join(root, "lib/i386-linux-gnu/ld-linux.so.2");
  const libraries = [join(root, "lib/i386-linux-gnu"), join(root, TCC_ROOT)].join(":");
  const tcc = [join(root, "usr/bin/tcc"), `-B${join(root, TCC_ROOT, "tcc")}`];
  const result = await tryProgram(loader, [
    ...["--library-path", libraries, ...tcc, "-nostdlib", "-static", "-o", output, source],
  ]);
  if (result === undefined) throw new LinuxError("this machine cannot run programs for i386");
  if (result.code !== 0 || !(await isI386Program(output))) {
    throw new LinuxError(lastLine(result.stderr) ?? `exit code ${result.code}`);
  }
}

/** An ELF executable (type 2) for the 80386 (machine 3). */
async function isI386Program(path: string): Promise<boolean> {
  const bytes = await readFile(path).catch(() => undefined);
  if (bytes === undefined || bytes.length < 52) return false;
  return bytes.readUInt32BE(0) === 0x7f454c46 && bytes.readUInt16LE(16) === 2 && bytes.readUInt16LE(18) === 3;
}
