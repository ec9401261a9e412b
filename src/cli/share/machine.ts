import { type DeviceType, SharedObjectRegistry, VirtioDevice } from "../../device/index.ts";
import { type GpuCommandRecord, GpuDevice } from "../../devices/gpu/index.ts";
import { type RenderCommandRecord, RenderDevice } from "../../devices/render/index.ts";
import { GuestAllocator, PciDriverTransport, RenderDriver, VirtioDriver } from "../../driver/index.ts";
import { KmsCard, VirtualClock } from "../../driver/kms/index.ts";
import { GuestMemory } from "../../memory/index.ts";
import { PciTransport } from "../../transport/pci/index.ts";
import { describeGpuCommand, describeRenderCommand } from "./describe.ts";
import { EventLog } from "./events.ts";
import { Recorder } from "./recorder.ts";
import { ramBytesFor, type ShareSettings } from "./settings.ts";

const MSI_ADDRESS = 0xfee00000;
/** Milliseconds that it takes to draw as many pixels as the screen has. */
const SCREEN_MS = 14;
/** Parts in which a screen full of pixels appears. */
const SLICES = 32;

/** Sums over all commands. */
export interface MachineTotals {
  readonly gpuCommands: number;
  readonly gpuNotifications: number;
  readonly renderCommands: number;
  readonly renderNotifications: number;
  readonly fences: number;
  readonly pixelsDrawn: number;
  /** Bytes that virtio-gpu copied out of the guest's pages. */
  readonly bytesCopied: number;
  /** Bytes of the rectangles that the driver transferred: the damage, as it told it. */
  readonly bytesTransferred: number;
  readonly flips: number;
}

/**
 * A virtio-gpu and a renderer on one PCI bus, in one guest memory, with the drivers of one guest; on a clock that only
 * moves when somebody waits.
 */
export class SharingMachine {
  readonly clock = new VirtualClock();
  readonly log = new EventLog();
  readonly recorder: Recorder;
  readonly card: KmsCard;
  readonly render: RenderDriver;
  readonly #gpu: GpuDevice;
  readonly #renderer: RenderDevice;
  readonly #gpuDevice: VirtioDevice;
  readonly #renderDevice: VirtioDevice;
  #bytesTransferred = 0;

  /** Without `drawingTakesTime` everything is drawn as soon as it is asked for. `keep`: see {@link Recorder}. */
  constructor(settings: ShareSettings, drawingTakesTime: boolean, keep: (sha256: string) => boolean) {
    const { clock, log } = this;
    const now = () => clock.now();
    const memory = new GuestMemory([{ base: 0, memory: new ArrayBuffer(ramBytesFor(settings)) }]);
    const allocator = new GuestAllocator(memory, { base: 1 << 20 });
    const sharedObjects = new SharedObjectRegistry();
    this.recorder = new Recorder(log, now, keep);
    const { width, height } = settings;
    this.#gpu = new GpuDevice({
      sharedObjects,
      display: this.recorder,
      displays: [{ widthPixels: width, heightPixels: height }],
      features: { resourceBlob: settings.blob },
      onCommand: (record) => this.#gpuCommand(record),
    });
    const pixels = width * height;
    const timing = { clock, pixelsPerMs: pixels / SCREEN_MS, slicePixels: Math.ceil(pixels / SLICES) };
    this.#renderer = new RenderDevice({
      sharedObjects,
      onCommand: (record) => this.#renderCommand(record),
      ...(drawingTakesTime ? { timing } : {}),
    });
    const [gpuDevice, gpuDriver] = plug(this.#gpu, memory, allocator, clock);
    const [renderDevice, renderDriver] = plug(this.#renderer, memory, allocator, clock);
    this.#gpuDevice = gpuDevice;
    this.#renderDevice = renderDevice;
    this.card = KmsCard.bind(gpuDriver, { profile: settings.profile, clock });
    this.render = RenderDriver.start(renderDriver);
  }

  #gpuCommand(record: GpuCommandRecord): void {
    const event = describeGpuCommand(record, this.clock.now());
    if (record.name === "VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D") {
      const { r } = record.fields as { readonly r: { readonly width: number; readonly height: number } };
      this.#bytesTransferred += r.width * r.height * 4;
    }
    this.log.add(event);
  }

  #renderCommand(record: RenderCommandRecord): void {
    this.log.add(describeRenderCommand(record));
  }

  get totals(): MachineTotals {
    const gpu = this.#gpu.counters;
    const renderer = this.#renderer.counters;
    return {
      gpuCommands: gpu.commands,
      gpuNotifications: this.#gpuDevice.counters.notifications,
      renderCommands: renderer.commands,
      renderNotifications: this.#renderDevice.counters.notifications,
      fences: gpu.fences + renderer.fences,
      pixelsDrawn: renderer.pixels,
      bytesCopied: gpu.bytesCopied,
      bytesTransferred: this.#bytesTransferred,
      flips: gpu.flips,
    };
  }

  /** Takes both drivers off their devices. */
  close(): void {
    this.render.close();
    this.card.remove();
  }
}

/** Puts a device on the bus, with MSI-X, and makes a driver for it. */
function plug(
  type: DeviceType,
  memory: GuestMemory,
  allocator: GuestAllocator,
  clock: VirtualClock,
): [VirtioDevice, VirtioDriver] {
  const device = new VirtioDevice(type, { memory });
  let driver: VirtioDriver | null = null;
  const bus = new PciTransport(device, { onMsix: ({ data }) => driver?.handleInterrupt(data) });
  const transport = PciDriverTransport.probe(bus, {
    msix: (vector) => ({ addressHi: 0, addressLo: MSI_ADDRESS, data: vector }),
  });
  if (transport === null) throw new Error("the device is not on the bus");
  driver = new VirtioDriver(transport, { allocator, wait: () => clock.block(Number.POSITIVE_INFINITY) });
  return [device, driver];
}
