// The demo as its users run it.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PNG } from "pngjs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { DemoJson } from "../../../src/cli/demo/report.ts";
import { boundingBox, layOutScene } from "../../../src/cli/demo/scene/scene.ts";
import { runProgram } from "../../support/command-line.ts";

const WIDTH = 320;
const HEIGHT = 200;
const FRAMES = 7;
const PICTURE_BYTES = WIDTH * HEIGHT * 4;
const SMALL = ["demo", "--width", `${WIDTH}`, "--height", `${HEIGHT}`, "--frames", `${FRAMES}`];

async function json(...args: string[]): Promise<DemoJson> {
  const { code, out, error } = await runProgram([...SMALL, "--json", ...args]);
  assert.is(error, "");
  assert.is(code, 0);
  assert.is(out.split("\n").length, 2, "one line, one object, nothing else");
  return JSON.parse(out) as DemoJson;
}

const hashes = ({ frames }: DemoJson): string[] => frames.map(({ sha256 }) => sha256);

function withFolder(body: (folder: string) => Promise<void>): () => Promise<void> {
  return async () => {
    const folder = mkdtempSync(join(tmpdir(), "virtio-demo-test-"));
    try {
      await body(folder);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  };
}

const report = suite("demo --json");

report("says what happened", async () => {
  const run = await json();
  assert.equal(run.commands, {
    GET_EDID: 1,
    GET_DISPLAY_INFO: 1,
    RESOURCE_CREATE_2D: 1,
    RESOURCE_ATTACH_BACKING: 1,
    SET_SCANOUT: 4,
    TRANSFER_TO_HOST_2D: 2,
    RESOURCE_FLUSH: 3 + FRAMES,
    RESOURCE_ASSIGN_UUID: 4,
    RESOURCE_CREATE_BLOB: 3,
    SET_SCANOUT_BLOB: FRAMES,
    RESOURCE_UNREF: 4,
  });
  const sum = (counts: Readonly<Record<string, number>>) =>
    Object.values(counts).reduce((total, count) => total + count, 0);
  assert.is(sum(run.responses), sum(run.commands), "every command was answered");
  assert.equal(Object.keys(run.responses).sort(), [
    "OK_DISPLAY_INFO",
    "OK_EDID",
    "OK_NODATA",
    "OK_RESOURCE_UUID",
  ]);
  assert.is(run.dirtyFb, 2);
  assert.is(run.pageFlips, FRAMES);
  assert.match(run.uuid ?? "", /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.is(run.frames.length, 1 + run.dirtyFb + run.pageFlips);
  for (const frame of run.frames) {
    assert.is(frame.width, WIDTH);
    assert.is(frame.height, HEIGHT);
    assert.match(frame.sha256, /^[0-9a-f]{64}$/);
  }
  assert.is(new Set(hashes(run)).size, run.frames.length, "every picture differs from the others");
  assert.equal(
    run.frames.map(({ shownBy }) => shownBy),
    ["mode-set", "dirtyfb", "dirtyfb", ...new Array<string>(FRAMES).fill("page-flip")],
  );
  assert.ok(run.elapsedMs > 0);
  assert.ok(run.notifications > 0);
  assert.ok(run.interrupts > 0);
  assert.is(run.png, null, "nothing is written unless asked for");
  assert.equal(run.features, ["edid", "uuid", "blob"]);
});

report("the same pictures on every run and over both ring formats", async () => {
  const [first, second, packed] = [await json(), await json(), await json("--ring", "packed")];
  assert.equal(hashes(second), hashes(first));
  assert.equal(hashes(packed), hashes(first));
  assert.is(first.ring, "split");
  assert.is(packed.ring, "packed");
});

report("blobs: page flips copy nothing", async () => {
  const run = await json();
  assert.is(run.bytesCopiedByFlips, 0);
  // The mode set copies the picture, the first DIRTYFB the box around what the guest drew, the second nothing.
  const box = boundingBox(layOutScene(WIDTH, HEIGHT).clips);
  assert.is(run.bytesCopied, PICTURE_BYTES + box.width * box.height * 4);
});

report("no blobs: one copy of every byte shown, and the same pictures", async () => {
  const [blob, copied] = [await json(), await json("--no-blob")];
  assert.is(copied.bytesCopiedByFlips, FRAMES * PICTURE_BYTES);
  assert.is(copied.bytesCopied, blob.bytesCopied + FRAMES * PICTURE_BYTES);
  assert.equal(copied.features, ["edid", "uuid"]);
  assert.is(copied.commands["SET_SCANOUT_BLOB"], undefined);
  assert.is(copied.commands["TRANSFER_TO_HOST_2D"], 2 + FRAMES);
  assert.equal(hashes(copied), hashes(blob));
});

report("no UUIDs: the guest draws everything itself, and the same pictures", async () => {
  const [all, none] = [await json(), await json("--features", "none")];
  assert.is(none.uuid, null);
  assert.is(none.commands["RESOURCE_ASSIGN_UUID"], undefined);
  assert.is(none.commands["GET_EDID"], undefined);
  assert.equal(none.features, []);
  assert.equal(hashes(none), hashes(all));
  const blob = await json("--features", "blob", "--buffers", "2");
  assert.equal(blob.features, ["blob"]);
  assert.equal(hashes(blob), hashes(all));
});

report("no flips at all", async () => {
  const run = await json("--frames", "0");
  assert.is(run.pageFlips, 0);
  assert.is(run.frames.length, 3);
  assert.is(run.flipsPerSecond, 0);
});
report.run();

const picture = suite("demo, its picture");

picture(
  "is the last one shown",
  withFolder(async (folder) => {
    const out = join(folder, "last.png");
    const run = await json("--out", out);
    assert.is(run.png, out);
    const png = PNG.sync.read(readFileSync(out));
    assert.is(png.width, WIDTH);
    assert.is(png.height, HEIGHT);
    assert.is(createHash("sha256").update(png.data).digest("hex"), hashes(run).at(-1));
    assert.equal(readdirSync(folder), ["last.png"]);
  }),
);

picture(
  "goes into the current folder by default, and its path is printed",
  withFolder(async (folder) => {
    const { code, out } = await runProgram([...SMALL, "--quiet"], { cwd: folder });
    assert.is(code, 0);
    const path = /Picture: (.*)/.exec(out)?.[1];
    assert.is(path, join(folder, "virtio-demo.png"));
    assert.equal(readdirSync(folder), ["virtio-demo.png"]);
  }),
);
picture.run();

const timeline = suite("demo, its timeline");

timeline(
  "shows queue, head, lengths, command, parameters, response, fence",
  withFolder(async (folder) => {
    const { out } = await runProgram(SMALL, { cwd: folder });
    assert.match(
      out,
      /\d\.\d{3} {2}controlq +\d+ +40 → 24 {2}RESOURCE_CREATE_2D +resource 2 320×200 B8G8R8X8 → OK_NODATA/,
    );
    assert.match(out, /RESOURCE_FLUSH +resource 3 320×200\+0\+0 → OK_NODATA fence 1\n/);
    assert.match(out, /controlq .* 32 → 40 {2}RESOURCE_ASSIGN_UUID +resource 2 → OK_RESOURCE_UUID/);
    assert.match(out, /TRANSFER_TO_HOST_2D .* → OK_NODATA 256,000 bytes copied/);
    assert.match(out, /paintq .* PAINT_PANEL +object [0-9a-f]{8}… → OK/);
    assert.match(out, /\n +⋮ {2}… \d+ more commands like these …\n/);
    assert.not(out.includes("\u001b"), "no colours in a file");
  }),
);

timeline(
  "--verbose leaves nothing out, --quiet everything",
  withFolder(async (folder) => {
    const verbose = await runProgram([...SMALL, "--verbose"], { cwd: folder });
    assert.not.match(verbose.out, /⋮/);
    assert.is(verbose.out.match(/ {2}RESOURCE_FLUSH /g)?.length, 3 + FRAMES);
    const quiet = await runProgram([...SMALL, "--quiet"], { cwd: folder });
    assert.not.match(quiet.out, /RESOURCE_FLUSH +resource/);
    assert.match(quiet.out, /10 RESOURCE_FLUSH/);
  }),
);
timeline.run();

const usage = suite("demo, wrong options");
const REFUSED: readonly (readonly [name: string, args: readonly string[], says: RegExp])[] = [
  ["an unknown option", ["--widht", "5"], /unknown option '--widht'.*--width/],
  ["an argument too many", ["now"], /too many arguments/],
  ["a width out of range", ["--width", "63"], /--width.*from 64 to 4096/],
  ["a height out of range", ["--height", "4097"], /--height.*from 64 to 4096/],
  ["no number", ["--frames", "many"], /--frames.*whole number/],
  ["a negative number", ["--frames", "-1"], /--frames.*whole number/],
  ["a number that is not whole", ["--buffers", "2.5"], /--buffers.*from 2 to 16/],
  ["one buffer", ["--buffers", "1"], /--buffers.*from 2 to 16/],
  ["an unknown ring format", ["--ring", "round"], /--ring.*split, packed/],
  ["an unknown feature", ["--features", "edid,vulkan"], /"vulkan" is unknown: choose from edid, uuid, blob/],
  ["an option without its value", ["--out"], /--out.*argument missing/],
  ["options that exclude each other", ["--json", "--verbose"], /--json.*cannot be used with/],
  ["too much memory", ["--width", "4096", "--height", "4096", "--buffers", "16"], /MiB.*fewer --buffers/],
];

for (const [name, args, says] of REFUSED) {
  usage(
    name,
    withFolder(async (folder) => {
      const { code, out, error } = await runProgram(["demo", ...args], { cwd: folder });
      assert.is(code, 2);
      assert.is(out, "");
      assert.match(error, says);
      assert.match(error, /^virtio-emulator demo: [^\n]+\n$/, "one line");
      assert.equal(readdirSync(folder), [], "nothing was written");
    }),
  );
}

usage(
  "a file that cannot be written: said before the work, and nothing is left behind",
  withFolder(async (folder) => {
    writeFileSync(join(folder, "file"), "mine");
    mkdirSync(join(folder, "folder"));
    for (const out of [
      join(folder, "missing/x.png"),
      join(folder, "folder"),
      join(folder, "file/x.png"),
      "",
    ]) {
      const { code, out: printed, error } = await runProgram(["demo", "--out", out]);
      assert.is(code, 2, out);
      assert.is(printed, "");
      assert.match(error, /^virtio-emulator demo: [^\n]+\n$/);
    }
    assert.equal(readdirSync(folder).sort(), ["file", "folder"]);
    assert.is(readFileSync(join(folder, "file"), "utf8"), "mine");
    assert.ok(!existsSync(join(folder, "missing")));
  }),
);

usage(
  "a link stays one: what it leads to is written",
  withFolder(async (folder) => {
    writeFileSync(join(folder, "file"), "old");
    symlinkSync("file", join(folder, "link"));
    const { code, out } = await runProgram([...SMALL, "--quiet", "--out", join(folder, "link")]);
    assert.is(code, 0);
    assert.ok(out.includes(`Picture: ${join(folder, "link")}\n`), out);
    assert.ok(lstatSync(join(folder, "link")).isSymbolicLink());
    assert.is(PNG.sync.read(readFileSync(join(folder, "file"))).width, WIDTH);
  }),
);
usage.run();

const program = suite("virtio-emulator");

program("--version and --help", async () => {
  const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };
  const asked = await runProgram(["--version"]);
  assert.is(asked.out, `${version}\n`);
  assert.is(asked.code, 0);
  for (const args of [["--help"], ["help"], ["demo", "--help"], ["help", "demo"]]) {
    const { code, out, error } = await runProgram(args);
    assert.is(code, 0, args.join(" "));
    assert.match(out, /Usage: virtio-emulator/);
    assert.is(error, "");
  }
});

program("what it does not know it refuses in one line", async () => {
  for (const args of [["conform"], ["--frames", "3"], ["help", "conform"]]) {
    const { code, out, error } = await runProgram(args);
    assert.is(code, 2, args.join(" "));
    assert.is(out, "");
    assert.match(error, /^virtio-emulator: [^\n]+\n$/);
  }
  const { code, error } = await runProgram([]);
  assert.is(code, 2);
  assert.match(error, /Usage: virtio-emulator/);
});

program("an output that is full gets one line and exit code 1", () => {
  if (!existsSync("/dev/full")) return;
  const full = openSync("/dev/full", "w");
  try {
    const { status, stderr } = spawnSync(process.execPath, ["dist/cli.js", "--help"], {
      stdio: ["ignore", full, "pipe"],
      encoding: "utf8",
    });
    assert.is(status, 1);
    assert.match(stderr, /^virtio-emulator: cannot write to standard output: ENOSPC[^\n]*\n$/);
  } finally {
    closeSync(full);
  }
});
program.run();
