import { VirtioUsageError } from "../../base/errors.ts";
import {
  VIRTIO_F_IN_ORDER,
  VIRTIO_F_NOTIF_CONFIG_DATA,
  VIRTIO_F_NOTIFICATION_DATA,
  VIRTIO_F_SUSPEND,
} from "../../wire/common.ts";

/**
 * The kernels whose driver is modelled. A name without a point release stands for the one that was observed, see
 * {@link LinuxProfile.release}; where a later one of the series differs it has a name of its own.
 */
export const LINUX_PROFILE_NAMES = ["linux-6.1", "linux-6.12", "linux-6.12.117", "linux-7.3"] as const;

/**
 * A kernel whose driver is modelled: `linux-6.1` is 6.1.192, `linux-6.12` is 6.12.107, `linux-7.3` is 7.3.4;
 * `linux-6.12.117` is that one, which waits for the writers of a buffer before it shows it, as later kernels do.
 */
export type LinuxProfileName = (typeof LINUX_PROFILE_NAMES)[number];

/** Where the kernels differ. */
export interface LinuxProfile {
  readonly name: LinuxProfileName;
  /** The point release that was observed. */
  readonly release: string;
  /**
   * A plane whose framebuffer changed once takes damage no longer into account: the mark "ignore damage clips" is set
   * with the change and is never taken back.
   */
  readonly forgetsDamage: boolean;
  /** Atomic commits may carry FB_DAMAGE_CLIPS. */
  readonly hasDamageProperty: boolean;
  /** Hot spots are a property of cursor planes; before, of the framebuffers that the cursor calls make. */
  readonly hasHotspotProperty: boolean;
  /** CRTCs have a timer instead of vertical blanks: frames are paced, and counted. */
  readonly hasVblankTimer: boolean;
  /** There are sync objects. */
  readonly hasSyncObjects: boolean;
  /** DRM_CAP_ATOMIC_ASYNC_PAGE_FLIP is known. */
  readonly knowsAtomicAsyncFlip: boolean;
  /** DRM_CLIENT_CAP_PLANE_COLOR_PIPELINE is known. */
  readonly knowsColorPipeline: boolean;
  /** DRM_IOCTL_MODE_CLOSEFB is known. */
  readonly hasCloseFb: boolean;
  /** A commit waits until nobody writes to the framebuffer's buffer any more: since 6.12.117 in its series. */
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

const LINUX_6_12: LinuxProfile = {
  name: "linux-6.12",
  release: "6.12.107",
  forgetsDamage: true,
  hasDamageProperty: true,
  hasHotspotProperty: true,
  hasVblankTimer: false,
  hasSyncObjects: true,
  knowsAtomicAsyncFlip: true,
  knowsColorPipeline: false,
  hasCloseFb: true,
  hasImplicitSync: false,
  importsForeign: false,
  worksWithoutScanouts: true,
  eventWaitsForAnswer: true,
  hasBlobAlignment: false,
  lastParam: 8,
  refuse: [VIRTIO_F_IN_ORDER, VIRTIO_F_NOTIF_CONFIG_DATA, VIRTIO_F_SUSPEND],
};

const PROFILES: Readonly<Record<LinuxProfileName, LinuxProfile>> = {
  "linux-6.1": {
    name: "linux-6.1",
    release: "6.1.192",
    forgetsDamage: false,
    hasDamageProperty: false,
    hasHotspotProperty: false,
    hasVblankTimer: false,
    hasSyncObjects: false,
    knowsAtomicAsyncFlip: false,
    knowsColorPipeline: false,
    hasCloseFb: false,
    hasImplicitSync: false,
    importsForeign: false,
    worksWithoutScanouts: false,
    eventWaitsForAnswer: false,
    hasBlobAlignment: false,
    lastParam: 7,
    refuse: [VIRTIO_F_IN_ORDER, VIRTIO_F_NOTIFICATION_DATA, VIRTIO_F_NOTIF_CONFIG_DATA, VIRTIO_F_SUSPEND],
  },
  "linux-6.12": LINUX_6_12,
  "linux-6.12.117": { ...LINUX_6_12, name: "linux-6.12.117", release: "6.12.117", hasImplicitSync: true },
  "linux-7.3": {
    name: "linux-7.3",
    release: "7.3.4",
    forgetsDamage: true,
    hasDamageProperty: true,
    hasHotspotProperty: true,
    hasVblankTimer: true,
    hasSyncObjects: true,
    knowsAtomicAsyncFlip: true,
    knowsColorPipeline: true,
    hasCloseFb: true,
    hasImplicitSync: true,
    importsForeign: true,
    worksWithoutScanouts: true,
    eventWaitsForAnswer: true,
    hasBlobAlignment: true,
    lastParam: 9,
    refuse: [VIRTIO_F_NOTIF_CONFIG_DATA, VIRTIO_F_SUSPEND],
  },
};

/**
 * A profile by its name; throws {@link VirtioUsageError} when there is none.
 *
 * @example
 * ```ts
 * linuxProfile("linux-6.12").name; // "linux-6.12"
 * ```
 */
export function linuxProfile(name: string): LinuxProfile {
  const known = LINUX_PROFILE_NAMES.find((candidate) => candidate === name);
  if (known === undefined) {
    throw new VirtioUsageError(`no profile "${name}"; there are ${LINUX_PROFILE_NAMES.join(", ")}`);
  }
  return PROFILES[known];
}
