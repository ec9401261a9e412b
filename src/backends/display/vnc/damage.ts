import type { PixelRectangle } from "../../../devices/gpu/index.ts";
import { bounds, intersection, subtract } from "../pictures/rectangle.ts";

/** More pieces than this become their bounding rectangle. */
const MAX_PIECES = 48;

/**
 * The part of a picture that changed and that a client has not seen yet. Rectangles that do not overlap; however
 * often something changes, there is a bounded number of them.
 */
export class Damage {
  #pieces: PixelRectangle[] = [];

  get isEmpty(): boolean {
    return this.#pieces.length === 0;
  }

  add(rectangle: PixelRectangle): void {
    if (rectangle.widthPixels <= 0 || rectangle.heightPixels <= 0) return;
    const kept = this.#pieces.filter((piece) => !contains(rectangle, piece));
    let fresh = [rectangle];
    for (const piece of kept) {
      const rest: PixelRectangle[] = [];
      for (const part of fresh) subtract(part, piece, rest);
      fresh = rest;
    }
    for (const part of fresh) join(kept, part);
    this.#pieces = kept;
    if (kept.length <= MAX_PIECES) return;
    let all: PixelRectangle | null = null;
    for (const piece of kept) all = bounds(all, piece);
    this.#pieces = all === null ? [] : [all];
  }

  /** Whether the two have a pixel in common. */
  touches(other: Damage): boolean {
    return this.#pieces.some((piece) => other.#pieces.some((part) => intersection(piece, part) !== null));
  }

  /** Takes out what lies inside a rectangle, and returns it from top to bottom. */
  take(inside: PixelRectangle): PixelRectangle[] {
    const taken: PixelRectangle[] = [];
    const rest: PixelRectangle[] = [];
    for (const piece of this.#pieces) {
      const common = intersection(piece, inside);
      if (common !== null) taken.push(common);
      subtract(piece, inside, rest);
    }
    this.#pieces = rest;
    return taken.sort((first, second) => first.y - second.y || first.x - second.x);
  }

  /** Takes out everything, and returns it from top to bottom. */
  takeAll(): PixelRectangle[] {
    const taken = this.#pieces;
    this.#pieces = [];
    return taken.sort((first, second) => first.y - second.y || first.x - second.x);
  }

  clear(): void {
    this.#pieces = [];
  }
}

function contains(outer: PixelRectangle, inner: PixelRectangle): boolean {
  return (
    outer.x <= inner.x &&
    outer.y <= inner.y &&
    outer.x + outer.widthPixels >= inner.x + inner.widthPixels &&
    outer.y + outer.heightPixels >= inner.y + inner.heightPixels
  );
}

/** Adds a rectangle to others, in one piece with one that has a side in common with it. */
function join(pieces: PixelRectangle[], part: PixelRectangle): void {
  for (const [i, piece] of pieces.entries()) {
    const sameRows = piece.y === part.y && piece.heightPixels === part.heightPixels;
    const sameColumns = piece.x === part.x && piece.widthPixels === part.widthPixels;
    const beside =
      sameRows && (piece.x + piece.widthPixels === part.x || part.x + part.widthPixels === piece.x);
    const stacked =
      sameColumns && (piece.y + piece.heightPixels === part.y || part.y + part.heightPixels === piece.y);
    if (!beside && !stacked) continue;
    pieces[i] = bounds(piece, part);
    return;
  }
  pieces.push(part);
}
