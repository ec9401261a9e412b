import type { VirtioDevice } from "../../../src/device/index.ts";
import {
  VIRTIO_CONFIG_S_ACKNOWLEDGE,
  VIRTIO_CONFIG_S_DRIVER,
  VIRTIO_CONFIG_S_DRIVER_OK,
  VIRTIO_CONFIG_S_FEATURES_OK,
  VIRTIO_F_RING_PACKED,
  VIRTIO_F_VERSION_1,
  VIRTQ_DESC_F_NEXT,
  VIRTQ_DESC_F_WRITE,
} from "../../../src/wire/index.ts";
import { F_AVAIL, F_USED } from "../echo/workload.ts";

export const RING_SIZE = 128;
const ENTRY_BYTES = 16;

export type RingFormat = "split" | "packed";

/** Where a ring's three parts lie in guest memory. */
export interface RingPlace {
  readonly descAt: number;
  readonly driverAt: number;
  readonly deviceAt: number;
}

/**
 * A driver's side of a ring of {@link RING_SIZE} entries, for little-endian hosts: nothing is allocated, nothing is
 * checked, and buffers come back in the order in which they were added.
 */
export interface DriverRing {
  /**
   * Writes a buffer of up to three elements: two that the device reads, of which an empty one is left out, and one that it
   * writes. `slot` is one of a quarter as many as there are entries, and free.
   */
  add(
    slot: number,
    readAt: number,
    readBytes: number,
    moreAt: number,
    moreBytes: number,
    writeAt: number,
    writeBytes: number,
  ): void;
  /** Shows the device what was added. */
  publish(): void;
  /** Whether the device has used everything. */
  readonly finished: boolean;
}

export function createRing(format: RingFormat, memory: ArrayBufferLike, place: RingPlace): DriverRing {
  return format === "split" ? new SplitRing(memory, place) : new PackedRing(memory, place);
}

class SplitRing implements DriverRing {
  readonly #words: Uint32Array;
  readonly #halves: Uint16Array;
  readonly #place: RingPlace;
  #added = 0;

  constructor(memory: ArrayBufferLike, place: RingPlace) {
    this.#words = new Uint32Array(memory);
    this.#halves = new Uint16Array(memory);
    this.#place = place;
  }

  add(
    slot: number,
    readAt: number,
    readBytes: number,
    moreAt: number,
    moreBytes: number,
    writeAt: number,
    writeBytes: number,
  ): void {
    const head = slot << 2;
    let entry = head;
    if (readBytes > 0) this.#put(entry++, readAt, readBytes, VIRTQ_DESC_F_NEXT);
    if (moreBytes > 0) this.#put(entry++, moreAt, moreBytes, VIRTQ_DESC_F_NEXT);
    this.#put(entry, writeAt, writeBytes, VIRTQ_DESC_F_WRITE);
    this.#halves[(this.#place.driverAt >>> 1) + 2 + (this.#added & (RING_SIZE - 1))] = head;
    this.#added = (this.#added + 1) | 0;
  }

  #put(entry: number, at: number, bytes: number, flags: number): void {
    const words = this.#words;
    const word = (this.#place.descAt + entry * ENTRY_BYTES) >>> 2;
    words[word] = at;
    words[word + 1] = 0;
    words[word + 2] = bytes;
    words[word + 3] = flags | ((entry + 1) << 16);
  }

  publish(): void {
    this.#halves[(this.#place.driverAt >>> 1) + 1] = this.#added;
  }

  get finished(): boolean {
    return this.#halves[(this.#place.deviceAt >>> 1) + 1] === (this.#added & 0xffff);
  }
}

class PackedRing implements DriverRing {
  readonly #words: Uint32Array;
  readonly #descWord: number;
  #position = 0;
  #availFlags = F_AVAIL;
  // The first descriptor of the oldest and of the youngest buffer that is added since the last publication.
  #firstWord = 0;
  #firstFlags = 0;
  #lastWord = 0;
  #lastUsed = 0;

  constructor(memory: ArrayBufferLike, { descAt }: RingPlace) {
    this.#words = new Uint32Array(memory);
    this.#descWord = descAt >>> 2;
  }

  add(
    slot: number,
    readAt: number,
    readBytes: number,
    moreAt: number,
    moreBytes: number,
    writeAt: number,
    writeBytes: number,
  ): void {
    this.#lastWord = this.#descWord + (this.#position << 2);
    this.#lastUsed = this.#availFlags === F_AVAIL ? F_AVAIL | F_USED : 0;
    if (readBytes > 0) this.#put(readAt, readBytes, VIRTQ_DESC_F_NEXT, slot);
    if (moreBytes > 0) this.#put(moreAt, moreBytes, VIRTQ_DESC_F_NEXT, slot);
    this.#put(writeAt, writeBytes, VIRTQ_DESC_F_WRITE, slot);
  }

  #put(at: number, bytes: number, flags: number, id: number): void {
    const words = this.#words;
    const word = this.#descWord + (this.#position << 2);
    words[word] = at;
    words[word + 1] = 0;
    words[word + 2] = bytes;
    const idFlags = id | ((flags | this.#availFlags) << 16);
    if (this.#firstWord === 0) {
      // It shows all that follows it.
      this.#firstWord = word;
      this.#firstFlags = idFlags;
    } else {
      words[word + 3] = idFlags;
    }
    if (++this.#position === RING_SIZE) {
      this.#position = 0;
      this.#availFlags ^= F_AVAIL | F_USED;
    }
  }

  publish(): void {
    this.#words[this.#firstWord + 3] = this.#firstFlags;
    this.#firstWord = 0;
  }

  get finished(): boolean {
    const flags = (this.#words[this.#lastWord + 3] as number) >>> 16;
    return (flags & (F_AVAIL | F_USED)) === this.#lastUsed;
  }
}

/** Brings a device up as a driver does, from reset to DRIVER_OK, with a queue of {@link RING_SIZE} in each place. */
export function startDevice(
  device: VirtioDevice,
  features: number,
  format: RingFormat,
  places: readonly RingPlace[],
): void {
  let status = VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER;
  device.writeStatus(0);
  device.writeStatus(status);
  device.writeDriverFeatureWord(0, features);
  const ringFeatures = 1 << (VIRTIO_F_VERSION_1 - 32);
  device.writeDriverFeatureWord(
    1,
    format === "packed" ? ringFeatures | (1 << (VIRTIO_F_RING_PACKED - 32)) : ringFeatures,
  );
  status |= VIRTIO_CONFIG_S_FEATURES_OK;
  device.writeStatus(status);
  for (let i = 0; i < places.length; i++) {
    const { descAt, driverAt, deviceAt } = places[i] as RingPlace;
    device.writeQueueConfig(i, { size: RING_SIZE, descLo: descAt, driverLo: driverAt, deviceLo: deviceAt });
    device.enableQueue(i);
  }
  device.writeStatus(status | VIRTIO_CONFIG_S_DRIVER_OK);
  if ((device.status & VIRTIO_CONFIG_S_DRIVER_OK) === 0) throw new Error("the device did not start");
}
