import { isatty, WriteStream } from "node:tty";
import { isMainThread } from "node:worker_threads";
import { FrameRecorder } from "../../backends/display/recorder/index.ts";
import { TerminalDisplay, type TerminalOutput } from "../../backends/display/terminal/index.ts";
import { VncServer } from "../../backends/display/vnc/index.ts";
import { VirtioUsageError } from "../../base/errors.ts";
import type { Display } from "../../devices/gpu/index.ts";
import { UsageError } from "../usage-error.ts";
import { type DisplaySpec, parseDisplaySpec } from "./display-spec.ts";

const STDOUT = 1;

/** A display that somebody can look at. */
export interface LiveDisplay {
  readonly display: Display;
  /** What the user does to see it, as a sentence; empty where that is plain. */
  readonly hint: string;
  /** The terminal has another size. Only needed outside of the main thread. */
  resize(columns: number, rows: number): void;
  /** Finishes what is under way; the result says in a few words what became of it. */
  close(): Promise<string>;
}

/**
 * Makes the display that `--display` names. It may be called in any thread. Throws {@link UsageError} when there is no
 * such display, or when it cannot be had: the port is in use, the folder cannot be written, there is no terminal.
 */
export async function createDisplay(spec: string | DisplaySpec): Promise<LiveDisplay> {
  const parsed = typeof spec === "string" ? parseDisplaySpec(spec) : spec;
  try {
    switch (parsed.kind) {
      case "vnc":
        return await serveVnc(parsed.host, parsed.port);
      case "terminal":
        return drawInTerminal();
      case "png":
        return record(parsed.folder);
    }
  } catch (error) {
    if (!(error instanceof VirtioUsageError)) throw error;
    throw new UsageError(`--display ${parsed.kind}: ${error.message}. Choose another.`);
  }
}

async function serveVnc(host: string, port: number): Promise<LiveDisplay> {
  const display = new VncServer({ host, port, name: "virtio-emulator" });
  const address = await display.listen();
  const name = address.host.includes(":") ? `[${address.host}]` : address.host;
  return {
    display,
    hint: `VNC server on ${name}:${address.port}; look at it with: vncviewer ${name}::${address.port}`,
    resize: () => {},
    close: async () => {
      await display.close();
      const { connections, updates, bytesSent } = display.counters;
      const megabytes = (bytesSent / 1e6).toFixed(1);
      return `VNC connections: ${connections}, updates: ${updates}, ${megabytes} MB`;
    },
  };
}

function drawInTerminal(): LiveDisplay {
  if (!isatty(STDOUT)) {
    throw new UsageError("--display terminal: standard output is not a terminal. Choose vnc or png.");
  }
  // Signals, the end of the process and the terminal's size are the main thread's business.
  const output = isMainThread ? null : new TerminalOfThread();
  const display = new TerminalDisplay(output === null ? {} : { output, restoreOnExit: false });
  return {
    display,
    hint: "",
    resize: (columns, rows) => output?.resize(columns, rows),
    close: async () => {
      display.draw();
      display.close();
      await output?.end();
      return `terminal: ${display.frames} frames, ${display.charactersWritten} characters`;
    },
  };
}

function record(folder: string): LiveDisplay {
  const display = new FrameRecorder({ folder });
  return {
    display,
    hint: "",
    resize: () => {},
    close: async () => {
      const { recorded } = await display.close().catch((error: Error) => {
        throw new UsageError(`--display png: ${error.message}. Choose another folder.`);
      });
      return `${recorded.length} frames in ${display.folder}`;
    },
  };
}

/** Standard output as a terminal in a thread that is not told when its size changes. */
class TerminalOfThread implements TerminalOutput {
  readonly #stream = new WriteStream(STDOUT);
  readonly #listeners = new Set<() => void>();
  #columns: number;
  #rows: number;

  constructor() {
    this.#columns = this.#stream.columns;
    this.#rows = this.#stream.rows;
  }

  get columns(): number {
    return this.#columns;
  }

  get rows(): number {
    return this.#rows;
  }

  getColorDepth(): number {
    return this.#stream.getColorDepth();
  }

  write(text: string): boolean {
    return this.#stream.write(text);
  }

  on(event: "resize" | "drain", listener: () => void): void {
    if (event === "resize") this.#listeners.add(listener);
    else this.#stream.on("drain", listener);
  }

  off(event: "resize" | "drain", listener: () => void): void {
    if (event === "resize") this.#listeners.delete(listener);
    else this.#stream.off("drain", listener);
  }

  resize(columns: number, rows: number): void {
    this.#columns = columns;
    this.#rows = rows;
    for (const listener of this.#listeners) listener();
  }

  /** Waits until everything is written. */
  end(): Promise<void> {
    return new Promise((resolve) => void this.#stream.write("", () => resolve()));
  }
}
