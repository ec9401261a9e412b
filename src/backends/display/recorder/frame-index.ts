import type { PixelRectangle } from "../../../devices/gpu/index.ts";

/** How frames are kept: as PNG of 24 bits per pixel, or as bytes R, G, B, 255, row by row. */
export type FrameFormat = "png" | "raw";

/** One recorded frame, as it is in `index.json`. */
export interface RecordedFrame {
  /** Counts the flushes of all scanouts from 1; those that were left out count too. */
  readonly flush: number;
  readonly scanoutId: number;
  /** Name of the file inside the folder. */
  readonly file: string;
  /** Size in pixels. */
  readonly width: number;
  readonly height: number;
  /** Of the bytes R, G, B, 255 of every pixel, row by row, whatever the file's format. */
  readonly sha256: string;
  /** Bounds of what was flushed since the recorded frame before of this scanout. */
  readonly damage: {
    readonly x: number;
    readonly y: number;
    readonly width: number;
    readonly height: number;
  };
  /** When it was flushed, in milliseconds since the recorder was made. */
  readonly timeMs: number;
}

/** Contents of `index.json`. */
export interface FrameIndex {
  readonly format: FrameFormat;
  /** Which frames: every one, every nth of a scanout, or the last of each. */
  readonly frames: number | "last";
  /** Flushes seen so far. */
  readonly flushes: number;
  /** Frames that should have been recorded but were not, for there were too many. */
  readonly skipped: number;
  /** Flushes whose frame became one with that of a later flush, for there was no room yet (`maxPending`). */
  readonly merged: number;
  readonly recorded: readonly RecordedFrame[];
}

export function damageOf(rectangle: PixelRectangle): RecordedFrame["damage"] {
  const { x, y, widthPixels, heightPixels } = rectangle;
  return { x, y, width: widthPixels, height: heightPixels };
}

export function fileName(flush: number, scanoutId: number, format: FrameFormat): string {
  const extension = format === "png" ? "png" : "rgba";
  return `frame-${String(flush).padStart(6, "0")}-scanout-${scanoutId}.${extension}`;
}

/** The index as JSON with one frame on each line. */
export function indexText({ recorded, ...head }: FrameIndex): string {
  const lines = recorded.map((frame) => `    ${JSON.stringify(frame)}`);
  const start = JSON.stringify(head, null, 2).replace(/\n\}$/, "");
  return `${start},\n  "recorded": [${lines.length > 0 ? `\n${lines.join(",\n")}\n  ` : ""}]\n}\n`;
}
