/**
 * The EDID of a virtual monitor: VESA E-EDID 1.4, with a DisplayID 1.3 extension where the base block cannot
 * express the mode.
 *
 * A detailed timing of the base block ends at 4095 pixels or lines and at 655.35 MHz. Beyond it, the DisplayID
 * extension carries the mode, marked as preferred, and the base block a smaller or slower one of the same shape
 * for readers that stop there. Linux drops detailed timings under 64 pixels or lines, so tiny modes are repeated
 * in DisplayID, too.
 */

import { VirtioUsageError } from "../../../base/errors.ts";
import { checkOptions, type OptionRule, type OptionRules, U32_RULE } from "../../../base/options.ts";
import { type Monitor, writeBaseBlock, writeDisplayId } from "./edid-blocks.ts";
import { reducedBlankingTiming, type Timing } from "./edid-timing.ts";

/** What a virtual monitor says about itself. */
export interface EdidOptions {
  /** Width of the preferred mode in pixels, 1 to 16384. */
  readonly widthPixels: number;
  /** Height of the preferred mode in pixels, 1 to 16384. */
  readonly heightPixels: number;
  /**
   * Width and height in pixels, 1 to 16384, up to which standard modes are listed besides the preferred one: guests may
   * choose modes above the preferred size then. Default: the preferred size.
   */
  readonly maxWidthPixels?: number;
  readonly maxHeightPixels?: number;
  /** Frames per second of the preferred mode, 10 to 500, not necessarily an integer. Default 60. */
  readonly refreshHz?: number;
  /** Name of the monitor: 1 to 13 printable ASCII characters, the last one no space. Default "virtio-gpu". */
  readonly name?: string;
  /** PNP id of the vendor: three capital letters. Default "VEM", which nobody has registered. */
  readonly vendor?: string;
  /** Serial number, as text like the name or as an unsigned 32-bit number. Default: none. */
  readonly serial?: string | number;
  /** Width of the visible area in millimetres, 100 to 2550. Default: 96 pixels per inch, or unknown below 100 mm. */
  readonly widthMm?: number;
  /** Height of the visible area in millimetres, 100 to 2550. Default: 96 pixels per inch, or unknown below 100 mm. */
  readonly heightMm?: number;
}

/** The largest width and height in pixels that `createEdid` takes. */
export const EDID_MAX_PIXELS = 16384;

const BLOCK_BYTES = 128;
/** The largest side in millimetres that the base block can express: 255 cm. */
const MAX_MM = 2550;
const DEFAULT_MM_PER_PIXEL = 25.4 / 96;
/** Smaller monitors, in millimetres, are declared of unknown size: decoders complain about them otherwise. */
const MIN_MM = 100;
const DETAILED_MAX_PIXELS = 4095;
const DETAILED_MAX_CLOCK_10_KHZ = 65535;
const DISPLAY_ID_MAX_CLOCK_10_KHZ = 2 ** 24;
/** Linux ignores detailed timings of the base block below this width or height. */
const DETAILED_MIN_PIXELS = 64;

/** Width or height of a picture. */
export const SIDE_RULE: OptionRule = [1, EDID_MAX_PIXELS];
const MM_RULE: OptionRule = [MIN_MM, MAX_MM];

/** What an EDID tells of a monitor besides the size of its picture. */
export const MONITOR_RULES: OptionRules<Omit<EdidOptions, "widthPixels" | "heightPixels">> = {
  maxWidthPixels: SIDE_RULE,
  maxHeightPixels: SIDE_RULE,
  refreshHz: { number: [10, 500] },
  name: "string",
  vendor: "string",
  serial: { either: ["string", U32_RULE] },
  widthMm: MM_RULE,
  heightMm: MM_RULE,
};

const EDID_RULES: OptionRules<EdidOptions> = {
  widthPixels: SIDE_RULE,
  heightPixels: SIDE_RULE,
  ...MONITOR_RULES,
};

/**
 * Builds the EDID of a virtual monitor: 128 bytes, or 256 with the DisplayID extension. The same options always
 * give the same bytes.
 *
 * The base block lists standard modes besides the preferred one: smaller ones, or those up to `maxWidthPixels` and
 * `maxHeightPixels`, the largest eight of them. It has no display range limits where EDID
 * cannot express them: at a line rate below 1 kHz or above 510 kHz, or a pixel clock above 2.55 GHz.
 *
 * @throws VirtioUsageError if an option is out of its range.
 *
 * @example
 * const edid = createEdid({ widthPixels: 1920, heightPixels: 1080 });
 */
export function createEdid(options: EdidOptions): Uint8Array {
  checkOptions("createEdid", options, EDID_RULES, ["widthPixels", "heightPixels"]);
  const monitor = complete(options);
  const edid = new Uint8Array(monitor.extended ? 2 * BLOCK_BYTES : BLOCK_BYTES);
  writeBaseBlock(edid.subarray(0, BLOCK_BYTES), monitor);
  if (monitor.extended) writeDisplayId(edid.subarray(BLOCK_BYTES), monitor);
  return edid;
}

function complete(options: EdidOptions): Monitor {
  const {
    widthPixels,
    heightPixels,
    refreshHz = 60,
    name = "virtio-gpu",
    vendor = "VEM",
    serial = 0,
    maxWidthPixels = widthPixels,
    maxHeightPixels = heightPixels,
  } = options;
  if (!/^[A-Z]{3}$/.test(vendor)) fail("vendor", "three capital letters", vendor);
  requireText("name", name);
  if (typeof serial === "string") requireText("serial", serial);

  const preferred = reducedBlankingTiming(widthPixels, heightPixels, refreshHz);
  if (preferred.pixelClock10kHz > DISPLAY_ID_MAX_CLOCK_10_KHZ)
    fail("refreshHz", `low enough for a pixel clock of 167 GHz at ${widthPixels}×${heightPixels}`, refreshHz);
  const fits = fitsDetailedTiming(preferred);
  return {
    preferred,
    maxWidthPixels,
    maxHeightPixels,
    base: fits ? preferred : largestDetailedTiming(widthPixels, heightPixels, refreshHz),
    extended: !fits || widthPixels < DETAILED_MIN_PIXELS || heightPixels < DETAILED_MIN_PIXELS,
    name,
    vendor,
    serialText: typeof serial === "string" ? serial : undefined,
    serialNumber: typeof serial === "number" ? serial : 0,
    ...imageSize(options),
  };
}

/** Size of the visible area in millimetres; both sides are zero if it is unknown. */
function imageSize({ widthPixels, heightPixels, widthMm, heightMm }: EdidOptions): {
  widthMm: number;
  heightMm: number;
} {
  if (widthMm !== undefined && heightMm !== undefined) return { widthMm, heightMm };
  const widest = MAX_MM / Math.max(widthPixels, heightPixels);
  const mmPerPixel =
    widthMm !== undefined
      ? widthMm / widthPixels
      : heightMm !== undefined
        ? heightMm / heightPixels
        : Math.min(DEFAULT_MM_PER_PIXEL, widest);
  const size = {
    widthMm: widthMm ?? Math.round(widthPixels * mmPerPixel),
    heightMm: heightMm ?? Math.round(heightPixels * mmPerPixel),
  };
  const believable =
    Math.min(size.widthMm, size.heightMm) >= MIN_MM && Math.max(size.widthMm, size.heightMm) <= MAX_MM;
  return believable ? size : { widthMm: 0, heightMm: 0 };
}

function fitsDetailedTiming(timing: Timing): boolean {
  return (
    timing.widthPixels <= DETAILED_MAX_PIXELS &&
    timing.heightPixels <= DETAILED_MAX_PIXELS &&
    timing.pixelClock10kHz <= DETAILED_MAX_CLOCK_10_KHZ
  );
}

/** The mode itself or an integer fraction of it, at the rate asked for or an integer fraction of it. */
function largestDetailedTiming(widthPixels: number, heightPixels: number, refreshHz: number): Timing {
  const divisor = Math.ceil(Math.max(widthPixels, heightPixels) / DETAILED_MAX_PIXELS);
  const width = Math.max(1, Math.floor(widthPixels / divisor));
  const height = Math.max(1, Math.floor(heightPixels / divisor));
  for (let slower = 1; ; slower++) {
    const timing = reducedBlankingTiming(width, height, refreshHz / slower);
    if (timing.pixelClock10kHz <= DETAILED_MAX_CLOCK_10_KHZ) return timing;
  }
}

function requireText(option: string, value: string): void {
  // Spaces fill the rest of the field: at the end of the text nobody can tell them from it, and decoders complain.
  if (!/^[\x20-\x7e]{0,12}[\x21-\x7e]$/.test(value)) {
    fail(option, "1 to 13 printable ASCII characters, the last one no space", value);
  }
}

function fail(option: string, expected: string, value: unknown): never {
  throw new VirtioUsageError(`createEdid: ${option} must be ${expected}, not ${JSON.stringify(value)}`);
}
