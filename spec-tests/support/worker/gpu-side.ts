// A gpu behind a channel, and a driver that draws on it; what was drawn is compared with what is shown.
import {
  attachDriver,
  type ChannelHandle,
  channelClock,
  DeviceEndpoint,
  DriverEndpoint,
  pumpInterrupts,
  runSoon,
} from "../../../src/adapters/worker/index.ts";
import { MemoryDisplay } from "../../../src/backends/display/memory/index.ts";
import { VirtioDevice } from "../../../src/device/index.ts";
import { GpuDevice } from "../../../src/devices/gpu/index.ts";
import { GpuDriver, GpuFramebuffer, GuestAllocator, type VirtioDriver } from "../../../src/driver/index.ts";
import {
  DRM_FORMAT_XRGB8888,
  type DrmFile,
  type DumbBuffer,
  KmsCard,
  type KmsCardOptions,
  type LinuxProfileName,
  type SetCrtc,
} from "../../../src/driver/kms/index.ts";
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

/** Serves a gpu until its channel ends. Flushes complete in a later turn, or at once. */
export async function serveGpu(handle: ChannelHandle, late = true): Promise<GpuPictures> {
  const endpoint = new DeviceEndpoint(handle);
  const memory = new GuestMemory([{ base: 0, memory: endpoint.ram }]);
  const pictures: number[] = [];
  const look = (): void => {
    const rgba = display.readRgba(0) as Uint8Array;
    let hash = 0;
    for (let i = 0; i < rgba.length; i += 4) {
      hash = step(
        hash,
        ((rgba[i] as number) << 16) | ((rgba[i + 1] as number) << 8) | (rgba[i + 2] as number),
      );
    }
    pictures.push(hash);
  };
  const display: MemoryDisplay = new MemoryDisplay(() =>
    late ? new Promise<void>(runSoon).then(look) : look(),
  );
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

function draw(framebuffer: { setPixel(x: number, y: number, colour: number): void }, flip: number): number {
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
  const bus = new DriverEndpoint(handle, { timeoutMs: WAIT_MS });
  const memory = new GuestMemory([{ base: 0, memory: bus.ram }]);
  const allocator = new GuestAllocator(memory, { base: 4096 });
  const driver = attachDriver(bus, { allocator, timeoutMs: WAIT_MS });
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

/** A card of the KMS model on the device behind a channel, blocking or with promises. */
export interface CardRun {
  readonly profile: LinuxProfileName;
  readonly flips: number;
}

function cardOptions({ profile }: CardRun, bus: DriverEndpoint, driver: VirtioDriver): KmsCardOptions {
  return { profile, clock: channelClock(bus, driver) };
}

function openCard(handle: ChannelHandle): { bus: DriverEndpoint; driver: VirtioDriver } {
  const bus = new DriverEndpoint(handle, { timeoutMs: WAIT_MS });
  const memory = new GuestMemory([{ base: 0, memory: bus.ram }]);
  const allocator = new GuestAllocator(memory, { base: 4096 });
  return { bus, driver: attachDriver(bus, { allocator, timeoutMs: WAIT_MS }) };
}

const cardFormat = { width: WIDTH, height: HEIGHT, bpp: 32 };

function drawDumb(file: DrmFile, { handle, pitch }: DumbBuffer, flip: number): number {
  const pixels = file.mapDumb(handle);
  return draw({ setPixel: (x, y, colour) => pixels.setWord(y * pitch + 4 * x, colour) }, flip);
}

function setCrtcRequest(file: DrmFile, fbId: number): SetCrtc {
  const { crtcs, connectors } = file.getResources();
  const [crtcId = 0] = crtcs;
  const [connectorId = 0] = connectors;
  const [mode = null] = file.getConnector(connectorId).modes;
  return { crtcId, fbId, connectors: [connectorId], mode };
}

/** A mode set and flips of a buffer for each picture; the hashes of what was drawn. */
export function driveCard(handle: ChannelHandle, run: CardRun): GpuPictures {
  const { bus, driver } = openCard(handle);
  const card = KmsCard.bind(driver, cardOptions(run, bus, driver));
  const file = card.open();
  const pictures: number[] = [];
  for (let flip = 0; flip <= run.flips; flip++) {
    const dumb = file.createDumb(cardFormat);
    pictures.push(drawDumb(file, dumb, flip));
    const fbId = file.addFb2({ width: WIDTH, height: HEIGHT, format: DRM_FORMAT_XRGB8888, ...dumb });
    const request = setCrtcRequest(file, fbId);
    if (flip === 0) file.setCrtc(request);
    else {
      file.pageFlip({ crtcId: request.crtcId, fbId, event: true });
      if (file.waitEvent(WAIT_MS) === null) throw new Error(`flip ${flip} is never complete`);
      file.readEvents();
    }
  }
  card.remove();
  bus.close();
  return pictures;
}

/** The same with promises. */
export async function driveCardAsync(handle: ChannelHandle, run: CardRun): Promise<GpuPictures> {
  await new DriverEndpoint(handle).connect(WAIT_MS);
  const { bus, driver } = openCard(handle);
  const pump = pumpInterrupts(bus, driver);
  const card = await KmsCard.bindAsync(driver, cardOptions(run, bus, driver));
  const file = card.open();
  const pictures: number[] = [];
  for (let flip = 0; flip <= run.flips; flip++) {
    const dumb = await file.async.createDumb(cardFormat);
    pictures.push(drawDumb(file, dumb, flip));
    const fbId = await file.async.addFb2({
      width: WIDTH,
      height: HEIGHT,
      format: DRM_FORMAT_XRGB8888,
      ...dumb,
    });
    const request = setCrtcRequest(file, fbId);
    if (flip === 0) await file.async.setCrtc(request);
    else {
      await file.async.pageFlip({ crtcId: request.crtcId, fbId, event: true });
      if ((await file.async.waitEvent(WAIT_MS)) === null) throw new Error(`flip ${flip} is never complete`);
      file.readEvents();
    }
  }
  card.remove();
  bus.close();
  await pump;
  return pictures;
}
