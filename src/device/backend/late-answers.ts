import { ofNoInterest } from "../../base/later.ts";
import type { Life } from "./life.ts";

/** What has become of a promise. */
export interface LateOutcome<T> {
  /** Called once the promise is fulfilled … */
  fulfilled(value: T): void;
  /** … or rejected; then `goOn` of {@link LateAnswers}. Neither is called after a device reset. */
  rejected(error: unknown): void;
}

/** What the requests of one or more queues have in common that wait for back ends. */
interface Lane {
  readonly maxInFlight: number;
  inFlight: number;
  /** The number of these that hold up later ones. */
  barriers: number;
}

/**
 * Requests that wait for a back end, and the back-pressure they cause: beyond a limit no more are taken from their queue,
 * and once one is answered the device looks at the queue again. Those of a queue that was reset go on being counted
 * until the back end has done with them; a reset of the device forgets them all.
 */
export class LateAnswers {
  readonly #kick: (queue: number) => void;
  readonly #lanes: readonly Lane[];
  /** True for a queue that holds requests which were not taken. */
  readonly #stopped: boolean[];
  #waiting = new Set<Waiting>();

  /**
   * `limits` has the most requests in flight for each queue. Queues that are `shared` count as one, with the limit of the
   * first. `kick` is the host's.
   */
  constructor(limits: readonly number[], kick: (queue: number) => void, shared = false) {
    this.#kick = kick;
    const lanes = limits.map((maxInFlight) => ({ maxInFlight, inFlight: 0, barriers: 0 }));
    this.#lanes = shared ? lanes.map(() => lanes[0] as Lane) : lanes;
    this.#stopped = limits.map(() => false);
  }

  /** Requests that wait for a back end. */
  get count(): number {
    return this.#waiting.size;
  }

  /** Whether another request may be taken from a queue; if not, it is looked into again as soon as that is so. */
  mayTake(queue: number): boolean {
    const full = this.#isFull(queue);
    this.#stopped[queue] = full;
    return !full;
  }

  #isFull(queue: number): boolean {
    const { barriers, inFlight, maxInFlight } = this.#lanes[queue] as Lane;
    return barriers > 0 || inFlight >= maxInFlight;
  }

  /**
   * A request of a queue waits for a promise, which began in `life`. With a `barrier` no later request of the queue
   * starts before.
   */
  wait<T>(life: Life, queue: number, promise: Promise<T>, barrier: boolean, outcome: LateOutcome<T>): void {
    // A back end may have reset the device from within its call: the request belongs to nobody then.
    if (life.over) {
      ofNoInterest(promise);
      return;
    }
    const lane = this.#lanes[queue] as Lane;
    const waiting: Waiting = { outcome: outcome as LateOutcome<unknown> };
    this.#waiting.add(waiting);
    lane.inFlight++;
    if (barrier) lane.barriers++;
    const settle = (act: (outcome: LateOutcome<unknown>) => void): void => {
      // What was begun before a reset of the device is over; its chain, its resources, all is gone.
      if (waiting.outcome === null || !life.enter()) return;
      this.#waiting.delete(waiting);
      lane.inFlight--;
      if (barrier) lane.barriers--;
      act(waiting.outcome);
      this.goOn();
    };
    promise.then(
      (value) => settle((each) => each.fulfilled(value)),
      (error: unknown) => settle((each) => each.rejected(error)),
    );
  }

  /** Takes up again what was left in the queues. */
  goOn(): void {
    for (let queue = 0; queue < this.#stopped.length; queue++) {
      if (this.#stopped[queue] && !this.#isFull(queue)) this.#kick(queue);
    }
  }

  /** The queue is closed. What back ends do for its requests goes on. */
  queueReset(queue: number): void {
    this.#stopped[queue] = false;
  }

  /** The device was reset. A promise that never settles keeps nothing of the guest's alive. */
  reset(): void {
    this.#stopped.fill(false);
    for (const waiting of this.#waiting) waiting.outcome = null;
    this.#waiting = new Set();
    for (const lane of this.#lanes) {
      lane.inFlight = 0;
      lane.barriers = 0;
    }
  }
}

/** A request that waits; without outcome once a device reset has made it pointless. */
interface Waiting {
  outcome: LateOutcome<unknown> | null;
}
