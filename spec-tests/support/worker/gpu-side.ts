// A gpu behind a channel, and a driver that draws on it; what was drawn is compared with what is shown.
import {
  attachDriver,
  type ChannelHandle,
  DeviceEndpoint,
  DriverEndpoint,
  pumpInterrupts,
  runSoon,
} from "../../../src/adapters/worker/index.ts";
import { VirtioDevice } from "../../../src/device/index.ts";
import { GpuDevice, MemoryDisplay } from "../../../src/devices/gpu/index.ts";
import { GpuDriver, GpuFramebuffer, GuestAllocator, type VirtioDriver } from "../../../src/driver/index.ts";
import { GuestMemory } from "../../../src/memory/index.ts";
import { MmioTransport } from "../../../src/transport/mmio/index.ts";
import {
  VIRTIO_F_EVENT_IDX,
  VIRTIO_F_RING_PACKED,
  VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM,
} from "../../../src/wire/index.ts";

/** Guest memory a gpu test needs. */
export const GPU_RAM_BYTES = 8 << 20;

const WIDTH = 160;
const HEIGHT = 120;
const BUFFERS = 3;
const WAIT_MS = 20_000;

export interface GpuRun {
  readonly format: "split" | "packed";
  readonly eventIdx: boolean;
  readonly blob: boolean;
  readonly flips: number;
}

/** Hash of every picture shown, in order. */
export type GpuPictures = readonly number[];

/** Serves a gpu until its channel ends. Flushes complete in a later turn. */
export async function serveGpu(handle: ChannelHandle): Promise<GpuPictures> {
  const endpoint = new DeviceEndpoint(handle);
  const memory = new GuestMemory([{ base: 0, memory: endpoint.ram }]);
  const pictures: number[] = [];
  const display = new MemoryDisplay(async () => {
    await new Promise<void>(runSoon);
    const rgba = display.readRgba(0) as Uint8Array;
    let hash = 0;
    for (let i = 0; i < rgba.length; i += 4) {
      hash = step(
        hash,
        ((rgba[i] as number) << 16) | ((rgba[i + 1] as number) << 8) | (rgba[i + 2] as number),
      );
    }
    pictures.push(hash);
  });
  const gpu = new GpuDevice({ display, displays: [{ widthPixels: WIDTH, heightPixels: HEIGHT }] });
  const device = new VirtioDevice(gpu, { memory, schedule: runSoon });
  const transport = new MmioTransport(device, { onInterrupt: (asserted) => endpoint.setInterrupt(asserted) });
  await endpoint.serve(transport);
  return pictures;
}

function step(hash: number, value: number): number {
  return (Math.imul(hash ^ value, 16777619) + 1) | 0;
}

function colourOf(flip: number, x: number, y: number): number {
  return (Math.imul(flip * 7919 + y * 131 + x, 2654435761) >>> 8) & 0xffffff;
}

function draw(framebuffer: GpuFramebuffer, flip: number): number {
  let hash = 0;
  for (let y = 0; y < HEIGHT; y++) {
    for (let x = 0; x < WIDTH; x++) {
      const colour = colourOf(flip, x, y);
      framebuffer.setPixel(x, y, colour);
      hash = step(hash, colour);
    }
  }
  return hash;
}

function open(
  handle: ChannelHandle,
  run: GpuRun,
): { bus: DriverEndpoint; driver: VirtioDriver; gpu: GpuDriver } {
  const bus = new DriverEndpoint(handle, { timeoutMilliseconds: WAIT_MS });
  const memory = new GuestMemory([{ base: 0, memory: bus.ram }]);
  const allocator = new GuestAllocator(memory, { base: 4096 });
  const driver = attachDriver(bus, { allocator, waitTimeoutMs: WAIT_MS, timeoutMs: WAIT_MS });
  const refuse: number[] = [];
  if (run.format === "split") refuse.push(VIRTIO_F_RING_PACKED);
  if (!run.eventIdx) refuse.push(VIRTIO_F_EVENT_IDX);
  return { bus, driver, gpu: GpuDriver.start(driver, { refuse }) };
}

function makeBuffers(gpu: GpuDriver, blob: boolean): GpuFramebuffer[] {
  return Array.from({ length: BUFFERS }, () =>
    GpuFramebuffer.create(gpu, { width: WIDTH, height: HEIGHT, blob }),
  );
}

/** Draws and flips, blocking; the hashes of what was drawn. */
export function driveGpu(handle: ChannelHandle, run: GpuRun): GpuPictures {
  const { bus, gpu } = open(handle, run);
  const buffers = makeBuffers(gpu, run.blob);
  const pictures: number[] = [];
  for (let flip = 0; flip < run.flips; flip++) {
    const buffer = buffers[flip % BUFFERS] as GpuFramebuffer;
    pictures.push(draw(buffer, flip));
    buffer.show(0);
    buffer.flush();
  }
  bus.close();
  return pictures;
}

/** The same with promises, in a thread that must not block. */
export async function driveGpuAsync(handle: ChannelHandle, run: GpuRun): Promise<GpuPictures> {
  await new DriverEndpoint(handle).connect(WAIT_MS);
  const { bus, driver, gpu } = open(handle, run);
  const pump = pumpInterrupts(bus, driver);
  const buffers = makeBuffers(gpu, run.blob);
  const pictures: number[] = [];
  for (let flip = 0; flip < run.flips; flip++) {
    const buffer = buffers[flip % BUFFERS] as GpuFramebuffer;
    const { resourceId, strideBytes } = buffer;
    pictures.push(draw(buffer, flip));
    const shown = run.blob
      ? gpu.async.setScanoutBlob(0, resourceId, {
          width: WIDTH,
          height: HEIGHT,
          format: VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM,
          strides: [strideBytes],
        })
      : Promise.all([
          gpu.async.transferToHost2D(resourceId, 0, 0, WIDTH, HEIGHT, 0),
          gpu.async.setScanout(0, resourceId, 0, 0, WIDTH, HEIGHT),
        ]);
    await Promise.all([shown, gpu.async.resourceFlush(resourceId, 0, 0, WIDTH, HEIGHT)]);
  }
  bus.close();
  await pump;
  return pictures;
}
