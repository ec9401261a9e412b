import { mutantsOfTable, type SourceMutant } from "../../support/mutants/source-mutant.ts";

const DEVICE = "src/device/policy.ts";
const GPU = "src/devices/gpu/policy.ts";
const DEVICE_TESTS = [
  "spec-tests/unit/device/virtio-device.test.ts",
  "spec-tests/unit/transport/pci-registers.test.ts",
  "spec-tests/regression/legacy-driver-with-features-ok.test.ts",
];
const GPU_TESTS = [
  "spec-tests/unit/devices/gpu/resources/exports.test.ts",
  "spec-tests/unit/devices/gpu/turns.test.ts",
  "spec-tests/unit/devices/gpu/policy.test.ts",
  "spec-tests/unit/devices/gpu/output/cursor.test.ts",
  "spec-tests/unit/devices/gpu/commands/blob.test.ts",
];

/** Profiles that decide one thing as `spec` does. */
export const POLICY_MUTANTS: readonly SourceMutant[] = [
  ...mutantsOfTable(DEVICE, "  qemu: {", "const SPEC: DevicePolicy = {", DEVICE_TESTS),
  ...mutantsOfTable(GPU, "  qemu: {", "  spec: {", GPU_TESTS),
  ...mutantsOfTable(GPU, "  crosvm: {", "  spec: {", GPU_TESTS),
];
