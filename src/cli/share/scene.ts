import type { RenderCommandOptions, RenderRect, RenderRequests } from "../../driver/index.ts";
import type { ShareSettings } from "./settings.ts";

const BACKGROUNDS: readonly (readonly [number, number])[] = [
  [0xff1b2a49, 0xff3d5a80],
  [0xff5f0f40, 0xff9a031e],
  [0xff0b6e4f, 0xff6bbf59],
  [0xff3c1642, 0xff086375],
  [0xff7f4f24, 0xffb6ad90],
  [0xff22223b, 0xff9a8c98],
];
const CORNERS = [0xffff595e, 0xff8ac926, 0xff1982c4] as const;
/** Pictures for one turn of the triangle. */
const TURN_FRAMES = 48;
const TURN = 65536;

/** The part of the screen that DIRTYFB pictures change: three quarters of it, in the middle. */
export function dirtyPart({ width, height }: ShareSettings): RenderRect {
  const x = Math.floor(width / 8);
  const y = Math.floor(height / 8);
  return { x, y, width: width - 2 * x, height: height - 2 * y };
}

/** Draws a picture into a rectangle: a background in colours of its own, and the triangle a bit further. */
export function drawPicture(
  requests: RenderRequests,
  importId: number,
  rect: RenderRect,
  frame: number,
  options: RenderCommandOptions,
): void {
  const [top, bottom] = BACKGROUNDS[frame % BACKGROUNDS.length] as readonly [number, number];
  const { x, y, height } = rect;
  const points = [
    { x, y },
    { x, y: y + height },
  ] as const;
  requests.gradient(importId, rect, points, [top, bottom], options);
  const angle = Math.floor((frame * TURN) / TURN_FRAMES) % TURN;
  requests.triangle(importId, angle, rect, CORNERS, options);
}
