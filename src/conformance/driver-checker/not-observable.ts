/** A statement that binds drivers and that nobody can see kept or broken from the device's side. */
export interface NotObservable {
  readonly clause: string;
  readonly reason: string;
}

const BARRIER =
  "a memory barrier leaves no trace in memory or registers, and on the thread of the checker everything is in order";
const LEGACY =
  "binds drivers only while they use the legacy interface, which the checker does not watch: it stands in front of the interface of version 1";

/** Statements that the driver checker cannot judge, reviewed one by one. */
export const NOT_OBSERVABLE_OF_DRIVERS: readonly NotObservable[] = [
  {
    clause: "content.driver.device-configuration-space.4",
    reason:
      "how a driver compares a size with what it needs cannot be seen, only whether it refuses the device",
  },
  {
    clause: "content.driver.reserved-feature-bits.3",
    reason: "the configuration of an IOMMU is not part of the device",
  },
  { clause: "content.driver.reserved-feature-bits.7", reason: BARRIER },
  { clause: "content.legacy.legacy-interface-device-configuration-space.1", reason: LEGACY },
  { clause: "content.legacy.legacy-interface-device-initialization.1", reason: LEGACY },
  { clause: "content.legacy.legacy-interface-reserved-feature-bits.3", reason: LEGACY },
  { clause: "split-ring.legacy.legacy-interfaces-a-note-on-virtqueue-layout.1", reason: LEGACY },
  { clause: "split-ring.legacy.legacy-interfaces-a-note-on-virtqueue-layout.2", reason: LEGACY },
  { clause: "split-ring.legacy.legacy-interfaces-a-note-on-virtqueue-endianness.1", reason: LEGACY },
  {
    clause: "split-ring.driver.used-buffer-notification-suppression.5",
    reason: "to handle a spurious notification well is to do nothing that the device could see",
  },
  {
    clause: "split-ring.driver.the-virtqueue-used-ring.1",
    reason: "what a driver reads from its own memory, and believes of it, cannot be seen",
  },
  { clause: "split-ring.driver.updating-idx.1", reason: BARRIER },
  { clause: "split-ring.driver.notifying-the-device.1", reason: BARRIER },
  {
    clause: "packed-ring.driver.scatter-gather-support.1",
    reason: "the devices of these areas allow lists up to the Queue Size, about which another statement is",
  },
  { clause: "packed-ring.driver.updating-flags.1", reason: BARRIER },
  { clause: "packed-ring.prose.implementation-example.1", reason: BARRIER },
  {
    clause: "transport-mmio.driver.notifications-from-the-device.2",
    reason:
      "at which of its queues a driver looks upon an interrupt is in its own memory, and cannot be seen",
  },
  {
    clause: "transport-pci.driver.virtio-structure-pci-capabilities.5",
    reason: "how much of a structure a driver maps leaves no trace in the device",
  },
  {
    clause: "entropy.driver.device-operation.2",
    reason: "what a driver reads from the used ring, and makes of it, cannot be seen",
  },
];
