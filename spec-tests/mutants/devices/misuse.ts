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

/** Noticed by this case alone. */
const by = (id: string) => ({ by: id });

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
  mutant(
    "dies-of-all-status-bits-at-once",
    RESET,
    DEVICE,
    WANTED,
    `    if ((value & 0xff) === 0xff) ${KILL}\n${WANTED}`,
    by("content/misuse/status"),
  ),
  mutant(
    "dies-of-registers-of-a-live-queue",
    ERROR_STATE,
    DEVICE,
    'this.ignored("queue-config-while-enabled", index);',
    `{ if ((this.#status & VIRTIO_CONFIG_S_DRIVER_OK) !== 0) ${KILL} }`,
    by("content/misuse/live-queue-changed"),
  ),
  mutant(
    "believes-the-queue-of-notification-data",
    ERROR_STATE,
    MMIO,
    "    this.device.notify(index);\n",
    `    if (index >= this.device.queueCount && index > 0xff) ${KILL}\n    this.device.notify(index);\n`,
    { ...onMmio, ...by("content/misuse/notification-data") },
  ),
  mutant(
    "believes-the-index-of-notification-data",
    ERROR_STATE,
    MMIO,
    "    this.device.notify(index);\n",
    `    const ring = this.device.activeQueue(index) as { next?: number; availMark?: number } | null;
    if (ring !== null && this.device.hasFeature(VIRTIO_F_NOTIFICATION_DATA) && ring.availMark === undefined) {
      const ahead = ((value >>> 16) - (ring.next ?? 0)) & 0xffff;
      if (ahead > 0x7fff) ${KILL}
    }
    this.device.notify(index);
`,
    { ...onMmio, ...by("content/misuse/notification-data") },
  ),
  mutant(
    "dies-of-a-descriptor-of-ones",
    ERROR_STATE,
    SPLIT,
    "      const flagsNext = le32(words[at + 3] as number);\n",
    `      const flagsNext = le32(words[at + 3] as number);\n      if ((hi & lo & flagsNext) === -1) ${KILL}\n`,
    by("split-ring/misuse/all-ones"),
  ),
  mutant(
    "believes-the-flags-of-its-own-used-ring",
    ERROR_STATE,
    SPLIT,
    "    const old = this.published;\n",
    `    if (le16(this.used16[this.usedFlags] as number) === 0xffff) ${KILL}\n    const old = this.published;\n`,
    by("split-ring/misuse/used-flags-overwritten"),
  ),
  mutant(
    "looks-at-descriptors-again-once-they-were-used",
    ERROR_STATE,
    SPLIT,
    "  private look(): boolean {\n",
    `  private look(): boolean {
    for (let slot = 0; slot < this.size; slot++) {
      const at = this.descWord + (slot << 2);
      if ((this.desc32[at] as number) === 0xffffffff && this.next !== 0 && this.held[slot] === 0 && this.inFlight === 0) ${KILL}
    }
`,
    by("split-ring/misuse/changed-after-notification"),
  ),
  mutant(
    "dies-of-an-event-offset-beyond-the-ring",
    ERROR_STATE,
    PACKED,
    "    const lap = this.size;\n",
    `    const lap = this.size;\n    if ((offWrap & 0x7fff) >= lap) ${KILL}\n`,
    by("packed-ring/misuse/event-suppression"),
  ),
  mutant(
    "dies-of-descriptor-flags-of-ones",
    ERROR_STATE,
    PACKED,
    "    if (((idFlags >>> 16) & AVAIL_USED) === this.availMark) return this.popAvailable(idFlags);\n",
    `    if (idFlags >>> 16 === 0xffff) ${KILL}
    if (((idFlags >>> 16) & AVAIL_USED) === this.availMark) return this.popAvailable(idFlags);
`,
    by("packed-ring/misuse/flags-all-ones"),
  ),
  mutant(
    "dies-of-a-table-that-is-not-aligned",
    ERROR_STATE,
    PACKED,
    "    chain.indirect = true;\n    if (!this.openTable(",
    `    chain.indirect = true;\n    if ((tableLo & 15) !== 0) ${KILL}\n    if (!this.openTable(`,
    by("packed-ring/misuse/unaligned-table"),
  ),
  mutant(
    "dies-of-registers-of-no-queue",
    [`${LAYOUT}.14`],
    COMMON,
    "    this.#device.writeQueueConfig(this.#queueSelect, fields);\n",
    `    if (this.#queueSelect >= this.#device.queueCount) ${KILL}\n    this.#device.writeQueueConfig(this.#queueSelect, fields);\n`,
    { ...onPci, ...by("transport-pci/misuse/no-such-queue") },
  ),
  mutant(
    "dies-of-a-notification-of-a-byte",
    [`${LAYOUT}.14`],
    PCI,
    'device.ignored("pci-notify-width", widthBytes);',
    KILL,
    { ...onPci, ...by("transport-pci/misuse/notification-of-another") },
  ),
];
