import { mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PNG } from "pngjs";
import type { Picture } from "./linux-device.ts";

const BYTES_PER_PIXEL = 4;
const RGB = 2;
const RGBA = 6;

/** @returns a PNG of 24 bits per pixel */
export function encodePng({ width, height, pixels }: Picture): Buffer {
  const png = new PNG({ width, height });
  for (let i = 0; i < pixels.length; i++) {
    const pixel = pixels[i] as number;
    const at = i * BYTES_PER_PIXEL;
    png.data[at] = pixel >>> 16;
    png.data[at + 1] = pixel >>> 8;
    png.data[at + 2] = pixel;
    png.data[at + 3] = 0xff;
  }
  return PNG.sync.write(png, { colorType: RGB, inputColorType: RGBA });
}

/** Writes `folder/name.png`; the file is complete or not there. @returns its path */
export async function savePicture(folder: string, name: string, picture: Picture): Promise<string> {
  const path = join(folder, `${name}.png`);
  await mkdir(folder, { recursive: true });
  const temporary = `${path}.${process.pid}.tmp`;
  await writeFile(temporary, encodePng(picture));
  await rename(temporary, path);
  return path;
}
