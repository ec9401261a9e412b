import { type Mutant, mutant } from "../../support/mutants/mutant.ts";

const RULE = ["shared-mem.device.shared-memory-regions.1"];
const FUNCTION = "src/transport/pci/function.ts";
const ADD = "addStructure(space, VIRTIO_PCI_CAP_SHARED_MEMORY_CFG, place, VIRTIO_PCI_CAP64.sizeBytes)";

/** Shared memory regions: the rule broken. */
export const SHARED_MEM_MUTANTS: readonly Mutant[] = [
  mutant(
    "region-over-the-registers",
    RULE,
    FUNCTION,
    ADD,
    "addStructure(space, VIRTIO_PCI_CAP_SHARED_MEMORY_CFG, { ...place, bar: plan.common.bar }, " +
      "VIRTIO_PCI_CAP64.sizeBytes)",
    { targets: ["builtin-pci"] },
  ),
  mutant(
    "region-over-the-interrupt-table",
    RULE,
    FUNCTION,
    ADD,
    "addStructure(space, VIRTIO_PCI_CAP_SHARED_MEMORY_CFG, plan.msix?.table ?? place, VIRTIO_PCI_CAP64.sizeBytes)",
    { targets: ["builtin-pci"] },
  ),
  mutant(
    "region-over-the-guests-memory",
    RULE,
    "src/cli/conformance/targets/builtin.ts",
    "const HOST_VISIBLE_BASE = 2 ** 32;",
    "const HOST_VISIBLE_BASE = 2 ** 20;",
    { targets: ["builtin-mmio"] },
  ),
];
