import {
  checkArgument,
  checkOptions,
  type OptionRule,
  type OptionRules,
  U32_RULE,
} from "../../../base/options.ts";
import { DriverError } from "../../errors.ts";
import { KmsFence } from "../../kms/buffers/fences.ts";
import type { RenderBuffer } from "./render-buffer.ts";
import type { RenderReply } from "./render-channel.ts";
import type { RenderDriver } from "./render-driver.ts";
import type { RenderCommandOptions, RenderRequests } from "./render-requests.ts";

/** Choices for {@link RenderJobs}. */
export interface RenderJobsOptions {
  /** The timeline of the device that the jobs go to. Default 0. */
  readonly contextId?: number;
  /**
   * Wait for all other work on the buffers, and let it wait for this (default); or neither. False is for
   * seeing what happens then.
   */
  readonly implicitSync?: boolean;
}

const RENDER_DRIVER_RULE: OptionRule = {
  like: "a RenderDriver (RenderDriver.start(driver))",
  has: ["driver", "requests"],
};

const RULES: OptionRules<RenderJobsOptions> = {
  contextId: U32_RULE,
  implicitSync: "boolean",
};

/**
 * Work for the renderer: drawn some time, and then its fence is reached.
 *
 * @example
 * ```ts
 * const job = jobs.submit("frame 1", buffer, [], (requests, options) => {
 *   requests.fill(buffer.importId, colour, rect, options);
 * });
 * job.fence.onSignal(() => console.log(job.error ?? "drawn"));
 * ```
 */
export class RenderJob {
  /** Reached once everything is drawn, or the job has failed. */
  readonly fence: KmsFence;
  /** What went wrong, null if nothing did. */
  error: DriverError | null = null;

  /** @internal */
  constructor(name: string) {
    this.fence = new KmsFence(name);
  }
}

interface Waiting {
  readonly job: RenderJob;
  readonly fences: readonly KmsFence[];
  readonly draw: (requests: RenderRequests, options: RenderCommandOptions) => void;
}

/**
 * Jobs of one timeline with implicit synchronisation, as a kernel's render driver does it: a job waits for all who use
 * its target and for those who write to its sources, and everybody else can wait for the job through the buffers'
 * reservation objects. The order in which jobs are submitted is the order in which they draw.
 *
 * @example
 * ```ts
 * const jobs = new RenderJobs(render);
 * jobs.submit("frame 1", target, [], (requests, options) => {
 *   requests.fill(target.importId, 0xff000000, whole, options);
 * });
 * file.dirtyFb(fbId); // waits for the job
 * ```
 */
export class RenderJobs {
  readonly render: RenderDriver;
  readonly contextId: number;
  readonly implicitSync: boolean;
  readonly #queue: Waiting[] = [];
  #running = false;

  constructor(render: RenderDriver, options: RenderJobsOptions = {}) {
    checkOptions("RenderJobs", options, RULES);
    checkArgument("RenderJobs", "render", render, RENDER_DRIVER_RULE);
    this.render = render;
    this.contextId = options.contextId ?? 0;
    this.implicitSync = options.implicitSync ?? true;
  }

  /** Jobs that the device has not been told of, because somebody else uses their buffers. */
  get waiting(): number {
    return this.#queue.length;
  }

  /**
   * Submits a job and returns at once. `draw` is called when the buffers are free, now or later; it queues the commands
   * with the options it is given. Nothing may be drawn into other buffers than `target`, or read from others than
   * `sources` and `target`.
   */
  submit(
    name: string,
    target: RenderBuffer,
    sources: readonly RenderBuffer[],
    draw: (requests: RenderRequests, options: RenderCommandOptions) => void,
  ): RenderJob {
    const job = new RenderJob(name);
    const fences: KmsFence[] = [];
    if (this.implicitSync) {
      fences.push(...target.reservation.users);
      for (const source of sources) fences.push(...source.reservation.writers);
      // Before anything is sent: the next job finds this one, whether it has begun or not.
      target.reservation.add(job.fence, "write");
      for (const source of sources) {
        if (source.reservation !== target.reservation) source.reservation.add(job.fence, "read");
      }
    }
    this.#queue.push({ job, fences, draw });
    for (const fence of fences) fence.onSignal(() => this.#run());
    this.#run();
    return job;
  }

  #run(): void {
    if (this.#running) return;
    this.#running = true;
    try {
      for (let next = this.#queue[0]; next?.fences.every(isReached) === true; next = this.#queue[0]) {
        this.#queue.shift();
        this.#send(next);
      }
    } finally {
      this.#running = false;
    }
  }

  #send({ job, draw }: Waiting): void {
    const { requests } = this.render;
    const { contextId } = this;
    let replies: RenderReply<unknown>[];
    let last: RenderReply;
    try {
      replies = requests.channel.capture(() => draw(requests, { contextId, fence: false }));
      last = requests.nop({ contextId, fence: true });
      this.render.kick();
    } catch (error) {
      if (!(error instanceof DriverError)) throw error;
      job.error = error;
      job.fence.signal();
      return;
    }
    // What was refused says so itself, and has by now; what failed while it was drawn is told by the fence.
    last.onDone(() => {
      job.error = replies.find(({ error }) => error !== null)?.error ?? last.error;
      job.fence.signal();
    });
  }
}

function isReached(fence: KmsFence): boolean {
  return fence.signaled;
}
