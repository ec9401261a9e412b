// `npm run build`: the whole of dist. Bundles by esbuild, declarations by the TypeScript compiler.
import { rmSync } from "node:fs";
import { join } from "node:path";
import { build } from "../esbuild.config.mjs";
import { emitDeclarations } from "./declarations.mjs";
import { filesBelow, missingEntryPoints, root } from "./entry-points.mjs";

for (const { subpath, source } of missingEntryPoints()) {
  process.stderr.write(`build: ${source} (${subpath}) does not exist\n`);
}
try {
  const bundles = await build("lib");
  const declarations = emitDeclarations();
  if (declarations === undefined) {
    process.exitCode = 1;
  } else {
    const outputs = new Set([...bundles, ...declarations]);
    for (const path of filesBelow("dist", (file) => !outputs.has(file)))
      rmSync(join(root, path), { force: true });
  }
} catch (error) {
  if (error.errors === undefined) throw error; // esbuild has printed its own
  process.exitCode = 1;
}
