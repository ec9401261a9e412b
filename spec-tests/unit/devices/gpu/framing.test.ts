// Requests and responses cut into descriptors anywhere: the device must not care (section 2.7.4).
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { BGRX, CMD, CONTROLQ, concat, ERR, msg, OK, u32At } from "../../../support/gpu-messages.ts";
import { expectOk, GpuRig, pattern } from "../../../support/gpu-rig.ts";

const full = (w: number, h: number) => ({ x: 0, y: 0, w, h });

for (const indirect of [false, true]) {
  const test = suite(indirect ? "indirect" : "direct");
  const newRig = () => new GpuRig({}, { indirect });

  test("a request cut in two at every byte", () => {
    const rig = newRig();
    const create = msg.create2d(5, BGRX, 64, 48);
    for (let cut = 1; cut < create.length; cut++) {
      const sent = rig.offer(CONTROLQ, [create.subarray(0, cut), create.subarray(cut)], [24]);
      rig.notify(CONTROLQ);
      expectOk(rig.answer(sent));
      expectOk(rig.command(msg.unref(5)));
    }
  });

  test("a request of one byte a descriptor", () => {
    const rig = newRig();
    const create = msg.create2d(5, BGRX, 64, 48);
    const sent = rig.offer(
      CONTROLQ,
      Array.from(create, (byte) => new Uint8Array([byte])),
      [24],
    );
    rig.notify(CONTROLQ);
    expectOk(rig.answer(sent));
  });

  test("entries cut at every byte, behind and inside the fixed part", () => {
    const rig = newRig();
    const pages = rig.scatter(64 * 48 * 4);
    const image = pattern(64 * 48 * 4);
    rig.fill(pages, 0, image);
    const attach = msg.attach(5, pages);
    for (let cut = 1; cut < attach.length; cut++) {
      expectOk(rig.command(msg.create2d(5, BGRX, 64, 48)));
      const sent = rig.offer(CONTROLQ, [attach.subarray(0, cut), attach.subarray(cut)], [24]);
      rig.notify(CONTROLQ);
      expectOk(rig.answer(sent));
      expectOk(rig.command(msg.transfer(5, full(64, 48), 0)));
      expectOk(rig.command(msg.setScanout(0, 5, full(64, 48))));
      assert.equal(rig.gpu.scanout(0)?.pixels, image);
      expectOk(rig.command(msg.unref(5)));
    }
  });

  test("a response cut in two at every byte", () => {
    const rig = newRig();
    for (let cut = 1; cut < 408; cut += cut < 40 ? 1 : 23) {
      const sent = rig.offer(CONTROLQ, [msg.displayInfo()], [cut, 408 - cut]);
      rig.notify(CONTROLQ);
      const answer = rig.answer(sent);
      assert.is(answer.type, OK.DISPLAY_INFO);
      assert.is(answer.written, 408);
      assert.equal([u32At(answer.bytes, 32), u32At(answer.bytes, 36)], [1280, 800]);
    }
  });

  test("a response buffer that is too short gets the beginning, and the command is done", () => {
    const rig = newRig();
    for (let room = 0; room < 24; room++) {
      const answer = rig.command(msg.create2d(100 + room, BGRX, 8, 8), room);
      assert.is(answer.written, room);
      assert.equal(
        [...answer.bytes.subarray(0, Math.min(4, room))],
        [0, 0x11, 0, 0].slice(0, Math.min(4, room)),
      );
    }
    assert.is(rig.gpu.resources().length, 24);
    for (const room of [24, 100, 400, 407]) {
      const answer = rig.command(msg.displayInfo(), room);
      assert.is(answer.written, room);
      assert.is(answer.type, OK.DISPLAY_INFO);
    }
  });

  test("a response buffer that is too long keeps its end", () => {
    const rig = newRig();
    const answer = rig.command(msg.create2d(5, BGRX, 8, 8), 100);
    assert.is(answer.written, 24);
    assert.ok(answer.bytes.subarray(24).every((byte) => byte === 0xa5));
  });

  test("a request that is too short for its command, at every length", () => {
    const rig = newRig();
    rig.resource2d(5, 64, 48);
    const requests = [
      msg.create2d(6, BGRX, 8, 8),
      msg.unref(5),
      msg.setScanout(0, 5, full(64, 48)),
      msg.flush(5, full(64, 48)),
      msg.transfer(5, full(64, 48), 0),
      msg.detach(5),
      msg.attach(5, []),
      msg.edid(0),
      msg.assignUuid(5),
      msg.createBlob(7, { size: 4096 }),
      msg.setScanoutBlob(0, 5, { w: 64, h: 48 }),
      msg.mapBlob(5, 0),
      msg.unmapBlob(5),
    ];
    for (const request of requests) {
      for (let length = 1; length < request.length; length++) {
        const answer = rig.command(request.subarray(0, length), 1056);
        assert.is(answer.type, ERR.PARAMETER);
        assert.is(answer.written, 24);
      }
    }
    assert.is(rig.gpu.resources().length, 1);
    assert.is(rig.gpu.scanout(0), null);
  });

  test("what an earlier, longer request left behind is not part of a shorter one", () => {
    const rig = newRig();
    rig.command(msg.setScanoutBlob(0, 5, { w: 64, h: 48 }));
    const answer = rig.command(concat(msg.create2d(6, BGRX, 8, 8)).subarray(0, 36));
    assert.is(answer.type, ERR.PARAMETER);
  });

  test("a request without a readable byte", () => {
    const rig = newRig();
    const sent = rig.offer(CONTROLQ, [], [24]);
    rig.notify(CONTROLQ);
    assert.is(rig.answer(sent).type, ERR.PARAMETER);
  });

  test("many commands, one notification, one interrupt", () => {
    const rig = newRig();
    const sent = [
      rig.offer(CONTROLQ, [msg.create2d(5, BGRX, 8, 8)], [24]),
      rig.offer(CONTROLQ, [msg.create2d(6, BGRX, 8, 8)], [24]),
      rig.offer(CONTROLQ, [msg.unref(5)], [24]),
    ];
    rig.notify(CONTROLQ);
    for (const each of sent) expectOk(rig.answer(each));
    assert.is(rig.interrupts[CONTROLQ], 1);
    assert.equal(
      rig.gpu.resources().map(({ id }) => id),
      [6],
    );
  });

  test("fences come back on success and on every kind of error", () => {
    const rig = newRig();
    const o = { flags: 1, fence: 0xfedcba9876543210n, ctx: 0x12345678, ring: 9 };
    const requests = [
      msg.displayInfo(o),
      msg.create2d(5, BGRX, 8, 8, o),
      msg.create2d(0, BGRX, 8, 8, o),
      msg.create2d(6, BGRX, 8, 8, o).subarray(0, 30),
      msg.unref(99, o),
      concat(new Uint8Array([0xff, 0xff, 0xff, 0xff]), msg.displayInfo(o).subarray(4)),
    ];
    for (const request of requests) {
      const answer = rig.command(request, 408);
      assert.is(answer.flags, 1);
      assert.is(answer.fence, 0xfedcba9876543210n);
      assert.is(answer.ctx, 0x12345678);
      // CONTEXT_INIT is not negotiated: there are no rings.
      assert.is(answer.ring, 0);
      assert.is(answer.padding, 0);
    }
    assert.is(rig.gpu.counters.fences, requests.length);
    const unfenced = rig.command(msg.displayInfo({ fence: 5, ctx: 7, ring: 3 }), 408);
    assert.equal([unfenced.flags, unfenced.fence, unfenced.ctx, unfenced.ring], [0, 0n, 0, 0]);
  });

  test("the padding of responses is zero, whatever was sent before", () => {
    const rig = newRig();
    rig.command(msg.edid(0), 1056);
    for (const [request, size] of [
      [msg.displayInfo(), 408],
      [msg.unref(77), 24],
    ] as const) {
      const answer = rig.command(request, size);
      assert.is(answer.padding, 0);
      for (let at = 24 + 24; at + 24 <= answer.written; at += 24) {
        assert.ok(answer.bytes.subarray(at, at + 24).every((byte) => byte === 0));
      }
    }
  });

  test.run();
}

const other = suite("shared memory");
other("everything works in memory that is shared with another thread", async () => {
  const { GuestMemory } = await import("../../../../src/memory/index.ts");
  const memory = new GuestMemory([{ base: 0, memory: new SharedArrayBuffer(32 << 20) }]);
  const rig = new GpuRig({}, { memory });
  const { pages } = rig.resource2d(5, 320, 200);
  const image = pattern(320 * 200 * 4);
  rig.fill(pages, 0, image);
  for (const r of [full(320, 200), { x: 3, y: 5, w: 64, h: 64 }, { x: 3, y: 5, w: 300, h: 64 }]) {
    expectOk(rig.command(msg.transfer(5, r, (r.y * 320 + r.x) * 4)));
  }
  expectOk(rig.command(msg.setScanout(0, 5, full(320, 200))));
  assert.equal(rig.gpu.scanout(0)?.pixels, image);
  assert.is(rig.command(msg.cursor(CMD.MOVE_CURSOR, 0, 0, 0)).type, ERR.UNSPEC);
});
other.run();
