import type { DmaError } from "../memory/dma.ts";

/**
 * What a driver can do to a ring that no reply can repair. The queue stops, the device sets DEVICE_NEEDS_RESET,
 * the other queues go on.
 */
export type QueueFaultCode =
  /** The queue size is 0, above the maximum, or (split) no power of two. */
  | "queue-size"
  /** A ring area is not aligned as sections 2.7 and 2.8 ask. */
  | "ring-misaligned"
  /** A ring area is not wholly inside one piece of memory, or not writable where it must be. */
  | "ring-out-of-range"
  /** The available index moved further than there are descriptors, or backwards. */
  | "avail-idx-jump"
  /** A head in the available ring is not below the queue size. */
  | "head-out-of-range"
  /** A head or buffer id was made available again while the device still holds it. */
  | "buffer-in-flight"
  /** A `next` field is not below the size of its table. */
  | "next-out-of-range"
  /** The chain is longer than its table or than the device allows: a loop, or an attack. */
  | "chain-too-long"
  /** The chain holds more than 2^32 bytes. */
  | "chain-bytes-overflow"
  /** A device-readable element follows a device-writable one. */
  | "readable-after-writable"
  /** VIRTQ_DESC_F_INDIRECT without VIRTIO_F_INDIRECT_DESC. */
  | "indirect-not-negotiated"
  /** VIRTQ_DESC_F_INDIRECT inside an indirect table. */
  | "indirect-nested"
  /** VIRTQ_DESC_F_INDIRECT together with VIRTQ_DESC_F_NEXT; in a packed ring, inside a chained list. */
  | "indirect-with-next"
  /** The indirect table's length is 0 or no multiple of 16. */
  | "indirect-length"
  /** The indirect table is not in memory. */
  | "indirect-out-of-range"
  /** An element of length zero, where the policy refuses it. */
  | "zero-length"
  /** A packed list whose later descriptors were not made available. */
  | "list-incomplete"
  | DmaError;

/** A queue's end: which rule was broken, and where. */
export interface QueueFault {
  readonly code: QueueFaultCode;
  /** Head of the chain (split) or position of its first descriptor (packed); -1 when no chain is concerned. */
  readonly head: number;
  /** The offending number: an index, a flag word, a length, an address' lower half. */
  readonly value: number;
}
