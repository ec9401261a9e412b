import { BackendError } from "../../base/backend-error.ts";
import { VirtioBugError } from "../../base/errors.ts";
import { isPromise, type MaybeLater } from "../../base/later.ts";
import { BackendCalls } from "../../device/backend/backend-calls.ts";
import type { DeviceHost } from "../../device/device-type.ts";
import { platformRandomBytes } from "../../device/random.ts";
import { SharedObjectRegistry } from "../../device/shared-objects.ts";
import { VIRTIO_GPU_RESP_OK_NODATA } from "../../wire/gpu.ts";

import { GuardedDisplay, guardRenderer } from "./backend/guard.ts";
import type { RenderedPixels, Renderer } from "./backend/renderer.ts";
import { completeLimits, type GpuDeviceOptions, type GpuLimits } from "./options.ts";
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
}

/** What to do once a back end's promise settles. */
export interface Deferred {
  readonly promise: Promise<unknown>;
  /** Turns the value into a response; returns the response type. Not called after a device reset. */
  readonly finish: (value: unknown, response: GpuResponse) => number;
  /** Takes back what was done in advance. Not called after a device reset. */
  readonly undo: (() => void) | null;
  /** True when later commands of the control queue may not start before this one is done. */
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
  };
  /** Why the current command is refused, for traces. */
  reason = "";
  /** Raised by every device reset: what was begun before belongs to nobody any more. */
  generation = 0;
  /** Offered feature bits. */
  readonly offered: ReadonlySet<number>;

  readonly #displayCalls: BackendCalls;
  readonly #rendererCalls: BackendCalls;
  #host: DeviceHost | null = null;
  #deferred: Deferred | null = null;

  constructor(options: GpuDeviceOptions, displays: DisplaySettings, offered: ReadonlySet<number>) {
    this.options = options;
    this.policy = completePolicy(options.profile ?? "spec", options.policy);
    this.limits = completeLimits(options.limits);
    this.#displayCalls = new BackendCalls("display", this.limits.maxAbandonedCalls);
    this.#rendererCalls = new BackendCalls("renderer", this.limits.maxAbandonedCalls);
    const returned = (): void => this.#host?.sync();
    this.renderer =
      options.renderer === undefined ? null : guardRenderer(options.renderer, this.#rendererCalls, returned);
    this.heap = options.hostHeap ?? null;
    this.displays = displays;
    this.offered = offered;
    const display =
      options.display === undefined
        ? null
        : new GuardedDisplay(options.display, this.#displayCalls, returned);
    this.resources = new ResourceTable(this.limits, this.policy.lastHostByte === "use");
    this.scanouts = new Scanouts(displays.count, display, this.renderer, this.counters);
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
    if (this.#host === null) throw new VirtioBugError("the gpu is used before it was attached");
    return this.#host;
  }

  attach(host: DeviceHost): void {
    this.#host = host;
  }

  /** Calls of back ends that were begun before the last reset and have not settled. */
  get abandonedCalls(): number {
    return this.#displayCalls.abandoned + this.#rendererCalls.abandoned;
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

  /** Answers OK_NODATA, at once or when the promise settles. */
  done(result: MaybeLater<unknown>): number {
    if (!isPromise(result)) return VIRTIO_GPU_RESP_OK_NODATA;
    return this.later(result, answerNoData);
  }

  /** Answers what `finish` makes of the value, at once or when the promise settles. */
  answer<T>(
    result: MaybeLater<T>,
    response: GpuResponse,
    finish: (value: T, response: GpuResponse) => number,
  ): number {
    return isPromise(result) ? this.later(result, finish) : finish(result, response);
  }

  /**
   * Has a back end do what the device has noted already; `undo` takes the note back when that fails. `barrier` as for
   * {@link later}.
   */
  undoable(action: () => MaybeLater<unknown>, undo: () => void, barrier: boolean): number {
    let result: MaybeLater<unknown>;
    try {
      result = action();
    } catch (error) {
      undo();
      throw error;
    }
    return isPromise(result) ? this.later(result, answerNoData, undo, barrier) : VIRTIO_GPU_RESP_OK_NODATA;
  }

  /**
   * The command waits for a promise. `undo` runs when it fails. With a `barrier` no later command of the control queue
   * starts before.
   */
  later<T>(
    promise: Promise<T>,
    finish: (value: T, response: GpuResponse) => number,
    undo: (() => void) | null = null,
    barrier = false,
  ): number {
    this.#deferred = { promise, finish: finish as Deferred["finish"], undo, barrier };
    return PENDING;
  }

  /** What the last command that returned {@link PENDING} waits for. */
  takeDeferred(): Deferred {
    const deferred = this.#deferred;
    if (deferred === null) throw new VirtioBugError("a pending command waits for nothing");
    this.#deferred = null;
    return deferred;
  }

  /** Back to the state before the driver came. What back ends throw meanwhile is traced, not passed on. */
  reset(): void {
    this.generation++;
    this.#deferred = null;
    this.#displayCalls.abandon();
    this.#rendererCalls.abandon();
    for (let i = 0; i < this.scanouts.count; i++) {
      this.attempt(() => this.scanouts.disable(i));
      this.attempt(() => this.cursors.reset(i));
    }
    this.exports.revokeAll();
    for (const resource of this.resources.values()) {
      if (resource.memory !== null) this.heap?.unmap(resource.memory);
    }
    this.resources.clear();
    this.transfers.clear();
    this.contexts.clear();
    this.attempt(() => this.renderer?.reset());
  }

  /** Does something to a back end whose failure is traced and otherwise of no consequence. */
  attempt(action: () => void): void {
    try {
      action();
    } catch (error) {
      if (!(error instanceof BackendError)) throw error;
      this.traceFailure("reset or restore", error);
    }
  }

  /** A back end failed. */
  traceFailure(during: string, error: unknown): void {
    this.host.trace?.({
      source: "gpu",
      kind: "backend-failure",
      detail: { during, message: error instanceof Error ? error.message : String(error) },
    });
  }
}

function answerNoData(): number {
  return VIRTIO_GPU_RESP_OK_NODATA;
}
