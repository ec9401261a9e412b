/** What the statements on virtio-mmio demand of a driver, in words of our own. */
export const MMIO_DRIVER = {
  "transport-mmio.driver.mmio-device-register-layout.1":
    "Only registers that exist are accessed, and each only in its direction: read-only ones are not written, write-only ones not read.",
  "transport-mmio.driver.mmio-device-register-layout.2":
    "Control registers are accessed 32 bits at a time, at their own offset.",
  "transport-mmio.driver.mmio-device-register-layout.3":
    "Configuration fields are accessed in their own width; those of 64 bits in two halves.",
  "transport-mmio.driver.mmio-device-register-layout.4":
    "A device with the wrong MagicValue is none, and is left alone.",
  "transport-mmio.driver.mmio-device-register-layout.5":
    "A device whose Version is anything but 2 is left alone.",
  "transport-mmio.driver.mmio-device-register-layout.6":
    "DeviceID 0 marks an empty slot: the driver passes it over in silence.",
  "transport-mmio.driver.mmio-device-register-layout.7":
    "DeviceFeaturesSel is written before DeviceFeatures is read, even for the first word.",
  "transport-mmio.driver.mmio-device-register-layout.8":
    "DriverFeaturesSel is written before DriverFeatures is, even for the first word.",
  "transport-mmio.driver.mmio-device-register-layout.9": "The chosen QueueSize does not exceed QueueSizeMax.",
  "transport-mmio.driver.mmio-device-register-layout.10":
    "Size and addresses of a queue are neither read nor written while QueueReady is set.",
  "transport-mmio.driver.mmio-device-register-layout.11":
    "A queue is stopped by writing 0 to QueueReady and then reading that register back.",
  "transport-mmio.driver.mmio-device-register-layout.12":
    "Bits of InterruptStatus that have no meaning yet are passed over.",
  "transport-mmio.driver.mmio-device-register-layout.13":
    "What was handled is written to InterruptACK at the end, and nothing but defined bits.",
  "transport-mmio.driver.mmio-device-register-layout.14":
    "A queue reset is over only when QueueReset reads 0 again.",
  "transport-mmio.driver.device-initialization.1":
    "Before anything else, MagicValue and Version are read and compared.",
  "transport-mmio.driver.device-initialization.2":
    "DeviceID is read next, and if it is 0 no further register is touched.",
  "transport-mmio.driver.device-initialization.3":
    "The shared memory registers are for drivers that know of shared memory.",
  "transport-mmio.driver.device-initialization.4":
    "After the identification registers, the general order of initialization applies.",
  "transport-mmio.driver.notifications-from-the-device.1":
    "Each interrupt makes the driver read InterruptStatus, to learn what it was for.",
  "transport-mmio.driver.notifications-from-the-device.3":
    "Each interrupt that was handled is acknowledged through InterruptACK.",
} as const satisfies Readonly<Record<string, string>>;
