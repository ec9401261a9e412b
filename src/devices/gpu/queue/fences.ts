import type { DescriptorChain } from "../../../virtqueue/chain.ts";
import type { DeviceQueue } from "../../../virtqueue/device-queue.ts";
import type { FencedHeader, Timeline } from "../protocol.ts";
import type { GpuCommandRecord } from "./observe.ts";

/** A command whose response is still owed: a back end works on it, or a fence before it isn't reached. */
export class OutstandingCommand implements FencedHeader {
  readonly queueIndex: number;
  readonly queue: DeviceQueue;
  readonly chain: DescriptorChain;
  /** Type of the request. */
  readonly request: number;
  readonly flags: number;
  readonly fenceLo: number;
  readonly fenceHi: number;
  readonly ctxId: number;
  readonly ringIdx: number;
  readonly hasRing: boolean;
  readonly timeline: Timeline;
  readonly fenced: boolean;
  /** True once the processing is complete and `type`, `body`, `payload` hold the response. */
  complete = false;
  type = 0;
  /** Why it was refused. */
  reason = "";
  body: Uint8Array | null = null;
  payload: Uint8Array | null = null;
  /** What the observer gets, null when there is none. */
  record: GpuCommandRecord | null = null;

  constructor(
    queueIndex: number,
    queue: DeviceQueue,
    chain: DescriptorChain,
    header: FencedHeader & { readonly type: number; readonly fenced: boolean },
  ) {
    this.request = header.type;
    this.queueIndex = queueIndex;
    this.queue = queue;
    this.chain = chain;
    this.flags = header.flags;
    this.fenceLo = header.fenceLo;
    this.fenceHi = header.fenceHi;
    this.ctxId = header.ctxId;
    this.ringIdx = header.ringIdx;
    this.hasRing = header.hasRing;
    this.timeline = header.timeline;
    this.fenced = header.fenced;
  }
}

/**
 * Outstanding commands in the order they came. Fence ids are sequence numbers on timelines: one for each ring of each
 * context, and one for all commands of a queue that name no ring. A driver takes the response to fence n to mean that every
 * fence up to n on the timeline is reached, so a response waits until that is so.
 */
export class Fences {
  #commands: OutstandingCommand[] = [];
  /** Those with a fence that is not reached: few, for the commands in flight are, while many may wait for them. */
  readonly #unreached = new Set<OutstandingCommand>();
  readonly #across: boolean;

  /** With `across` the commands of all queues that name no ring are on one timeline. */
  constructor(across: boolean) {
    this.#across = across;
  }

  get count(): number {
    return this.#commands.length;
  }

  add(command: OutstandingCommand): void {
    this.#commands.push(command);
    if (command.fenced && !command.complete) this.#unreached.add(command);
  }

  /** The processing of a command is complete. */
  complete(command: OutstandingCommand): void {
    command.complete = true;
    this.#unreached.delete(command);
  }

  /**
   * True when the response to this command has to wait for another on its timeline.
   * [gpu.prose.device-operation-request-header.3]
   */
  mustWait(command: FencedHeader, queueIndex: number): boolean {
    for (const other of this.#unreached) {
      if (other === command || !isUpTo(other, command)) continue;
      // The cursor queue exists so that nothing in the control queue delays it.
      const sameTimeline = command.hasRing
        ? sameRing(other, command)
        : this.#across || other.queueIndex === queueIndex;
      if (sameTimeline && other.hasRing === command.hasRing) return true;
    }
    return false;
  }

  /** Takes out every command that is complete and need not wait any more, and hands it to `send`. */
  release(send: (command: OutstandingCommand) => void): void {
    const ready: OutstandingCommand[] = [];
    const rest: OutstandingCommand[] = [];
    for (const each of this.#commands) {
      if (each.complete && !(each.fenced && this.mustWait(each, each.queueIndex))) ready.push(each);
      else rest.push(each);
    }
    if (ready.length === 0) return;
    this.#commands = rest;
    for (const each of ready) send(each);
  }

  /** The queue is gone: its commands are dropped. */
  forgetQueue(queueIndex: number): void {
    this.#commands = this.#commands.filter((each) => each.queueIndex !== queueIndex);
    for (const each of this.#unreached) if (each.queueIndex === queueIndex) this.#unreached.delete(each);
  }

  clear(): void {
    this.#commands = [];
    this.#unreached.clear();
  }
}

function sameRing(a: FencedHeader, b: FencedHeader): boolean {
  return a.timeline === b.timeline && a.ringIdx === b.ringIdx;
}

/** True when the fence of `a` is reached no later than that of `b`. */
function isUpTo(a: FencedHeader, b: FencedHeader): boolean {
  const aHi = a.fenceHi >>> 0;
  const bHi = b.fenceHi >>> 0;
  return aHi < bHi || (aHi === bHi && a.fenceLo >>> 0 <= b.fenceLo >>> 0);
}
