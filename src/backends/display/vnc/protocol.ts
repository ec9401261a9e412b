// The numbers and messages of the RFB protocol, versions 3.3 to 3.8 (RFC 6143 and the registry of its extensions).
// All of it is big-endian, but for pixels.

export const PROTOCOL_VERSION = "RFB 003.008\n";
export const VERSION_LENGTH_BYTES = 12;

export const SECURITY_NONE = 1;
export const SECURITY_VNC_AUTH = 2;
export const CHALLENGE_LENGTH_BYTES = 16;

// What clients send
export const SET_PIXEL_FORMAT = 0;
export const SET_ENCODINGS = 2;
export const FRAMEBUFFER_UPDATE_REQUEST = 3;
export const KEY_EVENT = 4;
export const POINTER_EVENT = 5;
export const CLIENT_CUT_TEXT = 6;
export const SET_DESKTOP_SIZE = 251;

// What servers send
const FRAMEBUFFER_UPDATE = 0;
const SET_COLOUR_MAP_ENTRIES = 1;

export const ENCODING_RAW = 0;
export const ENCODING_ZRLE = 16;
export const ENCODING_DESKTOP_SIZE = -223;
export const ENCODING_CURSOR = -239;
export const ENCODING_EXTENDED_DESKTOP_SIZE = -308;
export const ENCODING_CURSOR_WITH_ALPHA = -314;
/** Compression levels 0 to 9 are encodings -256 to -247. */
export const ENCODING_COMPRESSION_LEVEL_0 = -256;
export const ENCODING_COMPRESSION_LEVEL_9 = -247;

/** Why a client is told of a desktop size: x of the pseudo-rectangle. */
export const RESIZE_BY_SERVER = 0;
export const RESIZE_BY_THIS_CLIENT = 1;

/** What became of a client's wish for a desktop size: y of the pseudo-rectangle. */
export const RESIZE_OK = 0;
export const RESIZE_PROHIBITED = 1;
export const RESIZE_INVALID_LAYOUT = 3;
/** It was handed on to the guest, which may follow it. */
export const RESIZE_FORWARDED = 4;

export const PIXEL_FORMAT_LENGTH_BYTES = 16;
export const RECTANGLE_HEADER_LENGTH_BYTES = 12;
const SCREEN_LENGTH_BYTES = 16;

/** The minor version a client speaks, of those there are; null when it is no RFB client at all. */
export function parseVersion(bytes: Buffer): 3 | 7 | 8 | null {
  const match = /^RFB (\d{3})\.(\d{3})\n$/.exec(bytes.toString("latin1"));
  if (match === null) return null;
  const major = Number(match[1]);
  const minor = Number(match[2]);
  if (major < 3) return null;
  // Some call themselves 4.x, 5.x or 3.889: they know the highest version too.
  if (major > 3 || minor >= 8) return 8;
  return minor === 7 ? 7 : 3;
}

/** A length and that many bytes of text. */
export function reasonMessage(text: string): Buffer {
  const bytes = Buffer.from(text, "utf8");
  const message = Buffer.alloc(4 + bytes.length);
  message.writeUInt32BE(bytes.length, 0);
  bytes.copy(message, 4);
  return message;
}

export function serverInitMessage(width: number, height: number, pixelFormat: Buffer, name: string): Buffer {
  const text = reasonMessage(name);
  const message = Buffer.alloc(4 + PIXEL_FORMAT_LENGTH_BYTES);
  message.writeUInt16BE(width, 0);
  message.writeUInt16BE(height, 2);
  pixelFormat.copy(message, 4);
  return Buffer.concat([message, text]);
}

/** The beginning of an update of this many rectangles. */
export function updateHeader(rectangles: number): Buffer {
  const message = Buffer.alloc(4);
  message.writeUInt8(FRAMEBUFFER_UPDATE, 0);
  message.writeUInt16BE(rectangles, 2);
  return message;
}

/** Writes the beginning of a rectangle, or of what poses as one. */
export function writeRectangleHeader(
  target: Buffer,
  x: number,
  y: number,
  widthPixels: number,
  heightPixels: number,
  encoding: number,
): void {
  target.writeUInt16BE(x, 0);
  target.writeUInt16BE(y, 2);
  target.writeUInt16BE(widthPixels, 4);
  target.writeUInt16BE(heightPixels, 6);
  target.writeInt32BE(encoding, 8);
}

/** A part of the desktop that is one monitor. */
export interface Screen {
  readonly id: number;
  readonly x: number;
  readonly y: number;
  readonly widthPixels: number;
  readonly heightPixels: number;
}

export function desktopSizeRectangle(width: number, height: number): Buffer {
  const rectangle = Buffer.alloc(RECTANGLE_HEADER_LENGTH_BYTES);
  writeRectangleHeader(rectangle, 0, 0, width, height, ENCODING_DESKTOP_SIZE);
  return rectangle;
}

export function extendedDesktopSizeRectangle(
  reason: number,
  status: number,
  width: number,
  height: number,
  screens: readonly Screen[],
): Buffer {
  const rectangle = Buffer.alloc(RECTANGLE_HEADER_LENGTH_BYTES + 4 + screens.length * SCREEN_LENGTH_BYTES);
  writeRectangleHeader(rectangle, reason, status, width, height, ENCODING_EXTENDED_DESKTOP_SIZE);
  let at = RECTANGLE_HEADER_LENGTH_BYTES;
  rectangle.writeUInt8(screens.length, at);
  at += 4;
  for (const screen of screens) {
    rectangle.writeUInt32BE(screen.id, at);
    rectangle.writeUInt16BE(screen.x, at + 4);
    rectangle.writeUInt16BE(screen.y, at + 6);
    rectangle.writeUInt16BE(screen.widthPixels, at + 8);
    rectangle.writeUInt16BE(screen.heightPixels, at + 10);
    at += SCREEN_LENGTH_BYTES;
  }
  return rectangle;
}

/** The fixed colour map of clients that want one: three bits of red and green, two of blue. */
export function colourMapMessage(): Buffer {
  const message = Buffer.alloc(6 + 256 * 6);
  message.writeUInt8(SET_COLOUR_MAP_ENTRIES, 0);
  message.writeUInt16BE(256, 4);
  for (let i = 0; i < 256; i++) {
    message.writeUInt16BE(Math.round(((i & 7) * 65535) / 7), 6 + i * 6);
    message.writeUInt16BE(Math.round((((i >> 3) & 7) * 65535) / 7), 8 + i * 6);
    message.writeUInt16BE(Math.round(((i >> 6) * 65535) / 3), 10 + i * 6);
  }
  return message;
}
