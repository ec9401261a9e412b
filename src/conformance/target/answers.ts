// What the calls of somebody else's target gave is looked at before anybody rests on it: types say nothing at run time.
import { isUint8Array } from "../../base/brands.ts";
import { isPromise, ofNoInterest } from "../../base/later.ts";

/** What is wrong with the result of a call, as the rest of a sentence that begins with the call; null when nothing is. */
export type AnswerFault = (value: unknown) => string | null;

/** For calls of which nobody uses the result. */
export const anything: AnswerFault = () => null;

/** A register's value. Whether it fits the width of the access is the device's business, and the cases'. */
export const registerFault: AnswerFault = (value) => {
  const isValue = typeof value === "number" && value >= 0 && value <= 0xffff_ffff && Number.isInteger(value);
  return isValue ? null : `gave ${shown(value)}, and values are numbers from 0 to 0xffffffff, unsigned`;
};

export const lineFault: AnswerFault = (value) =>
  typeof value === "boolean" ? null : `gave ${shown(value)}, and the line is true or false`;

export const pictureFault: AnswerFault = (value) => {
  if (value === null) return null;
  if (typeof value !== "object") return `gave ${shown(value)}, which is neither a picture nor null`;
  const { width, height, rgba } = value as Readonly<Record<string, unknown>>;
  if (!isSide(width) || !isSide(height)) {
    return `gave a picture of ${shown(width)} × ${shown(height)}, which are not numbers of pixels`;
  }
  if (!isUint8Array(rgba)) return `gave a picture whose rgba is ${shown(rgba)}, not a Uint8Array`;
  const lengthBytes = 4 * width * height;
  if (rgba.length === lengthBytes) return null;
  return `gave a picture of ${width} × ${height} in ${rgba.length} bytes, and it takes ${lengthBytes}`;
};

/** What `ram.read` gave for so many bytes. */
export function bytesFault(value: unknown, lengthBytes: number): string | null {
  if (isPromise(value)) return notAtOnce(value);
  if (!isUint8Array(value)) return `gave ${shown(value)}, not a Uint8Array`;
  return value.length === lengthBytes ? null : `gave ${value.length} bytes of ${lengthBytes}`;
}

/** What `ram.write` gave. */
export const storeFault: AnswerFault = (value) => (isPromise(value) ? notAtOnce(value) : null);

function notAtOnce(value: Promise<unknown>): string {
  ofNoInterest(value);
  return "gave a promise, and guest memory is read and written at once: only the other methods may answer later";
}

function isSide(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value > 0 && value <= 0xffff;
}

function shown(value: unknown): string {
  switch (typeof value) {
    case "string":
      return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
    case "bigint":
      return `the BigInt ${value}`;
    case "object":
      return value === null ? "null" : "an object";
    case "function":
    case "symbol":
      return `a ${typeof value}`;
    default:
      return String(value);
  }
}
