import { mutantsOfTable, type SourceMutant } from "../../support/mutants/source-mutant.ts";

const GPU = "src/devices/gpu/policy.ts";
const GPU_TESTS = [
  "spec-tests/unit/devices/gpu/policy.test.ts",
  "spec-tests/unit/devices/gpu/output/cursor.test.ts",
  "spec-tests/unit/devices/gpu/commands/blob.test.ts",
];

/** Profiles that decide one thing as `spec` does. */
export const POLICY_MUTANTS: readonly SourceMutant[] = [
  ...mutantsOfTable(GPU, "  qemu: {", "  spec: {", GPU_TESTS),
  ...mutantsOfTable(GPU, "  crosvm: {", "  spec: {", GPU_TESTS),
];
