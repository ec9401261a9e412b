import { type Mutant, mutant } from "../../support/mutants/mutant.ts";

const FUNCTION = "src/transport/pci/function.ts";
const LAYOUT = "src/transport/pci/layout.ts";
const LEGACY = "src/transport/pci/legacy.ts";
const DEVICE = "src/device/virtio-device.ts";
const NEGOTIATION = "src/device/negotiation.ts";
const SPLIT = "src/virtqueue/split.ts";

const targets = ["builtin-pci"];

function broken(id: string, clause: string, file: string, find: string, replace: string): Mutant {
  return mutant(id, [clause], file, find, replace, { targets });
}

const DISCOVERY = "transport-pci.legacy.legacy-interfaces-a-note-on-pci-device-discovery";
const HEADER = "transport-pci.legacy.legacy-interfaces-a-note-on-pci-device-layout";
const DETECTION = "transport-pci.legacy.legacy-interface-a-note-on-device-layout-detecti.1";
const LIFE = "content.legacy.legacy-interface-device-initialization";
const FEATURES = "content.legacy.legacy-interface-reserved-feature-bits";
const RING = "split-ring.legacy.legacy-interfaces-a-note-on-virtqueue";

/** Legacy interfaces of all chapters, for transitional devices: one rule broken each. */
export const LEGACY_MUTANTS: readonly Mutant[] = [
  broken(
    "revision-1",
    `${DISCOVERY}.1`,
    FUNCTION,
    "space.set(PCI_REVISION_ID, 1, 0);",
    "space.set(PCI_REVISION_ID, 1, 1);",
  ),
  broken(
    "subsystem-id-of-a-modern-device",
    `${DISCOVERY}.2`,
    FUNCTION,
    "space.set(PCI_SUBSYSTEM_ID, 2, deviceId);",
    "space.set(PCI_SUBSYSTEM_ID, 2, 0x40);",
  ),
  broken(
    "device-id-of-a-modern-device",
    `${DISCOVERY}.3`,
    FUNCTION,
    "transitionalId(device.type, options)",
    "VIRTIO_PCI_DEVICE_ID_BASE + deviceId",
  ),
  broken("header-in-memory", `${HEADER}.1`, LAYOUT, 'bars.take(0, "io")', 'bars.take(0, "memory")'),
  broken("header-in-bar-5", DETECTION, LAYOUT, 'bars.take(0, "io")', 'bars.take(5, "io")'),
  broken("no-queue-size", `${HEADER}.1`, LEGACY, "return this.#queueSize;", "return 0;"),
  broken("no-queue-address", `${HEADER}.1`, LEGACY, "return this.#page;", "return 0;"),
  broken(
    "queues-cannot-be-taken-away",
    `${HEADER}.1`,
    LEGACY,
    "if (device.queueEnabled(index)) device.disableQueue(index);",
    "",
  ),
  broken("isr-status-stays-0", `${HEADER}.1`, LEGACY, "return this.#interrupts.readIsr();", "return 0;"),
  broken(
    "driver-features-ignored",
    "content.device.feature-bits.8",
    LEGACY,
    "if (this.#claim(at)) device.writeDriverFeatureWord(0, value);",
    "",
  ),
  broken(
    "configuration-in-bytes-only",
    `${HEADER}.3`,
    LEGACY,
    "return device.readConfig(at - this.#headerBytes, widthBytes);",
    "return device.readConfig(at - this.#headerBytes, 1);",
  ),
  broken(
    "configuration-written-whole-only",
    `${HEADER}.3`,
    LEGACY,
    "device.writeConfig(at - this.#headerBytes, widthBytes, value);",
    "if (widthBytes === 4) device.writeConfig(at - this.#headerBytes, widthBytes, value);",
  ),
  broken(
    "configuration-does-not-move",
    `${HEADER}.5`,
    LEGACY,
    "return this.#interrupts.msixEnabled ? LEGACY.sizeBytes : SHORT_HEADER_BYTES;",
    "return SHORT_HEADER_BYTES;",
  ),
  broken(
    "configuration-always-behind-the-vectors",
    `${HEADER}.5`,
    LEGACY,
    "return this.#interrupts.msixEnabled ? LEGACY.sizeBytes : SHORT_HEADER_BYTES;",
    "return LEGACY.sizeBytes;",
  ),
  broken("high-features-stay", `${HEADER}.6`, NEGOTIATION, "this.accepted.words.fill(0, 1);", ""),
  broken(
    "legacy-drivers-not-detected",
    "content.device.feature-bits.6",
    NEGOTIATION,
    "return this.#legacyOffered !== null && !this.accepted.has(VIRTIO_F_VERSION_1);",
    "return false;",
  ),
  broken(
    "every-driver-is-a-legacy-driver",
    "content.device.feature-bits.6",
    NEGOTIATION,
    "return this.agreed.has(bit) || this.legacyHas(bit);",
    "return (this.agreed.has(bit) && (bit < 32 || !this.transitional)) || this.legacyHas(bit);",
  ),
  {
    id: "no-driver-waits-for-driver-ok",
    clauses: ["content.device.device-status-field.1"],
    targets,
    edits: [
      {
        file: DEVICE,
        find: "return (this.#status & VIRTIO_CONFIG_S_DRIVER_OK) !== 0 || this.legacyDriver;",
        replace: "return true;",
      },
      {
        file: DEVICE,
        find: "if ((this.#status & VIRTIO_CONFIG_S_DRIVER_OK) === 0 && this.legacyDriver) {",
        replace: "if ((this.#status & VIRTIO_CONFIG_S_DRIVER_OK) === 0) {",
      },
    ],
  },
  broken(
    "features-need-features-ok",
    "content.device.feature-bits.8",
    NEGOTIATION,
    "return this.agreed.has(bit) || this.legacyHas(bit);",
    "return this.agreed.has(bit);",
  ),
  broken(
    "configuration-written-after-driver-ok-only",
    `${LIFE}.2`,
    LEGACY,
    "device.writeConfig(at - this.#headerBytes, widthBytes, value);",
    "if ((device.status & 4) !== 0) device.writeConfig(at - this.#headerBytes, widthBytes, value);",
  ),
  broken(
    "no-buffers-before-driver-ok",
    `${LIFE}.3`,
    DEVICE,
    "return (this.#status & VIRTIO_CONFIG_S_DRIVER_OK) !== 0 || this.legacyDriver;",
    "return (this.#status & VIRTIO_CONFIG_S_DRIVER_OK) !== 0;",
  ),
  broken(
    "not-notified-on-empty",
    `${FEATURES}.2`,
    SPLIT,
    "this.notifyOnEmpty = options.notifyOnEmpty;",
    "this.notifyOnEmpty = false;",
  ),
  broken(
    "any-layout-not-offered",
    `${FEATURES}.3`,
    NEGOTIATION,
    "const LEGACY_ONLY = [VIRTIO_F_NOTIFY_ON_EMPTY, VIRTIO_F_ANY_LAYOUT];",
    "const LEGACY_ONLY = [VIRTIO_F_NOTIFY_ON_EMPTY];",
  ),
  broken(
    "bit-30-offered",
    `${FEATURES}.4`,
    NEGOTIATION,
    "const LEGACY_ONLY = [VIRTIO_F_NOTIFY_ON_EMPTY, VIRTIO_F_ANY_LAYOUT];",
    "const LEGACY_ONLY = [VIRTIO_F_NOTIFY_ON_EMPTY, VIRTIO_F_ANY_LAYOUT, 30];",
  ),
  broken(
    "used-ring-right-behind-the-available-one",
    `${RING}-layout.2`,
    LEGACY,
    "legacyUsedOffset(size, VIRTIO_PCI_VRING_ALIGN)",
    "legacyUsedOffset(size, 4)",
  ),
  broken(
    "available-ring-on-a-page-of-its-own",
    `${RING}-layout.2`,
    LEGACY,
    "half(descTableBytes(size))",
    "half(Math.ceil(descTableBytes(size) / 4096) * 4096)",
  ),
  broken(
    "used-index-in-big-endian",
    `${RING}-endianness.1`,
    SPLIT,
    "this.writeUsedHalf((this.usedFlags + 1) | 0, used);",
    "this.writeUsedHalf((this.usedFlags + 1) | 0, ((used & 0xff) << 8) | (used >>> 8));",
  ),
];
