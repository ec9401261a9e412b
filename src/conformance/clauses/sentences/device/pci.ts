/** What the statements on virtio over PCI demand of a device, in words of our own. */
export const PCI_DEVICE = {
  "transport-pci.device.virtio-over-pci-bus.1":
    "As a PCI function, the device follows the PCI or PCI Express specification.",
  "transport-pci.prose.pci-device-discovery.1":
    "Transitional device ids, 0x1000 to 0x103f, are allowed for the types that have one.",
  "transport-pci.device.pci-device-discovery.1": "The PCI vendor id is 0x1af4.",
  "transport-pci.device.pci-device-discovery.2":
    "The PCI device id is 0x1040 plus the virtio device type, or that type's transitional id.",
  "transport-pci.device.pci-device-discovery.3":
    "Subsystem ids are free to tell about the environment instead of the device.",
  "transport-pci.device.pci-device-discovery.4":
    "A device without the legacy interface ought to have a PCI device id between 0x1040 and 0x107f.",
  "transport-pci.device.pci-device-discovery.5":
    "A device without the legacy interface ought to have a PCI revision of at least 1.",
  "transport-pci.device.pci-device-discovery.6":
    "A device without the legacy interface ought to have a subsystem device id of at least 0x40.",
  "transport-pci.legacy.legacy-interfaces-a-note-on-pci-device-discovery.1":
    "A transitional device has PCI revision 0.",
  "transport-pci.legacy.legacy-interfaces-a-note-on-pci-device-discovery.2":
    "A transitional device gives its virtio device type as the subsystem device id.",
  "transport-pci.legacy.legacy-interfaces-a-note-on-pci-device-discovery.3":
    "A transitional device has a PCI device id between 0x1000 and 0x103f.",
  "transport-pci.device.pci-device-layout.1":
    "Both halves of a 64-bit configuration field can be accessed by themselves.",
  "transport-pci.prose.virtio-structure-pci-capabilities.1":
    "A capability is allowed to be longer than the driver knows what to do with.",
  "transport-pci.prose.virtio-structure-pci-capabilities.2":
    "A device is free to offer a structure in several places, the preferred one first.",
  "transport-pci.prose.virtio-structure-pci-capabilities.3":
    "A structure is allowed to be longer than its known fields, for padding or for later versions.",
  "transport-pci.device.virtio-structure-pci-capabilities.1":
    "cap_len counts everything in the capability, extra bytes at its end included.",
  "transport-pci.device.virtio-structure-pci-capabilities.2":
    "A device is free to make structures longer than their defined fields.",
  "transport-pci.device.common-configuration-structure-layout.1":
    "The common configuration begins at a multiple of 4 in its BAR.",
  "transport-pci.device.common-configuration-structure-layout.2":
    "There is a common configuration capability.",
  "transport-pci.device.common-configuration-structure-layout.3":
    "device_feature shows the 32 offered bits that device_feature_select chooses, and 0 for words that do not exist.",
  "transport-pci.device.common-configuration-structure-layout.4":
    "driver_feature reads back the offered bits that the driver wrote to the selected word.",
  "transport-pci.device.common-configuration-structure-layout.5":
    "Bits that were never offered are allowed to read back from driver_feature as written.",
  "transport-pci.device.common-configuration-structure-layout.6":
    "config_generation differs from before once a driver has read a configuration value that changed since its last look.",
  "transport-pci.device.common-configuration-structure-layout.7":
    "Writing 0 to device_status resets the device, and when that is over the register reads 0.",
  "transport-pci.device.common-configuration-structure-layout.8":
    "After a reset, queue_enable of every queue reads 0.",
  "transport-pci.device.common-configuration-structure-layout.9":
    "With VIRTIO_F_RING_RESET, queue_reset reads 0 once the device was reset.",
  "transport-pci.device.common-configuration-structure-layout.10":
    "With VIRTIO_F_RING_RESET, queue_reset reads 0 once a queue was enabled.",
  "transport-pci.device.common-configuration-structure-layout.11":
    "Writing 1 to queue_reset resets the selected queue.",
  "transport-pci.device.common-configuration-structure-layout.12":
    "queue_reset goes on reading 1 until the reset of the queue is over.",
  "transport-pci.device.common-configuration-structure-layout.13":
    "At the end of a queue reset, queue_reset and queue_enable both read 0.",
  "transport-pci.device.common-configuration-structure-layout.14":
    "For a queue that does not exist, queue_size reads 0.",
  "transport-pci.device.common-configuration-structure-layout.15":
    "Without packed rings, queue_size is a power of two, or 0 where there is no queue.",
  "transport-pci.device.common-configuration-structure-layout.16":
    "Administration queues are numbered behind all others, and their numbers fit into 16 bits.",
  "transport-pci.device.notification-capability.1": "There is a notification capability.",
  "transport-pci.device.notification-capability.2":
    "Without notification data, the notification structure begins at an even offset of its BAR.",
  "transport-pci.device.notification-capability.3":
    "Without notification data, notify_off_multiplier is 0 or an even power of two.",
  "transport-pci.device.notification-capability.4":
    "Without notification data, the notification structure has at least 2 bytes and room for all queues there can be.",
  "transport-pci.device.notification-capability.5":
    "Without notification data, the 2 bytes that notify a queue lie within the notification structure.",
  "transport-pci.device.notification-capability.6":
    "With notification data, notify_off_multiplier is 0 or a power of two from 4 up.",
  "transport-pci.device.notification-capability.7":
    "With notification data, the notification structure begins at a multiple of 4 in its BAR.",
  "transport-pci.device.notification-capability.8":
    "With notification data, the notification structure has at least 4 bytes and room for all queues there can be.",
  "transport-pci.device.notification-capability.9":
    "With notification data, the 4 bytes that notify a queue lie within the notification structure.",
  "transport-pci.device.isr-status-capability.1": "There is an ISR capability.",
  "transport-pci.device.isr-status-capability.2":
    "The configuration bit of the ISR status is up before a configuration change is signalled.",
  "transport-pci.device.isr-status-capability.3":
    "Without MSI-X, the queue bit of the ISR status is up before used buffers are signalled.",
  "transport-pci.device.isr-status-capability.4":
    "Without MSI-X, PCI's own status register shows an interrupt exactly while the ISR status is not 0.",
  "transport-pci.device.isr-status-capability.5": "Reading the ISR status clears it.",
  "transport-pci.prose.device-specific-configuration.1":
    "A device type with configuration fields has a device configuration capability.",
  "transport-pci.device.device-specific-configuration.1":
    "The device's own configuration begins at a multiple of 4 in its BAR.",
  "transport-pci.device.shared-memory-capability.1": "A shared memory region lies in its BAR as a whole.",
  "transport-pci.device.shared-memory-capability.2":
    "No two shared memory regions of a device have the same id.",
  "transport-pci.prose.vendor-data-capability.1":
    "Looking at a vendor's data is harmless: it changes nothing.",
  "transport-pci.device.vendor-data-capability.1":
    "Vendor data is marked with the id of its vendor, which is never virtio's 0x1af4.",
  "transport-pci.device.vendor-data-capability.2": "Vendor data is a multiple of 4 bytes long.",
  "transport-pci.device.vendor-data-capability.3":
    "Nothing happens in the device when its vendor data is read.",
  "transport-pci.device.pci-configuration-access-capability.1":
    "There is a capability for reaching the BARs through PCI configuration space.",
  "transport-pci.device.pci-configuration-access-capability.2":
    "Writing pci_cfg_data writes those bytes to the place in the BAR that the capability names.",
  "transport-pci.device.pci-configuration-access-capability.3":
    "Reading pci_cfg_data gives the bytes at the place in the BAR that the capability names.",
  "transport-pci.legacy.legacy-interfaces-a-note-on-pci-device-layout.1":
    "A transitional device has the legacy registers at the start of BAR 0, in I/O space.",
  "transport-pci.legacy.legacy-interfaces-a-note-on-pci-device-layout.3":
    "Over the legacy interface, configuration fields read and write alike in accesses of any width.",
  "transport-pci.legacy.legacy-interfaces-a-note-on-pci-device-layout.5":
    "In the legacy BAR, the device's own configuration follows directly behind the common registers.",
  "transport-pci.legacy.legacy-interfaces-a-note-on-pci-device-layout.6":
    "To a legacy driver, features from bit 32 up count as declined.",
  "transport-pci.legacy.legacy-interface-a-note-on-device-layout-detecti.1":
    "BAR 0 of a transitional device is in I/O space and shows the legacy interface.",
  "transport-pci.device.msi-x-vector-configuration.1":
    "A device with MSI-X ought to have between 2 and 2048 vectors.",
  "transport-pci.device.msi-x-vector-configuration.2":
    "The size of the MSI-X table is what its PCI capability says.",
  "transport-pci.device.msi-x-vector-configuration.3":
    "The MSI-X table ought to be no larger than is of use to the driver.",
  "transport-pci.device.msi-x-vector-configuration.4":
    "Every event can be tied to every vector of the table.",
  "transport-pci.device.msi-x-vector-configuration.5": "Every event can be untied from its vector.",
  "transport-pci.device.msi-x-vector-configuration.6":
    "The vector registers read back what an event is tied to, or NO_VECTOR.",
  "transport-pci.device.msi-x-vector-configuration.7": "After a reset, no event is tied to any vector.",
  "transport-pci.device.msi-x-vector-configuration.8":
    "Tying an event to a vector ought to succeed wherever the device can possibly do it.",
  "transport-pci.device.msi-x-vector-configuration.9":
    "A vector that could not be assigned shows as NO_VECTOR in its register.",
  "transport-pci.device.used-buffer-notifications.1":
    "With MSI-X, a queue whose vector is NO_VECTOR causes no interrupts.",
  "transport-pci.prose.notification-of-device-configuration-changes.1":
    "One interrupt is allowed to stand for used buffers and a changed configuration at once.",
  "transport-pci.device.notification-of-device-configuration-changes.1":
    "With MSI-X, configuration changes cause no interrupts while their vector is NO_VECTOR.",
} as const satisfies Readonly<Record<string, string>>;
