/** A picture: rows from the top, four bytes a pixel in the order red, green, blue, 255. */
export interface QemuPicture {
  readonly width: number;
  readonly height: number;
  readonly rgba: Uint8Array;
}

const HEADER_BYTES_AT_MOST = 64;

/** Reads a binary PPM (P6) of 8 bits a sample. Undefined when it is none, or not all of it is there. */
export function parsePpm(file: Uint8Array): QemuPicture | undefined {
  const start = Buffer.from(file.buffer, file.byteOffset, Math.min(file.length, HEADER_BYTES_AT_MOST));
  const header = /^P6\s+(\d+)\s+(\d+)\s+255\s/.exec(start.toString("latin1"));
  if (header === null) return undefined;
  const width = Number(header[1]);
  const height = Number(header[2]);
  const pixels = width * height;
  let from = header[0].length;
  if (file.length < from + pixels * 3) return undefined;
  const rgba = new Uint8Array(pixels * 4);
  for (let to = 0; to < rgba.length; from += 3, to += 4) {
    rgba[to] = file[from] as number;
    rgba[to + 1] = file[from + 1] as number;
    rgba[to + 2] = file[from + 2] as number;
    rgba[to + 3] = 255;
  }
  return { width, height, rgba };
}
