/** What the statements on virtio over PCI demand of a driver, in words of our own. */
export const PCI_DRIVER = {
  "transport-pci.driver.pci-device-discovery.1":
    "A driver claims vendor 0x1af4 with the device id that is 0x1040 plus its device type.",
  "transport-pci.driver.pci-device-discovery.2":
    "For a type that has a transitional id, devices that show that id are claimed, too.",
  "transport-pci.driver.pci-device-discovery.3":
    "The PCI revision has no say in whether a driver claims a device.",
  "transport-pci.driver.pci-device-layout.1":
    "Accesses to configuration fields are as wide as those fields, and aligned; 64 bits are accessed in two halves.",
  "transport-pci.driver.virtio-structure-pci-capabilities.1":
    "Capabilities of a type that the driver does not know are passed over.",
  "transport-pci.driver.virtio-structure-pci-capabilities.2":
    "Of several structures of a type, the first that the driver can use ought to be taken.",
  "transport-pci.driver.virtio-structure-pci-capabilities.3":
    "A capability that is longer than expected is taken all the same.",
  "transport-pci.driver.virtio-structure-pci-capabilities.4":
    "A capability that names a BAR beyond 5 is passed over.",
  "transport-pci.driver.virtio-structure-pci-capabilities.6":
    "A structure that is longer than expected is taken all the same.",
  "transport-pci.driver.virtio-structure-pci-capabilities.7":
    "Capabilities are there to be read; only the one for access through configuration space is written.",
  "transport-pci.driver.common-configuration-structure-layout.1":
    "The fields of the common configuration that belong to the device are not written.",
  "transport-pci.driver.common-configuration-structure-layout.2":
    "With packed rings, a queue is never given the size 0.",
  "transport-pci.driver.common-configuration-structure-layout.3":
    "Without packed rings, a queue's size is always a power of two.",
  "transport-pci.driver.common-configuration-structure-layout.4":
    "A queue is enabled last, when its size, addresses and vector are in place.",
  "transport-pci.driver.common-configuration-structure-layout.5":
    "Having written 0 to device_status, a driver reads it until it is 0, and only then starts again.",
  "transport-pci.driver.common-configuration-structure-layout.6":
    "Queues cannot be switched off through queue_enable: 0 is never written there.",
  "transport-pci.driver.common-configuration-structure-layout.7":
    "A queue reset is over only when queue_reset reads 0 again.",
  "transport-pci.driver.common-configuration-structure-layout.10":
    "Administration queues are set up only within the range of indexes that the device gives for them.",
  "transport-pci.driver.isr-status-capability.1":
    "With MSI-X, the ISR status ought not to be read for queue interrupts.",
  "transport-pci.driver.vendor-data-capability.1":
    "Vendor data ought to be used for nothing but debugging and reports.",
  "transport-pci.driver.vendor-data-capability.2":
    "Whose vendor data it is has to be looked up before anything is made of it.",
  "transport-pci.driver.pci-configuration-access-capability.1":
    "Accesses through PCI configuration space are aligned to their length.",
  "transport-pci.driver.pci-configuration-access-capability.2":
    "Accesses through PCI configuration space stay within a structure that another capability describes.",
  "transport-pci.legacy.legacy-interfaces-a-note-on-pci-device-layout.2":
    "Over the legacy interface, a driver uses the registers at the start of BAR 0, in I/O space.",
  "transport-pci.legacy.legacy-interfaces-a-note-on-pci-device-layout.4":
    "Over the legacy interface, a driver looks for the device's own configuration directly behind the common registers.",
  "transport-pci.legacy.legacy-interface-a-note-on-device-layout-detecti.2":
    "A transitional driver first looks whether the device has virtio's PCI capabilities.",
  "transport-pci.legacy.legacy-interface-a-note-on-device-layout-detecti.3":
    "A transitional driver that finds no virtio capability uses the legacy interface.",
  "transport-pci.legacy.legacy-interface-a-note-on-device-layout-detecti.4":
    "A driver without the legacy interface first looks whether the device has virtio's PCI capabilities.",
  "transport-pci.legacy.legacy-interface-a-note-on-device-layout-detecti.5":
    "A driver without the legacy interface that finds no virtio capability lets the device be.",
  "transport-pci.driver.msi-x-vector-configuration.1":
    "Any number of MSI-X vectors from 1 to 2048 has to do for the driver.",
  "transport-pci.driver.msi-x-vector-configuration.4":
    "Events are tied only to vectors that the MSI-X table has.",
  "transport-pci.driver.msi-x-vector-configuration.5":
    "After choosing a vector for an event, the driver reads the register back: NO_VECTOR says that it failed.",
  "transport-pci.driver.available-buffer-notifications.1":
    "Without VIRTIO_F_NOTIFICATION_DATA, a queue is notified with 16 bits.",
  "transport-pci.driver.available-buffer-notifications.2":
    "With VIRTIO_F_NOTIFICATION_DATA, a queue is notified with 32 bits.",
  "transport-pci.driver.available-buffer-notifications.3":
    "Without VIRTIO_F_NOTIF_CONFIG_DATA and notification data, what is written is the queue's index.",
  "transport-pci.driver.available-buffer-notifications.4":
    "With notification data alone, its low half is the queue's index.",
  "transport-pci.driver.available-buffer-notifications.5":
    "With VIRTIO_F_NOTIF_CONFIG_DATA alone, what is written is the queue's queue_notif_config_data.",
  "transport-pci.driver.available-buffer-notifications.6":
    "With VIRTIO_F_NOTIF_CONFIG_DATA and notification data, the low half is the queue's queue_notif_config_data.",
  "transport-pci.driver.notification-of-device-configuration-changes.1":
    "One interrupt can be for used buffers and a changed configuration at once, and both have to be looked after.",
} as const satisfies Readonly<Record<string, string>>;
