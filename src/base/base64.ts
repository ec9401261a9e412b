import { VirtioUsageError } from "./errors.ts";

// Saved states are JSON-like, so pixels travel as text. `btoa` wants a string of the bytes first, which costs more
// memory than the result; this goes from bytes to text in slices.

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const CODES: Uint8Array = /* @__PURE__ */ Uint8Array.from(ALPHABET, (letter) => letter.charCodeAt(0));
const PAD = 61;
/** A multiple of 3, small enough for its text to be the arguments of one call. */
const SLICE_BYTES = 12288;

/** Bytes as base64 (RFC 4648, section 4), padded. */
export function encodeBase64(bytes: Uint8Array): string {
  const parts: string[] = [];
  const codes = new Uint8Array((SLICE_BYTES / 3) * 4);
  for (let from = 0; from < bytes.length; from += SLICE_BYTES) {
    const end = Math.min(from + SLICE_BYTES, bytes.length);
    let to = 0;
    for (let i = from; i < end; i += 3) {
      const left = end - i;
      const b0 = bytes[i] as number;
      const b1 = left > 1 ? (bytes[i + 1] as number) : 0;
      const b2 = left > 2 ? (bytes[i + 2] as number) : 0;
      codes[to++] = CODES[b0 >>> 2] as number;
      codes[to++] = CODES[((b0 & 3) << 4) | (b1 >>> 4)] as number;
      codes[to++] = left > 1 ? (CODES[((b1 & 15) << 2) | (b2 >>> 6)] as number) : PAD;
      codes[to++] = left > 2 ? (CODES[b2 & 63] as number) : PAD;
    }
    parts.push(String.fromCharCode(...codes.subarray(0, to)));
  }
  return parts.join("");
}

/** The bytes of a base64 text; throws {@link VirtioUsageError} when it is none or not of the expected length. */
export function decodeBase64(text: string, lengthBytes: number): Uint8Array<ArrayBuffer> {
  const values = new Int16Array(128).fill(-1);
  for (let i = 0; i < 64; i++) values[CODES[i] as number] = i;
  if (text.length !== Math.ceil(lengthBytes / 3) * 4) {
    throw new VirtioUsageError(`base64 of ${text.length} letters where ${lengthBytes} bytes are expected`);
  }
  const bytes = new Uint8Array(lengthBytes);
  let to = 0;
  for (let i = 0; i < text.length; i += 4) {
    let word = 0;
    for (let k = 0; k < 4; k++) {
      const code = text.charCodeAt(i + k);
      // Padding stands only in the last group, and for bytes that are not there.
      const isPad = code === PAD && i + 4 === text.length && to + k > lengthBytes;
      const value = isPad ? 0 : (values[code] ?? -1);
      if (value < 0) throw new VirtioUsageError("a letter that is not base64");
      word = (word << 6) | value;
    }
    for (let k = 16; k >= 0 && to < lengthBytes; k -= 8) bytes[to++] = (word >>> k) & 0xff;
  }
  return bytes;
}
