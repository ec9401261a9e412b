// What the painter and its driver say to each other: one request, one answer.
import { bytes, le32, offsetsOf, struct } from "../../../wire/schema.ts";

/** The painter's device id; the specification gives this number to nobody. */
export const PAINTER_DEVICE_ID = 63;
export const PAINTER_QUEUE_SIZE = 8;

/** Draw the still picture of the shared panel. */
export const PAINT_PANEL = 1;
/** Draw the track as it is in a frame. */
export const PAINT_TRACK = 2;

const painter_request = /* @__PURE__ */ struct({
  /** PAINT_*. */
  what: le32,
  /** The object to draw into. */
  uuid: /* @__PURE__ */ bytes(16),
  /** Where, in pixels of 32 bits, 0xXXRRGGBB. */
  x: le32,
  y: le32,
  width: le32,
  height: le32,
  /** Bytes from one row of the object to the next. */
  stride: le32,
  /** Thickness of strokes. */
  unit: le32,
  frame: le32,
  frames: le32,
});
export const PAINTER_REQUEST = /* @__PURE__ */ offsetsOf(painter_request);

const painter_response = /* @__PURE__ */ struct({ status: le32 });
export const PAINTER_RESPONSE = /* @__PURE__ */ offsetsOf(painter_response);

export const PAINTER_OK = 0;
/** No device shares an object with this UUID. */
export const PAINTER_ERR_NO_OBJECT = 1;
/** The request makes no sense. */
export const PAINTER_ERR_REQUEST = 2;
