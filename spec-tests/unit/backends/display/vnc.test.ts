// The VNC server against a client of the tests' own.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { VncServer } from "../../../../src/backends/display/vnc/index.ts";
import { BackendError } from "../../../../src/base/backend-error.ts";
import { VirtioUsageError } from "../../../../src/base/index.ts";

import {
  type ClientPixelFormat,
  NATIVE,
  RefusedError,
  setDesktopSizeMessage,
} from "../../../support/rfb-client.ts";
import { motley, TestPicture, testCursor } from "../../../support/test-picture.ts";
import { type Cleanups, cleanUp, endings, stage, until } from "../../../support/vnc-stage.ts";

const RAW = 0;
const ZRLE = 16;
const DESKTOP_SIZE = -223;
const CURSOR = -239;
const EXTENDED_DESKTOP_SIZE = -308;
const CURSOR_WITH_ALPHA = -314;

const vnc = suite<Cleanups>("vnc", { cleanups: [] });

vnc.after.each(cleanUp);

function picture(width = 400, height = 130, scanoutId = 0): TestPicture {
  const made = new TestPicture(width, height, scanoutId);
  made.draw(motley);
  return made;
}

const areas = (rectangles: readonly { x: number; y: number; width: number; height: number }[]): number[][] =>
  rectangles.map(({ x, y, width, height }) => [x, y, width, height]);

const FORMATS: Readonly<Record<string, ClientPixelFormat>> = {
  "B, G, R, X": NATIVE,
  "R, G, B, X": { ...NATIVE, shift: [0, 8, 16] },
  "X, R, G, B": { ...NATIVE, big: true, shift: [16, 8, 0] },
  "B, G, R, X in the upper bytes": { ...NATIVE, shift: [24, 16, 8] },
  "the same with the most significant byte first": { ...NATIVE, big: true, shift: [24, 16, 8] },
  "32 bits of which 30 count": { ...NATIVE, depth: 30, max: [1023, 1023, 1023], shift: [20, 10, 0] },
  "5-6-5": { bits: 16, depth: 16, big: false, trueColour: true, max: [31, 63, 31], shift: [11, 5, 0] },
  "5-6-5, most significant byte first": {
    bits: 16,
    depth: 16,
    big: true,
    trueColour: true,
    max: [31, 63, 31],
    shift: [11, 5, 0],
  },
  "3-3-2": { bits: 8, depth: 8, big: false, trueColour: true, max: [7, 7, 3], shift: [0, 3, 6] },
  "a colour map": { bits: 8, depth: 8, big: false, trueColour: false, max: [7, 7, 3], shift: [0, 3, 6] },
};

/** What is left of a colour in a format. */
function reduced(rgb: Uint8Array, { max }: ClientPixelFormat): Uint8Array {
  return rgb.map((value, i) => {
    const most = max[i % 3] as number;
    return Math.round((Math.round((value * most) / 255) * 255) / most);
  });
}

for (const [name, format] of Object.entries(FORMATS)) {
  for (const encoding of [RAW, ZRLE]) {
    vnc(`pixels as ${name}, ${encoding === RAW ? "Raw" : "ZRLE"}`, async (context) => {
      const { server, connect } = await stage(context);
      const shown = picture();
      shown.showOn(server);
      const client = await connect();
      assert.equal([client.width, client.height], [400, 130]);
      client.setPixelFormat(format);
      client.setEncodings(encoding);
      client.request(false);
      const rectangles = await client.update();
      assert.equal(areas(rectangles), [[0, 0, 400, 130]]);
      assert.ok(rectangles.every((rectangle) => rectangle.encoding === encoding));
      assert.equal(client.rgb, reduced(shown.rgb(), format));
    });
  }
}

vnc("uses each of the ways ZRLE has for a tile, and shares one zlib stream", async (context) => {
  const { server, connect } = await stage(context);
  const shown = picture(700, 200);
  shown.showOn(server);
  const client = await connect();
  client.setEncodings(ZRLE, RAW);
  for (let round = 0; round < 3; round++) {
    client.request(false);
    await client.update();
    assert.equal(client.rgb, shown.rgb());
    shown.draw((x, y) => motley(x + 64 * (round + 1), y));
    server.flush(0, 0, 0, 700, 200);
  }
  assert.equal([...client.tiles.keys()].sort(), ["packed", "palette runs", "plain runs", "raw", "solid"]);
});

vnc("packs palettes of every size into rows that need not end with a byte", async (context) => {
  const { server, connect } = await stage(context);
  for (const [width, height] of [
    [13, 7],
    [65, 66],
    [3, 64],
  ] as const) {
    const shown = new TestPicture(width, height);
    shown.showOn(server);
    const client = await connect();
    client.setEncodings(ZRLE);
    for (let colours = 2; colours <= 18; colours++) {
      shown.draw((x, y) => {
        const colour = (x * 5 + y * 3) % colours;
        return [colour * 14, 255 - colour, 3];
      });
      shown.showOn(server);
      client.request(false);
      await client.update();
      assert.equal(client.rgb, shown.rgb(), `${colours} colours, ${width} × ${height}`);
    }
    assert.ok((client.tiles.get("packed") ?? 0) >= 10);
  }
});

for (const version of ["RFB 003.003\n", "RFB 003.005\n", "RFB 003.007\n", "RFB 003.008\n", "RFB 003.889\n"]) {
  for (const password of [undefined, "secret", "longer than eight"]) {
    const name = `speaks ${version.trim()} ${password === undefined ? "without" : `with "${password}" as`} password`;
    vnc(name, async (context) => {
      const { server, connect } = await stage(context, password === undefined ? {} : { password });
      const shown = picture(30, 20);
      shown.showOn(server);
      const client = await connect({ version, ...(password === undefined ? {} : { password }) });
      assert.is(client.version, "RFB 003.008\n");
      assert.is(client.name, "virtio-gpu");
      client.request(false);
      await client.update();
      assert.equal(client.rgb, shown.rgb());
    });
  }
}

vnc("turns a wrong password away, but not at once", async (context) => {
  const { connect, server, events } = await stage(context, { password: "right" });
  const begin = performance.now();
  for (const version of ["RFB 003.008\n", "RFB 003.003\n"]) {
    try {
      await connect({ version, password: "wrong" });
      assert.unreachable();
    } catch (error) {
      assert.instance(error, RefusedError);
      assert.is((error as Error).message, version === "RFB 003.008\n" ? "wrong password" : "no reason given");
    }
  }
  assert.ok(performance.now() - begin > 1900);
  await until(() => server.clients === 0);
  assert.equal(endings(events), ["wrong password", "wrong password"]);
});

vnc("sends what changed, and nothing else", async (context) => {
  const { server, connect } = await stage(context);
  const shown = picture();
  shown.showOn(server);
  const client = await connect();
  client.setEncodings(ZRLE);
  client.request(false);
  await client.update();

  client.request(true);
  assert.ok(await client.isSilent(60), "nothing has changed");

  // A guest that flushes everything although it drew 3 × 2 pixels.
  shown.draw(() => [1, 1, 1], 200, 70, 3, 2);
  server.flush(0, 0, 0, 400, 130);
  assert.equal(areas(await client.update()), [[192, 64, 32, 32]]);
  assert.equal(client.rgb, shown.rgb());

  // One that is precise is believed.
  client.request(true);
  shown.draw(() => [2, 2, 2], 7, 9, 3, 2);
  server.flush(0, 7, 9, 3, 2);
  assert.equal(areas(await client.update()), [[7, 9, 3, 2]]);

  // A flush that changes nothing is no news.
  client.request(true);
  server.flush(0, 0, 0, 400, 130);
  assert.ok(await client.isSilent(60));

  // What was drawn but not flushed is not shown.
  shown.draw(() => [3, 3, 3], 0, 0, 400, 130);
  server.flush(0, 10, 10, 5, 5);
  assert.equal(areas(await client.update()), [[10, 10, 5, 5]]);
});

vnc("answers for the area that was asked for, to the pixel", async (context) => {
  const { server, connect } = await stage(context);
  const shown = picture();
  shown.showOn(server);
  const client = await connect();
  client.request(false, 11, 13, 50, 60);
  assert.equal(areas(await client.update()), [[11, 13, 50, 60]]);
  client.request(false, 390, 120, 500, 600);
  assert.equal(areas(await client.update()), [[390, 120, 10, 10]]);

  // The rest has never been sent: asking for changes in it brings it.
  client.request(true, 0, 0, 400, 13);
  assert.equal(areas(await client.update()), [[0, 0, 400, 13]]);
  client.request(true, 0, 0, 400, 13);
  server.flush(0, 0, 50, 400, 80);
  assert.ok(await client.isSilent(60), "damage elsewhere is no answer");
  client.request(true);
  await client.update();
  assert.equal(client.rgb, shown.rgb());
  client.request(true);
  assert.ok(await client.isSilent(60));
});

vnc("gathers what happens while a client does not ask", async (context) => {
  const { server, connect } = await stage(context);
  const shown = picture();
  shown.showOn(server);
  const client = await connect();
  client.setEncodings(ZRLE);
  client.request(false);
  await client.update();
  for (let i = 0; i < 500; i++) {
    const x = (i * 37) % 390;
    const y = (i * 53) % 120;
    shown.draw(() => [i & 255, 9, 9], x, y, 9, 9);
    server.flush(0, x, y, 9, 9);
  }
  client.request(true);
  const rectangles = await client.update();
  assert.ok(rectangles.length <= 49, `${rectangles.length} rectangles`);
  assert.equal(client.rgb, shown.rgb());
  client.request(true);
  assert.ok(await client.isSilent(40));
});

vnc("keeps the pace it was given", async (context) => {
  const { server, connect } = await stage(context, { maxFramesPerSecond: 20 });
  const shown = picture(64, 64);
  shown.showOn(server);
  const client = await connect();
  const begin = performance.now();
  for (let i = 0; i < 6; i++) {
    client.request(false);
    await client.update();
  }
  assert.ok(performance.now() - begin > 5 * 48, "six updates take five pauses");
});

vnc("serves several clients, each in its own way", async (context) => {
  const { server, connect } = await stage(context);
  const shown = picture();
  shown.showOn(server);
  const formats = Object.values(FORMATS);
  const clients = await Promise.all(formats.map(() => connect()));
  assert.is(server.clients, formats.length);
  for (const [i, client] of clients.entries()) {
    client.setPixelFormat(formats[i] as ClientPixelFormat);
    client.setEncodings(i % 2 === 0 ? ZRLE : RAW);
    client.request(false);
  }
  await Promise.all(clients.map((client) => client.update()));
  for (let round = 0; round < 3; round++) {
    shown.draw(() => [round * 70, 255 - round, round], 100 * round, 10, 70, 70);
    server.flush(0, 100 * round, 10, 70, 70);
    for (const client of clients) client.request(true);
    await Promise.all(clients.map((client) => client.update()));
  }
  for (const [i, client] of clients.entries()) {
    assert.equal(client.rgb, reduced(shown.rgb(), formats[i] as ClientPixelFormat));
  }
});

vnc("follows the scanout's size as far as a client can", async (context) => {
  const { server, connect } = await stage(context);
  picture(300, 200).showOn(server);
  const plain = await connect();
  const resizing = await connect();
  const extended = await connect();
  resizing.setEncodings(DESKTOP_SIZE);
  extended.setEncodings(EXTENDED_DESKTOP_SIZE, DESKTOP_SIZE);
  const all = [plain, resizing, extended];
  for (const client of all) client.request(false);
  for (const client of all) await client.update();
  // Who knows of ExtendedDesktopSize is told how it is, and gets the pixels besides.
  assert.equal(areas(await extended.update()), [[0, 0, 300, 200]]);

  const larger = picture(340, 150);
  for (const client of all) client.request(true);
  larger.showOn(server);
  const cut = await plain.update();
  assert.equal([plain.width, plain.height], [300, 200]);
  assert.equal(areas(cut), [[0, 0, 300, 200]]);
  const expected = new TestPicture(300, 200);
  expected.draw((x, y) => (y < 150 ? motley(x, y) : [0, 0, 0]));
  assert.equal(plain.rgb, expected.rgb());

  const size = await resizing.update();
  assert.equal([size.length, size[0]?.encoding], [1, DESKTOP_SIZE]);
  const [told] = await extended.update();
  assert.is(told?.encoding, EXTENDED_DESKTOP_SIZE);
  assert.equal([told?.x, told?.y], [0, 0], "the server's doing, no error");
  const screen = told?.data ?? Buffer.alloc(0);
  assert.is(screen.readUInt8(0), 1);
  assert.equal([screen.readUInt16BE(12), screen.readUInt16BE(14)], [340, 150]);
  for (const client of [resizing, extended]) {
    assert.equal([client.width, client.height], [340, 150]);
    client.request(true, 5, 6, 7, 8);
    assert.equal(areas(await client.update()), [[5, 6, 7, 8]], "what was asked before is forgotten");
    client.request(true);
    await client.update();
    assert.equal(client.rgb, larger.rgb());
  }
});

vnc("a scanout that goes is black, and keeps its size", async (context) => {
  const { server, connect } = await stage(context);
  const shown = picture(100, 90);
  shown.showOn(server);
  const client = await connect();
  client.setEncodings(DESKTOP_SIZE);
  client.request(false);
  await client.update();
  client.request(true);
  server.setScanout(0, null);
  await client.update();
  assert.ok(client.rgb.every((value) => value === 0));
  client.request(true);
  shown.showOn(server);
  await client.update();
  assert.equal(client.rgb, shown.rgb());
});

vnc("puts several scanouts side by side", async (context) => {
  const moves: number[][] = [];
  const { server, connect } = await stage(context, { onPointer: (...event) => moves.push(event) });
  const first = picture(100, 90, 0);
  const second = picture(80, 120, 2);
  second.showOn(server);
  first.showOn(server);
  const client = await connect();
  assert.equal([client.width, client.height], [180, 120]);
  client.setEncodings(EXTENDED_DESKTOP_SIZE);
  client.request(false);
  const [told] = await client.update();
  const screens = told?.data ?? Buffer.alloc(0);
  assert.is(screens.readUInt8(0), 2);
  assert.equal([screens.readUInt32BE(4), screens.readUInt16BE(8), screens.readUInt16BE(12)], [0, 0, 100]);
  assert.equal([screens.readUInt32BE(20), screens.readUInt16BE(24), screens.readUInt16BE(28)], [2, 100, 80]);
  await client.update();
  /** The second scanout with one of this size to its left. */
  const beside = (width: number, height: number): Uint8Array => {
    const whole = new TestPicture(width + 80, 120);
    whole.draw((x, y) => {
      if (x >= width) return motley(x - width, y);
      return y < height ? motley(x, y) : [0, 0, 0];
    });
    return whole.rgb();
  };
  assert.equal(client.rgb, beside(100, 90));

  // What the one scanout shows stays when the other is resized or goes.
  const wider = picture(130, 40, 0);
  client.request(true);
  wider.showOn(server);
  await client.update();
  client.request(false);
  await client.update();
  await client.update();
  assert.equal(client.rgb, beside(130, 40));
  client.send(Buffer.from([5, 1, 0, 140, 0, 30, 5, 0, 0, 20, 0, 200]));
  await until(() => moves.length === 2);
  assert.equal(moves, [
    [2, 10, 30, 1],
    [0, 20, 39, 0],
  ]);
  client.request(true);
  server.setScanout(0, null);
  await client.update();
  assert.equal([client.width, client.height], [80, 120]);
  client.request(true);
  await client.update();
  assert.equal(client.rgb, beside(0, 0));
});

const arrow = (x: number, y: number): [number, number, number, number] => {
  if (x > y || y >= 20) return [0, 0, 0, 0];
  return x === y ? [100, 50, 0, 128] : [250, 240, 230, 255];
};

/** The picture with the arrow at (x, y) over it. */
function withArrow(shown: TestPicture, left: number, top: number): Uint8Array {
  const rgb = shown.rgb();
  for (let y = 0; y < 64; y++) {
    for (let x = 0; x < 64; x++) {
      const [red, green, blue, alpha] = arrow(x, y);
      const [px, py] = [left + x, top + y];
      if (alpha === 0 || px < 0 || py < 0 || px >= shown.widthPixels || py >= shown.heightPixels) continue;
      const at = (py * shown.widthPixels + px) * 3;
      for (const [k, value] of [red, green, blue].entries()) {
        rgb[at + k] = value + Math.round(((rgb[at + k] as number) * (255 - alpha)) / 255);
      }
    }
  }
  return rgb;
}

vnc("draws the guest's cursor into the picture", async (context) => {
  const { server, connect } = await stage(context);
  const shown = picture(200, 100);
  shown.showOn(server);
  server.setCursor(0, testCursor(150, 95, arrow));
  const client = await connect();
  client.setEncodings(CURSOR, CURSOR_WITH_ALPHA, ZRLE);
  client.request(false);
  await client.update();
  assert.equal(client.rgb, withArrow(shown, 150, 95));
  for (const [x, y] of [
    [20, 30],
    [-5, -7],
    [190, 3],
  ] as const) {
    client.request(true);
    server.moveCursor(0, x, y);
    const rectangles = await client.update();
    assert.equal(client.rgb, withArrow(shown, x, y));
    const pixels = rectangles.reduce((sum, { width, height }) => sum + width * height, 0);
    assert.ok(pixels <= 2 * 64 * 64, "no more than where it was and is");
  }
  client.request(true);
  server.setCursor(0, null);
  await client.update();
  assert.equal(client.rgb, shown.rgb());
});

vnc("leaves the cursor to clients that can draw it, when pointers are followed", async (context) => {
  const { server, connect } = await stage(context, { onPointer: () => undefined });
  const shown = picture(200, 100);
  shown.showOn(server);
  server.setCursor(0, testCursor(50, 40, arrow, 3, 1_000_000));
  const masked = await connect();
  const translucent = await connect();
  const plain = await connect();
  masked.setEncodings(RAW, CURSOR);
  translucent.setEncodings(RAW, CURSOR, CURSOR_WITH_ALPHA);
  for (const client of [masked, translucent, plain]) client.request(false);

  const [cursor] = await masked.update();
  assert.equal(
    [cursor?.encoding, cursor?.x, cursor?.y, cursor?.width, cursor?.height],
    [CURSOR, 3, 63, 64, 64],
  );
  assert.equal(masked.rgb, shown.rgb());
  const data = cursor?.data ?? Buffer.alloc(0);
  for (let y = 0; y < 64; y++) {
    for (let x = 0; x < 64; x++) {
      const [red, green, blue, alpha] = arrow(x, y);
      const isSolid = ((data.readUInt8(64 * 64 * 4 + y * 8 + (x >> 3)) << (x & 7)) & 0x80) !== 0;
      assert.is(isSolid, alpha >= 128);
      const straight = [blue, green, red].map((value) => Math.round((value * 255) / alpha));
      if (isSolid) assert.equal([...data.subarray((y * 64 + x) * 4, (y * 64 + x) * 4 + 3)], straight);
    }
  }

  const [shape] = await translucent.update();
  assert.is(shape?.encoding, CURSOR_WITH_ALPHA);
  assert.is(shape?.data.readInt32BE(0), RAW);
  const diagonal = 4 + (5 * 64 + 5) * 4;
  assert.equal([...(shape?.data.subarray(diagonal, diagonal + 4) ?? [])], [100, 50, 0, 128]);

  await plain.update();
  assert.equal(plain.rgb, withArrow(shown, 50, 40));

  masked.request(true);
  server.moveCursor(0, 60, 60);
  assert.ok(await masked.isSilent(40), "moving it is the client's business");
  server.setCursor(0, null);
  const [gone] = await masked.update();
  assert.equal([gone?.encoding, gone?.width, gone?.height], [CURSOR, 0, 0]);
});

vnc("hands keys and pointers on", async (context) => {
  const heard: unknown[][] = [];
  const { server, connect } = await stage(context, {
    onKey: (...event) => heard.push(["key", ...event]),
    onPointer: (...event) => heard.push(["pointer", ...event]),
  });
  picture(50, 40).showOn(server);
  // One byte at a time.
  const client = await connect({ cut: 1 });
  client.send(Buffer.from([4, 1, 0, 0, 0, 0, 0xff, 0x0d, 4, 0, 0, 0, 0, 0, 0xff, 0x0d]));
  client.send(Buffer.from([6, 0, 0, 0, 0, 0, 0, 3, 1, 2, 3, 5, 4, 0, 9, 0, 8, 5, 0, 0xff, 0xff, 0xff, 0xff]));
  await until(() => heard.length === 4);
  assert.equal(heard, [
    ["key", 0xff0d, true],
    ["key", 0xff0d, false],
    ["pointer", 0, 9, 8, 4],
    ["pointer", 0, 49, 39, 0],
  ]);
});

vnc("answers wishes for a size", async (context) => {
  const wishes: number[][] = [];
  const { server, connect } = await stage(context, {
    onResize: (...wish) => {
      wishes.push(wish);
      return wish[1] !== 666;
    },
  });
  picture(50, 40).showOn(server);
  const client = await connect();
  client.setEncodings(EXTENDED_DESKTOP_SIZE);
  client.request(false);
  await client.update();
  await client.update();
  for (const message of [
    setDesktopSizeMessage(70, 60),
    setDesktopSizeMessage(666, 1),
    setDesktopSizeMessage(0, 9),
    setDesktopSizeMessage(9, 9, 2),
  ]) {
    client.send(message);
  }
  client.request(true);
  const answers: number[][] = [];
  while (answers.length < 4) {
    answers.push(...(await client.update()).map(({ x, y }) => [x, y]));
    client.request(true);
  }
  assert.equal(answers, [
    [1, 4],
    [1, 1],
    [1, 3],
    [1, 3],
  ]);
  assert.equal(wishes, [
    [0, 70, 60],
    [0, 666, 1],
  ]);
  const strict = await stage(context);
  picture(50, 40).showOn(strict.server);
  const other = await strict.connect();
  other.setEncodings(EXTENDED_DESKTOP_SIZE);
  other.send(setDesktopSizeMessage(70, 60));
  other.request(true);
  assert.equal(
    (await other.update()).map(({ x, y }) => [x, y]),
    [[1, 1]],
  );
});

vnc("listens on this machine only, unless told otherwise, and says what is wrong", async (context) => {
  const { port } = await stage(context);
  const another = new VncServer({ port: 0 });
  context.cleanups.push(() => another.close());
  assert.is((await another.listen()).host, "127.0.0.1");
  for (const [options, expected] of [
    [{ port }, `127.0.0.1:${port} is in use`],
    [{ port: 0, host: "203.0.113.7" }, "203.0.113.7 is not an address of this machine"],
  ] as const) {
    try {
      await new VncServer(options).listen();
      assert.unreachable();
    } catch (error) {
      assert.instance(error, VirtioUsageError);
      assert.is((error as Error).message, expected);
    }
  }
});

vnc("refuses options out of range", () => {
  for (const options of [
    { port: 65536 },
    { port: -1 },
    { maxClients: 0 },
    { maxFramesPerSecond: 0.5 },
    { initialSize: { widthPixels: 0, heightPixels: 1 } },
    { initialSize: { widthPixels: 65535, heightPixels: 65535 } },
  ]) {
    assert.throws(
      () => new VncServer(options),
      (error: unknown) => error instanceof VirtioUsageError,
    );
  }
});

vnc("a scanout that is too large is the guest's problem", async (context) => {
  const { server, connect } = await stage(context, {
    maxPixels: 100_000,
    initialSize: { widthPixels: 9, heightPixels: 9 },
  });
  const huge = { ...new TestPicture(1, 1), widthPixels: 16384, heightPixels: 16384 };
  assert.throws(
    () => server.setScanout(0, huge),
    (error: unknown) => error instanceof BackendError,
  );
  server.flush(0, 0, 0, 16384, 16384);
  const client = await connect();
  client.request(false);
  await client.update();
  assert.equal([client.width, client.height], [9, 9]);
  const shown = picture(300, 300);
  shown.showOn(server);
  assert.throws(() => server.setScanout(1, { ...huge, scanoutId: 1, widthPixels: 70 }), /too large/);
});

vnc.run();
