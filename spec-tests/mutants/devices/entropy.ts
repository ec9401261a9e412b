import { type Mutant, mutant } from "../../support/mutants/mutant.ts";

const DEVICE = "src/devices/rng/device.ts";
const RULE = ["entropy.device.device-operation.1"];

/** The entropy device with its rule broken. */
export const ENTROPY_MUTANTS: readonly Mutant[] = [
  mutant(
    "no-bytes",
    RULE,
    DEVICE,
    "const written = chain.write(0, bytes, 0, bytes.length);",
    "const written = 0;",
  ),
  mutant(
    "bytes-not-written",
    RULE,
    DEVICE,
    "const written = chain.write(0, bytes, 0, bytes.length);",
    "const written = bytes.length;",
  ),
  mutant(
    "always-the-same-bytes",
    RULE,
    DEVICE,
    "const written = chain.write(0, bytes, 0, bytes.length);",
    "const written = chain.write(0, bytes.fill(7), 0, bytes.length);",
  ),
];
