/** What the statements on virtqueues demand of a driver, in words of our own. */
export const RINGS_DRIVER = {
  "packed-ring.driver.packed-virtqueues.1":
    "Alignment of a packed queue: 16 bytes for the descriptor ring, 4 for each of the event suppression structures.",
  "packed-ring.driver.the-virtqueue-descriptor-table.1":
    "A descriptor becomes the driver's again only when the USED bit has flipped; until then it stays as it is.",
  "packed-ring.driver.the-virtqueue-descriptor-table.2":
    "Flipping the AVAIL bit hands a descriptor over: from then on the driver leaves it alone.",
  "packed-ring.driver.the-virtqueue-descriptor-table.3":
    "Notification data gives as next_off and next_wrap the place where the driver is going to write next.",
  "packed-ring.driver.scatter-gather-support.2":
    "A list has at most as many elements as the queue has descriptors.",
  "packed-ring.driver.scatter-gather-support.3":
    "In a list, what the device reads comes first and what it writes comes last.",
  "packed-ring.driver.scatter-gather-support.4":
    "A list has to fit into the free part of the ring as a whole: nobody may wait for the device to make room halfway.",
  "packed-ring.driver.scatter-gather-support.5":
    "A driver makes sure before it hands over a list's head that all of the list has room in the ring.",
  "packed-ring.driver.scatter-gather-support.6":
    "A list's head is handed over last, when all its other descriptors are ready.",
  "packed-ring.driver.indirect-descriptors.1":
    "Indirect tables are for queues where VIRTIO_F_INDIRECT_DESC was accepted.",
  "packed-ring.driver.indirect-descriptors.2":
    "Entries of an indirect table have one flag at most, VIRTQ_DESC_F_WRITE.",
  "packed-ring.driver.indirect-descriptors.3":
    "A chain, with its indirect table, stays within the number of descriptors that the device takes.",
  "packed-ring.driver.indirect-descriptors.4":
    "An indirect descriptor stands alone: it is never part of a list made with VIRTQ_DESC_F_NEXT.",
  "split-ring.driver.virtqueues.1":
    "Alignment of a split queue: 16 bytes for the descriptor table, 2 for the available ring, 4 for the used ring.",
  "split-ring.legacy.legacy-interfaces-a-note-on-virtqueue-layout.2":
    "Over the legacy interface a queue is one block: table, available ring, padding up to the alignment, used ring.",
  "split-ring.legacy.legacy-interfaces-a-note-on-virtqueue-endianness.1":
    "Over the legacy interface, rings and their fields are in the guest's own byte order.",
  "split-ring.driver.message-framing.1":
    "In a chain, what the device reads comes first and what it writes comes last.",
  "split-ring.driver.message-framing.2":
    "A buffer ought not to be cut into far more descriptors than it takes.",
  "split-ring.driver.the-virtqueue-descriptor-table.1":
    "A chain describes at most 4 GiB, and therefore never goes in circles.",
  "split-ring.driver.the-virtqueue-descriptor-table.2":
    "With VIRTIO_F_IN_ORDER, linked descriptors lie next to each other in the table, with 0 following the last entry.",
  "split-ring.driver.indirect-descriptors.1":
    "Indirect tables are for drivers that accepted VIRTIO_F_INDIRECT_DESC.",
  "split-ring.driver.indirect-descriptors.2":
    "An indirect table cannot lead to another one: tables do not nest.",
  "split-ring.driver.indirect-descriptors.3":
    "A chain has at most as many descriptors as the queue has entries.",
  "split-ring.driver.indirect-descriptors.4":
    "An indirect descriptor ends its chain: it is not linked to a next one.",
  "split-ring.driver.indirect-descriptors.5":
    "With VIRTIO_F_IN_ORDER, the entries of an indirect table follow each other: 1 after 0, 2 after 1.",
  "split-ring.driver.the-virtqueue-available-ring.1":
    "The available index only counts up: buffers once shown cannot be withdrawn.",
  "split-ring.driver.used-buffer-notification-suppression.1":
    "Without VIRTIO_F_EVENT_IDX, flags in the available ring hold either 0 or 1.",
  "split-ring.driver.used-buffer-notification-suppression.3":
    "With VIRTIO_F_EVENT_IDX, flags in the available ring stay 0.",
  "split-ring.driver.available-buffer-notification-suppression.1":
    "A new used ring starts out with its flags at 0.",
  "split-ring.driver.available-buffer-notification-suppression.2":
    "Without VIRTIO_F_EVENT_IDX, whatever stands in avail_event has no effect.",
  "split-ring.driver.available-buffer-notification-suppression.3":
    "Without VIRTIO_F_EVENT_IDX, flags of 1 in the used ring ask drivers to notify no more.",
  "split-ring.driver.available-buffer-notification-suppression.4":
    "Without VIRTIO_F_EVENT_IDX, flags of 0 in the used ring mean that new buffers have to be notified.",
  "split-ring.driver.available-buffer-notification-suppression.5":
    "With VIRTIO_F_EVENT_IDX, the suppression bit in the used ring's flags has no effect.",
  "split-ring.driver.available-buffer-notification-suppression.6":
    "With VIRTIO_F_EVENT_IDX, filling the available entry whose index is avail_event calls for a notification.",
  "split-ring.driver.available-buffer-notification-suppression.7":
    "With VIRTIO_F_EVENT_IDX, available entries other than the one named in avail_event ought to come silently.",
} as const satisfies Readonly<Record<string, string>>;
