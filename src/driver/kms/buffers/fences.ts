/**
 * Something that will have happened once: rendering done, a command finished. Code that needs the result waits for it.
 *
 * @example
 * ```ts
 * const rendered = new KmsFence("frame 7");
 * reservation.add(rendered, "write");
 * rendered.signal();
 * ```
 */
export class KmsFence {
  /** For messages. */
  readonly name: string;
  /** The id the device knows it by; 0 for fences that are not the GPU's, or were never sent. */
  id = 0;
  #signaled = false;
  #waiting: (() => void)[] = [];

  constructor(name = "fence") {
    this.name = name;
  }

  get signaled(): boolean {
    return this.#signaled;
  }

  /** It has happened. Further calls do nothing. */
  signal(): void {
    if (this.#signaled) return;
    this.#signaled = true;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const call of waiting) call();
  }

  /** Calls once it has happened: at once when it has already. */
  onSignal(call: () => void): void {
    if (this.#signaled) call();
    else this.#waiting.push(call);
  }
}

/**
 * The fences of the driver: one counter for all of them, so that the device's answer to one says that all before it
 * are done, too.
 */
export class FenceTimeline {
  /** The last id given out. */
  last = 0;
  /** Sent and not signaled, oldest first. */
  readonly #pending: KmsFence[] = [];

  get pending(): number {
    return this.#pending.length;
  }

  /** Gives a fence its id: the moment its command enters the queue. */
  emit(fence: KmsFence): void {
    fence.id = ++this.last;
    this.#pending.push(fence);
  }

  /** The device says that a fence is done. An id that is not pending, because it was never or is no more, is ignored. */
  process(id: number): void {
    const index = this.#pending.findIndex((fence) => fence.id === id);
    if (index < 0) return;
    for (const fence of this.#pending.splice(0, index + 1)) fence.signal();
  }
}

/** How work that a fence stands for uses a buffer. */
export type ReservationUsage = "read" | "write";

/**
 * Who is at work on a buffer (dma_resv of Linux). Readers wait for writers, writers for everybody: each user adds the
 * fence of its work and looks at those of the others first.
 *
 * @example
 * ```ts
 * const reservation = new Reservation();
 * reservation.add(fence, "write");
 * reservation.writers.length; // 1 until the fence is reached
 * ```
 */
export class Reservation {
  #writers: KmsFence[] = [];
  #readers: KmsFence[] = [];

  /** Fences of work that writes to the buffer and is not done: what a reader has to wait for. */
  get writers(): readonly KmsFence[] {
    if (this.#writers.length > 0) this.#writers = this.#writers.filter((fence) => !fence.signaled);
    return this.#writers;
  }

  /** Fences of all work that is not done: what a writer has to wait for. */
  get users(): readonly KmsFence[] {
    if (this.#readers.length > 0) this.#readers = this.#readers.filter((fence) => !fence.signaled);
    return [...this.writers, ...this.#readers];
  }

  /** Adds the fence of work that was begun. */
  add(fence: KmsFence, usage: ReservationUsage): void {
    if (fence.signaled) return;
    if (usage === "write") this.#writers = [...this.writers, fence];
    else this.#readers.push(fence);
  }
}
