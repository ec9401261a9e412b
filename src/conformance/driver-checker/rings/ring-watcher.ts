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
  /** Whether a store goes to where the watcher looks: the areas of the ring and tables of buffers in flight. */
  touches(address: number, lengthBytes: number): boolean;
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
  readonly budget: WatchBudget;
  /** Changes whenever the device may have done something. */
  readonly moment: () => number;
  /** How many looks the driver may take to send a notification that it must send. */
  readonly patience: number;
}

/** Descriptors that one look compares with what they were; the next look goes on behind them. */
export const DESCRIPTORS_PER_LOOK = 1024;
/** Bytes of indirect tables that one look compares; the next look goes on behind them. */
export const TABLE_BYTES_PER_LOOK = 1 << 18;
/** Descriptors that one look takes in as new; honest drivers never come near. */
export const NEW_DESCRIPTORS_PER_LOOK = 1 << 16;

/**
 * What all watchers of a checker may remember together, in bytes as they are estimated. Beyond it buffers are still
 * judged when they become available, but no longer compared with what they were.
 */
export class WatchBudget {
  #left: number;

  constructor(bytes: number) {
    this.#left = bytes;
  }

  /** Takes bytes if there are enough; false if not. */
  take(bytes: number): boolean {
    if (bytes > this.#left) return false;
    this.#left -= bytes;
    return true;
  }

  /** Gives bytes back. */
  give(bytes: number): void {
    this.#left += bytes;
  }
}

/** What a buffer takes to be remembered with everything that belongs to it. */
export function chainCost(chain: WatchedChain): number {
  const tables = chain.tables.reduce((sum, { bytes }) => sum + (bytes?.length ?? 0), 0);
  return 256 + 96 * (chain.elements.length + 2 * chain.direct.length) + tables;
}
