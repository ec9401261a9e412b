/** The two blocks of a virtual monitor's EDID: the base block of E-EDID 1.4 and a DisplayID 1.3 extension. */
import {
  ESTABLISHED_MODES,
  frameRateHz,
  lineRateHz,
  type NamedMode,
  STANDARD_MODES,
  type Timing,
} from "./edid-timing.ts";

/** What the blocks are made of: validated and completed options. */
export interface Monitor {
  /** The mode asked for. */
  readonly preferred: Timing;
  /** Standard modes are listed up to this size. */
  readonly maxWidthPixels: number;
  readonly maxHeightPixels: number;
  /** The mode in the base block: the same one, unless the base block cannot express it. */
  readonly base: Timing;
  /** Whether `preferred` needs DisplayID. */
  readonly extended: boolean;
  readonly name: string;
  readonly vendor: string;
  readonly serialText: string | undefined;
  readonly serialNumber: number;
  readonly widthMm: number;
  readonly heightMm: number;
}

const STANDARD_TIMING_SLOTS = 8;
/** Model year written into every EDID: fixed, so that the same options give the same bytes. */
const MODEL_YEAR = 2024;
const PRODUCT_CODE = 1;
/** Gamma 2.2, as 100 × gamma − 100. */
const GAMMA = 120;
// Chromaticity coordinates of sRGB's primaries and white point in units of 1/1024.
const SRGB = {
  redX: 655,
  redY: 338,
  greenX: 307,
  greenY: 614,
  blueX: 154,
  blueY: 61,
  whiteX: 320,
  whiteY: 337,
};

/** Fills the 128 zeroed bytes of the base block. */
export function writeBaseBlock(block: Uint8Array, monitor: Monitor): void {
  const { base, preferred } = monitor;
  const standard = STANDARD_MODES.filter((mode) => isListed(mode, monitor)).slice(0, STANDARD_TIMING_SLOTS);
  // Every monitor has to show 640x480.
  const established = ESTABLISHED_MODES.map((mode, index) => index === 0 || isListed(mode, monitor));

  block.set([0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00]);
  const [a = 0, b = 0, c = 0] = ascii(monitor.vendor).map((letter) => letter - 0x40);
  block[8] = (a << 2) | (b >> 3);
  block[9] = (b << 5) | c;
  block.set(littleEndian(PRODUCT_CODE, 2), 10);
  block.set(littleEndian(monitor.serialNumber, 4), 12);
  block[16] = 0xff; // Byte 17 is a model year.
  block[17] = MODEL_YEAR - 1990;
  block[18] = 1; // EDID 1.4.
  block[19] = 4;
  block[20] = 0xa0; // Digital, 8 bits per colour, no particular interface.
  const widthCm = Math.round(monitor.widthMm / 10);
  const heightCm = Math.round(monitor.heightMm / 10);
  // One zero alone would mean an aspect ratio, two mean that the size is unknown.
  block[21] = heightCm === 0 ? 0 : widthCm;
  block[22] = widthCm === 0 ? 0 : heightCm;
  block[23] = GAMMA;
  // Display off, RGB 4:4:4, sRGB is the default colour space; the first timing is the native mode if it can be.
  block[24] = 0x24 | (base === preferred ? 0x02 : 0);
  writeChromaticity(block);
  block[35] = (established[0] ? 0x20 : 0) | (established[1] ? 0x01 : 0);
  block[36] = established[2] ? 0x08 : 0;
  for (let slot = 0; slot < STANDARD_TIMING_SLOTS; slot++) {
    const mode = standard[slot];
    block.set(mode ? standardTiming(mode) : [0x01, 0x01], 38 + 2 * slot);
  }

  writeDetailedTiming(block, 54, base, monitor);
  const range = rangeLimits(
    [...ESTABLISHED_MODES.filter((_, index) => established[index]), ...standard],
    [base, preferred],
  );
  const descriptors = [
    textDescriptor(0xfc, monitor.name),
    ...(range ? [range] : []),
    ...(monitor.serialText === undefined ? [] : [textDescriptor(0xff, monitor.serialText)]),
  ];
  for (let index = 0; index < 3; index++) {
    block.set(descriptors[index] ?? [0, 0, 0, 0x10], 72 + 18 * index);
  }
  block[126] = monitor.extended ? 1 : 0;
  block[127] = checksum(block.subarray(0, 127));
}

/** Whether a mode may be listed besides the preferred one. */
function isListed(mode: NamedMode, { preferred, maxWidthPixels, maxHeightPixels }: Monitor): boolean {
  const same = mode.widthPixels === preferred.widthPixels && mode.heightPixels === preferred.heightPixels;
  return !same && mode.widthPixels <= maxWidthPixels && mode.heightPixels <= maxHeightPixels;
}

function writeChromaticity(block: Uint8Array): void {
  const { redX, redY, greenX, greenY, blueX, blueY, whiteX, whiteY } = SRGB;
  const low = (...values: number[]) => values.reduce((bits, value) => (bits << 2) | (value & 3), 0);
  block[25] = low(redX, redY, greenX, greenY);
  block[26] = low(blueX, blueY, whiteX, whiteY);
  block.set(
    [redX, redY, greenX, greenY, blueX, blueY, whiteX, whiteY].map((value) => value >> 2),
    27,
  );
}

/** Two bytes: the width and, by its aspect ratio, the height; 60 Hz. */
function standardTiming({ widthPixels, heightPixels }: NamedMode): [number, number] {
  const ratios = [16 / 10, 4 / 3, 5 / 4, 16 / 9];
  return [widthPixels / 8 - 31, ratios.indexOf(widthPixels / heightPixels) << 6];
}

function writeDetailedTiming(
  block: Uint8Array,
  at: number,
  timing: Timing,
  { widthMm, heightMm }: Monitor,
): void {
  const t = timing;
  const high = (a: number, b: number) => ((a >> 8) << 4) | (b >> 8);
  block.set(
    [
      ...littleEndian(t.pixelClock10kHz, 2),
      t.widthPixels & 0xff,
      t.horizontalBlankPixels & 0xff,
      high(t.widthPixels, t.horizontalBlankPixels),
      t.heightPixels & 0xff,
      t.verticalBlankLines & 0xff,
      high(t.heightPixels, t.verticalBlankLines),
      t.horizontalFrontPorchPixels,
      t.horizontalSyncPixels,
      (t.verticalFrontPorchLines << 4) | t.verticalSyncLines,
      0,
      widthMm & 0xff,
      heightMm & 0xff,
      high(widthMm, heightMm),
      0,
      0,
      0x1a, // Digital separate sync: vertical negative, horizontal positive.
    ],
    at,
  );
}

function textDescriptor(tag: number, text: string): number[] {
  // A line feed ends the text, spaces fill the rest.
  const padding = [0x0a, ...Array.from({ length: 12 }, () => 0x20)];
  return [0, 0, 0, tag, 0, ...[...ascii(text), ...padding].slice(0, 13)];
}

/** Limits that cover all listed modes, undefined where EDID cannot express them. */
function rangeLimits(named: readonly NamedMode[], timings: readonly Timing[]): number[] | undefined {
  const lines = [...named.map((mode) => mode.lineRateHz), ...timings.map(lineRateHz)].map((hz) => hz / 1000);
  const frames = [60, ...timings.map(frameRateHz)];
  const clock = Math.max(
    ...named.map((mode) => mode.pixelClockHz / 1e7),
    ...timings.map((timing) => timing.pixelClock10kHz / 1000),
  );
  const vertical = rateBytes(Math.floor(Math.min(...frames)), Math.ceil(Math.max(...frames)));
  const horizontal = rateBytes(Math.floor(Math.min(...lines)), Math.ceil(Math.max(...lines)));
  if (!vertical || !horizontal || clock > 255) return undefined;
  return [
    ...[0, 0, 0, 0xfd, vertical.offsets | (horizontal.offsets << 2)],
    ...[vertical.min, vertical.max, horizontal.min, horizontal.max, Math.ceil(clock)],
    ...[0x01, 0x0a, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20],
  ];
}

/** A rate is one byte; a bit of another byte adds 255 to the largest. The smallest is at most 640x480's. */
function rateBytes(min: number, max: number): { min: number; max: number; offsets: number } | undefined {
  if (min < 1 || max > 510) return undefined;
  return max <= 255 ? { min, max, offsets: 0 } : { min, max: max - 255, offsets: 2 };
}

/** Fills the 128 zeroed bytes of an EDID extension block with a DisplayID 1.3 section that holds the preferred mode. */
export function writeDisplayId(block: Uint8Array, monitor: Monitor): void {
  const data = [
    ...productIdentification(monitor),
    ...displayParameters(monitor),
    ...displayInterface(),
    ...typeOneTiming(monitor.preferred),
  ];
  // Version 1.3, length of the data blocks, a standalone display, no further section.
  const section = [0x13, data.length, 0x03, 0, ...data];
  block.set([0x70, ...section, checksum(section)]);
  block[127] = checksum(block.subarray(0, 127));
}

function productIdentification(monitor: Monitor): number[] {
  const name = ascii(monitor.name);
  return dataBlock(0x00, [
    // The vendor stands in the base block. Here, and only here, decoders complain about ids that they do not know.
    ...[0, 0, 0],
    ...littleEndian(PRODUCT_CODE, 2),
    ...littleEndian(monitor.serialNumber, 4),
    ...[0xff, MODEL_YEAR - 2000],
    ...[name.length, ...name],
  ]);
}

function displayParameters({ preferred, widthMm, heightMm }: Monitor): number[] {
  const { widthPixels, heightPixels } = preferred;
  // 100 × (longer side / shorter side) − 100, in the byte's range.
  const longer = Math.max(widthPixels, heightPixels) / Math.min(widthPixels, heightPixels);
  return dataBlock(0x01, [
    ...littleEndian(widthMm * 10, 2),
    ...littleEndian(heightMm * 10, 2),
    ...littleEndian(widthPixels, 2),
    ...littleEndian(heightPixels, 2),
    0x00, // No audio, no power management, the format is not fixed.
    GAMMA,
    Math.min(255, Math.round(100 * longer) - 100),
    0x77, // 8 bits per colour, shown and processed.
  ]);
}

function displayInterface(): number[] {
  const digital = 0xb1; // Proprietary, one link: no cable in particular.
  const rgb8 = 0x02;
  return dataBlock(0x0f, [digital, 0, rgb8, 0, 0, 0, 0, 0, 0, 0]);
}

/** Every field counts from one. */
function typeOneTiming(timing: Timing): number[] {
  const t = timing;
  return dataBlock(0x03, [
    ...littleEndian(t.pixelClock10kHz - 1, 3),
    0x80 | aspectRatio(t), // Preferred, progressive, no stereo.
    ...littleEndian(t.widthPixels - 1, 2),
    ...littleEndian(t.horizontalBlankPixels - 1, 2),
    ...littleEndian((t.horizontalFrontPorchPixels - 1) | 0x8000, 2), // Horizontal sync is positive.
    ...littleEndian(t.horizontalSyncPixels - 1, 2),
    ...littleEndian(t.heightPixels - 1, 2),
    ...littleEndian(t.verticalBlankLines - 1, 2),
    ...littleEndian(t.verticalFrontPorchLines - 1, 2), // Vertical sync is negative.
    ...littleEndian(t.verticalSyncLines - 1, 2),
  ]);
}

function dataBlock(tag: number, payload: readonly number[]): number[] {
  return [tag, 0, payload.length, ...payload];
}

/** DisplayID's code of a mode's aspect ratio; 8 is "none of these". */
function aspectRatio({ widthPixels, heightPixels }: Timing): number {
  const ratios = [1, 5 / 4, 4 / 3, 15 / 9, 16 / 9, 16 / 10, 64 / 27, 256 / 135];
  const code = ratios.indexOf(widthPixels / heightPixels);
  return code < 0 ? 8 : code;
}

function littleEndian(value: number, lengthBytes: number): number[] {
  return Array.from({ length: lengthBytes }, (_, index) => Math.floor(value / 256 ** index) % 256);
}

function ascii(text: string): number[] {
  return [...text].map((character) => character.charCodeAt(0));
}

/** The byte that makes the sum of all bytes a multiple of 256. */
function checksum(bytes: Iterable<number>): number {
  let sum = 0;
  for (const byte of bytes) sum += byte;
  return -sum & 0xff;
}
