// A compressed kernel spends most of an emulated boot unpacking itself. Here it is unpacked outside: its segments
// go straight to the addresses it is linked for, and what is left of the image is its real-mode part, unchanged,
// with a jump in place of the decompressor.
//
// Formats: Documentation/arch/x86/boot.rst of the kernel (the setup header), ELF.
import { Buffer } from "node:buffer";
import { gunzipSync } from "node:zlib";
import { tryProgram } from "./run-program.ts";

const SECTOR_BYTES = 512;
const PARAGRAPH_BYTES = 16;
const STUB_BYTES = 4096;
/** Offsets in the setup header. */
const SETUP_SECTORS = 0x1f1;
const PROTECTED_PARAGRAPHS = 0x1f4;
const HEADER_MAGIC = 0x202;
const HEADER_VERSION = 0x206;
const PAYLOAD_OFFSET = 0x248;
const PAYLOAD_LENGTH = 0x24c;
/** The first version that says where the payload is. */
const LEAST_VERSION = 0x0208;
/** Where v86 puts the protected-mode part and the initrd. */
const PROTECTED_START = 0x0010_0000;
const INITRD_START = 0x0400_0000;

export interface Segment {
  readonly address: number;
  readonly bytes: Uint8Array;
}

export interface FastKernel {
  /** Takes the place of the bzImage. */
  readonly image: Uint8Array<ArrayBuffer>;
  /** To be written to guest memory before the first instruction. */
  readonly segments: readonly Segment[];
}

/** @returns undefined if the image is not of the expected form, or its compression is not known here */
export async function unpackKernel(bzImage: Buffer): Promise<FastKernel | undefined> {
  if (bzImage.length < 0x268 || bzImage.toString("latin1", HEADER_MAGIC, HEADER_MAGIC + 4) !== "HdrS") {
    return undefined;
  }
  if (bzImage.readUInt16LE(HEADER_VERSION) < LEAST_VERSION) return undefined;
  const setupBytes = ((bzImage[SETUP_SECTORS] || 4) + 1) * SECTOR_BYTES;
  const start = setupBytes + bzImage.readUInt32LE(PAYLOAD_OFFSET);
  // The last four bytes are the unpacked length.
  const end = start + bzImage.readUInt32LE(PAYLOAD_LENGTH) - 4;
  if (start >= end || end + 4 > bzImage.length) return undefined;
  const elf = await decompress(bzImage.subarray(start, end));
  if (elf === undefined || elf.length !== bzImage.readUInt32LE(end)) return undefined;
  const program = readProgram(elf);
  if (program === undefined) return undefined;
  const image = Buffer.from(new ArrayBuffer(setupBytes + STUB_BYTES));
  bzImage.copy(image, 0, 0, setupBytes);
  // mov eax, entry; jmp eax. esi, which points to the boot parameters, and the flat segments stay as they are.
  image.writeUInt8(0xb8, setupBytes);
  image.writeUInt32LE(program.entry, setupBytes + 1);
  image.writeUInt16BE(0xffe0, setupBytes + 5);
  image.writeUInt32LE(STUB_BYTES / PARAGRAPH_BYTES, PROTECTED_PARAGRAPHS);
  return { image: new Uint8Array(image.buffer), segments: program.segments };
}

async function decompress(payload: Buffer): Promise<Buffer | undefined> {
  if (payload.readUInt16BE(0) === 0x1f8b) return gunzipSync(payload);
  if (payload.readUIntBE(0, 6) === 0xfd377a585a00) {
    const result = await tryProgram("xz", ["-dc"], { input: payload });
    return result?.code === 0 ? result.stdout : undefined;
  }
  return undefined;
}

interface Program {
  readonly entry: number;
  readonly segments: Segment[];
}

/** The loadable segments of a static ELF program for i386, if they leave alone what v86 has put into memory. */
function readProgram(elf: Buffer): Program | undefined {
  if (elf.length < 52 || elf.readUInt32BE(0) !== 0x7f454c46) return undefined;
  const is32Bit = elf[4] === 1;
  const isI386 = elf.readUInt16LE(18) === 3;
  if (!is32Bit || !isI386) return undefined;
  const entry = elf.readUInt32LE(24);
  const table = elf.readUInt32LE(28);
  const count = elf.readUInt16LE(44);
  const segments: Segment[] = [];
  for (let i = 0; i < count; i++) {
    const at = table + 32 * i;
    if (at + 32 > elf.length) return undefined;
    const isLoad = elf.readUInt32LE(at) === 1;
    if (!isLoad) continue;
    const offset = elf.readUInt32LE(at + 4);
    const address = elf.readUInt32LE(at + 12);
    const fileBytes = elf.readUInt32LE(at + 16);
    const memoryBytes = elf.readUInt32LE(at + 20);
    const inFile = offset + fileBytes <= elf.length;
    const inMemory = address >= PROTECTED_START + STUB_BYTES && address + memoryBytes <= INITRD_START;
    if (!inFile || !inMemory) return undefined;
    segments.push({ address, bytes: elf.subarray(offset, offset + fileBytes) });
  }
  const hasEntry = segments.some(({ address, bytes }) => entry >= address && entry < address + bytes.length);
  return hasEntry ? { entry, segments } : undefined;
}
