import type { DescriptorChain } from "../../../virtqueue/chain.ts";
import type { DeviceQueue } from "../../../virtqueue/device-queue.ts";
import type { FencedHeader, Timeline } from "../protocol.ts";
import type { GpuCommandRecord } from "./observe.ts";

/** One timeline: commands whose fences are not reached, and those that are complete and wait for them. */
interface Lane {
  /** Few, for the commands in flight are. */
  readonly unreached: OutstandingCommand[];
  /** Of those the one whose fence comes first; what is up to it may go. */
  first: OutstandingCommand | null;
  /** A heap, by fences: there may be many. */
  readonly held: OutstandingCommand[];
}

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
  /** Where it is on its timeline, for {@link Fences} only; null when it has no fence or is not outstanding. */
  lane: Lane | null = null;
  /** Its place in the order in which the outstanding commands came. For {@link Fences} only. */
  order = 0;
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
 * Outstanding commands. Fence ids are sequence numbers on timelines: one for each ring of each context, and one for all
 * commands of a queue that name no ring. A driver takes the response to fence n to mean that every fence up to n on the
 * timeline is reached, so a response waits until that is so.
 *
 * A command that completes costs as much as the commands in flight and those that may go because of it, however many wait.
 */
export class Fences {
  readonly #across: boolean;
  /** Timelines on which something is outstanding: those of queues, and those of rings by their owner. */
  readonly #ofQueues: Lane[] = [newLane(), newLane()];
  readonly #ofRings = new Map<Timeline, Map<number, Lane>>();
  /** Commands that may go, in no order. */
  #ready: OutstandingCommand[] = [];
  #count = 0;
  #order = 0;

  /** With `across` the commands of all queues that name no ring are on one timeline. */
  constructor(across: boolean) {
    this.#across = across;
  }

  get count(): number {
    return this.#count;
  }

  /** Null when nothing is outstanding on the timeline. */
  #find(command: FencedHeader, queueIndex: number): Lane | null {
    // The cursor queue exists so that nothing in the control queue delays it.
    if (!command.hasRing) return this.#ofQueues[this.#across ? 0 : queueIndex] as Lane;
    return this.#ofRings.get(command.timeline)?.get(command.ringIdx) ?? null;
  }

  #open(command: OutstandingCommand): Lane {
    const found = this.#find(command, command.queueIndex);
    if (found !== null) return found;
    let rings = this.#ofRings.get(command.timeline);
    if (rings === undefined) {
      rings = new Map();
      this.#ofRings.set(command.timeline, rings);
    }
    const lane = newLane();
    rings.set(command.ringIdx, lane);
    return lane;
  }

  /** Nothing more is kept of a ring's timeline than of what is outstanding on it. */
  #closeEmpty({ hasRing, timeline, ringIdx }: FencedHeader, { first, held }: Lane): void {
    if (!hasRing || first !== null || held.length > 0) return;
    const rings = this.#ofRings.get(timeline);
    rings?.delete(ringIdx);
    if (rings?.size === 0) this.#ofRings.delete(timeline);
  }

  add(command: OutstandingCommand): void {
    this.#count++;
    command.order = this.#order++;
    if (!command.fenced) {
      if (command.complete) this.#ready.push(command);
      return;
    }
    const lane = this.#open(command);
    command.lane = lane;
    if (command.complete) {
      push(lane.held, command);
      return;
    }
    lane.unreached.push(command);
    if (lane.first === null || !isUpTo(lane.first, command)) lane.first = command;
  }

  /** The processing of a command is complete. */
  complete(command: OutstandingCommand): void {
    command.complete = true;
    const { lane } = command;
    if (lane === null) {
      // Without a fence, or not outstanding at all yet.
      if (!command.fenced) this.#ready.push(command);
      return;
    }
    lane.unreached.splice(lane.unreached.indexOf(command), 1);
    lane.first = firstOf(lane.unreached);
    push(lane.held, command);
    this.#free(lane);
    this.#closeEmpty(command, lane);
  }

  /** Takes out what waits for no fence any more. */
  #free({ held, first }: Lane): void {
    for (let next = held[0]; next !== undefined; next = held[0]) {
      if (first !== null && isUpTo(first, next)) return;
      pop(held);
      next.lane = null;
      this.#ready.push(next);
    }
  }

  /**
   * True when the response to this command has to wait for another on its timeline.
   * [gpu.prose.device-operation-request-header.3]
   */
  mustWait(command: FencedHeader, queueIndex: number): boolean {
    const first = this.#find(command, queueIndex)?.first ?? null;
    return first !== null && isUpTo(first, command);
  }

  /** Takes out every command that is complete and need not wait any more, and hands it to `send`, in the order they came. */
  release(send: (command: OutstandingCommand) => void): void {
    if (this.#ready.length === 0) return;
    const ready = this.#ready.sort((a, b) => a.order - b.order);
    this.#ready = [];
    this.#count -= ready.length;
    for (const each of ready) send(each);
  }

  /** The queue is gone: its commands are dropped. */
  forgetQueue(queueIndex: number): void {
    const isOther = (each: OutstandingCommand): boolean => each.queueIndex !== queueIndex;
    const lanes = [...this.#ofQueues, ...[...this.#ofRings.values()].flatMap((rings) => [...rings.values()])];
    this.#ready = this.#ready.filter(isOther);
    for (const lane of lanes) {
      const { unreached, held } = lane;
      const all = [...unreached, ...held];
      for (const each of all) if (!isOther(each)) each.lane = null;
      replace(unreached, unreached.filter(isOther));
      // What is in order is a heap.
      replace(held, held.filter(isOther).sort(compareFences));
      lane.first = firstOf(unreached);
      this.#count -= all.length - unreached.length - held.length;
      this.#free(lane);
      const [any] = all;
      if (any !== undefined) this.#closeEmpty(any, lane);
    }
  }

  clear(): void {
    for (const lane of this.#ofQueues) {
      lane.unreached.length = 0;
      lane.held.length = 0;
      lane.first = null;
    }
    this.#ofRings.clear();
    this.#ready = [];
    this.#count = 0;
  }
}

function newLane(): Lane {
  return { unreached: [], first: null, held: [] };
}

function replace<T>(list: T[], by: readonly T[]): void {
  list.length = 0;
  for (const each of by) list.push(each);
}

function firstOf(commands: readonly OutstandingCommand[]): OutstandingCommand | null {
  let first: OutstandingCommand | null = null;
  for (const each of commands) if (first === null || !isUpTo(first, each)) first = each;
  return first;
}

/** Puts a command into a heap whose first element has the lowest fence. */
function push(heap: OutstandingCommand[], command: OutstandingCommand): void {
  let at = heap.length;
  heap.push(command);
  while (at > 0) {
    const above = (at - 1) >> 1;
    const parent = heap[above] as OutstandingCommand;
    if (isUpTo(parent, command)) break;
    heap[at] = parent;
    at = above;
  }
  heap[at] = command;
}

/** Takes the first element out of a heap. */
function pop(heap: OutstandingCommand[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let at = 0;
  for (;;) {
    let below = 2 * at + 1;
    let child = heap[below];
    if (child === undefined) break;
    const other = heap[below + 1];
    if (other !== undefined && !isUpTo(child, other)) {
      below++;
      child = other;
    }
    if (isUpTo(last, child)) break;
    heap[at] = child;
    at = below;
  }
  heap[at] = last;
}

function compareFences(a: OutstandingCommand, b: OutstandingCommand): number {
  return isUpTo(a, b) ? (isUpTo(b, a) ? 0 : -1) : 1;
}

/** True when the fence of `a` is reached no later than that of `b`. */
function isUpTo(a: FencedHeader, b: FencedHeader): boolean {
  const aHi = a.fenceHi >>> 0;
  const bHi = b.fenceHi >>> 0;
  return aHi < bHi || (aHi === bHi && a.fenceLo >>> 0 <= b.fenceLo >>> 0);
}
