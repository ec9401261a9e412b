import {
  VIRTIO_GPU_BLOB_MEM_GUEST,
  VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING,
  VIRTIO_GPU_CMD_RESOURCE_CREATE_2D,
  VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB,
  VIRTIO_GPU_CMD_RESOURCE_FLUSH,
  VIRTIO_GPU_CMD_SET_SCANOUT,
  VIRTIO_GPU_CMD_SET_SCANOUT_BLOB,
  VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D,
  VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM,
  VIRTIO_GPU_RECT,
  VIRTIO_GPU_RESOURCE_CREATE_2D,
  VIRTIO_GPU_RESOURCE_FLUSH,
  VIRTIO_GPU_SET_SCANOUT,
  VIRTIO_GPU_SET_SCANOUT_BLOB,
  VIRTIO_GPU_TRANSFER_TO_HOST_2D,
} from "../../../src/wire/index.ts";
import type { RingFormat } from "../device/ring.ts";
import { fnv1a } from "../digest.ts";
import type { Workload } from "../workload.ts";
import { GpuMachine, PIXELS_AT } from "./machine.ts";
import { fillPattern, PAGE_BYTES, Random, scatteredPages } from "./pages.ts";

// c/copy.c has the same numbers.
export const FRAME_WIDTH = 1920;
export const FRAME_HEIGHT = 1080;
export const DAMAGE_PIXELS = 64;
/** Guest pages of which the frame's are picked. */
const POOL_PAGES = 4096;
const SEED = 0x2545f491;
const DAMAGE_SEED = 0x1b873593;

const RESOURCE = 1;
const BYTES_PER_PIXEL = 4;

/** A 2D resource of 1920 × 1080 on scanout 0, backed by scattered pages. */
function createFrame(memory: ArrayBufferLike, format: RingFormat = "split"): GpuMachine {
  const machine = new GpuMachine(memory, format);
  fillPattern(machine.words.subarray(PIXELS_AT >>> 2));
  const { words } = machine;
  let at = machine.begin(VIRTIO_GPU_CMD_RESOURCE_CREATE_2D);
  words[at + VIRTIO_GPU_RESOURCE_CREATE_2D.resource_id / 4] = RESOURCE;
  words[at + VIRTIO_GPU_RESOURCE_CREATE_2D.format / 4] = VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM;
  words[at + VIRTIO_GPU_RESOURCE_CREATE_2D.width / 4] = FRAME_WIDTH;
  words[at + VIRTIO_GPU_RESOURCE_CREATE_2D.height / 4] = FRAME_HEIGHT;
  machine.end(VIRTIO_GPU_RESOURCE_CREATE_2D.sizeBytes);
  machine.kick();
  const count = (FRAME_WIDTH * FRAME_HEIGHT * BYTES_PER_PIXEL) / PAGE_BYTES;
  const pages = scatteredPages(count, POOL_PAGES, new Random(SEED));
  machine.sendWithPages(VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING, [RESOURCE, count], pages, PAGE_BYTES);
  at = machine.begin(VIRTIO_GPU_CMD_SET_SCANOUT);
  putRectangle(words, at + VIRTIO_GPU_SET_SCANOUT.r / 4, 0, 0, FRAME_WIDTH, FRAME_HEIGHT);
  words[at + VIRTIO_GPU_SET_SCANOUT.scanout_id / 4] = 0;
  words[at + VIRTIO_GPU_SET_SCANOUT.resource_id / 4] = RESOURCE;
  machine.end(VIRTIO_GPU_SET_SCANOUT.sizeBytes);
  machine.kick();
  return machine;
}

function putRectangle(
  words: Uint32Array,
  at: number,
  x: number,
  y: number,
  widthPixels: number,
  heightPixels: number,
): void {
  words[at + VIRTIO_GPU_RECT.x / 4] = x;
  words[at + VIRTIO_GPU_RECT.y / 4] = y;
  words[at + VIRTIO_GPU_RECT.width / 4] = widthPixels;
  words[at + VIRTIO_GPU_RECT.height / 4] = heightPixels;
}

function putTransfer(machine: GpuMachine, x: number, y: number, width: number, height: number): void {
  const { words } = machine;
  const at = machine.begin(VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D);
  putRectangle(words, at + VIRTIO_GPU_TRANSFER_TO_HOST_2D.r / 4, x, y, width, height);
  const offset = at + VIRTIO_GPU_TRANSFER_TO_HOST_2D.offset / 4;
  words[offset] = (y * FRAME_WIDTH + x) * BYTES_PER_PIXEL;
  words[offset + 1] = 0;
  words[at + VIRTIO_GPU_TRANSFER_TO_HOST_2D.resource_id / 4] = RESOURCE;
  machine.end(VIRTIO_GPU_TRANSFER_TO_HOST_2D.sizeBytes);
}

function putFlush(
  machine: GpuMachine,
  resource: number,
  x: number,
  y: number,
  width: number,
  height: number,
): void {
  const { words } = machine;
  const at = machine.begin(VIRTIO_GPU_CMD_RESOURCE_FLUSH);
  putRectangle(words, at + VIRTIO_GPU_RESOURCE_FLUSH.r / 4, x, y, width, height);
  words[at + VIRTIO_GPU_RESOURCE_FLUSH.resource_id / 4] = resource;
  machine.end(VIRTIO_GPU_RESOURCE_FLUSH.sizeBytes);
}

function createMemory(bytes: number, shared: boolean): ArrayBufferLike {
  return shared ? new SharedArrayBuffer(bytes) : new ArrayBuffer(bytes);
}

function digestOfFrame(machine: GpuMachine): string {
  const pixels = machine.display.shown?.pixels;
  if (pixels == null) throw new Error("nothing is shown");
  return fnv1a(new Uint32Array(pixels.buffer, pixels.byteOffset, pixels.byteLength >>> 2));
}

/** TRANSFER_TO_HOST_2D of a whole frame, one request at a time. */
export function fullFrames(shared: boolean): Workload {
  const machine = createFrame(createMemory(PIXELS_AT + POOL_PAGES * PAGE_BYTES, shared));
  return {
    run(count) {
      for (let i = 0; i < count; i++) {
        putTransfer(machine, 0, 0, FRAME_WIDTH, FRAME_HEIGHT);
        machine.kick();
      }
    },
    digest: () => digestOfFrame(machine),
  };
}

/** Positions of damage: as many as asked for, then the same again. */
function damagePositions(count: number): readonly [xs: Uint32Array, ys: Uint32Array] {
  const random = new Random(DAMAGE_SEED);
  const xs = new Uint32Array(count);
  const ys = new Uint32Array(count);
  for (let i = 0; i < count; i++) {
    xs[i] = random.below(FRAME_WIDTH - DAMAGE_PIXELS);
    ys[i] = random.below(FRAME_HEIGHT - DAMAGE_PIXELS);
  }
  return [xs, ys];
}

/**
 * TRANSFER_TO_HOST_2D of 64 × 64 pixels, each with its RESOURCE_FLUSH if asked for, in one batch as a driver sends
 * them. The rectangles lie at `positions` places, a power of two, one after the other.
 */
export function damage(positions: number, flush: boolean, shared: boolean, format: RingFormat): Workload {
  const machine = createFrame(createMemory(PIXELS_AT + POOL_PAGES * PAGE_BYTES, shared), format);
  const [xs, ys] = damagePositions(positions);
  let next = 0;
  return {
    run(count) {
      for (let i = 0; i < count; i++) {
        const x = xs[next & (positions - 1)] as number;
        const y = ys[next & (positions - 1)] as number;
        next = (next + 1) | 0;
        putTransfer(machine, x, y, DAMAGE_PIXELS, DAMAGE_PIXELS);
        if (flush) putFlush(machine, RESOURCE, x, y, DAMAGE_PIXELS, DAMAGE_PIXELS);
        machine.kick();
      }
      if (flush && machine.display.flushes < count) throw new Error("the display was not told");
    },
    digest: () => digestOfFrame(machine),
  };
}

/** Flips between two blobs of guest memory in scattered pages: SET_SCANOUT_BLOB and RESOURCE_FLUSH. */
export function blobFlips(
  widthPixels: number,
  heightPixels: number,
  shared: boolean,
  format: RingFormat,
): Workload {
  const strideBytes = widthPixels * BYTES_PER_PIXEL;
  const count = Math.ceil((strideBytes * heightPixels) / PAGE_BYTES);
  const pool = 2 * count;
  const machine = new GpuMachine(createMemory(PIXELS_AT + pool * PAGE_BYTES, shared), format);
  const { words } = machine;
  const pages = scatteredPages(pool, pool, new Random(SEED));
  for (const blob of [0, 1]) {
    machine.sendWithPages(
      VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB,
      [blob + 1, VIRTIO_GPU_BLOB_MEM_GUEST, 0, count, 0, 0, count * PAGE_BYTES, 0],
      pages.subarray(blob * count, (blob + 1) * count),
      PAGE_BYTES,
    );
  }
  const { display } = machine;
  let blob = 1;
  return {
    run(flips) {
      const before = display.sources;
      for (let i = 0; i < flips; i++) {
        const at = machine.begin(VIRTIO_GPU_CMD_SET_SCANOUT_BLOB);
        for (
          let word = VIRTIO_GPU_SET_SCANOUT_BLOB.r;
          word < VIRTIO_GPU_SET_SCANOUT_BLOB.sizeBytes;
          word += 4
        ) {
          words[at + word / 4] = 0;
        }
        putRectangle(words, at + VIRTIO_GPU_SET_SCANOUT_BLOB.r / 4, 0, 0, widthPixels, heightPixels);
        words[at + VIRTIO_GPU_SET_SCANOUT_BLOB.resource_id / 4] = blob;
        words[at + VIRTIO_GPU_SET_SCANOUT_BLOB.width / 4] = widthPixels;
        words[at + VIRTIO_GPU_SET_SCANOUT_BLOB.height / 4] = heightPixels;
        words[at + VIRTIO_GPU_SET_SCANOUT_BLOB.format / 4] = VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM;
        words[at + VIRTIO_GPU_SET_SCANOUT_BLOB.strides / 4] = strideBytes;
        machine.end(VIRTIO_GPU_SET_SCANOUT_BLOB.sizeBytes);
        putFlush(machine, blob, 0, 0, widthPixels, heightPixels);
        machine.kick();
        blob ^= 3;
      }
      if (display.sources - before !== flips || display.shown?.pages == null)
        throw new Error("nothing flipped");
    },
    digest: () => String(machine.gpu.counters.bytesCopied),
  };
}
