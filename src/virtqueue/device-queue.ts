import type { DescriptorChain } from "./chain.ts";
import type { QueueConfig } from "./config.ts";
import type { QueueFault } from "./fault.ts";

/** Progress of an activated queue, enough to go on after a restore. Plain numbers only. */
export interface QueueProgress {
  readonly format: "split" | "packed";
  /** Split: next index of the available ring. Packed: position of the next descriptor. */
  readonly nextAvail: number;
  /** Split: next index of the used ring. Packed: position of the next used descriptor. */
  readonly nextUsed: number;
  /** Packed: the device's ring wrap counters, 1 or 0; split: 0. */
  readonly availWrap: number;
  readonly usedWrap: number;
}

/**
 * The device's side of an activated virtqueue, the same for both formats. A device pops chains, works on them in
 * any order and for as long as it likes, pushes each once, and publishes what it pushed in batches.
 */
export interface DeviceQueue {
  readonly format: "split" | "packed";
  /** What it was made of; registers may say something else by now, where a profile lets a driver write them. */
  readonly config: Readonly<QueueConfig>;
  /** Number of entries. */
  readonly size: number;
  /** Chains popped and not yet pushed. */
  readonly inFlight: number;
  /** True while there are chains that were pushed and that the driver does not see yet: {@link flush} is due. */
  readonly unpublished: boolean;
  /** Set once the driver broke the ring; the queue stands still from then on. */
  readonly fault: QueueFault | null;
  /** True after {@link close}, and once the rings are gone from memory. */
  readonly closed: boolean;

  /** True when the last drain ended because it had gone on for long, not because the ring was empty. */
  readonly limited: boolean;

  /** True when there is something to pop; looks into the ring. */
  readonly hasNext: boolean;

  /** The next available chain, or null when there is none (or the queue has faulted or is closed). */
  pop(): DescriptorChain | null;
  /**
   * Hands a chain back with the number of bytes written to the start of its writable part. The driver sees it
   * after {@link flush}. A chain of a closed queue is dropped silently.
   */
  push(chain: DescriptorChain, writtenBytes: number): void;
  /** Publishes what was pushed; true when the driver wants a used-buffer notification for it. */
  flush(): boolean;
  /** Begins a drain: asks the driver not to notify, where that pays. */
  beginDrain(): void;
  /**
   * Ends a drain. Where the driver need not notify of everything it is asked to notify of the next buffer, and the queue
   * looks once more: true when buffers arrived between the last unsuccessful {@link pop} and the request, so that the
   * drain has to go on.
   */
  endDrain(): boolean;
  /** The queue was reset or the device was: no access to guest memory from now on. */
  close(): void;
  /** Where the queue stands. Only meaningful with nothing in flight. */
  progress(): QueueProgress;
  /**
   * Renews what the queue remembers of guest memory; false (and a fault) when the rings are gone. To be called after
   * regions came, went or moved and before anything else.
   */
  refresh(): boolean;
}
