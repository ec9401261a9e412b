/** What the statements on virtqueues and shared memory demand of a device, in words of our own. */
export const RINGS_DEVICE = {
  "packed-ring.device.packed-virtqueues.1":
    "Descriptors are begun in ring order, one after the other, as the driver laid them out.",
  "packed-ring.device.packed-virtqueues.2":
    "Used descriptors are written in the sequence in which their buffers were finished.",
  "packed-ring.device.packed-virtqueues.3":
    "Writes of used descriptors that were begun in order are free to land in another one.",
  "packed-ring.device.the-virtqueue-descriptor-table.1":
    "What is marked for reading stays unwritten, and what is marked for writing ought not to be read.",
  "packed-ring.device.the-virtqueue-descriptor-table.2":
    "A descriptor belongs to the device only from when its AVAIL bit has flipped.",
  "packed-ring.device.the-virtqueue-descriptor-table.3":
    "Flipping the USED bit gives a descriptor back for good: the device writes to it no more.",
  "packed-ring.device.scatter-gather-support.1":
    "The elements of a list linked with VIRTQ_DESC_F_NEXT are used one after the other, as they are linked.",
  "packed-ring.device.scatter-gather-support.2":
    "A device is free to set a maximum for how many elements a list can have.",
  "packed-ring.prose.placing-available-buffers-into-the-descriptor-ri.1":
    "A driver is free to make a whole batch visible at once, by writing the flags of its first descriptor last.",
  "packed-ring.prose.placing-available-buffers-into-the-descriptor-ri.2":
    "A device is free to take up buffers from the moment their flags say so, without waiting for a notification.",
  "packed-ring.prose.sending-available-buffer-notifications.1":
    "A device is free to ask through its event suppression structure not to be notified.",
  "packed-ring.prose.receiving-used-buffers-from-the-device.1":
    "A driver is free to turn notifications off while it collects buffers, and then has to look once more after turning them on.",
  "shared-mem.device.shared-memory-regions.1":
    "Shared memory regions are neither for controlling the device nor for streaming data to or from it.",
  "split-ring.device.message-framing.1":
    "How a message is cut into descriptors must make no difference: only the bytes in sequence count.",
  "split-ring.device.message-framing.2":
    "A device is free to refuse chains beyond a sensible number of descriptors.",
  "split-ring.device.the-virtqueue-descriptor-table.1":
    "Buffers for the device to read stay unwritten, and those for it to write ought not to be read.",
  "split-ring.device.the-virtqueue-descriptor-table.2":
    "The descriptor table is the driver's alone: a device only reads it.",
  "split-ring.device.indirect-descriptors.1":
    "VIRTQ_DESC_F_WRITE on a descriptor that points to an indirect table means nothing and is passed over.",
  "split-ring.device.indirect-descriptors.2":
    "A chain of ordinary descriptors that ends in an indirect one has to work.",
  "split-ring.device.used-buffer-notification-suppression.1":
    "Without VIRTIO_F_EVENT_IDX, whatever stands in used_event has no effect.",
  "split-ring.device.used-buffer-notification-suppression.2":
    "Without VIRTIO_F_EVENT_IDX, flags of 1 in the available ring ask for no notification of used buffers.",
  "split-ring.device.used-buffer-notification-suppression.3":
    "Without VIRTIO_F_EVENT_IDX, flags of 0 in the available ring mean that used buffers are notified.",
  "split-ring.device.used-buffer-notification-suppression.4":
    "With VIRTIO_F_EVENT_IDX, the suppression bit in the available ring's flags has no effect.",
  "split-ring.device.used-buffer-notification-suppression.5":
    "With VIRTIO_F_EVENT_IDX, filling the used entry whose index is used_event calls for a notification.",
  "split-ring.device.used-buffer-notification-suppression.6":
    "With VIRTIO_F_EVENT_IDX, used entries other than the one named in used_event ought to come silently.",
  "split-ring.device.the-virtqueue-used-ring.1":
    "The length in a used entry is in place before the used index makes that entry visible.",
  "split-ring.device.the-virtqueue-used-ring.2":
    "As many bytes as a used entry claims are really written, from the start of the writable part, before the index moves.",
  "split-ring.device.the-virtqueue-used-ring.3":
    "A device is free to write beyond the length that it reports.",
  "split-ring.device.available-buffer-notification-suppression.1":
    "Without VIRTIO_F_EVENT_IDX, flags in the used ring hold either 0 or 1.",
  "split-ring.device.available-buffer-notification-suppression.2":
    "A device is free to say with flags of 1 in the used ring that it does not need to be notified.",
  "split-ring.device.available-buffer-notification-suppression.3":
    "With VIRTIO_F_EVENT_IDX, flags in the used ring stay 0.",
  "split-ring.device.available-buffer-notification-suppression.4":
    "With VIRTIO_F_EVENT_IDX, a device is free to say in avail_event up to where it needs no notification.",
  "split-ring.device.available-buffer-notification-suppression.5":
    "A notification with nothing behind it must do no harm.",
  "split-ring.prose.supplying-buffers-to-the-device.1":
    "A driver is free to put several buffers into the ring before it moves the index.",
  "split-ring.prose.updating-the-available-ring.1":
    "A driver is free to add one chain at a time, in the simplest way.",
  "split-ring.prose.updating-the-available-ring.2":
    "A driver is free to queue many chains and show them all with one step of the index.",
  "split-ring.prose.updating-field-idx.1":
    "A device is free to take up chains from the moment the available index covers them, notified or not.",
  "split-ring.prose.notifying-the-device.1":
    "A device is free to ask for fewer notifications when they cost more than they help.",
  "split-ring.prose.receiving-used-buffers-from-the-device.1":
    "A driver is free to turn notifications off while it empties the used ring, and then has to look again after turning them on.",
} as const satisfies Readonly<Record<string, string>>;
