import type { WatchedChain } from "../chain.ts";
import type { QueueView } from "../device-view.ts";
import type { RuleContext } from "../rules/rule.ts";

/** Looks at the memory of one live virtqueue. */
export interface RingWatcher {
  /**
   * Compares the ring with what was seen before, reports what the driver may not have changed, and tells of buffers
   * that were used and of buffers that became available.
   */
  look(): void;
  /** A notification for this queue is about to reach the device; `value` as written. Called after `look`. */
  notified(value: number): void;
  /** The queue goes out of use, or the watch ends. Called after a last `look`. */
  gone(): void;
  /** Buffers the device holds. */
  readonly inFlight: number;
}

/** What a watcher tells to whoever started it. */
export interface RingListener {
  available(queue: QueueView, chain: WatchedChain): void;
  used(queue: QueueView, chain: WatchedChain, writtenBytes: number): void;
}

/** What a watcher needs. */
export interface RingWatch {
  readonly context: RuleContext;
  readonly queue: QueueView;
  readonly listener: RingListener;
  /** Whether the features were negotiated. */
  readonly indirect: boolean;
  readonly eventIdx: boolean;
  readonly inOrder: boolean;
  /** How many looks the driver may take to send a notification that it must send. */
  readonly patience: number;
}

/** Bytes of indirect tables that a watcher keeps for one queue; the tables of further buffers are not compared. */
export const MOST_TABLE_BYTES = 1 << 20;
/** Descriptors that one look compares with what they were; the next look goes on behind them. */
export const DESCRIPTORS_PER_LOOK = 1024;
