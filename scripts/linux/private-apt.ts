// Debian packages for another architecture, without touching the machine's own apt: lists, cache and configuration
// live in a folder of their own. The sources are those of the machine, so that no server is named here.
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { LinuxError } from "./linux-error.ts";
import { lastLine, runProgram, tryProgram } from "./run-program.ts";

const HOST_CONFIGURATION = "/etc/apt";

export interface PrivateAptOptions {
  /** Where the temporary folder is made. */
  readonly folder: string;
  /** A Debian architecture, e.g. "i386". */
  readonly architecture: string;
}

export class PrivateApt {
  readonly #folder: string;
  readonly #environment: Readonly<Record<string, string>>;
  #updateProblem: string | undefined;

  private constructor(folder: string) {
    this.#folder = folder;
    this.#environment = { APT_CONFIG: join(folder, "apt.conf") };
  }

  /** @throws LinuxError if apt-get or dpkg-deb is missing */
  static async create({ folder, architecture }: PrivateAptOptions): Promise<PrivateApt> {
    for (const program of ["apt-get", "dpkg-deb"]) {
      if ((await tryProgram(program, ["--version"])) === undefined) {
        throw new LinuxError(`${program} is not installed`);
      }
    }
    await mkdir(folder, { recursive: true });
    const own = await mkdtemp(join(resolve(folder), "apt-"));
    const made = ["state/lists/partial", "cache/archives/partial", "etc/sources.d", "etc/empty"];
    await Promise.all(made.map((path) => mkdir(join(own, path), { recursive: true })));
    await writeFile(join(own, "state/status"), "");
    await copySources(join(own, "etc"));
    await writeFile(join(own, "apt.conf"), await configuration(own, architecture));
    return new PrivateApt(own);
  }

  /** Fetches the package lists. Sources that do not answer are ignored as long as others do. */
  async update(): Promise<void> {
    const result = await tryProgram("apt-get", ["-q", "update"], { env: this.#environment });
    if (result?.code === 0) return;
    const errors = (result?.stderr ?? "").split("\n").filter((line) => line.startsWith("E: "));
    this.#updateProblem = errors[0]?.slice(3) ?? lastLine(result?.stderr ?? "") ?? "apt-get update failed";
  }

  /** Names of the available packages that match. */
  async search(names: RegExp): Promise<string[]> {
    const output = await runProgram("apt-cache", ["search", "--names-only", names.source], {
      env: this.#environment,
    });
    return output
      .toString("utf8")
      .split("\n")
      .map((line) => line.split(" - ")[0] ?? "")
      .filter((name) => names.test(name));
  }

  /**
   * Downloads a package and unpacks it; apt checks its signature chain and hash.
   * @returns its version
   */
  async unpack(name: string, target: string): Promise<string> {
    const downloads = await mkdtemp(join(this.#folder, "download-"));
    try {
      await runProgram("apt-get", ["-q", "download", name], { env: this.#environment, cwd: downloads });
    } catch (error) {
      // What went wrong with the lists is then the likelier reason.
      if (this.#updateProblem === undefined || !(error instanceof LinuxError)) throw error;
      throw new LinuxError(`${error.message} (and apt-get update: ${this.#updateProblem})`);
    }
    const file = (await readdir(downloads)).find((entry) => entry.endsWith(".deb"));
    if (file === undefined) throw new LinuxError(`apt-get downloaded no package ${name}`);
    const path = join(downloads, file);
    const version = await runProgram("dpkg-deb", ["-f", path, "Version"]);
    await mkdir(target, { recursive: true });
    await runProgram("dpkg-deb", ["-x", path, target]);
    await rm(downloads, { recursive: true });
    return version.toString("utf8").trim();
  }

  /**
   * Downloads packages with all they depend on and unpacks them; nothing of them is run.
   * @returns names and versions
   */
  async unpackAll(names: readonly string[], target: string): Promise<Record<string, string>> {
    const args = ["-q", "-y", "--no-install-recommends", "--download-only", "install", ...names];
    await runProgram("apt-get", args, { env: this.#environment });
    const archives = join(this.#folder, "cache/archives");
    await mkdir(target, { recursive: true });
    const versions: Record<string, string> = {};
    for (const entry of (await readdir(archives)).filter((name) => name.endsWith(".deb")).sort()) {
      await runProgram("dpkg-deb", ["-x", join(archives, entry), target]);
      const [name, version] = entry.replace(/\.deb$/, "").split("_");
      if (name !== undefined && version !== undefined) versions[name] = decodeURIComponent(version);
    }
    return versions;
  }

  /** Why the lists may be incomplete, if they may. */
  get updateProblem(): string | undefined {
    return this.#updateProblem;
  }

  async remove(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** Copies the machine's sources, without what ties them to its own architecture. */
async function copySources(target: string): Promise<void> {
  const files = [["sources.list", "sources.list"]];
  const folder = join(HOST_CONFIGURATION, "sources.list.d");
  for (const name of await readdir(folder).catch(() => [])) {
    if (/\.(list|sources)$/.test(name)) files.push([`sources.list.d/${name}`, `sources.d/${name}`]);
  }
  let found = 0;
  for (const [from, to] of files) {
    if (from === undefined || to === undefined) continue;
    const text = await readFile(join(HOST_CONFIGURATION, from), "utf8").catch(() => undefined);
    if (text === undefined) continue;
    found += 1;
    await writeFile(join(target, to), withoutArchitectures(text));
  }
  if (found === 0) throw new LinuxError(`there are no apt sources in ${HOST_CONFIGURATION}`);
}

/** @internal A list of sources, in either of apt's formats, for every architecture its servers have. */
export function withoutArchitectures(text: string): string {
  return text
    .split("\n")
    .filter((line) => !/^Architectures(-Add|-Remove)?:/i.test(line))
    .map((line) => line.replace(/^(deb\S*\s+\[[^\]]*?)\barch[+-]?=\S+?(?=[\s\]])/, "$1"))
    .join("\n");
}

/**
 * Of the machine's configuration only how to reach servers (`Acquire`) is taken over: its hooks would otherwise run
 * and change its caches.
 */
async function configuration(folder: string, architecture: string): Promise<string> {
  const dump = (await runProgram("apt-config", ["dump"])).toString("utf8");
  const acquire = dump.split("\n").filter((line) => line.startsWith("Acquire::"));
  const nothing = join(folder, "etc/empty");
  return `${[
    `Dir::State "${folder}/state";`,
    `Dir::State::status "${folder}/state/status";`,
    `Dir::Cache "${folder}/cache";`,
    `Dir::Etc::sourcelist "${folder}/etc/sources.list";`,
    `Dir::Etc::sourceparts "${folder}/etc/sources.d";`,
    `Dir::Etc::main "/dev/null";`,
    `Dir::Etc::parts "${nothing}";`,
    `Dir::Etc::preferences "/dev/null";`,
    `Dir::Etc::preferencesparts "${nothing}";`,
    `APT::Architecture "${architecture}";`,
    `APT::Architectures { "${architecture}"; };`,
    `APT::Sandbox::User "root";`,
    `Acquire::Languages "none";`,
    `Acquire::Retries "3";`,
    ...acquire.filter((line) => !line.startsWith("Acquire::Languages")),
  ].join("\n")}\n`;
}
