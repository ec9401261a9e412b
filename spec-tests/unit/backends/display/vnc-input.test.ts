// The parts of the VNC server that need no network: what clients say, and what of the picture has changed.
import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { type ClientHandler, ClientInput } from "../../../../src/backends/display/vnc/client-input.ts";
import { Damage } from "../../../../src/backends/display/vnc/damage.ts";
import { answerTo } from "../../../../src/backends/display/vnc/vnc-auth.ts";
import type { PixelRectangle } from "../../../../src/devices/gpu/index.ts";
import {
  encodingsMessage,
  NATIVE,
  pixelFormatMessage,
  requestMessage,
  setDesktopSizeMessage,
} from "../../../support/rfb-client.ts";

const input = suite("vnc, input");

/** Writes down what a client said. */
class Listener implements ClientHandler {
  readonly heard: unknown[][] = [];
  readonly input = new ClientInput(this);
  readonly #type: number;

  constructor(type: number) {
    this.#type = type;
  }

  version(minor: 3 | 7 | 8): number | null {
    this.heard.push(["version", minor]);
    return minor === 3 ? this.#type : null;
  }

  security(type: number): boolean {
    this.heard.push(["security", type]);
    return type === this.#type;
  }

  authentication(response: Buffer): void {
    this.heard.push(["authentication", response.toString("hex")]);
    this.input.authenticated();
  }

  init(): void {
    this.heard.push(["init"]);
  }

  setPixelFormat(format: object): void {
    this.heard.push(["setPixelFormat", format]);
  }

  setEncodings(encodings: readonly number[]): void {
    this.heard.push(["setEncodings", ...encodings]);
  }

  requestUpdate(...request: unknown[]): void {
    this.heard.push(["requestUpdate", ...request]);
  }

  key(...event: unknown[]): void {
    this.heard.push(["key", ...event]);
  }

  pointer(...event: unknown[]): void {
    this.heard.push(["pointer", ...event]);
  }

  setDesktopSize(...wish: unknown[]): void {
    this.heard.push(["setDesktopSize", ...wish]);
  }
}

const bytes = (...values: readonly number[]): Buffer => Buffer.from(values);

const TALK = [
  pixelFormatMessage({ ...NATIVE, big: true, shift: [0, 8, 16] }),
  encodingsMessage([16, 0, -239, -308]),
  encodingsMessage([]),
  requestMessage(true, 1, 2, 300, 400),
  bytes(6, 0, 0, 0, 0, 0, 0, 5, 3, 3, 3, 3, 3),
  bytes(6, 0, 0, 0, 0, 0, 0, 0),
  bytes(4, 1, 0, 0, 0, 0, 0xff, 0x1b),
  setDesktopSizeMessage(800, 600, 2),
  setDesktopSizeMessage(1, 2, 0),
  bytes(5, 7, 1, 2, 3, 4),
  requestMessage(false, 65535, 65535, 65535, 65535),
];

const HEARD = [
  [
    "setPixelFormat",
    {
      bitsPerPixel: 32,
      depth: 24,
      bigEndian: true,
      trueColour: true,
      redMax: 255,
      greenMax: 255,
      blueMax: 255,
      redShift: 0,
      greenShift: 8,
      blueShift: 16,
    },
  ],
  ["setEncodings", 16, 0, -239, -308],
  ["setEncodings"],
  ["requestUpdate", true, 1, 2, 300, 400],
  ["key", 0xff1b, true],
  ["setDesktopSize", 800, 600, 2],
  ["setDesktopSize", 1, 2, 0],
  ["pointer", 0x102, 0x304, 7],
  ["requestUpdate", false, 65535, 65535, 65535, 65535],
];

const ANSWER = Buffer.alloc(16, 0xa5);

const CONVERSATIONS = [
  {
    name: "3.8 without password",
    type: 1,
    start: [Buffer.from("RFB 003.008\n\u0001\u0001", "latin1")],
    heard: [["version", 8], ["security", 1], ["init"]],
  },
  {
    name: "3.7 with one",
    type: 2,
    start: [Buffer.from("RFB 003.007\n\u0002", "latin1"), ANSWER, bytes(0)],
    heard: [["version", 7], ["security", 2], ["authentication", ANSWER.toString("hex")], ["init"]],
  },
  {
    name: "3.3 with one",
    type: 2,
    start: [Buffer.from("RFB 003.003\n", "latin1"), ANSWER, bytes(1)],
    heard: [["version", 3], ["authentication", ANSWER.toString("hex")], ["init"]],
  },
];

for (const { name, type, start, heard } of CONVERSATIONS) {
  const all = Buffer.concat([...start, ...TALK]);
  const expected = [...heard, ...HEARD];

  input(`${name}: cut at every byte`, () => {
    for (let at = 0; at <= all.length; at++) {
      const listener = new Listener(type);
      listener.input.push(all.subarray(0, at));
      listener.input.push(all.subarray(at));
      assert.equal(listener.heard, expected, `cut at ${at}`);
    }
  });

  input(`${name}: in pieces of every size`, () => {
    for (let size = 1; size <= all.length; size++) {
      const listener = new Listener(type);
      for (let at = 0; at < all.length; at += size) listener.input.push(all.subarray(at, at + size));
      assert.equal(listener.heard, expected, `pieces of ${size}`);
    }
  });
}

input("the longest message that is taken", () => {
  const encodings = Array.from({ length: 1024 }, (_, i) => i - 500);
  const start = Buffer.from("RFB 003.008\n\u0001\u0001", "latin1");
  const all = Buffer.concat([start, encodingsMessage(encodings), setDesktopSizeMessage(9, 8, 255)]);
  const listener = new Listener(1);
  listener.input.push(all);
  assert.equal(listener.heard.slice(3), [
    ["setEncodings", ...encodings],
    ["setDesktopSize", 9, 8, 255],
  ]);
});

input("the answer to a challenge is that of a known DES vector", () => {
  // DES with the key 0e 32 92 32 ea 6d 0d 73 makes zeros of 87 87 …; the lowest bit of each byte of a key does not
  // count, and VNC mirrors the bytes of the password.
  assert.equal(answerTo(Buffer.alloc(16, 0x87), "pLILW60N"), Buffer.alloc(16));
  assert.equal(answerTo(Buffer.alloc(16, 0x87), "pLILW60N and more"), Buffer.alloc(16));
});

// What has changed, compared with a set of pixels.

const SIZE = 24;
const rectangle = fc.record({
  x: fc.integer({ min: 0, max: SIZE - 1 }),
  y: fc.integer({ min: 0, max: SIZE - 1 }),
  widthPixels: fc.integer({ min: 0, max: SIZE }),
  heightPixels: fc.integer({ min: 0, max: SIZE }),
});

function pixelsOf(rectangles: readonly PixelRectangle[]): number[] {
  const pixels: number[] = [];
  for (const { x, y, widthPixels, heightPixels } of rectangles) {
    for (let row = y; row < y + heightPixels; row++) {
      for (let column = x; column < x + widthPixels; column++) pixels.push(row * 64 + column);
    }
  }
  return pixels;
}

const sorted = (pixels: Iterable<number>): number[] => [...pixels].sort((first, second) => first - second);

input("damage is what was added and not taken, each pixel once", () => {
  const step = fc.record({ take: fc.boolean(), area: rectangle });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
      const damage = new Damage();
      const model = new Set<number>();
      for (const { take, area } of steps) {
        const pixels = pixelsOf([area]);
        if (take) {
          const expected = pixels.filter((pixel) => model.has(pixel));
          for (const pixel of pixels) model.delete(pixel);
          assert.equal(sorted(pixelsOf(damage.take(area))), sorted(expected));
        } else {
          damage.add(area);
          for (const pixel of pixels) model.add(pixel);
        }
        assert.is(damage.isEmpty, model.size === 0);
      }
      const everything = { x: 0, y: 0, widthPixels: 64, heightPixels: 64 };
      assert.equal(sorted(pixelsOf(damage.take(everything))), sorted(model));
    }),
    { numRuns: 300 },
  );
});

input("damage stays small, however much there is of it", () => {
  const damage = new Damage();
  const everything = { x: 0, y: 0, widthPixels: 4000, heightPixels: 4000 };
  for (let i = 0; i < 5000; i++) {
    damage.add({ x: (i * 37) % 3990, y: (i * 101) % 3990, widthPixels: 2, heightPixels: 2 });
  }
  const pieces = damage.take(everything);
  assert.ok(pieces.length <= 48, `${pieces.length} pieces`);
  assert.ok(
    pieces.some(
      ({ x, y, widthPixels, heightPixels }) => x <= 37 && y <= 101 && widthPixels * heightPixels > 4,
    ),
  );
});

input.run();
