import type { CursorImage, Display, ScanoutSource } from "../../devices/gpu/index.ts";

/** Shows everything on two displays. A flush is done when both are done with it. */
export class TeeDisplay implements Display {
  readonly #first: Display;
  readonly #second: Display;
  /** Time that the second display took without promises, in milliseconds. */
  secondMs = 0;

  constructor(first: Display, second: Display) {
    this.#first = first;
    this.#second = second;
  }

  setScanout(scanoutId: number, source: ScanoutSource | null): void {
    this.#first.setScanout(scanoutId, source);
    this.#timed(() => this.#second.setScanout(scanoutId, source));
  }

  flush(
    scanoutId: number,
    x: number,
    y: number,
    widthPixels: number,
    heightPixels: number,
  ): void | Promise<void> {
    const first = this.#first.flush(scanoutId, x, y, widthPixels, heightPixels);
    const second = this.#timed(() => this.#second.flush(scanoutId, x, y, widthPixels, heightPixels));
    if (first instanceof Promise && second instanceof Promise) {
      return Promise.all([first, second]).then(() => undefined);
    }
    return first instanceof Promise ? first : second;
  }

  setCursor(scanoutId: number, cursor: CursorImage | null): void {
    this.#first.setCursor?.(scanoutId, cursor);
    this.#timed(() => this.#second.setCursor?.(scanoutId, cursor));
  }

  moveCursor(scanoutId: number, x: number, y: number): void {
    this.#first.moveCursor?.(scanoutId, x, y);
    this.#timed(() => this.#second.moveCursor?.(scanoutId, x, y));
  }

  #timed<Result>(work: () => Result): Result {
    const begin = performance.now();
    try {
      return work();
    } finally {
      this.secondMs += performance.now() - begin;
    }
  }
}
