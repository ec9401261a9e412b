import { le32 } from "../../../base/endian.ts";
import { VirtioUsageError } from "../../../base/errors.ts";
import { hi32, lo32 } from "../../../base/u64.ts";
import { VIRTIO_GPU_CTRL_HDR, VIRTIO_GPU_FLAG_FENCE, VIRTIO_GPU_RESP_ERR_UNSPEC } from "../../../wire/gpu.ts";
import { gpuCommandName, gpuResponseName } from "../../../wire/gpu-names.ts";
import type { DmaBuffer, GuestAllocator } from "../../allocator.ts";
import { DriverError } from "../../errors.ts";
import { regionOf } from "../../guest-buffer.ts";
import { GpuCommandError } from "./gpu-error.ts";

export const HEADER_BYTES = VIRTIO_GPU_CTRL_HDR.sizeBytes;
/** Room in a slot for the fixed part of any command, and for the response of most. */
const REQUEST_ROOM_BYTES = 128;
export const RESPONSE_ROOM_BYTES = 64;
const SLOT_BYTES = REQUEST_ROOM_BYTES + RESPONSE_ROOM_BYTES;

export const FREE = 0;
export const QUEUED = 1;
export const DONE = 2;

/** Any response will do: for requests whose answer the caller reads himself. */
export const ANY_RESPONSE = 0xffffffff;

/** Whoever waits for a request. */
export interface Settle {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** Memory for the requests of one queue and their responses, and what is known of each while it is under way. */
export class RequestSlots {
  readonly count: number;
  readonly memory: DmaBuffer;
  readonly state: Uint8Array<ArrayBuffer>;
  readonly kept: Uint8Array<ArrayBuffer>;
  readonly tickets: Float64Array<ArrayBuffer>;
  readonly commands: Uint32Array<ArrayBuffer>;
  readonly expected: Uint32Array<ArrayBuffer>;
  readonly fenceIds: Float64Array<ArrayBuffer>;
  readonly responses: Uint32Array<ArrayBuffer>;
  readonly written: Float64Array<ArrayBuffer>;
  readonly data: (DmaBuffer | null)[];
  /** Response buffers of requests whose response has no room in the slot. */
  readonly large: (DmaBuffer | null)[];
  readonly settles: (Settle | null)[];
  freeCount: number;
  readonly #allocator: GuestAllocator;
  readonly #free: Uint16Array<ArrayBuffer>;

  constructor(allocator: GuestAllocator, count: number) {
    this.#allocator = allocator;
    this.count = count;
    this.memory = allocator.allocate(count * SLOT_BYTES, 64);
    this.state = new Uint8Array(count);
    this.kept = new Uint8Array(count);
    this.tickets = new Float64Array(count).fill(-1);
    this.commands = new Uint32Array(count);
    this.expected = new Uint32Array(count);
    this.fenceIds = new Float64Array(count);
    this.responses = new Uint32Array(count);
    this.written = new Float64Array(count);
    this.data = new Array<DmaBuffer | null>(count).fill(null);
    this.large = new Array<DmaBuffer | null>(count).fill(null);
    this.settles = new Array<Settle | null>(count).fill(null);
    this.#free = new Uint16Array(count).map((_, i) => count - 1 - i);
    this.freeCount = count;
  }

  /** A free slot; there must be one. */
  take(): number {
    return this.#free[--this.freeCount] as number;
  }

  /** Where the request of a slot begins, in bytes from the start of {@link memory}. */
  requestAt(slot: number): number {
    return slot * SLOT_BYTES;
  }

  /** The same for the response that has room in the slot. */
  responseAt(slot: number): number {
    return slot * SLOT_BYTES + REQUEST_ROOM_BYTES;
  }

  /** A word of the response, as the device wrote it. */
  responseWord(slot: number, word: number): number {
    const large = this.large[slot] as DmaBuffer | null;
    if (large !== null) return le32(regionOf(large).u32[(large.offset >>> 2) + word] as number) >>> 0;
    const at = (this.memory.offset + this.responseAt(slot)) >>> 2;
    return le32(regionOf(this.memory).u32[at + word] as number) >>> 0;
  }

  /** What is wrong with the response of a completed request, or null. */
  failureOf(slot: number): Error | null {
    const expected = this.expected[slot] as number;
    if (expected === 0 || expected === ANY_RESPONSE) return null;
    const response = this.responses[slot] as number;
    const command = this.commands[slot] as number;
    if (response === expected) {
      const fence = this.fenceIds[slot] as number;
      if (fence === 0) return null;
      const flags = this.responseWord(slot, 1);
      if (
        (flags & VIRTIO_GPU_FLAG_FENCE) !== 0 &&
        this.responseWord(slot, 2) === lo32(fence) &&
        this.responseWord(slot, 3) === hi32(fence)
      ) {
        return null;
      }
      return new DriverError(
        "EIO",
        `${gpuCommandName(command)}: the response has another fence than ${fence}`,
      );
    }
    if (response >= VIRTIO_GPU_RESP_ERR_UNSPEC && response < VIRTIO_GPU_RESP_ERR_UNSPEC + 0x100) {
      return new GpuCommandError(command, response);
    }
    return new DriverError(
      "EIO",
      `${gpuCommandName(command)}: answered with ${gpuResponseName(response)} (${this.written[slot]} bytes)`,
    );
  }

  /** Frees a slot, with its data and its response. */
  release(slot: number): void {
    const data = this.data[slot] as DmaBuffer | null;
    if (data !== null) {
      this.#allocator.free(data);
      this.data[slot] = null;
    }
    const large = this.large[slot] as DmaBuffer | null;
    if (large !== null) {
      this.#allocator.free(large);
      this.large[slot] = null;
    }
    this.state[slot] = FREE;
    this.tickets[slot] = -1;
    this.#free[this.freeCount++] = slot;
  }

  /** The slot of a request. Throws {@link VirtioUsageError} when the request was released. */
  slotOf(ticket: number): number {
    const slot = ticket % this.count;
    if (this.tickets[slot] !== ticket) {
      throw new VirtioUsageError(
        "this request has completed and was released: keep() its ticket before it does",
      );
    }
    return slot;
  }

  /** A private copy: the device may go on writing, but not into this. */
  copyResponse(slot: number): Uint8Array<ArrayBuffer> {
    const large = this.large[slot] as DmaBuffer | null;
    const buffer = large ?? this.memory;
    const at = buffer.offset + (large === null ? this.responseAt(slot) : 0);
    const copy = new Uint8Array(this.written[slot] as number);
    copy.set(regionOf(buffer).u8.subarray(at, at + copy.length));
    return copy;
  }
}
