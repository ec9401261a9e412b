import { checkArgument, type OptionRule } from "./options.ts";

/** As much as fits into a 32-bit integer, with room for one command that costs more than what is left. */
const MAX_WORK = 0x3fffffff;
/** A limit on the work of a turn. */
export const TURN_LIMIT_RULE: OptionRule = [1, MAX_WORK];

/**
 * How much may be done before the event loop gets its turn, in units of work: one unit is what it costs to copy a byte
 * in a long run, about a fifth of a nanosecond. Code that works charges what it does, stops once nothing is left, and goes
 * on in a later turn. A device and all its queues have one budget.
 *
 * Tasks that wait for the next turn are run there in the order in which they came, as far as that turn's budget reaches;
 * however many there are, only one turn is ever asked for.
 *
 * @example
 * ```ts
 * const budget = new WorkBudget(1 << 20, (task) => setTimeout(task, 0));
 * budget.charge(4096); // so many bytes were copied
 * if (budget.left < 1) budget.later(() => goOn());
 * ```
 */
export class WorkBudget {
  /** Units that are left; below 1 it is used up. Read on the hot path, written by {@link charge} and the device types. */
  left: number;
  readonly max: number;
  readonly #schedule: (task: () => void) => void;
  #tasks: (() => void)[] = [];
  #asked = false;
  #inTurn = false;
  #turns = 0;

  /** `maxWork` is 1 … 2^30 - 1 units; `schedule` runs a task soon, after the current one returned. */
  constructor(maxWork: number, schedule: (task: () => void) => void) {
    checkArgument("WorkBudget", "maxWork", maxWork, TURN_LIMIT_RULE);
    this.max = maxWork;
    this.left = maxWork;
    this.#schedule = schedule;
  }

  /** Nothing is left for this turn. */
  get spent(): boolean {
    return this.left <= 0;
  }

  /** Tasks that wait for the next turn. */
  get waiting(): number {
    return this.#tasks.length;
  }

  /** Turns that were asked for and came. */
  get turns(): number {
    return this.#turns;
  }

  /** Work of so many units was done; the budget may go below 0. */
  charge(units: number): void {
    this.left -= units;
  }

  /** Called when work arrives from outside: grants a whole budget, unless work from before is still waiting. */
  renew(): void {
    if (this.#tasks.length === 0) this.left = this.max;
  }

  /** Runs a task in a later turn, after all that wait already. */
  later(task: () => void): void {
    this.#tasks.push(task);
    this.#ask();
  }

  /** Does something that costs so much: now if anything is left for it, else in a later turn, behind all that wait. */
  inTurn<T>(units: number, work: () => T): T | Promise<T> {
    if (this.left > 0 && this.#tasks.length === 0) {
      this.left -= units;
      return work();
    }
    return new Promise((resolve, reject) => {
      this.later(() => {
        this.left -= units;
        try {
          resolve(work());
        } catch (error) {
          reject(error);
        }
      });
    });
  }

  /** Forgets all tasks: their owners are gone. */
  clear(): void {
    this.#tasks = [];
    this.left = this.max;
  }

  /** Takes the next turn now, if tasks wait for one: somebody in this thread waits for them and gives way to nobody. */
  takeTurn(): void {
    if (this.#tasks.length > 0 && !this.#inTurn) this.#turn();
  }

  #ask(): void {
    if (this.#asked) return;
    this.#asked = true;
    this.#schedule(() => {
      this.#asked = false;
      this.#turn();
    });
  }

  #turn(): void {
    // Somebody may have taken the turn that was asked for.
    if (this.#tasks.length === 0) return;
    this.#turns++;
    this.#inTurn = true;
    this.left = this.max;
    const tasks = this.#tasks;
    // New ones gather behind these: none is run twice in a turn.
    const fresh: (() => void)[] = [];
    this.#tasks = fresh;
    let done = 0;
    try {
      while (done < tasks.length && this.left > 0 && this.#tasks === fresh) (tasks[done++] as () => void)();
    } finally {
      this.#inTurn = false;
      // Unless they were forgotten meanwhile.
      if (this.#tasks === fresh && done < tasks.length) this.#tasks = [...tasks.slice(done), ...fresh];
      if (this.#tasks.length > 0) this.#ask();
    }
  }
}
