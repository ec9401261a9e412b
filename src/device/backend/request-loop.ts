import { BackendError } from "../../base/backend-error.ts";
import { messageOf } from "../../base/brands.ts";
import { VirtioBugError, VirtioUsageError } from "../../base/errors.ts";
import { atOnce, isPromise, type MaybeLater } from "../../base/later.ts";
import type { DescriptorChain } from "../../virtqueue/chain.ts";
import type { DeviceQueue } from "../../virtqueue/device-queue.ts";
import type { DeviceHost, RequestDeviceType } from "../device-type.ts";
import { REQUEST_WORK } from "../work.ts";
import { BackendCalls } from "./backend-calls.ts";
import { LateAnswers } from "./late-answers.ts";
import { Life } from "./life.ts";

const DEFAULT_MAX_IN_FLIGHT = 64;
const DEFAULT_MAX_ABANDONED = 256;

/**
 * Takes requests from the queues of a {@link RequestDeviceType} and returns them answered, now or later: the common way
 * through {@link BackendCalls}, {@link LateAnswers} and {@link Life} for devices without relations between requests.
 */
export class RequestLoop {
  readonly #type: RequestDeviceType;
  readonly #maxAbandoned: number;
  readonly #calls: BackendCalls;
  readonly #late: LateAnswers;
  #life: Life;
  #host: DeviceHost | null = null;
  /** Requests are left in the queues because of calls from before resets. */
  #starved = false;

  constructor(type: RequestDeviceType) {
    this.#type = type;
    this.#maxAbandoned = type.maxAbandonedCalls ?? DEFAULT_MAX_ABANDONED;
    const maxInFlight = type.maxRequestsInFlight ?? DEFAULT_MAX_IN_FLIGHT;
    const sync = (): void => this.#host?.sync();
    this.#calls = new BackendCalls(type.name, this.#maxAbandoned, sync);
    this.#late = new LateAnswers(
      type.queues.map(() => maxInFlight),
      (index) => this.#host?.kick(index),
    );
    this.#life = new Life({ sync, failed: () => {} });
  }

  attach(host: DeviceHost): MaybeLater<void> {
    if (this.#host !== null) throw new VirtioUsageError(`the ${this.#type.name} already belongs to a device`);
    this.#host = host;
    return this.#type.attach?.(host);
  }

  handleQueue(index: number, queue: DeviceQueue): void {
    const budget = (this.#host as DeviceHost).budget;
    while (budget.left > 0 && this.#late.mayTake(index)) {
      if (this.#calls.abandoned >= this.#maxAbandoned) {
        this.#starved = true;
        return;
      }
      const chain = queue.pop();
      if (chain === null) return;
      budget.charge(REQUEST_WORK + chain.readableBytes);
      this.#process(index, queue, chain);
    }
  }

  #process(index: number, queue: DeviceQueue, chain: DescriptorChain): void {
    const host = this.#host as DeviceHost;
    // The device may be reset from within the call.
    const life = this.#life;
    let result: MaybeLater<number>;
    try {
      const call = this.#calls.begin();
      result = this.#calls.end(call, this.#type.handleRequest(chain, index));
    } catch (error) {
      if (error instanceof VirtioBugError) throw error;
      host.sync();
      this.#fail(index, queue, chain, error);
      return;
    }
    host.sync();
    if (isPromise(result)) this.#wait(index, queue, chain, life, result);
    else this.#answer(index, queue, chain, result);
  }

  #wait(
    index: number,
    queue: DeviceQueue,
    chain: DescriptorChain,
    life: Life,
    promise: Promise<number>,
  ): void {
    this.#late.wait(life, index, promise, false, {
      fulfilled: (written) => {
        this.#answer(index, queue, chain, written);
        this.#host?.flush(index);
      },
      rejected: (error) => {
        this.#fail(index, queue, chain, error);
        this.#host?.flush(index);
      },
    });
    const settled = (): void => this.#goOn(life);
    promise.then(settled, settled);
  }

  /** A call has settled: if it was one of before a reset, there may be room for others now. */
  #goOn(life: Life): void {
    if (!life.over || !this.#starved) return;
    this.#starved = false;
    for (let index = 0; index < this.#type.queues.length; index++) this.#host?.kick(index);
  }

  #answer(
    index: number,
    queue: DeviceQueue,
    chain: DescriptorChain,
    written: number,
    member = "handleRequest",
  ): void {
    if (chain.abandoned) return;
    if (!Number.isInteger(written) || written < 0 || written > chain.writableBytes) {
      const error = new BackendError(
        "lost",
        `${member} returned ${written}, not the number of bytes it wrote, at most ${chain.writableBytes}`,
      );
      this.#giveUp(index, queue, chain, error);
      return;
    }
    this.#host?.budget.charge(written);
    queue.push(chain, written);
  }

  #fail(index: number, queue: DeviceQueue, chain: DescriptorChain, error: unknown): void {
    if (chain.abandoned) return;
    this.#emit(index, error);
    if (this.#type.failRequest === undefined) {
      this.#giveUp(index, queue, chain, error);
      return;
    }
    let written: number;
    try {
      const returned = this.#type.failRequest(chain, index, error);
      written = atOnce(returned, "failRequest()", "write the status that is left, without waiting");
    } catch (second) {
      if (second instanceof VirtioBugError) throw second;
      this.#giveUp(index, queue, chain, second);
      return;
    }
    this.#answer(index, queue, chain, written, "failRequest");
  }

  /** The protocol has no status for this failure: the driver gets its buffer back, and the device needs a reset. */
  #giveUp(index: number, queue: DeviceQueue, chain: DescriptorChain, error: unknown): void {
    queue.push(chain, 0);
    this.#host?.needsReset(`a request of queue ${index} failed: ${messageOf(error)}`);
  }

  #emit(queue: number, error: unknown): void {
    const { name } = this.#type;
    this.#host?.trace?.({
      source: name,
      kind: "request-failed",
      detail: { queue, message: messageOf(error) },
    });
  }

  queueReset(index: number): MaybeLater<void> {
    this.#late.queueReset(index);
    return this.#type.queueReset?.(index);
  }

  reset(): MaybeLater<void> {
    this.#life = this.#life.end();
    this.#calls.abandon();
    this.#late.reset();
    this.#starved = false;
    return this.#type.reset?.();
  }
}
