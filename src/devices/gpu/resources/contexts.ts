/** One rendering context. */
export interface Context {
  readonly id: number;
  /** One of VIRTIO_GPU_CAPSET_*, 0 when the renderer decided. */
  readonly capsetId: number;
  readonly debugName: string;
  /** Resources attached to it; changed by {@link Contexts} only. */
  readonly resources: Set<number>;
}

/** All rendering contexts by id. */
export class Contexts {
  readonly #limit: number;
  readonly #maxAttachments: number;
  readonly #byId = new Map<number, Context>();
  /** Resources attached to contexts, counted once for each context. */
  #attachments = 0;

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

  /** Attaches a resource that is not attached yet; false when that is beyond the limit. */
  attach(context: Context, resourceId: number): boolean {
    if (this.#attachments >= this.#maxAttachments) return false;
    context.resources.add(resourceId);
    this.#attachments++;
    return true;
  }

  /** Takes a resource out of a context, which may have been removed meanwhile. */
  detach(context: Context, resourceId: number): void {
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
