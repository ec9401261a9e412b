/** The modes that an EDID lists: VESA E-EDID 1.4 with CTA-861 and DisplayID 1.3 extensions, as far as modes go. */
import { cvtMode, type DrmMode, modeOf } from "./modes.ts";

const BLOCK_BYTES = 128;
const HEADER = [0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00];
/** So many bytes of the header have to be right for the rest to be believed. */
const HEADER_SCORE = 6;

const DETAILED_AT = 54;
const DETAILED_BYTES = 18;
const STANDARD_AT = 38;
const STANDARD_COUNT = 8;
const EXTENSION_CTA = 0x02;
const EXTENSION_DISPLAY_ID = 0x70;
const DISPLAY_ID_DETAILED = 0x03;
const DISPLAY_ID_TIMING_BYTES = 20;
/** Linux drops detailed timings of the base block and of CTA below this size. */
const DETAILED_MIN_PIXELS = 64;

/** Bytes 35 to 37, most significant bit first: width, height, frame rate; 0 for anything that is not a progressive mode. */
const ESTABLISHED: readonly (readonly [number, number, number])[] = [
  [720, 400, 70],
  [720, 400, 88],
  [640, 480, 60],
  [640, 480, 67],
  [640, 480, 72],
  [640, 480, 75],
  [800, 600, 56],
  [800, 600, 60],
  [800, 600, 72],
  [800, 600, 75],
  [832, 624, 75],
  [0, 0, 0],
  [1024, 768, 60],
  [1024, 768, 70],
  [1024, 768, 75],
  [1280, 1024, 75],
  [1152, 864, 75],
];

/** CTA-861 codes that monitors of virtual machines use: code, width, height, frame rate. */
const CTA_CODES: ReadonlyMap<number, readonly [number, number, number]> = new Map([
  [1, [640, 480, 60]],
  [2, [720, 480, 60]],
  [3, [720, 480, 60]],
  [4, [1280, 720, 60]],
  [16, [1920, 1080, 60]],
  [17, [720, 576, 50]],
  [18, [720, 576, 50]],
  [19, [1280, 720, 50]],
  [31, [1920, 1080, 50]],
  [32, [1920, 1080, 24]],
  [33, [1920, 1080, 25]],
  [34, [1920, 1080, 30]],
  [93, [3840, 2160, 24]],
  [94, [3840, 2160, 25]],
  [95, [3840, 2160, 30]],
  [96, [3840, 2160, 50]],
  [97, [3840, 2160, 60]],
]);

/**
 * What of a response is an EDID: the base block and the extensions whose checksum is right. Null when the base block
 * is none, which makes the monitor one without an EDID.
 */
export function readEdid(bytes: Uint8Array): Uint8Array<ArrayBuffer> | null {
  const base = bytes.subarray(0, BLOCK_BYTES);
  if (base.length < BLOCK_BYTES || !checksumFits(base)) return null;
  const score = HEADER.filter((byte, i) => base[i] === byte).length;
  if (score < HEADER_SCORE) return null;
  const blocks = [base];
  for (let i = 1; i <= (base[126] as number); i++) {
    const block = bytes.subarray(i * BLOCK_BYTES, (i + 1) * BLOCK_BYTES);
    if (block.length === BLOCK_BYTES && checksumFits(block)) blocks.push(block);
  }
  const edid = new Uint8Array(blocks.length * BLOCK_BYTES);
  for (const [i, block] of blocks.entries()) edid.set(block, i * BLOCK_BYTES);
  return edid;
}

function checksumFits(block: Uint8Array): boolean {
  return (block.reduce((sum, byte) => sum + byte, 0) & 0xff) === 0;
}

/** All modes of an EDID, equal ones not yet dropped. Timings of modes that are only named are CVT's. */
export function edidModes(edid: Uint8Array): DrmMode[] {
  const modes: DrmMode[] = [];
  // The first detailed timing is the preferred one: in EDID 1.3 if a bit says so, in 1.4 always.
  const preferred = byte(edid, 19) >= 4 || (byte(edid, 24) & 0x02) !== 0;
  for (let i = 0; i < 4; i++) {
    add(modes, detailedTiming(edid, DETAILED_AT + i * DETAILED_BYTES, preferred && i === 0));
  }
  for (let i = 0; i < STANDARD_COUNT; i++) add(modes, standardTiming(edid, STANDARD_AT + 2 * i));
  const established = (byte(edid, 35) << 16) | (byte(edid, 36) << 8) | byte(edid, 37);
  for (const [i, [width, height, hz]] of ESTABLISHED.entries()) {
    if (width > 0 && ((established >>> (23 - i)) & 1) !== 0) modes.push(cvtMode(width, height, hz));
  }
  for (let at = BLOCK_BYTES; at < edid.length; at += BLOCK_BYTES) {
    const block = edid.subarray(at, at + BLOCK_BYTES);
    if (block[0] === EXTENSION_CTA) modes.push(...ctaModes(block));
    if (block[0] === EXTENSION_DISPLAY_ID) modes.push(...displayIdModes(block));
  }
  return modes;
}

function add(modes: DrmMode[], mode: DrmMode | null): void {
  if (mode !== null) modes.push(mode);
}

function byte(bytes: Uint8Array, at: number): number {
  return bytes[at] ?? 0;
}

function detailedTiming(bytes: Uint8Array, at: number, preferred: boolean): DrmMode | null {
  const clock = (byte(bytes, at) | (byte(bytes, at + 1) << 8)) * 10;
  const hdisplay = byte(bytes, at + 2) | ((byte(bytes, at + 4) & 0xf0) << 4);
  const hblank = byte(bytes, at + 3) | ((byte(bytes, at + 4) & 0x0f) << 8);
  const vdisplay = byte(bytes, at + 5) | ((byte(bytes, at + 7) & 0xf0) << 4);
  const vblank = byte(bytes, at + 6) | ((byte(bytes, at + 7) & 0x0f) << 8);
  const high = byte(bytes, at + 11);
  const hfront = byte(bytes, at + 8) | ((high & 0xc0) << 2);
  const hsync = byte(bytes, at + 9) | ((high & 0x30) << 4);
  const vfront = (byte(bytes, at + 10) >> 4) | ((high & 0x0c) << 2);
  const vsync = (byte(bytes, at + 10) & 0x0f) | ((high & 0x03) << 4);
  const isInterlaced = (byte(bytes, at + 17) & 0x80) !== 0;
  if (clock === 0 || isInterlaced || hdisplay < DETAILED_MIN_PIXELS || vdisplay < DETAILED_MIN_PIXELS)
    return null;
  if (hsync === 0 || vsync === 0) return null;
  return modeOf(
    {
      clock,
      hdisplay,
      hsyncStart: hdisplay + hfront,
      hsyncEnd: hdisplay + hfront + hsync,
      // A total that ends before the sync pulse does is taken for a mistake.
      htotal: Math.max(hdisplay + hblank, hdisplay + hfront + hsync + 1),
      vdisplay,
      vsyncStart: vdisplay + vfront,
      vsyncEnd: vdisplay + vfront + vsync,
      vtotal: Math.max(vdisplay + vblank, vdisplay + vfront + vsync + 1),
    },
    preferred,
  );
}

function standardTiming(edid: Uint8Array, at: number): DrmMode | null {
  const first = byte(edid, at);
  const second = byte(edid, at + 1);
  if (first === 0 || (first === 1 && second === 1)) return null;
  const width = first * 8 + 248;
  const isEdid13 = byte(edid, 18) > 1 || byte(edid, 19) >= 3;
  const heights = [isEdid13 ? (width * 10) / 16 : width, (width * 3) / 4, (width * 4) / 5, (width * 9) / 16];
  const height = Math.floor(heights[second >> 6] as number);
  const hz = (second & 0x3f) + 60;
  // 1360 × 765 is what the format can say of 1366 × 768.
  if (hz === 60 && (width === 1360 || width === 1368) && Math.abs(height - 768) <= 3) {
    return modeOf({ ...cvtMode(1360, 768), hdisplay: 1366 });
  }
  return cvtMode(width, height, hz);
}

function ctaModes(block: Uint8Array): DrmMode[] {
  const modes: DrmMode[] = [];
  const timingsAt = byte(block, 2);
  const dataEnd = timingsAt >= 4 && timingsAt <= 127 ? timingsAt : timingsAt === 0 ? 127 : 4;
  for (let at = 4; at < dataEnd; ) {
    const length = byte(block, at) & 0x1f;
    if (byte(block, at) >> 5 === 2) {
      for (const code of block.subarray(at + 1, Math.min(at + 1 + length, dataEnd))) {
        const size = CTA_CODES.get(code) ?? CTA_CODES.get(code & 0x7f);
        if (size !== undefined) modes.push(cvtMode(...size));
      }
    }
    at += 1 + length;
  }
  if (timingsAt >= 4) {
    for (let at = timingsAt; at + DETAILED_BYTES <= 127; at += DETAILED_BYTES) {
      if (byte(block, at) === 0 && byte(block, at + 1) === 0) break;
      add(modes, detailedTiming(block, at, false));
    }
  }
  return modes;
}

/** Type I detailed timings of a DisplayID section. */
function displayIdModes(block: Uint8Array): DrmMode[] {
  const modes: DrmMode[] = [];
  const end = Math.min(5 + byte(block, 2), 126);
  for (let at = 5; at + 3 <= end; ) {
    const length = byte(block, at + 2);
    if (byte(block, at) === DISPLAY_ID_DETAILED) {
      for (let i = at + 3; i + DISPLAY_ID_TIMING_BYTES <= Math.min(at + 3 + length, end); i += 20) {
        modes.push(displayIdTiming(block, i));
      }
    }
    at += 3 + length;
  }
  return modes;
}

function displayIdTiming(block: Uint8Array, at: number): DrmMode {
  const word = (offset: number) => byte(block, at + offset) | (byte(block, at + offset + 1) << 8);
  const clock = (byte(block, at) | (byte(block, at + 1) << 8) | (byte(block, at + 2) << 16)) + 1;
  const hdisplay = word(4) + 1;
  const hsyncStart = hdisplay + (word(8) & 0x7fff) + 1;
  const vdisplay = word(12) + 1;
  const vsyncStart = vdisplay + (word(16) & 0x7fff) + 1;
  return modeOf(
    {
      clock: clock * 10,
      hdisplay,
      hsyncStart,
      hsyncEnd: hsyncStart + word(10) + 1,
      htotal: hdisplay + word(6) + 1,
      vdisplay,
      vsyncStart,
      vsyncEnd: vsyncStart + word(18) + 1,
      vtotal: vdisplay + word(14) + 1,
    },
    (byte(block, at + 3) & 0x80) !== 0,
  );
}
