/** A picture: rows from the top, four bytes a pixel in the order red, green, blue, 255. */
export interface QemuPicture {
  readonly width: number;
  readonly height: number;
  readonly rgba: Uint8Array;
}

const HEADER_BYTES_AT_MOST = 64;

/** QEMU writes rows as it has them in memory: up to the next multiple of this. */
const QEMU_ROW_ALIGNMENT_BYTES = 4;

/**
 * Reads a binary PPM (P6) of 8 bits a sample, with rows that follow each other as the format says, or each padded to
 * a multiple of 4 bytes as QEMU writes them; the length of the file tells which. Undefined when it is none, or not all
 * of it is there.
 *
 * @example
 * ```ts
 * const picture = parsePpm(readFileSync("picture.ppm"));
 * if (picture === undefined) throw new Error("not a whole PPM");
 * ```
 */
export function parsePpm(file: Uint8Array): QemuPicture | undefined {
  const start = Buffer.from(file.buffer, file.byteOffset, Math.min(file.length, HEADER_BYTES_AT_MOST));
  const header = /^P6\s+(\d+)\s+(\d+)\s+255\s/.exec(start.toString("latin1"));
  if (header === null) return undefined;
  const width = Number(header[1]);
  const height = Number(header[2]);
  const rowBytes = width * 3;
  const paddedRowBytes = Math.ceil(rowBytes / QEMU_ROW_ALIGNMENT_BYTES) * QEMU_ROW_ALIGNMENT_BYTES;
  const first = header[0].length;
  if (file.length < first + height * rowBytes) return undefined;
  const strideBytes = file.length >= first + height * paddedRowBytes ? paddedRowBytes : rowBytes;
  const rgba = new Uint8Array(width * height * 4);
  for (let y = 0, to = 0; y < height; y++) {
    let from = first + y * strideBytes;
    for (let x = 0; x < width; x++, from += 3, to += 4) {
      rgba[to] = file[from] as number;
      rgba[to + 1] = file[from + 1] as number;
      rgba[to + 2] = file[from + 2] as number;
      rgba[to + 3] = 255;
    }
  }
  return { width, height, rgba };
}
