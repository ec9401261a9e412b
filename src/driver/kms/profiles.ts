import { VirtioUsageError } from "../../base/errors.ts";
import {
  VIRTIO_F_IN_ORDER,
  VIRTIO_F_NOTIF_CONFIG_DATA,
  VIRTIO_F_NOTIFICATION_DATA,
  VIRTIO_F_SUSPEND,
} from "../../wire/common.ts";

/** The kernels whose driver is modelled. */
export const LINUX_PROFILE_NAMES = ["linux-6.1", "linux-6.12", "linux-7.3"] as const;

/** A kernel whose driver is modelled. */
export type LinuxProfileName = (typeof LINUX_PROFILE_NAMES)[number];

/** Where the kernels differ. */
export interface LinuxProfile {
  readonly name: LinuxProfileName;
  /**
   * A plane whose framebuffer changed once takes damage no longer into account: the mark "ignore damage clips" is set
   * with the change and is never taken back.
   */
  readonly forgetsDamage: boolean;
  /** Atomic commits may carry FB_DAMAGE_CLIPS. */
  readonly hasDamageProperty: boolean;
  /** A commit waits for whoever still writes to the framebuffer's buffer. */
  readonly hasImplicitSync: boolean;
  /** Buffers of other devices can be imported, as blobs. */
  readonly importsForeign: boolean;
  /** Without scanouts the driver works without mode setting, instead of failing to probe. */
  readonly worksWithoutScanouts: boolean;
  /** The handler of a display event waits for the answer before it announces the change and clears the event. */
  readonly eventWaitsForAnswer: boolean;
  /** VIRTIO_GPU_F_BLOB_ALIGNMENT is understood. */
  readonly hasBlobAlignment: boolean;
  /** The highest VIRTGPU_PARAM_*. */
  readonly lastParam: number;
  /** Feature bits outside of the device type that the kernel's virtio core does not accept. */
  readonly refuse: readonly number[];
}

const PROFILES: Readonly<Record<LinuxProfileName, LinuxProfile>> = {
  "linux-6.1": {
    name: "linux-6.1",
    forgetsDamage: false,
    hasDamageProperty: false,
    hasImplicitSync: false,
    importsForeign: false,
    worksWithoutScanouts: false,
    eventWaitsForAnswer: false,
    hasBlobAlignment: false,
    lastParam: 7,
    refuse: [VIRTIO_F_IN_ORDER, VIRTIO_F_NOTIFICATION_DATA, VIRTIO_F_NOTIF_CONFIG_DATA, VIRTIO_F_SUSPEND],
  },
  "linux-6.12": {
    name: "linux-6.12",
    forgetsDamage: true,
    hasDamageProperty: true,
    hasImplicitSync: false,
    importsForeign: false,
    worksWithoutScanouts: true,
    eventWaitsForAnswer: true,
    hasBlobAlignment: false,
    lastParam: 8,
    refuse: [VIRTIO_F_IN_ORDER, VIRTIO_F_NOTIF_CONFIG_DATA, VIRTIO_F_SUSPEND],
  },
  "linux-7.3": {
    name: "linux-7.3",
    forgetsDamage: true,
    hasDamageProperty: true,
    hasImplicitSync: true,
    importsForeign: true,
    worksWithoutScanouts: true,
    eventWaitsForAnswer: true,
    hasBlobAlignment: true,
    lastParam: 9,
    refuse: [VIRTIO_F_NOTIF_CONFIG_DATA, VIRTIO_F_SUSPEND],
  },
};

/** A profile by its name; throws {@link VirtioUsageError} when there is none. */
export function linuxProfile(name: string): LinuxProfile {
  const known = LINUX_PROFILE_NAMES.find((candidate) => candidate === name);
  if (known === undefined) {
    throw new VirtioUsageError(`no profile "${name}"; there are ${LINUX_PROFILE_NAMES.join(", ")}`);
  }
  return PROFILES[known];
}
