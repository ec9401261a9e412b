import { type Mutant, mutant } from "../../support/mutants/mutant.ts";

const COMMON = "src/transport/pci/common-config.ts";
const FUNCTION = "src/transport/pci/function.ts";
const INTERRUPTS = "src/transport/pci/interrupts.ts";
const LAYOUT = "src/transport/pci/layout.ts";

const targets = ["builtin-pci"];

function broken(id: string, clause: string, file: string, find: string, replace: string): Mutant {
  return mutant(id, [`transport-pci.${clause}`], file, find, replace, { targets });
}

const ISR = "device.isr-status-capability";
const VECTORS = "device.msi-x-vector-configuration";

const ISR_MUTANTS: readonly Mutant[] = [
  broken(
    "no-isr-status",
    `${ISR}.1`,
    FUNCTION,
    "addStructure(space, VIRTIO_PCI_CAP_ISR_CFG, plan.isr);",
    "addStructure(space, 6, plan.isr);",
  ),
  broken(
    "configuration-bit-without-msix-only",
    `${ISR}.2`,
    INTERRUPTS,
    "this.#isr |= VIRTIO_PCI_ISR_CONFIG;",
    "if (!this.#msixEnabled) this.#isr |= VIRTIO_PCI_ISR_CONFIG;",
  ),
  broken(
    "configuration-change-as-queue-interrupt",
    `${ISR}.2`,
    INTERRUPTS,
    "this.#isr |= VIRTIO_PCI_ISR_CONFIG;",
    "this.#isr |= VIRTIO_PCI_ISR_QUEUE;",
  ),
  broken(
    "queue-interrupt-as-configuration-change",
    `${ISR}.3`,
    INTERRUPTS,
    "this.#isr |= VIRTIO_PCI_ISR_QUEUE;",
    "this.#isr |= VIRTIO_PCI_ISR_CONFIG;",
  ),
  broken(
    "no-interrupt-status",
    `${ISR}.4`,
    INTERRUPTS,
    "pending ? status | PCI_STATUS_INTERRUPT : status & ~PCI_STATUS_INTERRUPT",
    "status",
  ),
  broken("interrupt-status-stays", `${ISR}.4`, INTERRUPTS, "status & ~PCI_STATUS_INTERRUPT", "status"),
  broken(
    "interrupt-status-of-queues-only",
    `${ISR}.4`,
    INTERRUPTS,
    "const pending = !this.#msixEnabled && this.#isr !== 0;",
    "const pending = !this.#msixEnabled && (this.#isr & 1) !== 0;",
  ),
  broken("no-interrupt-line", `${ISR}.4`, INTERRUPTS, "this.#onLine?.(asserted);", ""),
  broken(
    "interrupt-disable-is-ignored",
    `${ISR}.4`,
    INTERRUPTS,
    "const masked = (space.get(PCI_COMMAND, 2) & PCI_COMMAND_INTX_DISABLE) !== 0;",
    "const masked = false;",
  ),
  broken(
    "interrupt-disable-hides-the-status",
    `${ISR}.4`,
    INTERRUPTS,
    "const pending = !this.#msixEnabled && this.#isr !== 0;",
    "const pending = !this.#msixEnabled && this.#isr !== 0 && (space.get(PCI_COMMAND, 2) & PCI_COMMAND_INTX_DISABLE) === 0;",
  ),
  broken("isr-status-stays", `${ISR}.5`, INTERRUPTS, "    this.setIsr(0);\n", ""),
  broken(
    "isr-read-clears-the-queue-bit-only",
    `${ISR}.5`,
    INTERRUPTS,
    "    this.setIsr(0);\n",
    "    this.setIsr(isr & 2);\n",
  ),
];

const ACCEPT = "if (value < (this.#msix?.vectorCount ?? 0)) return value;";
const REFUSE = 'this.#device.ignored("pci-no-such-vector", value);\n    return VIRTIO_MSI_NO_VECTOR;';
const refuse = (value: string): string =>
  `this.#device.ignored("pci-no-such-vector", value);\n    return ${value};`;
const TABLE_SIZE = "space.set(at + PCI_MSIX_FLAGS, 2, vectors - 1);";
const RAISE = "if (vector !== VIRTIO_MSI_NO_VECTOR) this.#msix?.raise(vector);";

const MSIX_MUTANTS: readonly Mutant[] = [
  broken(
    "one-vector",
    `${VECTORS}.1`,
    LAYOUT,
    "const vectors = options.vectors ?? Math.min(Math.max(queues + 1, 2), MAX_MSIX_VECTORS);",
    "const vectors: number = 1;",
  ),
  broken(
    "table-size-one-too-large",
    `${VECTORS}.2`,
    FUNCTION,
    TABLE_SIZE,
    "space.set(at + PCI_MSIX_FLAGS, 2, vectors);",
  ),
  broken(
    "table-size-one-too-small",
    `${VECTORS}.2`,
    FUNCTION,
    TABLE_SIZE,
    "space.set(at + PCI_MSIX_FLAGS, 2, vectors - 2);",
  ),
  broken(
    "vectors-for-nothing",
    `${VECTORS}.3`,
    LAYOUT,
    "const vectors = options.vectors ?? Math.min(Math.max(queues + 1, 2), MAX_MSIX_VECTORS);",
    "const vectors = 64;",
  ),
  broken(
    "all-events-to-vector-0",
    `${VECTORS}.4`,
    COMMON,
    ACCEPT,
    "if (value < (this.#msix?.vectorCount ?? 0)) return 0;",
  ),
  broken(
    "vector-0-refused",
    `${VECTORS}.4`,
    COMMON,
    ACCEPT,
    "if (value > 0 && value < (this.#msix?.vectorCount ?? 0)) return value;",
  ),
  broken(
    "queue-messages-by-vector-0",
    `${VECTORS}.4`,
    INTERRUPTS,
    "this.#raise(this.#common.queueVector(index));",
    "this.#raise(Math.min(this.#common.queueVector(index), 0));",
  ),
  broken(
    "configuration-messages-by-vector-0",
    `${VECTORS}.4`,
    INTERRUPTS,
    "this.#raise(this.#common.configVector);",
    "this.#raise(0);",
  ),
  broken(
    "no-unmapping",
    `${VECTORS}.5`,
    COMMON,
    REFUSE,
    refuse("value === VIRTIO_MSI_NO_VECTOR ? 0 : VIRTIO_MSI_NO_VECTOR"),
  ),
  broken(
    "one-vector-for-all-queues",
    `${VECTORS}.6`,
    COMMON,
    "return this.queueVector(this.#queueSelect);",
    "return this.queueVector(0);",
  ),
  broken(
    "unmapped-reads-as-0",
    `${VECTORS}.6`,
    COMMON,
    "return this.queueVector(this.#queueSelect);",
    "return this.queueVector(this.#queueSelect) % 0xffff;",
  ),
  broken(
    "queues-mapped-over-a-reset",
    `${VECTORS}.7`,
    COMMON,
    "    this.#queueVectors.fill(VIRTIO_MSI_NO_VECTOR);\n",
    "",
  ),
  broken(
    "configuration-mapped-over-a-reset",
    `${VECTORS}.7`,
    COMMON,
    "    this.#configVector = VIRTIO_MSI_NO_VECTOR;\n",
    "",
  ),
  broken(
    "failure-falls-back-to-the-last-vector",
    `${VECTORS}.9`,
    COMMON,
    REFUSE,
    refuse(
      "value === VIRTIO_MSI_NO_VECTOR ? value : this.#msix !== null ? this.#msix.vectorCount - 1 : value",
    ),
  ),
  broken("failure-returns-what-was-written", `${VECTORS}.9`, COMMON, REFUSE, refuse("value")),
  broken(
    "unmapped-queues-use-vector-0",
    "device.used-buffer-notifications.1",
    INTERRUPTS,
    RAISE,
    "this.#msix?.raise(vector === VIRTIO_MSI_NO_VECTOR ? 0 : vector);",
  ),
  broken(
    "unmapped-queues-use-intx",
    "device.used-buffer-notifications.1",
    INTERRUPTS,
    RAISE,
    "if (vector !== VIRTIO_MSI_NO_VECTOR) this.#msix?.raise(vector); else this.#onLine?.(true);",
  ),
  broken(
    "unmapped-configuration-uses-vector-0",
    "device.notification-of-device-configuration-changes.1",
    INTERRUPTS,
    "this.#raise(this.#common.configVector);",
    "this.#raise(this.#common.configVector === 0xffff ? 0 : this.#common.configVector);",
  ),
  broken(
    "unmapped-configuration-uses-intx",
    "device.notification-of-device-configuration-changes.1",
    INTERRUPTS,
    "this.#raise(this.#common.configVector);",
    "this.#onLine?.(true);",
  ),
];

/** ISR status and MSI-X: one rule broken each. */
export const PCI_INTERRUPT_MUTANTS: readonly Mutant[] = [...ISR_MUTANTS, ...MSIX_MUTANTS];
