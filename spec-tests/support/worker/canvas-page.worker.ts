// A page with two canvases that show scanouts drawn by hand; what they show is compared on the page itself.
import { CanvasDisplay, type CanvasTarget } from "../../../src/backends/display/canvas/index.ts";
import type { CursorImage } from "../../../src/devices/gpu/index.ts";
import { TestPicture } from "../test-picture.ts";

type Colour = readonly [number, number, number];

export interface CanvasPage {
  /** Runs all steps on HTML or offscreen canvases; returns what went wrong, and the pixels that were put by each step. */
  run(
    kind: "element" | "offscreen",
  ): Promise<{ readonly problems: string[]; readonly put: readonly number[] }>;
}

const red = (x: number, y: number): Colour => [200, (x * 4) & 0xff, (y * 4) & 0xff];
const blue = (x: number, y: number): Colour => [(x * 8) & 0xff, 10, 255 - ((y * 2) & 0xff)];
const CURSOR = { size: 16, colour: [0, 128, 0] as Colour, alpha: 128 } as const;

/** Over `below`, as DRM's planes mix a colour that is multiplied with alpha already. */
function mixed(below: Colour): Colour {
  const over = (i: 0 | 1 | 2) => CURSOR.colour[i] + Math.round((below[i] * (255 - CURSOR.alpha)) / 255);
  return [over(0), over(1), over(2)];
}

function cursorAt(x: number, y: number): CursorImage {
  const { size, colour, alpha } = CURSOR;
  const [r, g, b] = colour;
  const pixels = new Uint8Array(size * size * 4);
  for (let at = 0; at < pixels.length; at += 4) pixels.set([b, g, r, alpha], at);
  return { scanoutId: 0, widthPixels: size, heightPixels: size, format: 2, pixels, hotX: 0, hotY: 0, x, y };
}

interface Surface {
  readonly canvas: CanvasTarget;
  read(): { readonly data: Uint8ClampedArray; readonly width: number; readonly height: number };
}

let put = 0;

function surface(kind: "element" | "offscreen"): Surface {
  const canvas = kind === "element" ? document.createElement("canvas") : new OffscreenCanvas(1, 1);
  if (canvas instanceof HTMLCanvasElement) {
    canvas.style.display = "block";
    document.body.append(canvas);
  }
  const context = canvas.getContext("2d", { alpha: false }) as
    | CanvasRenderingContext2D
    | OffscreenCanvasRenderingContext2D;
  const putImageData = context.putImageData.bind(context) as (...args: unknown[]) => void;
  context.putImageData = (...args: unknown[]) => {
    put += Number(args[5]) * Number(args[6]);
    putImageData(...args);
  };
  const target: CanvasTarget = canvas;
  return { canvas: target, read: () => context.getImageData(0, 0, canvas.width, canvas.height) };
}

function difference(what: string, { read }: Surface, expected: (x: number, y: number) => Colour): string[] {
  const { data, width, height } = read();
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = (y * width + x) * 4;
      const [r, g, b] = expected(x, y);
      if (data[at] !== r || data[at + 1] !== g || data[at + 2] !== b || data[at + 3] !== 255) {
        return [`${what}: pixel ${x}, ${y} is ${data.slice(at, at + 4)}, not ${r},${g},${b}`];
      }
    }
  }
  return [];
}

const inside = (x: number, y: number, left: number, top: number): boolean =>
  x >= left && x < left + CURSOR.size && y >= top && y < top + CURSOR.size;

async function run(kind: "element" | "offscreen"): Promise<{ problems: string[]; put: number[] }> {
  document.body.replaceChildren();
  document.body.style.margin = "0";
  const [first, second] = [surface(kind), surface(kind)];
  const display = new CanvasDisplay({ canvas: [first.canvas, second.canvas] });
  const problems: string[] = [];
  const puts: number[] = [];
  const step = async (
    what: string,
    where: Surface,
    expected: (x: number, y: number) => Colour,
  ): Promise<void> => {
    put = 0;
    await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
    puts.push(put);
    problems.push(...difference(what, where, expected));
  };
  const size = (what: string, { canvas }: Surface, width: number, height: number): void => {
    if (canvas.width !== width || canvas.height !== height)
      problems.push(`${what}: the canvas is ${canvas.width}x${canvas.height}, not ${width}x${height}`);
  };

  const picture = new TestPicture(64, 48);
  picture.draw(red);
  picture.showOn(display);
  await step("whole", first, red);
  size("whole", first, 64, 48);

  // Drawn and flushed twice, shown once; drawn and not flushed, not shown.
  picture.draw(blue, 10, 10, 8, 4);
  picture.draw(() => [1, 2, 3], 40, 40, 4, 4);
  display.flush(0, 10, 10, 8, 4);
  display.flush(0, 10, 10, 8, 4);
  const partly = (x: number, y: number): Colour =>
    x >= 10 && x < 18 && y >= 10 && y < 14 ? blue(x, y) : red(x, y);
  await step("part", first, partly);

  display.setCursor(0, cursorAt(-4, -3));
  const at = (left: number, top: number) => (x: number, y: number) =>
    inside(x, y, left, top) ? mixed(partly(x, y)) : partly(x, y);
  await step("cursor that sticks out", first, at(-4, -3));
  display.moveCursor(0, 12, 9);
  await step("cursor over the part", first, at(12, 9));
  display.moveCursor(0, 56, 40);
  await step("cursor at the other corner", first, at(56, 40));
  display.setCursor(0, null);
  await step("no cursor", first, partly);

  const other = new TestPicture(32, 20, 1, 1);
  other.draw(blue);
  other.showOn(display);
  await step("second scanout, with an alpha that means nothing", second, blue);
  problems.push(...difference("first scanout beside it", first, partly));

  const larger = new TestPicture(100, 70);
  larger.draw(blue);
  larger.showOn(display);
  await step("another size", first, blue);
  size("another size", first, 100, 70);
  display.setScanout(1, null);
  await step("off", second, () => [0, 0, 0]);
  size("off", second, 32, 20);
  display.setScanout(0, larger);
  display.setCursor(0, cursorAt(30, 30));
  await step("for the screenshot", first, (x, y) => (inside(x, y, 30, 30) ? mixed(blue(x, y)) : blue(x, y)));
  return { problems, put: puts };
}

const page: CanvasPage = { run };
Object.assign(globalThis, { canvasPage: page });
