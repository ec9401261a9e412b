import { suite } from "uvu";
import * as assert from "uvu/assert";
import { GpuDevice } from "../../src/devices/gpu/index.ts";
import { RngDevice } from "../../src/devices/rng/index.ts";
import { GpuDriver, MemEntryList, RngDriver } from "../../src/driver/index.ts";
import { drive } from "../../src/testing/index.ts";
import { VIRTIO_GPU_BLOB_MEM_GUEST } from "../../src/wire/index.ts";

const test = suite("drivers of device types");

test("[gpu.driver.device-operation-controlq.1] [gpu.driver.device-operation-controlq-3d.1] blob sizes and offsets are aligned", () => {
  const { driver, allocator, device } = drive(new GpuDevice({ blobAlignmentBytes: 65536 }), {
    transport: "mmio",
  });
  const gpu = GpuDriver.start(driver);
  const pages = allocator.allocatePages(16);
  const entries = MemEntryList.ofPages(pages);
  const notified = device.counters.notifications;
  for (const sizeBytes of [1, 4096, 65535, 65537, 98304]) {
    assert.throws(
      () => gpu.resourceCreateBlob(1, { mem: VIRTIO_GPU_BLOB_MEM_GUEST, sizeBytes, entries }),
      /EINVAL: size/,
    );
    assert.throws(() => gpu.resourceMapBlob(1, sizeBytes), /EINVAL: offset/);
  }
  assert.is(device.counters.notifications, notified, "nothing was sent");
  gpu.resourceCreateBlob(1, { mem: VIRTIO_GPU_BLOB_MEM_GUEST, sizeBytes: 65536, entries });
});

test("[content.driver.device-configuration-space.2] blob_alignment is read only where it exists", () => {
  for (const aligned of [false, true]) {
    const { driver, accesses } = drive(new GpuDevice(aligned ? { blobAlignmentBytes: 4096 } : {}), {
      transport: "mmio",
    });
    const gpu = GpuDriver.start(driver);
    assert.is(gpu.config.blobAlignment, aligned ? 4096 : 1);
    assert.is(
      accesses.some(({ offset }) => offset === 0x110),
      aligned,
    );
  }
});

test("[entropy.driver.device-operation.1] only device-writable buffers go into the queue", () => {
  const type = new RngDevice();
  const { driver } = drive(type, { transport: "mmio", device: { ringFeatures: [] } });
  const rng = RngDriver.start(driver);
  rng.read(1);
  const desc = driver.queue(0)?.ring.memory.desc;
  const at = ((desc?.offset ?? 0) >>> 1) + 6;
  assert.is(desc?.region.u16[at], 2, "VIRTQ_DESC_F_WRITE alone");
  assert.is(type.counters.empty, 0);
});

test("[entropy.driver.device-operation.2] as many bytes count as the device wrote", async () => {
  for (const most of [1, 5, 100000]) {
    let next = 0;
    const type = new RngDevice({
      maxBytesPerRequest: most,
      source: (target) => {
        for (let i = 0; i < target.length; i++) target[i] = next++ & 0xff;
      },
    });
    const { driver, allocator } = drive(type, { transport: "pci" });
    const rng = RngDriver.start(driver);
    assert.equal(
      rng.read(300),
      Uint8Array.from({ length: 300 }, (_, i) => i),
    );
    assert.equal(
      await rng.readAsync(10000),
      Uint8Array.from({ length: 10000 }, (_, i) => i + 300),
    );
    rng.close();
    assert.is(allocator.liveAllocations, 0);
  }
});
test.run();
