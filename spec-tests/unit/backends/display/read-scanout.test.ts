import { test } from "uvu";
import * as assert from "uvu/assert";
import { MemoryDisplay, readScanoutRgba } from "../../../../src/backends/display/memory/index.ts";
import type { ScanoutSource } from "../../../../src/devices/gpu/index.ts";
import { GuestPages } from "../../../../src/memory/guest-pages.ts";
import { DmaSpace, GuestMemory } from "../../../../src/memory/index.ts";
import { FORMATS } from "../../../support/gpu-messages.ts";
import { pattern } from "../../../support/gpu-rig.ts";

/** The byte of a pixel that holds R, G, B and A; -1 for "opaque". The names list bytes in the order of memory. */
const BYTES: Readonly<Record<number, readonly [number, number, number, number]>> = {
  1: [2, 1, 0, 3], // B8G8R8A8
  2: [2, 1, 0, -1], // B8G8R8X8
  3: [1, 2, 3, 0], // A8R8G8B8
  4: [1, 2, 3, -1], // X8R8G8B8
  67: [0, 1, 2, 3], // R8G8B8A8
  68: [3, 2, 1, -1], // X8B8G8R8
  121: [3, 2, 1, 0], // A8B8G8R8
  134: [0, 1, 2, -1], // R8G8B8X8
};

function source(fields: Partial<ScanoutSource>): ScanoutSource {
  return {
    scanoutId: 0,
    widthPixels: 10,
    heightPixels: 6,
    format: 2,
    strideBytes: 48,
    offsetBytes: 8,
    pixels: null,
    pages: null,
    resourceId: 1,
    x: 0,
    y: 0,
    ...fields,
  };
}

function expected(bytes: Uint8Array, { format, strideBytes, offsetBytes }: ScanoutSource): number[] {
  const result: number[] = [];
  for (let y = 0; y < 6; y++) {
    for (let x = 0; x < 10; x++) {
      const at = offsetBytes + y * strideBytes + x * 4;
      for (const byte of BYTES[format] ?? []) result.push(byte < 0 ? 255 : (bytes[at + byte] as number));
    }
  }
  return result;
}

test("every format from host pixels, aligned and not", () => {
  const buffer = pattern(400);
  for (const format of FORMATS) {
    for (const shift of [0, 1, 2, 4]) {
      const pixels = buffer.subarray(shift);
      for (const offsetBytes of [0, 8, 3]) {
        const from = source({ format, pixels, offsetBytes });
        assert.equal([...readScanoutRgba(from)], expected(pixels, from));
      }
    }
  }
});

test("every format from scattered guest pages", () => {
  const memory = new GuestMemory([{ base: 0, memory: new SharedArrayBuffer(4096) }]);
  const image = pattern(400);
  const pages = new GuestPages(memory);
  const dma = new DmaSpace(memory);
  for (let i = 0; i < 400; i += 50) {
    const address = 2000 - i * 2;
    memory.write(address, image.subarray(i, i + 50));
    assert.is(pages.add(dma, 0, address, 50, false), null);
  }
  for (const format of FORMATS) {
    const from = source({ format, pages });
    assert.equal([...readScanoutRgba(from)], expected(image, from));
  }
  pages.release();
  assert.ok(readScanoutRgba(source({ format: 1, pages })).every((byte) => byte === 0));
});

test("only the rectangle is written, cut to the picture", () => {
  const pixels = pattern(400);
  const from = source({ pixels });
  const whole = readScanoutRgba(from);
  for (const rectangle of [
    { x: 2, y: 1, widthPixels: 3, heightPixels: 2 },
    { x: -5, y: -5, widthPixels: 8, heightPixels: 8 },
    { x: 8, y: 4, widthPixels: 100, heightPixels: 100 },
    { x: 20, y: 0, widthPixels: 1, heightPixels: 1 },
    { x: 0, y: 0, widthPixels: 0, heightPixels: 5 },
  ]) {
    const target = new Uint8ClampedArray(240);
    assert.is(readScanoutRgba(from, target, rectangle), target);
    for (let y = 0; y < 6; y++) {
      for (let x = 0; x < 10; x++) {
        const inside =
          x >= rectangle.x &&
          x < rectangle.x + rectangle.widthPixels &&
          y >= rectangle.y &&
          y < rectangle.y + rectangle.heightPixels;
        const at = (y * 10 + x) * 4;
        assert.equal(
          [...target.subarray(at, at + 4)],
          inside ? [...whole.subarray(at, at + 4)] : [0, 0, 0, 0],
        );
      }
    }
  }
});

test("a target that starts at an odd byte", () => {
  const from = source({ pixels: pattern(400) });
  const target = new Uint8Array(300).subarray(3, 243);
  assert.equal([...readScanoutRgba(from, target)], [...readScanoutRgba(from)]);
});

test("a memory display without anything to show", () => {
  const display = new MemoryDisplay();
  assert.is(display.readRgba(3), null);
  assert.is(display.screen(3).flushes, 0);
});

test.run();
