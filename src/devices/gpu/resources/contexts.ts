import type { MaybeLater } from "../../../base/later.ts";
import type { WorkBudget } from "../../../base/work-budget.ts";
import { SWEEP_WORK } from "../../../device/work.ts";

/** One rendering context. */
export interface Context {
  readonly id: number;
  /** One of VIRTIO_GPU_CAPSET_*, 0 when the renderer decided. */
  readonly capsetId: number;
  readonly debugName: string;
  /** Resources attached to it; changed by {@link Contexts} only. */
  readonly resources: Set<number>;
}

/** One resource in one context, from its attachment on: ids are reused, this object is not. */
export interface Attachment {
  /** What the attachment waits for while the renderer has not decided about it. */
  undecided: MaybeLater<void>;
}

/** All rendering contexts by id. */
export class Contexts {
  readonly #limit: number;
  readonly #maxAttachments: number;
  readonly #byId = new Map<number, Context>();
  /** Resources attached to contexts, counted once for each context. */
  #attachments = 0;
  readonly #attached = new WeakMap<Context, Map<number, Attachment>>();
  /** Contexts that each resource is attached to, those included that were removed and not yet swept. */
  #contextsOf = new Map<number, Set<Context>>();
  /** Contexts that were removed; their attachments count until {@link sweep}. */
  #removed: Context[] = [];

  constructor(limit: number, maxAttachments: number) {
    this.#limit = limit;
    this.#maxAttachments = maxAttachments;
  }

  get count(): number {
    return this.#byId.size;
  }

  get full(): boolean {
    return this.#byId.size >= this.#limit;
  }

  values(): IterableIterator<Context> {
    return this.#byId.values();
  }

  get(id: number): Context | null {
    return this.#byId.get(id) ?? null;
  }

  add(context: Context): void {
    this.#byId.set(context.id, context);
    for (const id of context.resources) this.#note(context, id);
  }

  /** Its id is free; {@link sweep} has something to do. */
  remove(context: Context): void {
    if (this.#byId.get(context.id) !== context) return;
    this.#byId.delete(context.id);
    this.#removed.push(context);
  }

  /** Takes resources out of removed contexts, as long as the budget reaches. Returns whether that was all. */
  sweep(budget: WorkBudget): boolean {
    for (let context = this.#removed.at(-1); context !== undefined; context = this.#removed.at(-1)) {
      for (const id of context.resources) {
        if (budget.spent) return false;
        budget.charge(SWEEP_WORK);
        this.detach(context, id);
      }
      this.#removed.pop();
    }
    return true;
  }

  #note(context: Context, resourceId: number): void {
    this.#attachments++;
    const contexts = this.#contextsOf.get(resourceId);
    if (contexts === undefined) this.#contextsOf.set(resourceId, new Set([context]));
    else contexts.add(context);
  }

  /** True when no further resource may be attached. */
  get attachmentsFull(): boolean {
    return this.#attachments >= this.#maxAttachments;
  }

  /** Attaches a resource that is not attached yet. */
  attach(context: Context, resourceId: number, attachment: Attachment): void {
    context.resources.add(resourceId);
    this.#note(context, resourceId);
    let byId = this.#attached.get(context);
    if (byId === undefined) {
      byId = new Map();
      this.#attached.set(context, byId);
    }
    byId.set(resourceId, attachment);
  }

  /** How a resource came to be attached; null for one that is not, or was restored. */
  attachment(context: Context, resourceId: number): Attachment | null {
    return this.#attached.get(context)?.get(resourceId) ?? null;
  }

  /** Takes a resource out of a context, which may have been removed meanwhile. */
  detach(context: Context, resourceId: number): void {
    this.#attached.get(context)?.delete(resourceId);
    if (!context.resources.delete(resourceId)) return;
    const contexts = this.#contextsOf.get(resourceId);
    if (contexts?.delete(context) !== true) return;
    this.#attachments--;
    if (contexts.size === 0) this.#contextsOf.delete(resourceId);
  }

  forgetResource(resourceId: number): void {
    for (const context of this.#contextsOf.get(resourceId) ?? []) this.detach(context, resourceId);
  }

  clear(): void {
    this.#byId.clear();
    this.#contextsOf = new Map();
    this.#removed = [];
    this.#attachments = 0;
  }
}
