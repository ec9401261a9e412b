/** Reads what was written to a terminal: knows the few sequences that pictures are made of, and rejects all others. */
import type { TerminalOutput } from "../../src/backends/display/terminal/index.ts";

type Colour = number | null;

const ESC = "\u001b";
const TOKENS = new RegExp(`${ESC}\\[([?\\d;]*)([A-Za-z])|([\\s\\S])`, "gu");

/** One character: upper and lower dot, as 0xRRGGBB or an index; null is the terminal's own colour. */
export interface ScreenCell {
  upper: Colour;
  lower: Colour;
}

export class ScreenModel implements TerminalOutput {
  columns: number;
  rows: number;
  written = "";
  /** Characters drawn since this was set to 0. */
  drawn = 0;
  /** What `write` answers. */
  ready = true;
  isAlternate = false;
  hasCursor = true;
  wraps = true;
  isHeld = false;
  cells: ScreenCell[][] = [];
  readonly #listeners = new Map<string, Set<() => void>>();
  #row = 0;
  #column = 0;
  #foreground: Colour = null;
  #background: Colour = null;

  constructor(columns: number, rows: number) {
    this.columns = columns;
    this.rows = rows;
    this.#clear();
  }

  on(event: string, listener: () => void): void {
    const listeners = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, listeners.add(listener));
  }

  off(event: string, listener: () => void): void {
    this.#listeners.get(event)?.delete(listener);
  }

  emit(event: string): void {
    for (const listener of this.#listeners.get(event) ?? []) listener();
  }

  get listeners(): number {
    return [...this.#listeners.values()].reduce((sum, { size }) => sum + size, 0);
  }

  resize(columns: number, rows: number): void {
    this.columns = columns;
    this.rows = rows;
    // Terminals keep what they can, somewhere.
    for (const row of this.cells) for (const cell of row) cell.upper = 0x123456;
    this.cells = Array.from({ length: rows }, (_, y) =>
      Array.from({ length: columns }, (_, x) => this.cells[y]?.[x] ?? { upper: 1, lower: 2 }),
    );
    this.emit("resize");
  }

  write(text: string): boolean {
    this.written += text;
    for (const [, numbers, command, character] of text.matchAll(TOKENS)) {
      if (character !== undefined) this.#put(character);
      else this.#control(numbers ?? "", command ?? "");
    }
    return this.ready;
  }

  #put(character: string): void {
    if (character !== " " && character !== "▀") throw new Error(`character ${JSON.stringify(character)}`);
    const cell = this.cells[this.#row]?.[this.#column];
    if (cell === undefined) throw new Error(`nothing is at ${this.#column},${this.#row}`);
    cell.upper = character === " " ? this.#background : this.#foreground;
    cell.lower = this.#background;
    this.#column++;
    this.drawn++;
  }

  #control(numbers: string, command: string): void {
    const values = numbers.replace("?", "").split(";").map(Number);
    switch (numbers.startsWith("?") ? `?${values[0]}${command}` : command) {
      case "?1049h":
      case "?1049l":
        this.isAlternate = command === "h";
        return;
      case "?25h":
      case "?25l":
        this.hasCursor = command === "h";
        return;
      case "?7h":
      case "?7l":
        this.wraps = command === "h";
        return;
      case "?2026h":
      case "?2026l":
        this.isHeld = command === "h";
        return;
      case "J":
        this.#clear();
        return;
      case "H":
        this.#row = (values[0] ?? 1) - 1;
        this.#column = (values[1] ?? 1) - 1;
        return;
      case "C":
        this.#column += values[0] ?? 1;
        return;
      case "m":
        this.#style(values);
        return;
      default:
        throw new Error(`sequence ${numbers}${command}`);
    }
  }

  #style([kind, way, first = 0, green = 0, blue = 0]: readonly number[]): void {
    const colour = way === 2 ? (first << 16) | (green << 8) | blue : first;
    if (kind === 0) {
      this.#foreground = null;
      this.#background = null;
    } else if (kind === 38) this.#foreground = colour;
    else if (kind === 48) this.#background = colour;
    else throw new Error(`style ${kind}`);
  }

  #clear(): void {
    this.cells = Array.from({ length: this.rows }, () =>
      Array.from({ length: this.columns }, () => ({ upper: null, lower: null })),
    );
  }

  /** Rows of dots, two for each row of characters. */
  dots(): Colour[][] {
    return this.cells.flatMap((row) => [row.map(({ upper }) => upper), row.map(({ lower }) => lower)]);
  }
}
