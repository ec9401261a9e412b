/** What the statements on virtio-mmio demand of a device, in words of our own. */
export const MMIO_DEVICE = {
  "transport-mmio.device.mmio-device-register-layout.1":
    'MagicValue reads as 0x74726976, which is "virt" in ASCII.',
  "transport-mmio.device.mmio-device-register-layout.2": "Version reads as 2.",
  "transport-mmio.device.mmio-device-register-layout.3":
    "An event shows as a bit of InterruptStatus as soon as it happens, and stays there until InterruptACK clears it.",
  "transport-mmio.device.mmio-device-register-layout.4":
    "Bits of InterruptStatus without an event behind them read 0.",
  "transport-mmio.device.mmio-device-register-layout.5":
    "After a reset, InterruptStatus is 0 and so is QueueReady of every queue.",
  "transport-mmio.device.mmio-device-register-layout.6":
    "ConfigGeneration changes whenever a driver might otherwise mix old and new configuration values.",
  "transport-mmio.device.mmio-device-register-layout.7":
    "As long as QueueReady is 0, the memory of that queue is not touched.",
  "transport-mmio.device.mmio-device-register-layout.8":
    "With VIRTIO_F_RING_RESET, QueueReset reads 0 once the device was reset.",
  "transport-mmio.device.mmio-device-register-layout.9":
    "With VIRTIO_F_RING_RESET, QueueReset reads 0 once a queue was enabled.",
  "transport-mmio.device.mmio-device-register-layout.10":
    "Writing 1 to QueueReset resets the selected queue.",
  "transport-mmio.device.mmio-device-register-layout.11":
    "QueueReset goes on reading 1 until the reset of the queue is over.",
  "transport-mmio.device.mmio-device-register-layout.12":
    "At the end of a queue reset, QueueReset and QueueReady both read 0.",
} as const satisfies Readonly<Record<string, string>>;
