// The pair at last: virtio-gpu makes UUIDs, the render device consumes them.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { formatUuid } from "../../../src/device/index.ts";
import {
  GpuDriver,
  GpuFramebuffer,
  MemEntryList,
  RenderBuffer,
  RenderCommandError,
  RenderDriver,
} from "../../../src/driver/index.ts";
import {
  VIRTIO_GPU_BLOB_FLAG_USE_CROSS_DEVICE,
  VIRTIO_GPU_BLOB_FLAG_USE_SHAREABLE,
  VIRTIO_GPU_BLOB_MEM_GUEST,
  VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM,
  VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM,
  VIRTIO_RENDER_RESP_ERR_REVOKED,
  VIRTIO_RENDER_RESP_ERR_UNBACKED,
  VIRTIO_RENDER_RESP_ERR_UUID,
} from "../../../src/wire/index.ts";
import { ShareMachine, type ShareOptions } from "../../support/share-machine.ts";

const pair = suite("virtio-gpu and the render device");
const WIDTH = 64;
const HEIGHT = 48;
const WHOLE = { x: 0, y: 0, width: WIDTH, height: HEIGHT };
const LAYOUT = {
  format: VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM,
  width: WIDTH,
  height: HEIGHT,
  strideBytes: WIDTH * 4,
};

function start(options: ShareOptions = {}) {
  const machine = new ShareMachine(options);
  const gpu = GpuDriver.start(machine.gpuDriver);
  const render = RenderDriver.start(machine.renderDriver);
  return { machine, gpu, render };
}

/** The one colour that a scanout shows, as 0xRRGGBB; -1 when there are several. */
function shown(machine: ShareMachine): number {
  const rgba = machine.display.readRgba(0);
  if (rgba === null) return -2;
  const view = new DataView(rgba.buffer);
  const first = view.getUint32(0) >>> 8;
  for (let at = 4; at < rgba.length; at += 4) if (view.getUint32(at) >>> 8 !== first) return -1;
  return first;
}

/** The response type of a command that fails. */
function refusal(act: () => void): number {
  try {
    act();
  } catch (error) {
    if (error instanceof RenderCommandError) return error.response;
    throw error;
  }
  return 0;
}

for (const transport of ["mmio", "pci"] as const) {
  pair(`a 2D resource is drawn into where it is shown from, and a flush shows it (${transport})`, () => {
    const { machine, gpu, render } = start({ transport });
    const framebuffer = GpuFramebuffer.create(gpu, { width: WIDTH, height: HEIGHT });
    framebuffer.fillRect(0, 0, WIDTH, HEIGHT, 0x00ff00);
    framebuffer.show(0);
    framebuffer.flush();
    assert.is(shown(machine), 0x00ff00);
    const copied = machine.gpu.counters.bytesCopied;
    const uuid = gpu.resourceAssignUuid(framebuffer.resourceId);
    const state = render.importUuid(1, uuid);
    assert.equal(state.layout, { ...LAYOUT, offsetBytes: 0 });
    assert.is(state.inGuestMemory, false);
    render.fill(1, 0xff123456, WHOLE);
    const flushes = machine.display.screen(0).flushes;
    gpu.resourceFlush(framebuffer.resourceId, 0, 0, WIDTH, HEIGHT);
    assert.is(machine.display.screen(0).flushes, flushes + 1);
    assert.is(shown(machine), 0x123456);
    assert.is(machine.gpu.counters.bytesCopied, copied);
    // The guest's pages are another copy: a transfer brings them back.
    assert.is(framebuffer.pixel(0, 0), 0x00ff00);
    framebuffer.flush();
    assert.is(shown(machine), 0x00ff00);
  });

  pair(`a blob is drawn into where it is shown from: the guest's pages (${transport})`, () => {
    const { machine, gpu, render } = start({ transport });
    const framebuffer = GpuFramebuffer.create(gpu, { width: WIDTH, height: HEIGHT, blob: true });
    framebuffer.show(0);
    const uuid = gpu.resourceAssignUuid(framebuffer.resourceId);
    assert.throws(() => render.importUuid(1, uuid), /ERR_LAYOUT/);
    assert.is(render.importUuid(1, uuid, LAYOUT).inGuestMemory, true);
    render.fill(1, 0xff654321, WHOLE);
    framebuffer.flush();
    assert.is(shown(machine), 0x654321);
    assert.is(framebuffer.pixel(63, 47) & 0xffffff, 0x654321);
    assert.is(machine.gpu.counters.bytesCopied, 0);
    // The guest draws, too, and the renderer reads it.
    framebuffer.setPixel(0, 0, 0xabcdef);
    render.blit(1, 1, { x: 10, y: 10 }, { x: 0, y: 0, width: 1, height: 1 });
    assert.is(framebuffer.pixel(10, 10), 0xabcdef);
  });
}

pair("the same UUID on a repeat, another one for another resource; several imports of one", () => {
  const { machine, gpu, render } = start();
  const one = GpuFramebuffer.create(gpu, { width: WIDTH, height: HEIGHT });
  const two = GpuFramebuffer.create(gpu, { width: WIDTH, height: HEIGHT });
  const uuid = gpu.resourceAssignUuid(one.resourceId);
  assert.equal(gpu.resourceAssignUuid(one.resourceId), uuid);
  assert.not.equal(gpu.resourceAssignUuid(two.resourceId), uuid);
  render.importUuid(1, uuid);
  render.importUuid(2, uuid);
  assert.is(machine.registry.get(formatUuid(uuid))?.users, 2);
  render.release(1);
  render.fill(2, 0xff000001, WHOLE);
  render.release(2);
  assert.is(machine.registry.get(formatUuid(uuid))?.users, 0);
  assert.is(machine.registry.size, 2);
});

pair("UNREF while it is imported: the pixels of a 2D resource live until the renderer lets go", () => {
  const { machine, gpu, render } = start();
  const framebuffer = GpuFramebuffer.create(gpu, { width: WIDTH, height: HEIGHT });
  const uuid = gpu.resourceAssignUuid(framebuffer.resourceId);
  render.importUuid(1, uuid);
  const { resourceId } = framebuffer;
  framebuffer.destroy();
  assert.is(machine.gpu.resources().length, 0);
  assert.is(machine.gpu.hostBytes, WIDTH * HEIGHT * 4);
  render.fill(1, 0xff010203, WHOLE);
  // Whoever comes by the id now is somebody else.
  gpu.resourceCreate2D(resourceId, LAYOUT.format, WIDTH, HEIGHT);
  gpu.setScanout(0, resourceId, 0, 0, WIDTH, HEIGHT);
  gpu.resourceFlush(resourceId, 0, 0, WIDTH, HEIGHT);
  assert.is(shown(machine), 0);
  assert.not.equal(gpu.resourceAssignUuid(resourceId), uuid);
  render.release(1);
  assert.is(machine.gpu.hostBytes, WIDTH * HEIGHT * 4);
  assert.is(
    refusal(() => render.importUuid(1, uuid)),
    VIRTIO_RENDER_RESP_ERR_UUID,
  );
});

pair("UNREF with the other policy: the object is taken away, and the renderer is told", () => {
  const { machine, gpu, render } = start({ gpu: { exportLifetime: "resource" } });
  const framebuffer = GpuFramebuffer.create(gpu, { width: WIDTH, height: HEIGHT });
  render.importUuid(1, gpu.resourceAssignUuid(framebuffer.resourceId));
  let told = 0;
  render.onRevoked = () => told++;
  framebuffer.destroy();
  assert.is(told, 1);
  assert.is(machine.gpu.hostBytes, 0);
  assert.is(
    refusal(() => render.fill(1, 0, WHOLE)),
    VIRTIO_RENDER_RESP_ERR_REVOKED,
  );
});

pair(
  "UNREF of a blob while it is imported: its pages are the guest's again, and nobody draws into them",
  () => {
    const { machine, gpu, render } = start();
    const framebuffer = GpuFramebuffer.create(gpu, { width: WIDTH, height: HEIGHT, blob: true });
    render.importUuid(1, gpu.resourceAssignUuid(framebuffer.resourceId), LAYOUT);
    render.fill(1, 0xff000009, WHOLE);
    gpu.resourceUnref(framebuffer.resourceId);
    framebuffer.pages.fill(0x77);
    assert.is(
      refusal(() => render.fill(1, 0xffffffff, WHOLE)),
      VIRTIO_RENDER_RESP_ERR_UNBACKED,
    );
    assert.is(
      refusal(() => render.blit(1, 1, { x: 1, y: 1 }, WHOLE)),
      VIRTIO_RENDER_RESP_ERR_UNBACKED,
    );
    assert.is(framebuffer.pixel(0, 0), 0x77777777);
    render.release(1);
    assert.is(machine.registry.size, 0);
  },
);

pair("backing of a blob that is detached and attached again", () => {
  const { gpu, render } = start();
  const framebuffer = GpuFramebuffer.create(gpu, { width: WIDTH, height: HEIGHT, blob: true });
  render.importUuid(1, gpu.resourceAssignUuid(framebuffer.resourceId), LAYOUT);
  gpu.resourceDetachBacking(framebuffer.resourceId);
  assert.is(
    refusal(() => render.fill(1, 0xff00ff00, WHOLE)),
    VIRTIO_RENDER_RESP_ERR_UNBACKED,
  );
  assert.is(framebuffer.pixel(0, 0), 0);
  const other = gpu.allocator.allocatePages(framebuffer.pages.count);
  gpu.resourceAttachBacking(framebuffer.resourceId, MemEntryList.ofPages(other));
  render.fill(1, 0xff00ff00, WHOLE);
  assert.is(other.word(0), 0xff00ff00);
  assert.is(framebuffer.pixel(0, 0), 0);
});

pair("a reset of virtio-gpu takes everything away, while the renderer is drawing", () => {
  const { machine, gpu, render } = start({ timed: true });
  const framebuffer = GpuFramebuffer.create(gpu, { width: WIDTH, height: HEIGHT, blob: true });
  const flat = GpuFramebuffer.create(gpu, { width: WIDTH, height: HEIGHT });
  render.importUuid(1, gpu.resourceAssignUuid(framebuffer.resourceId), LAYOUT);
  render.importUuid(2, gpu.resourceAssignUuid(flat.resourceId));
  let told = 0;
  render.onRevoked = () => told++;
  const reply = render.requests.fill(1, 0xff00ff00, WHOLE);
  const next = render.requests.blit(2, 1, { x: 0, y: 0 }, WHOLE);
  render.kick();
  machine.clock.advance(10.5);
  const drawn = framebuffer.pixel(0, 9);
  gpu.close();
  framebuffer.pages.fill(0);
  assert.is(drawn, 0xff00ff00);
  assert.is(told, 2);
  assert.is(machine.registry.size, 0);
  assert.is(
    refusal(() => render.wait(reply)),
    VIRTIO_RENDER_RESP_ERR_REVOKED,
  );
  assert.is(
    refusal(() => render.wait(next)),
    VIRTIO_RENDER_RESP_ERR_REVOKED,
  );
  assert.ok(Array.from({ length: HEIGHT }, (_, y) => framebuffer.pixel(0, y)).every((pixel) => pixel === 0));
  assert.is(render.getImport(1).revoked, true);
  // Both go on.
  const again = GpuDriver.start(machine.gpuDriver);
  const fresh = GpuFramebuffer.create(again, { width: WIDTH, height: HEIGHT });
  render.release(1);
  render.importUuid(1, again.resourceAssignUuid(fresh.resourceId));
  render.fill(1, 0xff000000, WHOLE);
});

pair("UUIDs made of resource ids, as crosvm has them", () => {
  const { gpu, render } = start({ gpu: { profile: "crosvm" } });
  const framebuffer = GpuFramebuffer.create(gpu, { width: WIDTH, height: HEIGHT });
  const uuid = gpu.resourceAssignUuid(framebuffer.resourceId);
  assert.equal([...uuid], [...Array(15).fill(0), framebuffer.resourceId]);
  render.importUuid(1, uuid);
  render.fill(1, 0xff000000, WHOLE);
});

pair("a picture goes from a blob to a 2D resource without the guest", () => {
  const { machine, gpu, render } = start();
  const source = GpuFramebuffer.create(gpu, {
    width: WIDTH,
    height: HEIGHT,
    blob: true,
    format: VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM,
  });
  const target = GpuFramebuffer.create(gpu, { width: WIDTH, height: HEIGHT });
  source.fillRect(0, 0, WIDTH, HEIGHT, 0x40404040);
  const from = RenderBuffer.importUuid(render, gpu.resourceAssignUuid(source.resourceId), {
    ...LAYOUT,
    format: VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM,
  });
  const to = RenderBuffer.importUuid(render, gpu.resourceAssignUuid(target.resourceId));
  render.blit(to.importId, from.importId, { x: 0, y: 0 }, WHOLE);
  target.show(0);
  gpu.resourceFlush(target.resourceId, 0, 0, WIDTH, HEIGHT);
  assert.is(shown(machine), 0x404040);
  assert.is(machine.gpu.counters.bytesCopied, 0);
  from.release();
  to.release();
  to.release();
  assert.equal(machine.render.imports(), []);
});

pair("a broken queue of one device does not stop the other", () => {
  const { machine, gpu, render } = start({ without: [34, 29] });
  const framebuffer = GpuFramebuffer.create(gpu, { width: WIDTH, height: HEIGHT });
  render.importUuid(1, gpu.resourceAssignUuid(framebuffer.resourceId));
  const { driver: available } = gpu.requests.channel.queue.ring.memory;
  machine.memory.write((BigInt(available.hi) << 32n) | BigInt(available.lo), [0, 0, 0xff, 0x7f]);
  gpu.requests.channel.queue.notifyAnyway();
  assert.is(gpu.driver.needsReset(), true);
  render.fill(1, 0xff000000, WHOLE);
  assert.is(render.driver.needsReset(), false);
});

pair("a blob for other devices: CROSS_DEVICE and its UUID in one notification", () => {
  const { machine, gpu, render } = start();
  const pages = gpu.allocator.allocatePages(3);
  const id = gpu.newResourceId();
  const { channel } = gpu.requests;
  const before = channel.queue.notifications;
  gpu.requests.resourceCreateBlob(id, {
    mem: VIRTIO_GPU_BLOB_MEM_GUEST,
    flags: VIRTIO_GPU_BLOB_FLAG_USE_SHAREABLE | VIRTIO_GPU_BLOB_FLAG_USE_CROSS_DEVICE,
    sizeBytes: pages.lengthBytes,
    entries: MemEntryList.ofPages(pages),
  });
  const uuid = gpu.resourceAssignUuid(id);
  assert.is(channel.queue.notifications, before + 1);
  const buffer = RenderBuffer.importUuid(render, uuid, LAYOUT);
  assert.is(buffer.state.sizeBytes, 12288);
  render.fill(buffer.importId, 0xff778899, WHOLE);
  assert.is(pages.word(12284), 0xff778899);
  assert.is(machine.gpu.counters.bytesCopied, 0);
});

pair.run();
