// `npm run example -- GUIDE/NAME [argument…]`: builds and runs a program of examples/. Without a name it lists them.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "../esbuild.config.mjs";
import { exampleFiles, root } from "./entry-points.mjs";

/** Programs say at their end what they print; the other files are modules of theirs, or run elsewhere. */
const programs = exampleFiles().filter((path) =>
  /^\/\/ Prints:$/m.test(readFileSync(join(root, path), "utf8")),
);
const names = programs.map((path) => path.replace(/^examples\//, "").replace(/\.ts$/, ""));
const [name, ...args] = process.argv.slice(2);
if (name === undefined || !names.includes(name)) {
  process.stderr.write(`usage: npm run example -- NAME [argument…]\n\n${names.join("\n")}\n`);
  process.exit(2);
}
await build("examples", [`examples/${name}.ts`]);
const { status } = spawnSync(process.execPath, [join(root, `.build/examples/${name}.js`), ...args], {
  stdio: "inherit",
});
process.exitCode = status ?? 1;
