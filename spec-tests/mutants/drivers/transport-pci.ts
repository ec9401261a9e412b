import { type DriverMutant, driverMutant, rawMutant } from "../../support/mutants/driver-mutant.ts";
import type { Scenario } from "../../support/mutants/driver-scenarios.ts";

const PCI = "src/driver/transports/pci.ts";
const FUNCTION = "src/driver/transports/pci-function.ts";
const DRIVER = "src/driver/virtio-driver.ts";
const statements =
  (section: string) =>
  (...numbers: readonly number[]): string[] =>
    numbers.map((number) => `transport-pci.${section}.${number}`);
const discovery = statements("driver.pci-device-discovery");
const capabilities = statements("driver.virtio-structure-pci-capabilities");
const common = statements("driver.common-configuration-structure-layout");
const vectors = statements("driver.msi-x-vector-configuration");
const notifications = statements("driver.available-buffer-notifications");
const window = statements("driver.pci-configuration-access-capability");
const vendorData = statements("driver.vendor-data-capability");
const legacyLayout = statements("legacy.legacy-interfaces-a-note-on-pci-device-layout");
const detection = statements("legacy.legacy-interface-a-note-on-device-layout-detecti");

const staged = (stage: string, more: Partial<Scenario> = {}): Scenario => ({
  name: "staged",
  transport: "pci",
  ring: [],
  stage,
  ...more,
});
const RNG = staged("as-it-is");
const MSIX = staged("as-it-is", { transport: "pci-msix" });

export const TRANSPORT_PCI_MUTANTS: readonly DriverMutant[] = [
  driverMutant(
    "matches-some-device-ids-only",
    discovery(1),
    PCI,
    "if (id < VIRTIO_PCI_DEVICE_ID_FIRST ||",
    "if (id < VIRTIO_PCI_DEVICE_ID_BASE + 8 ||",
    RNG,
  ),
  driverMutant(
    "matches-no-transitional-ids",
    discovery(2),
    PCI,
    "if (id < VIRTIO_PCI_DEVICE_ID_FIRST ||",
    "if (id < VIRTIO_PCI_DEVICE_ID_BASE ||",
    staged("transitional-id"),
  ),
  driverMutant(
    "matches-revision-1-only",
    discovery(3),
    PCI,
    "    const id = bus.configRead(PCI_DEVICE_ID, 2);\n",
    "    const id = bus.configRead(PCI_DEVICE_ID, 2);\n    if (bus.configRead(8, 1) > 1) return null;\n",
    staged("revision-255"),
  ),
  driverMutant(
    "reads-the-status-with-16-bits",
    statements("driver.pci-device-layout")(1),
    PCI,
    "return this.#read(COMMON.device_status, 1);",
    "return this.#read(COMMON.device_status, 2) & 0xff;",
    RNG,
  ),
  driverMutant(
    "reads-the-device-configuration-byte-by-byte",
    statements("driver.pci-device-layout")(1),
    PCI,
    "return this.#access.read(device.bar, device.offset + offset, widthBytes);",
    "return this.#access.read(device.bar, device.offset + offset, 1);",
    staged("as-it-is", { device: "gpu" }),
  ),
  driverMutant(
    "reads-the-isr-with-32-bits",
    statements("driver.pci-device-layout")(1),
    PCI,
    "const isr = this.#access.read(this.#isr.bar, this.#isr.offset, 1);",
    "const isr = this.#access.read(this.#isr.bar, this.#isr.offset, 4);",
    RNG,
  ),
  driverMutant(
    "gives-up-on-a-reserved-type",
    capabilities(1),
    FUNCTION,
    "if (!READABLE_TYPES.includes(cfgType)) continue;",
    'if (!READABLE_TYPES.includes(cfgType)) throw new DriverError("ENODEV", "what is this?");',
    staged("reserved-structure-type"),
  ),
  driverMutant(
    "takes-a-reserved-type-for-another",
    capabilities(1),
    FUNCTION,
    "const cfgType = bus.configRead(capability + VIRTIO_PCI_CAP.cfg_type, 1);",
    "const cfgType = (bus.configRead(capability + VIRTIO_PCI_CAP.cfg_type, 1) & 15) || 1;",
    staged("reserved-structure-type"),
  ),
  driverMutant(
    "uses-the-last-structures",
    capabilities(2),
    PCI,
    "const found = this.structures.find(\n      (structure) => structure.cfgType === cfgType",
    "const found = [...this.structures].reverse().find(\n      (structure) => structure.cfgType === cfgType",
    staged("second-structures"),
  ),
  driverMutant(
    "passes-long-capabilities-over",
    capabilities(3),
    FUNCTION,
    "if (capLength < (wide",
    "if (capLength > 23 || capLength < (wide",
    staged("longer-capabilities"),
  ),
  driverMutant(
    "gives-up-on-a-reserved-bar",
    capabilities(4),
    FUNCTION,
    "if (bar === undefined || (bar.kind",
    'if (bar === undefined) throw new DriverError("ENODEV", "no such BAR");\n    if ((bar.kind',
    staged("reserved-bar"),
  ),
  driverMutant(
    "uses-a-reserved-bar",
    capabilities(4),
    FUNCTION,
    "bars.find(({ index }) => index === bus.configRead(capability + VIRTIO_PCI_CAP.bar, 1));",
    "bars.find(({ index }) => index === bus.configRead(capability + VIRTIO_PCI_CAP.bar, 1)) ??\n" +
      "      { ...(bars[0] as PciBarInfo), index: bus.configRead(capability + VIRTIO_PCI_CAP.bar, 1) };",
    staged("reserved-bar"),
  ),
  driverMutant(
    "passes-long-structures-over",
    capabilities(6),
    PCI,
    "structure.lengthBytes >= BigInt(minBytes),",
    "structure.lengthBytes >= BigInt(minBytes) && structure.lengthBytes < 1024n,",
    staged("long-structures"),
  ),
  driverMutant(
    "writes-into-a-capability",
    capabilities(7),
    PCI,
    "    this.#notify = this.#first(VIRTIO_PCI_CAP_NOTIFY_CFG, 2);\n",
    "    this.#notify = this.#first(VIRTIO_PCI_CAP_NOTIFY_CFG, 2);\n" +
      "    bus.configWrite(this.#notify.capability + 4, 1, 0);\n",
    RNG,
  ),
  driverMutant(
    "writes-read-only-fields",
    common(1),
    PCI,
    "if (this.#msix !== null) this.#mapVector(COMMON.config_msix_vector, -1, 0);",
    "this.#write(COMMON.num_queues, 2, 1);",
    RNG,
  ),
  driverMutant(
    "packed-queue-of-size-0",
    common(2),
    PCI,
    "if (size !== limit) this.#write(COMMON.queue_size, 2, size);",
    "this.#write(COMMON.queue_size, 2, 0);",
    staged("as-it-is", { ring: ["packed"] }),
  ),
  driverMutant(
    "queue-size-of-no-power-of-two",
    common(3),
    PCI,
    "if (size !== limit) this.#write(COMMON.queue_size, 2, size);",
    "this.#write(COMMON.queue_size, 2, size - 1);",
    RNG,
  ),
  driverMutant(
    "enables-a-queue-first",
    common(4),
    PCI,
    "    if (size !== limit) this.#write(COMMON.queue_size, 2, size);\n",
    "    this.#write(COMMON.queue_enable, 2, 1);\n",
    RNG,
  ),
  driverMutant(
    "maps-a-vector-last",
    common(4),
    PCI,
    "    if (this.#msix !== null) {\n      // One for each queue",
    "    this.#write(COMMON.queue_enable, 2, 1);\n    if (this.#msix !== null) {\n      // One for each queue",
    MSIX,
  ),
  driverMutant(
    "does-not-wait-for-the-reset",
    common(5),
    DRIVER,
    '    this.#waiter.untilSync(() => this.transport.readStatus() === 0, "the device does not finish its reset");\n',
    "    this.transport.readStatus();\n",
    staged("slow-reset"),
  ),
  driverMutant(
    "disables-a-queue",
    common(6),
    PCI,
    "disableQueue(index: number): void {\n    throw",
    "disableQueue(index: number): void {\n    this.#select(index);\n    this.#write(COMMON.queue_enable, 2, 0);\n    if (index < 0) throw",
    RNG,
  ),
  driverMutant(
    "takes-a-reset-queue-for-complete",
    common(7),
    PCI,
    "return this.#read(COMMON.queue_reset, 2) === 0 && this.#read(COMMON.queue_enable, 2) === 0;",
    "return true;",
    staged("slow-queue-reset", { ring: ["reset"] }),
  ),
  rawMutant("pci-administration-queue-at-another-index", common(10)),
  {
    id: "reads-the-isr-upon-messages",
    clauses: statements("driver.isr-status-capability")(1),
    edits: [
      { file: PCI, find: "    if (this.#msix !== null) return 0;\n", replace: "" },
      {
        file: DRIVER,
        find: "    if (vector >= 0) {\n",
        replace: "    if (vector >= 0) {\n      this.transport.readInterruptCauses();\n",
      },
    ],
    input: MSIX,
  },
  rawMutant("pci-vendor-data-written-unread", vendorData(1, 2)),
  rawMutant("pci-vendor-data-interpreted-unread", vendorData(2)),
  driverMutant(
    "window-not-aligned",
    window(1),
    FUNCTION,
    "this.#bus.configWrite(this.#aim(bar, offset, widthBytes), widthBytes, value);",
    "this.#bus.configWrite(this.#aim(bar, offset, widthBytes === 2 ? 4 : widthBytes), widthBytes, value);",
    staged("as-it-is", { transport: "pci-window" }),
  ),
  driverMutant(
    "window-to-nowhere",
    window(2),
    FUNCTION,
    "this.#bus.configWrite(at + VIRTIO_PCI_CAP.offset, 4, offset);",
    "this.#bus.configWrite(at + VIRTIO_PCI_CAP.offset, 4, offset + 0x800);",
    staged("as-it-is", { transport: "pci-window" }),
  ),
  rawMutant("pci-legacy-interface-in-another-bar", legacyLayout(2)),
  rawMutant("pci-legacy-configuration-in-a-gap", legacyLayout(4)),
  rawMutant("pci-legacy-configuration-over-the-vectors", legacyLayout(4)),
  rawMutant("pci-transitional-driver-without-looking", detection(2)),
  rawMutant("pci-transitional-driver-ignores-a-legacy-device", detection(3)),
  rawMutant("pci-used-without-looking-at-capabilities", detection(4)),
  rawMutant("pci-legacy-device-driven-as-another", detection(5)),
  ...[
    ["one-vector", "< 2"],
    ["all-vectors", "> 1024"],
  ].map(([stage = "", condition = ""]) =>
    driverMutant(
      `gives-up-on-${stage}`,
      vectors(1),
      PCI,
      "    if (this.#msix !== null && options.msix !== undefined) {\n",
      "    if (this.#msix !== null && options.msix !== undefined) {\n" +
        `      if (this.#msix.vectors ${condition}) throw new DriverError("ENODEV", "so many vectors");\n`,
      staged(stage, { transport: "pci-msix" }),
    ),
  ),
  driverMutant(
    "maps-beyond-the-table",
    vectors(4),
    PCI,
    "index + 1 : 1, this.#msix.vectors - 1);",
    "index + 1 : 1, this.#msix.vectors);",
    staged("one-vector", { transport: "pci-msix" }),
  ),
  driverMutant(
    "does-not-verify-a-mapping",
    vectors(5),
    PCI,
    "if (this.#read(field, 2) === vector) {",
    "if (field !== 0) {",
    staged("refused-vectors", { transport: "pci-msix" }),
  ),
  driverMutant(
    "notifies-with-32-bits",
    notifications(1),
    PCI,
    "this.#access.write(this.#notify.bar, offset, 2, value);",
    "this.#access.write(this.#notify.bar, offset, 4, value);",
    RNG,
  ),
  driverMutant(
    "notifies-with-16-bits",
    notifications(2),
    PCI,
    "this.#access.write(this.#notify.bar, offset, 4, ((notificationData << 16) | value) >>> 0);",
    "this.#access.write(this.#notify.bar, offset, 2, value);",
    staged("as-it-is", { ring: ["data"] }),
  ),
  driverMutant(
    "notifies-another-queue",
    notifications(3),
    PCI,
    "this.#read(COMMON.queue_notif_config_data, 2) : index;",
    "this.#read(COMMON.queue_notif_config_data, 2) : index + 1;",
    RNG,
  ),
  driverMutant(
    "notifies-another-queue-with-data",
    notifications(4),
    PCI,
    "this.#read(COMMON.queue_notif_config_data, 2) : index;",
    "this.#read(COMMON.queue_notif_config_data, 2) : index + 1;",
    staged("as-it-is", { ring: ["data"] }),
  ),
  driverMutant(
    "does-not-ask-what-to-notify-with",
    notifications(5),
    PCI,
    "this.#notifConfigData ? this.#read(COMMON.queue_notif_config_data, 2) : index;",
    "index;",
    staged("as-it-is", { ring: ["configData"] }),
  ),
  driverMutant(
    "notifies-with-something-else-and-data",
    notifications(6),
    PCI,
    "this.#read(COMMON.queue_notif_config_data, 2) : index;",
    "this.#read(COMMON.queue_notif_config_data, 2) ^ 1 : index;",
    staged("as-it-is", { ring: ["data", "configData"] }),
  ),
  driverMutant(
    "one-cause-at-a-time",
    statements("driver.notification-of-device-configuration-changes")(1),
    DRIVER,
    "if ((causes & INTERRUPT_CONFIG) !== 0) this.onConfigChange?.();",
    "if (causes === INTERRUPT_CONFIG) this.onConfigChange?.();",
    staged("both-causes", { device: "kms" }),
  ),
];
