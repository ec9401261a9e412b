import { both, type MaybeLater, ofNoInterest } from "../../base/later.ts";
import type { CursorImage, Display, ScanoutSource } from "../../devices/gpu/index.ts";

/** Shows everything on two displays. What is asked of them is done when both have done it, and fails when one has failed. */
export class TeeDisplay implements Display {
  readonly #first: Display;
  readonly #second: Display;
  /** Time that the second display took without promises, in milliseconds. */
  secondMs = 0;

  constructor(first: Display, second: Display) {
    this.#first = first;
    this.#second = second;
  }

  setScanout(scanoutId: number, source: ScanoutSource | null): MaybeLater<void> {
    return this.#onBoth((display) => display.setScanout(scanoutId, source));
  }

  flush(
    scanoutId: number,
    x: number,
    y: number,
    widthPixels: number,
    heightPixels: number,
  ): MaybeLater<void> {
    return this.#onBoth((display) => display.flush(scanoutId, x, y, widthPixels, heightPixels));
  }

  setCursor(scanoutId: number, cursor: CursorImage | null): MaybeLater<void> {
    return this.#onBoth((display) => display.setCursor?.(scanoutId, cursor));
  }

  moveCursor(scanoutId: number, x: number, y: number): MaybeLater<void> {
    return this.#onBoth((display) => display.moveCursor?.(scanoutId, x, y));
  }

  #onBoth(call: (display: Display) => MaybeLater<void>): MaybeLater<void> {
    const first = call(this.#first);
    const begin = performance.now();
    try {
      return both(first, call(this.#second));
    } catch (error) {
      ofNoInterest(first);
      throw error;
    } finally {
      this.secondMs += performance.now() - begin;
    }
  }
}
