import { type Mutant, mutant } from "../../support/mutants/mutant.ts";
import { PCI_INTERRUPT_MUTANTS } from "./transport-pci-interrupts.ts";

const BAR = "src/transport/pci/bar.ts";
const COMMON = "src/transport/pci/common-config.ts";
const FUNCTION = "src/transport/pci/function.ts";
const LAYOUT = "src/transport/pci/layout.ts";
const MSIX = "src/transport/pci/msix.ts";
const SPACE = "src/transport/pci/config-space.ts";
const TRANSPORT = "src/transport/pci/pci-transport.ts";
const DEVICE = "src/device/virtio-device.ts";
const CONFIG_SPACE = "src/device/config-space.ts";
const NEGOTIATION = "src/device/negotiation.ts";
const QUEUES = "src/device/queue-set.ts";

const targets = ["builtin-pci"];

/** A mutant of one clause of the area. */
function broken(id: string, clause: string, file: string, find: string, replace: string): Mutant {
  return mutant(id, [`transport-pci.${clause}`], file, find, replace, { targets });
}

const PCI_RULES = "device.virtio-over-pci-bus.1";
const CFG = "device.common-configuration-structure-layout";
const NOTIFY = "device.notification-capability";
const WINDOW = "device.pci-configuration-access-capability";

const FUNCTION_MUTANTS: readonly Mutant[] = [
  broken(
    "a-bridge",
    PCI_RULES,
    FUNCTION,
    "space.set(PCI_STATUS, 2, PCI_STATUS_CAP_LIST);",
    "space.set(PCI_STATUS, 2, PCI_STATUS_CAP_LIST); space.set(14, 1, 1);",
  ),
  broken(
    "no-list-of-capabilities",
    PCI_RULES,
    FUNCTION,
    "space.set(PCI_STATUS, 2, PCI_STATUS_CAP_LIST);",
    "",
  ),
  broken(
    "device-id-can-be-written",
    PCI_RULES,
    FUNCTION,
    "space.allow(PCI_INTERRUPT_LINE, 1, 0xff);",
    "space.allow(PCI_INTERRUPT_LINE, 1, 0xff); space.allow(PCI_DEVICE_ID, 2, 0xffff);",
  ),
  broken(
    "interrupt-line-cannot-be-written",
    PCI_RULES,
    FUNCTION,
    "space.allow(PCI_INTERRUPT_LINE, 1, 0xff);",
    "",
  ),
  broken(
    "no-bus-mastering",
    PCI_RULES,
    FUNCTION,
    "let command = PCI_COMMAND_MASTER | PCI_COMMAND_INTX_DISABLE;",
    "let command = PCI_COMMAND_INTX_DISABLE;",
  ),
  broken(
    "bar-address-bits-below-its-size",
    PCI_RULES,
    BAR,
    "space.allow(this.#register, 4, mask);",
    "space.allow(this.#register, 4, mask | 0x10);",
  ),
  broken(
    "bar-kind-can-be-written",
    PCI_RULES,
    BAR,
    "space.allow(this.#register, 4, mask);",
    "space.allow(this.#register, 4, mask | 2);",
  ),
  broken(
    "capabilities-overlap",
    PCI_RULES,
    SPACE,
    "this.#nextCapability = at + lengthBytes;",
    "this.#nextCapability = at + lengthBytes - 4;",
  ),
  broken(
    "capability-out-of-line",
    PCI_RULES,
    SPACE,
    "#nextCapability = PCI_STD_HEADER_SIZEOF;",
    "#nextCapability = PCI_STD_HEADER_SIZEOF + 1;",
  ),
  broken("masked-vector-sends", PCI_RULES, MSIX, "if (!this.#open || entry.masked) {", "if (!this.#open) {"),
  broken(
    "masked-vector-forgets",
    PCI_RULES,
    MSIX,
    "this.#pending[vector >>> 5] = (this.#pending[vector >>> 5] as number) | (1 << (vector & 31));",
    "",
  ),
  broken(
    "other-vendor",
    "device.pci-device-discovery.1",
    FUNCTION,
    "space.set(PCI_VENDOR_ID, 2, VIRTIO_PCI_VENDOR_ID);",
    "space.set(PCI_VENDOR_ID, 2, 0x1af5);",
  ),
  broken(
    "device-id-off-by-one",
    "device.pci-device-discovery.2",
    FUNCTION,
    "space.set(PCI_DEVICE_ID, 2, VIRTIO_PCI_DEVICE_ID_BASE + deviceId);",
    "space.set(PCI_DEVICE_ID, 2, VIRTIO_PCI_DEVICE_ID_BASE + deviceId + 1);",
  ),
  broken(
    "revision-0",
    "device.pci-device-discovery.5",
    FUNCTION,
    'checkRange(options.revisionId ?? 1, "revisionId", 1, 0xff)',
    "0",
  ),
  broken(
    "subsystem-id-of-a-legacy-device",
    "device.pci-device-discovery.6",
    FUNCTION,
    'checkRange(subsystemId, "subsystemId", 0x40, 0xffff)',
    "deviceId",
  ),
];

const CAPABILITY_MUTANTS: readonly Mutant[] = [
  broken(
    "cap-len-without-extra-data",
    "device.virtio-structure-pci-capabilities.1",
    FUNCTION,
    "space.set(at + VIRTIO_PCI_CAP.cap_len, 1, lengthBytes);",
    "space.set(at + VIRTIO_PCI_CAP.cap_len, 1, Math.min(16, lengthBytes));",
  ),
  broken(
    "no-device-configuration",
    "prose.device-specific-configuration.1",
    FUNCTION,
    "if (plan.device !== null) addStructure",
    "if (false) addStructure",
  ),
  broken(
    "device-configuration-misaligned",
    "device.device-specific-configuration.1",
    LAYOUT,
    'registers.place("device", type.configLengthBytes, 16, null, structures.device)',
    '(registers.end += 1, registers.place("device", type.configLengthBytes, 2))',
  ),
  broken(
    "shared-memory-beyond-its-bar",
    "device.shared-memory-capability.1",
    FUNCTION,
    "hi32(place.window.lengthBytes)",
    "1",
  ),
  broken(
    "shared-memory-id-twice",
    "device.shared-memory-capability.2",
    FUNCTION,
    "for (const place of plan.sharedMemory) {",
    "for (const place of [...plan.sharedMemory, ...plan.sharedMemory]) {",
  ),
  broken(
    "vendor-data-of-virtio",
    "device.vendor-data-capability.1",
    FUNCTION,
    "space.set(at + VIRTIO_PCI_VNDR_DATA.vendor_id, 2, vendorId);",
    "space.set(at + VIRTIO_PCI_VNDR_DATA.vendor_id, 2, VIRTIO_PCI_VENDOR_ID);",
  ),
  broken(
    "vendor-data-of-odd-length",
    "device.vendor-data-capability.2",
    FUNCTION,
    "(VIRTIO_PCI_VNDR_DATA.sizeBytes + data.length + 3) & ~3",
    "VIRTIO_PCI_VNDR_DATA.sizeBytes + data.length",
  ),
  ...["device.vendor-data-capability.3", "prose.vendor-data-capability.1"].map((clause, i) =>
    broken(
      ["reading-vendor-data-counts", "reading-vendor-data-ends-with-a-reset"][i] as string,
      clause,
      TRANSPORT,
      "return this.#function.space.get(offset, widthBytes);",
      `if (offset > 0x9a && offset < 0xd4) ${["this.#function.space.set(0x3c, 1, offset);", "this.device.reset();"][i]} return this.#function.space.get(offset, widthBytes);`,
    ),
  ),
  broken(
    "no-access-window",
    `${WINDOW}.1`,
    FUNCTION,
    "addVirtio(space, VIRTIO_PCI_CAP_PCI_CFG, VIRTIO_PCI_CFG_CAP.sizeBytes)",
    "addVirtio(space, 6, VIRTIO_PCI_CFG_CAP.sizeBytes)",
  ),
  broken(
    "window-does-not-write",
    `${WINDOW}.2`,
    TRANSPORT,
    "this.barWrite(bar, offset, lengthBytes, space.get(data, lengthBytes));",
    "",
  ),
  broken(
    "window-writes-four-bytes",
    `${WINDOW}.2`,
    TRANSPORT,
    "this.barWrite(bar, offset, lengthBytes, space.get(data, lengthBytes));",
    "this.barWrite(bar, offset, 4, space.get(data, 4));",
  ),
  broken(
    "window-writes-elsewhere",
    `${WINDOW}.2`,
    TRANSPORT,
    "this.barWrite(bar, offset, lengthBytes, space.get(data, lengthBytes));",
    "this.barWrite(bar, offset + lengthBytes, lengthBytes, space.get(data, lengthBytes));",
  ),
  broken(
    "window-does-not-read",
    `${WINDOW}.3`,
    TRANSPORT,
    "space.set(data, lengthBytes, this.barRead(bar, offset, lengthBytes));",
    "",
  ),
  broken(
    "window-reads-one-byte",
    `${WINDOW}.3`,
    TRANSPORT,
    "space.set(data, lengthBytes, this.barRead(bar, offset, lengthBytes));",
    "space.set(data, 4, this.barRead(bar, offset, 1));",
  ),
  broken(
    "window-reads-the-first-bar",
    `${WINDOW}.3`,
    TRANSPORT,
    "const bar = space.get(accessCapability + VIRTIO_PCI_CAP.bar, 1);",
    "const bar = 5;",
  ),
];

const COMMON_MUTANTS: readonly Mutant[] = [
  broken(
    "low-half-clears-the-high-one",
    "device.pci-device-layout.1",
    COMMON,
    "this.#writeQueue({ descLo: value });",
    "this.#writeQueue({ descLo: value, descHi: 0 });",
  ),
  broken("no-high-half", "device.pci-device-layout.1", COMMON, "this.#writeQueue({ driverHi: value });", ""),
  broken(
    "high-half-reads-as-the-low-one",
    "device.pci-device-layout.1",
    COMMON,
    "return queue?.deviceHi ?? 0;",
    "return queue?.deviceLo ?? 0;",
  ),
  broken(
    "common-configuration-misaligned",
    `${CFG}.1`,
    LAYOUT,
    'registers.place("common", VIRTIO_PCI_COMMON_CFG.sizeBytes, 4, null, structures.common)',
    '((registers.end = 2), registers.place("common", VIRTIO_PCI_COMMON_CFG.sizeBytes, 2))',
  ),
  broken(
    "no-common-configuration",
    `${CFG}.2`,
    FUNCTION,
    "addStructure(space, VIRTIO_PCI_CAP_COMMON_CFG, plan.common);",
    "addStructure(space, 6, plan.common);",
  ),
  broken(
    "features-repeat-every-64-bits",
    `${CFG}.3`,
    COMMON,
    "return device.deviceFeatureWord(this.#deviceFeatureSelect);",
    "return device.deviceFeatureWord(this.#deviceFeatureSelect & 1);",
  ),
  broken(
    "features-repeat-every-32-words",
    `${CFG}.3`,
    COMMON,
    "return device.deviceFeatureWord(this.#deviceFeatureSelect);",
    "return device.deviceFeatureWord(this.#deviceFeatureSelect & 31);",
  ),
  broken(
    "features-end-at-bit-31",
    `${CFG}.3`,
    COMMON,
    "return device.deviceFeatureWord(this.#deviceFeatureSelect);",
    "return device.deviceFeatureWord(0);",
  ),
  broken(
    "a-driver-feature-is-forgotten",
    `${CFG}.4`,
    COMMON,
    "return device.driverFeatureWord(this.#driverFeatureSelect);",
    "return (device.driverFeatureWord(this.#driverFeatureSelect) & ~0x10000000) >>> 0;",
  ),
  broken(
    "driver-features-vanish-with-features-ok",
    `${CFG}.4`,
    COMMON,
    "return device.driverFeatureWord(this.#driverFeatureSelect);",
    "return (device.status & 8) !== 0 ? 0 : device.driverFeatureWord(this.#driverFeatureSelect);",
  ),
  broken(
    "generation-stands-still",
    `${CFG}.6`,
    CONFIG_SPACE,
    "this.#generation = (this.#generation + 1) >>> 0;",
    "",
  ),
  mutant(
    "generation-counts-changes-and-wraps",
    [`transport-pci.${CFG}.6`],
    CONFIG_SPACE,
    "      this.#change(change);\n      this.#changedSinceRead = true;",
    "      this.#change(change);\n      this.#generation = (this.#generation + 1) >>> 0;",
    { targets },
  ),
  broken(
    "status-0-is-ignored",
    `${CFG}.7`,
    COMMON,
    "device.writeStatus(value); //",
    "if (value !== 0) device.writeStatus(value); //",
  ),
  broken("status-0-only-clears-the-status", `${CFG}.7`, DEVICE, "    this.#queues.reset();\n", ""),
  broken("queues-stay-enabled-over-a-reset", `${CFG}.8`, QUEUES, "  slot.enabled = false;\n", ""),
  broken(
    "queues-are-enabled-at-first",
    `${CFG}.8`,
    COMMON,
    "return device.queueEnabled(this.#queueSelect) ? 1 : 0;",
    "return 1;",
  ),
  broken(
    "queue-reset-under-way-after-a-reset",
    `${CFG}.9`,
    COMMON,
    "    this.#queueSelect = 0;\n",
    "    this.#queueSelect = 0;\n    this.#resetting = 0;\n",
  ),
  broken(
    "queue-reset-under-way-after-enabling",
    `${CFG}.10`,
    COMMON,
    "this.#device.enableQueue(index);",
    "this.#device.enableQueue(index); this.#resetting = index;",
  ),
  broken("no-queue-reset", `${CFG}.11`, COMMON, "this.#device.resetQueue(index);", ""),
  broken(
    "queue-reset-of-all-queues",
    `${CFG}.11`,
    COMMON,
    "this.#device.resetQueue(index);",
    "for (let i = 0; i < this.#device.queueCount; i++) this.#device.resetQueue(i);",
  ),
  broken(
    "queue-reset-over-too-early",
    `${CFG}.12`,
    COMMON,
    "this.#device.resetQueue(index);",
    "setTimeout(() => this.#device.resetQueue(index), 100);",
  ),
  broken("queue-reset-never-over", `${CFG}.13`, COMMON, "      this.#resetting = outer;\n", ""),
  broken(
    "queue-enabled-after-its-reset",
    `${CFG}.13`,
    COMMON,
    "return device.queueEnabled(this.#queueSelect) ? 1 : 0;",
    "return device.queueConfig(this.#queueSelect)?.descLo !== 0 || device.status === 15 ? 1 : 0;",
  ),
  broken(
    "unavailable-queue-has-a-size",
    `${CFG}.14`,
    COMMON,
    "this.#device.queueConfig(index)?.size ?? 0;",
    "this.#device.queueConfig(index)?.size ?? 1;",
  ),
  broken(
    "queues-repeat",
    `${CFG}.14`,
    COMMON,
    "this.#device.queueConfig(index)?.size ?? 0;",
    "this.#device.queueConfig(index & 0xff)?.size ?? 0;",
  ),
  broken(
    "size-is-no-power-of-two",
    `${CFG}.15`,
    COMMON,
    "return 2 ** (31 - Math.clz32(size));",
    "return size - 1;",
  ),
  {
    id: "size-of-the-driver-is-no-power-of-two",
    clauses: [`transport-pci.${CFG}.15`],
    targets,
    edits: [
      { file: COMMON, find: "return 2 ** (31 - Math.clz32(size));", replace: "return size;" },
      {
        file: COMMON,
        find: "!(powerOfTwo || !this.#demandsPowerOfTwo)",
        replace: "false && powerOfTwo",
      },
    ],
  },
  ...[
    ["admin-queues-among-the-others", "return 0;", "return 0;"],
    [
      "admin-queues-beyond-16-bits",
      "return 0;",
      "return offset === CFG.admin_queue_index ? device.queueCount : 0xffff;",
    ],
  ].map(
    ([id = "", , values = ""]): Mutant => ({
      id,
      clauses: [`transport-pci.${CFG}.16`],
      targets,
      edits: [
        { file: NEGOTIATION, find: "[VIRTIO_F_SR_IOV, VIRTIO_F_ADMIN_VQ]", replace: "[VIRTIO_F_SR_IOV]" },
        {
          file: NEGOTIATION,
          find: "[VIRTIO_F_VERSION_1, ...ringFeatures",
          replace: "[VIRTIO_F_VERSION_1, VIRTIO_F_ADMIN_VQ, ...ringFeatures",
        },
        { file: TRANSPORT, find: "[VIRTIO_F_SR_IOV, VIRTIO_F_ADMIN_VQ]", replace: "[VIRTIO_F_SR_IOV]" },
        {
          file: COMMON,
          find: "// admin_queue_index and admin_queue_num: VIRTIO_F_ADMIN_VQ is never offered.\n        return 0;",
          replace: values,
        },
      ],
    }),
  ),
];

const SHORT =
  "const notifyBytes = (step: number): number => Math.max(type.queues.length - 1, 0) * step + elementBytes;";
const NOTIFY_PLACE =
  'notify.push(registers.place("notify", notifyBytes(step), alignment(step), null, structures.notify));';
const MULTIPLIER =
  "space.set(at + VIRTIO_PCI_NOTIFY_CAP.notify_off_multiplier, 4, plan.notifyOffMultiplier);";
const multiplier = (value: string): string =>
  `space.set(at + VIRTIO_PCI_NOTIFY_CAP.notify_off_multiplier, 4, ${value});`;

const NOTIFICATION_MUTANTS: readonly Mutant[] = [
  broken(
    "no-notification-capability",
    `${NOTIFY}.1`,
    FUNCTION,
    "addStructure(space, VIRTIO_PCI_CAP_NOTIFY_CFG, place, VIRTIO_PCI_NOTIFY_CAP.sizeBytes)",
    "addStructure(space, 6, place, VIRTIO_PCI_NOTIFY_CAP.sizeBytes)",
  ),
  broken(
    "notifications-at-an-odd-address",
    `${NOTIFY}.2`,
    LAYOUT,
    NOTIFY_PLACE,
    'registers.end |= 1; notify.push(registers.place("notify", notifyBytes(step), 1));',
  ),
  broken("multiplier-3", `${NOTIFY}.3`, FUNCTION, MULTIPLIER, multiplier("3")),
  broken("multiplier-1", `${NOTIFY}.3`, FUNCTION, MULTIPLIER, multiplier("1")),
  broken("one-byte-for-notifications", `${NOTIFY}.4`, LAYOUT, SHORT, "const notifyBytes = (): number => 1;"),
  broken(
    "notifications-of-the-first-queue-only",
    `${NOTIFY}.5`,
    LAYOUT,
    SHORT,
    "const notifyBytes = (): number => elementBytes;",
  ),
  broken("multiplier-2-with-data", `${NOTIFY}.6`, FUNCTION, MULTIPLIER, multiplier("2")),
  broken("multiplier-12-with-data", `${NOTIFY}.6`, FUNCTION, MULTIPLIER, multiplier("12")),
  broken(
    "notifications-with-data-misaligned",
    `${NOTIFY}.7`,
    LAYOUT,
    NOTIFY_PLACE,
    'registers.end = alignUp(registers.end, 4) + 2; notify.push(registers.place("notify", notifyBytes(step), 2));',
  ),
  broken(
    "two-bytes-for-notifications-with-data",
    `${NOTIFY}.8`,
    LAYOUT,
    SHORT,
    "const notifyBytes = (): number => 2;",
  ),
  broken(
    "half-a-notification-for-the-last-queue",
    `${NOTIFY}.9`,
    LAYOUT,
    SHORT,
    "const notifyBytes = (step: number): number => Math.max(type.queues.length - 1, 0) * step + 2;",
  ),
];

/** Virtio over PCI: one rule broken each. */
export const TRANSPORT_PCI_MUTANTS: readonly Mutant[] = [
  ...FUNCTION_MUTANTS,
  ...CAPABILITY_MUTANTS,
  ...COMMON_MUTANTS,
  ...NOTIFICATION_MUTANTS,
  ...PCI_INTERRUPT_MUTANTS,
];
