import type { WorkBudget } from "../../base/work-budget.ts";
import type { DescriptorChain } from "../../virtqueue/chain.ts";
import type { DeviceQueue } from "../../virtqueue/device-queue.ts";
import { VIRTIO_RENDER_CMD_NOP, VIRTIO_RENDER_RESP_ERR_CANCELED } from "../../wire/render.ts";
import { type Drawing, Row } from "./drawing.ts";
import type { RenderCommandRecord } from "./observe.ts";
import type { RenderTiming } from "./options.ts";
import type { RenderRequest, ResponseHeader } from "./protocol.ts";

/** A timeline: its commands are carried out one after the other, its fences reached in the order of their ids. */
export class RenderContext {
  readonly id: number;
  /** The last fence id taken. */
  fenceLo = 0;
  fenceHi = 0;
  /** Type of the error response of an unfenced command that failed after it was answered, 0 for none. */
  failure = 0;
  /** Commands that are not finished, the one being drawn first. */
  readonly work: Work[] = [];

  constructor(id: number) {
    this.id = id;
  }
}

/** What became of a command when it was taken. */
export interface Outcome {
  /** Type of the response. */
  readonly type: number;
  /** What follows the header of the response. */
  readonly body: Uint8Array | null;
  readonly reason: string;
  /** What remains to be drawn. */
  readonly drawing: Drawing | null;
}

/** A command on a timeline: something to draw, or a response that has to wait for what is before it. */
export class Work implements ResponseHeader {
  readonly context: RenderContext;
  readonly fenced: boolean;
  readonly fenceLo: number;
  readonly fenceHi: number;
  readonly ctxId: number;
  /** All that there is to draw. */
  readonly pixels: number;
  /** Null when there is nothing (more) to draw. */
  drawing: Drawing | null;
  /** Type of the response. */
  type: number;
  readonly body: Uint8Array | null;
  /** VIRTIO_RENDER_CMD_*, and why it was refused: for traces. */
  readonly command: number;
  readonly reason: string;
  /** True for commands that draw and wait for drawing: those whose fences also bring the news of earlier failures. */
  readonly drawn: boolean;
  /** Who waits for the response; null for commands that were answered, or whose queue is gone. */
  queue: DeviceQueue | null = null;
  chain: DescriptorChain | null = null;
  record: RenderCommandRecord | null = null;

  constructor(context: RenderContext, request: RenderRequest, outcome: Outcome) {
    this.context = context;
    this.fenced = request.fenced;
    this.fenceLo = request.fenceLo;
    this.fenceHi = request.fenceHi;
    this.ctxId = request.ctxId;
    this.command = request.type;
    this.drawn = request.type >= VIRTIO_RENDER_CMD_NOP;
    this.type = outcome.type;
    this.body = outcome.body;
    this.reason = outcome.reason;
    this.drawing = outcome.drawing;
    this.pixels = (outcome.drawing?.widthPixels ?? 0) * (outcome.drawing?.heightPixels ?? 0);
  }
}

/** A pixel drawn, in units of work. */
const DRAWN_PIXEL_WORK = 32;

/** What the engine needs of its device. */
export interface EngineOwner {
  /** Of the device, once it is attached; nothing is drawn before. */
  readonly budget: WorkBudget;
  /** Before guest memory is touched from the clock. */
  wake(): void;
  /** A command is finished: `type` holds the response. Within {@link Engine.add} or from the clock. */
  finished(work: Work): void;
  /** Called by the clock's task once it is through. */
  progressed(): void;
}

/** Choices for an {@link Engine}. */
export interface EngineOptions {
  /** Null: drawing takes no time. */
  readonly timing: Required<RenderTiming> | null;
  readonly maxPendingPixels: number;
}

/** Draws: the commands of one context in turn, those of several alternating slice by slice. */
export class Engine {
  readonly #owner: EngineOwner;
  readonly #timing: Required<RenderTiming> | null;
  readonly #maxPixels: number;
  readonly #row = new Row();
  /** Contexts with work, the next one first. */
  #busy: RenderContext[] = [];
  #pending = 0;
  #pendingPixels = 0;
  /** Takes back the slice being drawn; null when the engine rests. */
  #cancel: (() => void) | null = null;
  /** Pixels of all finished rows. */
  pixels = 0;
  slices = 0;

  constructor(owner: EngineOwner, options: EngineOptions) {
    this.#owner = owner;
    this.#timing = options.timing;
    this.#maxPixels = options.maxPendingPixels;
  }

  /** Commands that are not finished. */
  get pending(): number {
    return this.#pending;
  }

  /** True when what is to be drawn is as much as there may be. */
  get full(): boolean {
    return this.#pendingPixels >= this.#maxPixels;
  }

  /** The time, 0 when drawing takes none. */
  get nowMs(): number {
    return this.#timing?.clock.now() ?? 0;
  }

  /** Puts work at the end of its timeline. Without timing it is done when this returns, unless the turn was long. */
  add(work: Work): void {
    const { context } = work;
    this.#pending++;
    this.#pendingPixels += work.pixels;
    context.work.push(work);
    if (context.work.length === 1) this.#busy.push(context);
    this.#settle(context);
    if (this.#timing === null) this.#drawTurn();
    else this.#next();
  }

  /** Draws everything there is, now. It is never more than the limit and one command. */
  finishAll(): void {
    this.#stop();
    while (this.#busy.length > 0) this.#drawWhole(this.#busy[0] as RenderContext, Number.POSITIVE_INFINITY);
  }

  /** Draws as much as the turn allows; the rest later, so that no guest keeps the thread. */
  #drawTurn(): void {
    const { budget } = this.#owner;
    while (!budget.spent) {
      const context = this.#busy[0];
      if (context === undefined) return;
      budget.charge(this.#drawWhole(context, budget.left / DRAWN_PIXEL_WORK) * DRAWN_PIXEL_WORK);
    }
    if (this.#busy.length === 0 || this.#cancel !== null) return;
    let isCanceled = false;
    this.#cancel = () => {
      isCanceled = true;
    };
    budget.later(() => {
      if (isCanceled) return;
      this.#cancel = null;
      this.#owner.wake();
      this.#drawTurn();
      this.#owner.progressed();
    });
  }

  /** Draws the first command of a context, or so many pixels of it; returns what was drawn. */
  #drawWhole(context: RenderContext, maxPixels: number): number {
    const work = context.work[0] as Work;
    const { drawing } = work;
    const width = drawing?.widthPixels ?? 0;
    const rows = Math.min(drawing?.rowsLeft ?? 0, Math.max(1, Math.floor(maxPixels / Math.max(1, width))));
    this.#draw(work, rows);
    this.#settle(context);
    return rows * width;
  }

  /** Gives up all work of a context. */
  cancel(context: RenderContext): void {
    for (const work of context.work) {
      work.drawing?.close();
      work.drawing = null;
      work.type = VIRTIO_RENDER_RESP_ERR_CANCELED;
    }
    this.#settle(context);
  }

  /** Forgets everything; nobody is told. */
  reset(): void {
    this.#stop();
    for (const context of this.#busy) {
      for (const work of context.work) work.drawing?.close();
      context.work.length = 0;
    }
    this.#busy = [];
    this.#pending = 0;
    this.#pendingPixels = 0;
  }

  /** Calls `visit` with all unfinished work. */
  forEach(visit: (work: Work) => void): void {
    for (const context of this.#busy) context.work.forEach(visit);
  }

  #stop(): void {
    this.#cancel?.();
    this.#cancel = null;
  }

  /** Finishes what stands at the head of a timeline and has nothing to draw. */
  #settle(context: RenderContext): void {
    const { work } = context;
    for (let head = work[0]; head !== undefined; head = work[0]) {
      if (head.drawing !== null) {
        if (head.drawing.rowsLeft > 0) break;
        head.drawing.close();
        head.drawing = null;
      }
      work.shift();
      this.#pending--;
      this.#pendingPixels -= head.pixels;
      this.#owner.finished(head);
    }
    if (work.length > 0) return;
    const at = this.#busy.indexOf(context);
    if (at >= 0) this.#busy.splice(at, 1);
  }

  /** The others' turn. Drawing may have led to a reset: the guest may listen to writes to its memory. */
  #rotate(context: RenderContext): void {
    const at = this.#busy.indexOf(context);
    if (at < 0) return;
    this.#busy.splice(at, 1);
    this.#busy.push(context);
  }

  #draw(work: Work, rows: number): void {
    const { drawing } = work;
    if (drawing === null || rows <= 0) return;
    const before = drawing.rowsLeft;
    const error = drawing.draw(rows, this.#row);
    const pixels = (before - drawing.rowsLeft) * drawing.widthPixels;
    this.pixels += pixels;
    this.slices++;
    if (work.record !== null) work.record.pixels += pixels;
    if (error === 0) return;
    work.type = error;
    drawing.close();
    work.drawing = null;
  }

  /** Begins the next slice, unless one is under way. */
  #next(): void {
    const timing = this.#timing;
    const context = this.#busy[0];
    if (timing === null || context === undefined || this.#cancel !== null) return;
    const work = context.work[0] as Work;
    const drawing = work.drawing as Drawing;
    const rows = Math.min(
      drawing.rowsLeft,
      Math.max(1, Math.floor(timing.slicePixels / drawing.widthPixels)),
    );
    const lasts = (drawing.fresh ? timing.commandMs : 0) + (rows * drawing.widthPixels) / timing.pixelsPerMs;
    this.#cancel = timing.clock.callAt(timing.clock.now() + lasts, () => {
      this.#cancel = null;
      this.#owner.wake();
      // The context may have been destroyed meanwhile.
      if (context.work[0] === work) {
        this.#draw(work, rows);
        this.#rotate(context);
        this.#settle(context);
      }
      this.#owner.progressed();
      this.#next();
    });
  }
}
