// `npm run build`: the whole of dist, from nothing: bundles by esbuild, declarations by tsc.
import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { build } from "../esbuild.config.mjs";
import { missingEntryPoints, root } from "./entry-points.mjs";

for (const { subpath, source } of missingEntryPoints()) {
  process.stderr.write(`build: ${source} (${subpath}) does not exist\n`);
}
rmSync(join(root, "dist"), { recursive: true, force: true });
await build("lib");
const tsc = spawnSync(process.execPath, ["node_modules/typescript/bin/tsc", "-p", "tsconfig.build.json"], {
  cwd: root,
  stdio: ["ignore", 2, 2],
});
process.exitCode = tsc.status ?? 1;
