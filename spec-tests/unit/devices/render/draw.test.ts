// What the drawing commands leave in the pixels, held against the formulas of PROTOCOL.md in exact integers.
import * as fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { RenderDevice } from "../../../../src/devices/render/index.ts";
import { FORMATS } from "../../../support/gpu-messages.ts";
import { type RawRect, RERR, ROK, rmsg } from "../../../support/render-messages.ts";
import { ABGR, ARGB, expectRender, RenderRig, XRGB } from "../../../support/render-rig.ts";

const draw = suite("render: drawing");

/** Byte positions of alpha (or the unused byte), red, green, blue, from the names of the formats. */
const CHANNELS: Readonly<Record<number, readonly [number, number, number, number]>> = {
  1: [3, 2, 1, 0], // B8G8R8A8
  2: [3, 2, 1, 0], // B8G8R8X8
  3: [0, 1, 2, 3], // A8R8G8B8
  4: [0, 1, 2, 3], // X8R8G8B8
  67: [3, 0, 1, 2], // R8G8B8A8
  68: [0, 3, 2, 1], // X8B8G8R8
  121: [0, 3, 2, 1], // A8B8G8R8
  134: [3, 0, 1, 2], // R8G8B8X8
};
const OPAQUE = new Set([2, 4, 68, 134]);

/** A colour 0xAARRGGBB as a word of a format. */
function encode(format: number, color: number): number {
  const bytes = new Uint8Array(4);
  const positions = CHANNELS[format] as readonly number[];
  const channels = [
    OPAQUE.has(format) ? 255 : color >>> 24,
    (color >>> 16) & 255,
    (color >>> 8) & 255,
    color & 255,
  ];
  for (const [i, channel] of channels.entries()) bytes[positions[i] as number] = channel;
  return new Uint32Array(bytes.buffer)[0] as number;
}

/** The pixels of a picture, made one by one. */
function expected(
  width: number,
  height: number,
  pixel: (x: number, y: number) => number,
): Uint32Array<ArrayBuffer> {
  return Uint32Array.from({ length: width * height }, (_, i) => pixel(i % width, Math.floor(i / width)));
}

const inside = ([left, top, width, height]: RawRect, x: number, y: number) =>
  x >= left && x < left + width && y >= top && y < top + height;

draw("fill, in every format", () => {
  for (const format of FORMATS) {
    const rig = new RenderRig();
    const picture = rig.picture(1, 16, 9, format);
    expectRender(rig.command(rmsg.fill(1, 0x80402010, [3, 2, 7, 4])));
    const color = encode(format, 0x80402010);
    assert.equal(
      picture.pixels,
      expected(16, 9, (x, y) => (inside([3, 2, 7, 4], x, y) ? color : 0)),
    );
  }
});

const RECTANGLES: readonly RawRect[] = [
  [-5, -4, 12, 9],
  [10, 5, 100, 100],
  [-1, -1, 0xffffffff, 0xffffffff],
  [-0x80000000, -0x80000000, 0xffffffff, 0xffffffff],
  [0x7fffffff, 0, 0xffffffff, 1],
  [0, 0x7fffffff, 1, 0xffffffff],
  [16, 0, 1, 1],
  [0, 9, 1, 1],
  [-7, 3, 7, 1],
  [4, 4, 0, 3],
  [4, 4, 3, 0],
];

draw("rectangles of any position and size are cut to the picture", () => {
  for (const rect of RECTANGLES) {
    const rig = new RenderRig();
    const picture = rig.picture(1, 16, 9);
    expectRender(rig.command(rmsg.fill(1, 0xffffffff, rect)));
    assert.equal(
      picture.pixels,
      expected(16, 9, (x, y) => (inside(rect, x, y) ? 0xffffffff : 0)),
      String(rect),
    );
    expectRender(rig.command(rmsg.gradient(1, rect, [0, 0, 1, 0], [0, 0])));
    assert.ok(picture.pixels.every((pixel) => pixel === 0));
  }
});

draw("stride and offset leave what is between the rows alone", () => {
  const rig = new RenderRig();
  const { uuid, content } = rig.export(20, 10);
  const layout = { format: ARGB, width: 5, height: 3, stride: 28, offset: 12 };
  expectRender(rig.command(rmsg.importUuid(9, uuid, layout)), ROK.IMPORT);
  content.bytes.fill(0x33);
  expectRender(rig.command(rmsg.fill(9, 0x11223344, [0, 0, 100, 100])));
  const bytes = new Uint8Array(800).fill(0x33);
  for (let y = 0; y < 3; y++) {
    for (let x = 0; x < 5; x++) bytes.set([0x44, 0x33, 0x22, 0x11], 12 + 28 * y + 4 * x);
  }
  assert.equal(content.bytes, bytes);
});

draw("a stride and an offset that are no multiples of 4", () => {
  const rig = new RenderRig();
  const { uuid, content } = rig.export(20, 10);
  expectRender(
    rig.command(rmsg.importUuid(9, uuid, { width: 5, height: 3, stride: 23, offset: 7 })),
    ROK.IMPORT,
  );
  expectRender(rig.command(rmsg.fill(9, 0x11223344, [1, 1, 2, 1])));
  const bytes = new Uint8Array(800);
  bytes.set([0x44, 0x33, 0x22, 0x11, 0x44, 0x33, 0x22, 0x11], 7 + 23 + 4);
  assert.equal(content.bytes, bytes);
});

/** A picture with something else in every pixel. */
function ramp(words: Uint32Array): void {
  for (let i = 0; i < words.length; i++) words[i] = Math.imul(i + 1, 0x01030507) >>> 0;
}

draw("blit copies and clips at both ends", () => {
  const cases: [x: number, y: number, rect: RawRect][] = [
    [2, 1, [0, 0, 8, 6]],
    [-3, -2, [1, 1, 9, 6]],
    [13, 7, [0, 0, 8, 6]],
    [0, 0, [-3, -2, 20, 20]],
    [4, 4, [7, 5, 0xffffffff, 0xffffffff]],
    [-0x80000000, 0, [0, 0, 4, 4]],
    [0x7fffffff, 0x7fffffff, [0, 0, 4, 4]],
    [3, 3, [0x7fffffff, 0, 4, 4]],
    [3, 3, [-0x80000000, -0x80000000, 0xffffffff, 0xffffffff]],
  ];
  for (const [dstX, dstY, rect] of cases) {
    const rig = new RenderRig();
    const target = rig.picture(1, 16, 9);
    const source = rig.picture(2, 8, 6);
    ramp(source.pixels);
    expectRender(rig.command(rmsg.blit(1, 2, dstX, dstY, rect)));
    const want = expected(16, 9, (x, y) => {
      const fromX = x - dstX + rect[0];
      const fromY = y - dstY + rect[1];
      const copied = inside(rect, fromX, fromY) && inside([0, 0, 8, 6], fromX, fromY);
      return copied ? (source.pixels[fromY * 8 + fromX] as number) : 0;
    });
    assert.equal(target.pixels, want, `${dstX} ${dstY} ${rect}`);
  }
});

draw("blit between all formats", () => {
  const color = 0x9a3c5e71;
  for (const from of FORMATS) {
    for (const to of FORMATS) {
      const rig = new RenderRig();
      const target = rig.picture(1, 3, 2, to);
      const source = rig.picture(2, 3, 2, from);
      source.pixels.fill(encode(from, color));
      expectRender(rig.command(rmsg.blit(1, 2, 0, 0, [0, 0, 3, 2])));
      const want = encode(to, OPAQUE.has(from) ? (color | 0xff000000) >>> 0 : color);
      assert.equal([...target.pixels], Array(6).fill(want), `${from} to ${to}`);
    }
  }
});

draw("blit within one picture, in all directions", () => {
  for (const again of [false, true]) {
    for (const [dx, dy] of [
      [1, 0],
      [-1, 0],
      [0, 1],
      [0, -1],
      [3, 2],
      [-2, 2],
      [2, -2],
      [-3, -1],
      [0, 0],
    ] as const) {
      const rig = new RenderRig();
      const { uuid, content } = rig.export(12, 8);
      expectRender(rig.command(rmsg.importUuid(1, uuid)), ROK.IMPORT);
      expectRender(rig.command(rmsg.importUuid(2, uuid)), ROK.IMPORT);
      ramp(content.pixels);
      const before = content.pixels.slice();
      const rect: RawRect = [3, 2, 6, 4];
      expectRender(rig.command(rmsg.blit(1, again ? 2 : 1, 3 + dx, 2 + dy, rect)));
      const want = expected(12, 8, (x, y) =>
        inside(rect, x - dx, y - dy)
          ? (before[(y - dy) * 12 + (x - dx)] as number)
          : (before[y * 12 + x] as number),
      );
      assert.equal(content.pixels, want, `${dx} ${dy}`);
    }
  }
});

// The oracle's arithmetic: floor division of exact integers.
function floorDiv(a: bigint, b: bigint): bigint {
  const quotient = a / b;
  return a % b !== 0n && a < 0n !== b < 0n ? quotient - 1n : quotient;
}

function gradientColor(
  x: number,
  y: number,
  points: readonly [number, number, number, number],
  colors: readonly [number, number],
): number {
  const [x0, y0, x1, y1] = points.map(BigInt) as [bigint, bigint, bigint, bigint];
  const [dx, dy] = [x1 - x0, y1 - y0];
  let t = floorDiv(((BigInt(x) - x0) * dx + (BigInt(y) - y0) * dy) * 65536n, dx * dx + dy * dy);
  if (t < 0n) t = 0n;
  if (t > 65536n) t = 65536n;
  let mixed = 0;
  for (const shift of [24, 16, 8, 0]) {
    const a = BigInt((colors[0] >>> shift) & 255);
    const b = BigInt((colors[1] >>> shift) & 255);
    mixed = (mixed | (Number((a * (65536n - t) + b * t + 32768n) / 65536n) << shift)) >>> 0;
  }
  return mixed;
}

const coordinate = fc.integer({ min: -32767, max: 32767 });
const near = fc.integer({ min: -40, max: 60 });
const color = fc.integer({ min: 0, max: 0xffffffff });

draw("gradients are what the formula says", () => {
  const rig = new RenderRig();
  const picture = rig.picture(1, 24, 17);
  fc.assert(
    fc.property(
      fc.tuple(...Array(4).fill(fc.oneof(near, coordinate))) as fc.Arbitrary<
        [number, number, number, number]
      >,
      fc.tuple(color, color),
      (points, colors) => {
        fc.pre(points[0] !== points[2] || points[1] !== points[3]);
        expectRender(rig.command(rmsg.gradient(1, [0, 0, 24, 17], points, colors)));
        assert.equal(
          picture.pixels,
          expected(24, 17, (x, y) => gradientColor(x, y, points, colors)),
        );
      },
    ),
    {
      numRuns: 60,
      examples: [
        [
          [-32767, -32767, 32767, 32767],
          [0, 0xffffffff],
        ],
        [
          [32767, 32767, -32767, -32767],
          [0xff00ff00, 0x00ff00ff],
        ],
        [
          [0, 0, 1, 0],
          [0xff000000, 0xffffffff],
        ],
      ],
    },
  );
});

draw("a gradient with points too far away, or the same, is refused", () => {
  const rig = new RenderRig();
  const picture = rig.picture(1, 8, 8);
  for (const points of [
    [32768, 0, 0, 0],
    [0, -32768, 0, 0],
    [0, 0, 0x7fffffff, 0],
    [0, 0, 0, -0x80000000],
    [5, 5, 5, 5],
  ] as const) {
    assert.is(rig.type(rmsg.gradient(1, [0, 0, 8, 8], points, [1, 2])), RERR.PARAMETER, String(points));
  }
  assert.ok(picture.pixels.every((pixel) => pixel === 0));
});

function sine(angle: bigint): bigint {
  const a = ((angle % 65536n) + 65536n) % 65536n;
  const h = a % 32768n;
  const u = h * (32768n - h);
  const value = (1048576n * u) / (5n * (1n << 30n) - 4n * u);
  return a < 32768n ? value : -value;
}

/** The pixels of a triangle, null where there is none. */
function triangleColor(viewport: RawRect, angle: number, colors: readonly number[]) {
  const [left, top, width, height] = viewport;
  const radius = 7n * BigInt(Math.min(width, height));
  const corners = [0n, 1n, 2n].map((i) => {
    const a = BigInt(angle) + (65536n * i) / 3n;
    return [
      8n * BigInt(width) + floorDiv(radius * sine(a) + 32768n, 65536n),
      8n * BigInt(height) - floorDiv(radius * sine(a + 16384n) + 32768n, 65536n),
    ] as const;
  });
  return (x: number, y: number): number | null => {
    if (!inside(viewport, x, y)) return null;
    const px = 16n * BigInt(x - left) + 8n;
    const py = 16n * BigInt(y - top) + 8n;
    const edge = (i: number, j: number): bigint => {
      const [ax, ay] = corners[i] as readonly [bigint, bigint];
      const [bx, by] = corners[j] as readonly [bigint, bigint];
      return (bx - ax) * (py - ay) - (by - ay) * (px - ax);
    };
    const w = [edge(1, 2), edge(2, 0), edge(0, 1)];
    const area = (w[0] as bigint) + (w[1] as bigint) + (w[2] as bigint);
    if (area <= 0n || w.some((each) => each < 0n)) return null;
    let mixed = 0;
    for (const shift of [24, 16, 8, 0]) {
      const sum = w.reduce(
        (total, each, i) => total + each * BigInt(((colors[i] as number) >>> shift) & 255),
        0n,
      );
      mixed = (mixed | (Number(sum / area) << shift)) >>> 0;
    }
    return mixed;
  };
}

draw("triangles are what the formulas say", () => {
  const rig = new RenderRig();
  const picture = rig.picture(1, 40, 30);
  fc.assert(
    fc.property(
      fc.tuple(
        fc.integer({ min: -30, max: 45 }),
        fc.integer({ min: -30, max: 35 }),
        fc.integer({ min: 0, max: 90 }),
        fc.integer({ min: 0, max: 90 }),
      ) as fc.Arbitrary<[number, number, number, number]>,
      fc.integer({ min: 0, max: 65535 }),
      fc.tuple(color, color, color),
      (viewport, angle, colors) => {
        picture.pixels.fill(0x12345678);
        expectRender(rig.command(rmsg.triangle(1, angle, viewport, colors)));
        const pixel = triangleColor(viewport, angle, colors);
        assert.equal(
          picture.pixels,
          expected(40, 30, (x, y) => pixel(x, y) ?? 0x12345678),
        );
      },
    ),
    {
      numRuns: 80,
      examples: [
        [[0, 0, 40, 30], 0, [0xffff0000, 0xff00ff00, 0xff0000ff]],
        [[0, 0, 1, 1], 0, [1, 2, 3]],
        [[0, 0, 0, 0], 65535, [1, 2, 3]],
        [[-8000, -8000, 16384, 16384], 12345, [0xffffffff, 0xffffffff, 0xffffffff]],
      ],
    },
  );
});

draw("a triangle turns: it covers much the same area at every angle, and other pixels", () => {
  const rig = new RenderRig();
  const picture = rig.picture(1, 64, 64);
  const counts: number[] = [];
  const pictures = new Set<string>();
  for (let angle = 0; angle < 65536; angle += 4096) {
    picture.pixels.fill(0);
    expectRender(rig.command(rmsg.triangle(1, angle, [0, 0, 64, 64], [0xff0000ff, 0xff00ff00, 0xffff0000])));
    counts.push(picture.pixels.reduce((sum, pixel) => sum + (pixel === 0 ? 0 : 1), 0));
    pictures.add(picture.pixels.join());
  }
  // 3/4·√3·r² with r = 28 pixels.
  for (const count of counts) assert.ok(Math.abs(count - 1018) < 25, String(count));
  assert.is(pictures.size, 16);
});

draw("angles of a full turn and viewports larger than any picture are refused", () => {
  const rig = new RenderRig();
  rig.picture(1, 8, 8);
  const colors = [1, 2, 3] as const;
  assert.is(rig.type(rmsg.triangle(1, 65536, [0, 0, 8, 8], colors)), RERR.PARAMETER);
  assert.is(rig.type(rmsg.triangle(1, 0xffffffff, [0, 0, 8, 8], colors)), RERR.PARAMETER);
  assert.is(rig.type(rmsg.triangle(1, 0, [0, 0, 16385, 8], colors)), RERR.PARAMETER);
  assert.is(rig.type(rmsg.triangle(1, 0, [0, 0, 8, 0xffffffff], colors)), RERR.PARAMETER);
  assert.is(rig.type(rmsg.triangle(1, 65535, [-0x80000000, 0x7fffffff, 16384, 16384], colors)), ROK.PLAIN);
});

draw(
  "two devices draw the same pixels, at once or slice by slice, into host memory or scattered pages",
  () => {
    const script = (id: number) => [
      rmsg.gradient(id, [0, 0, 61, 47], [3, -2, 50, 60], [0xff102030, 0xffe0d0c0]),
      rmsg.fill(id, 0xffabcdef, [5, 40, 99, 3]),
      rmsg.triangle(id, 4711, [7, 3, 45, 43], [0xffff0000, 0xff00ff00, 0xff0000ff]),
      rmsg.blit(id, id, 20, 11, [2, 2, 30, 30]),
    ];
    const first = new RenderRig();
    const host = first.picture(1, 61, 47);
    for (const request of script(1)) expectRender(first.command(request));
    const second = new RenderRig();
    const pages = second.pages(3, { width: 61, height: 47 }, 4096);
    for (const request of script(3)) expectRender(second.command(request));
    assert.equal(second.words(pages).slice(0, 61 * 47), host.pixels);
    // Pieces so small that pixels lie across their borders.
    const third = new RenderRig();
    const scraps = third.pages(3, { width: 61, height: 47, stride: 61 * 4 + 1 }, 1021);
    for (const request of script(3)) expectRender(third.command(request));
    const bytes = new Uint8Array(third.words(scraps.concat([[0, 4 - ((scraps.length * 1021) & 3)]])).buffer);
    const rows = new Uint8Array(61 * 47 * 4);
    for (let y = 0; y < 47; y++) rows.set(bytes.subarray(245 * y, 245 * y + 244), 244 * y);
    assert.equal(new Uint32Array(rows.buffer), host.pixels);
  },
);

draw("counters count rows that were drawn", () => {
  const rig = new RenderRig();
  rig.picture(1, 10, 10);
  rig.command(rmsg.fill(1, 0, [0, 0, 5, 5]));
  rig.command(rmsg.fill(1, 0, [8, 8, 50, 50]));
  rig.command(rmsg.fill(1, 0, [80, 8, 50, 50]));
  assert.is(rig.render.counters.pixels, 29);
  assert.is(rig.render.counters.commands, 4);
  assert.is(rig.render.counters.errors, 0);
});

draw("the limit on dimensions keeps the integers exact", () => {
  assert.throws(() => new RenderDevice({ limits: { maxDimension: 16385 } }), /maxDimension/);
  assert.throws(() => new RenderDevice({ limits: { maxImports: 0 } }), /maxImports/);
  assert.throws(() => new RenderDevice({ limits: { maxEntries: 2 ** 32 } }), /maxEntries/);
  assert.is(encode(XRGB, 0), 0xff000000);
  assert.is(encode(ABGR, 0x01020304), 0x01040302);
});

draw.run();
