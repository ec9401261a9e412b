import type { DeviceUnderTest, DisplayChange, GuestRam, Target } from "../../../conformance/index.ts";
import { DEFAULT_RING_FEATURES, type DeviceType, VirtioDevice } from "../../../device/index.ts";
import { GpuDevice, HostHeap } from "../../../devices/gpu/index.ts";
import { RngDevice } from "../../../devices/rng/index.ts";
import { GuestMemory } from "../../../memory/index.ts";
import { MmioTransport } from "../../../transport/mmio/index.ts";
import { PciTransport } from "../../../transport/pci/index.ts";
import {
  VIRTIO_F_EVENT_IDX,
  VIRTIO_F_IN_ORDER,
  VIRTIO_F_INDIRECT_DESC,
  VIRTIO_F_NOTIF_CONFIG_DATA,
  VIRTIO_F_NOTIFICATION_DATA,
  VIRTIO_F_ORDER_PLATFORM,
  VIRTIO_F_RING_PACKED,
  VIRTIO_F_RING_RESET,
  VIRTIO_F_SUSPEND,
} from "../../../wire/common.ts";
import { VIRTIO_GPU_SHM_ID_HOST_VISIBLE } from "../../../wire/gpu.ts";
import { FlushedDisplay } from "./flushed-display.ts";
import { SimpleBalloon } from "./simple-balloon.ts";
import { SimpleRenderer } from "./simple-renderer.ts";

const RAM_BYTES = 32 << 20;
const HOST_VISIBLE_BYTES = 16 << 20;
/** Guest physical address of the host visible memory region on mmio: above everything else. */
const HOST_VISIBLE_BASE = 2 ** 32;
const SCANOUTS = 4;
/** Turns of microtasks that a chain of promises inside the device may take. */
const MICROTASK_TURNS = 8;

/** Everything the library has. */
const RING_FEATURES = [
  VIRTIO_F_INDIRECT_DESC,
  VIRTIO_F_EVENT_IDX,
  VIRTIO_F_RING_PACKED,
  VIRTIO_F_IN_ORDER,
  VIRTIO_F_ORDER_PLATFORM,
  VIRTIO_F_NOTIFICATION_DATA,
  VIRTIO_F_NOTIF_CONFIG_DATA,
  VIRTIO_F_RING_RESET,
  VIRTIO_F_SUSPEND,
];

/** The project's own id is none of the PCI-SIG's; this one is left for tests. */
const VENDOR_DATA = { vendorId: 0x1234, data: new TextEncoder().encode("virtio-emulator") };

const DEVICES = ["gpu", "rng"];
/** Behind pci only. */
const TRANSITIONAL_DEVICES = ["rng-transitional", "balloon-transitional"];

/** This project's own devices behind its own transports, with every feature they have. */
export function builtinTarget(transport: "mmio" | "pci"): Target {
  return {
    name: `builtin-${transport}`,
    description: `virtio-emulator's own devices over ${transport}`,
    transport,
    devices: transport === "pci" ? [...DEVICES, ...TRANSITIONAL_DEVICES] : DEVICES,
    open: (device) => openBuiltin(transport, device),
  };
}

function openBuiltin(transport: "mmio" | "pci", name: string): DeviceUnderTest {
  const buffer = new ArrayBuffer(RAM_BYTES);
  const memory = new GuestMemory([{ base: 0, memory: buffer }]);
  const display = new FlushedDisplay();
  const gpu = name === "gpu" ? createGpu(display) : null;
  const type: DeviceType = gpu ?? (name === "balloon-transitional" ? new SimpleBalloon() : new RngDevice());
  // Legacy drivers come to a device that is plain in other respects too: without VIRTIO_F_NOTIFICATION_DATA.
  const transitional = TRANSITIONAL_DEVICES.includes(name);
  let tasks: (() => void)[] = [];
  // What our own devices throw is a bug, and no reason to ask for a reset.
  let failure: string | null = null;
  const device = new VirtioDevice(type, {
    memory,
    ringFeatures: transitional ? DEFAULT_RING_FEATURES : RING_FEATURES,
    schedule: (task) => void tasks.push(task),
    trace: ({ kind, detail }) => {
      if (kind === "device-type-failed")
        failure ??= `${String(detail["member"])}: ${String(detail["reason"])}`;
    },
  });
  let line = false;
  const onInterrupt = (asserted: boolean): void => {
    line = asserted;
  };
  const ram = ramOf(buffer);
  const bus: DeviceUnderTest["bus"] =
    transport === "mmio"
      ? {
          kind: "mmio",
          mmio: new MmioTransport(device, {
            onInterrupt,
            sharedMemoryBases: gpu === null ? {} : { [VIRTIO_GPU_SHM_ID_HOST_VISIBLE]: HOST_VISIBLE_BASE },
          }),
        }
      : {
          kind: "pci",
          pci: new PciTransport(device, {
            transitional,
            vendorData: transitional ? [] : [VENDOR_DATA],
            onInterrupt,
            onMsix: ({ addressHi, addressLo, data }) => storeMessage(ram, addressHi, addressLo, data),
          }),
        };
  return {
    device: name,
    bus,
    ram,
    interruptLine: () => line,
    async settle() {
      do {
        const due = tasks;
        tasks = [];
        for (const task of due) task();
        for (let turn = 0; turn < MICROTASK_TURNS; turn++) await null;
      } while (tasks.length > 0);
      if (failure === null) return;
      const what = failure;
      failure = null;
      throw new Error(`the device failed in ${what}`);
    },
    ...(gpu === null ? {} : pixelsOf(gpu, display)),
    close: () => {},
  };
}

function createGpu(display: FlushedDisplay): GpuDevice {
  return new GpuDevice({
    display,
    scanouts: SCANOUTS,
    displays: [
      { widthPixels: 1024, heightPixels: 768 },
      { widthPixels: 800, heightPixels: 600 },
    ],
    renderer: new SimpleRenderer(),
    hostHeap: new HostHeap(HOST_VISIBLE_BYTES),
    blobAlignmentBytes: 4096,
  });
}

function pixelsOf(
  gpu: GpuDevice,
  display: FlushedDisplay,
): Pick<DeviceUnderTest, "screenshot" | "changeDisplay"> {
  return {
    screenshot: (scanout) => display.picture(scanout),
    changeDisplay({ scanout, width, height }: DisplayChange) {
      if (width === 0 || height === 0) gpu.setDisplay(scanout, { enabled: false });
      else gpu.setDisplay(scanout, { enabled: true, widthPixels: width, heightPixels: height });
    },
  };
}

function ramOf(buffer: ArrayBuffer): GuestRam {
  return {
    sizeBytes: buffer.byteLength,
    read: (address, lengthBytes) => new Uint8Array(buffer, address, lengthBytes).slice(),
    write: (address, bytes) => new Uint8Array(buffer).set(bytes, address),
  };
}

/** A message-signalled interrupt is a store of 32 bits. */
function storeMessage(ram: GuestRam, addressHi: number, addressLo: number, data: number): void {
  if (addressHi !== 0 || addressLo + 4 > ram.sizeBytes) return;
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, data, true);
  ram.write(addressLo, bytes);
}
