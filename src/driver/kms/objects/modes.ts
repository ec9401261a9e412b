import { VirtioUsageError } from "../../../base/errors.ts";

/** A video mode, with the fields and units of `struct drm_mode_modeinfo`. */
export interface DrmMode {
  /** `1280x800`, as modetest lists it. */
  readonly name: string;
  /** Pixel clock in kHz. */
  readonly clock: number;
  readonly hdisplay: number;
  readonly hsyncStart: number;
  readonly hsyncEnd: number;
  readonly htotal: number;
  readonly vdisplay: number;
  readonly vsyncStart: number;
  readonly vsyncEnd: number;
  readonly vtotal: number;
  /** Frames per second, rounded. */
  readonly vrefresh: number;
  readonly preferred: boolean;
}

/** The timing of a mode without what follows from it. */
export type ModeTiming = Omit<DrmMode, "name" | "vrefresh" | "preferred">;

/** Completes a timing with name and frame rate. */
export function modeOf(timing: ModeTiming, preferred = false): DrmMode {
  const dots = timing.htotal * timing.vtotal;
  return {
    ...timing,
    name: `${timing.hdisplay}x${timing.vdisplay}`,
    vrefresh: dots === 0 ? 0 : Math.round((timing.clock * 1000) / dots),
    preferred,
  };
}

/** How long a frame of a mode takes, in milliseconds. */
export function frameMs({ htotal, vtotal, clock }: DrmMode): number {
  return (htotal * vtotal) / clock;
}

/**
 * Whether two modes are the same to the hardware: whether going from one to the other is a mode set.
 *
 * @example
 * ```ts
 * sameMode(cvtMode(1024, 768), cvtMode(1024, 768)); // true
 * ```
 */
export function sameMode(a: DrmMode | null, b: DrmMode | null): boolean {
  if (a === null || b === null) return a === b;
  return (
    a.clock === b.clock &&
    a.hdisplay === b.hdisplay &&
    a.hsyncStart === b.hsyncStart &&
    a.hsyncEnd === b.hsyncEnd &&
    a.htotal === b.htotal &&
    a.vdisplay === b.vdisplay &&
    a.vsyncStart === b.vsyncStart &&
    a.vsyncEnd === b.vsyncEnd &&
    a.vtotal === b.vtotal
  );
}

// VESA's Coordinated Video Timings 1.1, as far as they are needed: no margins, progressive, normal blanking.
const CVT_CELL_PIXELS = 8;
const CVT_CLOCK_STEP_KHZ = 250;
const CVT_MIN_FRONT_PORCH_LINES = 3;
const CVT_MIN_BACK_PORCH_LINES = 6;
const CVT_MIN_SYNC_AND_BACK_PORCH_US = 550;
const CVT_SYNC_PERCENT = 8;
const CVT_BLANK_M_PRIME = 300;
const CVT_BLANK_C_PRIME = 30;
const CVT_MIN_BLANK_PERCENT = 20;

/**
 * A mode by VESA's CVT formula. The width is rounded down to character cells of 8 pixels, as CVT does. Throws
 * {@link VirtioUsageError} for anything that is not a size.
 *
 * @example
 * ```ts
 * cvtMode(1920, 1080).hdisplay; // 1920
 * ```
 */
export function cvtMode(width: number, height: number, refreshHz = 60, preferred = false): DrmMode {
  if (!(width > 0 && height > 0 && refreshHz > 0)) {
    throw new VirtioUsageError(`no mode of ${width}×${height} pixels at ${refreshHz} Hz`);
  }
  const hdisplay = width - (width % CVT_CELL_PIXELS);
  const vsync = cvtVsyncLines(hdisplay, height);
  const lineUs =
    (1_000_000 / refreshHz - CVT_MIN_SYNC_AND_BACK_PORCH_US) / (height + CVT_MIN_FRONT_PORCH_LINES);
  const syncAndBack = Math.max(
    Math.floor(CVT_MIN_SYNC_AND_BACK_PORCH_US / lineUs) + 1,
    vsync + CVT_MIN_BACK_PORCH_LINES,
  );
  const vtotal = height + CVT_MIN_FRONT_PORCH_LINES + syncAndBack;
  const blankPercent = Math.max(
    CVT_MIN_BLANK_PERCENT,
    CVT_BLANK_C_PRIME - (CVT_BLANK_M_PRIME * lineUs) / 1000,
  );
  const rawBlank = (hdisplay * blankPercent) / (100 - blankPercent);
  const hblank = rawBlank - (rawBlank % (2 * CVT_CELL_PIXELS));
  const htotal = hdisplay + hblank;
  const hsyncEnd = hdisplay + hblank / 2;
  // The pulse begins in the cell behind the one that 8 % of the line would begin in.
  const rawStart = hsyncEnd - Math.floor((htotal * CVT_SYNC_PERCENT) / 100);
  const clock = Math.floor((htotal * 1000) / lineUs / CVT_CLOCK_STEP_KHZ) * CVT_CLOCK_STEP_KHZ;
  return modeOf(
    {
      clock,
      hdisplay,
      hsyncStart: rawStart + CVT_CELL_PIXELS - (rawStart % CVT_CELL_PIXELS),
      hsyncEnd,
      htotal,
      vdisplay: height,
      vsyncStart: height + CVT_MIN_FRONT_PORCH_LINES,
      vsyncEnd: height + CVT_MIN_FRONT_PORCH_LINES + vsync,
      vtotal,
    },
    preferred,
  );
}

function cvtVsyncLines(width: number, height: number): number {
  const is = (x: number, y: number) => height % y === 0 && (height * x) / y === width;
  if (is(4, 3)) return 4;
  if (is(16, 9)) return 5;
  if (is(16, 10)) return 6;
  if (is(5, 4) || is(15, 9)) return 7;
  return 10;
}

/** Width, height and frame rate of VESA's monitor timings of at most 61 Hz: what a monitor without an EDID gets. */
const DMT_SIZES: readonly (readonly [number, number, number])[] = [
  [640, 480, 60],
  [800, 600, 56],
  [800, 600, 60],
  [848, 480, 60],
  [1024, 768, 60],
  [1280, 720, 60],
  [1280, 768, 60],
  [1280, 800, 60],
  [1280, 960, 60],
  [1280, 1024, 60],
  [1360, 768, 60],
  [1366, 768, 60],
  [1400, 1050, 60],
  [1440, 900, 60],
  [1600, 900, 60],
  [1600, 1200, 60],
  [1680, 1050, 60],
  [1792, 1344, 60],
  [1856, 1392, 60],
  [1920, 1080, 60],
  [1920, 1200, 60],
  [1920, 1440, 60],
  [2048, 1152, 60],
  [2560, 1600, 60],
  [4096, 2160, 60],
];

/** The modes of a monitor that does not say what it can. Their timings are CVT's. */
export function modesWithoutEdid(): DrmMode[] {
  return DMT_SIZES.map(([width, height, hz]) => {
    const mode = cvtMode(width, height, hz);
    // 1366 is not a multiple of a cell: the size counts, the timing is of no consequence here.
    return mode.hdisplay === width ? mode : modeOf({ ...mode, hdisplay: width });
  });
}

/** Drops equal modes and sorts as Linux lists them: preferred ones first, then by size, then by frame rate. */
export function listModes(modes: readonly DrmMode[]): DrmMode[] {
  const list: DrmMode[] = [];
  for (const mode of modes) {
    const at = list.findIndex((other) => sameMode(other, mode));
    if (at < 0) list.push(mode);
    else if (mode.preferred) list[at] = mode;
  }
  return list.sort(
    (a, b) =>
      Number(b.preferred) - Number(a.preferred) ||
      b.hdisplay * b.vdisplay - a.hdisplay * a.vdisplay ||
      b.vrefresh - a.vrefresh ||
      b.clock - a.clock,
  );
}
