// What a program does with /dev/dri/card0, what Linux' driver sends for it, and what another driver sent.
import { MemoryDisplay } from "virtio-emulator/backends/display/memory";
import { VirtioDevice } from "virtio-emulator/device";
import { GuestAllocator, MmioDriverTransport, VirtioDriver } from "virtio-emulator/driver";
import { DRM_FORMAT_XRGB8888, KmsCard } from "virtio-emulator/driver/kms";
import { GpuDevice } from "virtio-emulator/gpu";
import { GuestMemory } from "virtio-emulator/memory";
import { MmioTransport } from "virtio-emulator/transport/mmio";

const sent: string[] = [];
const memory = new GuestMemory([{ base: 0, memory: new ArrayBuffer(64 << 20) }]);
const gpu = new GpuDevice({
  display: new MemoryDisplay(),
  displays: [{ widthPixels: 640, heightPixels: 480 }],
  onCommand: ({ name, response }) => sent.push(`${name} ${response}`),
});
const registers = new MmioTransport(new VirtioDevice(gpu, { memory }));
const allocator = new GuestAllocator(memory);
const driver = new VirtioDriver(MmioDriverTransport.open(registers), { allocator });
const card = KmsCard.bind(driver, { profile: "linux-6.12" });

// A program that shows a dumb buffer.
const file = card.open();
const [crtcId = 0] = file.getResources().crtcs;
const [connectorId = 0] = file.getResources().connectors;
const { handle, pitch } = file.createDumb({ width: 640, height: 480, bpp: 32 });
const fbId = file.addFb2({ handle, width: 640, height: 480, pitch, format: DRM_FORMAT_XRGB8888 });
const [mode] = file.getConnector(connectorId).modes;
sent.length = 0;
if (mode !== undefined) file.setCrtc({ crtcId, fbId, mode, connectors: [connectorId] });
console.log(sent.join("\n"));

// Prints:
//   VIRTIO_GPU_CMD_SET_SCANOUT VIRTIO_GPU_RESP_OK_NODATA
//   VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D VIRTIO_GPU_RESP_OK_NODATA
//   VIRTIO_GPU_CMD_SET_SCANOUT_BLOB VIRTIO_GPU_RESP_OK_NODATA
//   VIRTIO_GPU_CMD_RESOURCE_FLUSH VIRTIO_GPU_RESP_OK_NODATA
