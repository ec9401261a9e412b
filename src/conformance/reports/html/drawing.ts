/** Tables with arrows between their rows, as SVG. Colours and fonts are the page's: see style.ts. */
import { escapeHtml } from "./escape.ts";

/** Width of a character: every text says how wide it is, so that no font can bring it out of line or out of its box. */
const CHARACTER = 7.2;
/** The same for the smaller texts: subtitles, gaps and the ends of arrows that lead nowhere. */
const SMALL_CHARACTER = 6.6;
/** Spaces before and after each cell. */
const SPACE = 1;
const ROW_HEIGHT = 21;
const TITLE_HEIGHT = 40;
const HEAD_HEIGHT = 20;
const MARGIN = 2;

/** How a row or an arrow looks: part of what the drawing is about, ordinary, wrong, where the ring goes on. */
export type Tone = "hot" | "plain" | "bad" | "mark";

/** A column of a box. */
export interface BoxColumn {
  readonly head: string;
  readonly characters: number;
  readonly align?: "right";
}

/** A row of a box: cells by column, or one text over all of them. */
export interface BoxRow {
  readonly cells: readonly string[] | string;
  readonly tone?: Tone;
}

/** A table to draw. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly title: string;
  readonly subtitle: string;
  readonly columns: readonly BoxColumn[];
  readonly rows: readonly BoxRow[];
}

/** Where a box has come to lie. */
export interface PlacedBox {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
  /** Where its title surely has ended. */
  readonly titleRight: number;
  /** The middle of its title. */
  readonly titleY: number;
  /** The middle of a row. */
  rowY(row: number): number;
}

/** A point of an arrow. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** Width of a box with these columns. */
export function boxWidth(columns: readonly BoxColumn[]): number {
  return columns.reduce((sum, { characters }) => sum + characters + 2 * SPACE, 0) * CHARACTER;
}

/** Collects boxes and arrows; arrows lie above boxes, and those that matter above the others. */
export class Drawing {
  readonly #boxes: string[] = [];
  readonly #arrows: string[] = [];
  readonly #hotArrows: string[] = [];
  #width = 0;
  #height = 0;

  /** Draws a table. */
  box({ x, y, title, subtitle, columns, rows }: Box): PlacedBox {
    const width = boxWidth(columns);
    const top = y + TITLE_HEIGHT + HEAD_HEIGHT;
    const bottom = top + rows.length * ROW_HEIGHT;
    const middleOf = (row: number) => top + row * ROW_HEIGHT + ROW_HEIGHT / 2;
    const heads = columns.map(({ head }) => head);
    this.#boxes.push(
      text(x, y + 14, title, "bt"),
      text(x, y + 31, subtitle, "bs", SMALL_CHARACTER),
      rect(x, y + TITLE_HEIGHT, width, HEAD_HEIGHT, "bh"),
      rowText(x, y + TITLE_HEIGHT + HEAD_HEIGHT / 2, heads, columns, "hd"),
    );
    rows.forEach(({ cells, tone = "plain" }, row) => {
      if (tone === "hot" || tone === "bad")
        this.#boxes.push(rect(x, middleOf(row) - ROW_HEIGHT / 2, width, ROW_HEIGHT, tone));
      this.#boxes.push(
        typeof cells === "string"
          ? text(x + SPACE * CHARACTER, middleOf(row) + 4, cells, "gap", SMALL_CHARACTER)
          : rowText(x, middleOf(row), cells, columns, tone === "plain" ? "" : `c-${tone}`),
      );
    });
    const lines = rows.map((_, row) =>
      row === 0 ? "" : `M${n(x)} ${n(top + row * ROW_HEIGHT)}h${n(width)}`,
    );
    this.#boxes.push(
      `<path class="bx" d="M${n(x)} ${n(y + TITLE_HEIGHT)}h${n(width)}V${n(bottom)}h${n(-width)}z${lines.join("")}"/>`,
    );
    this.#grow(x + Math.max(width, title.length * CHARACTER, subtitle.length * SMALL_CHARACTER), bottom);
    return {
      left: x,
      right: x + width,
      titleRight: x + title.length * CHARACTER,
      top: y,
      bottom,
      titleY: y + 14,
      rowY: middleOf,
    };
  }

  /** Squares that are filled where a bit is 1, four characters apart, for a row's text to stand between. */
  bits(x: number, y: number, bits: readonly (0 | 1)[]): void {
    bits.forEach((bit, index) => {
      const left = n(x + index * 4 * CHARACTER);
      this.#boxes.push(
        `<rect class="bit b${bit}" x="${left}" y="${n(y - 5)}" width="10" height="10" rx="2"/>`,
      );
    });
  }

  /** An arrow that leaves and arrives horizontally. */
  curve(from: Point, to: Point, tone: Tone): void {
    const reach = Math.max(24, Math.abs(to.x - from.x) / 2);
    const side = Math.sign(to.x - from.x) || 1;
    this.#arrow(
      `M${n(from.x)} ${n(from.y)}C${n(from.x + side * reach)} ${n(from.y)} ${n(to.x - side * reach)} ${n(to.y)} ${n(to.x)} ${n(to.y)}`,
      tone,
    );
  }

  /** An arrow that leaves to the right, bows out by `reach` and comes back. */
  bow(from: Point, to: Point, reach: number, tone: Tone): void {
    const out = Math.max(from.x, to.x) + reach * 1.33;
    this.#arrow(
      `M${n(from.x)} ${n(from.y)}C${n(out)} ${n(from.y)} ${n(out)} ${n(to.y)} ${n(to.x)} ${n(to.y)}`,
      tone,
    );
    this.#grow(Math.max(from.x, to.x) + reach, 0);
  }

  /** An arrow that goes right to `lane`, down or up, and back left. */
  detour(from: Point, to: Point, lane: number, tone: Tone): void {
    const down = to.y > from.y ? 6 : -6;
    this.#arrow(
      `M${n(from.x)} ${n(from.y)}H${n(lane - 6)}Q${n(lane)} ${n(from.y)} ${n(lane)} ${n(from.y + down)}` +
        `V${n(to.y - down)}Q${n(lane)} ${n(to.y)} ${n(lane - 6)} ${n(to.y)}H${n(to.x)}`,
      tone,
    );
    this.#grow(lane, Math.max(from.y, to.y));
  }

  /** An arrow that leads nowhere that is drawn, and says where. */
  stub(from: Point, label: string, tone: Tone): void {
    this.#arrow(`M${n(from.x)} ${n(from.y)}h14`, tone);
    this.#boxes.push(text(from.x + 24, from.y + 4, label, `st c-${tone}`, SMALL_CHARACTER));
    this.#grow(from.x + 24 + label.length * SMALL_CHARACTER, from.y + 4);
  }

  /** All of it. `label` is for those who do not see it. */
  toSvg(label: string): string {
    const width = Math.ceil(this.#width + 2 * MARGIN);
    const height = Math.ceil(this.#height + 2 * MARGIN);
    return (
      `<svg class="ring" role="img" aria-label="${escapeHtml(label)}" width="${width}" height="${height}" ` +
      `viewBox="${-MARGIN} ${-MARGIN} ${width} ${height}">` +
      [...this.#boxes, ...this.#arrows, ...this.#hotArrows].join("") +
      "</svg>"
    );
  }

  #arrow(path: string, tone: Tone): void {
    const element = `<path class="ar ${tone}" d="${path}" marker-end="url(#tip-${tone})"/>`;
    (tone === "hot" ? this.#hotArrows : this.#arrows).push(element);
  }

  #grow(x: number, y: number): void {
    this.#width = Math.max(this.#width, x);
    this.#height = Math.max(this.#height, y);
  }
}

/** The tips of arrows: once in a page, before any drawing. */
export const ARROW_TIPS =
  '<svg class="tips" width="0" height="0" aria-hidden="true"><defs>' +
  (["hot", "plain", "bad", "mark"] satisfies Tone[])
    .map(
      (tone) =>
        `<marker id="tip-${tone}" class="tip ${tone}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" ` +
        'markerHeight="7" orient="auto-start-reverse"><path d="M0 0.6 8 4 0 7.4z"/></marker>',
    )
    .join("") +
  "</defs></svg>";

function rect(x: number, y: number, width: number, height: number, name: string): string {
  return `<rect class="${name}" x="${n(x)}" y="${n(y)}" width="${n(width)}" height="${n(height)}"/>`;
}

/** The cells of a row as one text: columns of a font whose characters are all of one width. */
function rowText(
  x: number,
  middle: number,
  cells: readonly string[],
  columns: readonly BoxColumn[],
  name: string,
): string {
  const padded = columns.map(({ characters, align }, index) => {
    const cell = cells[index] ?? "";
    const space = " ".repeat(SPACE);
    return `${space}${align === "right" ? cell.padStart(characters) : cell.padEnd(characters)}${space}`;
  });
  const line = padded.join("").trimEnd();
  const shown = line.trimStart();
  if (shown === "") return "";
  const left = x + (line.length - shown.length) * CHARACTER;
  return text(left, middle + 4, shown, name);
}

function text(x: number, y: number, value: string, name: string, characterWidth = CHARACTER): string {
  const className = name === "" ? "" : ` class="${name}"`;
  const length = n(value.length * characterWidth);
  return `<text${className} x="${n(x)}" y="${n(y)}" textLength="${length}" lengthAdjust="spacingAndGlyphs">${escapeHtml(value)}</text>`;
}

/** Coordinates with one decimal at most. */
function n(value: number): string {
  return String(Math.round(value * 10) / 10);
}
