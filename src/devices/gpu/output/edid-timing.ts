/**
 * Video timings for a virtual monitor.
 *
 * Nothing ever scans these modes out, but guests derive the refresh rate from them and drop modes whose numbers
 * make no sense. The blanking follows VESA's CVT with reduced blanking; unlike CVT, the width is not rounded to
 * character cells and the pixel clock not to 250 kHz, so that odd sizes and round refresh rates stay exact.
 */

/** A progressive mode with separate digital sync: horizontal positive, vertical negative. */
export interface Timing {
  readonly widthPixels: number;
  readonly heightPixels: number;
  readonly horizontalBlankPixels: number;
  readonly horizontalFrontPorchPixels: number;
  readonly horizontalSyncPixels: number;
  readonly verticalBlankLines: number;
  readonly verticalFrontPorchLines: number;
  readonly verticalSyncLines: number;
  /** In units of 10 kHz, the granularity of EDID and of DisplayID 1.3. */
  readonly pixelClock10kHz: number;
}

const HORIZONTAL_BLANK_PIXELS = 160;
const HORIZONTAL_FRONT_PORCH_PIXELS = 48;
const HORIZONTAL_SYNC_PIXELS = 32;
const VERTICAL_FRONT_PORCH_LINES = 3;
const MIN_VERTICAL_BACK_PORCH_LINES = 6;
const MIN_VERTICAL_BLANK_SECONDS = 460e-6;

/**
 * Readers take a slower pixel clock for a mistake, and the fewer units of 10 kHz it has, the farther off is the
 * refresh rate. So tiny modes get more blanking: lines of this length first, then as many lines as it takes.
 */
const MIN_PIXEL_CLOCK_HZ = 10_100_000;
const TINY_TOTAL_PIXELS = 1024;

/** Timing of a mode. `refreshHz` is 10 to 500, not necessarily an integer. */
export function reducedBlankingTiming(widthPixels: number, heightPixels: number, refreshHz: number): Timing {
  const verticalSyncLines = verticalSync(widthPixels, heightPixels);
  const lineSeconds = (1 / refreshHz - MIN_VERTICAL_BLANK_SECONDS) / heightPixels;
  let totalPixels = widthPixels + HORIZONTAL_BLANK_PIXELS;
  let totalLines =
    heightPixels +
    Math.max(
      Math.floor(MIN_VERTICAL_BLANK_SECONDS / lineSeconds) + 1,
      VERTICAL_FRONT_PORCH_LINES + verticalSyncLines + MIN_VERTICAL_BACK_PORCH_LINES,
    );
  if (totalPixels * totalLines * refreshHz < MIN_PIXEL_CLOCK_HZ) {
    totalPixels = Math.max(totalPixels, TINY_TOTAL_PIXELS);
    totalLines = Math.max(totalLines, Math.ceil(MIN_PIXEL_CLOCK_HZ / (totalPixels * refreshHz)));
  }
  return {
    widthPixels,
    heightPixels,
    horizontalBlankPixels: totalPixels - widthPixels,
    horizontalFrontPorchPixels: HORIZONTAL_FRONT_PORCH_PIXELS,
    horizontalSyncPixels: HORIZONTAL_SYNC_PIXELS,
    verticalBlankLines: totalLines - heightPixels,
    verticalFrontPorchLines: VERTICAL_FRONT_PORCH_LINES,
    verticalSyncLines,
    pixelClock10kHz: Math.round((totalPixels * totalLines * refreshHz) / 10_000),
  };
}

/** Lines per second, in Hz. */
export function lineRateHz(timing: Timing): number {
  return (timing.pixelClock10kHz * 10_000) / (timing.widthPixels + timing.horizontalBlankPixels);
}

/** Frames per second, in Hz: what a reader of the EDID computes. */
export function frameRateHz(timing: Timing): number {
  return lineRateHz(timing) / (timing.heightPixels + timing.verticalBlankLines);
}

/** CVT tells a mode's aspect ratio by the width of its vertical sync. */
function verticalSync(widthPixels: number, heightPixels: number): number {
  const is = (x: number, y: number) => Math.floor((heightPixels * x) / y / 8) === Math.floor(widthPixels / 8);
  if (is(4, 3)) return 4;
  if (is(16, 9)) return 5;
  if (is(16, 10)) return 6;
  if (is(5, 4) || is(15, 9)) return 7;
  return 10;
}

/** A mode of VESA's DMT list that an EDID can name in a bit or two bytes, at 60 Hz. */
export interface NamedMode {
  readonly widthPixels: number;
  readonly heightPixels: number;
  readonly lineRateHz: number;
  readonly pixelClockHz: number;
}

/** Established timings: bits 5 and 0 of byte 35 and bit 3 of byte 36, in that order. */
export const ESTABLISHED_MODES: readonly NamedMode[] = [
  { widthPixels: 640, heightPixels: 480, lineRateHz: 31_469, pixelClockHz: 25_175_000 },
  { widthPixels: 800, heightPixels: 600, lineRateHz: 37_879, pixelClockHz: 40_000_000 },
  { widthPixels: 1024, heightPixels: 768, lineRateHz: 48_363, pixelClockHz: 65_000_000 },
];

/** Modes for the standard timings, the largest first. */
export const STANDARD_MODES: readonly NamedMode[] = [
  { widthPixels: 2048, heightPixels: 1152, lineRateHz: 72_000, pixelClockHz: 162_000_000 },
  { widthPixels: 1920, heightPixels: 1200, lineRateHz: 74_556, pixelClockHz: 193_250_000 },
  { widthPixels: 1920, heightPixels: 1080, lineRateHz: 67_500, pixelClockHz: 148_500_000 },
  { widthPixels: 1600, heightPixels: 1200, lineRateHz: 75_000, pixelClockHz: 162_000_000 },
  { widthPixels: 1680, heightPixels: 1050, lineRateHz: 65_290, pixelClockHz: 146_250_000 },
  { widthPixels: 1600, heightPixels: 900, lineRateHz: 60_000, pixelClockHz: 108_000_000 },
  { widthPixels: 1280, heightPixels: 1024, lineRateHz: 63_981, pixelClockHz: 108_000_000 },
  { widthPixels: 1440, heightPixels: 900, lineRateHz: 55_935, pixelClockHz: 106_500_000 },
  { widthPixels: 1280, heightPixels: 800, lineRateHz: 49_702, pixelClockHz: 83_500_000 },
  { widthPixels: 1280, heightPixels: 720, lineRateHz: 45_000, pixelClockHz: 74_250_000 },
];
