import { test } from "uvu";
import * as assert from "uvu/assert";
import type { CursorImage } from "../../../../../src/devices/gpu/index.ts";
import { BGRA, CMD, CURSORQ, ERR, msg, OK } from "../../../../support/gpu-messages.ts";
import { expectOk, GpuRig, pattern } from "../../../../support/gpu-rig.ts";

const full = (w: number, h: number) => ({ x: 0, y: 0, w, h });

function withImage(rig: GpuRig, id: number, seed: number): Uint8Array {
  const { pages } = rig.resource2d(id, 64, 64, BGRA);
  const image = pattern(64 * 64 * 4, seed);
  rig.fill(pages, 0, image);
  expectOk(rig.command(msg.transfer(id, full(64, 64), 0)));
  return image;
}

test("an image is shown, moved without a response, and hidden", () => {
  const rig = new GpuRig();
  const image = withImage(rig, 5, 1);
  const update = rig.cursorCommand(msg.cursor(CMD.UPDATE_CURSOR, 0, 100, 200, 5, 3, 4));
  assert.is(update.written, 0);
  const cursor = rig.display.screen(0).cursor as CursorImage;
  assert.equal([cursor.x, cursor.y, cursor.hotX, cursor.hotY, cursor.format], [100, 200, 3, 4, BGRA]);
  assert.equal(cursor.pixels, image);
  assert.is(rig.cursorCommand(msg.cursor(CMD.MOVE_CURSOR, 0, 101, 202, 5)).written, 0);
  assert.equal([rig.display.screen(0).cursorX, rig.display.screen(0).cursorY], [101, 202]);
  assert.is(rig.display.screen(0).cursorChanges, 1);
  // Linux hides with all fields zero.
  rig.cursorCommand(msg.cursor(CMD.UPDATE_CURSOR, 0, 0, 0));
  assert.is(rig.gpu.cursor(0), null);
  assert.is(rig.display.screen(0).cursor, null);
  assert.is(rig.interrupts[CURSORQ], 3);
});

test("positions are two's complement", () => {
  const rig = new GpuRig();
  withImage(rig, 5, 1);
  rig.cursorCommand(msg.cursor(CMD.UPDATE_CURSOR, 0, -5, -7, 5));
  assert.equal([rig.display.screen(0).cursorX, rig.display.screen(0).cursorY], [-5, -7]);
  rig.cursorCommand(msg.cursor(CMD.MOVE_CURSOR, 0, -63, -2147483648));
  assert.equal([rig.display.screen(0).cursorX, rig.display.screen(0).cursorY], [-63, -2147483648]);
});

test("MOVE_CURSOR ignores everything but the position", () => {
  const rig = new GpuRig();
  withImage(rig, 5, 1);
  rig.cursorCommand(msg.cursor(CMD.UPDATE_CURSOR, 0, 1, 1, 5, 2, 2));
  const answer = rig.cursorCommand(msg.cursor(CMD.MOVE_CURSOR, 0, 9, 9, 0xdead, 50, 50), 24);
  assert.is(answer.type, OK.NODATA);
  assert.equal([rig.gpu.cursor(0)?.hotX, rig.gpu.cursor(0)?.x], [2, 9]);
});

test("each scanout has its own cursor", () => {
  const rig = new GpuRig({ displays: [{}, {}] });
  const first = withImage(rig, 5, 1);
  const second = withImage(rig, 6, 2);
  rig.cursorCommand(msg.cursor(CMD.UPDATE_CURSOR, 0, 1, 1, 5));
  rig.cursorCommand(msg.cursor(CMD.UPDATE_CURSOR, 1, 2, 2, 6));
  assert.equal(rig.gpu.cursor(0)?.pixels, first);
  assert.equal(rig.gpu.cursor(1)?.pixels, second);
});

test("the image is a copy: drawing, detaching and freeing the resource does not touch it", () => {
  const rig = new GpuRig();
  const image = withImage(rig, 5, 1);
  rig.cursorCommand(msg.cursor(CMD.UPDATE_CURSOR, 0, 1, 1, 5));
  expectOk(rig.command(msg.detach(5)));
  expectOk(rig.command(msg.unref(5)));
  assert.equal(rig.gpu.cursor(0)?.pixels, image);
  rig.cursorCommand(msg.cursor(CMD.MOVE_CURSOR, 0, 2, 2));
  assert.equal(rig.gpu.cursor(0)?.pixels, image);
});

test("errors: scanout, resource, size, length", () => {
  const rig = new GpuRig();
  withImage(rig, 5, 1);
  rig.resource2d(6, 63, 64);
  const type = (request: Uint8Array) => rig.cursorCommand(request, 24).type;
  assert.is(type(msg.cursor(CMD.UPDATE_CURSOR, 1, 0, 0, 5)), ERR.SCANOUT);
  assert.is(type(msg.cursor(CMD.UPDATE_CURSOR, 16, 0, 0, 0)), ERR.SCANOUT);
  assert.is(type(msg.cursor(CMD.MOVE_CURSOR, 0xffffffff, 0, 0)), ERR.SCANOUT);
  assert.is(type(msg.cursor(CMD.UPDATE_CURSOR, 0, 0, 0, 99)), ERR.RESOURCE);
  assert.is(type(msg.cursor(CMD.UPDATE_CURSOR, 0, 0, 0, 6)), ERR.PARAMETER);
  for (let length = 0; length < 56; length++) {
    assert.is(type(msg.cursor(CMD.UPDATE_CURSOR, 0, 0, 0, 5).subarray(0, length)), ERR.PARAMETER);
  }
  assert.is(rig.gpu.cursor(0), null);
  assert.is(rig.display.screen(0).cursorMoves, 0);
});

test("a blob holds a cursor when it is large enough", () => {
  const rig = new GpuRig();
  const pages = rig.scatter(16384);
  const image = pattern(16384, 3);
  rig.fill(pages, 0, image);
  expectOk(rig.command(msg.createBlob(7, { size: 16384, entries: pages })));
  expectOk(rig.command(msg.createBlob(8, { size: 8192, entries: pages.slice(0, 2) })));
  expectOk(rig.command(msg.createBlob(9, { size: 16384 })));
  const type = (id: number) => rig.cursorCommand(msg.cursor(CMD.UPDATE_CURSOR, 0, 0, 0, id), 24).type;
  assert.is(type(7), OK.NODATA);
  assert.equal(rig.gpu.cursor(0)?.pixels, image);
  assert.is(rig.gpu.cursor(0)?.format, BGRA);
  assert.is(type(8), ERR.PARAMETER);
  assert.is(type(9), ERR.UNSPEC);
});

test("what is missing of an image shows nothing, not the image before", () => {
  const rig = new GpuRig({ policy: { entryOutsideMemory: OK.NODATA } });
  withImage(rig, 5, 1);
  rig.cursorCommand(msg.cursor(CMD.UPDATE_CURSOR, 0, 1, 1, 5));
  const page = rig.allocate(4096, 4096);
  rig.memory.view(page, 4096).fill(7);
  const missing = [2 ** 33, 12288] as const;
  expectOk(rig.command(msg.createBlob(8, { size: 16384, entries: [[page, 4096], missing] })));
  rig.cursorCommand(msg.cursor(CMD.UPDATE_CURSOR, 0, 1, 1, 8));
  const pixels = rig.gpu.cursor(0)?.pixels as Uint8Array;
  assert.ok(pixels.subarray(0, 4096).every((byte) => byte === 7));
  assert.ok(pixels.subarray(4096).every((byte) => byte === 0));
});

test("with qemu MOVE_CURSOR of resource 0 hides the cursor, of any other shows it as it was", () => {
  for (const profile of ["spec", "qemu", "crosvm"] as const) {
    const rig = new GpuRig({ profile });
    const image = withImage(rig, 5, 1);
    const move = (x: number, id: number) => rig.cursorCommand(msg.cursor(CMD.MOVE_CURSOR, 0, x, 1, id), 24);
    move(1, 5);
    assert.is(rig.gpu.cursor(0), null, "there is no image yet");
    rig.cursorCommand(msg.cursor(CMD.UPDATE_CURSOR, 0, 2, 1, 5));
    move(3, 0);
    assert.is(rig.gpu.cursor(0) === null, profile === "qemu", profile);
    assert.is(rig.display.screen(0).cursor === null, profile === "qemu", profile);
    move(4, 9);
    assert.is(rig.gpu.cursor(0)?.x, 4);
    assert.equal(rig.gpu.cursor(0)?.pixels, image);
    rig.device.writeStatus(0);
    assert.is(rig.gpu.cursor(0), null);
  }
});

test("a hidden cursor is where the driver put it last: by hiding it, by moving it, at 0 after a reset", () => {
  const rig = new GpuRig();
  withImage(rig, 5, 1);
  const position = () => {
    const state = rig.device.save() as unknown as {
      readonly type: { readonly cursors: readonly { x: number; y: number }[] };
    };
    const { x, y } = state.type.cursors[0] as { x: number; y: number };
    return [x, y];
  };
  rig.cursorCommand(msg.cursor(CMD.UPDATE_CURSOR, 0, 1, 2, 5));
  rig.cursorCommand(msg.cursor(CMD.UPDATE_CURSOR, 0, 33, 44, 0));
  assert.is(rig.gpu.cursor(0), null);
  assert.equal(position(), [33, 44]);
  rig.cursorCommand(msg.cursor(CMD.MOVE_CURSOR, 0, 55, 66));
  assert.is(rig.gpu.cursor(0), null);
  assert.equal(position(), [55, 66]);
  rig.device.writeStatus(0);
  assert.equal(position(), [0, 0]);
});

test("a device without a display still keeps the cursor", () => {
  const rig = new GpuRig({ display: { setScanout() {}, flush() {} } as never });
  const image = withImage(rig, 5, 1);
  rig.cursorCommand(msg.cursor(CMD.UPDATE_CURSOR, 0, 1, 1, 5));
  assert.equal(rig.gpu.cursor(0)?.pixels, image);
});

test("a reset takes the cursor away", () => {
  const rig = new GpuRig();
  withImage(rig, 5, 1);
  rig.cursorCommand(msg.cursor(CMD.UPDATE_CURSOR, 0, 1, 1, 5));
  rig.device.writeStatus(0);
  assert.is(rig.display.screen(0).cursor, null);
  assert.is(rig.gpu.cursor(0), null);
});

test.run();
