import type { CursorRequest } from "./mode-ioctls.ts";

/** Position and image of a cursor for SETCURSOR2. */
export interface Cursor2 {
  readonly crtcId: number;
  /** 0 hides the cursor. */
  readonly handle: number;
  readonly width: number;
  readonly height: number;
  readonly hotX: number;
  readonly hotY: number;
  /** Default: it stays where it is. */
  readonly x?: number;
  readonly y?: number;
}

export function cursorRequest({ crtcId, handle, width, height, hotX, hotY, x, y }: Cursor2): CursorRequest {
  const image = { handle, width, height, hotX, hotY };
  return x === undefined || y === undefined ? { crtcId, image } : { crtcId, image, position: { x, y } };
}
