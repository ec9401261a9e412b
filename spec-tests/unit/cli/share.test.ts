// `virtio-emulator share` as its users run it.
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PNG } from "pngjs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { ShareJson } from "../../../src/cli/share/report.ts";
import { type ProgramResult, runProgram } from "../../support/command-line.ts";

const WIDTH = 160;
const HEIGHT = 120;
const FRAMES = 5;
const PICTURE_BYTES = WIDTH * HEIGHT * 4;
/** What the pictures of the DIRTYFB part change. */
const DAMAGE_BYTES = 120 * 90 * 4;
const SMALL = ["share", "--width", `${WIDTH}`, "--height", `${HEIGHT}`, "--frames", `${FRAMES}`];

async function json(...args: string[]): Promise<ShareJson> {
  const { code, out, error } = await runProgram([...SMALL, "--json", ...args]);
  assert.is(error, "");
  assert.is(code, 0);
  assert.is(out.split("\n").length, 2, "one line, one object, nothing else");
  return JSON.parse(out) as ShareJson;
}

const hashes = ({ pictures }: ShareJson): string[] => pictures.map(({ sha256 }) => sha256);

const report = suite("share --json");

report("with blobs: by UUID, whole pictures, nothing copied", async () => {
  const run = await json();
  assert.equal([run.width, run.height, run.profile], [WIDTH, HEIGHT, "linux-7.3"]);
  assert.equal([run.blob, run.sync, run.import], [true, true, "uuid"]);
  assert.match(run.uuid ?? "", /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.equal([run.whole, run.late, run.torn], [2 * FRAMES, 0, 0]);
  assert.is(run.totals.bytesCopied, 0);
  assert.is(run.totals.bytesTransferred, 0);
  assert.is(run.totals.flips, FRAMES);
  assert.is(run.png, null);
  assert.equal(
    run.pictures.map(({ chapter, frame, state }) => [chapter, frame, state]),
    ["dirtyfb", "flips"].flatMap((chapter) =>
      Array.from({ length: FRAMES }, (_, frame) => [chapter, frame, "whole"]),
    ),
  );
  assert.is(new Set(hashes(run)).size, 2 * FRAMES);
  // Time is the machine's own: the same in every run, but for UUIDs and the time of the day.
  const again = await json();
  const fixed = ({ uuid: _uuid, elapsedMs: _elapsedMs, ...rest }: ShareJson) => rest;
  assert.equal(fixed(again), fixed(run));
});

report("the other ways show the same pictures; without blobs each damaged byte is copied once", async () => {
  const uuid = await json();
  const pages = await json("--import", "pages");
  assert.equal([pages.import, pages.uuid, pages.torn], ["pages", null, 0]);
  assert.is(pages.totals.bytesCopied, 0);
  // Dumb blobs are transferred all the same, and the device copies nothing.
  assert.is(pages.totals.bytesTransferred, (1 + 2 * FRAMES) * PICTURE_BYTES);
  assert.equal(hashes(pages), hashes(uuid));
  const copying = await json("--no-blob");
  assert.equal([copying.blob, copying.import, copying.torn], [false, "pages", 0]);
  assert.match(copying.uuid ?? "", /-/);
  assert.is(copying.totals.bytesCopied, copying.totals.bytesTransferred);
  assert.is(copying.totals.bytesCopied, (1 + 2 * FRAMES) * PICTURE_BYTES);
  assert.equal(hashes(copying), hashes(uuid));
  // An older kernel tells damage exactly.
  const exact = await json("--no-blob", "--profile", "linux-6.1");
  assert.is(exact.totals.bytesCopied, (1 + FRAMES) * PICTURE_BYTES + FRAMES * DAMAGE_BYTES);
  assert.equal([exact.profile, exact.torn], ["linux-6.1", 0]);
  assert.equal(hashes(exact), hashes(uuid));
});

report("without synchronisation every picture is torn, the same way in every run", async () => {
  for (const args of [["--no-sync"], ["--no-sync", "--no-blob"], ["--no-sync", "--profile", "linux-6.12"]]) {
    const run = await json(...args);
    assert.equal([run.whole, run.late, run.torn], [0, 0, 2 * FRAMES], args.join(" "));
    assert.equal(hashes(await json(...args)), hashes(run));
  }
});

report("no pictures at all", async () => {
  const run = await json("--frames", "0");
  assert.equal(run.pictures, []);
  assert.is(run.totals.flips, 0);
  assert.is(run.totals.pixelsDrawn, 0);
});

report.run();

const text = suite("share");

function withFolder(body: (folder: string) => Promise<void>): () => Promise<void> {
  return async () => {
    const folder = mkdtempSync(join(tmpdir(), "virtio-share-test-"));
    try {
      await body(folder);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  };
}

text(
  "prints a timeline, sums, and the path of the picture",
  withFolder(async (folder) => {
    const { code, out, error } = await runProgram([...SMALL, "-v"], { cwd: folder });
    assert.equal([code, error], [0, ""]);
    const lines = out.split("\n");
    const of = (pattern: RegExp) => lines.filter((line) => pattern.test(line)).length;
    assert.is(of(/ gpu +RESOURCE_ASSIGN_UUID /), 4);
    assert.is(of(/ render +IMPORT_UUID .*[0-9a-f]{12}, 160×120 → OK_IMPORT/), 4);
    assert.is(of(/ render +TRIANGLE +import \d, \d+\.\d°, .* → OK [\d,]+ pixels, asked for at/), 2 * FRAMES);
    assert.is(of(/ display +picture \d +→ whole/), 2 * FRAMES);
    assert.is(of(/→ ERR/), 0);
    assert.match(out, /copied by virtio-gpu +0 bytes/);
    assert.match(out, /pictures +10 whole, 0 torn/);
    const path = /Picture: (.+)\n$/.exec(out)?.[1] ?? "";
    assert.is(path, join(folder, "virtio-share.png"));
    const png = PNG.sync.read(readFileSync(path));
    assert.equal([png.width, png.height], [WIDTH, HEIGHT]);
    const last = (await json()).pictures.at(-1);
    assert.is(createHash("sha256").update(png.data).digest("hex"), last?.sha256);
    assert.equal(readdirSync(folder), ["virtio-share.png"]);
  }),
);

text(
  "cuts the timeline without -v; writes a torn picture where --out says",
  withFolder(async (folder) => {
    const file = join(folder, "torn.png");
    const args = [...SMALL, "--frames", "30", "--no-sync", "--out", file];
    const { code, out } = await runProgram(args, { cwd: folder });
    assert.is(code, 0);
    assert.match(out, /… \d+ more like these …/);
    assert.match(out, /0 whole, 60 torn \(nobody waits for anybody\)/);
    const png = PNG.sync.read(readFileSync(file));
    const torn = (await json("--frames", "30", "--no-sync")).pictures.filter(({ state }) => state === "torn");
    assert.is(createHash("sha256").update(png.data).digest("hex"), torn.at(-1)?.sha256);
  }),
);

text(
  "what makes no sense: one line, exit code 2, no file",
  withFolder(async (folder) => {
    const cases: readonly (readonly [readonly string[], RegExp])[] = [
      [["--no-blob", "--import", "uuid"], /a UUID names the host's copy/],
      [["--frames", "-1"], /whole number from 0 to 1000/],
      [["--width", "0"], /whole number from 64 to 4096/],
      [["--profile", "linux-2.6"], /linux-6\.1/],
      [["--import", "fax"], /uuid, pages/],
      [["--out", ""], /--out is empty/],
      [["--out", "/nowhere/at/all.png"], /the folder does not exist/],
      [["--json", "--verbose"], /cannot be used with/],
      [["surplus"], /too many arguments/],
    ];
    for (const [args, pattern] of cases) {
      const { code, out, error }: ProgramResult = await runProgram(["share", ...args], { cwd: folder });
      assert.is(code, 2, args.join(" "));
      assert.is(out, "");
      assert.match(error, pattern);
      assert.is(error.trimEnd().split("\n").length, 1, error);
    }
    assert.not.ok(existsSync(join(folder, "virtio-share.png")));
  }),
);

text("explains itself", async () => {
  const { code, out } = await runProgram(["share", "--help"]);
  assert.is(code, 0);
  for (const option of ["--frames", "--no-blob", "--no-sync", "--import", "--profile", "--json", "--out"]) {
    assert.match(out, option);
  }
  assert.match((await runProgram(["--help"])).out, /share +\[options\]/);
});

text.run();
