// A GPU device behind rings of either format, with no transport between them: the same commands cut into descriptors in
// any way, and all that can be seen of what they did.
import { createHash } from "node:crypto";
import { MemoryDisplay } from "../../src/backends/display/memory/index.ts";
import { VirtioDevice } from "../../src/device/index.ts";
import { GpuDevice, HostHeap } from "../../src/devices/gpu/index.ts";
import {
  createDriverRing,
  type DmaBuffer,
  type DriverRing,
  ElementList,
  GuestAllocator,
} from "../../src/driver/index.ts";
import { GuestMemory } from "../../src/memory/index.ts";
import { FILLER } from "../../src/testing/index.ts";
import { CURSORQ } from "./gpu-messages.ts";
import { pattern } from "./gpu-rig.ts";
import { RecordingRenderer } from "./recording-renderer.ts";
import { bytesOf, type RingKind } from "./ring-pair.ts";

const MEMORY_BYTES = 1 << 19;
/** Where backing is: behind everything that the allocator gives away. */
export const BACKING_ADDRESS = 1 << 18;

const QUEUE_SIZE = 16;
const VERSION_1 = 32;
const INDIRECT_DESC = 28;
const EVENT_IDX = 29;
const RING_PACKED = 34;
const IN_ORDER = 35;

/** One command as a driver sends it. */
export interface GpuMessage {
  readonly queue: number;
  readonly request: Uint8Array;
  /** Bytes of the response buffer. */
  readonly room: number;
}

export class GpuPair {
  readonly renderer = new RecordingRenderer();
  readonly display = new MemoryDisplay();
  readonly gpu: GpuDevice;
  readonly device: VirtioDevice;
  readonly #allocator: GuestAllocator;
  readonly #rings: readonly DriverRing[];
  readonly #elements = new ElementList();

  constructor(kind: RingKind) {
    const memory = new GuestMemory([{ base: 0, memory: new ArrayBuffer(MEMORY_BYTES) }]);
    memory.view(BACKING_ADDRESS, MEMORY_BYTES - BACKING_ADDRESS).set(pattern(MEMORY_BYTES - BACKING_ADDRESS));
    this.#allocator = new GuestAllocator(memory, { base: 4096, lengthBytes: BACKING_ADDRESS - 4096 });
    let uuids = 0;
    this.gpu = new GpuDevice({
      display: this.display,
      renderer: this.renderer,
      hostHeap: new HostHeap(65536),
      displays: [{}, {}],
      randomBytes: (bytes) => {
        bytes.fill(++uuids);
      },
    });
    const features: number[] = [];
    if (kind.format === "packed") features.push(RING_PACKED);
    if (kind.indirectDesc) features.push(INDIRECT_DESC);
    if (kind.eventIdx) features.push(EVENT_IDX);
    if (kind.inOrder) features.push(IN_ORDER);
    this.device = new VirtioDevice(this.gpu, { memory, ringFeatures: features });
    this.device.connect({ queueInterrupt: () => {}, configInterrupt: () => {}, deviceReset: () => {} });
    this.#rings = [0, 1].map(() =>
      createDriverRing(
        { ...kind, size: QUEUE_SIZE, maxIndirectElements: 64 },
        { allocator: this.#allocator },
      ),
    );
    this.#start([...this.gpu.features, VERSION_1, ...features]);
  }

  #start(features: readonly number[]): void {
    const { device } = this;
    device.writeStatus(1);
    device.writeStatus(3);
    for (let word = 0; word < 2; word++) {
      let value = 0;
      for (const bit of features) if (bit >>> 5 === word) value |= 1 << (bit & 31);
      device.writeDriverFeatureWord(word, value >>> 0);
    }
    device.writeStatus(11);
    if ((device.status & 8) === 0) throw new Error("the device refused the features");
    for (const [index, ring] of this.#rings.entries()) {
      const { desc, driver, device: used } = ring.memory;
      device.writeQueueConfig(index, {
        size: ring.size,
        descHi: desc.hi,
        descLo: desc.lo,
        driverHi: driver.hi,
        driverLo: driver.lo,
        deviceHi: used.hi,
        deviceLo: used.lo,
      });
      device.enableQueue(index);
    }
    device.writeStatus(15);
  }

  /**
   * Sends a command whose request and response are cut at these bytes; cuts outside of them do nothing. Returns what was
   * answered.
   */
  send(
    message: GpuMessage,
    requestCuts: readonly number[] = [],
    responseCuts: readonly number[] = [],
  ): string {
    const { queue, request, room } = message;
    const ring = this.#rings[queue] as DriverRing;
    const elements = this.#elements;
    // Each piece lies in memory of its own, so that what lies behind one is not the next.
    const place = (from: number, to: number): DmaBuffer => this.#allocator.allocate((from & 3) + to - from);
    const out = pieces(request.length, requestCuts).map(([from, to]) => {
      const buffer = place(from, to);
      buffer.region.u8.set(request.subarray(from, to), buffer.offset + (from & 3));
      return { buffer, skip: from & 3, lengthBytes: to - from };
    });
    const back = pieces(room, responseCuts).map(([from, to]) => {
      const buffer = place(from, to);
      buffer.region.u8.fill(FILLER, buffer.offset, buffer.offset + buffer.lengthBytes);
      return { buffer, skip: from & 3, lengthBytes: to - from };
    });
    elements.clear();
    for (const { buffer, skip, lengthBytes } of out) elements.readableBuffer(buffer, skip, lengthBytes);
    for (const { buffer, skip, lengthBytes } of back) elements.writableBuffer(buffer, skip, lengthBytes);
    const token = ring.add(elements);
    ring.publish();
    if (ring.shouldNotify()) this.device.notify(queue);
    if (ring.pollUsed() !== token) throw new Error("the command was not answered at once");
    const bytes = back.map(({ buffer, skip, lengthBytes }) =>
      bytesOf(buffer).subarray(skip, skip + lengthBytes),
    );
    const answer = `${ring.lastWritten} ${Buffer.concat(bytes).toString("hex")}`;
    for (const { buffer } of [...out, ...back]) this.#allocator.free(buffer);
    return answer;
  }

  /** All that can be seen of the device from outside, as text. */
  look(): string {
    const screens = [0, 1].map((index) => {
      const { source, cursor, ...counts } = this.display.screen(index);
      const rgba = this.display.readRgba(index);
      return {
        ...counts,
        resourceId: source?.resourceId ?? 0,
        rgba: rgba === null ? null : createHash("sha256").update(rgba).digest("hex"),
        cursor: cursor === null ? null : createHash("sha256").update(cursor.pixels).digest("hex"),
      };
    });
    const { status } = this.device;
    const state = { status, screens, resources: this.gpu.resources(), counters: this.gpu.counters };
    const calls = this.renderer.calls.splice(0);
    return JSON.stringify({ ...state, calls }, (_, value) =>
      typeof value === "bigint" ? `${value}n` : value,
    );
  }
}

/** The pieces that are left of `lengthBytes` bytes when they are cut. */
function pieces(lengthBytes: number, cuts: readonly number[]): [from: number, to: number][] {
  const inside = [...new Set(cuts)].filter((cut) => cut > 0 && cut < lengthBytes).sort((a, b) => a - b);
  const edges = [0, ...inside, lengthBytes];
  if (lengthBytes === 0) return [];
  return edges.slice(1).map((to, i) => [edges[i] as number, to]);
}

/** The queue that a command belongs to. */
export const queueOf = (request: Uint8Array): number => (request[1] === 3 ? CURSORQ : 0);
