// `npm run docs`: API documentation of every entry point of the library into .build/docs. Unresolved links, exported
// classes, interfaces, functions and types without a docstring, modules without a text, and classes and functions
// without an example are errors.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gapsOf } from "./docs-complete.mjs";
import { libraryEntryPoints, root } from "./entry-points.mjs";

const DATA = ".build/docs-data/api.json";

const sources = libraryEntryPoints()
  .map(({ source }) => source)
  .filter((source) => existsSync(join(root, source)));
const args = ["node_modules/typedoc/bin/typedoc", ...sources.flatMap((source) => ["--entryPoints", source])];
args.push("--out", ".build/docs", "--json", DATA);
const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: ["ignore", "inherit", "inherit"] });
process.exitCode = status ?? 1;
if (status === 0) {
  const gaps = gapsOf(JSON.parse(readFileSync(join(root, DATA), "utf8")));
  for (const gap of gaps) process.stderr.write(`docs: ${gap}\n`);
  if (gaps.length > 0) process.exitCode = 1;
}
