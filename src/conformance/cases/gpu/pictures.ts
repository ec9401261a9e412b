import {
  VIRTIO_GPU_FORMAT_A8B8G8R8_UNORM,
  VIRTIO_GPU_FORMAT_A8R8G8B8_UNORM,
  VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM,
  VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM,
  VIRTIO_GPU_FORMAT_R8G8B8A8_UNORM,
  VIRTIO_GPU_FORMAT_R8G8B8X8_UNORM,
  VIRTIO_GPU_FORMAT_X8B8G8R8_UNORM,
  VIRTIO_GPU_FORMAT_X8R8G8B8_UNORM,
} from "../../../wire/gpu.ts";
import type { Picture } from "../../device-under-test.ts";
import type { GpuRect } from "../../models/gpu-commands.ts";
import { BYTES_PER_PIXEL, type GpuSession } from "./session.ts";

/** Red, green and blue of the pixel at x, y: 0 … 255. */
export type Pattern = (x: number, y: number) => readonly [red: number, green: number, blue: number];

/** enum virtio_gpu_formats: name → value. The letters are in the order of the bytes in memory. */
export const FORMATS = {
  B8G8R8A8: VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM,
  B8G8R8X8: VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM,
  A8R8G8B8: VIRTIO_GPU_FORMAT_A8R8G8B8_UNORM,
  X8R8G8B8: VIRTIO_GPU_FORMAT_X8R8G8B8_UNORM,
  R8G8B8A8: VIRTIO_GPU_FORMAT_R8G8B8A8_UNORM,
  X8B8G8R8: VIRTIO_GPU_FORMAT_X8B8G8R8_UNORM,
  A8B8G8R8: VIRTIO_GPU_FORMAT_A8B8G8R8_UNORM,
  R8G8B8X8: VIRTIO_GPU_FORMAT_R8G8B8X8_UNORM,
} as const;

/** Name of a format. */
export type FormatName = keyof typeof FORMATS;

/** No two pixels of 256 × 256 are alike, and no two channels; `seed` makes another picture of it. */
export function gradient(seed = 0): Pattern {
  return (x, y) => [(x + seed) & 0xff, (y * 3 + seed * 5) & 0xff, ((x ^ y) * 7 + 64 + seed) & 0xff];
}

/** All pixels alike. */
export function plain(red: number, green: number, blue: number): Pattern {
  return () => [red, green, blue];
}

/** Bytes of a picture in a format, row after row. Alpha is 255; what X stands for is 0. */
export function encode(
  pattern: Pattern,
  width: number,
  height: number,
  format: FormatName = "B8G8R8X8",
  strideBytes = width * BYTES_PER_PIXEL,
): Uint8Array {
  const bytes = new Uint8Array(strideBytes * height);
  const order = [...format.replaceAll("8", "")];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [red, green, blue] = pattern(x, y);
      const channels: Readonly<Record<string, number>> = { R: red, G: green, B: blue, A: 255, X: 0 };
      order.forEach((letter, i) => {
        bytes[y * strideBytes + x * BYTES_PER_PIXEL + i] = channels[letter] as number;
      });
    }
  }
  return bytes;
}

/** What a scanout shows now; fails when it is off. */
export async function look(gpu: GpuSession, scanout: number): Promise<Picture> {
  const { dut } = gpu.t.guest;
  await dut.settle();
  const picture = await dut.screenshot?.(scanout);
  if (picture === null || picture === undefined) gpu.t.fail(`scanout ${scanout} shows nothing`);
  return picture;
}

/** Fails unless a scanout is as large as said and shows the pattern, in `part` of it (default all). Alpha does not count. */
export async function shows(
  gpu: GpuSession,
  scanout: number,
  width: number,
  height: number,
  pattern: Pattern,
  part: GpuRect = { x: 0, y: 0, width, height },
): Promise<void> {
  const { t } = gpu;
  const picture = await look(gpu, scanout);
  t.equal(picture.width, width, `the width of scanout ${scanout}`);
  t.equal(picture.height, height, `the height of scanout ${scanout}`);
  for (let y = part.y; y < part.y + part.height; y++) {
    for (let x = part.x; x < part.x + part.width; x++) {
      const at = (y * width + x) * BYTES_PER_PIXEL;
      const [red, green, blue] = pattern(x, y);
      const { rgba } = picture;
      if (rgba[at] === red && rgba[at + 1] === green && rgba[at + 2] === blue) continue;
      t.fail(
        `pixel ${x}, ${y} of scanout ${scanout} is ${[...rgba.slice(at, at + 3)]}, not ${[red, green, blue]}`,
      );
    }
  }
}
