/** One rendering context. */
export interface Context {
  readonly id: number;
  /** One of VIRTIO_GPU_CAPSET_*, 0 when the renderer decided. */
  readonly capsetId: number;
  readonly debugName: string;
  /** Resources attached to it. */
  readonly resources: Set<number>;
}

/** All rendering contexts by id. */
export class Contexts {
  readonly #limit: number;
  readonly #byId = new Map<number, Context>();

  constructor(limit: number) {
    this.#limit = limit;
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
  }

  remove(context: Context): void {
    if (this.#byId.get(context.id) === context) this.#byId.delete(context.id);
  }

  forgetResource(resourceId: number): void {
    for (const context of this.#byId.values()) context.resources.delete(resourceId);
  }

  clear(): void {
    this.#byId.clear();
  }
}
