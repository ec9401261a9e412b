import { messageOf } from "../../base/brands.ts";
import { VirtioBugError, VirtioUsageError } from "../../base/errors.ts";
import { isPromise, type MaybeLater } from "../../base/later.ts";
import { COUNT_RULE, checkOptions, type OptionRules, QUEUE_SIZE_RULE } from "../../base/options.ts";
import { BackendCalls } from "../../device/backend/backend-calls.ts";
import { LateAnswers } from "../../device/backend/late-answers.ts";
import { Life } from "../../device/backend/life.ts";
import type { DeviceHost, DeviceType, PlainValue, PreparedRestore } from "../../device/device-type.ts";
import { platformRandomBytes } from "../../device/random.ts";
import { lifted } from "../../device/state/schema.ts";
import { REQUEST_WORK } from "../../device/work.ts";
import type { DescriptorChain } from "../../virtqueue/chain.ts";
import type { DeviceQueue } from "../../virtqueue/device-queue.ts";
import { VIRTIO_ID_RNG } from "../../wire/common.ts";

const REQUESTQ = 0;
const DEFAULT_QUEUE_SIZE = 64;
const DEFAULT_MAX_BYTES = 65536;
const DEFAULT_MAX_IN_FLIGHT = 64;
const DEFAULT_MAX_ABANDONED = 256;
/** A random byte, in units of work: a generator takes many times as long as a copy. */
const BYTE_WORK = 16;

/**
 * Where randomness comes from: fills all of `target`, at once or when the promise settles. When it throws or rejects,
 * the platform's generator takes its place for this request: the guest is owed at least one byte, and has no way to
 * learn of a failure.
 */
export type EntropySource = (target: Uint8Array<ArrayBuffer>) => MaybeLater<void>;

/** Choices for an {@link RngDevice}; all have defaults. */
export interface RngDeviceOptions {
  /** Default: the platform's cryptographic generator. */
  readonly source?: EntropySource;
  /** Largest size of the queue. Default 64. */
  readonly queueSize?: number;
  /** Most bytes for one request, whatever the size of its buffer; at least 1. Default 65536. */
  readonly maxBytesPerRequest?: number;
  /** Requests that wait for an asynchronous source; beyond it no more are taken before one is done. Default 64. */
  readonly maxRequestsInFlight?: number;
  /**
   * Calls that the source still owes from before device resets. They hold up nobody, so that a source that died does not
   * outlive a reset; with this many of them it is not called again until some settle, and the platform's generator takes its
   * place. Default 256.
   */
  readonly maxAbandonedCalls?: number;
}

const RULES: OptionRules<RngDeviceOptions> = {
  source: "function",
  queueSize: QUEUE_SIZE_RULE,
  maxBytesPerRequest: COUNT_RULE,
  maxRequestsInFlight: COUNT_RULE,
  maxAbandonedCalls: COUNT_RULE,
};

/** Counts kept since the device was made. */
export interface RngCounters {
  /** Requests answered. */
  requests: number;
  /** Random bytes handed out. */
  bytes: number;
  /** Requests with no device-writable byte: they are returned with used length 0. */
  empty: number;
  /** Failures of the source. */
  failures: number;
}

/**
 * The virtio entropy device (virtio 1.4, section 5.4).
 *
 * @example
 * ```ts
 * const device = new VirtioDevice(new RngDevice(), { memory });
 * ```
 */
export class RngDevice implements DeviceType {
  readonly name = "rng";
  readonly deviceId: number = VIRTIO_ID_RNG;
  readonly queues: readonly { readonly name: string; readonly maxSize: number }[];
  readonly counters: RngCounters = { requests: 0, bytes: 0, empty: 0, failures: 0 };

  readonly #source: EntropySource;
  readonly #maxBytes: number;
  readonly #calls: BackendCalls;
  readonly #late: LateAnswers;
  #life: Life;
  #scratch: Uint8Array<ArrayBuffer> = new Uint8Array(256);
  /** As much of {@link #scratch} as the last request took. */
  #taken: Uint8Array<ArrayBuffer> = this.#scratch;
  #host: DeviceHost | null = null;

  /** Throws {@link VirtioUsageError} for a limit that is not a positive integer. */
  constructor(options: RngDeviceOptions = {}) {
    checkOptions("RngDevice", options, RULES);
    this.#source = options.source ?? platformRandomBytes;
    this.#maxBytes = options.maxBytesPerRequest ?? DEFAULT_MAX_BYTES;
    const maxInFlight = options.maxRequestsInFlight ?? DEFAULT_MAX_IN_FLIGHT;
    const maxAbandoned = options.maxAbandonedCalls ?? DEFAULT_MAX_ABANDONED;
    const sync = (): void => this.#host?.sync();
    this.#calls = new BackendCalls("source", maxAbandoned, sync);
    this.#late = new LateAnswers([maxInFlight], (index) => this.#host?.kick(index));
    this.#life = new Life({ sync, failed: (error) => this.#failed(error) });
    this.queues = [{ name: "requestq", maxSize: options.queueSize ?? DEFAULT_QUEUE_SIZE }];
  }

  attach(host: DeviceHost): void {
    if (this.#host !== null) throw new VirtioUsageError("the rng already belongs to a device");
    this.#host = host;
  }

  get #attached(): DeviceHost {
    if (this.#host === null) throw new VirtioBugError("the rng was used before it was attached");
    return this.#host;
  }

  handleQueue(_index: number, queue: DeviceQueue): void {
    const { budget } = this.#attached;
    while (this.#late.mayTake(REQUESTQ)) {
      if (budget.left <= 0) return;
      budget.left -= REQUEST_WORK;
      const chain = queue.pop();
      if (chain === null) return;
      this.#process(queue, chain);
    }
  }

  #process(queue: DeviceQueue, chain: DescriptorChain): void {
    // Device-readable bytes, which drivers must not send, mean nothing. [entropy.driver.device-operation.1]
    const length = Math.min(chain.writableBytes, this.#maxBytes);
    if (length === 0) {
      this.counters.empty++;
      queue.push(chain, 0);
      return;
    }
    this.#attached.budget.left -= length * BYTE_WORK;
    const bytes = this.#take(length);
    // The source may reset the device from within the call.
    const life = this.#life;
    let later: MaybeLater<void> | undefined;
    try {
      const call = this.#calls.begin();
      later = this.#calls.end(call, this.#source(bytes));
    } catch (error) {
      this.#replace(bytes, error);
    }
    // The source may have let the guest's memory grow.
    this.#host?.sync();
    if (isPromise(later)) this.#wait(queue, chain, bytes, life, later);
    else this.#answer(queue, chain, bytes);
  }

  #wait(
    queue: DeviceQueue,
    chain: DescriptorChain,
    bytes: Uint8Array<ArrayBuffer>,
    life: Life,
    later: Promise<void>,
  ): void {
    // The source goes on writing to these bytes: they are its until then.
    this.#scratch = new Uint8Array(this.#scratch.length);
    this.#taken = this.#scratch;
    const answer = (): void => {
      if (chain.abandoned) return;
      this.#answer(queue, chain, bytes);
      this.#host?.flush(REQUESTQ);
    };
    this.#late.wait(life, REQUESTQ, later, false, {
      fulfilled: answer,
      rejected: (error) => {
        this.#replace(bytes, error);
        answer();
      },
    });
  }

  /** The source failed, and the platform's generator takes its place. */
  #replace(bytes: Uint8Array<ArrayBuffer>, error: unknown): void {
    this.#failed(error);
    platformRandomBytes(bytes);
  }

  #take(lengthBytes: number): Uint8Array<ArrayBuffer> {
    if (this.#scratch.length < lengthBytes) this.#scratch = new Uint8Array(lengthBytes);
    // Drivers ask for the same number of bytes again and again.
    if (this.#taken.length !== lengthBytes) this.#taken = this.#scratch.subarray(0, lengthBytes);
    return this.#taken;
  }

  /** [entropy.device.device-operation.1] */
  #answer(queue: DeviceQueue, chain: DescriptorChain, bytes: Uint8Array<ArrayBuffer>): void {
    const written = chain.write(0, bytes, 0, bytes.length);
    // Nobody shall find in the device's memory what a guest uses as a key.
    bytes.fill(0);
    this.counters.requests++;
    this.counters.bytes += written;
    queue.push(chain, written);
  }

  #failed(error: unknown): void {
    this.counters.failures++;
    this.#host?.trace?.({
      source: "rng",
      kind: "source-failure",
      detail: { message: messageOf(error) },
    });
  }

  queueReset(): void {
    this.#late.queueReset(REQUESTQ);
  }

  reset(): void {
    this.#life = this.#life.end();
    this.#calls.abandon();
    this.#late.reset();
  }

  save(): PlainValue {
    return { version: 1 };
  }

  prepareRestore(state: PlainValue): PreparedRestore {
    // At first there was nothing at all, not even a version.
    if (state !== null) lifted(state, []);
    return { takeOver() {} };
  }
}
