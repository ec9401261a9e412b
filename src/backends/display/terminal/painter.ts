import type { Cells } from "./cells.ts";

const ESC = "\u001b";
const UPPER_HALF = "▀";
/** No colour that there is. */
const UNKNOWN = 0xffffffff;

/** What terminals can show: any colour, or 256 of them. */
export type TerminalColours = "true" | "256";

/** Takes over the terminal: another screen, no text cursor, no wrapping at the end of lines. */
export const ENTER_TERMINAL: string = `${ESC}[?1049h${ESC}[?25l${ESC}[?7l${ESC}[0m${ESC}[2J`;
/**
 * Gives a terminal back as it was before a display took it. `TerminalDisplay` writes this when it is closed; write it
 * yourself where the display was in a thread that ended without.
 */
export const LEAVE_TERMINAL: string = `${ESC}[?2026l${ESC}[0m${ESC}[?7h${ESC}[?25h${ESC}[?1049l`;
const CLEAR = `${ESC}[0m${ESC}[2J`;

/** Knows what the terminal shows, and finds the fewest characters that make it show something else. */
export class Painter {
  readonly #colours: TerminalColours;
  /** Upper and lower colour of each character. */
  #shown: Uint32Array<ArrayBuffer> = new Uint32Array(0);
  #isCleared = false;

  constructor(colours: TerminalColours) {
    this.#colours = colours;
  }

  /** Forgets what is shown; the next frame draws everything. */
  forget(columns: number, rows: number): void {
    this.#shown = new Uint32Array(columns * rows * 2).fill(UNKNOWN);
    this.#isCleared = false;
  }

  /** The characters that lead from what is shown to these cells; empty when nothing is different. */
  paint(cells: Cells): string {
    const { columns, rows } = cells;
    const shown = this.#shown;
    const parts: string[] = [];
    let upperNow = UNKNOWN;
    let lowerNow = UNKNOWN;
    for (let row = 0; row < rows; row++) {
      // Where the terminal's cursor is in this row; somewhere else at first.
      let at = -1;
      for (let column = 0; column < columns; column++) {
        const upper = this.#reduce(cells.colour(column, row * 2));
        const lower = this.#reduce(cells.colour(column, row * 2 + 1));
        const i = (row * columns + column) * 2;
        if (shown[i] === upper && shown[i + 1] === lower) continue;
        shown[i] = upper;
        shown[i + 1] = lower;
        if (at < 0) parts.push(`${ESC}[${row + 1};${column + 1}H`);
        else if (at < column) parts.push(`${ESC}[${column - at}C`);
        at = column + 1;
        if (lower !== lowerNow) {
          parts.push(`${ESC}[48;${this.#code(lower)}m`);
          lowerNow = lower;
        }
        if (upper === lower) {
          parts.push(" ");
          continue;
        }
        if (upper !== upperNow) {
          parts.push(`${ESC}[38;${this.#code(upper)}m`);
          upperNow = upper;
        }
        parts.push(UPPER_HALF);
      }
    }
    if (parts.length === 0) return "";
    // Terminals that know it show the frame as a whole.
    const start = `${ESC}[?2026h${this.#isCleared ? "" : CLEAR}`;
    this.#isCleared = true;
    return `${start}${parts.join("")}${ESC}[0m${ESC}[?2026l`;
  }

  /** A colour, in as many shades as the terminal distinguishes. */
  #reduce(colour: number): number {
    return this.#colours === "true" ? colour : paletteIndex(colour);
  }

  #code(colour: number): string {
    if (this.#colours === "256") return `5;${colour}`;
    return `2;${colour >>> 16};${(colour >>> 8) & 0xff};${colour & 0xff}`;
  }
}

/** Levels of red, green and blue in the colours 16 to 231 of 256. */
const LEVELS = [0, 95, 135, 175, 215, 255] as const;
const FIRST_OF_CUBE = 16;
const FIRST_GREY = 232;
const GREYS = 24;

/** The colour nearest to one in the common palette of 256, without the first 16, which users change. */
function paletteIndex(colour: number): number {
  const red = colour >>> 16;
  const green = (colour >>> 8) & 0xff;
  const blue = colour & 0xff;
  const r = nearestLevel(red);
  const g = nearestLevel(green);
  const b = nearestLevel(blue);
  const grey = Math.min(GREYS - 1, Math.max(0, Math.round(((red + green + blue) / 3 - 8) / 10)));
  const level = 8 + grey * 10;
  const toCube = distance(red, green, blue, LEVELS[r] ?? 0, LEVELS[g] ?? 0, LEVELS[b] ?? 0);
  const toGrey = distance(red, green, blue, level, level, level);
  return toGrey < toCube ? FIRST_GREY + grey : FIRST_OF_CUBE + 36 * r + 6 * g + b;
}

function nearestLevel(value: number): number {
  if (value < 48) return 0;
  return value < 115 ? 1 : Math.min(5, Math.floor((value - 35) / 40));
}

function distance(r1: number, g1: number, b1: number, r2: number, g2: number, b2: number): number {
  return (r1 - r2) ** 2 + (g1 - g2) ** 2 + (b1 - b2) ** 2;
}
