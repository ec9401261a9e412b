import { le32 } from "../../../base/endian.ts";
import { hi32, lo32 } from "../../../base/u64.ts";
import {
  VIRTIO_GPU_FLAG_FENCE,
  VIRTIO_GPU_RESP_ERR_UNSPEC,
  VIRTIO_GPU_RESP_OK_NODATA,
} from "../../../wire/gpu.ts";
import type { DmaBuffer, GuestAllocator } from "../../allocator.ts";
import { PAGE_BYTES } from "../../allocator.ts";
import type { DriverQueue } from "../../driver-queue.ts";
import type { GpuRequestWriter } from "../../drivers/gpu/gpu-channel.ts";
import type { MemEntryList } from "../../drivers/gpu/mem-entries.ts";
import { DriverError } from "../../errors.ts";
import { type GuestBuffer, regionOf } from "../../guest-buffer.ts";
import { ElementList } from "../../rings/elements.ts";
import type { FenceTimeline, KmsFence } from "../buffers/fences.ts";

/** Largest command, rounded up; largest response kept beside it. */
const REQUEST_ROOM_BYTES = 96;
const RESPONSE_ROOM_BYTES = 32;
const SLOT_BYTES = REQUEST_ROOM_BYTES + RESPONSE_ROOM_BYTES;
/** What kmalloc gives at most: longer lists of guest memory are always scattered. */
const KMALLOC_MAX_BYTES = 4 << 20;
const MEM_ENTRY_WORDS = 4;

/** Something that commands keep alive until they are answered. */
export interface Referenced {
  /** Drops what `retain` took. */
  release(): void;
  retain(): void;
}

/** An answer, as the driver looks at it: the whole response buffer, however much of it the device wrote. */
export interface Answer {
  /** VIRTIO_GPU_RESP_*, or whatever else the device wrote. */
  readonly type: number;
  /** A private copy of the response buffer, zeros where nothing was written. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Where lists of guest memory lie: contiguous if there is room, or always page by page (vmalloc). */
export type EntryListMemory = "contiguous" | "scattered";

/** What a {@link CommandQueue} works with. */
export interface CommandQueueOptions {
  readonly queue: DriverQueue;
  readonly allocator: GuestAllocator;
  readonly timeline: FenceTimeline;
  /** Whether a chain takes one place of the ring whatever its length. */
  readonly indirect: boolean;
  readonly entryLists: EntryListMemory;
  /** What the kernel would log. */
  readonly onTrouble: (kind: string, detail: Readonly<Record<string, number | string>>) => void;
}

/** Memory for a list of guest memory. */
export interface EntryList {
  readonly entries: MemEntryList;
  readonly buffer: DmaBuffer | null;
  readonly pages: GuestBuffer | null;
  /** Elements it takes in a chain: one, or one for each page when it is scattered. */
  readonly elements: number;
}

interface InFlight {
  readonly slot: number;
  readonly command: number;
  readonly object: Referenced | null;
  readonly onAnswer: ((answer: Answer) => void) | null;
  readonly list: EntryList | null;
  readonly large: DmaBuffer | null;
  readonly responseBytes: number;
}

/**
 * A queue of the GPU as Linux drives it: commands are published one by one and notified when the driver says so;
 * answers are looked at for errors and fences and nothing else, unless a command has a callback. When the device breaks
 * the ring, the queue swallows everything from then on, as Linux' does.
 */
export class CommandQueue implements GpuRequestWriter {
  readonly queue: DriverQueue;
  /** True once the device broke the ring. */
  broken = false;
  /** Commands added since the last {@link notify}. */
  unnotified = 0;
  readonly #allocator: GuestAllocator;
  readonly #timeline: FenceTimeline;
  readonly #options: CommandQueueOptions;
  readonly #memory: DmaBuffer;
  readonly #elements = new ElementList();
  readonly #freeSlots: number[];
  readonly #inFlight: (InFlight | null)[];
  readonly #lost: InFlight[] = [];
  #processing = false;
  #sequence = 0;

  // The request being written.
  #slot = -1;
  #at = 0;
  #requestBytes = 0;
  #command = 0;
  #fence: KmsFence | null = null;
  #object: Referenced | null = null;
  #onAnswer: ((answer: Answer) => void) | null = null;
  #list: EntryList | null = null;

  constructor(options: CommandQueueOptions) {
    this.#options = options;
    this.queue = options.queue;
    this.#allocator = options.allocator;
    this.#timeline = options.timeline;
    const { size } = options.queue.ring;
    this.#memory = options.allocator.allocate(size * SLOT_BYTES, 64);
    this.#freeSlots = Array.from({ length: size }, (_, i) => size - 1 - i);
    this.#inFlight = new Array<InFlight | null>(size).fill(null);
  }

  /** Commands with the device. */
  get inFlight(): number {
    return this.queue.ring.inFlight;
  }

  /** Whether a chain of so many elements can be added now. */
  hasRoom(elements: number): boolean {
    return this.queue.ring.freeSlots >= (this.#options.indirect ? 1 : elements);
  }

  // Writing requests

  /** What the next request keeps alive, signals and calls. */
  prepare(
    object: Referenced | null,
    fence: KmsFence | null,
    onAnswer: ((answer: Answer) => void) | null,
  ): void {
    this.#object = object;
    this.#fence = fence;
    this.#onAnswer = onAnswer;
  }

  /**
   * Allocates memory for a list: contiguous, or scattered when no contiguous memory is left. {@link carry} hands it to
   * a request. Throws {@link DriverError} ENOMEM.
   */
  allocateList(entries: MemEntryList): EntryList {
    const lengthBytes = entries.wireBytes;
    const scattered = this.#options.entryLists === "scattered" && lengthBytes > PAGE_BYTES;
    if (!scattered && lengthBytes <= KMALLOC_MAX_BYTES) {
      try {
        return { entries, buffer: this.#allocator.allocate(lengthBytes), pages: null, elements: 1 };
      } catch (error) {
        // What fits into a page needs no more than that; longer lists fall back.
        if (!(error instanceof DriverError) || lengthBytes <= PAGE_BYTES) throw error;
      }
    }
    const elements = Math.ceil(lengthBytes / PAGE_BYTES);
    return { entries, buffer: null, pages: this.#allocator.allocatePages(elements), elements };
  }

  /** Frees a list that no request carries. */
  freeList({ buffer, pages }: EntryList): void {
    if (buffer !== null) this.#allocator.free(buffer);
    if (pages !== null) this.#allocator.freePages(pages);
  }

  /** The next request carries this list. */
  carry(list: EntryList): void {
    this.#list = list;
  }

  armFence(): number {
    throw new DriverError("EOPNOTSUPP", "fences of this queue are prepared with their command");
  }

  begin(command: number, lengthBytes: number, contextId = 0): void {
    if (this.#slot < 0) {
      const slot = this.#freeSlots.pop();
      if (slot === undefined) throw new DriverError("ENOSPC", "a command was begun without room for it");
      this.#slot = slot;
    }
    this.#command = command;
    this.#requestBytes = lengthBytes;
    const words = regionOf(this.#memory).u32;
    const at = (this.#memory.offset + this.#slot * SLOT_BYTES) >>> 2;
    this.#at = at;
    for (let i = 1; i < SLOT_BYTES >>> 2; i++) words[at + i] = 0;
    words[at] = le32(command);
    words[at + 4] = le32(contextId);
    const fence = this.#fence;
    if (fence === null) return;
    this.#timeline.emit(fence);
    words[at + 1] = le32(VIRTIO_GPU_FLAG_FENCE);
    words[at + 2] = le32(lo32(fence.id));
    words[at + 3] = le32(hi32(fence.id));
  }

  set(offset: number, value: number): void {
    regionOf(this.#memory).u32[this.#at + (offset >>> 2)] = le32(value);
  }

  setBytes(offset: number, bytes: Uint8Array): void {
    regionOf(this.#memory).u8.set(bytes, this.#at * 4 + offset);
  }

  attachData(): DmaBuffer {
    throw new DriverError("EOPNOTSUPP", "this queue carries lists of guest memory only");
  }

  attachEntries(entries: MemEntryList): void {
    if (this.#list?.entries !== entries) this.#list = this.allocateList(entries);
    const { buffer, pages } = this.#list;
    if (buffer !== null) entries.encode(buffer);
    if (pages !== null) encodeInPages(entries, pages);
  }

  submit(_expected: number, responseBytes: number): number {
    const slot = this.#slot;
    const list = this.#list;
    const large = responseBytes > RESPONSE_ROOM_BYTES ? this.#allocator.allocate(responseBytes) : null;
    const base = slot * SLOT_BYTES;
    const elements = this.#elements;
    elements.clear();
    elements.readableBuffer(this.#memory, base, this.#requestBytes);
    if (list !== null) readableList(elements, list);
    if (responseBytes > 0) {
      if (large !== null) elements.writableBuffer(large, 0, responseBytes);
      else elements.writableBuffer(this.#memory, base + REQUEST_ROOM_BYTES, responseBytes);
    }
    const entry: InFlight = {
      slot,
      command: this.#command,
      object: this.#object,
      onAnswer: this.#onAnswer,
      list,
      large,
      responseBytes,
    };
    this.#slot = -1;
    this.#list = null;
    this.#fence = null;
    this.#object = null;
    this.#onAnswer = null;
    entry.object?.retain();
    this.#add(entry);
    this.unnotified++;
    return ++this.#sequence;
  }

  #add(entry: InFlight): void {
    let token = -1;
    try {
      token = this.queue.add(this.#elements);
      // Linux publishes every command as it is added; only the notification waits.
      this.queue.ring.publish();
    } catch (error) {
      this.#break(error);
    }
    if (token >= 0) {
      this.#inFlight[token] = entry;
      return;
    }
    // Nobody will answer it: its buffers are lost until the driver goes, and what it keeps alive lives on.
    this.#options.onTrouble("command-lost", { command: entry.command });
    this.#freeSlots.push(entry.slot);
    this.#lost.push(entry);
  }

  #break(error: unknown): void {
    if (!(error instanceof DriverError)) throw error;
    if (!this.broken)
      this.#options.onTrouble("queue-broken", { queue: this.queue.name, reason: error.message });
    this.broken = true;
  }

  // Sending and receiving

  /** Notifies the device of what was added, if there is anything and it wants to know. */
  notify(): void {
    if (this.unnotified === 0) return;
    this.unnotified = 0;
    if (!this.broken) this.queue.kick();
  }

  /** Takes in what the device has answered. Returns whether there was anything. */
  process(): boolean {
    if (this.#processing || this.broken || !this.queue.ring.hasUsed()) return false;
    this.#processing = true;
    const answered: InFlight[] = [];
    const { queue } = this;
    try {
      do {
        queue.ring.disableNotifications();
        for (let token = queue.pollUsed(); token >= 0; token = queue.pollUsed()) {
          const entry = this.#inFlight[token] as InFlight | null;
          this.#inFlight[token] = null;
          if (entry !== null) answered.push(entry);
        }
      } while (queue.ring.enableNotifications());
    } catch (error) {
      this.#break(error);
    } finally {
      this.#processing = false;
    }
    for (const entry of answered) this.#complete(entry);
    return answered.length > 0;
  }

  #complete(entry: InFlight): void {
    const { onAnswer, responseBytes } = entry;
    if (responseBytes > 0) {
      const words = entry.large === null ? regionOf(this.#memory).u32 : regionOf(entry.large).u32;
      const at =
        (entry.large === null
          ? this.#memory.offset + entry.slot * SLOT_BYTES + REQUEST_ROOM_BYTES
          : entry.large.offset) >>> 2;
      const type = le32(words[at] as number) >>> 0;
      if (type !== VIRTIO_GPU_RESP_OK_NODATA && type >= VIRTIO_GPU_RESP_ERR_UNSPEC) {
        this.#options.onTrouble("error-response", { command: entry.command, response: type });
      }
      if ((le32(words[at + 1] as number) & VIRTIO_GPU_FLAG_FENCE) !== 0) {
        const lo = le32(words[at + 2] as number) >>> 0;
        const hi = le32(words[at + 3] as number) >>> 0;
        this.#timeline.process(hi * 0x100000000 + lo);
      }
      if (onAnswer !== null) onAnswer({ type, bytes: this.#copyResponse(entry) });
    }
    this.#free(entry);
    entry.object?.release();
  }

  #copyResponse(entry: InFlight): Uint8Array<ArrayBuffer> {
    const { large, responseBytes } = entry;
    const buffer = large ?? this.#memory;
    const at = buffer.offset + (large === null ? entry.slot * SLOT_BYTES + REQUEST_ROOM_BYTES : 0);
    const copy = new Uint8Array(responseBytes);
    copy.set(regionOf(buffer).u8.subarray(at, at + responseBytes));
    return copy;
  }

  #free(entry: InFlight): void {
    this.#freeSlots.push(entry.slot);
    if (entry.large !== null) this.#allocator.free(entry.large);
    if (entry.list !== null) this.freeList(entry.list);
  }

  /** Frees all memory. Only after the device was reset. */
  close(): void {
    for (const entry of this.#inFlight) if (entry !== null) this.#free(entry);
    this.#inFlight.fill(null);
    for (const entry of this.#lost) this.#free(entry);
    this.broken = true;
    this.#allocator.free(this.#memory);
  }
}

function readableList(elements: ElementList, list: EntryList): void {
  const lengthBytes = list.entries.wireBytes;
  if (list.buffer !== null) elements.readableBuffer(list.buffer, 0, lengthBytes);
  const { pages } = list;
  if (pages === null) return;
  for (let i = 0; i < pages.count; i++) {
    const part = Math.min(PAGE_BYTES, lengthBytes - i * PAGE_BYTES);
    elements.readable(pages.his[i] as number, pages.los[i] as number, part);
  }
}

function encodeInPages(entries: MemEntryList, pages: GuestBuffer): void {
  for (let i = 0, at = 0; i < entries.count; i++, at += 4 * MEM_ENTRY_WORDS) {
    pages.setWord(at, entries.los[i] as number);
    pages.setWord(at + 4, entries.his[i] as number);
    pages.setWord(at + 8, entries.lengths[i] as number);
  }
}
