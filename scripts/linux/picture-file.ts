import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { mkdir, rename, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { PNG } from "pngjs";
import type { Picture } from "./linux-device.ts";
import { LinuxUsageError, messageOf } from "./linux-error.ts";

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

/** Makes the folder for pictures. @throws LinuxUsageError if there can be none, or nothing can be written to it */
export function checkFolder(folder: string): void {
  try {
    if (folder === "") throw new Error("--out is empty");
    makeFolder(resolve(folder));
    const probe = join(folder, `.${process.pid}.tmp`);
    writeFileSync(probe, "");
    rmSync(probe);
  } catch (error) {
    throw new LinuxUsageError(`no pictures can be written to ${JSON.stringify(folder)}: ${messageOf(error)}`);
  }
}

/** Like mkdir with `recursive`, which never returns where a folder exists in which none can be made, as in /proc. */
function makeFolder(path: string): void {
  if (existsSync(path)) return;
  makeFolder(dirname(path));
  mkdirSync(path);
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
