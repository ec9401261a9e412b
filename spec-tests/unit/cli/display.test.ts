// `--display`: what is refused, and what people see.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PNG } from "pngjs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { FrameIndex } from "../../../src/backends/display/recorder/index.ts";
import type { DemoJson } from "../../../src/cli/demo/report.ts";
import { type DisplaySpec, parseDisplaySpec } from "../../../src/cli/display/display-spec.ts";
import { UsageError } from "../../../src/cli/usage-error.ts";
import { buildCommandLine, runProgram } from "../../support/command-line.ts";
import { locate, needs, peers } from "../../support/peer.ts";
import { RfbClient } from "../../support/rfb-client.ts";
import { type Cleanups, cleanUp } from "../../support/vnc-stage.ts";

const FRAMES = 5;
const SMALL = ["demo", "--width", "320", "--height", "200", "--frames", `${FRAMES}`];

const display = suite<Cleanups>("--display", { cleanups: [] });
const withTmux = needs(display, peers.tmux);

display.after.each(cleanUp);

function temporary(context: Cleanups): string {
  const folder = mkdtempSync(join(tmpdir(), "virtio-display-"));
  context.cleanups.push(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

display("understands every way to say it", () => {
  const vnc = (host: string, port: number): DisplaySpec => ({ kind: "vnc", host, port });
  const expected: Readonly<Record<string, DisplaySpec>> = {
    vnc: vnc("127.0.0.1", 5900),
    "vnc=0.0.0.0:5901": vnc("0.0.0.0", 5901),
    "vnc=:5902": vnc("127.0.0.1", 5902),
    "vnc=5903": vnc("127.0.0.1", 5903),
    "vnc=example.org": vnc("example.org", 5900),
    "vnc=localhost:0": vnc("localhost", 0),
    "vnc=[::1]:5904": vnc("::1", 5904),
    "vnc=[fe80::1%eth0]": vnc("fe80::1%eth0", 5900),
    terminal: { kind: "terminal" },
    png: { kind: "png", folder: "virtio-frames" },
    "png=a=b c": { kind: "png", folder: "a=b c" },
  };
  for (const [text, spec] of Object.entries(expected)) assert.equal(parseDisplaySpec(text), spec, text);
});

display("refuses what makes no sense", () => {
  for (const text of [
    "",
    "x11",
    "VNC",
    "vnc=",
    "vnc=a:b",
    "vnc=:",
    "vnc=1.2.3.4:65536",
    "vnc=::1:5900",
    "vnc=[::1",
    "vnc=a b:1",
    "terminal=1",
    "png=",
  ]) {
    assert.throws(
      () => parseDisplaySpec(text),
      (error: unknown) => error instanceof UsageError && !error.message.includes("\n"),
      text,
    );
  }
});

display("says in one line what cannot be had, and ends with 2", async (context) => {
  const folder = temporary(context);
  writeFileSync(join(folder, "file"), "");
  const taken = createServer();
  context.cleanups.push(() => taken.close());
  await new Promise<void>((resolve) => void taken.listen(0, "127.0.0.1", resolve));
  const address = taken.address();
  const port = typeof address === "object" ? address?.port : 0;
  const cases: readonly (readonly [text: string, complaint: RegExp])[] = [
    ["x11", /"x11" is unknown/],
    ["vnc=127.0.0.1:x", /is not an address/],
    [`vnc=127.0.0.1:${port}`, new RegExp(`127\\.0\\.0\\.1:${port} is in use`)],
    ["vnc=203.0.113.9:5900", /203\.0\.113\.9 is not an address of this machine/],
    [`png=${join(folder, "file")}`, /cannot write to .*file/],
    ["png=/proc/frames", /cannot write to \/proc\/frames/],
    ["terminal", /standard output is not a terminal/],
  ];
  const results = await Promise.all(
    cases.map(([text]) => runProgram([...SMALL, "--json", "--display", text])),
  );
  for (const [i, { code, out, error }] of results.entries()) {
    const [text, complaint] = cases[i] as (typeof cases)[number];
    assert.is(code, 2, `${text}: ${error}`);
    assert.is(out, "");
    assert.match(error, complaint);
    assert.is(error.split("\n").length, 2, error);
  }
});

display("png: each picture of the demo is a file with the same hash", async (context) => {
  const folder = join(temporary(context), "frames");
  const { code, out, error } = await runProgram([...SMALL, "--json", "--display", `png=${folder}`]);
  assert.is(code, 0, error);
  const run = JSON.parse(out) as DemoJson;
  assert.is(run.display, `${3 + FRAMES} frames in ${folder}`);
  assert.is(run.animatedFlips, 0);
  const { recorded } = JSON.parse(readFileSync(join(folder, "index.json"), "utf8")) as FrameIndex;
  assert.equal(
    recorded.map(({ sha256, width, height }) => ({ sha256, width, height })),
    run.frames.map(({ sha256, width, height }) => ({ sha256, width, height })),
  );
  const last = PNG.sync.read(readFileSync(join(folder, recorded.at(-1)?.file ?? "")));
  assert.equal([last.width, last.height], [320, 200]);
});

/** Starts the demo; the promises are for its first line on standard error and for its end. */
function start(context: Cleanups, ...args: readonly string[]) {
  buildCommandLine();
  const child: ChildProcess = spawn(
    process.execPath,
    [join(process.cwd(), "dist/cli.js"), ...SMALL, "--json", ...args],
    { stdio: ["ignore", "pipe", "pipe"], timeout: 60_000 },
  );
  context.cleanups.push(() => child.kill("SIGKILL"));
  let out = "";
  let error = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    out += text;
  });
  const hint = new Promise<string>((resolve, reject) => {
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      error += text;
      if (error.includes("\n")) resolve(error);
    });
    child.on("close", () => reject(new Error(`it ended: ${error}`)));
  });
  const ended = new Promise<{ code: number | null; out: string }>((resolve) => {
    child.on("close", (code) => resolve({ code, out }));
  });
  return { child, hint, ended };
}

display("vnc: viewers see the demo move, until Ctrl-C", async (context) => {
  const { child, hint, ended } = start(context, "--display", "vnc=:0");
  const said = await hint;
  assert.match(
    said,
    /^VNC server on 127\.0\.0\.1:\d+; look at it with: vncviewer 127\.0\.0\.1::\d+ \(Ctrl-C ends this\)\n$/,
  );
  const client = await RfbClient.connect(Number(/::(\d+)/.exec(said)?.[1]));
  context.cleanups.push(() => client.close());
  client.setEncodings(16, -223);
  client.request(false);
  await client.update();
  const pictures = new Set<string>();
  const begin = performance.now();
  while (pictures.size < 15 && performance.now() - begin < 20_000) {
    client.request(true);
    await client.update();
    pictures.add(Buffer.from(client.rgb).toString("base64"));
  }
  assert.equal([client.width, client.height], [320, 200]);
  assert.ok(pictures.size >= 15, `${pictures.size} pictures`);
  child.kill("SIGINT");
  const { code, out } = await ended;
  assert.is(code, 0);
  const run = JSON.parse(out) as DemoJson;
  assert.ok(run.animatedFlips >= 10);
  assert.match(run.display ?? "", /^VNC connections: 1, updates: \d+, \d+\.\d MB$/);
  // What goes on for the viewers is in no other sum.
  const plain = JSON.parse((await runProgram([...SMALL, "--json"])).out) as DemoJson;
  assert.equal(run.frames, plain.frames);
  assert.is(run.pageFlips, FRAMES);
  assert.is(run.bytesCopied, plain.bytesCopied);
  assert.is(run.commands["RESOURCE_FLUSH"], plain.commands["RESOURCE_FLUSH"]);
  assert.is(run.commands["SET_SCANOUT_BLOB"], plain.commands["SET_SCANOUT_BLOB"]);
});

withTmux("terminal: the demo is seen in tmux, which has its screen back behind it", async (context) => {
  buildCommandLine();
  const folder = temporary(context);
  const tmux = (...args: readonly string[]): string =>
    execFileSync(locate(peers.tmux) ?? "tmux", ["-S", join(folder, "socket"), "-f", "/dev/null", ...args], {
      encoding: "utf8",
      env: { ...process.env, LC_ALL: "C.UTF-8", TERM: "xterm", COLORTERM: "truecolor" },
    });
  const until = async (condition: () => boolean): Promise<void> => {
    for (let i = 0; !condition(); i++) {
      if (i > 300) throw new Error(`it did not happen: ${tmux("capture-pane", "-p")}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  const command = [process.execPath, join(process.cwd(), "dist/cli.js"), ...SMALL, "--json"];
  const script = `printf 'before\\n'; ${command.join(" ")} --display terminal > /dev/tty; echo "code $?"; sleep 100`;
  tmux("-u", "new-session", "-d", "-x", "80", "-y", "25", script);
  context.cleanups.push(() => tmux("kill-server"));
  const pane = (): string => tmux("capture-pane", "-p");
  // Red, green and blue bars of the test card.
  const bars = ["48;2;192;0;0", "48;2;0;192;0", "48;2;0;0;192"];
  const seen = (): string => tmux("capture-pane", "-e", "-p", "-N");
  await until(() => bars.every((colour) => seen().includes(colour)));
  const first = seen();
  assert.not.match(first, /before/);
  await until(() => seen() !== first);
  tmux("resize-window", "-x", "60", "-y", "20");
  await until(() => bars.every((colour) => seen().includes(colour)));
  tmux("send-keys", "C-c");
  await until(() => pane().includes("code 0"));
  const whole = tmux("capture-pane", "-p", "-S", "-");
  assert.match(whole, /^before\n/);
  assert.not.match(whole, /▀/);
});

display.run();
