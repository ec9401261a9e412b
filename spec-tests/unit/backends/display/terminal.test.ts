import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  TerminalDisplay,
  type TerminalDisplayOptions,
} from "../../../../src/backends/display/terminal/index.ts";
import { VirtioUsageError } from "../../../../src/base/index.ts";
import { locate, needs, peers } from "../../../support/peer.ts";
import { ScreenModel } from "../../../support/screen-model.ts";
import { motley, TestPicture, testCursor } from "../../../support/test-picture.ts";
import { type Cleanups, cleanUp } from "../../../support/vnc-stage.ts";

const terminal = suite<Cleanups>("terminal", { cleanups: [] });
const withTmux = needs(terminal, peers.tmux);

terminal.after.each(cleanUp);

function make(
  context: Cleanups,
  columns: number,
  rows: number,
  options: TerminalDisplayOptions = {},
): { screen: ScreenModel; display: TerminalDisplay } {
  const screen = new ScreenModel(columns, rows);
  const display = new TerminalDisplay({
    output: screen,
    colours: "true",
    maxFramesPerSecond: 1000,
    restoreOnExit: false,
    ...options,
  });
  context.cleanups.push(() => display.close());
  return { screen, display };
}

/** The colours of a picture as rows of 0xRRGGBB. */
function rows(picture: TestPicture): number[][] {
  const rgb = picture.rgb();
  return Array.from({ length: picture.heightPixels }, (_, y) =>
    Array.from({ length: picture.widthPixels }, (_, x) => {
      const at = (y * picture.widthPixels + x) * 3;
      return ((rgb[at] as number) << 16) | ((rgb[at + 1] as number) << 8) | (rgb[at + 2] as number);
    }),
  );
}

terminal("takes the terminal over and gives it back", (context) => {
  const { screen, display } = make(context, 10, 4);
  assert.equal([screen.isAlternate, screen.hasCursor, screen.wraps], [true, false, false]);
  assert.is(screen.listeners, 2);
  display.close();
  assert.equal(
    [screen.isAlternate, screen.hasCursor, screen.wraps, screen.isHeld],
    [false, true, true, false],
  );
  assert.is(screen.listeners, 0);
  const { written } = screen;
  display.close();
  new TestPicture(4, 4).showOn(display);
  display.draw();
  assert.is(screen.written, written, "nothing is written after the end");
});

terminal("shows a picture of the terminal's size dot by dot", (context) => {
  const { screen, display } = make(context, 300, 50);
  const shown = new TestPicture(300, 100);
  shown.draw(motley);
  shown.showOn(display);
  display.draw();
  assert.equal(screen.dots(), rows(shown));
});

terminal("redraws what looks different, and nothing else", (context) => {
  const { screen, display } = make(context, 60, 20);
  const shown = new TestPicture(60, 40);
  shown.draw(() => [10, 20, 30]);
  screen.drawn = 0;
  shown.showOn(display);
  display.draw();
  assert.is(screen.drawn, 60 * 20);

  screen.drawn = 0;
  shown.draw(() => [200, 0, 0], 5, 7, 3, 1);
  shown.draw(() => [0, 200, 0], 9, 7, 1, 2);
  // A guest that flushes everything.
  void display.flush(0, 0, 0, 60, 40);
  display.draw();
  assert.equal(screen.dots(), rows(shown));
  assert.is(screen.drawn, 3 + 2);

  const { length } = screen.written;
  void display.flush(0, 0, 0, 60, 40);
  display.draw();
  assert.is(screen.written.length, length);
  assert.is(display.frames, 3);

  // What was not flushed is not looked at.
  shown.draw(() => [1, 1, 1]);
  void display.flush(0, 10, 10, 4, 4);
  display.draw();
  const dots = screen.dots();
  assert.equal(
    [dots[10]?.[10], dots[13]?.[13], dots[14]?.[13], dots[10]?.[9]],
    [0x010101, 0x010101, 0x0a141e, 0x0a141e],
  );
});

terminal("scales down by taking the mean, and up by repeating", (context) => {
  const small = make(context, 20, 5);
  const shown = new TestPicture(80, 40);
  shown.draw((x, y) => [(x % 4) * 10 + (y % 4), Math.floor(x / 4) * 10, Math.floor(y / 4) * 20]);
  shown.showOn(small.display);
  small.display.draw();
  assert.equal(
    small.screen.dots(),
    Array.from({ length: 10 }, (_, y) =>
      Array.from({ length: 20 }, (_, x) => (Math.round(15 + 1.5) << 16) | ((x * 10) << 8) | (y * 20)),
    ),
  );
  const large = make(context, 20, 5);
  const tiny = new TestPicture(4, 2);
  tiny.draw((x, y) => [x * 60, y * 100, 5]);
  tiny.showOn(large.display);
  large.display.draw();
  assert.equal(
    large.screen.dots(),
    Array.from({ length: 10 }, (_, y) =>
      Array.from(
        { length: 20 },
        (_, x) => (Math.floor(x / 5) * 60 * 65536) | (Math.floor(y / 5) * 100 * 256) | 5,
      ),
    ),
  );
});

terminal("keeps the picture's shape, in the middle", (context) => {
  const wide = make(context, 40, 20);
  const shown = new TestPicture(80, 20);
  shown.draw(() => [255, 255, 255]);
  shown.showOn(wide.display);
  wide.display.draw();
  const dots = wide.screen.dots();
  assert.equal(
    dots.map((row) => row.every((dot) => dot === 0xffffff)),
    Array.from({ length: 40 }, (_, y) => y >= 15 && y < 25),
  );
  assert.ok(dots.every((row, y) => (y >= 15 && y < 25) || row.every((dot) => dot === 0)));
});

terminal("every scaling shows damage like a picture drawn anew", (context) => {
  for (const [columns, lines, width, height] of [
    [37, 11, 101, 67],
    [80, 24, 33, 47],
    [13, 40, 640, 48],
    [1, 1, 50, 50],
    [50, 9, 3, 200],
  ] as const) {
    const { screen, display } = make(context, columns, lines);
    const shown = new TestPicture(width, height);
    shown.draw(motley);
    shown.showOn(display);
    display.draw();
    for (let i = 0; i < 25; i++) {
      const x = (i * 31) % width;
      const y = (i * 17) % height;
      const w = Math.min(width - x, 1 + ((i * 7) % 20));
      const h = Math.min(height - y, 1 + ((i * 5) % 9));
      shown.draw(() => [i * 10, 255 - i, 77], x, y, w, h);
      void display.flush(0, x, y, w, h);
      display.draw();
    }
    const fresh = make(context, columns, lines);
    shown.showOn(fresh.display);
    fresh.display.draw();
    assert.equal(screen.dots(), fresh.screen.dots());
  }
});

terminal("draws the cursor over the picture", (context) => {
  const { screen, display } = make(context, 80, 40);
  const shown = new TestPicture(80, 80);
  shown.draw(() => [0, 0, 100]);
  shown.showOn(display);
  display.setCursor(
    0,
    testCursor(10, 20, (x, y) =>
      x < 3 && y < 2 ? (x === 2 ? [50, 50, 0, 128] : [255, 255, 255, 255]) : [0, 0, 0, 0],
    ),
  );
  display.draw();
  const cursorAt = (left: number, top: number): number[][] => {
    const expected = rows(shown);
    for (let y = 0; y < 2; y++) {
      for (let x = 0; x < 3; x++) {
        const row = expected[top + y];
        if (row?.[left + x] === undefined) continue;
        row[left + x] = x === 2 ? (50 << 16) | (50 << 8) | Math.round(100 * (1 - 128 / 255)) : 0xffffff;
      }
    }
    return expected;
  };
  assert.equal(screen.dots(), cursorAt(10, 20));
  for (const [x, y] of [
    [11, 21],
    [-1, -1],
    [78, 79],
    [500, 500],
    [-2147483648, 2147483647],
    [0, 0],
  ] as const) {
    screen.drawn = 0;
    display.moveCursor(0, x, y);
    display.draw();
    assert.equal(screen.dots(), cursorAt(x, y));
    assert.ok(screen.drawn <= 12);
  }
  display.setCursor(0, null);
  display.draw();
  assert.equal(screen.dots(), rows(shown));
});

terminal("a cursor on a smaller terminal covers its share of a dot", (context) => {
  const { screen, display } = make(context, 20, 10);
  const shown = new TestPicture(80, 80);
  shown.draw(() => [0, 0, 0]);
  shown.showOn(display);
  display.setCursor(
    0,
    testCursor(8, 8, (x, y) => (x < 6 && y < 4 ? [200, 100, 40, 255] : [0, 0, 0, 0])),
  );
  display.draw();
  const dots = screen.dots();
  assert.equal([dots[2]?.[2], dots[2]?.[3], dots[2]?.[4]], [0xc86428, 0x643214, 0]);
});

terminal("follows the terminal's size", (context) => {
  const { screen, display } = make(context, 60, 20);
  const shown = new TestPicture(60, 40);
  shown.draw(motley);
  shown.showOn(display);
  display.draw();
  for (const [columns, lines] of [
    [30, 10],
    [60, 30],
    [60, 20],
  ] as const) {
    screen.resize(columns, lines);
    display.draw();
    const fresh = make(context, columns, lines);
    shown.showOn(fresh.display);
    fresh.display.draw();
    assert.equal(screen.dots(), fresh.screen.dots());
  }
});

terminal("follows the picture's size, and goes black with it", (context) => {
  const { screen, display } = make(context, 40, 20);
  new TestPicture(10, 10).showOn(display);
  const shown = new TestPicture(40, 40);
  shown.draw(motley);
  shown.showOn(display);
  display.setCursor(
    0,
    testCursor(0, 0, () => [1, 2, 3, 255]),
  );
  display.setScanout(0, null);
  display.draw();
  assert.ok(screen.dots().every((row) => row.every((dot) => dot === 0)));
  display.setCursor(0, null);
  shown.showOn(display);
  display.draw();
  assert.equal(screen.dots(), rows(shown));
});

terminal("shows the scanout it was made for", (context) => {
  const { screen, display } = make(context, 20, 10, { scanoutId: 1 });
  const other = new TestPicture(20, 20, 0);
  other.draw(() => [9, 9, 9]);
  other.showOn(display);
  display.setCursor(
    0,
    testCursor(0, 0, () => [1, 2, 3, 255]),
  );
  const shown = new TestPicture(20, 20, 1);
  shown.draw(() => [70, 80, 90]);
  shown.showOn(display);
  display.draw();
  assert.equal(screen.dots(), rows(shown));
});

terminal("draws no more often than it was told", async (context) => {
  const { screen, display } = make(context, 20, 10, { maxFramesPerSecond: 20 });
  const shown = new TestPicture(20, 20);
  display.setScanout(0, shown);
  const begin = performance.now();
  let flushes = 0;
  while (performance.now() - begin < 400) {
    shown.draw(() => [flushes & 255, flushes >> 8, 1]);
    void display.flush(0, 0, 0, 20, 20);
    flushes++;
    if (flushes % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  assert.ok(flushes > 100);
  assert.ok(display.frames >= 3 && display.frames <= 10, `${display.frames} frames`);
  await new Promise((resolve) => setTimeout(resolve, 120));
  assert.equal(screen.dots(), rows(shown), "the last picture is shown in the end");
});

terminal("waits for a slow terminal", async (context) => {
  const { screen, display } = make(context, 20, 10);
  const shown = new TestPicture(20, 20);
  screen.ready = false;
  shown.showOn(display);
  await new Promise((resolve) => setTimeout(resolve, 10));
  const { length } = screen.written;
  for (let i = 0; i < 10; i++) {
    shown.draw(() => [i, i, i]);
    void display.flush(0, 0, 0, 20, 20);
    await new Promise((resolve) => setTimeout(resolve, 3));
  }
  assert.is(screen.written.length, length);
  screen.ready = true;
  screen.emit("drain");
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(screen.dots(), rows(shown));
});

terminal("makes do with 256 colours", (context) => {
  const { screen, display } = make(context, 8, 1, { colours: "256" });
  const colours = [
    [0, 0, 0],
    [255, 255, 255],
    [255, 0, 0],
    [95, 135, 175],
    [100, 140, 170],
    [128, 128, 128],
    [8, 8, 8],
    [238, 238, 238],
  ] as const;
  const shown = new TestPicture(8, 2);
  shown.draw((x) => colours[x] ?? [0, 0, 0]);
  shown.showOn(display);
  display.draw();
  assert.equal(screen.dots()[0], [16, 231, 196, 67, 67, 244, 232, 255]);
});

terminal("refuses frame rates that are none", () => {
  for (const maxFramesPerSecond of [0, -1, Number.NaN, 1e9]) {
    const output = new ScreenModel(8, 8);
    assert.throws(
      () => new TerminalDisplay({ output, maxFramesPerSecond }),
      (error: unknown) => error instanceof VirtioUsageError,
    );
  }
});

/** What a terminal of 60 × 20 shows after it got some bytes. */
async function shownByTmux(context: Cleanups, bytes: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "virtio-tmux-"));
  const socket = join(folder, "socket");
  const file = join(folder, "bytes");
  const tmux = (...args: readonly string[]): string =>
    execFileSync(locate(peers.tmux) ?? "tmux", ["-S", socket, "-f", "/dev/null", ...args], {
      encoding: "utf8",
      env: { ...process.env, LC_ALL: "C.UTF-8", TERM: "xterm" },
    });
  context.cleanups.push(() => {
    tmux("kill-server");
    rmSync(folder, { recursive: true, force: true });
  });
  writeFileSync(file, bytes);
  const script = `printf before; cat ${file}; touch ${file}.done; sleep 100`;
  tmux("-u", "new-session", "-d", "-x", "60", "-y", "20", script);
  const done = `test -e ${file}.done`;
  for (let i = 0; i < 400; i++) {
    try {
      execFileSync("sh", ["-c", done]);
      break;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
  // It has read the bytes, and tmux is about to have drawn them.
  let before = "";
  for (let i = 0; i < 50; i++) {
    const now = tmux("capture-pane", "-e", "-p", "-N");
    if (now === before && now.trim() !== "") return now;
    before = now;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return before;
}

const ESC = "\u001b";
const STYLES = new RegExp(`${ESC}\\[([\\d;]*)m|([\\s\\S])`, "gu");

/** Rows of dots of what tmux says it shows. */
function dotsOf(pane: string): (number | null)[][] {
  const dots: (number | null)[][] = [];
  let foreground: number | null = null;
  let background: number | null = null;
  for (const line of pane.split("\n").slice(0, 20)) {
    const upper: (number | null)[] = [];
    const lower: (number | null)[] = [];
    for (const [, style, character] of line.matchAll(STYLES)) {
      if (character !== undefined) {
        upper.push(character === "▀" ? foreground : background);
        lower.push(background);
        continue;
      }
      const values = (style === "" ? "0" : (style ?? "")).split(";").map(Number);
      while (values.length > 0) {
        const kind = values.shift();
        if (kind === 0) {
          foreground = null;
          background = null;
        } else if (kind === 39) foreground = null;
        else if (kind === 49) background = null;
        else if ((kind === 38 || kind === 48) && values.shift() === 2) {
          const [red = 0, green = 0, blue = 0] = values.splice(0, 3);
          const colour = (red << 16) | (green << 8) | blue;
          if (kind === 38) foreground = colour;
          else background = colour;
        } else throw new Error(`style ${kind}`);
      }
    }
    dots.push(upper, lower);
  }
  return dots;
}

withTmux("tmux shows each dot as it is, after many small changes", async (context) => {
  const { screen, display } = make(context, 60, 20);
  const shown = new TestPicture(60, 40);
  shown.draw((x, y) => motley(x * 6, y));
  shown.showOn(display);
  display.draw();
  for (let i = 0; i < 40; i++) {
    const x = (i * 31) % 50;
    const y = (i * 17) % 30;
    shown.draw((px, py) => [i * 6, (px * 9) & 255, (py * 5) & 255], x, y, 10, 10);
    void display.flush(0, x, y, 10, 10);
    display.draw();
  }
  assert.equal(dotsOf(await shownByTmux(context, screen.written)), rows(shown));
});

withTmux("tmux has its old screen back in the end", async (context) => {
  const { screen, display } = make(context, 60, 20);
  const shown = new TestPicture(60, 40);
  shown.draw(motley);
  shown.showOn(display);
  display.draw();
  display.close();
  const pane = await shownByTmux(context, screen.written);
  assert.is(pane.trim(), "before");
});

// A process of its own, that can be killed.

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly output: string;
}

function runHost(manner: string, signal?: NodeJS.Signals): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const host = new URL("../../../support/terminal-host.worker.ts", import.meta.url);
    const child = spawn(process.execPath, [host.pathname, manner], { timeout: 10_000 });
    let output = "";
    child.stdout.on("data", (text) => {
      if (signal !== undefined && output === "") child.kill(signal);
      output += text;
    });
    child.on("error", reject);
    child.on("close", (code, endedBy) => resolve({ code, signal: endedBy, output }));
  });
}

const LAST = `${ESC}[?1049l`;

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  terminal(`gives the terminal back on ${signal}, which then ends the process`, async () => {
    const ended = await runHost("wait", signal);
    assert.equal([ended.code, ended.signal], [null, signal]);
    assert.ok(ended.output.endsWith(LAST));
  });
}

terminal("gives the terminal back on SIGINT, and leaves the rest to whoever listens too", async () => {
  const ended = await runHost("listen", "SIGINT");
  assert.equal([ended.code, ended.signal], [7, null]);
  assert.ok(ended.output.endsWith(LAST));
});

for (const [manner, code] of [
  ["return", 0],
  ["exit", 3],
  ["throw", 1],
] as const) {
  terminal(`gives the terminal back when the process ends: ${manner}`, async () => {
    const ended = await runHost(manner);
    assert.is(ended.code, code);
    assert.ok(ended.output.endsWith(LAST));
  });
}

terminal("a large frame is drawn in turns, and what is flushed meanwhile in the next", (context) => {
  const tasks: (() => void)[] = [];
  const { screen, display } = make(context, 40, 10, {
    maxTurnPixels: 1 << 17,
    schedule: (task) => void tasks.push(task),
  });
  const shown = new TestPicture(1600, 800);
  shown.draw(() => [10, 20, 30]);
  const read = countReads(shown);
  const { written } = screen;
  shown.showOn(display);
  for (let i = 0; i < 31; i++) void display.flush(0, 0, 0, 1600, 800);
  const most = (1 << 17) + (1 << 16);
  const pixels = [read()];
  assert.is(screen.written, written, "half a frame is not drawn");
  while (tasks.length > 0) {
    assert.is(tasks.length, 1, "one turn is asked for at a time");
    tasks.shift()?.();
    pixels.push(read());
  }
  for (const each of pixels) assert.ok(each <= most, `${each} in one turn`);
  const total = pixels.reduce((sum, each) => sum + each, 0);
  assert.ok(total >= 1600 * 800 && total <= 2 * 1600 * 800, `${total} pixels for 32 flushes`);
  assert.ok(screen.written > written);
  shown.draw(() => [200, 100, 50]);
  void display.flush(0, 0, 0, 1600, 800);
  display.draw();
  assert.is(screen.dots()[10]?.[20], 0xc86432);
});

/** Pixels behind a row of dots, when 1600 × 800 are shown on 40 × 20: they are read in one go. */
const PART_PIXELS = 1600 * 40;

/** Counts the pixels that such a picture is asked for. */
function countReads(shown: TestPicture): () => number {
  const { pixels } = shown;
  let rows = 0;
  Object.defineProperty(shown, "pixels", {
    get: () => {
      rows++;
      return pixels;
    },
  });
  let before = 0;
  return () => {
    const parts = rows - before;
    before = rows;
    return parts * PART_PIXELS;
  };
}

terminal.run();
