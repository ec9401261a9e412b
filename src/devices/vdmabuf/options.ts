import { COUNT_RULE, type OptionRules, QUEUE_SIZE_RULE } from "../../base/options.ts";
import {
  VIRTIO_VDMABUF_EVENTS,
  VIRTIO_VDMABUF_MAX_PAGES,
  VIRTIO_VDMABUF_MAX_PRIVATE_BYTES,
} from "../../wire/vdmabuf.ts";
import type { VdmabufHost } from "./host.ts";
import type { VdmabufMessageObserver } from "./observe.ts";

/** Bounds on what one guest can make the device do and keep. Each is checked before anything is allocated. */
export interface VdmabufLimits {
  /** Buffers that the host holds at a time, those included that it never releases. Default 256. */
  readonly maxBuffers: number;
  /** Pages of 4 KiB of one buffer, at most 262144. Default 65536, which is 256 MiB. */
  readonly maxPagesPerBuffer: number;
  /** Pages of all buffers together. Default 262144, which is 1 GiB. */
  readonly maxPages: number;
  /** Bytes of private data of one buffer, at most 216; 0 for none at all. Default 216. */
  readonly maxPrivateBytes: number;
  /** Messages that wait for the guest to make room in its receive queue; one more drops the oldest. Default 32. */
  readonly maxEvents: number;
  /**
   * Calls that an asynchronous importer still owes from before device resets; with so many of them no buffer is offered to
   * it until some settle. Default 256.
   */
  readonly maxAbandonedCalls: number;
}

export const DEFAULT_VDMABUF_LIMITS: VdmabufLimits = {
  maxBuffers: 256,
  maxPagesPerBuffer: 65536,
  maxPages: VIRTIO_VDMABUF_MAX_PAGES,
  maxPrivateBytes: VIRTIO_VDMABUF_MAX_PRIVATE_BYTES,
  maxEvents: VIRTIO_VDMABUF_EVENTS,
  maxAbandonedCalls: 256,
};

/** Choices for a {@link VdmabufDevice}; all have defaults. */
export interface VdmabufDeviceOptions {
  /** Who imports the buffers. VMs that share a host have different ids. Default: a host of the device's own. */
  readonly host?: VdmabufHost;
  /** Id of this VM, 1 to 2^32 - 1. Default: the first that the host has not given away. */
  readonly vmId?: number;
  readonly limits?: Partial<VdmabufLimits>;
  /** Largest size of either queue. Default 64. */
  readonly queueSize?: number;
  /** Called after every message with everything about it. Costs nothing when absent. */
  readonly onMessage?: VdmabufMessageObserver;
}

const LIMIT_RULES: OptionRules<VdmabufLimits> = {
  maxBuffers: COUNT_RULE,
  maxPagesPerBuffer: [1, VIRTIO_VDMABUF_MAX_PAGES],
  maxPages: COUNT_RULE,
  maxPrivateBytes: [0, VIRTIO_VDMABUF_MAX_PRIVATE_BYTES],
  maxEvents: [1, 65536],
  maxAbandonedCalls: COUNT_RULE,
};

export const VDMABUF_DEVICE_RULES: OptionRules<VdmabufDeviceOptions> = {
  host: { like: "a VdmabufHost", has: ["enter", "find"] },
  vmId: [1, 0xffffffff],
  limits: { fields: LIMIT_RULES },
  queueSize: QUEUE_SIZE_RULE,
  onMessage: "function",
};
