// Where the package's entry points come from. package.json is the only list: `exports` names one file of dist per
// subpath, and src has the same shape as dist. The command line is the one exception (dist/cli.js).
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("..", import.meta.url)).replace(/[/\\]$/, "");

const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

/**
 * @typedef {object} EntryPoint
 * @property {string} subpath  what users import, e.g. "./gpu"; "bin" for the command line
 * @property {string} source   e.g. "src/devices/gpu/index.ts"
 * @property {string} output   without extension, relative to dist, e.g. "devices/gpu/index"
 */

/** @returns {EntryPoint[]} the library's entry points, in the order of package.json */
export function libraryEntryPoints() {
  const entries = [];
  for (const [subpath, target] of Object.entries(manifest.exports)) {
    if (typeof target === "string") continue;
    const output = target.default.replace(/^\.\/dist\//, "").replace(/\.js$/, "");
    entries.push({ subpath, source: `src/${output}.ts`, output });
  }
  return entries;
}

/** @returns {EntryPoint} the command line */
export function commandLineEntryPoint() {
  const output = manifest.bin["virtio-emulator"].replace(/^dist\//, "").replace(/\.js$/, "");
  return { subpath: "bin", source: "src/cli/main.ts", output };
}

/** @returns {EntryPoint[]} every entry point whose source file is missing */
export function missingEntryPoints() {
  return [...libraryEntryPoints(), commandLineEntryPoint()].filter(
    ({ source }) => !existsSync(join(root, source)),
  );
}

/**
 * All files below a folder, as sorted paths from the repository's root with forward slashes.
 * @param {string} folder
 * @param {(path: string) => boolean} [keep]
 * @returns {string[]}
 */
export function filesBelow(folder, keep = () => true) {
  const top = join(root, folder);
  if (!existsSync(top)) return [];
  return readdirSync(top, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) =>
      relative(root, join(entry.parentPath ?? entry.path, entry.name))
        .split(sep)
        .join("/"),
    )
    .filter(keep)
    .sort();
}

/** Names of the tools: every scripts/NAME/main.ts is built to .build/scripts/NAME/main.js. */
export function toolNames() {
  return filesBelow("scripts", (path) => /^scripts\/[^/]+\/main\.ts$/.test(path)).map(
    (path) => path.split("/")[1],
  );
}

/** Every example that is a program or a module of one; threads are built with the program that starts them. */
export function exampleFiles() {
  return filesBelow("examples", (path) => path.endsWith(".ts") && !path.endsWith(".worker.ts"));
}

/** Every test file. */
export function testFiles() {
  return filesBelow("spec-tests", (path) => path.endsWith(".test.ts"));
}
