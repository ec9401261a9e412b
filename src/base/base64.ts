import { type Base64Coder, engineBase64 } from "./engine-base64.ts";
import { VirtioUsageError } from "./errors.ts";

// Saved states are JSON-like, so pixels travel as text. `btoa` wants a string of the bytes first, which costs more
// memory than the result. Engines that can do better are asked to; elsewhere this goes from bytes to text in slices, two
// letters at a time.

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const PAD = 61;
const BAD = 0x80;

/** A multiple of 3; shorter slices are decoded more slowly. */
const SLICE_BYTES = 3 << 18;
/** Arguments of one call, where engines have limits. */
const CODES_PER_CALL = 4096;

/** The two letters of 12 bits, in the order in which they lie in memory whatever the byte order of the host. */
const PAIRS: Uint16Array = /* @__PURE__ */ letterPairs();
/** The 6 bits of a letter, {@link BAD} for anything else. */
const VALUES: Uint8Array = /* @__PURE__ */ letterValues();

function letterPairs(): Uint16Array {
  const letters = new Uint8Array(2 << 12);
  for (let bits = 0; bits < 1 << 12; bits++) {
    letters[2 * bits] = ALPHABET.charCodeAt(bits >>> 6);
    letters[2 * bits + 1] = ALPHABET.charCodeAt(bits & 63);
  }
  return new Uint16Array(letters.buffer);
}

function letterValues(): Uint8Array {
  const values = new Uint8Array(256).fill(BAD);
  for (let i = 0; i < ALPHABET.length; i++) values[ALPHABET.charCodeAt(i)] = i;
  return values;
}

// Every browser and Node have it. A bare engine need not.
declare const TextDecoder: (new () => { decode(bytes: Uint8Array): string }) | undefined;

/** The way that needs no help. */
export const portableBase64: Base64Coder = {
  encode: encodePortably,
  decodeGroups: decodeGroupsPortably,
};

/** Makes letters of codes, all of them ASCII. */
function textMaker(): (codes: Uint8Array) => string {
  if (typeof TextDecoder === "undefined") return spellOut;
  const decoder = new TextDecoder();
  return (codes) => decoder.decode(codes);
}

function spellOut(codes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < codes.length; at += CODES_PER_CALL) {
    text += String.fromCharCode(...codes.subarray(at, at + CODES_PER_CALL));
  }
  return text;
}

/** Bytes as base64 (RFC 4648, section 4), padded. */
export function encodeBase64(bytes: Uint8Array): string {
  return (engineBase64() ?? portableBase64).encode(bytes);
}

function encodePortably(bytes: Uint8Array): string {
  const toText = textMaker();
  const pairs = new Uint16Array((Math.min(SLICE_BYTES, bytes.length + 2) / 3) * 2);
  const codes = new Uint8Array(pairs.buffer);
  const wholeBytes = bytes.length - (bytes.length % 3);
  const parts: string[] = [];
  for (let from = 0; from < wholeBytes; from += SLICE_BYTES) {
    const end = Math.min(from + SLICE_BYTES, wholeBytes);
    let to = 0;
    for (let i = from; i < end; i += 3) {
      const b1 = bytes[i + 1] as number;
      pairs[to] = PAIRS[((bytes[i] as number) << 4) | (b1 >>> 4)] as number;
      pairs[to + 1] = PAIRS[((b1 & 15) << 8) | (bytes[i + 2] as number)] as number;
      to += 2;
    }
    parts.push(toText(codes.subarray(0, 2 * to)));
  }
  if (wholeBytes < bytes.length) parts.push(toText(lastLetters(bytes, wholeBytes)));
  return parts.join("");
}

/** The group of the one or two bytes that are left. */
function lastLetters(bytes: Uint8Array, from: number): Uint8Array {
  const second = bytes[from + 1];
  const bits = ((bytes[from] as number) << 16) | ((second ?? 0) << 8);
  return Uint8Array.of(
    ALPHABET.charCodeAt(bits >>> 18),
    ALPHABET.charCodeAt((bits >>> 12) & 63),
    second === undefined ? PAD : ALPHABET.charCodeAt((bits >>> 6) & 63),
    PAD,
  );
}

/** Letters that `lengthBytes` bytes take as base64. */
export function base64Letters(lengthBytes: number): number {
  return Math.ceil(lengthBytes / 3) * 4;
}

/** The bytes of a base64 text; throws {@link VirtioUsageError} when it is none or not of the expected length. */
export function decodeBase64(text: string, lengthBytes: number): Uint8Array<ArrayBuffer> {
  if (text.length !== base64Letters(lengthBytes)) {
    throw new VirtioUsageError(`base64 of ${text.length} letters where ${lengthBytes} bytes are expected`);
  }
  const bytes = new Uint8Array(lengthBytes);
  if (!decodeBase64Into(text, bytes)) throw new VirtioUsageError("a letter that is not base64");
  return bytes;
}

/**
 * Fills `bytes` with what a base64 text stands for; false when it is none of this many bytes. Then `bytes` may hold
 * anything.
 */
export function decodeBase64Into(
  text: string,
  bytes: Uint8Array,
  coder: Base64Coder = engineBase64() ?? portableBase64,
): boolean {
  if (text.length !== base64Letters(bytes.length)) return false;
  const wholeBytes = bytes.length - (bytes.length % 3);
  if (!coder.decodeGroups(text, bytes, wholeBytes)) return false;
  return wholeBytes === bytes.length || decodeLast(text, bytes, wholeBytes) === 0;
}

function decodeGroupsPortably(text: string, bytes: Uint8Array, wholeBytes: number): boolean {
  let bad = 0;
  let at = 0;
  for (let to = 0; to < wholeBytes; to += 3) {
    const c0 = text.charCodeAt(at);
    const c1 = text.charCodeAt(at + 1);
    const c2 = text.charCodeAt(at + 2);
    const c3 = text.charCodeAt(at + 3);
    const v0 = VALUES[c0 & 0xff] as number;
    const v1 = VALUES[c1 & 0xff] as number;
    const v2 = VALUES[c2 & 0xff] as number;
    const v3 = VALUES[c3 & 0xff] as number;
    bad |= ((v0 | v1 | v2 | v3) & BAD) | ((c0 | c1 | c2 | c3) & 0xff00);
    bytes[to] = (v0 << 2) | (v1 >>> 4);
    bytes[to + 1] = ((v1 & 15) << 4) | (v2 >>> 2);
    bytes[to + 2] = ((v2 & 3) << 6) | v3;
    at += 4;
  }
  return bad === 0;
}

/** Decodes the group with padding, which stands only for bytes that are not there; not 0 when it is none. */
function decodeLast(text: string, bytes: Uint8Array, to: number): number {
  const left = bytes.length - to;
  let bad = 0;
  let bits = 0;
  for (let k = 0; k < 4; k++) {
    const code = text.charCodeAt(text.length - 4 + k);
    if (k <= left) {
      const value = VALUES[code & 0xff] as number;
      bad |= (value & BAD) | (code & 0xff00);
      bits |= (value & 63) << (18 - 6 * k);
    } else if (code !== PAD) {
      bad = BAD;
    }
  }
  for (let k = 0; k < left; k++) bytes[to + k] = (bits >>> (16 - 8 * k)) & 0xff;
  return bad;
}
