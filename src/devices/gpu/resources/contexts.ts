import type { MaybeLater } from "../../../base/later.ts";

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
    this.#attachments += context.resources.size;
  }

  remove(context: Context): void {
    if (this.#byId.get(context.id) !== context) return;
    this.#byId.delete(context.id);
    this.#attachments -= context.resources.size;
  }

  /** True when no further resource may be attached. */
  get attachmentsFull(): boolean {
    return this.#attachments >= this.#maxAttachments;
  }

  /** Attaches a resource that is not attached yet. */
  attach(context: Context, resourceId: number, attachment: Attachment): void {
    context.resources.add(resourceId);
    this.#attachments++;
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
    const was = context.resources.delete(resourceId);
    if (was && this.#byId.get(context.id) === context) this.#attachments--;
  }

  forgetResource(resourceId: number): void {
    for (const context of this.#byId.values()) this.detach(context, resourceId);
  }

  clear(): void {
    this.#byId.clear();
    this.#attachments = 0;
  }
}
