// Keys and pointer of a viewer on their way into v86.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { connectInput, type V86InputOptions } from "../../../src/adapters/v86/index.ts";
import { VirtioUsageError } from "../../../src/base/index.ts";
import { closeBoards, openBoard } from "../../support/v86-board.ts";

const test = suite("v86 input");
test.after(closeBoards);

function rig(screens: V86InputOptions["screens"] = [{ widthPixels: 800, heightPixels: 600 }]) {
  const sent: [string, unknown][] = [];
  const input = connectInput(
    { bus: { send: (name: string, value: unknown) => sent.push([name, value]) } },
    { screens },
  );
  return { input, take: () => sent.splice(0) };
}

const keysym = (character: string): number => character.charCodeAt(0);

test("keys become scan codes of set 1", () => {
  const { input, take } = rig();
  const codes = (...keysyms: number[]): unknown[] => {
    for (const each of keysyms) input.key(each, true);
    for (const each of keysyms) input.key(each, false);
    return take().map(([, code]) => code);
  };
  assert.equal(codes(keysym("a")), [0x1e, 0x9e]);
  assert.equal(codes(0xffe1, keysym("A")), [0x2a, 0x1e, 0xaa, 0x9e]);
  assert.equal(codes(keysym("!")), [0x02, 0x82]);
  assert.equal(codes(keysym("|")), [0x2b, 0xab]);
  assert.equal(codes(keysym("/")), [0x35, 0xb5]);
  assert.equal(codes(keysym("`")), [0x29, 0xa9]);
  assert.equal(codes(0xff0d), [0x1c, 0x9c]);
  assert.equal(codes(0xff51), [0xe0, 0x4b, 0xe0, 0xcb]);
  assert.equal(codes(0xffbe, 0xffc7, 0xffc8, 0xffc9), [0x3b, 0x44, 0x57, 0x58, 0xbb, 0xc4, 0xd7, 0xd8]);
  assert.equal(codes(0xffb0, 0xffb9), [0x52, 0x49, 0xd2, 0xc9]);
});

test("a key that is held repeats, one that was never pressed is not let go, unknown ones are said", () => {
  const { input, take } = rig();
  assert.ok(input.key(keysym("a"), false));
  assert.not(input.key(0x1000123, true));
  assert.equal(take(), []);
  input.key(keysym("a"), true);
  input.key(keysym("a"), true);
  assert.equal(take().length, 2);
  input.pointer(0, 0, 0, 1);
  take();
  input.releaseAll();
  assert.equal(take(), [
    ["keyboard-code", 0x9e],
    ["mouse-click", [false, false, false]],
  ]);
  input.releaseAll();
  assert.equal(take(), []);
});

test("the pointer moves both mice; buttons and wheel are told apart", () => {
  const { input, take } = rig();
  input.pointer(0, 10, 20, 0);
  assert.equal(take(), [
    ["mouse-delta", [10, -20]],
    ["mouse-absolute", [10, 20, 800, 600]],
  ]);
  input.pointer(0, 10, 20, 4);
  assert.equal(take(), [["mouse-click", [false, false, true]]]);
  input.pointer(0, 10, 20, 4 + 8);
  assert.equal(take(), [["mouse-wheel", [1, 0]]]);
  input.pointer(0, 10, 20, 4);
  input.pointer(0, 10, 20, 4 + 16);
  assert.equal(take(), [["mouse-wheel", [-1, 0]]]);
  input.pointer(0, 9, 25, 1);
  assert.equal(take(), [
    ["mouse-delta", [-1, -5]],
    ["mouse-absolute", [9, 25, 800, 600]],
    ["mouse-click", [true, false, false]],
  ]);
});

test("on several screens the absolute pointer counts over all of them, as they are now", () => {
  const screens = [
    { widthPixels: 800, heightPixels: 600 },
    { x: 800, y: -100, widthPixels: 400, heightPixels: 300 },
  ];
  const { input, take } = rig(() => screens);
  input.pointer(1, 5, 6, 0);
  assert.equal(take()[1], ["mouse-absolute", [805, 6, 1200, 700]]);
  screens.pop();
  input.pointer(0, 1, 1, 0);
  assert.equal(take()[1], ["mouse-absolute", [1, 1, 800, 600]]);
});

test("v86's own keyboard gets them", async () => {
  const { emulator, cpu } = await openBoard();
  const input = connectInput(emulator, { screens: [{}] });
  const enableScanning = 0xf4;
  cpu.io.port_write8(0x60, enableScanning);
  const acknowledged = cpu.io.port_read8(0x60);
  assert.is(acknowledged, 0xfa);
  input.key(0xff53, true);
  assert.equal([cpu.io.port_read8(0x60), cpu.io.port_read8(0x60)], [0xe0, 0x4d]);
});

test("what is not v86 is refused", () => {
  const isRefused = (error: unknown) => error instanceof VirtioUsageError;
  assert.throws(() => connectInput({}, { screens: [] }), isRefused);
  assert.throws(() => connectInput({ bus: { send() {} } }, { screens: 5 as never }), isRefused);
});

test.run();
