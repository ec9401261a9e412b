import { type Mutant, mutant } from "../../support/mutants/mutant.ts";

const DEVICE = "src/devices/rng/device.ts";
const RULE = ["entropy.device.device-operation.1"];
const WRITE = "const written = chain.write(0, bytes, 0, bytes.length);";
const ONLY = { targets: ["builtin-mmio"] };

/** The entropy device with its rule broken. */
export const ENTROPY_MUTANTS: readonly Mutant[] = [
  mutant("no-bytes", RULE, DEVICE, WRITE, "const written = 0;"),
  mutant("bytes-not-written", RULE, DEVICE, WRITE, "const written = bytes.length;", ONLY),
  mutant(
    "always-the-same-bytes",
    RULE,
    DEVICE,
    WRITE,
    "const written = chain.write(0, bytes.fill(7), 0, bytes.length);",
    ONLY,
  ),
  mutant(
    "first-byte-left-out",
    RULE,
    DEVICE,
    WRITE,
    "const written = chain.write(1, bytes, 0, bytes.length);",
    ONLY,
  ),
  mutant(
    "length-of-the-buffer-and-more",
    RULE,
    DEVICE,
    WRITE,
    `${WRITE}\n    queue.push(chain, written + 1); return;`,
    ONLY,
  ),
  mutant(
    "first-descriptor-only",
    RULE,
    DEVICE,
    WRITE,
    "const written = chain.write(0, bytes, 0, 1);\n    queue.push(chain, bytes.length); return;",
    ONLY,
  ),
  mutant(
    "source-not-asked",
    RULE,
    DEVICE,
    "later = this.#calls.end(call, this.#source(bytes));",
    "this.#calls.end(call, undefined);",
    ONLY,
  ),
];
