import type { WorkBudget } from "../../../base/work-budget.ts";
import type { PixelRectangle } from "../../../devices/gpu/index.ts";
import { Damage } from "./damage.ts";

/** Rows that are brought over at a time: those of the squares in which changes are found. */
const BAND_ROWS = 32;
/** Columns at a time; with the rows a quarter of a million pixels. */
const BAND_COLUMNS = 8192;

/** All that was flushed before some moment, and who waits for it. */
class Pass<Head> {
  readonly damage: Map<Head, Damage> = new Map();
  #done: Promise<void> | null = null;
  #resolve: (() => void) | null = null;

  get done(): Promise<void> {
    this.#done ??= new Promise((resolve) => {
      this.#resolve = resolve;
    });
    return this.#done;
  }

  add(head: Head, rectangle: PixelRectangle): void {
    let damage = this.damage.get(head);
    if (damage === undefined) {
      damage = new Damage();
      this.damage.set(head, damage);
    }
    damage.add(rectangle);
  }

  end(): void {
    this.#resolve?.();
  }
}

/**
 * Brings over what was flushed, no more in one turn of the event loop than the budget allows. What is flushed while
 * pixels still wait becomes a pass of its own, in which every pixel counts once, however often it was flushed: a guest
 * that floods causes no more than one conversion of everything after the other.
 */
export class Conversions<Head> {
  readonly #budget: WorkBudget;
  readonly #convert: (head: Head, band: PixelRectangle) => void;
  #current: Pass<Head> | null = null;
  #next: Pass<Head> | null = null;
  /** What the current pass takes of one head, the last rectangle first. */
  #rest: PixelRectangle[] = [];
  #head: Head | null = null;

  constructor(budget: WorkBudget, convert: (head: Head, band: PixelRectangle) => void) {
    this.#budget = budget;
    this.#convert = convert;
  }

  /** Nothing is waiting to be brought over. */
  get idle(): boolean {
    return this.#current === null;
  }

  /** Brings over a rectangle: at once if there is time for it, else by when the promise resolves. */
  add(head: Head, rectangle: PixelRectangle): Promise<void> | undefined {
    if (this.#current !== null) {
      this.#next ??= new Pass();
      this.#next.add(head, rectangle);
      return this.#next.done;
    }
    const pass = new Pass<Head>();
    this.#current = pass;
    pass.add(head, rectangle);
    if (this.#work()) return undefined;
    this.#budget.later(() => this.#goOn());
    return pass.done;
  }

  /** What waits of this head is of no interest any more. */
  forget(head: Head): void {
    this.#current?.damage.delete(head);
    this.#next?.damage.delete(head);
    if (this.#head === head) this.#rest = [];
  }

  /** Nothing is of interest any more; nobody waits. */
  clear(): void {
    const passes = [this.#current, this.#next];
    this.#current = null;
    this.#next = null;
    this.#rest = [];
    this.#head = null;
    for (const pass of passes) pass?.end();
  }

  #goOn(): void {
    if (this.#current === null) return;
    while (this.#current !== null && !this.#budget.spent) {
      if (!this.#work()) break;
    }
    if (this.#current !== null) this.#budget.later(() => this.#goOn());
  }

  /** Works on the current pass as long as the budget reaches. Returns whether it is through; the next one is current. */
  #work(): boolean {
    const pass = this.#current;
    while (pass !== null && pass === this.#current) {
      const rectangle = this.#rest.pop() ?? this.#take(pass);
      if (rectangle === null) {
        this.#current = this.#next;
        this.#next = null;
        pass.end();
        return true;
      }
      if (this.#budget.spent) {
        this.#rest.push(rectangle);
        return false;
      }
      this.#band(rectangle);
    }
    return true;
  }

  /** The next rectangle of a pass; those of one head after the other. */
  #take(pass: Pass<Head>): PixelRectangle | null {
    for (const [head, damage] of pass.damage) {
      pass.damage.delete(head);
      this.#head = head;
      this.#rest = damage.takeAll().reverse();
      const first = this.#rest.pop();
      if (first !== undefined) return first;
    }
    return null;
  }

  /** Converts the upper end of a rectangle and puts the rest back. */
  #band({ x, y, widthPixels, heightPixels }: PixelRectangle): void {
    const rows = Math.min(BAND_ROWS, heightPixels);
    const columns = Math.min(BAND_COLUMNS, widthPixels);
    if (rows < heightPixels) {
      this.#rest.push({ x, y: y + rows, widthPixels, heightPixels: heightPixels - rows });
    }
    if (columns < widthPixels) {
      this.#rest.push({ x: x + columns, y, widthPixels: widthPixels - columns, heightPixels: rows });
    }
    this.#budget.charge(columns * rows);
    this.#convert(this.#head as Head, { x, y, widthPixels: columns, heightPixels: rows });
  }
}
