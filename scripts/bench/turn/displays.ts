import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CanvasDisplay, type CanvasTarget } from "../../../src/backends/display/canvas/index.ts";
import { FrameRecorder } from "../../../src/backends/display/recorder/index.ts";
import { TerminalDisplay } from "../../../src/backends/display/terminal/index.ts";
import { VncServer } from "../../../src/backends/display/vnc/index.ts";
import type { Display } from "../../../src/devices/gpu/index.ts";
import { nextTurn } from "./stage.ts";

/** A display that somebody looks at. */
export interface Viewed {
  readonly display: Display;
  /** Resolves once what was shown so far is dealt with. */
  shown?(): Promise<void>;
  /** Whether nothing that was flushed waits any more. */
  idle?(): boolean;
  close?(): unknown;
}

/** As long as it takes to let everything that a display has put off come to an end, at a few frames a second. */
const SETTLE_MS = 500;

/** The VNC server, with a viewer that takes all it can get and looks at nothing. */
export async function vnc(): Promise<Viewed> {
  const display = new VncServer({ port: 0 });
  const { port } = await display.listen();
  const viewer = connect(port, "127.0.0.1");
  const ask = (): void => {
    viewer.write(Uint8Array.of(3, 1, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff));
  };
  // Version, security and shared flag, answered before they are asked for; then ZRLE.
  viewer.write("RFB 003.008\n");
  viewer.write(Uint8Array.of(1, 1));
  viewer.write(Uint8Array.of(2, 0, 0, 1, 0, 0, 0, 16));
  let heard = 0;
  viewer.on("data", () => {
    heard = performance.now();
    ask();
  });
  const quiet = (): boolean => performance.now() - heard > SETTLE_MS;
  return {
    display,
    shown: async () => {
      while (heard === 0 || !quiet()) await nextTurn();
    },
    idle: quiet,
    close: async () => {
      viewer.destroy();
      await display.close();
    },
  };
}

export async function terminal(): Promise<Viewed> {
  let written = performance.now();
  const output = {
    columns: 200,
    rows: 60,
    write: () => {
      written = performance.now();
      return true;
    },
    getColorDepth: () => 24,
    on: () => {},
    off: () => {},
  };
  const display = new TerminalDisplay({ output, restoreOnExit: false });
  return {
    display,
    idle: () => performance.now() - written > SETTLE_MS,
    close: () => display.close(),
  };
}

export async function recorder(): Promise<Viewed> {
  const folder = mkdtempSync(join(tmpdir(), "turns-"));
  const display = new FrameRecorder({ folder, format: "raw", frames: 8 });
  return {
    display,
    close: async () => {
      await display.close();
      rmSync(folder, { recursive: true });
    },
  };
}

/** A canvas that keeps nothing: what is measured is ours. */
export async function canvas(): Promise<Viewed> {
  let drawn = true;
  const target: CanvasTarget = {
    width: 0,
    height: 0,
    getContext: () => ({
      createImageData: (width, height) => ({ data: new Uint8ClampedArray(width * height * 4) }),
      putImageData: () => {},
    }),
  };
  const display = new CanvasDisplay({
    canvas: target,
    waitForFrame: true,
    schedule: (draw) => {
      drawn = false;
      setTimeout(() => {
        drawn = true;
        draw();
      }, 0);
    },
  });
  return { display, idle: () => drawn };
}
