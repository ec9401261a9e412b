import { VirtioUsageError } from "../../base/errors.ts";
import type { CompleteDeviceType } from "../../device/complete-type.ts";
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
  VIRTIO_PCI_LEGACY_CFG,
  VIRTIO_TRANS_ID_9P,
  VIRTIO_TRANS_ID_BALLOON,
  VIRTIO_TRANS_ID_BLOCK,
  VIRTIO_TRANS_ID_CONSOLE,
  VIRTIO_TRANS_ID_NET,
  VIRTIO_TRANS_ID_RNG,
  VIRTIO_TRANS_ID_SCSI,
} from "../../wire/pci.ts";
import type { PciTransportOptions } from "./options.ts";

const TRANSITIONAL_IDS: Readonly<Record<number, number>> = {
  [VIRTIO_ID_NET]: VIRTIO_TRANS_ID_NET,
  [VIRTIO_ID_BLOCK]: VIRTIO_TRANS_ID_BLOCK,
  [VIRTIO_ID_BALLOON]: VIRTIO_TRANS_ID_BALLOON,
  [VIRTIO_ID_CONSOLE]: VIRTIO_TRANS_ID_CONSOLE,
  [VIRTIO_ID_SCSI]: VIRTIO_TRANS_ID_SCSI,
  [VIRTIO_ID_RNG]: VIRTIO_TRANS_ID_RNG,
  [VIRTIO_ID_9P]: VIRTIO_TRANS_ID_9P,
};

/** Room that the legacy interface needs in BAR 0: all that can ever be behind it. */
export function legacyBytes(type: CompleteDeviceType): number {
  return VIRTIO_PCI_LEGACY_CFG.sizeBytes + type.configLengthBytes;
}

/**
 * PCI device id by which legacy drivers know a device of the type (virtio 1.4, section 4.1.2). Throws
 * {@link VirtioUsageError} when there is none, or an option contradicts what they go by.
 */
export function transitionalId({ name, deviceId }: CompleteDeviceType, options: PciTransportOptions): number {
  const id = TRANSITIONAL_IDS[deviceId];
  if (id === undefined) {
    throw new VirtioUsageError(`${name}: device type ${deviceId} is younger than the legacy interface`);
  }
  const { revisionId = 0, subsystemId = deviceId } = options;
  if (revisionId !== 0 || subsystemId !== deviceId) {
    throw new VirtioUsageError(
      "a transitional device has revision id 0 and its device type as subsystem id; leave both options out",
    );
  }
  if (options.express) {
    throw new VirtioUsageError(
      "a PCI Express function of this kind has no I/O BAR, as a transitional device must",
    );
  }
  return id;
}
