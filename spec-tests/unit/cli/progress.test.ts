import { Writable } from "node:stream";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { Progress, type ProgressStream } from "../../../src/cli/progress.ts";

/** A terminal that keeps what is written to it. */
class Terminal extends Writable {
  readonly isTTY: boolean;
  readonly columns: number;
  text = "";

  constructor(isTTY: boolean, columns: number) {
    super();
    this.isTTY = isTTY;
    this.columns = columns;
  }

  cursorTo(): boolean {
    return true;
  }
  clearLine(): boolean {
    return true;
  }
  moveCursor(): boolean {
    return true;
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

async function show(
  terminal: Terminal,
  patienceMs: number,
  environment: NodeJS.ProcessEnv = {},
): Promise<string> {
  const progress = new Progress(terminal as unknown as ProgressStream, patienceMs, environment);
  for (const text of ["one", "two"]) {
    progress.say(text);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  progress.stop();
  return terminal.text;
}

const progress = suite("progress");

progress("on a terminal", async () => {
  const text = await show(new Terminal(true, 80), 0);
  assert.match(text, /one/);
  assert.match(text, /two/);
});

progress("not in a file, not at once, not on a terminal without columns", async () => {
  assert.is(await show(new Terminal(false, 80), 0), "");
  assert.is(await show(new Terminal(true, 80), 60_000), "");
  assert.is(await show(new Terminal(true, 0), 0), "");
  assert.is(await show(new Terminal(true, 80), 0, { TERM: "dumb" }), "");
  assert.is(await show(new Terminal(true, 80), 0, { CI: "true" }), "");
});
progress.run();
