// `npm run docs`: API documentation of every entry point of the library into .build/docs. Unresolved links and
// exported classes, interfaces, functions and types without a docstring are errors.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { libraryEntryPoints, root } from "./entry-points.mjs";

const sources = libraryEntryPoints()
  .map(({ source }) => source)
  .filter((source) => existsSync(join(root, source)));
const args = ["node_modules/typedoc/bin/typedoc", ...sources.flatMap((source) => ["--entryPoints", source])];
if (!existsSync(join(root, "README.md"))) args.push("--readme", "none");
const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: ["ignore", "inherit", "inherit"] });
process.exitCode = status ?? 1;
