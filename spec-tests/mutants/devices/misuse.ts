// Devices that a driver's misuse kills, or leads astray: each case of misuse notices one. The cases cite statements that
// others cite too, so that what counts here is that none but a case of misuse makes the stimulus.
import { type Mutant, mutant } from "../../support/mutants/mutant.ts";

const ACTIVATE = "src/virtqueue/activate.ts";
const COMMON = "src/transport/pci/common-config.ts";
const DEVICE = "src/device/virtio-device.ts";
const MMIO = "src/transport/mmio/mmio-transport.ts";
const PACKED = "src/virtqueue/packed.ts";
const PCI = "src/transport/pci/pci-transport.ts";
const SPLIT = "src/virtqueue/split.ts";

const ERROR_STATE = ["content.device.device-status-field.2"];
const RESET = ["content.device.device-reset.1"];
const SUBSET = ["content.device.feature-bits.2"];
const LAYOUT = "transport-pci.device.common-configuration-structure-layout";
const WINDOW = "transport-pci.device.pci-configuration-access-capability";
const onPci = { targets: ["builtin-pci"] };
const onMmio = { targets: ["builtin-mmio"] };

const WANTED = "    const wanted = value & S_SETTABLE;\n";
const KILL = 'throw new Error("it is dead");';

/** Devices that do not survive it. */
export const MISUSE_MUTANTS: readonly Mutant[] = [
  mutant(
    "dies-of-a-reserved-status-bit",
    RESET,
    DEVICE,
    WANTED,
    `${WANTED}    if ((value & 0x20) !== 0) ${KILL}\n`,
  ),
  mutant(
    "dies-of-needs-reset-by-the-driver",
    RESET,
    DEVICE,
    WANTED,
    `${WANTED}    if ((value & 0xff) === 0x43) ${KILL}\n`,
  ),
  mutant(
    "dies-of-driver-ok-first",
    RESET,
    DEVICE,
    'this.ignored("driver-ok-without-features-ok", value);',
    KILL,
  ),
  mutant(
    "dies-of-an-impossible-size",
    ERROR_STATE,
    ACTIVATE,
    'return { code: "queue-size", head: -1, value: size };',
    KILL,
  ),
  mutant(
    "dies-of-a-size-refused",
    ERROR_STATE,
    COMMON,
    'device.ignored("pci-queue-size-value", value);',
    KILL,
    onPci,
  ),
  mutant(
    "dies-of-a-queue-at-0",
    ERROR_STATE,
    ACTIVATE,
    "  dma.memory.sync();\n",
    `  if (config.descLo === 0 && config.driverLo === 0) ${KILL}\n  dma.memory.sync();\n`,
  ),
  mutant(
    "dies-of-a-queue-enabled-twice",
    ERROR_STATE,
    DEVICE,
    '    if (!negotiated || !this.#queues.enable(index, live)) this.ignored("queue-enable", index);',
    `    if (!negotiated || !this.#queues.enable(index, live)) ${KILL}`,
  ),
  mutant(
    "feature-words-repeat-on-pci",
    SUBSET,
    COMMON,
    "device.writeDriverFeatureWord(this.#driverFeatureSelect, value);",
    "device.writeDriverFeatureWord(this.#driverFeatureSelect & 3, value);",
    onPci,
  ),
  mutant(
    "dies-of-features-beyond-the-last",
    SUBSET,
    DEVICE,
    'else if (value !== 0) this.ignored("driver-features-beyond-127", index);',
    `else if (value !== 0) ${KILL}`,
  ),
  mutant(
    "dies-of-being-suspended-twice",
    ERROR_STATE,
    DEVICE,
    "    if (this.#suspended) {\n      // Only DRIVER_OK",
    `    if (this.#suspended) {\n      if ((wanted & VIRTIO_CONFIG_S_SUSPEND) !== 0) ${KILL}\n      // Only DRIVER_OK`,
  ),
  mutant(
    "dies-of-an-address-near-4-gib",
    ERROR_STATE,
    SPLIT,
    "      const write = flagsNext & VIRTQ_DESC_F_WRITE;\n",
    `      if (hi === 0 && lo >>> 0 >= 0xfe000000) ${KILL}\n      const write = flagsNext & VIRTQ_DESC_F_WRITE;\n`,
  ),
  mutant(
    "dies-of-reserved-descriptor-flags",
    ERROR_STATE,
    SPLIT,
    "      const write = flagsNext & VIRTQ_DESC_F_WRITE;\n",
    `      if ((flagsNext & 0xfff8) === 0xfff8) ${KILL}\n      const write = flagsNext & VIRTQ_DESC_F_WRITE;\n`,
  ),
  mutant(
    "dies-of-event-flags-that-are-none",
    ERROR_STATE,
    PACKED,
    "    const events = this.readDriver(1) & RING_EVENT_FLAGS_MASK;\n",
    `    const events = this.readDriver(1);\n    if (events > RING_EVENT_FLAGS_MASK) ${KILL}\n`,
  ),
  mutant(
    "dies-of-events-by-offset-that-were-not-agreed-on",
    ERROR_STATE,
    PACKED,
    "    return events !== RING_EVENT_FLAGS_DESC || this.eventIdx !== true || this.reachedEvent(passed);",
    `    if (events === RING_EVENT_FLAGS_DESC && this.eventIdx !== true) ${KILL}\n` +
      "    return events !== RING_EVENT_FLAGS_DESC || this.eventIdx !== true || this.reachedEvent(passed);",
  ),
  mutant(
    "dies-of-writes-to-read-only-fields",
    [`${LAYOUT}.3`],
    COMMON,
    'device.ignored("pci-common-write-of-read-only", offset);',
    KILL,
    onPci,
  ),
  mutant(
    "dies-of-writes-of-odd-width",
    [`${LAYOUT}.7`],
    COMMON,
    'device.ignored("pci-common-write-width", offset);',
    KILL,
    onPci,
  ),
  mutant(
    "dies-of-reads-of-odd-width",
    [`${LAYOUT}.7`],
    COMMON,
    'this.#device.ignored("pci-common-read-width", offset);',
    KILL,
    onPci,
  ),
  mutant(
    "dies-of-a-notification-of-no-queue",
    [`${LAYOUT}.14`],
    PCI,
    "    // What stands for no queue at all is told apart by the device.\n",
    `    if (index >= device.queueCount) ${KILL}\n`,
    onPci,
  ),
  mutant(
    "dies-of-reads-through-a-window-into-nothing",
    [`${WINDOW}.3`],
    PCI,
    'this.device.ignored("pci-bar-read", offset);',
    KILL,
    onPci,
  ),
  mutant(
    "dies-of-writes-through-a-window-into-nothing",
    [`${WINDOW}.2`],
    PCI,
    'this.device.ignored("pci-bar-write", offset);',
    KILL,
    onPci,
  ),
  mutant(
    "dies-of-queue-ready-255",
    ["transport-mmio.device.mmio-device-register-layout.7"],
    MMIO,
    'else this.device.ignored("mmio-queue-ready-value", value);',
    `else ${KILL}`,
    onMmio,
  ),
];
