// Keys of a PC keyboard, scan code set 1, by the X11 keysyms that viewers send. Which character a key makes is the
// guest's affair: viewers send Shift as a key of its own, so that both characters of a key name the same key.

/** Two characters on each key of the US layout, from scan code 2, 16, 30 and 43 on. */
const ROWS: readonly (readonly [first: number, plain: string, shifted: string])[] = [
  [0x02, "1234567890-=", "!@#$%^&*()_+"],
  [0x10, "qwertyuiop[]", "QWERTYUIOP{}"],
  [0x1e, "asdfghjkl;'`", 'ASDFGHJKL:"~'],
  [0x2b, "\\zxcvbnm,./", "|ZXCVBNM<>?"],
  [0x39, " ", " "],
];

/** Codes above 255 are sent as 0xe0 and the lower byte. */
const OTHERS: readonly (readonly [keysym: number, code: number])[] = [
  [0xff08, 0x0e], // BackSpace
  [0xff09, 0x0f], // Tab
  [0xfe20, 0x0f], // ISO_Left_Tab: Tab with Shift
  [0xff0d, 0x1c], // Return
  [0xff1b, 0x01], // Escape
  [0xff14, 0x46], // Scroll_Lock
  [0xff61, 0xe037], // Print
  [0xff63, 0xe052], // Insert
  [0xffff, 0xe053], // Delete
  [0xff50, 0xe047], // Home
  [0xff57, 0xe04f], // End
  [0xff55, 0xe049], // Prior
  [0xff56, 0xe051], // Next
  [0xff51, 0xe04b], // Left
  [0xff52, 0xe048], // Up
  [0xff53, 0xe04d], // Right
  [0xff54, 0xe050], // Down
  [0xffe1, 0x2a], // Shift_L
  [0xffe2, 0x36], // Shift_R
  [0xffe3, 0x1d], // Control_L
  [0xffe4, 0xe01d], // Control_R
  [0xffe5, 0x3a], // Caps_Lock
  [0xffe7, 0xe05b], // Meta_L
  [0xffe8, 0xe05c], // Meta_R
  [0xffe9, 0x38], // Alt_L
  [0xffea, 0xe038], // Alt_R
  [0xfe03, 0xe038], // ISO_Level3_Shift: AltGr
  [0xffeb, 0xe05b], // Super_L
  [0xffec, 0xe05c], // Super_R
  [0xff67, 0xe05d], // Menu
  [0xff7f, 0x45], // Num_Lock
  [0xff8d, 0xe01c], // KP_Enter
  [0xffaa, 0x37], // KP_Multiply
  [0xffab, 0x4e], // KP_Add
  [0xffad, 0x4a], // KP_Subtract
  [0xffae, 0x53], // KP_Decimal
  [0xff9f, 0x53], // KP_Delete
  [0xffaf, 0xe035], // KP_Divide
  [0xffc8, 0x57], // F11
  [0xffc9, 0x58], // F12
];

/** KP_0 … KP_9, and what these keys are without Num Lock, from KP_Home on. */
const KEYPAD = [0x52, 0x4f, 0x50, 0x51, 0x4b, 0x4c, 0x4d, 0x47, 0x48, 0x49];
const KEYPAD_WITHOUT_NUM_LOCK = [0x47, 0x4b, 0x48, 0x4d, 0x50, 0x49, 0x51, 0x4f, 0x4c, 0x52];
const KP_0 = 0xffb0;
const KP_HOME = 0xff95;
const F1 = 0xffbe;
const F1_CODE = 0x3b;

const CODES: ReadonlyMap<number, number> = new Map([
  ...ROWS.flatMap(([first, plain, shifted]) =>
    [plain, shifted].flatMap((row) =>
      [...row].map((character, i) => [character.charCodeAt(0), first + i] as const),
    ),
  ),
  ...KEYPAD.map((code, i) => [KP_0 + i, code] as const),
  ...KEYPAD_WITHOUT_NUM_LOCK.map((code, i) => [KP_HOME + i, code] as const),
  ...Array.from({ length: 10 }, (_, i) => [F1 + i, F1_CODE + i] as const),
  ...OTHERS,
]);

/** The scan code of a keysym, 0xe0.. for those of two bytes; undefined for keys that a PC keyboard does not have. */
export function scancodeOf(keysym: number): number | undefined {
  return CODES.get(keysym);
}
