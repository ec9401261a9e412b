/** A clock that stands still until it is told to go on. */
export class TestClock {
  #nowMs = 0;
  readonly #tasks: { readonly atMs: number; readonly task: () => void }[] = [];

  now(): number {
    return this.#nowMs;
  }

  callAt(atMs: number, task: () => void): () => void {
    const entry = { atMs, task };
    this.#tasks.push(entry);
    return () => {
      const at = this.#tasks.indexOf(entry);
      if (at >= 0) this.#tasks.splice(at, 1);
    };
  }

  /** Tasks that wait. */
  get waiting(): number {
    return this.#tasks.length;
  }

  /** Goes on to the next task and runs it; false when there is none. */
  step(): boolean {
    let next = this.#tasks[0];
    for (const each of this.#tasks) if (next !== undefined && each.atMs < next.atMs) next = each;
    if (next === undefined) return false;
    this.#tasks.splice(this.#tasks.indexOf(next), 1);
    this.#nowMs = Math.max(this.#nowMs, next.atMs);
    next.task();
    return true;
  }

  /** Runs everything; throws when it does not come to an end. */
  runAll(limit = 100_000): void {
    for (let i = 0; this.step(); i++) if (i === limit) throw new Error("the clock never comes to rest");
  }
}
