import { VirtioUsageError } from "../../base/errors.ts";
import { VIRTQ_DESC, VIRTQ_MAX_QUEUE_SIZE } from "../../wire/split-ring.ts";
import type { DmaBuffer, GuestAllocator } from "../allocator.ts";
import { DriverError } from "../errors.ts";
import {
  type DriverRingOptions,
  type RingContext,
  type RingMemory,
  type RingViolation,
  type RingViolationCode,
  SHAPE_AUTO,
} from "./driver-ring.ts";
import type { ElementList } from "./elements.ts";
import { allocateRingMemory, freeRingMemory } from "./layout.ts";

const DESCRIPTOR_BYTES = VIRTQ_DESC.sizeBytes;
const SMALLEST_TABLE_ENTRIES = 4;

export const NONE16: Uint16Array = new Uint16Array(0);
export const NONE32: Uint32Array = new Uint32Array(0);

/**
 * What the rings of both formats share: the shape of chains, indirect tables, the private record of what is in
 * flight, and the checking of what the device returns.
 */
export abstract class RingBase {
  readonly size: number;
  readonly memory: RingMemory;
  freeSlots: number;
  inFlight = 0;
  unpublished = 0;
  violation: RingViolation | null = null;
  lastWritten = 0;

  protected readonly eventIdx: boolean;
  protected readonly inOrder: boolean;
  /** True when the views must be renewed now and then. */
  protected readonly growable: boolean;
  protected released = false;

  /** Ring slots each buffer takes, by token. */
  protected readonly slotsOf: Uint16Array<ArrayBuffer>;
  /** Bytes the device may write into each buffer, by token. */
  readonly #roomOf: Float64Array<ArrayBuffer>;
  /** When each buffer was added, by token, counted from 0 and never wrapping; -1 when it is not in flight. */
  readonly #addedAt: Float64Array<ArrayBuffer>;
  /** Buffers added, and how many of these the device has been shown. */
  #added = 0;
  protected shown = 0;

  // With IN_ORDER: the tokens in flight, oldest first, in a ring of `size`; and the batch being handed out.
  readonly #order: Uint16Array<ArrayBuffer>;
  #orderHead = 0;
  #orderTail = 0;
  #oldestAddedAt = 0;
  /** Last token of a batch that the device returned with one used entry; -1 when there is none. */
  protected batchEnd = -1;
  #batchEndWritten = 0;

  readonly #allocator: GuestAllocator;
  readonly #ownsMemory: boolean;
  readonly #indirectDesc: boolean;
  readonly #maxIndirectElements: number;
  readonly #clampLength: boolean;
  readonly #mixedAllowed: boolean;
  /** Indirect tables by token, made when first needed and kept. */
  readonly #tables: (DmaBuffer | null)[];
  protected table32 = NONE32;
  #epoch: number;

  protected constructor(options: DriverRingOptions, context: RingContext) {
    const { size, format } = options;
    const powerOfTwo = (size & (size - 1)) === 0;
    if (
      !Number.isInteger(size) ||
      size < 1 ||
      size > VIRTQ_MAX_QUEUE_SIZE ||
      (format === "split" && !powerOfTwo)
    ) {
      throw new VirtioUsageError(`${format} rings cannot have ${size} entries`);
    }
    this.size = size;
    this.freeSlots = size;
    this.eventIdx = options.eventIdx ?? false;
    this.inOrder = options.inOrder ?? false;
    this.#indirectDesc = options.indirectDesc ?? false;
    this.#maxIndirectElements = options.maxIndirectElements ?? size;
    this.#clampLength = options.excessLength === "clamp";
    this.#mixedAllowed = format === "split";
    this.#allocator = context.allocator;
    this.#ownsMemory = context.memory === undefined;
    this.memory = context.memory ?? allocateRingMemory(context.allocator, format, size, this.eventIdx);
    const { desc, driver, device } = this.memory;
    this.growable = desc.region.growable || driver.region.growable || device.region.growable;
    this.#epoch = context.allocator.memory.epoch;
    this.table32 = context.allocator.region.u32;
    this.slotsOf = new Uint16Array(size);
    this.#roomOf = new Float64Array(size);
    this.#addedAt = new Float64Array(size).fill(-1);
    this.#order = new Uint16Array(this.inOrder ? size : 0);
    this.#tables = this.#indirectDesc ? new Array<DmaBuffer | null>(size).fill(null) : [];
  }

  /** Takes the views of the ring's memory anew. */
  protected abstract openViews(): void;

  /** Follows a memory that grew. Called at entry points when `growable`. */
  protected follow(): void {
    const { memory, region } = this.#allocator;
    memory.sync();
    if (memory.epoch === this.#epoch) return;
    this.#epoch = memory.epoch;
    this.table32 = region.u32;
    this.openViews();
  }

  // Adding

  /**
   * How many elements get direct descriptors; the rest goes into a table. Throws for what no state of the ring could
   * take. [split-ring.driver.indirect-descriptors.1] [packed-ring.driver.indirect-descriptors.1]
   */
  protected directCount(elements: ElementList, shape: number): number {
    const { count } = elements;
    if (this.violation !== null) throw this.violationError();
    if (count === 0) throw new DriverError("EINVAL", "a buffer has at least one element");
    const direct =
      shape === SHAPE_AUTO ? (this.#indirectDesc && count > 1 ? 0 : count) : Math.min(shape, count);
    if (direct === count) {
      // [packed-ring.driver.scatter-gather-support.2]
      if (count > this.size) {
        throw new DriverError("EINVAL", `${count} direct descriptors in a queue of ${this.size}`);
      }
      return direct;
    }
    if (!this.#indirectDesc) throw new DriverError("EINVAL", "VIRTIO_F_INDIRECT_DESC is not negotiated");
    // [packed-ring.driver.indirect-descriptors.4]
    if (direct !== 0 && !this.#mixedAllowed) {
      throw new DriverError("EINVAL", "a packed list is either direct or one indirect table");
    }
    // [split-ring.driver.indirect-descriptors.3] [packed-ring.driver.indirect-descriptors.3]
    if (count > this.#maxIndirectElements || direct >= this.size) {
      throw new DriverError("EINVAL", `${count} elements where ${this.#maxIndirectElements} are allowed`);
    }
    return direct;
  }

  /** The indirect table of a token with room for `entries`; grows by doubling. */
  protected tableFor(token: number, entries: number): DmaBuffer {
    const table = this.#tables[token] as DmaBuffer | null;
    if (table !== null && table.lengthBytes >= entries * DESCRIPTOR_BYTES) return table;
    let room = SMALLEST_TABLE_ENTRIES;
    while (room < entries) room *= 2;
    const larger = this.#allocator.allocate(room * DESCRIPTOR_BYTES, DESCRIPTOR_BYTES);
    if (table !== null) this.#allocator.free(table);
    this.#tables[token] = larger;
    if (this.growable) this.follow();
    return larger;
  }

  /** Records a buffer that was written into the ring. */
  protected noteAdded(token: number, slots: number, writableBytes: number): void {
    this.slotsOf[token] = slots;
    this.#roomOf[token] = writableBytes;
    this.#addedAt[token] = this.#added++;
    if (this.inOrder) {
      this.#order[this.#orderTail] = token;
      if (++this.#orderTail === this.size) this.#orderTail = 0;
    }
    this.freeSlots -= slots;
    this.inFlight++;
    this.unpublished++;
  }

  /** Records that the device now sees everything that was added. */
  protected noteShown(): void {
    this.shown = this.#added;
    this.unpublished = 0;
  }

  // Returning

  /**
   * Checks what the device returned. Sets `lastWritten`. Throws {@link DriverError} EIO when the device broke a rule.
   * With IN_ORDER the token may be the last of a batch: `batchEnd` is set then, and {@link nextOfBatch} hands
   * out its buffers. `limit` is how many buffers the used entry can stand for.
   */
  protected check(id: number, writtenBytes: number, limit: number): void {
    if (id >= this.size) throw this.violate("used-id-out-of-range", id);
    const addedAt = this.#addedAt[id] as number;
    if (addedAt < 0 || addedAt >= this.shown) throw this.violate("used-id-not-in-flight", id);
    const room = this.#roomOf[id] as number;
    if (writtenBytes > room) {
      if (!this.#clampLength) throw this.violate("used-length", writtenBytes);
      writtenBytes = room;
    }
    if (this.inOrder) {
      if (addedAt - this.#oldestAddedAt >= limit) throw this.violate("used-id-not-in-flight", id);
      this.batchEnd = id;
      this.#batchEndWritten = writtenBytes;
    } else {
      this.lastWritten = writtenBytes;
      this.#addedAt[id] = -1;
      this.inFlight--;
    }
  }

  /** The oldest buffer of the current batch. Those before its last were used completely. */
  protected nextOfBatch(): number {
    const token = this.#order[this.#orderHead] as number;
    if (++this.#orderHead === this.size) this.#orderHead = 0;
    this.#oldestAddedAt++;
    if (token === this.batchEnd) {
      this.lastWritten = this.#batchEndWritten;
      this.batchEnd = -1;
    } else {
      this.lastWritten = this.#roomOf[token] as number;
    }
    this.#addedAt[token] = -1;
    this.inFlight--;
    return token;
  }

  protected violate(code: RingViolationCode, value: number): DriverError {
    this.violation = { code, value };
    return this.violationError();
  }

  protected violationError(): DriverError {
    const violation = this.violation as RingViolation;
    return new DriverError("EIO", `the device broke the ring: ${violation.code} (${violation.value})`);
  }

  forEachInFlight(take: (token: number) => void): void {
    for (let token = 0; token < this.size; token++) if ((this.#addedAt[token] as number) >= 0) take(token);
  }

  // The end

  /** Forgets everything in flight and zeroes the ring memory; the format resets its own indexes. */
  protected resetBase(): void {
    this.follow();
    for (const part of [this.memory.desc, this.memory.driver, this.memory.device]) {
      part.region.u8.fill(0, part.offset, part.offset + part.lengthBytes);
    }
    this.freeSlots = this.size;
    this.inFlight = 0;
    this.unpublished = 0;
    this.violation = null;
    this.lastWritten = 0;
    this.#addedAt.fill(-1);
    this.#added = 0;
    this.shown = 0;
    this.#orderHead = 0;
    this.#orderTail = 0;
    this.#oldestAddedAt = 0;
    this.batchEnd = -1;
  }

  release(): void {
    if (this.released) return;
    this.released = true;
    this.freeSlots = 0;
    this.unpublished = 0;
    this.batchEnd = -1;
    for (const table of this.#tables) if (table !== null) this.#allocator.free(table);
    this.#tables.fill(null);
    if (this.#ownsMemory) freeRingMemory(this.#allocator, this.memory);
  }
}
