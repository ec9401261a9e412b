import { BackendError } from "../../base/backend-error.ts";
import { messageOf } from "../../base/brands.ts";
import { VirtioBugError } from "../../base/errors.ts";
import { isPromise, type MaybeLater } from "../../base/later.ts";
import { withDefaults } from "../../base/options.ts";
import { BackendCalls } from "../../device/backend/backend-calls.ts";
import { inTurns } from "../../device/backend/in-turns.ts";
import { Life } from "../../device/backend/life.ts";
import type { Step } from "../../device/backend/transaction.ts";
import type { DeviceHost } from "../../device/device-type.ts";
import { platformRandomBytes } from "../../device/random.ts";
import { SharedObjectRegistry } from "../../device/shared-objects.ts";
import { VIRTIO_GPU_RESP_OK_NODATA } from "../../wire/gpu.ts";
import { GuardedDisplay, guardRenderer } from "./backend/guard.ts";
import type { RenderedPixels, Renderer } from "./backend/renderer.ts";
import type { GpuBackendFailure } from "./options.ts";
import { DEFAULT_GPU_LIMITS, type GpuDeviceOptions, type GpuLimits } from "./options.ts";
import { Cursors } from "./output/cursor.ts";
import type { DisplaySettings } from "./output/displays.ts";
import { Scanouts } from "./output/scanouts.ts";
import { completePolicy, type GpuPolicy } from "./policy.ts";
import { type GpuResponse, PENDING } from "./protocol.ts";
import { Contexts } from "./resources/contexts.ts";
import { Exports } from "./resources/exports.ts";
import type { HostHeap } from "./resources/host-heap.ts";
import { type Resource, ResourceTable } from "./resources/resources.ts";
import { TransferEngine } from "./transfer/engine.ts";

/** Counts kept since the device was made. */
export interface GpuCounters {
  /** Commands taken from both queues, failed ones included. */
  commands: number;
  /** Commands that were answered with an error. */
  errors: number;
  /** Bytes copied from guest memory to host pixels by transfers. */
  bytesCopied: number;
  /** Times a scanout went from one resource to another. */
  flips: number;
  /** Rectangles handed to the display, and their pixels. */
  flushes: number;
  flushedPixels: number;
  cursorUpdates: number;
  cursorMoves: number;
  /** Responses that carried a fence. */
  fences: number;
  /** Times a display or a renderer threw, rejected or returned nonsense; see `GpuDevice.lastBackendFailure`. */
  backendFailures: number;
}

/** What to do once a back end's promise settles. */
export interface Deferred {
  readonly promise: Promise<unknown>;
  /** Turns the value into a response; returns the response type. Not called after a device reset. */
  readonly finish: (value: unknown, response: GpuResponse) => number;
  /** True when later commands of the queue may not start before this one is done. */
  readonly barrier: boolean;
}

/** The state of the device, which the commands work on. */
export class GpuCore {
  readonly options: GpuDeviceOptions;
  readonly policy: GpuPolicy;
  readonly limits: GpuLimits;
  readonly renderer: Renderer | null;
  readonly heap: HostHeap | null;
  readonly exports: Exports;
  readonly transfers: TransferEngine = new TransferEngine();
  readonly displays: DisplaySettings;
  readonly resources: ResourceTable;
  readonly scanouts: Scanouts;
  readonly cursors: Cursors;
  readonly contexts: Contexts;
  readonly counters: GpuCounters = {
    commands: 0,
    errors: 0,
    bytesCopied: 0,
    flips: 0,
    flushes: 0,
    flushedPixels: 0,
    cursorUpdates: 0,
    cursorMoves: 0,
    fences: 0,
    backendFailures: 0,
  };
  /** Why the current command is refused, for traces. */
  reason = "";
  /** Bytes that a command which is answered late copied in the turns since it was taken. */
  lateBytesCopied = 0;
  lastFailure: GpuBackendFailure | null = null;
  /** Offered feature bits. */
  readonly offered: ReadonlySet<number>;

  readonly #calls: readonly BackendCalls[];
  #life: Life;
  #host: DeviceHost | null = null;
  #deferred: Deferred | null = null;

  constructor(options: GpuDeviceOptions, displays: DisplaySettings, offered: ReadonlySet<number>) {
    this.options = options;
    this.policy = completePolicy(options.profile ?? "spec", options.policy);
    this.limits = withDefaults(DEFAULT_GPU_LIMITS, options.limits);
    const returned = (): void => this.#host?.sync();
    const calls = (name: string): BackendCalls =>
      new BackendCalls(name, this.limits.maxAbandonedCalls, returned);
    const [changes, flushes, requests] = [calls("display"), calls("display"), calls("renderer")];
    this.#calls = [changes, flushes, requests];
    this.#life = new Life({ sync: returned, failed: (error) => this.traceFailure("a change", error) });
    this.renderer =
      options.renderer === undefined ? null : guardRenderer(options.renderer, requests, returned);
    this.heap = options.hostHeap ?? null;
    this.displays = displays;
    this.offered = offered;
    const display =
      options.display === undefined ? null : new GuardedDisplay(options.display, changes, flushes, returned);
    this.resources = new ResourceTable(this.limits, this.policy.lastHostByte === "use");
    const life = (): Life => this.#life;
    this.scanouts = new Scanouts(displays.count, display, this.renderer, this.counters, life);
    this.cursors = new Cursors(displays.count, display, this.counters);
    this.contexts = new Contexts(this.limits.maxContexts, this.limits.maxContextAttachments);
    this.exports = new Exports(
      options.sharedObjects ?? new SharedObjectRegistry(),
      options.randomBytes ?? platformRandomBytes,
      options.exportLifetime ?? "last-user",
      (resource) => this.resources.freed(resource),
      (resource) => this.#pictureOf(resource),
    );
  }

  /** For other devices, which can do nothing about a renderer that fails. */
  #pictureOf(resource: Resource): RenderedPixels | null {
    if (this.resources.get(resource.id) !== resource) return null;
    try {
      return this.scanouts.rendered(resource);
    } catch (error) {
      if (!(error instanceof BackendError)) throw error;
      this.traceFailure("an import", error);
      return null;
    }
  }

  get host(): DeviceHost {
    if (this.#host === null) throw new VirtioBugError("the gpu was used before it was attached");
    return this.#host;
  }

  attach(host: DeviceHost): void {
    this.#host = host;
  }

  /** Calls of back ends that were begun before the last reset and have not settled. */
  get abandonedCalls(): number {
    return this.#calls.reduce((sum, { abandoned }) => sum + abandoned, 0);
  }

  /** True when commands of the feature may be used. */
  hasFeature(bit: number): boolean {
    return this.policy.commandNeeds === "negotiated" ? this.host.hasFeature(bit) : this.offered.has(bit);
  }

  /** Notes why a command is refused and returns the response type, for `return core.refuse(…)`. */
  refuse(response: number, reason: string): number {
    this.reason = reason;
    return response;
  }

  /** The current life of the device, from reset to reset, to which everything begun now belongs. */
  get life(): Life {
    return this.#life;
  }

  /** Answers OK_NODATA, at once or when the promise settles. `barrier` as for {@link later}. */
  done(result: MaybeLater<unknown>, barrier = false): number {
    if (!isPromise(result)) return VIRTIO_GPU_RESP_OK_NODATA;
    return this.later(result, answerNoData, barrier);
  }

  /** Answers what `finish` makes of the value, at once or when the promise settles. */
  answer<T>(
    result: MaybeLater<T>,
    response: GpuResponse,
    finish: (value: T, response: GpuResponse) => number,
    barrier = false,
  ): number {
    return isPromise(result) ? this.later(result, finish, barrier) : finish(result, response);
  }

  /**
   * Makes a change that back ends take part in, as a whole or not at all, and answers OK_NODATA. Nothing else changes in
   * the meantime: no later command of the queue starts before this one is done.
   */
  change(...steps: readonly Step[]): number {
    return this.done(this.#life.transact(steps), true);
  }

  /** The command waits for a promise. With a `barrier` no later command of the queue starts before this one is done. */
  later<T>(
    promise: Promise<T>,
    finish: (value: T, response: GpuResponse) => number,
    barrier = false,
  ): number {
    this.#deferred = { promise, finish: finish as Deferred["finish"], barrier };
    return PENDING;
  }

  /** Work that may be too much for one turn: {@link inTurns}, until the next device reset. */
  inTurns(step: () => boolean): Promise<void> | undefined {
    const life = this.#life;
    return inTurns(this.host, () => !life.over, step);
  }

  /** What the last command that returned {@link PENDING} waits for. */
  takeDeferred(): Deferred {
    const deferred = this.#deferred;
    if (deferred === null) throw new VirtioBugError("a pending command waits for nothing");
    this.#deferred = null;
    return deferred;
  }

  /** Returns to the initial state. What back ends throw in the course of it is traced, not passed on. */
  reset(): void {
    this.#life = this.#life.end();
    this.#deferred = null;
    for (const calls of this.#calls) calls.abandon();
    for (let i = 0; i < this.scanouts.count; i++) {
      this.scanouts.reset(i);
      this.attempt(() => this.cursors.reset(i));
    }
    this.exports.revokeAll();
    // Importers were notified, and may have grown the memory.
    this.#host?.sync();
    const { heap } = this;
    if (heap !== null) {
      for (const { memory } of this.resources.values()) if (memory !== null) heap.drop(memory);
    }
    this.resources.clear();
    this.transfers.clear();
    this.contexts.clear();
    this.attempt(() => this.renderer?.reset());
    this.#sweep();
  }

  /** What nobody needs to wait for: tables and memory of the last life, in as many turns as it takes. */
  #sweep(): void {
    const host = this.#host;
    if (host === null) return;
    const { budget } = host;
    // The reset has taken what was put off before from the budget's list, this included: it begins anew.
    inTurns(
      host,
      () => true,
      () => this.exports.sweep(budget) && (this.heap?.sweep(budget) ?? true),
    );
  }

  /** Calls a back end; a failure is traced and has no other consequence. */
  attempt(action: () => MaybeLater<unknown>): void {
    this.#life.attempt(action);
  }

  /** A back end failed. */
  traceFailure(during: string, error: unknown): void {
    this.counters.backendFailures++;
    // What the back end itself threw, with its stack, where that was no BackendError.
    const failure = { during, error: (error instanceof BackendError ? error.cause : undefined) ?? error };
    this.lastFailure = failure;
    this.options.onBackendFailure?.(failure);
    this.host.trace?.({
      source: "gpu",
      kind: "backend-failure",
      detail: { during, message: messageOf(error) },
    });
  }
}

function answerNoData(): number {
  return VIRTIO_GPU_RESP_OK_NODATA;
}
