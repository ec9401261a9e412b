import {
  VIRTIO_ID_9P,
  VIRTIO_ID_BALLOON,
  VIRTIO_ID_BLOCK,
  VIRTIO_ID_CONSOLE,
  VIRTIO_ID_NET,
  VIRTIO_ID_RNG,
  VIRTIO_ID_SCSI,
} from "../../wire/common.ts";
import {
  VIRTIO_TRANS_ID_9P,
  VIRTIO_TRANS_ID_BALLOON,
  VIRTIO_TRANS_ID_BLOCK,
  VIRTIO_TRANS_ID_CONSOLE,
  VIRTIO_TRANS_ID_NET,
  VIRTIO_TRANS_ID_RNG,
  VIRTIO_TRANS_ID_SCSI,
} from "../../wire/pci.ts";

/** Virtio device id and transitional PCI device id (virtio 1.4, section 4.1.2). */
const TRANSITIONAL: readonly (readonly [number, number])[] = [
  [VIRTIO_ID_NET, VIRTIO_TRANS_ID_NET],
  [VIRTIO_ID_BLOCK, VIRTIO_TRANS_ID_BLOCK],
  [VIRTIO_ID_BALLOON, VIRTIO_TRANS_ID_BALLOON],
  [VIRTIO_ID_CONSOLE, VIRTIO_TRANS_ID_CONSOLE],
  [VIRTIO_ID_SCSI, VIRTIO_TRANS_ID_SCSI],
  [VIRTIO_ID_RNG, VIRTIO_TRANS_ID_RNG],
  [VIRTIO_ID_9P, VIRTIO_TRANS_ID_9P],
];

/** The transitional PCI device id of a virtio device; -1 when there is none. */
export function transitionalPciId(deviceId: number): number {
  return TRANSITIONAL.find(([id]) => id === deviceId)?.[1] ?? -1;
}

/** The virtio device with a transitional PCI device id; -1 when it is none. */
export function virtioIdOfTransitional(pciId: number): number {
  return TRANSITIONAL.find(([, id]) => id === pciId)?.[0] ?? -1;
}
