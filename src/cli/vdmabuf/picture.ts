import { le32 } from "../../base/endian.ts";
import type { GuestBuffer } from "../../driver/index.ts";

const BYTES_PER_PIXEL = 4;
const BARS: readonly number[] = [
  0xf4f4f4, 0xf2d43d, 0x3dd6f2, 0x4ac26b, 0xd65db1, 0xe5484d, 0x3e63dd, 0x1c1c24,
];

/**
 * Draws one frame into guest pages: colour bars over a shade, and a disc that has moved on. Pixels are
 * VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM, rows without gaps.
 */
export function drawFrame(pages: GuestBuffer, width: number, height: number, frame: number): void {
  const row = new Uint32Array(width);
  const bytes = new Uint8Array(row.buffer);
  const radius = Math.max(2, Math.min(width, height) >> 3);
  const centreX = (frame * (radius >> 1)) % width;
  const centreY = height >> 1;
  const barsEnd = (height * 3) >> 2;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const colour =
        y < barsEnd
          ? (BARS[Math.floor((x * BARS.length) / width)] as number)
          : 0x010101 * (Math.floor((x * 256) / width) & 0xff);
      const far = (x - centreX) ** 2 + (y - centreY) ** 2 > radius ** 2;
      row[x] = le32(far ? colour : 0xff7a1a);
    }
    pages.write(y * width * BYTES_PER_PIXEL, bytes);
  }
}
