/** Checks every file of src against the table in rules.ts. Run from the root of the repository. */
import { readdirSync, readFileSync } from "node:fs";
import { checkImports } from "./rules.ts";

const files = readdirSync("src", { recursive: true, encoding: "utf8" })
  .map((path) => `src/${path.replaceAll("\\", "/")}`)
  .filter((path) => /\.[cm]?[jt]sx?$/.test(path))
  .sort();
const violations = files.flatMap((file) => checkImports(file, readFileSync(file, "utf8")));
for (const { file, line, message } of violations) console.error(`${file}:${line}: ${message}`);
console.log(`${files.length} files, ${violations.length} forbidden imports`);
process.exitCode = violations.length > 0 ? 1 : 0;
