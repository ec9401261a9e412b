// The render device and its driver, over both transports and both kinds of rings.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { parseUuid } from "../../../src/device/index.ts";
import {
  type DriverError,
  type DriverQueue,
  ElementList,
  MemEntryList,
  RenderCommandError,
  RenderDriver,
} from "../../../src/driver/index.ts";
import {
  VIRTIO_F_EVENT_IDX,
  VIRTIO_F_IN_ORDER,
  VIRTIO_F_INDIRECT_DESC,
  VIRTIO_F_RING_PACKED,
  VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM,
  VIRTIO_RENDER_RESP_ERR_IMPORT,
} from "../../../src/wire/index.ts";
import { type RenderAnswer, ROK, readAnswer, rmsg } from "../../support/render-messages.ts";
import { FakeExport } from "../../support/render-rig.ts";
import { ShareMachine, type ShareOptions } from "../../support/share-machine.ts";

const ARGB = VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM;
const UUID = parseUuid("11111111-2222-4333-8444-555555555555");
const WHOLE = { x: 0, y: 0, width: 64, height: 48 };

function start(options: ShareOptions = {}) {
  const machine = new ShareMachine(options);
  const content = new FakeExport(64 * 48 * 4, {
    widthPixels: 64,
    heightPixels: 48,
    format: ARGB,
    strideBytes: 256,
  });
  const object = machine.registry.publish(UUID, content);
  const render = RenderDriver.start(machine.renderDriver);
  return { machine, content, object, render };
}

for (const transport of ["mmio", "pci"] as const) {
  for (const [ring, without] of [
    ["split", [VIRTIO_F_RING_PACKED, VIRTIO_F_IN_ORDER]],
    ["packed", [VIRTIO_F_IN_ORDER]],
    ["split, in order", [VIRTIO_F_RING_PACKED]],
    [
      "packed, direct, without event indexes",
      [VIRTIO_F_INDIRECT_DESC, VIRTIO_F_EVENT_IDX, VIRTIO_F_IN_ORDER],
    ],
  ] as const) {
    for (const timed of [false, true]) {
      const test = suite(`render driver: ${transport}, ${ring}${timed ? ", drawing takes time" : ""}`);
      const setUp = () => start({ transport, without, timed, msix: transport === "pci" });

      test("every command, one after the other", () => {
        const { machine, content, object, render } = setUp();
        const state = render.importUuid(1, UUID);
        assert.equal(state, {
          layout: { format: ARGB, width: 64, height: 48, strideBytes: 256, offsetBytes: 0 },
          sizeBytes: 12288,
          readOnly: false,
          revoked: false,
          inGuestMemory: false,
        });
        const pages = machine.allocator.allocatePages(4);
        const layout = { format: ARGB, width: 64, height: 48, strideBytes: 256, offsetBytes: 100 };
        const entries = MemEntryList.ofPages(pages);
        const paged = render.importPages(2, entries, layout, { readOnly: true });
        assert.equal([paged.layout, paged.readOnly, paged.inGuestMemory], [layout, true, true]);
        render.ctxCreate(5);
        render.fill(1, 0xff102030, WHOLE, { contextId: 5 });
        assert.ok(content.pixels.every((pixel) => pixel === 0xff102030));
        pages.fillWords(100, 64 * 48, 0xffabcdef);
        render.blit(1, 2, { x: 60, y: -1 }, { x: 0, y: 0, width: 64, height: 3 });
        assert.is(content.pixels[60], 0xffabcdef);
        assert.is(content.pixels[59], 0xff102030);
        assert.is(content.pixels[2 * 64 + 63], 0xff102030);
        render.gradient(
          1,
          { x: 0, y: 0, width: 64, height: 1 },
          [
            { x: 0, y: 0 },
            { x: 63, y: 0 },
          ],
          [0xff000000, 0xff3f3f3f],
        );
        assert.is(content.pixels[40], 0xff282828);
        render.triangle(1, 0, WHOLE, [0xffffffff, 0xffffffff, 0xffffffff]);
        assert.is(content.pixels[24 * 64 + 32], 0xffffffff);
        render.nop();
        assert.is(render.getImport(1).sizeBytes, 12288);
        render.ctxDestroy(5);
        render.release(1);
        render.release(2);
        assert.is(object.users, 0);
        assert.is(render.requests.channel.outstanding, 0);
        machine.allocator.freePages(pages);
        render.close();
        assert.is(machine.allocator.liveAllocations, 0);
      });

      test("batches: one notification, fences in order, more than the ring has room for", () => {
        const { machine, content, render } = setUp();
        render.importUuid(1, UUID);
        const before = render.requests.channel.queue.notifications;
        const order: number[] = [];
        const replies = Array.from({ length: 300 }, (_, i) => {
          const reply = render.requests.fill(1, i, { x: i % 64, y: Math.floor(i / 64), width: 1, height: 1 });
          reply.onDone(() => order.push(i));
          return reply;
        });
        assert.is(render.requests.channel.queue.notifications, before);
        assert.is(render.requests.channel.outstanding, 300);
        render.wait(replies[299] as (typeof replies)[0]);
        assert.equal(
          order,
          Array.from({ length: 300 }, (_, i) => i),
        );
        assert.ok(replies.every(({ error, done }) => done && error === null));
        assert.equal(
          replies.map(({ fenceId }) => fenceId),
          Array.from({ length: 300 }, (_, i) => i + 1),
        );
        assert.equal(
          [...content.pixels.subarray(0, 300)],
          Array.from({ length: 300 }, (_, i) => i),
        );
        render.close();
        assert.is(machine.allocator.liveAllocations, 0);
      });

      test("requests and responses cut in two at every byte", () => {
        const machine = new ShareMachine({ transport, without, timed, msix: transport === "pci" });
        const content = new FakeExport(64 * 48 * 4, null);
        machine.registry.publish(UUID, content);
        const driver = machine.renderDriver;
        driver.initialize({
          deviceId: 62,
          features: [0, 1],
          refuse: [],
          setUp: () => void driver.setUpQueue({ index: 0, name: "commandq" }),
        });
        const queue = driver.queue(0) as DriverQueue;
        const elements = new ElementList(4);
        const out = machine.allocator.allocate(256);
        const back = machine.allocator.allocate(64);
        const send = (request: Uint8Array, cut: number, responseCut: number): RenderAnswer => {
          out.region.u8.set(request, out.offset);
          elements.clear();
          elements.readableBuffer(out, 0, cut);
          elements.readableBuffer(out, cut, request.length - cut);
          elements.writableBuffer(back, 0, responseCut);
          elements.writableBuffer(back, responseCut, 64 - responseCut);
          assert.ok(queue.add(elements) >= 0);
          queue.kick();
          queue.waitUsedSync();
          assert.ok(queue.pollUsed() >= 0);
          const bytes = new Uint8Array(out.region.u8.slice(back.offset, back.offset + 64));
          return readAnswer(bytes, queue.ring.lastWritten);
        };
        const layout = { format: ARGB, width: 64, height: 48 };
        for (let cut = 1; cut < 72; cut++) {
          const responseCut = 1 + (cut % 63);
          const at = (length: number) => Math.min(cut, length - 1);
          assert.is(send(rmsg.importUuid(1, UUID, layout), at(72), responseCut).type, ROK.IMPORT);
          const fill = send(rmsg.fill(1, cut, [0, 0, 64, 2], { fence: cut }), at(48), responseCut);
          assert.equal([fill.type, fill.fence, fill.written], [ROK.PLAIN, BigInt(cut), 24]);
          assert.is(content.pixels[127], cut);
          assert.is(send(rmsg.release(1), at(32), responseCut).type, ROK.PLAIN);
        }
      });

      test("as promises", async () => {
        const { machine, content, render } = setUp();
        const imported = render.requests.importUuid(1, UUID);
        const filled = render.requests.fill(1, 7, WHOLE);
        const waiting = Promise.all([render.settled(imported), render.settled(filled)]);
        machine.clock.advance(100);
        const [state] = await waiting;
        assert.is(state.layout.width, 64);
        assert.ok(content.pixels.every((pixel) => pixel === 7));
      });

      test.run();
    }
  }
}

const driver = suite("render driver");

driver("errors by their names", () => {
  const { render } = start();
  const attempt = (act: () => void): RenderCommandError => {
    try {
      act();
    } catch (error) {
      if (error instanceof RenderCommandError) return error;
      throw error;
    }
    throw new Error("nothing was thrown");
  };
  const missing = attempt(() => render.fill(3, 0, WHOLE));
  assert.is(missing.code, "EINVAL");
  assert.is(missing.response, VIRTIO_RENDER_RESP_ERR_IMPORT);
  assert.is(missing.message, "EINVAL: VIRTIO_RENDER_CMD_FILL: VIRTIO_RENDER_RESP_ERR_IMPORT");
  assert.is(attempt(() => render.importUuid(3, new Uint8Array(16))).code, "ENOENT");
  render.importUuid(1, UUID, null, { readOnly: true });
  assert.is(attempt(() => render.fill(1, 0, WHOLE)).code, "EACCES");
  const reply = render.requests.fill(9, 0, WHOLE, { fence: false });
  assert.throws(() => reply.value, /EBUSY/);
  render.kick();
  assert.is(reply.error?.code, "EINVAL");
  assert.throws(() => reply.value, /ERR_IMPORT/);
});

driver("features and limits", () => {
  const machine = new ShareMachine({
    render: { importPages: false, limits: { maxImports: 1, maxContexts: 2 } },
  });
  const render = RenderDriver.start(machine.renderDriver);
  assert.equal(render.config, {
    eventsRead: 0,
    maxImports: 1,
    maxContexts: 2,
    maxCommands: 256,
    maxDimension: 16384,
    maxEntries: 16384,
    maxImportBytes: BigInt(64 << 20),
  });
  const code = (act: () => void): string => {
    try {
      act();
      return "";
    } catch (error) {
      return (error as DriverError).code;
    }
  };
  const layout = { format: ARGB, width: 8, height: 8, strideBytes: 32 };
  assert.is(
    code(() => render.importPages(1, new MemEntryList(), layout)),
    "EOPNOTSUPP",
  );
  render.ctxCreate(render.newContextId());
  assert.is(
    code(() => render.ctxCreate(render.newContextId())),
    "ENOSPC",
  );
  const refusing = RenderDriver.start(new ShareMachine().renderDriver, { refuse: [0] });
  assert.is(
    code(() => refusing.importUuid(1, UUID)),
    "EOPNOTSUPP",
  );
});

driver("fences count anew in a context that was destroyed and made again", () => {
  const { render } = start();
  render.ctxCreate(3);
  render.nop({ contextId: 3 });
  render.nop({ contextId: 3 });
  render.ctxDestroy(3);
  render.ctxCreate(3);
  assert.is(render.requests.channel.lastFence(3), 0);
  render.nop({ contextId: 3 });
  render.nop();
  assert.is(render.requests.channel.lastFence(0), 1);
});

driver("an object that is taken away announces itself", () => {
  const { render, object } = start();
  render.importUuid(1, UUID);
  let told = 0;
  render.onRevoked = () => told++;
  object.revoke();
  assert.is(told, 1);
  assert.is(render.config.eventsRead, 0);
  assert.equal(render.getImport(1).revoked, true);
  assert.is(render.handleEvents(), 0);
});

driver("closing the driver with commands under way: nobody waits for ever", () => {
  const { machine, render } = start({ timed: true });
  render.importUuid(1, UUID);
  const replies = Array.from({ length: 200 }, () => render.requests.fill(1, 0, WHOLE));
  render.kick();
  let told = 0;
  for (const reply of replies) reply.onDone(() => told++);
  assert.is(told, 0);
  render.close();
  assert.is(told, 200);
  assert.ok(replies.every(({ error }) => error?.code === "ECANCELED"));
  assert.is(machine.allocator.liveAllocations, 0);
  assert.throws(() => render.requests.nop(), /ECANCELED/);
  render.close();
});

driver("a device that needs a reset: waiting ends", () => {
  const { machine, render } = start({ timed: true, without: [VIRTIO_F_RING_PACKED, VIRTIO_F_EVENT_IDX] });
  render.importUuid(1, UUID);
  const reply = render.requests.fill(1, 0, WHOLE);
  render.kick();
  // Somebody writes into the available ring: its index jumps.
  const { driver: available } = render.requests.channel.queue.ring.memory;
  machine.memory.write((BigInt(available.hi) << 32n) | BigInt(available.lo), [0, 0, 0xff, 0x7f]);
  render.requests.channel.queue.notifyAnyway();
  assert.throws(() => render.wait(reply), /EIO/);
  render.close();
  assert.is(reply.error?.code, "ECANCELED");
  assert.is(machine.allocator.liveAllocations, 0);
});

driver("a device that breaks the used ring: everybody who waits learns of it", () => {
  const { machine, render } = start({ timed: true, without: [VIRTIO_F_RING_PACKED, VIRTIO_F_EVENT_IDX] });
  render.importUuid(1, UUID);
  const replies = [1, 2, 3].map((color) => render.requests.fill(1, color, WHOLE));
  const later = Array.from({ length: 100 }, () => render.requests.nop());
  render.kick();
  const { device: used } = render.requests.channel.queue.ring.memory;
  machine.memory.write((BigInt(used.hi) << 32n) | BigInt(used.lo), [0, 0, 0xff, 0x7f]);
  assert.throws(() => render.process(), /EIO/);
  for (const reply of [...replies, ...later]) assert.is(reply.error?.code, "EIO");
  assert.is(render.requests.channel.outstanding, 0);
  render.close();
  assert.is(machine.allocator.liveAllocations, 0);
});

driver("raw bytes, for testing devices", () => {
  const { render } = start();
  const answer = render.raw(new Uint8Array([1, 2, 3]), 24);
  assert.equal([...answer.subarray(0, 4)], [0x02, 0xe9, 0, 0]);
  assert.is(render.raw(new Uint8Array(24), 10).length, 10);
});

driver("the response of a device that lies", () => {
  // Not our device: one that answers everything with the same bytes.
  const { render } = start();
  const { channel } = render.requests;
  const send = (expected: number, fenced: boolean) =>
    channel.send({
      command: 0xe104,
      contextId: 0,
      fenced,
      requestBytes: 32,
      fill: () => {},
      expected,
      responseBytes: 24,
      decode: () => {},
    });
  assert.throws(() => render.wait(send(0xe800, false)), /ERR_IMPORT/);
  // An answer of the wrong type.
  const wrong = channel.send({
    command: 0xe200,
    contextId: 0,
    fenced: false,
    requestBytes: 24,
    fill: () => {},
    expected: 0xe801,
    responseBytes: 64,
    decode: () => {},
  });
  assert.throws(() => render.wait(wrong), /EIO: VIRTIO_RENDER_CMD_NOP: answered with VIRTIO_RENDER_RESP_OK/);
  // A fence that is not echoed: the driver changed its mind behind the header.
  const unfenced = channel.send({
    command: 0xe200,
    contextId: 0,
    fenced: true,
    requestBytes: 24,
    fill: (view) => view.setUint32(4, 0, true),
    expected: 0xe800,
    responseBytes: 24,
    decode: () => {},
  });
  assert.throws(() => render.wait(unfenced), /another fence than/);
});

driver.run();
