/** Looks within the limit: the more, the closer to it a stall is noticed. */
const LOOKS = 8;

/**
 * Notices that an answer does not come. One timer for however many: cheap enough to be told of every register access.
 */
export class StallWatch {
  readonly #limitMs: number;
  readonly #onStall: () => void;
  #timer: NodeJS.Timeout | undefined;
  #answers = 0;
  #waiting = false;

  /** `onStall` is called when nothing was answered for `limitMs` milliseconds, or for up to an eighth more. */
  constructor(limitMs: number, onStall: () => void) {
    this.#limitMs = limitMs;
    this.#onStall = onStall;
  }

  /** An answer is being waited for. */
  asked(): void {
    this.#waiting = true;
    this.#timer ??= this.#arm();
  }

  /** An answer came; `more` says whether others are being waited for. */
  answered(more: boolean): void {
    this.#answers++;
    this.#waiting = more;
  }

  /** Nothing is waited for any more, for good. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#waiting = false;
  }

  #arm(looks = 0): NodeJS.Timeout {
    const seen = this.#answers;
    const timer = setTimeout(() => {
      this.#timer = undefined;
      if (!this.#waiting) return;
      if (this.#answers !== seen) this.#timer = this.#arm();
      else if (looks + 1 >= LOOKS) this.#onStall();
      else this.#timer = this.#arm(looks + 1);
    }, this.#limitMs / LOOKS);
    // What is waited for comes through a socket, and that keeps the process alive.
    return timer.unref();
  }
}
