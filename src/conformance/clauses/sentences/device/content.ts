/** What the statements on the basic facilities demand of a device, in words of our own. */
export const CONTENT_DEVICE = {
  "content.device.device-status-field.1":
    "Until DRIVER_OK is set, a device leaves every queue alone: it takes no buffer and raises no used-buffer notification.",
  "content.device.device-status-field.2":
    "A device in trouble that only a reset can end ought to say so with DEVICE_NEEDS_RESET.",
  "content.device.device-status-field.3":
    "Raising DEVICE_NEEDS_RESET while DRIVER_OK is set comes with a configuration change notification, so that the driver looks.",
  "content.device.feature-bits.1":
    "Whatever an offered feature depends on has to be among the offered features, too.",
  "content.device.feature-bits.2":
    "If the device cannot work with the features that were chosen, FEATURES_OK has to read back clear after the driver set it.",
  "content.device.feature-bits.3":
    "Only features that the device can really provide may be offered; reserved and unknown bits stay 0.",
  "content.device.feature-bits.4":
    "Features that were agreed on once ought to be agreed on again after a reset.",
  "content.device.feature-bits.5":
    "A transitional driver takes a device for a legacy one exactly when VIRTIO_F_VERSION_1 is missing from the offer.",
  "content.device.feature-bits.6":
    "A transitional device takes a driver for a legacy one exactly when that driver did not accept VIRTIO_F_VERSION_1.",
  "content.device.feature-bits.7":
    "Nobody has to support the legacy interface: a device without it conforms as well.",
  "content.device.feature-bits.8":
    "While the legacy interface is in use, a transitional device follows the rules of the legacy sections.",
  "content.device.device-reset.1": "After a reset the status register has to read 0.",
  "content.device.device-reset.2":
    "Once a reset shows as complete (status 0), the device is quiet: no notification and no access to queues until it is set up anew.",
  "content.device.device-configuration-space.1":
    "Configuration fields of every offered feature have to be readable before the driver has set FEATURES_OK.",
  "content.device.virtqueue-reset.1":
    "A queue that was reset is dead: none of its requests are carried out and none of its notifications sent.",
  "content.device.virtqueue-reset.2":
    "A queue reset puts the queue's whole state back to what it was at the start, both indexes included.",
  "content.device.virtqueue-re-enable.1":
    "When a queue is enabled again, the device works with its new settings: size and addresses may differ from before.",
  "content.prose.exporting-objects.1":
    "UUIDs of exported objects ought to be random ones, version 4 of RFC 4122.",
  "content.legacy.legacy-interface-device-initialization.2":
    "A transitional device puts up with writes to its configuration fields that come before feature negotiation.",
  "content.legacy.legacy-interface-device-initialization.3":
    "A transitional device serves a legacy driver that uses queues without having set DRIVER_OK yet.",
  "content.device.device-suspend.1":
    "Before initialization is complete, writing the SUSPEND bit has no effect.",
  "content.device.device-suspend.2":
    "A suspended device ought to let writes to its configuration have no effect, the status register excepted.",
  "content.device.device-suspend.3":
    "A suspended device keeps still: no queue is touched, no virtqueue notification sent, no configuration field changed.",
  "content.device.device-suspend.4":
    "Configuration changes that happen during suspension are not announced while it lasts.",
  "content.device.device-suspend.5":
    "Configuration changes held back during suspension are announced as soon as the device runs again.",
  "content.device.device-suspend.6":
    "Told to suspend, a device either does it or, where that fails, sets DEVICE_NEEDS_RESET.",
  "content.device.device-suspend.7":
    "Told to resume with DRIVER_OK, a suspended device either runs again or sets DEVICE_NEEDS_RESET.",
  "content.device.device-suspend.8":
    "Before the status says that the device is suspended, it ought to have brought its pending work to an end.",
  "content.device.reserved-feature-bits.1": "VIRTIO_F_VERSION_1 is always offered.",
  "content.device.reserved-feature-bits.2":
    "A device is free to stop working for a driver that declines VIRTIO_F_VERSION_1.",
  "content.device.reserved-feature-bits.3":
    "A device whose view of memory is translated or restricted by the platform ought to offer VIRTIO_F_ACCESS_PLATFORM.",
  "content.device.reserved-feature-bits.4":
    "A device that needs VIRTIO_F_ACCESS_PLATFORM is free to refuse work without it.",
  "content.device.reserved-feature-bits.5":
    "With VIRTIO_F_IN_ORDER, buffers come back in exactly the sequence in which they were made available.",
  "content.device.reserved-feature-bits.6":
    "A device that offers VIRTIO_F_ORDER_PLATFORM is free to refuse a driver that declines it.",
  "content.device.reserved-feature-bits.7":
    "Declining VIRTIO_F_ORDER_PLATFORM is allowed to make the device slower.",
  "content.device.reserved-feature-bits.9":
    "VIRTIO_F_SR_IOV is for PCI devices that have the SR-IOV capability; no others offer it.",
  "content.legacy.legacy-interface-reserved-feature-bits.1":
    "A transitional device is free to offer VIRTIO_F_NOTIFY_ON_EMPTY, feature bit 24.",
  "content.legacy.legacy-interface-reserved-feature-bits.2":
    "With VIRTIO_F_NOTIFY_ON_EMPTY, running out of available buffers is always notified, even if the driver suppresses notifications.",
} as const satisfies Readonly<Record<string, string>>;
