// The VNC server seen through other people's clients.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PNG } from "pngjs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { locate, needs, type Peer, peers } from "../../../support/peer.ts";
import { vncPasswordFile } from "../../../support/rfb-client.ts";
import { motley, TestPicture, testCursor } from "../../../support/test-picture.ts";
import { type Cleanups, cleanUp, endings, type Stage, stage, until } from "../../../support/vnc-stage.ts";

const VNC_BASE_PORT = 5900;

const viewers = suite<Cleanups>("vnc, viewers", { cleanups: [] });
const withGvnc = needs(viewers, peers.gvncCapture);
const withSnapshot = needs(viewers, peers.vncSnapshot, peers.djpeg);

viewers.after.each(cleanUp);

interface Ran {
  readonly code: number | null;
  readonly output: string;
}

function run(peer: Peer, args: readonly string[]): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(locate(peer) ?? peer.name, args, {
      timeout: 20_000,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    child.stdout.on("data", (text) => {
      output += text;
    });
    child.stderr.on("data", (text) => {
      output += text;
    });
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, output }));
  });
}

function folder(context: Cleanups): string {
  const path = mkdtempSync(join(tmpdir(), "virtio-vnc-"));
  context.cleanups.push(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** How viewers call a server: ports below 5900 are no displays. */
function displayOf({ port }: Stage): string {
  return `127.0.0.1:${port - VNC_BASE_PORT}`;
}

/** R, G, B of each pixel of an image, with its size. */
interface Seen {
  readonly width: number;
  readonly height: number;
  readonly rgb: Uint8Array;
}

async function capture(context: Cleanups, set: Stage): Promise<Seen> {
  const file = join(folder(context), "seen.png");
  const { code, output } = await run(peers.gvncCapture, [displayOf(set), file]);
  assert.is(code, 0, output);
  const { width, height, data } = PNG.sync.read(readFileSync(file));
  const rgb = new Uint8Array(width * height * 3);
  for (let i = 0; i < width * height; i++) rgb.set(data.subarray(i * 4, i * 4 + 3), i * 3);
  return { width, height, rgb };
}

async function snapshot(context: Cleanups, set: Stage, ...options: readonly string[]): Promise<Seen | Ran> {
  const path = folder(context);
  const jpeg = join(path, "seen.jpg");
  const ran = await run(peers.vncSnapshot, ["-quiet", "-quality", "100", ...options, displayOf(set), jpeg]);
  if (ran.code !== 0) return ran;
  const ppm = join(path, "seen.ppm");
  assert.is((await run(peers.djpeg, ["-outfile", ppm, jpeg])).code, 0);
  const bytes = readFileSync(ppm);
  const header = /^P6\n(\d+) (\d+)\n255\n/.exec(bytes.subarray(0, 40).toString("latin1"));
  assert.ok(header, "a PPM file");
  const [text = "", width, height] = header ?? [];
  return { width: Number(width), height: Number(height), rgb: bytes.subarray(text.length) };
}

withGvnc("gvnccapture sees each pixel as it is", async (context) => {
  const set = await stage(context);
  const shown = new TestPicture(1000, 333);
  shown.draw(motley);
  shown.showOn(set.server);
  const { width, height, rgb } = await capture(context, set);
  assert.equal([width, height], [1000, 333]);
  assert.ok(Buffer.from(rgb).equals(shown.rgb()));
});

withGvnc("gvnccapture sees the cursor", async (context) => {
  const set = await stage(context);
  const shown = new TestPicture(200, 100);
  shown.draw(() => [0, 100, 0]);
  shown.showOn(set.server);
  set.server.setCursor(
    0,
    testCursor(170, 20, (x, y) => (x + y < 40 ? [255, 0, 0, 255] : [0, 0, 0, 0])),
  );
  const { rgb } = await capture(context, set);
  shown.draw((x, y) => (x - 170 + (y - 20) < 40 ? [255, 0, 0] : [0, 100, 0]), 170, 20, 30, 64);
  assert.ok(Buffer.from(rgb).equals(shown.rgb()));
});

withGvnc("gvnccapture sees two scanouts", async (context) => {
  const set = await stage(context);
  const left = new TestPicture(70, 50, 0);
  const right = new TestPicture(30, 60, 1);
  left.draw(() => [1, 2, 3]);
  right.draw(() => [200, 100, 50]);
  right.showOn(set.server);
  left.showOn(set.server);
  const { width, height, rgb } = await capture(context, set);
  assert.equal([width, height], [100, 60]);
  const expected = new TestPicture(100, 60);
  expected.draw((x, y) => (x >= 70 ? [200, 100, 50] : y < 50 ? [1, 2, 3] : [0, 0, 0]));
  assert.ok(Buffer.from(rgb).equals(expected.rgb()));
});

/** Large areas of one colour, which survive JPEG. */
const areas = (x: number, y: number): [number, number, number] => {
  const colours = [
    [255, 0, 0],
    [0, 128, 255],
    [20, 200, 20],
    [255, 255, 255],
    [0, 0, 0],
  ] as const;
  return [...(colours[((x >> 5) + (y >> 4) * 2) % 5] ?? [0, 0, 0])];
};

function assertSimilar(seen: Seen | Ran, shown: TestPicture): void {
  assert.ok("rgb" in seen, JSON.stringify(seen));
  if (!("rgb" in seen)) return;
  assert.equal([seen.width, seen.height], [shown.widthPixels, shown.heightPixels]);
  const expected = shown.rgb();
  let different = 0;
  for (let y = 0; y < seen.height; y++) {
    for (let x = 0; x < seen.width; x++) {
      // JPEG halves the colours' resolution: edges bleed into the pixel beside.
      if (x % 32 < 2 || x % 32 > 29 || y % 16 < 2 || y % 16 > 13) continue;
      const at = (y * seen.width + x) * 3;
      for (let k = at; k < at + 3; k++) {
        if (Math.abs((seen.rgb[k] as number) - (expected[k] as number)) > 4) different++;
      }
    }
  }
  assert.is(different, 0);
}

for (const encoding of ["raw", "hextile"]) {
  withSnapshot(
    `vncsnapshot, which speaks 3.3, sees the picture in Raw when it asks for ${encoding}`,
    async (context) => {
      const set = await stage(context);
      const shown = new TestPicture(320, 192);
      shown.draw(areas);
      shown.showOn(set.server);
      assertSimilar(await snapshot(context, set, "-encodings", encoding), shown);
    },
  );
}

withSnapshot("vncsnapshot gets a part of the picture", async (context) => {
  const set = await stage(context);
  const shown = new TestPicture(320, 192);
  shown.draw(areas);
  shown.showOn(set.server);
  const part = new TestPicture(96, 64);
  part.draw((x, y) => areas(x + 64, y + 32));
  assertSimilar(await snapshot(context, set, "-rect", "96x64+64+32"), part);
});

withSnapshot("vncsnapshot gets in with the password, and not without", async (context) => {
  const set = await stage(context, { password: "virtio!" });
  const shown = new TestPicture(320, 192);
  shown.draw(areas);
  shown.showOn(set.server);
  const file = join(folder(context), "password");
  writeFileSync(file, vncPasswordFile("virtio!"));
  assertSimilar(await snapshot(context, set, "-passwd", file), shown);
  writeFileSync(file, vncPasswordFile("virtio?"));
  const refused = await snapshot(context, set, "-passwd", file);
  assert.ok("code" in refused && refused.code !== 0);
  await until(() => set.server.clients === 0);
  assert.is(endings(set.events).at(-1), "wrong password");
});

viewers.run();
