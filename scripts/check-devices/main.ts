/** Says what the devices of src/devices still lack, see lack.ts. Run from the root of the repository. */
import { readdirSync, readFileSync } from "node:fs";
import { devicesOf, lackingParts, type Repository } from "./lack.ts";

const files = ["src", "spec-tests", "scripts/bench"].flatMap((folder) =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((path) => `${folder}/${path.replaceAll("\\", "/")}`)
    .filter((path) => path.endsWith(".ts")),
);
const repository: Repository = { files, read: (file) => readFileSync(file, "utf8") };
const lines = lackingParts(repository);
for (const line of lines) console.error(line);
console.log(`${devicesOf(repository).length} devices, ${lines.length} parts lacking`);
process.exitCode = lines.length > 0 ? 1 : 0;
