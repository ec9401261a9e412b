import { errorFrom } from "../../../base/brands.ts";
import { le32 } from "../../../base/endian.ts";
import { VirtioUsageError } from "../../../base/errors.ts";
import { hi32, lo32 } from "../../../base/u64.ts";
import {
  VIRTIO_GPU_CTRL_HDR,
  VIRTIO_GPU_FLAG_FENCE,
  VIRTIO_GPU_FLAG_INFO_RING_IDX,
  VIRTIO_GPU_RESP_ERR_UNSPEC,
  VIRTIO_GPU_RESP_OK_NODATA,
} from "../../../wire/gpu.ts";
import { gpuCommandName, gpuResponseName } from "../../../wire/gpu-names.ts";
import type { DmaBuffer, GuestAllocator } from "../../allocator.ts";
import type { DriverQueue } from "../../driver-queue.ts";
import { DriverError } from "../../errors.ts";
import { regionOf } from "../../guest-buffer.ts";
import { ElementList } from "../../rings/elements.ts";
import { GpuCommandError } from "./gpu-error.ts";
import type { MemEntryList } from "./mem-entries.ts";
import type { ResponseDecoder } from "./responses.ts";

const HEADER_BYTES = VIRTIO_GPU_CTRL_HDR.sizeBytes;
/** Room in a slot for the fixed part of any command, and for the response of most. */
const REQUEST_ROOM_BYTES = 128;
const RESPONSE_ROOM_BYTES = 64;
const SLOT_BYTES = REQUEST_ROOM_BYTES + RESPONSE_ROOM_BYTES;

const FREE = 0;
const QUEUED = 1;
const DONE = 2;

/** Failures kept for {@link GpuChannel.drain}; a batch that fails more often is no better known for it. */
const MAX_FAILURES = 64;

/** Any response will do: for requests whose answer the caller reads himself. */
export const ANY_RESPONSE = 0xffffffff;

/** The parts of a request on their way into a chain. */
export interface GpuRequestParts {
  readonly request: DmaBuffer;
  readonly requestAt: number;
  readonly requestBytes: number;
  /** Entry list or command stream behind the request's fixed part; null when there is none. */
  readonly data: DmaBuffer | null;
  readonly dataBytes: number;
  readonly response: DmaBuffer;
  readonly responseAt: number;
  /** 0 when no response is asked for. */
  readonly responseBytes: number;
}

/** Lays the parts of a request out as elements. The default makes what Linux makes: one element for each part. */
export type GpuFraming = (elements: ElementList, parts: GpuRequestParts) => void;

/**
 * The framing of the Linux driver: command, data if any, response if any.
 *
 * @example
 * ```ts
 * const gpu = GpuDriver.start(driver, { framing: frameLikeLinux }); // the default
 * ```
 */
export function frameLikeLinux(elements: ElementList, parts: GpuRequestParts): void {
  elements.readableBuffer(parts.request, parts.requestAt, parts.requestBytes);
  if (parts.data !== null) elements.readableBuffer(parts.data, 0, parts.dataBytes);
  if (parts.responseBytes !== 0) {
    elements.writableBuffer(parts.response, parts.responseAt, parts.responseBytes);
  }
}

/** Counts fences of a whole driver. */
export interface FenceCounter {
  last: number;
}

/** Where the encoders of commands write: one queue of a GPU, however it keeps and answers its requests. */
export interface GpuRequestWriter {
  /** Makes the next request fenced; returns the fence id. */
  armFence(ringIdx?: number): number;
  /** Begins a request of `lengthBytes` bytes, zeroed behind its header. */
  begin(command: number, lengthBytes: number, contextId?: number): void;
  /** Sets a 32-bit field of the request begun, by its offset in bytes. */
  set(offset: number, value: number): void;
  /** Sets bytes of the request begun. */
  setBytes(offset: number, bytes: Uint8Array): void;
  /** Memory for data behind the request begun. */
  attachData(lengthBytes: number): DmaBuffer;
  /** A list of guest memory behind the request begun. */
  attachEntries(entries: MemEntryList): void;
  /** Hands the request over; returns its ticket. */
  submit(expected: number, responseBytes: number): number;
}

interface Settle {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** Choices for a {@link GpuChannel}. */
export interface GpuChannelOptions {
  readonly queue: DriverQueue;
  readonly allocator: GuestAllocator;
  readonly fences: FenceCounter;
  /** Requests that can be under way at once. */
  readonly slots: number;
  readonly frame: GpuFraming;
}

/**
 * One queue of a GPU with memory for its requests. A request is begun, filled and submitted, which gives its ticket;
 * later it completes. Requests nobody keeps are released when they complete, and their failures remembered.
 *
 * @example
 * ```ts
 * gpu.control.begin(VIRTIO_GPU_CMD_GET_DISPLAY_INFO, VIRTIO_GPU_CTRL_HDR.sizeBytes);
 * gpu.control.submit(VIRTIO_GPU_RESP_OK_DISPLAY_INFO, VIRTIO_GPU_RESP_DISPLAY_INFO.sizeBytes);
 * gpu.control.kick();
 * gpu.control.drain();
 * ```
 */
export class GpuChannel implements GpuRequestWriter {
  readonly queue: DriverQueue;
  readonly #allocator: GuestAllocator;
  readonly #fences: FenceCounter;
  readonly #frame: GpuFraming;
  readonly #slots: number;
  readonly #memory: DmaBuffer;
  readonly #elements = new ElementList();
  readonly #parts: { -readonly [K in keyof GpuRequestParts]: GpuRequestParts[K] };

  // By slot.
  readonly #state: Uint8Array<ArrayBuffer>;
  readonly #kept: Uint8Array<ArrayBuffer>;
  readonly #tickets: Float64Array<ArrayBuffer>;
  readonly #commands: Uint32Array<ArrayBuffer>;
  readonly #expected: Uint32Array<ArrayBuffer>;
  readonly #fenceIds: Float64Array<ArrayBuffer>;
  readonly #responses: Uint32Array<ArrayBuffer>;
  readonly #written: Float64Array<ArrayBuffer>;
  readonly #data: (DmaBuffer | null)[];
  /** Response buffers of requests whose response has no room in the slot. */
  readonly #large: (DmaBuffer | null)[];
  readonly #settles: (Settle | null)[];

  readonly #slotOfToken: Uint16Array<ArrayBuffer>;
  readonly #free: Uint16Array<ArrayBuffer>;
  #freeCount: number;
  #nextTicket = 0;

  // The request being written.
  #slot = -1;
  #requestAt = 0;
  #requestBytes = 0;

  #fenceArmed = false;
  #fenceRing = -1;
  #outstanding = 0;
  #failures: Error[] = [];
  #waiting = 0;

  // Somebody else, an interrupt handler for instance, may take in what a wait is waiting for.
  #completions = 0;
  #completionsSeen = 0;
  readonly #progressed = () => this.#completions !== this.#completionsSeen;

  constructor(options: GpuChannelOptions) {
    const { queue, allocator, slots } = options;
    this.queue = queue;
    this.#allocator = allocator;
    this.#fences = options.fences;
    this.#frame = options.frame;
    this.#slots = slots;
    this.#memory = allocator.allocate(slots * SLOT_BYTES, 64);
    this.#state = new Uint8Array(slots);
    this.#kept = new Uint8Array(slots);
    this.#tickets = new Float64Array(slots).fill(-1);
    this.#commands = new Uint32Array(slots);
    this.#expected = new Uint32Array(slots);
    this.#fenceIds = new Float64Array(slots);
    this.#responses = new Uint32Array(slots);
    this.#written = new Float64Array(slots);
    this.#data = new Array<DmaBuffer | null>(slots).fill(null);
    this.#large = new Array<DmaBuffer | null>(slots).fill(null);
    this.#settles = new Array<Settle | null>(slots).fill(null);
    this.#slotOfToken = new Uint16Array(queue.ring.size);
    this.#free = new Uint16Array(slots).map((_, i) => slots - 1 - i);
    this.#freeCount = slots;
    this.#parts = {
      request: this.#memory,
      requestAt: 0,
      requestBytes: 0,
      data: null,
      dataBytes: 0,
      response: this.#memory,
      responseAt: 0,
      responseBytes: 0,
    };
  }

  /** Requests submitted and not completed. */
  get outstanding(): number {
    return this.#outstanding;
  }

  // Writing requests

  /**
   * Makes the next request fenced: the device answers when the work is done. `ringIdx` 0 … 63 names a timeline of the
   * context, -1 none. Returns the fence id.
   */
  armFence(ringIdx = -1): number {
    if (ringIdx < -1 || ringIdx > 63) throw new VirtioUsageError(`ring index ${ringIdx} is not in 0 … 63`);
    this.#fenceArmed = true;
    this.#fenceRing = ringIdx;
    return this.#fences.last + 1;
  }

  /** Takes back {@link armFence}: the ring index it was called with, null when the next request is not fenced. */
  disarmFence(): number | null {
    if (!this.#fenceArmed) return null;
    this.#fenceArmed = false;
    return this.#fenceRing;
  }

  /**
   * Begins a request of `lengthBytes` bytes, zeroed behind its header. When all slots are in use it sends what is
   * queued and waits; throws {@link DriverError} ENOSPC when nothing can come free.
   */
  begin(command: number, lengthBytes: number, contextId = 0): void {
    // A request begun and never submitted leaves its slot to the next, but not its data.
    this.#dropData();
    if (this.#slot < 0) {
      if (this.#freeCount === 0) this.#waitForSlot();
      this.#slot = this.#free[--this.#freeCount] as number;
    }
    const slot = this.#slot;
    this.#requestBytes = lengthBytes;
    const words = regionOf(this.#memory).u32;
    const at = (this.#memory.offset + slot * SLOT_BYTES) >>> 2;
    this.#requestAt = at;
    for (let i = HEADER_BYTES >>> 2; i < lengthBytes >>> 2; i++) words[at + i] = 0;
    this.#commands[slot] = command;
    words[at] = le32(command);
    words[at + 4] = le32(contextId);
    if (this.#fenceArmed) {
      this.#fenceArmed = false;
      const fence = ++this.#fences.last;
      this.#fenceIds[slot] = fence;
      const ring = this.#fenceRing;
      words[at + 1] = le32(VIRTIO_GPU_FLAG_FENCE | (ring < 0 ? 0 : VIRTIO_GPU_FLAG_INFO_RING_IDX));
      words[at + 2] = le32(lo32(fence));
      words[at + 3] = le32(hi32(fence));
      words[at + 5] = ring < 0 ? 0 : le32(ring);
    } else {
      this.#fenceIds[slot] = 0;
      words[at + 1] = 0;
      words[at + 2] = 0;
      words[at + 3] = 0;
      words[at + 5] = 0;
    }
  }

  /** Sets a 32-bit field of the request begun, by its offset in bytes. */
  set(offset: number, value: number): void {
    regionOf(this.#memory).u32[this.#requestAt + (offset >>> 2)] = le32(value);
  }

  /** Sets bytes of the request begun. */
  setBytes(offset: number, bytes: Uint8Array): void {
    regionOf(this.#memory).u8.set(bytes, this.#requestAt * 4 + offset);
  }

  /** Memory for data behind the request begun. It belongs to the request from now on. */
  attachData(lengthBytes: number): DmaBuffer {
    this.#dropData();
    const data = this.#allocator.allocate(lengthBytes);
    this.#parts.data = data;
    this.#parts.dataBytes = lengthBytes;
    return data;
  }

  #dropData(): void {
    const { data } = this.#parts;
    if (data === null) return;
    this.#allocator.free(data);
    this.#parts.data = null;
    this.#parts.dataBytes = 0;
  }

  /** A list of guest memory behind the request begun. */
  attachEntries(entries: MemEntryList): void {
    entries.encode(this.attachData(entries.wireBytes));
  }

  /**
   * Hands the request to the ring; the device sees it with the next {@link kick}. `expected` is the type of the
   * successful response, `responseBytes` the room for it (0: none). Returns the ticket.
   */
  submit(expected: number, responseBytes: number): number {
    const slot = this.#slot;
    const parts = this.#parts;
    const { data } = parts;
    const elements = this.#elements;
    try {
      const large = responseBytes > RESPONSE_ROOM_BYTES ? this.#allocator.allocate(responseBytes) : null;
      this.#large[slot] = large;
      parts.requestAt = slot * SLOT_BYTES;
      parts.requestBytes = this.#requestBytes;
      parts.response = large ?? this.#memory;
      parts.responseAt = large === null ? slot * SLOT_BYTES + REQUEST_ROOM_BYTES : 0;
      parts.responseBytes = responseBytes;
      elements.clear();
      this.#frame(elements, parts);
      this.#addToRing(slot);
    } catch (error) {
      if (data !== null) this.#allocator.free(data);
      const large = this.#large[slot] ?? null;
      if (large !== null) this.#allocator.free(large);
      this.#large[slot] = null;
      throw error;
    } finally {
      parts.data = null;
      parts.dataBytes = 0;
    }
    this.#slot = -1;
    this.#data[slot] = data;
    this.#state[slot] = QUEUED;
    this.#kept[slot] = 0;
    this.#expected[slot] = responseBytes === 0 ? 0 : expected;
    this.#outstanding++;
    const ticket = this.#nextTicket++ * this.#slots + slot;
    this.#tickets[slot] = ticket;
    return ticket;
  }

  /** The ring may be full although there are slots: direct descriptors take several places. */
  #addToRing(slot: number): void {
    const { ring } = this.queue;
    let token = this.queue.add(this.#elements);
    while (token < 0) {
      if (ring.inFlight === 0) throw new DriverError("ENOSPC", "the request does not fit into the ring");
      this.#makeProgress();
      token = this.queue.add(this.#elements);
    }
    this.#slotOfToken[token] = slot;
  }

  #waitForSlot(): void {
    while (this.#freeCount === 0) {
      if (this.#outstanding === 0) {
        throw new DriverError("ENOSPC", `${this.#slots} requests were kept and never finished`);
      }
      this.#makeProgress();
    }
  }

  /** True when a request can be begun without waiting. */
  get hasRoom(): boolean {
    return this.#freeCount > 0 || this.#slot >= 0;
  }

  /** As waiting for a slot in {@link begin}, without blocking. */
  async waitForRoom(): Promise<void> {
    while (!this.hasRoom) {
      if (this.#outstanding === 0) throw new DriverError("ENOSPC", "requests were kept and never finished");
      if (this.queue.ring.unpublished > 0) this.kick();
      else await this.#wait();
    }
  }

  // Waiting

  /** Sends what is queued, else waits. Sending alone may free what is needed, when an interrupt comes at once. */
  #makeProgress(): void {
    if (this.queue.ring.unpublished > 0) this.kick();
    else this.#waitSync();
  }

  /** Waits for a completion, and takes in all there are. */
  #waitSync(): void {
    this.#completionsSeen = this.#completions;
    this.queue.waitUsedSync(this.#progressed);
    this.process();
  }

  async #wait(): Promise<void> {
    const seen = this.#completions;
    await this.queue.waitUsed(() => this.#completions !== seen);
    this.process();
  }

  // Completing requests

  /** Shows the device what is queued. Returns true when it was notified. */
  kick(): boolean {
    return this.queue.kick();
  }

  /** Takes in whatever the device has completed. */
  process(): void {
    const { queue } = this;
    for (let token = queue.pollUsed(); token >= 0; token = queue.pollUsed()) {
      this.#complete(this.#slotOfToken[token] as number, queue.ring.lastWritten);
    }
  }

  /**
   * What an interrupt handler calls. A device that broke the ring must not throw into the code that delivers interrupts:
   * everybody who waits learns of it, and so does the next call.
   */
  processInterrupt(): void {
    try {
      do this.process();
      while (this.queue.ring.enableNotifications());
    } catch (error) {
      this.#rejectWaiting(errorFrom(error));
    }
  }

  #complete(slot: number, written: number): void {
    this.#outstanding--;
    this.#completions++;
    this.#state[slot] = DONE;
    this.#written[slot] = written;
    this.#responses[slot] = written >= HEADER_BYTES ? this.#responseWord(slot, 0) : 0;
    const settle = this.#settles[slot] as Settle | null;
    if (settle !== null) {
      this.#settles[slot] = null;
      this.#waiting--;
      settle.resolve();
      return;
    }
    if (this.#kept[slot] !== 0) return;
    const failure = this.#failureOf(slot);
    if (failure !== null && this.#failures.length < MAX_FAILURES) this.#failures.push(failure);
    this.#release(slot);
  }

  #responseWord(slot: number, word: number): number {
    const large = this.#large[slot] as DmaBuffer | null;
    if (large !== null) return le32(regionOf(large).u32[(large.offset >>> 2) + word] as number) >>> 0;
    const at = (this.#memory.offset + slot * SLOT_BYTES + REQUEST_ROOM_BYTES) >>> 2;
    return le32(regionOf(this.#memory).u32[at + word] as number) >>> 0;
  }

  /** What is wrong with the response of a completed request, or null. */
  #failureOf(slot: number): Error | null {
    const expected = this.#expected[slot] as number;
    if (expected === 0 || expected === ANY_RESPONSE) return null;
    const response = this.#responses[slot] as number;
    const command = this.#commands[slot] as number;
    if (response === expected) {
      const fence = this.#fenceIds[slot] as number;
      if (fence === 0) return null;
      const flags = this.#responseWord(slot, 1);
      if (
        (flags & VIRTIO_GPU_FLAG_FENCE) !== 0 &&
        this.#responseWord(slot, 2) === lo32(fence) &&
        this.#responseWord(slot, 3) === hi32(fence)
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
      `${gpuCommandName(command)}: answered with ${gpuResponseName(response)} (${this.#written[slot]} bytes)`,
    );
  }

  #release(slot: number): void {
    const data = this.#data[slot] as DmaBuffer | null;
    if (data !== null) {
      this.#allocator.free(data);
      this.#data[slot] = null;
    }
    const large = this.#large[slot] as DmaBuffer | null;
    if (large !== null) {
      this.#allocator.free(large);
      this.#large[slot] = null;
    }
    this.#state[slot] = FREE;
    this.#tickets[slot] = -1;
    this.#free[this.#freeCount++] = slot;
  }

  #slotOf(ticket: number): number {
    const slot = ticket % this.#slots;
    if (this.#tickets[slot] !== ticket) {
      throw new VirtioUsageError(
        "this request has completed and was released: keep() its ticket before it does",
      );
    }
    return slot;
  }

  /** Keeps a request when it completes, until it is finished with {@link finish}. Returns the ticket. */
  keep(ticket: number): number {
    this.#kept[this.#slotOf(ticket)] = 1;
    return ticket;
  }

  /** True when the request has completed. */
  isDone(ticket: number): boolean {
    return this.#state[this.#slotOf(ticket)] === DONE;
  }

  /**
   * Sends what is queued, waits for this request, and decodes its response. Throws {@link GpuCommandError} for an
   * error response, {@link DriverError} for everything else that goes wrong.
   */
  finish<T>(ticket: number, decode: ResponseDecoder<T>): T {
    const slot = this.#slotOf(ticket);
    this.#kept[slot] = 1;
    if (this.#state[slot] !== DONE) {
      this.kick();
      while (this.#state[slot] !== DONE) this.#waitSync();
    }
    return this.#take(slot, decode);
  }

  #take<T>(slot: number, decode: ResponseDecoder<T>): T {
    const failure = this.#failureOf(slot);
    const plain = failure === null && this.#expected[slot] === VIRTIO_GPU_RESP_OK_NODATA;
    const bytes = failure === null && !plain ? this.#copyResponse(slot) : NO_BYTES;
    this.#release(slot);
    if (failure !== null) throw failure;
    return decode(bytes);
  }

  /** A private copy: the device may go on writing, but not into this. */
  #copyResponse(slot: number): Uint8Array<ArrayBuffer> {
    const large = this.#large[slot] as DmaBuffer | null;
    const buffer = large ?? this.#memory;
    const at = buffer.offset + (large === null ? slot * SLOT_BYTES + REQUEST_ROOM_BYTES : 0);
    const copy = new Uint8Array(this.#written[slot] as number);
    copy.set(regionOf(buffer).u8.subarray(at, at + copy.length));
    return copy;
  }

  /**
   * Sends what is queued and waits until nothing is outstanding. Throws the first failure among requests nobody kept,
   * and forgets the others.
   */
  drain(): void {
    this.kick();
    while (this.#outstanding > 0) this.#waitSync();
    this.#throwFailure();
  }

  #throwFailure(): void {
    const [first] = this.#failures;
    this.#failures = [];
    if (first !== undefined) throw first;
  }

  /** Failures of requests nobody kept, since the last {@link drain} or call of this; they are forgotten then. */
  takeFailures(): Error[] {
    const failures = this.#failures;
    this.#failures = [];
    return failures;
  }

  /** As {@link finish}, without blocking and without sending: kick when the batch is complete. */
  async settle<T>(ticket: number, decode: ResponseDecoder<T>): Promise<T> {
    const slot = this.#slotOf(ticket);
    this.#kept[slot] = 1;
    if (this.#state[slot] !== DONE) {
      this.#waiting++;
      await new Promise<void>((resolve, reject) => {
        this.#settles[slot] = { resolve, reject };
      });
      if (this.#tickets[slot] !== ticket) throw new DriverError("ECANCELED", "the device was reset");
    }
    return this.#take(slot, decode);
  }

  /** Takes in completions until nobody waits for one; an error rejects the promises of those that wait. */
  async pump(): Promise<void> {
    try {
      while (this.#waiting > 0) {
        this.kick();
        if (this.#waiting > 0) await this.#wait();
      }
    } catch (error) {
      this.#rejectWaiting(errorFrom(error));
    }
  }

  /** As {@link kick}; an error goes to those who wait for their answers. */
  kickOrReject(): void {
    try {
      this.kick();
    } catch (error) {
      this.#rejectWaiting(errorFrom(error));
    }
  }

  #rejectWaiting(error: Error): void {
    for (let slot = 0; slot < this.#slots; slot++) {
      const settle = this.#settles[slot] as Settle | null;
      if (settle === null) continue;
      this.#settles[slot] = null;
      this.#kept[slot] = 0;
      this.#waiting--;
      settle.reject(error);
    }
  }

  /** Gives up everything under way and frees the memory. Only after the device or the queue was reset. */
  close(): void {
    this.#rejectWaiting(new DriverError("ECANCELED", "the device was reset"));
    for (let slot = 0; slot < this.#slots; slot++) if (this.#state[slot] !== FREE) this.#release(slot);
    this.#outstanding = 0;
    this.#dropData();
    this.#allocator.free(this.#memory);
  }
}

const NO_BYTES: Uint8Array<ArrayBuffer> = new Uint8Array(0);
