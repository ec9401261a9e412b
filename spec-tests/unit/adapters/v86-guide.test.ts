// The example of docs/v86.md, as it stands, against the built package and a real v86.
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { V86Attachment, V86Input } from "../../../src/adapters/v86/index.ts";
import type { Display } from "../../../src/devices/gpu/index.ts";
import { buildCommandLine } from "../../support/command-line.ts";
import { buildExamples } from "../../support/guides.ts";
import { closeBoards, HandDriver, openBoard } from "../../support/v86-board.ts";

const test = suite("v86 guide");
test.after(closeBoards);

interface Saved {
  readonly machine: ArrayBuffer;
  readonly device: string;
}

/** What the guide's examples export. */
interface Guide {
  attachDevices(emulator: object, display: Display): { readonly attachment: V86Attachment };
  pacedScreen(): { readonly display: Display };
  inputOf(emulator: object): V86Input;
  saveAll(emulator: object, attachment: V86Attachment): Promise<Saved>;
  restoreAll(
    emulator: object,
    display: Display,
    saved: Saved,
  ): Promise<{ readonly attachment: V86Attachment }>;
}

test("its functions run one after the other", async () => {
  buildCommandLine();
  buildExamples();
  const guide = (await import(pathToFileURL(resolve(".build/examples/v86/machine.js")).href)) as Guide;

  const board = await openBoard();
  const { attachment } = guide.attachDevices(board.emulator, guide.pacedScreen().display);
  new HandDriver(board, attachment).start();
  assert.ok(guide.inputOf(board.emulator).key(0x61, true));
  const saved = await guide.saveAll(board.emulator, attachment);

  const other = await openBoard();
  const restored = await guide.restoreAll(other.emulator, guide.pacedScreen().display, saved);
  assert.is(restored.attachment.transport.device.status, 0xf);
});

test.run();
