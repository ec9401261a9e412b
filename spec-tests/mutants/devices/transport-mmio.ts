import { type Mutant, mutant } from "../../support/mutants/mutant.ts";

const MMIO = "src/transport/mmio/mmio-transport.ts";
const SHARED = "src/transport/mmio/shared-memory.ts";
const QUEUES = "src/device/queue-set.ts";
const CONFIG_SPACE = "src/device/config-space.ts";
const ONLY = { targets: ["builtin-mmio"] };
const RULE = (n: number): string[] => [`transport-mmio.device.mmio-device-register-layout.${n}`];
const DRIVER = (n: number): string[] => [`transport-mmio.driver.mmio-device-register-layout.${n}`];

const READ_STATUS = "        return this.#interruptStatus;";
const READ_RESET = "return this.#resetting === this.#queueSel ? 1 : 0;";
const DO_RESET = "this.device.resetQueue(this.#queueSel);";
const CONFIG_EVENT = "configInterrupt: () => this.#raise(VIRTIO_MMIO_INT_CONFIG),";
const QUEUE_EVENT = "queueInterrupt: () => this.#raise(VIRTIO_MMIO_INT_VRING),";

function broken(id: string, clauses: readonly string[], find: string, replace: string, file = MMIO): Mutant {
  return mutant(id, clauses, file, find, replace, ONLY);
}

/** virtio over MMIO: one rule broken each. */
export const TRANSPORT_MMIO_MUTANTS: readonly Mutant[] = [
  broken("other-magic", RULE(1), "return VIRTIO_MMIO_MAGIC; //", "return 0x74726977; //"),
  broken(
    "magic-gone-when-running",
    RULE(1),
    "return VIRTIO_MMIO_MAGIC; //",
    "return (device.status & 4) === 0 ? VIRTIO_MMIO_MAGIC : 0; //",
  ),
  broken("legacy-version", RULE(2), "return VIRTIO_MMIO_VERSION_2; //", "return 1; //"),
  broken("placeholder", DRIVER(6), "return device.type.deviceId;", "return 0;"),
  broken(
    "event-ends-when-read",
    RULE(3),
    READ_STATUS,
    "        queueMicrotask(() => this.#acknowledge(3));\n        return this.#interruptStatus;",
  ),
  broken(
    "any-acknowledgement-ends-all",
    RULE(3),
    "this.#interruptStatus &= ~value;",
    "this.#interruptStatus = 0;",
  ),
  broken("acknowledgement-ignored", RULE(3), "this.#interruptStatus &= ~value;", ";"),
  broken("line-stays-up", RULE(3), "const asserted = this.#interruptStatus !== 0;", "const asserted = true;"),
  broken("no-event-of-configuration", RULE(3), CONFIG_EVENT, "configInterrupt: () => {},"),
  broken("no-event-of-queue", RULE(3), QUEUE_EVENT, "queueInterrupt: () => {},"),
  broken("one-event-at-a-time", RULE(3), "this.#interruptStatus |= bit;", "this.#interruptStatus = bit;"),
  broken("reserved-bit-of-event", RULE(4), READ_STATUS, "        return this.#interruptStatus | 4;"),
  broken("configuration-shows-as-both", RULE(4), CONFIG_EVENT, "configInterrupt: () => this.#raise(3),"),
  broken("queue-shows-as-both", RULE(4), QUEUE_EVENT, "queueInterrupt: () => this.#raise(3),"),
  broken(
    "event-without-buffer",
    RULE(4),
    "    this.device.notify(index);",
    "    this.device.notify(index);\n    this.#raise(VIRTIO_MMIO_INT_VRING);",
  ),
  broken(
    "interrupt-status-writable",
    RULE(4),
    "      case VIRTIO_MMIO_INTERRUPT_STATUS:\n      case VIRTIO_MMIO_SHM_LEN_LOW:",
    "      case VIRTIO_MMIO_INTERRUPT_STATUS:\n        this.#interruptStatus = value;\n        return;\n" +
      "      case VIRTIO_MMIO_SHM_LEN_LOW:",
  ),
  broken("events-outlive-reset", RULE(5), "this.#interruptStatus = 0;", ""),
  broken(
    "line-outlives-reset",
    RULE(5),
    "this.#interruptStatus = 0;\n    this.#updateLine();",
    "this.#interruptStatus = 0;",
  ),
  broken("ready-outlives-reset", RULE(5), "  slot.enabled = false;", ";", QUEUES),
  broken(
    "only-first-queue-not-ready-at-reset",
    RULE(5),
    "for (const slot of this.#slots) closeSlot(slot);",
    "for (const slot of this.#slots.slice(0, 1)) closeSlot(slot);",
    QUEUES,
  ),
  broken("constant-generation", RULE(6), "return device.configGeneration; //", "return 7; //"),
  broken(
    "generation-of-two-values",
    RULE(6),
    "return device.configGeneration; //",
    "return device.configGeneration >>> 31; //",
  ),
  broken(
    "generation-moves-with-every-read",
    RULE(6),
    "    if (this.#changedSinceRead) {",
    "    if (this.#generation >= 0) {",
    CONFIG_SPACE,
  ),
  broken(
    "queue-used-before-ready",
    RULE(7),
    "if (slot.enabled && !slot.faulted && slot.queue === null) this.#activate(index, slot);",
    "if (!slot.faulted && slot.queue === null) this.#activate(index, slot);",
    QUEUES,
  ),
  broken(
    "queue-used-when-no-longer-ready",
    RULE(7),
    "    closeSlot(slot);\n    // Before anybody",
    "    slot.enabled = false;\n    // Before anybody",
    QUEUES,
  ),
  broken(
    "queue-used-after-reset",
    RULE(7),
    "    for (const slot of this.#slots) closeSlot(slot);",
    "    for (const slot of this.#slots) slot.enabled = false;",
    QUEUES,
  ),
  broken("queue-reset-set-at-reset", RULE(8), READ_RESET, "return device.status === 0 ? 1 : 0;"),
  broken("queue-reset-set-until-driver-ok", RULE(8), READ_RESET, "return (device.status & 4) === 0 ? 1 : 0;"),
  broken(
    "queue-reset-set-when-enabled",
    RULE(9),
    READ_RESET,
    "return device.queueEnabled(this.#queueSel) ? 1 : 0;",
  ),
  broken("queue-reset-ignored", RULE(10), DO_RESET, ";"),
  broken("queue-reset-of-the-first", RULE(10), DO_RESET, "this.device.resetQueue(0);"),
  broken(
    "queue-reset-of-all",
    RULE(10),
    DO_RESET,
    "for (const queue of [0, 1]) this.device.resetQueue(queue);",
  ),
  broken(
    "queue-reset-goes-on-when-it-says-done",
    RULE(11),
    DO_RESET,
    "const queue = this.#queueSel; void (async () => { for (let i = 0; i < 40; i++) await null;" +
      " this.device.resetQueue(queue); })();",
  ),
  broken(
    "queue-reset-never-done",
    RULE(12),
    READ_RESET,
    "return device.queueEnabled(this.#queueSel) ? 0 : 1;",
  ),
  broken(
    "ready-behind-queue-reset",
    RULE(12),
    "return device.queueEnabled(this.#queueSel) ? 1 : 0;",
    "return device.status !== 0 && device.queueSizeLimit(this.#queueSel) > 0 ? 1 : 0;",
  ),
  broken(
    "queues-without-end",
    DRIVER(9),
    "return device.queueSizeLimit(this.#queueSel);",
    "return device.queueSizeLimit(this.#queueSel) || 64;",
  ),
  broken(
    "queue-select-keeps-16-bits",
    DRIVER(9),
    "return device.queueSizeLimit(this.#queueSel);",
    "return device.queueSizeLimit(this.#queueSel & 7);",
  ),
  broken(
    "feature-words-repeat",
    DRIVER(7),
    "return device.deviceFeatureWord(this.#deviceFeaturesSel);",
    "return device.deviceFeatureWord(this.#deviceFeaturesSel & 1);",
  ),
  broken(
    "features-writable",
    DRIVER(1),
    "        this.#deviceFeaturesSel = this.#featureWord(value);",
    "        this.#deviceFeaturesSel = value;\n        return;\n      case VIRTIO_MMIO_DEVICE_FEATURES:\n" +
      "        this.#deviceFeaturesSel = 3;",
  ),
  broken(
    "config-by-words-only",
    DRIVER(3),
    "(widthBytes === 1 || widthBytes === 2 || widthBytes === 4) &&",
    "widthBytes === 4 &&",
  ),
  broken(
    "absent-region-of-no-length",
    ["transport-mmio.driver.device-initialization.3"],
    "  lengthHi: 0xffffffff,",
    "  lengthHi: 0,",
    SHARED,
  ),
  broken(
    "absent-region-at-0",
    ["transport-mmio.driver.device-initialization.3"],
    "  baseLo: 0xffffffff,",
    "  baseLo: 0,",
    SHARED,
  ),
  broken(
    "region-select-keeps-8-bits",
    ["transport-mmio.driver.device-initialization.3"],
    "this.#sharedMemory.get(this.#shmSel)",
    "this.#sharedMemory.get(this.#shmSel & 0xff)",
  ),
];
