/** What the statements on the basic facilities demand of a driver, in words of our own. */
export const CONTENT_DRIVER = {
  "content.driver.device-status-field.1":
    "A driver records each finished step of the initialization by setting its bit in the status register.",
  "content.driver.device-status-field.2":
    "Status bits are only ever added: the one way to take them back is to reset the device.",
  "content.driver.device-status-field.3":
    "After FAILED, the next attempt to bring up the device has to begin with a reset.",
  "content.driver.device-status-field.4":
    "Once DEVICE_NEEDS_RESET is set, a driver ought not to count on requests being finished, or on their not being finished.",
  "content.driver.feature-bits.1":
    "Accept only features that were offered, and each of them only together with those it depends on.",
  "content.driver.feature-bits.2":
    "A driver has to read and check the offered feature bits before it chooses.",
  "content.driver.feature-bits.3":
    "Feature bits that are unknown, reserved, or meant for another transport or device type are left unaccepted.",
  "content.driver.feature-bits.4":
    "If a feature that the driver cannot do without is missing, and there is no older mode to use, it sets FAILED and stops.",
  "content.driver.feature-bits.5":
    "An offered feature that the driver has never heard of is no reason to give up.",
  "content.driver.device-reset.1":
    "A driver that resets the device ought to wait until the status register reads 0.",
  "content.driver.device-configuration-space.1":
    "Reading several configuration fields, or one wider than 32 bits, takes a check that the generation stayed the same, and a retry if not.",
  "content.driver.device-configuration-space.2":
    "A configuration field that belongs to a feature is touched only if that feature was offered.",
  "content.driver.device-configuration-space.3":
    "A configuration space, or a structure in it, that is larger than the driver knows is fine.",
  "content.driver.virtqueue-reset.1":
    "After asking for a queue reset, a driver has to look whether it has been completed.",
  "content.driver.virtqueue-re-enable.1":
    "To use a queue again after its reset, a driver sets up size and addresses from scratch, as the first time.",
  "content.driver.device-initialization.1":
    "Initialization has a fixed order: reset, ACKNOWLEDGE, DRIVER, features, FEATURES_OK and its check, setup, DRIVER_OK.",
  "content.driver.device-initialization.2":
    "While features are being negotiated, a driver may look at configuration fields and writes none.",
  "content.driver.device-initialization.3":
    "With FEATURES_OK set, the choice of features is final until the next reset.",
  "content.driver.device-initialization.4":
    "A driver that gives up on a device ought to set FAILED, so that the device learns of it.",
  "content.driver.device-initialization.5":
    "When a step of the initialization has failed for good, the later ones are not taken.",
  "content.driver.device-initialization.6": "No queue is notified before DRIVER_OK is set.",
  "content.driver.device-cleanup.1":
    "A buffer that the device has and did not return yet is off limits: its ring entries stay as they are while the queue is live.",
  "content.driver.device-cleanup.2":
    "Buffers that the device still holds are taken back only after its queue was stopped by a reset.",
  "content.driver.device-suspend.1":
    "SUSPEND ought to be set only where VIRTIO_F_SUSPEND was negotiated and the device is running.",
  "content.driver.device-suspend.2":
    "After setting SUSPEND, a driver reads the status back until SUSPEND is 1 and DRIVER_OK is 0.",
  "content.driver.device-suspend.3": "While the device is suspended, no new buffers are given to it.",
  "content.driver.device-suspend.4": "While the device is suspended, its queues are not notified.",
  "content.driver.device-suspend.5":
    "While the device is suspended, nothing of its configuration is written but the status.",
  "content.driver.device-suspend.6":
    "To resume, a driver sets DRIVER_OK and then waits until the status shows that bit and no SUSPEND before it works on.",
  "content.driver.reserved-feature-bits.1": "Where VIRTIO_F_VERSION_1 is offered, it has to be accepted.",
  "content.driver.reserved-feature-bits.4":
    "Without VIRTIO_F_ACCESS_PLATFORM, every address that the device gets is a physical one.",
  "content.driver.reserved-feature-bits.5": "Packed rings ought to be chosen wherever a device offers them.",
  "content.driver.reserved-feature-bits.6":
    "VIRTIO_F_ORDER_PLATFORM ought to be accepted wherever a device offers it.",
  "content.driver.reserved-feature-bits.9":
    "VIRTIO_F_SR_IOV is accepted only of PCI devices that have the SR-IOV capability.",
  "content.driver.reserved-feature-bits.10":
    "Virtual functions are enabled only after VIRTIO_F_SR_IOV was negotiated and FEATURES_OK read back.",
  "content.driver.reserved-feature-bits.12":
    "VIRTIO_F_NOTIF_CONFIG_DATA ought to be accepted wherever a device offers it.",
  "content.legacy.legacy-interface-reserved-feature-bits.3":
    "VIRTIO_F_ANY_LAYOUT, bit 27, is always offered by transitional devices, and accepted by transitional drivers that see it.",
  "content.legacy.legacy-interface-reserved-feature-bits.4":
    "Feature bit 30 marks drivers of the experimental days and ought to be left alone.",
} as const satisfies Readonly<Record<string, string>>;
