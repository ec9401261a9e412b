import { MemoryDisplay } from "virtio-emulator/backends/display/memory";
import { type DeviceType, SharedObjectRegistry, VirtioDevice } from "virtio-emulator/device";
import {
  GuestAllocator,
  MmioDriverTransport,
  RenderBuffer,
  RenderDriver,
  VirtioDriver,
} from "virtio-emulator/driver";
import { DRM_FORMAT_XRGB8888, KmsCard } from "virtio-emulator/driver/kms";
import { GpuDevice } from "virtio-emulator/gpu";
import { GuestMemory } from "virtio-emulator/memory";
import { RenderDevice } from "virtio-emulator/render";
import { MmioTransport } from "virtio-emulator/transport/mmio";

// One machine: a gpu that shows, a renderer that draws, and the objects that both know by UUID.
const memory = new GuestMemory([{ base: 0, memory: new ArrayBuffer(64 << 20) }]);
const allocator = new GuestAllocator(memory);
const plugIn = (type: DeviceType) => new MmioTransport(new VirtioDevice(type, { memory }));
const drive = (registers: MmioTransport) =>
  new VirtioDriver(MmioDriverTransport.open(registers), { allocator });
const sharedObjects = new SharedObjectRegistry();
const display = new MemoryDisplay();
const gpu = new GpuDevice({ display, sharedObjects, displays: [{ widthPixels: 640, heightPixels: 480 }] });
const card = KmsCard.bind(drive(plugIn(gpu)), { profile: "linux-7.3" });
const render = RenderDriver.start(drive(plugIn(new RenderDevice({ sharedObjects }))));

// A program with /dev/dri/card0: a blob for other devices (guest memory, all flags) becomes a framebuffer on a CRTC.
const file = card.open();
const [crtcId = 0] = file.getResources().crtcs;
const [connectorId = 0] = file.getResources().connectors;
const { handle } = file.resourceCreateBlob({ blobMem: 1, blobFlags: 7, sizeBytes: 640 * 480 * 4 });
const fbId = file.addFb2({ handle, width: 640, height: 480, pitch: 640 * 4, format: DRM_FORMAT_XRGB8888 });
const [mode] = file.getConnector(connectorId).modes;
if (mode !== undefined) file.setCrtc({ crtcId, fbId, mode, connectors: [connectorId] });

// Export it, import it by its UUID, draw, and say what was drawn.
const layout = { format: 2, width: 640, height: 480, strideBytes: 640 * 4 };
const { importId, path } = RenderBuffer.importDmaBuf(render, file.primeHandleToFd(handle).dmaBuf, layout);
render.fill(importId, 0xffff8000, { x: 100, y: 100, width: 200, height: 50 });
file.dirtyFb(fbId, [{ x1: 100, y1: 100, x2: 300, y2: 150 }]);
const pixel = display
  .readRgba(0)
  ?.subarray(4 * (120 * 640 + 150))
  .subarray(0, 4)
  .join(" ");
console.log(
  `imported by ${path}: the pixel at 150, 120 is ${pixel}, ${gpu.counters.bytesCopied} bytes copied`,
);

// Prints:
//   imported by uuid: the pixel at 150, 120 is 255 128 0 255, 0 bytes copied
