import type { QemuPicture } from "./ppm.ts";

/** What QEMU writes on displays that show nothing else, in grey on black, in the middle. */
const TEXTS = ["Display output is not active.", "Guest has not initialized the display (yet)."] as const;
const GREY = 0xaa;
const GLYPH = { width: 8, height: 16 } as const;

/**
 * Whether a picture is not the guest's: QEMU shows a line of text in place of a display that is disabled, or was
 * never set up. Told by where the words lie, which no picture has by chance.
 *
 * @example
 * ```ts
 * const picture = parsePpm(readFileSync("picture.ppm"));
 * const isOff = picture !== undefined && isPlaceholder(picture);
 * ```
 */
export function isPlaceholder(picture: QemuPicture): boolean {
  return TEXTS.some((text) => shows(picture, text));
}

function shows({ width, height, rgba }: QemuPicture, text: string): boolean {
  const column = Math.trunc((Math.trunc(width / GLYPH.width) - text.length) / 2);
  const top = Math.trunc((Math.trunc(height / GLYPH.height) - 1) / 2) * GLYPH.height;
  const marked = new Set<number>();
  for (let i = 0, y = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i += 4) {
      const level = rgba[i] as number;
      if (rgba[i + 1] !== level || rgba[i + 2] !== level) return false;
      if (level === 0) continue;
      const cell = Math.floor(x / GLYPH.width) - column;
      if (level !== GREY || y < top || y >= top + GLYPH.height || !isInk(text, cell)) return false;
      marked.add(cell);
    }
  }
  for (let cell = 0; cell < text.length; cell++) {
    const isVisible =
      column + cell >= 0 && (column + cell + 1) * GLYPH.width <= width && height >= GLYPH.height;
    if (isVisible && isInk(text, cell) && !marked.has(cell)) return false;
  }
  return marked.size > 0;
}

function isInk(text: string, cell: number): boolean {
  return cell >= 0 && cell < text.length && text[cell] !== " ";
}
