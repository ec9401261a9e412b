import { type DriverMutant, driverMutant } from "../../support/mutants/driver-mutant.ts";
import type { Scenario } from "../../support/mutants/driver-scenarios.ts";

const MMIO = "src/driver/transports/mmio.ts";
const DRIVER = "src/driver/virtio-driver.ts";
const layout = (...numbers: readonly number[]): string[] =>
  numbers.map((number) => `transport-mmio.driver.mmio-device-register-layout.${number}`);
const initialization = (...numbers: readonly number[]): string[] =>
  numbers.map((number) => `transport-mmio.driver.device-initialization.${number}`);
const notifications = (number: number): string =>
  `transport-mmio.driver.notifications-from-the-device.${number}`;

const staged = (stage: string, more: Partial<Scenario> = {}): Scenario => ({
  name: "staged",
  transport: "mmio",
  ring: [],
  stage,
  ...more,
});
const RNG = staged("as-it-is");
const GPU = staged("as-it-is", { device: "gpu" });

export const TRANSPORT_MMIO_MUTANTS: readonly DriverMutant[] = [
  driverMutant(
    "reads-the-queue-selector",
    layout(1),
    MMIO,
    "if (this.#selected === index) return;",
    "if (this.#read(VIRTIO_MMIO_QUEUE_SEL) === index) return;",
    RNG,
  ),
  driverMutant(
    "acknowledges-in-the-status-register",
    [...layout(1), notifications(3)],
    MMIO,
    "this.#write(VIRTIO_MMIO_INTERRUPT_ACK, causes & DEFINED_INTERRUPTS);",
    "this.#write(VIRTIO_MMIO_INTERRUPT_STATUS, causes & DEFINED_INTERRUPTS);",
    RNG,
  ),
  driverMutant(
    "uses-a-register-of-version-1",
    layout(1),
    MMIO,
    "    this.#write(VIRTIO_MMIO_QUEUE_NUM, size);\n",
    "    this.#write(VIRTIO_MMIO_QUEUE_NUM, size);\n    this.#write(0x3c, 4096);\n",
    RNG,
  ),
  driverMutant(
    "reads-configuration-that-is-not-there",
    layout(1),
    MMIO,
    "return this.#bus.read(VIRTIO_MMIO_CONFIG + offset, widthBytes);",
    "return this.#bus.read(VIRTIO_MMIO_CONFIG + offset + 16, widthBytes);",
    GPU,
  ),
  driverMutant(
    "reads-a-byte-of-the-status",
    layout(2),
    MMIO,
    "return this.#read(VIRTIO_MMIO_STATUS) & 0xff;",
    "return this.#bus.read(VIRTIO_MMIO_STATUS, 1);",
    RNG,
  ),
  driverMutant(
    "reads-configuration-byte-by-byte",
    layout(3),
    MMIO,
    "return this.#bus.read(VIRTIO_MMIO_CONFIG + offset, widthBytes);",
    "return this.#bus.read(VIRTIO_MMIO_CONFIG + offset, 1);",
    GPU,
  ),
  driverMutant(
    "any-magic-value-will-do",
    layout(4),
    MMIO,
    "if (magic !== VIRTIO_MMIO_MAGIC)",
    "if (magic === 0)",
    staged("wrong-magic-value"),
  ),
  ...["version-3", "version-1"].map((stage) =>
    driverMutant(
      `drives-${stage}`,
      layout(5),
      MMIO,
      "if (version !== VIRTIO_MMIO_VERSION_2)",
      "if (version === 0)",
      staged(stage),
    ),
  ),
  driverMutant(
    "asks-a-slot-without-a-device",
    [...layout(6), ...initialization(2)],
    MMIO,
    "return deviceId === 0 ? null : new MmioDriverTransport(bus, deviceId);",
    "return new MmioDriverTransport(bus, deviceId);",
    staged("no-device"),
  ),
  driverMutant(
    "device-features-without-a-selector",
    layout(7),
    MMIO,
    "    this.#write(VIRTIO_MMIO_DEVICE_FEATURES_SEL, word);\n",
    "",
    RNG,
  ),
  driverMutant(
    "driver-features-without-a-selector",
    layout(8),
    MMIO,
    "    this.#write(VIRTIO_MMIO_DRIVER_FEATURES_SEL, word);\n",
    "",
    RNG,
  ),
  driverMutant(
    "queue-larger-than-its-maximum",
    layout(9),
    MMIO,
    "    this.#write(VIRTIO_MMIO_QUEUE_NUM, size);\n",
    "    this.#write(VIRTIO_MMIO_QUEUE_NUM, 2 * size);\n",
    staged("small-queues"),
  ),
  {
    id: "queue-larger-than-a-maximum-never-read",
    clauses: layout(9),
    edits: [
      {
        file: MMIO,
        find: "const limit = this.#read(VIRTIO_MMIO_QUEUE_NUM_MAX);",
        replace: "const limit = 8;",
      },
      {
        file: MMIO,
        find: "    return this.#read(VIRTIO_MMIO_QUEUE_NUM_MAX);",
        replace: "    return 8;",
      },
    ],
    input: staged("small-queues"),
  },
  driverMutant(
    "configures-a-queue-that-is-ready",
    layout(10),
    MMIO,
    "    this.#write(VIRTIO_MMIO_QUEUE_NUM, size);\n",
    "    this.#write(VIRTIO_MMIO_QUEUE_READY, 1);\n    this.#write(VIRTIO_MMIO_QUEUE_NUM, size);\n",
    RNG,
  ),
  driverMutant(
    "stops-a-queue-without-reading-back",
    layout(11),
    MMIO,
    "if (this.#read(VIRTIO_MMIO_QUEUE_READY) !== 0) {",
    "if (index < 0) {",
    RNG,
  ),
  driverMutant(
    "gives-up-on-undefined-causes",
    [...layout(12, 13), notifications(3)],
    MMIO,
    "return this.#read(VIRTIO_MMIO_INTERRUPT_STATUS) & DEFINED_INTERRUPTS;",
    "const causes = this.#read(VIRTIO_MMIO_INTERRUPT_STATUS);\n    return causes > DEFINED_INTERRUPTS ? 0 : causes;",
    staged("undefined-interrupt-causes"),
  ),
  {
    id: "acknowledges-undefined-causes",
    clauses: layout(12, 13),
    edits: [
      {
        file: MMIO,
        find: "return this.#read(VIRTIO_MMIO_INTERRUPT_STATUS) & DEFINED_INTERRUPTS;",
        replace: "return this.#read(VIRTIO_MMIO_INTERRUPT_STATUS);",
      },
      {
        file: MMIO,
        find: "this.#write(VIRTIO_MMIO_INTERRUPT_ACK, causes & DEFINED_INTERRUPTS);",
        replace: "this.#write(VIRTIO_MMIO_INTERRUPT_ACK, causes);",
      },
    ],
    input: staged("undefined-interrupt-causes"),
  },
  driverMutant(
    "acknowledges-what-it-has-not-seen",
    layout(13),
    MMIO,
    "this.#write(VIRTIO_MMIO_INTERRUPT_ACK, causes & DEFINED_INTERRUPTS);",
    "this.#write(VIRTIO_MMIO_INTERRUPT_ACK, DEFINED_INTERRUPTS);",
    RNG,
  ),
  driverMutant(
    "takes-a-queue-reset-for-complete",
    layout(14),
    MMIO,
    "return this.#read(VIRTIO_MMIO_QUEUE_RESET) === 0 && this.#read(VIRTIO_MMIO_QUEUE_READY) === 0;",
    "return true;",
    staged("slow-queue-reset", { ring: ["reset"] }),
  ),
  driverMutant(
    "does-not-read-the-magic-value",
    initialization(1),
    MMIO,
    "const magic = bus.read(VIRTIO_MMIO_MAGIC_VALUE, 4);",
    "const magic = VIRTIO_MMIO_MAGIC as number;",
    RNG,
  ),
  driverMutant(
    "does-not-read-the-version",
    initialization(1),
    MMIO,
    "const version = bus.read(VIRTIO_MMIO_VERSION, 4);",
    "const version = VIRTIO_MMIO_VERSION_2 as number;",
    RNG,
  ),
  driverMutant(
    "does-not-read-the-device-id",
    initialization(2),
    MMIO,
    "const deviceId = bus.read(VIRTIO_MMIO_DEVICE_ID, 4);",
    "const deviceId = 4 as number;",
    RNG,
  ),
  driverMutant(
    "asks-for-shared-memory-it-does-not-expect",
    initialization(3),
    MMIO,
    "    this.vendorId = this.#read(VIRTIO_MMIO_VENDOR_ID);\n",
    "    this.vendorId = this.#read(VIRTIO_MMIO_VENDOR_ID);\n    this.sharedMemory(0);\n",
    RNG,
  ),
  driverMutant(
    "mmio-skips-acknowledge",
    initialization(4),
    DRIVER,
    "    this.#addStatus(VIRTIO_CONFIG_S_ACKNOWLEDGE);\n",
    "",
    RNG,
  ),
  driverMutant(
    "mmio-live-without-features-ok",
    initialization(4),
    DRIVER,
    "    this.#addStatus(VIRTIO_CONFIG_S_FEATURES_OK);\n    if ((this.transport.readStatus() & VIRTIO_CONFIG_S_FEATURES_OK) === 0) {",
    "    if (this.transport.readStatus() === 0) {",
    RNG,
  ),
  driverMutant(
    "does-not-ask-for-causes",
    [notifications(1)],
    MMIO,
    "return this.#read(VIRTIO_MMIO_INTERRUPT_STATUS) & DEFINED_INTERRUPTS;",
    "return DEFINED_INTERRUPTS;",
    RNG,
  ),
  driverMutant(
    "ignores-interrupts",
    [notifications(1)],
    DRIVER,
    "      causes = this.transport.readInterruptCauses();\n",
    "",
    RNG,
  ),
  driverMutant(
    "does-not-acknowledge",
    [notifications(3), ...layout(13)],
    MMIO,
    "    this.#write(VIRTIO_MMIO_INTERRUPT_ACK, causes & DEFINED_INTERRUPTS);\n",
    "",
    RNG,
  ),
];
