// Requests and responses cut into descriptors anywhere: the device must not care (section 2.7.4).
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { FILLER } from "../../../../src/testing/index.ts";
import { RERR, ROK, readImport, renderHeader, rmsg } from "../../../support/render-messages.ts";
import { ARGB, COMMANDQ, expectRender, RenderRig } from "../../../support/render-rig.ts";

/** Every command, in an order in which all succeed; `again` undoes what would stand in the way of a repetition. */
function script(uuid: Uint8Array, pages: readonly (readonly [number, number])[]) {
  const layout = { format: ARGB, width: 8, height: 4, stride: 36, offset: 20 };
  return [
    rmsg.ctxCreate({ ctx: 77 }),
    rmsg.importUuid(1, uuid, { width: 8, height: 4 }),
    rmsg.importPages(2, pages, layout),
    rmsg.getImport(2),
    rmsg.fill(1, 0xff000011, [1, 0, 8, 4], { ctx: 77 }),
    rmsg.gradient(2, [0, 0, 8, 4], [0, 0, 7, 3], [0xff000000, 0xffffffff]),
    rmsg.triangle(2, 1234, [0, 0, 8, 4], [0xffff0000, 0xff00ff00, 0xff0000ff]),
    rmsg.blit(1, 2, 2, 1, [0, 0, 5, 3]),
    rmsg.nop({ ctx: 77 }),
    rmsg.release(1),
    rmsg.release(2),
    rmsg.ctxDestroy({ ctx: 77 }),
  ];
}

for (const indirect of [false, true]) {
  const test = suite(indirect ? "render: indirect" : "render: direct");
  const newRig = () => {
    const rig = new RenderRig({}, { indirect });
    const { uuid, content } = rig.export(8, 4);
    const pages: [number, number][] = [4096, 100, 4096].map((length) => [rig.allocate(8192, 4096), length]);
    return { rig, content, requests: script(uuid, pages) };
  };
  /** What the commands draw and answer in one piece. */
  const reference = (() => {
    const { rig, content, requests } = newRig();
    const answers = requests.map((request) => rig.command(request).bytes);
    return { pixels: content.pixels.slice(), answers };
  })();

  test("every request cut in two at every byte", () => {
    const { rig, content, requests } = newRig();
    for (const cut of Array.from({ length: 111 }, (_, i) => i + 1)) {
      for (const [i, request] of requests.entries()) {
        const parts = cut < request.length ? [request.subarray(0, cut), request.subarray(cut)] : [request];
        const sent = rig.offer(COMMANDQ, parts, [64]);
        rig.notify(COMMANDQ);
        assert.equal(rig.answer(sent).bytes, reference.answers[i], `command ${i} cut at ${cut}`);
      }
      assert.equal(content.pixels, reference.pixels, `cut at ${cut}`);
    }
  });

  test("every request in descriptors of one byte", () => {
    const { rig, content, requests } = newRig();
    for (const [i, request] of requests.entries()) {
      if (!indirect && request.length > 60) {
        expectRender(rig.command(request), i === 2 || i === 1 ? ROK.IMPORT : ROK.PLAIN);
        continue;
      }
      const parts = Array.from(request, (byte) => new Uint8Array([byte]));
      const sent = rig.offer(COMMANDQ, parts, [64]);
      rig.notify(COMMANDQ);
      assert.equal(rig.answer(sent).bytes, reference.answers[i], `command ${i}`);
    }
    assert.equal(content.pixels, reference.pixels);
  });

  test("a response cut in two at every byte", () => {
    const { rig, requests } = newRig();
    for (const request of requests.slice(0, 3)) rig.command(request);
    for (let cut = 1; cut < 64; cut++) {
      const sent = rig.offer(COMMANDQ, [rmsg.getImport(2)], [cut, 64 - cut]);
      rig.notify(COMMANDQ);
      assert.equal(rig.answer(sent).bytes, reference.answers[3], `cut at ${cut}`);
      assert.is(readImport(rig.answer(sent)).size, 8292n);
    }
  });

  test("a response that does not fit is cut off, and the command done; nothing is written behind it", () => {
    const { rig, requests } = newRig();
    for (const request of requests.slice(0, 3)) rig.command(request);
    const whole = reference.answers[3] as Uint8Array;
    for (let room = 0; room < 64; room++) {
      const answer = rig.command(rmsg.getImport(2), room);
      assert.is(answer.written, room);
      assert.equal(answer.bytes.subarray(0, room), whole.subarray(0, room));
    }
    const longer = rig.command(rmsg.getImport(2), 100);
    assert.is(longer.written, 64);
    assert.ok(longer.bytes.subarray(64).every((byte) => byte === FILLER));
    const error = rig.command(rmsg.getImport(9), 100);
    assert.is(error.written, 24);
    assert.ok(error.bytes.subarray(24).every((byte) => byte === FILLER));
    assert.is(rig.command(rmsg.release(2), 0).written, 0);
    assert.is(rig.type(rmsg.getImport(2)), RERR.IMPORT);
  });

  test("requests shorter than their struct are refused, longer ones are not", () => {
    const { rig, content, requests } = newRig();
    for (const [i, request] of requests.entries()) {
      const struct = i === 2 ? 64 : request.length;
      for (let length = 1; length < struct; length++) {
        const answer = rig.command(request.subarray(0, length));
        assert.is(answer.type, RERR.LENGTH, `command ${i}, ${length} bytes`);
        assert.is(answer.written, 24);
      }
      const longer = new Uint8Array(request.length + 9).fill(0xee);
      longer.set(request);
      assert.equal(rig.command(longer).bytes, reference.answers[i], `command ${i}`);
    }
    assert.equal(content.pixels, reference.pixels);
  });

  test("a buffer without a request", () => {
    const { rig } = newRig();
    const sent = rig.offer(COMMANDQ, [], [64]);
    rig.notify(COMMANDQ);
    const answer = rig.answer(sent);
    assert.is(answer.type, RERR.LENGTH);
    assert.equal([...answer.bytes.subarray(4, 24)], Array(20).fill(0));
  });

  test("a header that is cut off has no fence; one that is there has, whatever follows", () => {
    const { rig } = newRig();
    const fenced = renderHeader(0xe201, { fence: 3 });
    assert.is(rig.command(fenced.subarray(0, 23)).flags, 0);
    const answer = rig.command(fenced);
    assert.equal([answer.type, answer.flags, answer.fence], [RERR.LENGTH, 1, 3n]);
  });

  test.run();
}
