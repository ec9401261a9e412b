import { suite } from "uvu";
import * as assert from "uvu/assert";
import { MemoryDisplay } from "../../../src/backends/display/memory/index.ts";
import type { GpuDeviceOptions } from "../../../src/devices/gpu/index.ts";
import { GpuDevice, HostHeap } from "../../../src/devices/gpu/index.ts";
import {
  type DriverError,
  GpuCommandError,
  GpuDriver,
  type GpuDriverOptions,
  GpuFramebuffer,
  MemEntryList,
} from "../../../src/driver/index.ts";
import { type DrivenOptions, drive } from "../../../src/testing/index.ts";
import {
  VIRTIO_F_EVENT_IDX,
  VIRTIO_F_IN_ORDER,
  VIRTIO_F_INDIRECT_DESC,
  VIRTIO_F_RING_PACKED,
  VIRTIO_F_RING_RESET,
  VIRTIO_F_SUSPEND,
  VIRTIO_GPU_BLOB_MEM_GUEST,
  VIRTIO_GPU_EVENT_DISPLAY,
  VIRTIO_GPU_F_EDID,
  VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM,
  VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM,
  VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER,
  VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID,
} from "../../../src/wire/index.ts";

function start(
  options: Partial<DrivenOptions> = {},
  deviceOptions: GpuDeviceOptions = {},
  driverOptions: GpuDriverOptions = {},
) {
  const display = new MemoryDisplay();
  const gpuDevice = new GpuDevice({ display, ...deviceOptions });
  const driven = drive(gpuDevice, { transport: "mmio", ...options });
  const gpu = GpuDriver.start(driven.driver, driverOptions);
  return { display, gpuDevice, gpu, ...driven };
}

const isGpuError = (error: unknown) => error instanceof GpuCommandError;

const RING_FEATURES = [
  VIRTIO_F_INDIRECT_DESC,
  VIRTIO_F_EVENT_IDX,
  VIRTIO_F_RING_PACKED,
  VIRTIO_F_IN_ORDER,
  VIRTIO_F_RING_RESET,
  VIRTIO_F_SUSPEND,
];

const everywhere = suite("gpu driver, everywhere");
for (const transport of ["mmio", "pci"] as const) {
  for (const refuse of [
    [],
    [VIRTIO_F_RING_PACKED, VIRTIO_F_IN_ORDER],
    [VIRTIO_F_RING_PACKED, VIRTIO_F_INDIRECT_DESC, VIRTIO_F_IN_ORDER, VIRTIO_F_EVENT_IDX],
    [VIRTIO_F_INDIRECT_DESC],
  ]) {
    for (const interrupts of [true, false]) {
      everywhere(`${transport}, without ${refuse.join(" ") || "nothing"}, interrupts ${interrupts}`, () => {
        const { gpu, display, allocator, device } = start(
          { transport, interrupts, device: { ringFeatures: RING_FEATURES } },
          { displays: [{ widthPixels: 800, heightPixels: 600 }, {}] },
          { refuse },
        );
        const [first, second] = gpu.getDisplayInfo();
        assert.is(first?.width, 800);
        assert.is(first?.enabled, true);
        assert.is(second?.width, 1280);
        assert.is(gpu.config.scanouts, 2);
        const edid = gpu.getEdid(0);
        assert.equal([...edid.slice(0, 8)], [0, 255, 255, 255, 255, 255, 255, 0]);
        assert.is(edid.length % 128, 0);
        const framebuffer = GpuFramebuffer.create(gpu, { width: 100, height: 70 });
        framebuffer.fillRect(0, 0, 100, 70, 0x102030);
        framebuffer.setPixel(99, 69, 0xff8001);
        assert.is(framebuffer.pixel(99, 69), 0xff8001);
        framebuffer.show(0);
        framebuffer.flush();
        const rgba = display.readRgba(0);
        assert.equal([...(rgba ?? []).slice(0, 4)], [0x10, 0x20, 0x30, 255]);
        assert.equal([...(rgba ?? []).slice(-4)], [0xff, 0x80, 0x01, 255]);
        framebuffer.fillRect(10, 20, 5, 6, 0xabcdef);
        framebuffer.fillRect(50, 50, 5, 6, 0xabcdef);
        framebuffer.flush(10, 20, 5, 6);
        const part = display.readRgba(0) ?? new Uint8Array();
        const at = (x: number, y: number) => [...part.slice((y * 100 + x) * 4, (y * 100 + x) * 4 + 3)];
        assert.equal(at(14, 25), [0xab, 0xcd, 0xef]);
        assert.equal(at(15, 25), [0x10, 0x20, 0x30]);
        assert.equal(at(52, 52), [0x10, 0x20, 0x30], "not transferred");
        gpu.setScanout(0, 0, 0, 0, 0, 0);
        assert.is(display.screen(0).source, null);
        framebuffer.destroy();
        gpu.close();
        assert.is(allocator.liveAllocations, 0);
        assert.is(device.counters.queueFaults, 0);
      });
    }
  }
}
everywhere.run();

const commands = suite("gpu driver, commands");
commands("an error response becomes a typed error, and the driver goes on", () => {
  const { gpu } = start();
  try {
    gpu.resourceUnref(77);
    assert.unreachable();
  } catch (error) {
    assert.instance(error, GpuCommandError);
    const gpuError = error as GpuCommandError;
    assert.is(gpuError.response, VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID);
    assert.is(gpuError.code, "EINVAL");
    assert.match(gpuError.message, "VIRTIO_GPU_CMD_RESOURCE_UNREF: VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID");
  }
  gpu.resourceCreate2D(1, VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM, 8, 8);
  gpu.resourceUnref(1);
});
commands("a batch goes out with one notification, and its first failure comes out of drain", () => {
  const { gpu } = start();
  const queue = gpu.requests.channel.queue;
  gpu.resourceCreate2D(1, VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM, 8, 8);
  const before = queue.notifications;
  gpu.requests.resourceFlush(1, 0, 0, 8, 8);
  gpu.requests.resourceFlush(2, 0, 0, 8, 8);
  gpu.requests.resourceFlush(1, 0, 0, 9, 8);
  const kept = gpu.requests.channel.keep(gpu.requests.getDisplayInfo());
  assert.is(gpu.requests.channel.outstanding, 4);
  try {
    gpu.drain();
    assert.unreachable();
  } catch (error) {
    assert.is((error as GpuCommandError).response, VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID);
  }
  assert.is(queue.notifications, before + 1);
  assert.ok(gpu.requests.channel.isDone(kept));
  assert.equal(gpu.requests.channel.takeFailures(), []);
  assert.throws(() => gpu.requests.channel.finish(kept - 1, () => {}), /was released/);
});
commands("more requests than slots or descriptors: the driver makes room", () => {
  for (const refuse of [[], [VIRTIO_F_INDIRECT_DESC]]) {
    const { gpu } = start({}, {}, { controlSlots: 40, refuse });
    gpu.resourceCreate2D(1, VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM, 8, 8);
    for (let i = 0; i < 500; i++) gpu.requests.resourceFlush(1, 0, 0, 8, 8);
    gpu.drain();
    assert.is(gpu.requests.channel.outstanding, 0);
  }
});
commands("requests that are kept and never finished use up the slots", () => {
  const { gpu } = start({}, {}, { controlSlots: 4 });
  for (let i = 0; i < 4; i++) gpu.requests.channel.keep(gpu.requests.getDisplayInfo());
  assert.throws(() => gpu.requests.getDisplayInfo(), /ENOSPC/);
});
commands("fences count up over both queues and come back", () => {
  const { gpu } = start();
  assert.is(gpu.fenceNext(), 1);
  gpu.getDisplayInfo();
  assert.is(gpu.lastFence, 1);
  gpu.getDisplayInfo();
  assert.is(gpu.lastFence, 1, "unfenced");
  assert.is(gpu.fenceNext(), 2);
  assert.throws(() => gpu.resourceUnref(9), isGpuError);
  assert.is(gpu.lastFence, 2);
});
commands("cursor: chains without a response, negative positions", () => {
  for (const cursorResponses of [false, true]) {
    const { gpu, display } = start({}, {}, { cursorResponses });
    const image = GpuFramebuffer.create(gpu, {
      width: 64,
      height: 64,
      format: VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM,
    });
    image.fillRect(0, 0, 64, 64, 0x80ff0000);
    gpu.fenceNext();
    gpu.transferToHost2D(image.resourceId, 0, 0, 64, 64, 0);
    gpu.updateCursor(0, 5, -6, image.resourceId, 3, 4);
    const { cursor } = display.screen(0);
    assert.is(cursor?.x, 5);
    assert.is(cursor?.y, -6);
    assert.is(cursor?.hotX, 3);
    gpu.moveCursor(0, -1, 200);
    assert.is(display.screen(0).cursorX, -1);
    assert.is(display.screen(0).cursorY, 200);
    gpu.updateCursor(0, 0, 0, 0, 0, 0);
    assert.is(display.screen(0).cursor, null);
  }
});
commands("features that are not negotiated are not used", () => {
  const { gpu } = start({}, {}, { refuse: [VIRTIO_GPU_F_EDID] });
  assert.throws(() => gpu.getEdid(0), /EOPNOTSUPP/);
  assert.throws(() => gpu.ctxCreate(1), /EOPNOTSUPP/);
  const { gpu: tester } = start({}, {}, { refuse: [VIRTIO_GPU_F_EDID], permissive: true });
  assert.throws(() => tester.getEdid(0), isGpuError);
});
commands("blobs: aligned sizes, scanout in place, uuid", () => {
  const { gpu, display } = start({}, { blobAlignmentBytes: 8192 });
  assert.is(gpu.config.blobAlignment, 8192);
  const framebuffer = GpuFramebuffer.create(gpu, { width: 65, height: 64, blob: true });
  assert.is(framebuffer.pages.lengthBytes % 8192, 0);
  framebuffer.fillRect(0, 0, 65, 64, 0x010203);
  framebuffer.show(0);
  framebuffer.flush();
  assert.equal([...(display.readRgba(0) ?? []).slice(0, 3)], [1, 2, 3]);
  framebuffer.setPixel(0, 0, 0x040506);
  assert.equal([...(display.readRgba(0) ?? []).slice(0, 3)], [4, 5, 6], "no transfer is needed");
  const uuid = gpu.resourceAssignUuid(framebuffer.resourceId);
  assert.is(uuid.length, 16);
  assert.equal(gpu.resourceAssignUuid(framebuffer.resourceId), uuid);
  assert.throws(
    () => gpu.resourceCreateBlob(9, { mem: VIRTIO_GPU_BLOB_MEM_GUEST, sizeBytes: 4096 }),
    /EINVAL: size 4096 is not aligned/,
  );
});
commands("host visible memory is found", () => {
  const { gpu } = start(
    { mmio: { sharedMemoryBases: { 1: 0x1_0000_0000n } } },
    { hostHeap: new HostHeap(1 << 20) },
  );
  assert.equal(gpu.hostVisibleMemory, { id: 1, hi: 1, lo: 0, lengthBytes: 1n << 20n });
  const { gpu: none } = start();
  assert.is(none.hostVisibleMemory, null);
});
commands("raw requests: any bytes, any length", () => {
  const { gpu } = start();
  const bytes = gpu.raw(Uint8Array.of(1, 2, 3), 24);
  assert.ok(bytes.length === 0 || bytes.length === 24);
  const info = gpu.raw(
    Uint8Array.from({ length: 24 }, (_, i) => (i === 1 ? 1 : 0)),
    1024,
  );
  assert.is(info.length, 408);
  const view = new DataView(gpu.raw(new Uint8Array(200).fill(255), 24).buffer);
  assert.ok(view.getUint32(0, true) >= 0x1200);
});
commands("framing is the caller's: every command split at every byte", () => {
  for (let cut = 1; cut < 24; cut++) {
    const { gpu } = start(
      {},
      {},
      {
        frame: (elements, pieces) => {
          for (let at = 0; at < pieces.requestBytes; at += cut) {
            const part = Math.min(cut, pieces.requestBytes - at);
            elements.readableBuffer(pieces.request, pieces.requestAt + at, part);
          }
          for (let at = 0; at < pieces.dataBytes && pieces.data !== null; at += cut) {
            elements.readableBuffer(pieces.data, at, Math.min(cut, pieces.dataBytes - at));
          }
          elements.writableBuffer(pieces.response, pieces.responseAt, 1);
          elements.writableBuffer(pieces.response, pieces.responseAt + 1, pieces.responseBytes - 1);
        },
        controlQueue: { ring: { maxIndirectElements: 1024 } },
      },
    );
    gpu.resourceCreate2D(1, VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM, 16, 16);
    const buffer = gpu.allocator.allocate(1024);
    gpu.resourceAttachBacking(1, MemEntryList.ofBuffer(buffer));
    gpu.transferToHost2D(1, 0, 0, 16, 16, 0);
    assert.throws(
      () => gpu.setScanout(0, 1, 0, 0, 17, 16),
      (error: unknown) => (error as GpuCommandError).response === VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER,
    );
  }
});
commands("a display event is read and cleared", () => {
  const { gpu, gpuDevice, driver } = start();
  let seen = 0;
  driver.onConfigChange = () => {
    seen = gpu.config.eventsRead;
    gpu.clearEvents();
  };
  gpuDevice.setDisplay(0, { widthPixels: 640, heightPixels: 480 });
  assert.is(seen, VIRTIO_GPU_EVENT_DISPLAY);
  assert.is(gpu.config.eventsRead, 0);
  assert.is(gpu.getDisplayInfo()[0]?.width, 640);
});
commands.run();

const promises = suite("gpu driver, promises");
promises("commands of one turn go out with one notification", async () => {
  const { gpu } = start();
  const queue = gpu.requests.channel.queue;
  const [display, , edid] = await Promise.all([
    gpu.async.getDisplayInfo(),
    gpu.async.resourceCreate2D(1, VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM, 8, 8),
    gpu.async.getEdid(0),
  ]);
  assert.is(display[0]?.width, 1280);
  assert.is(edid.length % 128, 0);
  assert.is(queue.notifications, 1);
});
promises("errors reject the command that failed", async () => {
  const { gpu } = start();
  const results = await Promise.allSettled([
    gpu.async.resourceUnref(5),
    gpu.async.resourceCreate2D(1, VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM, 8, 8),
    gpu.async.resourceFlush(6, 0, 0, 1, 1),
  ]);
  assert.equal(
    results.map(({ status }) => status),
    ["rejected", "fulfilled", "rejected"],
  );
});
for (const interrupts of [true, false]) {
  promises(`a slow display: 300 flushes wait for it without blocking, interrupts ${interrupts}`, async () => {
    let flushes = 0;
    const display = new MemoryDisplay(async () => {
      await new Promise((resolve) => setTimeout(resolve, 1));
      flushes++;
    });
    const { gpu } = start({ interrupts }, { display });
    const framebuffer = GpuFramebuffer.create(gpu, { width: 16, height: 16 });
    framebuffer.show(0);
    const all: Promise<void>[] = [];
    for (let i = 0; i < 300; i++) {
      if (i % 3 === 0) gpu.fenceNext();
      all.push(gpu.async.resourceFlush(framebuffer.resourceId, 0, 0, 16, 16));
    }
    await Promise.all(all);
    assert.is(flushes, 300);
    assert.is(gpu.requests.channel.outstanding, 0);
    assert.is(gpu.lastFence, 100);
  });
}
promises("what is under way when the driver closes is cancelled", async () => {
  const display = new MemoryDisplay(() => new Promise<void>(() => {}));
  const { gpu, allocator } = start({}, { display });
  const framebuffer = GpuFramebuffer.create(gpu, { width: 16, height: 16 });
  framebuffer.show(0);
  const flush = gpu.async.resourceFlush(framebuffer.resourceId, 0, 0, 16, 16);
  await new Promise((resolve) => setTimeout(resolve, 2));
  gpu.close();
  try {
    await flush;
    assert.unreachable();
  } catch (error) {
    assert.is((error as DriverError).code, "ECANCELED");
  }
  assert.is(allocator.liveAllocations, 1, "only the framebuffer's pages");
});
promises("a device that never answers: ETIMEDOUT, not a hang", async () => {
  const display = new MemoryDisplay(() => new Promise<void>(() => {}));
  const { gpu } = start({ platform: { timeoutMs: 20, maxAttempts: 20 } }, { display });
  const framebuffer = GpuFramebuffer.create(gpu, { width: 16, height: 16 });
  framebuffer.show(0);
  try {
    await gpu.async.resourceFlush(framebuffer.resourceId, 0, 0, 16, 16);
    assert.unreachable();
  } catch (error) {
    assert.is((error as DriverError).code, "ETIMEDOUT");
  }
  assert.throws(() => gpu.resourceFlush(framebuffer.resourceId, 0, 0, 16, 16), /ETIMEDOUT/);
});
promises.run();
