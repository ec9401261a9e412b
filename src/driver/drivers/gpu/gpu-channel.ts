import { errorFrom } from "../../../base/brands.ts";
import { le32 } from "../../../base/endian.ts";
import { VirtioUsageError } from "../../../base/errors.ts";
import { hi32, lo32 } from "../../../base/u64.ts";
import {
  VIRTIO_GPU_FLAG_FENCE,
  VIRTIO_GPU_FLAG_INFO_RING_IDX,
  VIRTIO_GPU_RESP_OK_NODATA,
} from "../../../wire/gpu.ts";
import type { DmaBuffer, GuestAllocator } from "../../allocator.ts";
import type { DriverQueue } from "../../driver-queue.ts";
import { DriverError } from "../../errors.ts";
import { regionOf } from "../../guest-buffer.ts";
import { ElementList } from "../../rings/elements.ts";
import type { GpuFraming, GpuRequestParts } from "./framing.ts";
import type { MemEntryList } from "./mem-entries.ts";
import {
  DONE,
  FREE,
  HEADER_BYTES,
  QUEUED,
  RESPONSE_ROOM_BYTES,
  RequestSlots,
  type Settle,
} from "./request-slots.ts";
import type { ResponseDecoder } from "./responses.ts";

/** Failures kept for {@link GpuChannel.drain}; a batch that fails more often is no better known for it. */
const MAX_FAILURES = 64;

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
 * const { channel } = gpu.requests;
 * channel.begin(VIRTIO_GPU_CMD_GET_DISPLAY_INFO, VIRTIO_GPU_CTRL_HDR.sizeBytes);
 * channel.submit(VIRTIO_GPU_RESP_OK_DISPLAY_INFO, VIRTIO_GPU_RESP_DISPLAY_INFO.sizeBytes);
 * channel.kick();
 * channel.drain();
 * ```
 */
export class GpuChannel implements GpuRequestWriter {
  readonly queue: DriverQueue;
  readonly #allocator: GuestAllocator;
  readonly #fences: FenceCounter;
  readonly #frame: GpuFraming;
  readonly #slots: RequestSlots;
  readonly #elements = new ElementList();
  readonly #parts: { -readonly [K in keyof GpuRequestParts]: GpuRequestParts[K] };

  readonly #slotOfToken: Uint16Array<ArrayBuffer>;
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
    this.#slots = new RequestSlots(allocator, slots);
    this.#slotOfToken = new Uint16Array(queue.ring.size);
    const { memory } = this.#slots;
    this.#parts = {
      request: memory,
      requestAt: 0,
      requestBytes: 0,
      data: null,
      dataBytes: 0,
      response: memory,
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
      if (this.#slots.freeCount === 0) this.#waitForSlot();
      this.#slot = this.#slots.take();
    }
    const slot = this.#slot;
    this.#requestBytes = lengthBytes;
    const words = regionOf(this.#slots.memory).u32;
    const at = (this.#slots.memory.offset + this.#slots.requestAt(slot)) >>> 2;
    this.#requestAt = at;
    for (let i = HEADER_BYTES >>> 2; i < lengthBytes >>> 2; i++) words[at + i] = 0;
    this.#slots.commands[slot] = command;
    words[at] = le32(command);
    words[at + 4] = le32(contextId);
    if (this.#fenceArmed) {
      this.#fenceArmed = false;
      const fence = ++this.#fences.last;
      this.#slots.fenceIds[slot] = fence;
      const ring = this.#fenceRing;
      words[at + 1] = le32(VIRTIO_GPU_FLAG_FENCE | (ring < 0 ? 0 : VIRTIO_GPU_FLAG_INFO_RING_IDX));
      words[at + 2] = le32(lo32(fence));
      words[at + 3] = le32(hi32(fence));
      words[at + 5] = ring < 0 ? 0 : le32(ring);
    } else {
      this.#slots.fenceIds[slot] = 0;
      words[at + 1] = 0;
      words[at + 2] = 0;
      words[at + 3] = 0;
      words[at + 5] = 0;
    }
  }

  /** Sets a 32-bit field of the request begun, by its offset in bytes. */
  set(offset: number, value: number): void {
    regionOf(this.#slots.memory).u32[this.#requestAt + (offset >>> 2)] = le32(value);
  }

  /** Sets bytes of the request begun. */
  setBytes(offset: number, bytes: Uint8Array): void {
    regionOf(this.#slots.memory).u8.set(bytes, this.#requestAt * 4 + offset);
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
      this.#slots.large[slot] = large;
      parts.requestAt = this.#slots.requestAt(slot);
      parts.requestBytes = this.#requestBytes;
      parts.response = large ?? this.#slots.memory;
      parts.responseAt = large === null ? this.#slots.responseAt(slot) : 0;
      parts.responseBytes = responseBytes;
      elements.clear();
      this.#frame(elements, parts);
      this.#addToRing(slot);
    } catch (error) {
      if (data !== null) this.#allocator.free(data);
      const large = this.#slots.large[slot] ?? null;
      if (large !== null) this.#allocator.free(large);
      this.#slots.large[slot] = null;
      throw error;
    } finally {
      parts.data = null;
      parts.dataBytes = 0;
    }
    this.#slot = -1;
    this.#slots.data[slot] = data;
    this.#slots.state[slot] = QUEUED;
    this.#slots.kept[slot] = 0;
    this.#slots.expected[slot] = responseBytes === 0 ? 0 : expected;
    this.#outstanding++;
    const ticket = this.#nextTicket++ * this.#slots.count + slot;
    this.#slots.tickets[slot] = ticket;
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
    while (this.#slots.freeCount === 0) {
      if (this.#outstanding === 0) {
        throw new DriverError("ENOSPC", `${this.#slots.count} requests were kept and never finished`);
      }
      this.#makeProgress();
    }
  }

  /** True when a request can be begun without waiting. */
  get hasRoom(): boolean {
    return this.#slots.freeCount > 0 || this.#slot >= 0;
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
    this.#slots.state[slot] = DONE;
    this.#slots.written[slot] = written;
    this.#slots.responses[slot] = written >= HEADER_BYTES ? this.#slots.responseWord(slot, 0) : 0;
    const settle = this.#slots.settles[slot] as Settle | null;
    if (settle !== null) {
      this.#slots.settles[slot] = null;
      this.#waiting--;
      settle.resolve();
      return;
    }
    if (this.#slots.kept[slot] !== 0) return;
    const failure = this.#slots.failureOf(slot);
    if (failure !== null && this.#failures.length < MAX_FAILURES) this.#failures.push(failure);
    this.#slots.release(slot);
  }

  /** Keeps a request when it completes, until it is finished with {@link finish}. Returns the ticket. */
  keep(ticket: number): number {
    this.#slots.kept[this.#slots.slotOf(ticket)] = 1;
    return ticket;
  }

  /** True when the request has completed. */
  isDone(ticket: number): boolean {
    return this.#slots.state[this.#slots.slotOf(ticket)] === DONE;
  }

  /**
   * Sends what is queued, waits for this request, and decodes its response. Throws {@link GpuCommandError} for an
   * error response, {@link DriverError} for everything else that goes wrong.
   */
  finish<T>(ticket: number, decode: ResponseDecoder<T>): T {
    const slot = this.#slots.slotOf(ticket);
    this.#slots.kept[slot] = 1;
    if (this.#slots.state[slot] !== DONE) {
      this.kick();
      while (this.#slots.state[slot] !== DONE) this.#waitSync();
    }
    return this.#take(slot, decode);
  }

  #take<T>(slot: number, decode: ResponseDecoder<T>): T {
    const failure = this.#slots.failureOf(slot);
    const plain = failure === null && this.#slots.expected[slot] === VIRTIO_GPU_RESP_OK_NODATA;
    const bytes = failure === null && !plain ? this.#slots.copyResponse(slot) : NO_BYTES;
    this.#slots.release(slot);
    if (failure !== null) throw failure;
    return decode(bytes);
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
    const slot = this.#slots.slotOf(ticket);
    this.#slots.kept[slot] = 1;
    if (this.#slots.state[slot] !== DONE) {
      this.#waiting++;
      await new Promise<void>((resolve, reject) => {
        this.#slots.settles[slot] = { resolve, reject };
      });
      if (this.#slots.tickets[slot] !== ticket) throw new DriverError("ECANCELED", "the device was reset");
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
    for (let slot = 0; slot < this.#slots.count; slot++) {
      const settle = this.#slots.settles[slot] as Settle | null;
      if (settle === null) continue;
      this.#slots.settles[slot] = null;
      this.#slots.kept[slot] = 0;
      this.#waiting--;
      settle.reject(error);
    }
  }

  /** Gives up everything under way and frees the memory. Only after the device or the queue was reset. */
  close(): void {
    this.#rejectWaiting(new DriverError("ECANCELED", "the device was reset"));
    for (let slot = 0; slot < this.#slots.count; slot++)
      if (this.#slots.state[slot] !== FREE) this.#slots.release(slot);
    this.#outstanding = 0;
    this.#dropData();
    this.#allocator.free(this.#slots.memory);
  }
}

const NO_BYTES: Uint8Array<ArrayBuffer> = new Uint8Array(0);
