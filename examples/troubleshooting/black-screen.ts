// A display that fails: the guest sees error responses, most drivers ignore those, and the screen stays black.
import { VirtioDevice } from "virtio-emulator/device";
import {
  GpuDriver,
  GpuFramebuffer,
  GuestAllocator,
  MmioDriverTransport,
  VirtioDriver,
} from "virtio-emulator/driver";
import { type Display, GpuDevice } from "virtio-emulator/gpu";
import { GuestMemory } from "virtio-emulator/memory";
import { MmioTransport } from "virtio-emulator/transport/mmio";

const broken: Display = {
  setScanout() {},
  flush() {
    throw new Error("no window to draw in");
  },
};
const memory = new GuestMemory([{ base: 0, memory: new ArrayBuffer(16 << 20) }]);
const gpu = new GpuDevice({
  display: broken,
  onBackendFailure: ({ during, error }) => console.log(`back end: ${during}: ${error}`),
  onCommand: ({ name, response, reason }) => {
    if (!response.startsWith("VIRTIO_GPU_RESP_OK")) console.log(`command: ${name}: ${response}: ${reason}`);
  },
});
const device = new VirtioDevice(gpu, {
  memory,
  trace: ({ source, kind, detail }) => console.log(`trace: ${source} ${kind} ${JSON.stringify(detail)}`),
});
const registers = new MmioTransport(device);
const allocator = new GuestAllocator(memory);
const driver = GpuDriver.start(new VirtioDriver(MmioDriverTransport.open(registers), { allocator }));
const framebuffer = GpuFramebuffer.create(driver, { width: 64, height: 64 });
framebuffer.show(0);
try {
  framebuffer.flush();
} catch (error) {
  console.log(`driver: ${error instanceof Error ? error.message : error}`);
}
console.log(`${gpu.counters.flushes} flushes, ${gpu.counters.backendFailures} failures of back ends`);

// Prints:
//   back end: VIRTIO_GPU_CMD_RESOURCE_FLUSH: Error: no window to draw in
//   trace: gpu backend-failure {"during":"VIRTIO_GPU_CMD_RESOURCE_FLUSH","message":"no window to draw in"}
//   trace: gpu command-refused {"command":"VIRTIO_GPU_CMD_RESOURCE_FLUSH","response":"VIRTIO_GPU_RESP_ERR_UNSPEC","reason":"no window to draw in"}
//   command: VIRTIO_GPU_CMD_RESOURCE_FLUSH: VIRTIO_GPU_RESP_ERR_UNSPEC: no window to draw in
//   driver: EIO: VIRTIO_GPU_CMD_RESOURCE_FLUSH: VIRTIO_GPU_RESP_ERR_UNSPEC
//   1 flushes, 1 failures of back ends
