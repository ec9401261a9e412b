import type { PixelRectangle } from "../../../devices/gpu/index.ts";

/** The part of a rectangle inside another; null when they do not overlap. */
export function intersection(first: PixelRectangle, second: PixelRectangle): PixelRectangle | null {
  const x = Math.max(first.x, second.x);
  const y = Math.max(first.y, second.y);
  const right = Math.min(first.x + first.widthPixels, second.x + second.widthPixels);
  const bottom = Math.min(first.y + first.heightPixels, second.y + second.heightPixels);
  if (right <= x || bottom <= y) return null;
  return { x, y, widthPixels: right - x, heightPixels: bottom - y };
}

/** The smallest rectangle around both; `first` may be none. */
export function bounds(first: PixelRectangle | null, second: PixelRectangle): PixelRectangle {
  if (first === null) return second;
  const x = Math.min(first.x, second.x);
  const y = Math.min(first.y, second.y);
  const right = Math.max(first.x + first.widthPixels, second.x + second.widthPixels);
  const bottom = Math.max(first.y + first.heightPixels, second.y + second.heightPixels);
  return { x, y, widthPixels: right - x, heightPixels: bottom - y };
}

/** Appends to `pieces` what is left of a rectangle without another: up to four rectangles that do not overlap. */
export function subtract(from: PixelRectangle, hole: PixelRectangle, pieces: PixelRectangle[]): void {
  const common = intersection(from, hole);
  if (common === null) {
    pieces.push(from);
    return;
  }
  const { x, y, widthPixels, heightPixels } = from;
  const above = common.y - y;
  const below = y + heightPixels - common.y - common.heightPixels;
  const before = common.x - x;
  const after = x + widthPixels - common.x - common.widthPixels;
  if (above > 0) pieces.push({ x, y, widthPixels, heightPixels: above });
  if (before > 0) pieces.push({ x, y: common.y, widthPixels: before, heightPixels: common.heightPixels });
  if (after > 0) {
    const right = common.x + common.widthPixels;
    pieces.push({ x: right, y: common.y, widthPixels: after, heightPixels: common.heightPixels });
  }
  if (below > 0) pieces.push({ x, y: common.y + common.heightPixels, widthPixels, heightPixels: below });
}
