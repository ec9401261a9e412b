import type { DmaBuffer, GuestAllocator } from "../allocator.ts";
import type { ElementList } from "./elements.ts";

/** What a device did to a ring that it must not. The ring stops; a reset brings it back. */
export type RingViolationCode =
  /** The used index moved further than there are buffers with the device, or backwards. */
  | "used-idx-jump"
  /** The id is not below the queue size. */
  | "used-id-out-of-range"
  /** The id is of a buffer the device does not hold: returned twice, or never made available. */
  | "used-id-not-in-flight"
  /** More bytes written than the buffer has room for. */
  | "used-length";

/** Which rule the device broke, and with what. */
export interface RingViolation {
  readonly code: RingViolationCode;
  /** The offending id, length or index. */
  readonly value: number;
}

/** Where the three parts of a ring lie. */
export interface RingMemory {
  /** Descriptor table or descriptor ring. */
  readonly desc: DmaBuffer;
  /** Available ring, or driver event suppression structure. */
  readonly driver: DmaBuffer;
  /** Used ring, or device event suppression structure. */
  readonly device: DmaBuffer;
}

/** What was negotiated, and the driver's own choices, as far as a ring cares. */
export interface DriverRingOptions {
  readonly format: "split" | "packed";
  /** Number of entries, 1 … 32768; a power of two in the split format. */
  readonly size: number;
  /** VIRTIO_F_INDIRECT_DESC. Default false. */
  readonly indirectDesc?: boolean;
  /** VIRTIO_F_EVENT_IDX. Default false. */
  readonly eventIdx?: boolean;
  /** VIRTIO_F_IN_ORDER. Default false. */
  readonly inOrder?: boolean;
  /**
   * Most elements of a chain that goes through an indirect table. Default: the queue size, which the specification
   * asks of drivers; Linux goes beyond it.
   */
  readonly maxIndirectElements?: number;
  /**
   * A device that claims to have written more than there was room for: `fault` stops the ring, `clamp` takes the
   * room for the length. Default `fault`.
   */
  readonly excessLength?: "fault" | "clamp";
}

/** Let the ring choose: an indirect table for more than one element if negotiated, else direct descriptors. */
export const SHAPE_AUTO = -1;
/** All elements in an indirect table. */
export const SHAPE_INDIRECT = 0;
/** All elements in direct descriptors. */
export const SHAPE_DIRECT = 0x7fffffff;

/**
 * The driver's side of a virtqueue, the same for both formats. Buffers are told apart by tokens: small numbers below
 * the queue size (descriptor index or buffer id) with which a caller can index arrays of its own. What the device
 * can rewrite is never read back: lengths of chains, links and free lists live in private copies.
 *
 * The way of a buffer: {@link add} … {@link publish}, {@link shouldNotify}, {@link pollUsed}.
 */
export interface DriverRing {
  readonly format: "split" | "packed";
  readonly size: number;
  readonly memory: RingMemory;
  /** Descriptors free for new buffers. */
  readonly freeSlots: number;
  /** Buffers added and not yet returned. */
  readonly inFlight: number;
  /** Buffers added that the device does not see yet. */
  readonly unpublished: number;
  /** Set once the device broke a rule; from then on {@link add} and {@link pollUsed} throw. */
  readonly violation: RingViolation | null;
  /** Bytes the device wrote into the buffer that {@link pollUsed} returned last. */
  readonly lastWritten: number;

  /**
   * Adds a buffer; the device sees it after {@link publish}. Returns its token, or -1 when there is no room now.
   *
   * `shape` is {@link SHAPE_AUTO}, {@link SHAPE_INDIRECT}, {@link SHAPE_DIRECT}, or, in the split format, how many
   * elements get direct descriptors before the rest goes into an indirect table. Throws `DriverError` EINVAL for what
   * a driver must not do (no element, a chain longer than the queue, an indirect table without the feature), EIO
   * after a violation, ENOMEM when there is no memory for an indirect table.
   */
  add(elements: ElementList, shape?: number): number;
  /** Makes everything added visible to the device. */
  publish(): void;
  /** After {@link publish}: true when the device wants a notification for what was published since the last call. */
  shouldNotify(): boolean;
  /** Bits 16 … 31 of a notification with VIRTIO_F_NOTIFICATION_DATA: `next_off` and `next_wrap`. */
  notificationData(): number;
  /**
   * The token of the next buffer the device returned, or -1. {@link lastWritten} then holds the bytes written. Throws
   * `DriverError` EIO when the device broke a rule.
   */
  pollUsed(): number;
  /** True when {@link pollUsed} would have something to say. */
  hasUsed(): boolean;
  /**
   * Asks for a notification once `buffers` more buffers were used (more than one has an effect with EVENT_IDX only).
   * Returns true when used buffers are waiting already, so that the caller polls once more.
   */
  enableNotifications(buffers?: number): boolean;
  /** Asks the device not to notify. A hint: spurious notifications may still come. */
  disableNotifications(): void;
  /** Calls `take` with the token of every buffer not returned: after a reset, to give them up. */
  forEachInFlight(take: (token: number) => void): void;
  /**
   * Back to the beginning, with zeroed ring memory; everything in flight is forgotten. Only while the device does
   * not use the ring. [content.driver.device-cleanup.2]
   */
  reset(): void;
  /** Frees indirect tables and the ring memory. Only while the device does not use the ring. */
  release(): void;
}

/** What a ring needs besides its options. */
export interface RingContext {
  readonly allocator: GuestAllocator;
  /** The ring's memory; allocated when left out, and then freed by `release`. */
  readonly memory?: RingMemory;
}
