import type { WorkBudget } from "../base/work-budget.ts";
import { MAX_QUEUE_SIZE, type QueueOptions } from "../virtqueue/config.ts";
import {
  VIRTIO_F_EVENT_IDX,
  VIRTIO_F_IN_ORDER,
  VIRTIO_F_INDIRECT_DESC,
  VIRTIO_F_NOTIFY_ON_EMPTY,
} from "../wire/common.ts";
import type { VirtioDeviceOptions } from "./device-options.ts";
import type { DevicePolicy } from "./policy.ts";

/** What a queue needs to know of what is negotiated, of the profile and of the embedder's choices. */
export function queueOptions(
  hasFeature: (bit: number) => boolean,
  policy: DevicePolicy,
  options: VirtioDeviceOptions,
  budget: WorkBudget,
): QueueOptions {
  return {
    indirectDesc: hasFeature(VIRTIO_F_INDIRECT_DESC) || policy.indirectUnnegotiated === "accept",
    eventIdx: hasFeature(VIRTIO_F_EVENT_IDX),
    inOrder: hasFeature(VIRTIO_F_IN_ORDER),
    notifyOnEmpty: hasFeature(VIRTIO_F_NOTIFY_ON_EMPTY),
    maxSize: MAX_QUEUE_SIZE,
    maxChainElements: options.maxChainElements ?? 1024,
    zeroLengthElement: policy.zeroLengthElement,
    indirectWithNext: policy.indirectWithNext,
    ringAlignment: policy.ringAlignment,
    suppressWhileDraining:
      options.suppressWhileDraining ?? options.memory.regions.some((region) => region.shared),
    inOrderBatching: options.inOrderBatching ?? true,
    budget,
  };
}

/** What of a size a driver is shown, so that it can use it: split rings have a power of two of entries. */
export function usableSize(size: number, packed: boolean): number {
  return size === 0 || packed ? size : 2 ** (31 - Math.clz32(size));
}
