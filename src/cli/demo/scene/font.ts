// A font of 5 × 7 pixels: capital letters, digits, some punctuation. Seven rows a glyph in hexadecimal, the leftmost
// pixel in bit 4.

export const GLYPH_WIDTH = 5;
export const GLYPH_HEIGHT = 7;

const GLYPHS: Readonly<Record<string, string>> = {
  A: "0e11111f111111",
  B: "1e11111e11111e",
  C: "0e11101010110e",
  D: "1e11111111111e",
  E: "1f10101e10101f",
  F: "1f10101e101010",
  G: "0e11101711110f",
  H: "1111111f111111",
  I: "0e04040404040e",
  J: "0702020202120c",
  K: "11121418141211",
  L: "1010101010101f",
  M: "111b1515111111",
  N: "11111915131111",
  O: "0e11111111110e",
  P: "1e11111e101010",
  Q: "0e11111115120d",
  R: "1e11111e141211",
  S: "0f10100e01011e",
  T: "1f040404040404",
  U: "1111111111110e",
  V: "11111111110a04",
  W: "1111111515150a",
  X: "11110a040a1111",
  Y: "1111110a040404",
  Z: "1f01020408101f",
  "0": "0e11131519110e",
  "1": "040c040404040e",
  "2": "0e11010204081f",
  "3": "1f02040201110e",
  "4": "02060a121f0202",
  "5": "1f101e0101110e",
  "6": "0608101e11110e",
  "7": "1f010204080808",
  "8": "0e11110e11110e",
  "9": "0e11110f01020c",
  "-": "0000001f000000",
  "+": "0004041f040400",
  "×": "00110a040a1100",
  ".": "00000000000c0c",
  ",": "000000000c0408",
  ":": "000c0c000c0c00",
  "/": "00010204081000",
  "(": "02040808080402",
  ")": "08040202020408",
  _: "0000000000001f",
};

/** The seven rows of a character, null for a space and for what the font does not have. */
export function glyphRows(character: string): readonly number[] | null {
  const glyph = GLYPHS[character.toUpperCase()];
  if (glyph === undefined) return null;
  return Array.from({ length: GLYPH_HEIGHT }, (_, i) => Number.parseInt(glyph.slice(2 * i, 2 * i + 2), 16));
}
