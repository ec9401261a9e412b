import { createHash } from "node:crypto";
import { GuestAllocator } from "../../driver/index.ts";
import { GuestMemory } from "../../memory/index.ts";
import { VIRTIO_F_RING_PACKED } from "../../wire/index.ts";
import { drawFrame } from "./picture.ts";
import {
  type Costs,
  gpuWay,
  type Machine,
  type Picture,
  vdmabufWay,
  type Way,
  type WayName,
} from "./ways.ts";

const BYTES_PER_PIXEL = 4;
const PAGE_BYTES = 4096;
// Rings, messages, tables, and room to scatter pages in.
const SPARE_BYTES = 8 << 20;
// The first page stays empty, as address 0 does in most machines.
const FIRST_ADDRESS = PAGE_BYTES;

/** What is to be compared. */
export interface CompareSettings {
  readonly width: number;
  readonly height: number;
  /** Pictures to show. */
  readonly frames: number;
  /** Buffers that take turns, at least 2. */
  readonly buffers: number;
  readonly ring: "split" | "packed";
  /** Pages one behind the other instead of scattered ones. */
  readonly contiguous: boolean;
}

/** What one way costs. */
export interface WayResult {
  readonly name: WayName;
  /** Before the first frame, all buffers included. */
  readonly once: Costs;
  /** All frames together. */
  readonly frames: Costs;
  /** From the guest's wish to the display: the median over all frames. */
  readonly microsecondsPerFrame: number;
}

/** What came out. */
export interface CompareResult {
  readonly settings: CompareSettings;
  /** Pages of one buffer, and how many segments those of all buffers lie in. */
  readonly pages: number;
  readonly segments: number;
  readonly ways: readonly WayResult[];
  /** Of every frame, of the bytes R, G, B, 255 of its pixels; by way. */
  readonly hashes: Readonly<Record<WayName, readonly string[]>>;
  /** The displays showed the same in every frame. */
  readonly identical: boolean;
  /** The last picture, as the display behind Vdmabuf shows it. */
  readonly rgba: Uint8Array<ArrayBuffer>;
  readonly elapsedMs: number;
}

/** Guest memory that a comparison needs, in bytes. */
export function ramBytesFor({ width, height, buffers }: CompareSettings): number {
  const buffer = Math.ceil((width * height * BYTES_PER_PIXEL) / PAGE_BYTES) * PAGE_BYTES;
  return buffers * buffer + SPARE_BYTES;
}

/** Shows the same buffers of one guest through Vdmabuf, through blobs of a virtio-gpu, and through its 2D resources. */
export function compareWays(settings: CompareSettings): CompareResult {
  const begin = performance.now();
  const { width, height, frames, buffers, contiguous } = settings;
  const memory = new GuestMemory([{ base: 0, memory: new ArrayBuffer(ramBytesFor(settings)) }]);
  const allocator = new GuestAllocator(memory, { base: FIRST_ADDRESS });
  const refuse = settings.ring === "split" ? [VIRTIO_F_RING_PACKED] : [];
  const machine: Machine = { memory, allocator, refuse };
  const pageCount = Math.ceil((width * height * BYTES_PER_PIXEL) / PAGE_BYTES);
  const pictures = Array.from({ length: buffers }, (): Picture => {
    return { pages: allocator.allocatePages(pageCount, contiguous), width, height };
  });
  const ways = [vdmabufWay(machine), gpuWay(machine, true), gpuWay(machine, false)];
  for (const way of ways) for (const picture of pictures) way.prepare(picture);
  const once = ways.map((way) => way.costs());
  const hashes: Record<WayName, string[]> = { vdmabuf: [], blob: [], "2d": [] };
  const milliseconds = ways.map(() => new Float64Array(frames));
  let rgba = new Uint8Array(0);
  for (let frame = 0; frame < frames; frame++) {
    const picture = pictures[frame % buffers] as Picture;
    expectFree(ways, picture, frame);
    drawFrame(picture.pages, width, height, frame);
    for (const [i, way] of ways.entries()) {
      const start = performance.now();
      way.show(picture);
      (milliseconds[i] as Float64Array)[frame] = performance.now() - start;
      const seen = way.read();
      hashes[way.name].push(createHash("sha256").update(seen).digest("hex"));
      if (way.name === "vdmabuf") rgba = seen;
    }
  }
  return {
    settings,
    pages: pageCount,
    segments: pictures.reduce((sum, { pages }) => sum + pages.forEachRun(pages.lengthBytes, () => {}), 0),
    ways: ways.map((way, i) => ({
      name: way.name,
      once: once[i] as Costs,
      frames: difference(way.costs(), once[i] as Costs),
      microsecondsPerFrame: median(milliseconds[i] as Float64Array) * 1000,
    })),
    hashes,
    identical: hashes.vdmabuf.every((hash, i) => hash === hashes.blob[i] && hash === hashes["2d"][i]),
    rgba,
    elapsedMs: performance.now() - begin,
  };
}

/** All work is done within the notifications, so that a buffer whose turn it is came back long ago. */
function expectFree(ways: readonly Way[], picture: Picture, frame: number): void {
  const late = ways.find((way) => !way.mayDraw(picture));
  if (late !== undefined) throw new Error(`frame ${frame}: the host still holds the buffer (${late.name})`);
}

function difference(now: Costs, before: Costs): Costs {
  const names = Object.keys(now) as (keyof Costs)[];
  return Object.fromEntries(names.map((name) => [name, now[name] - before[name]])) as unknown as Costs;
}

function median(values: Float64Array): number {
  return values.sort()[values.length >> 1] ?? 0;
}
