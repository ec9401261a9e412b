// Whatever nonsense a command is given: one line on standard error that says what would be right, exit code 2, nothing on
// standard output, and no file made or changed.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { BENCHES } from "../../../scripts/bench/benches.ts";
import { parseOptions as parseBenchOptions } from "../../../scripts/bench/options.ts";
import { parseOptions as parseLinuxOptions } from "../../../scripts/linux/options.ts";
import { runCommandLine } from "../../../src/cli/run.ts";

const test = suite("bad input");

type Bad = readonly [what: string, args: readonly string[], says: RegExp];

/** What is wrong with any command. `base` makes the command right but for that. */
const anyCommand = (base: readonly string[]): readonly Bad[] => [
  ["an option that does not exist", [...base, "--jsno"], /unknown option '--jsno'.*--json/],
  ["an argument too many", [...base, "one", "two"], /too many arguments/],
  ["an empty file name", [...base, "--json="], /--json is empty/],
  ["a folder that does not exist", [...base, "--json", "/no/such/x"], /the folder does not exist.*--json/],
  ["a folder instead of a file", [...base, "--json", "folder"], /it is not a file\. Give the name of a file/],
  ["a file in a file", [...base, "--json", "file/x"], /cannot write .*file\/x/],
];

/** What is wrong with a command that draws. */
const drawing: readonly Bad[] = [
  ["a picture on standard output", ["--out", "-"], /--out - would print a picture/],
  ["an empty name for the picture", ["--out", ""], /--out is empty/],
  ["no name for the picture", ["--out"], /--out.*argument missing/],
  ["one file for both", ["--out", "x", "--json", "./x"], /--out and --json name the same file/],
  ["a width that is not a number", ["--width", "wide"], /--width.*whole number/],
  ["a width with a unit", ["--width", "640px"], /--width.*whole number/],
  ["a hexadecimal width", ["--width", "0x280"], /--width.*whole number/],
  ["an empty width", ["--width", ""], /--width.*whole number/],
  ["a height out of range", ["--height", "99999"], /--height.*4096/],
  ["less than no frames", ["--frames", "-1"], /--frames.*whole number/],
  ["too much memory", ["--width", "4096", "--height", "4096", "--buffers", "16"], /MiB|unknown option/],
];

const wordy: readonly Bad[] = [
  ["a text that is not printed", ["--json", "--verbose"], /--json cannot be used with --verbose/],
  ["the same with -", ["--json", "-", "--verbose"], /--json cannot be used with --verbose/],
];

const COMMANDS: Readonly<Record<string, readonly Bad[]>> = {
  demo: [
    ...anyCommand([]),
    ...drawing,
    ...wordy,
    ["a text left out that is not printed", ["--json", "-q"], /--json cannot be used with --quiet/],
    ["quiet and verbose", ["-q", "-v"], /cannot be used with/],
    ["an unknown feature", ["--features", "edid,vulkan"], /"vulkan" is unknown: choose from edid/],
    ["none among features", ["--features", "none,edid"], /none stands alone/],
    ["an empty feature", ["--features", "edid,"], /"" is unknown/],
    ["an unknown display", ["--display", "x11"], /vnc.*terminal.*png/],
    ["a port that is none", ["--display", "vnc=:99999"], /port|65535/],
    ["an unknown ring format", ["--ring", "round"], /split, packed/],
  ],
  share: [
    ...anyCommand([]),
    ...drawing,
    ...wordy,
    ["an unknown profile", ["--profile", "linux-2.6"], /linux-6\.1/],
    ["a UUID without blobs", ["--no-blob", "--import", "uuid"], /--import pages/],
  ],
  vdmabuf: [...anyCommand([]), ...drawing],
  "compare-linux": [
    ...anyCommand(["captures"]).filter(([what]) => what !== "an argument too many"),
    ["an argument too many", ["captures", "more"], /too many arguments/],
    ["no folder", [], /missing required argument 'dir'/],
    ["no folder, since --json took it", ["--json", "captures"], /missing required argument 'dir'/],
    ["an empty folder name", [""], /cannot read|no such folder/],
    ["an unknown profile", ["captures", "--profile", "linux-2.6"], /linux-6\.1/],
    ["captures of nothing known", ["unknown", "--json", "report"], /nothing was compared: the only capture/],
  ],
  conformance: [
    ...anyCommand([]).filter(([what]) => what !== "an argument too many"),
    ["an argument", ["split-ring"], /too many arguments/],
    ["two reports on standard output", ["--json", "--html", "-"], /--json and --html cannot both go to/],
    ["one file for two reports", ["--junit", "x", "--html", "./x"], /--junit and --html name the same file/],
    ["a report without a file", ["--html"], /--html.*argument missing/],
    ["a report of a list", ["--list", "--json"], /--list.*cannot be used with/],
    ["limits of a list", ["--list", "--timeout", "1"], /cannot be used with/],
    ["an explanation of some cases", ["--explain", "gpu.*", "--filter", "gpu/*"], /cannot be used with/],
    ["an explanation on a target", ["--explain", "gpu.*", "--target", "builtin-mmio"], /cannot be used with/],
    ["an explanation of a device", ["--explain", "gpu.*", "--device", "gpu"], /cannot be used with/],
    [
      "a pattern that the device leaves out",
      ["--device", "gpu", "--filter", "entropy/*"],
      /fits no case that --device gpu leaves: without, it fits \d+/,
    ],
    ["an unknown target", ["--target", "toaster"], /"toaster" is unknown/],
    ["a module that does not exist", ["--target", "./nowhere.mjs"], /nowhere\.mjs/],
    ["shard 0", ["--shard", "0/4"], /from 1\/1 on/],
    ["an unknown device", ["--device", "disk"], /"disk" is unknown/],
    ["expectations on standard input", ["--expect", "-"], /cannot read - for --expect/],
  ],
};

const CAPTURE = "spec-tests/fixtures/golden/linux-6.1/edid/init.jsonl";

/** The files that the commands find; the contents tell whether somebody has changed them. */
function prepare(folder: string): void {
  mkdirSync(join(folder, "folder"));
  mkdirSync(join(folder, "captures"));
  mkdirSync(join(folder, "unknown"));
  const capture = readFileSync(CAPTURE);
  writeFileSync(join(folder, "captures/init.jsonl"), capture);
  writeFileSync(join(folder, "unknown/dance.jsonl"), capture);
  for (const name of ["file", "x", "report"]) writeFileSync(join(folder, name), "mine");
}

const all = (folder: string) =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .sort()
    .map((name) => [name, /^(file|x|report)$/.test(name) ? readFileSync(join(folder, name), "utf8") : ""]);

async function run(args: readonly string[]) {
  const texts = { out: "", error: "" };
  const code = await runCommandLine(args, {
    out: (text) => {
      texts.out += text;
    },
    error: (text) => {
      texts.error += text;
    },
    outIsTerminal: false,
  });
  return { code, ...texts };
}

const root = process.cwd();
let folder = "";
let before: unknown;

test.before(() => {
  folder = mkdtempSync(join(tmpdir(), "bad-input-test-"));
  prepare(folder);
  before = all(folder);
  process.chdir(folder);
});

test.after(() => {
  process.chdir(root);
  rmSync(folder, { recursive: true, force: true });
});

for (const [command, table] of Object.entries(COMMANDS)) {
  for (const [what, args, says] of table) {
    test(`${command}: ${what}`, async () => {
      const { code, out, error } = await run([command, ...args]);
      assert.is(code, 2, error);
      assert.is(out, "");
      assert.match(error, says);
      assert.match(error, new RegExp(`^virtio-emulator ${command}: [^\\n]+\\n$`), "one line");
      assert.equal(all(folder), before, "nothing was written");
    });
  }
}

for (const [what, args, says] of [
  ["no such command", ["dance"], /unknown command 'dance'/],
  ["a word that is nearly a command", ["dmeo"], /demo/],
  ["help of no such command", ["help", "dance"], /no such command/],
  ["an option before the command", ["--json", "demo"], /unknown option '--json'/],
] as const) {
  test(`without a command: ${what}`, async () => {
    const { code, out, error } = await run(args);
    assert.is(code, 2);
    assert.is(out, "");
    assert.match(error, says);
    assert.match(error, /^virtio-emulator: [^\n]+\n$/);
  });
}

const NAMES = BENCHES.flatMap(({ names }) => names);
const SCRIPTS = {
  linux: (args: readonly string[]) => parseLinuxOptions(args),
  bench: (args: readonly string[]) => parseBenchOptions(args, NAMES),
};

for (const [script, args, says] of [
  ["linux", ["--speed"], /--speed/],
  ["linux", ["more"], /too many arguments/],
  ["linux", ["--memory", "0x80"], /from 80 to 2048/],
  ["linux", ["--memory", "1e2"], /from 80 to 2048/],
  ["linux", ["--memory", ""], /from 80 to 2048/],
  ["linux", ["--features", ""], /"" is unknown: choose from edid/],
  ["linux", ["--features", "edid,,uuid"], /"" is unknown: choose from edid/],
  ["linux", ["--features", "none,edid"], /none stands alone/],
  ["linux", ["--scenario", ""], /The scenarios are/],
  ["linux", ["--stage", "drury-lane"], /The stages are/],
  ["linux", ["--display", "vnc=:x"], /--display/],
  ["linux", ["--kernel", "k"], /--kernel needs --initrd/],
  ["bench", ["--bad"], /--bad/],
  ["bench", ["--filter"], /--filter.*argument missing/],
  ["bench", ["--filter", "nothing-like-it"], /There are/],
  ["bench", ["--rounds", "0"], /from 1 to 1000/],
  ["bench", ["--rounds", "2.5"], /from 1 to 1000/],
  ["bench", ["--launches", "1e2"], /from 1 to 1000/],
  ["bench", ["extra"], /too many arguments/],
] as const) {
  test(`${script} ${args.join(" ")}`, () => {
    const parsed = SCRIPTS[script](args);
    assert.is(parsed.kind, "error", JSON.stringify(parsed));
    if (parsed.kind !== "error") return;
    assert.match(parsed.message, says);
    assert.match(parsed.message, /^[^\n]+$/);
  });
}

test("--json means one thing: alone and with - standard output, else a file", () => {
  for (const parse of Object.values(SCRIPTS)) {
    for (const [args, json] of [
      [[], undefined],
      [["--json"], true],
      [["--json", "-"], "-"],
      [["--json", "file"], "file"],
    ] as const) {
      const parsed = parse(args);
      assert.is(parsed.kind === "run" ? parsed.options.json : parsed, json);
    }
  }
});

test("every --json has the same help, and those behind npm say how to silence it", async () => {
  for (const command of Object.keys(COMMANDS)) {
    const { out } = await run([command, "--help"]);
    assert.match(out, /--json \[file\] +write the result as JSON to a file; without one, or/, command);
  }
  assert.match((await run(["demo", "--help"])).out.replace(/\s+/g, " "), "npm start --silent -- --json");
});

test.run();
