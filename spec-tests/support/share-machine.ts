// A machine with a virtio-gpu and a render device in one memory, each behind a transport, with a driver in front.

import { MemoryDisplay } from "../../src/backends/display/memory/index.ts";
import type { DeviceType } from "../../src/device/index.ts";
import { SharedObjectRegistry, VirtioDevice, type VirtioDeviceOptions } from "../../src/device/index.ts";
import { GpuDevice, type GpuDeviceOptions } from "../../src/devices/gpu/index.ts";
import { RenderDevice, type RenderDeviceOptions } from "../../src/devices/render/index.ts";
import {
  type DriverTransport,
  GuestAllocator,
  MmioDriverTransport,
  PciDriverTransport,
  VirtioDriver,
} from "../../src/driver/index.ts";
import { VirtualClock } from "../../src/driver/kms/index.ts";
import { GuestMemory } from "../../src/memory/index.ts";
import { MmioTransport } from "../../src/transport/mmio/index.ts";
import { PciTransport } from "../../src/transport/pci/index.ts";
import {
  VIRTIO_F_EVENT_IDX,
  VIRTIO_F_IN_ORDER,
  VIRTIO_F_INDIRECT_DESC,
  VIRTIO_F_RING_PACKED,
  VIRTIO_F_RING_RESET,
  VIRTIO_F_SUSPEND,
} from "../../src/wire/index.ts";

const EVERYTHING = [
  VIRTIO_F_INDIRECT_DESC,
  VIRTIO_F_EVENT_IDX,
  VIRTIO_F_RING_PACKED,
  VIRTIO_F_RING_RESET,
  VIRTIO_F_SUSPEND,
  VIRTIO_F_IN_ORDER,
];

export interface ShareOptions {
  readonly transport?: "mmio" | "pci";
  readonly msix?: boolean;
  /** Ring features to leave out. */
  readonly without?: readonly number[];
  readonly gpu?: GpuDeviceOptions;
  readonly render?: RenderDeviceOptions;
  /** Let drawing take time: a row of 64 pixels takes a millisecond. */
  readonly timed?: boolean;
  readonly memoryBytes?: number;
}

export class ShareMachine {
  readonly memory: GuestMemory;
  readonly allocator: GuestAllocator;
  readonly clock = new VirtualClock();
  readonly registry = new SharedObjectRegistry();
  readonly display: MemoryDisplay;
  readonly gpu: GpuDevice;
  readonly render: RenderDevice;
  readonly gpuDevice: VirtioDevice;
  readonly renderDevice: VirtioDevice;
  /** Not initialized yet. */
  readonly gpuDriver: VirtioDriver;
  readonly renderDriver: VirtioDriver;

  constructor(options: ShareOptions = {}) {
    this.memory = new GuestMemory([
      { base: 0x8000_0000, memory: new ArrayBuffer(options.memoryBytes ?? 16 << 20) },
    ]);
    this.allocator = new GuestAllocator(this.memory);
    this.display = (options.gpu?.display as MemoryDisplay | undefined) ?? new MemoryDisplay();
    this.gpu = new GpuDevice({ sharedObjects: this.registry, display: this.display, ...options.gpu });
    const timing = { clock: this.clock, pixelsPerMs: 64, commandMs: 0, slicePixels: 64 };
    this.render = new RenderDevice({
      sharedObjects: this.registry,
      ...(options.timed === true ? { timing } : {}),
      ...options.render,
    });
    [this.gpuDevice, this.gpuDriver] = this.#plug(this.gpu, options);
    [this.renderDevice, this.renderDriver] = this.#plug(this.render, options);
  }

  /** Lets time pass until something has happened; throws when it does not within a minute. */
  until(done: () => boolean): void {
    const deadline = this.clock.now() + 60_000;
    while (!done()) {
      if (this.clock.now() >= deadline) throw new Error("what is waited for never happens");
      this.clock.block(deadline);
    }
  }

  #plug(type: DeviceType, options: ShareOptions): [VirtioDevice, VirtioDriver] {
    const ringFeatures = EVERYTHING.filter((bit) => options.without?.includes(bit) !== true);
    const deviceOptions: VirtioDeviceOptions = { memory: this.memory, ringFeatures };
    const device = new VirtioDevice(type, deviceOptions);
    let driver: VirtioDriver | null = null;
    const onInterrupt = (asserted: boolean) => {
      if (asserted) driver?.handleInterrupt();
    };
    let transport: DriverTransport | null;
    if (options.transport === "mmio") {
      transport = MmioDriverTransport.probe(new MmioTransport(device, { onInterrupt }));
    } else {
      const pci = new PciTransport(device, {
        onInterrupt,
        onMsix: ({ data }) => driver?.handleInterrupt(data & 0xff),
      });
      const msix = (vector: number) => ({ addressHi: 0, addressLo: 0xfee00000, data: 0x4000 | vector });
      transport = PciDriverTransport.probe(pci, options.msix === true ? { msix } : {});
    }
    if (transport === null) throw new Error("no device found");
    driver = new VirtioDriver(transport, {
      allocator: this.allocator,
      wait: () => this.clock.block(Number.POSITIVE_INFINITY),
    });
    return [device, driver];
  }
}
