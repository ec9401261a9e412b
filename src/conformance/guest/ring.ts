import type { RingSnapshot } from "../result.ts";
import type { Arena } from "./arena.ts";
import type { QueueAddresses } from "./registers.ts";

/** A range of guest memory as an element of a descriptor chain. */
export interface Element {
  /** Guest physical. Nonsense is allowed up to 2^64. */
  readonly address: number | bigint;
  readonly lengthBytes: number;
  /** True for device-writable. */
  readonly writable: boolean;
}

/** A chain that stands in the ring. */
export interface Placed {
  /** Head of the chain (split) or buffer id (packed): what the device returns. */
  readonly id: number;
  /** Entries of the descriptor table or ring that it takes. */
  readonly slots: readonly number[];
  /** The indirect table, 0 when there is none. */
  readonly table: number;
}

/** A buffer the device returned. */
export interface Used {
  readonly id: number;
  readonly lengthBytes: number;
}

/** How a chain is laid out. */
export interface PlaceOptions {
  /** Elements from this one on lie in an indirect table; 0 puts all there. Split only for other values than 0. */
  readonly indirectFrom?: number;
}

/**
 * The driver's side of a virtqueue, written field by field: well-formed as long as its methods are used as named, and
 * open in every field for cases that break a rule.
 *
 * @example
 * ```ts
 * const ring = t.guest.ring(0);
 * ring.setInterruptsWanted(false);
 * await t.guest.kick(ring);
 * ```
 */
export abstract class Ring {
  abstract readonly format: "split" | "packed";
  readonly arena: Arena;
  /** Index of the virtqueue. */
  readonly index: number;
  /** Its name, for reports. */
  readonly name: string;
  /** Entries. */
  readonly size: number;
  abstract readonly addresses: QueueAddresses;
  /** Indirect tables placed so far: address → entries. */
  readonly tables = new Map<number, number>();
  /** Chains that were placed and not returned yet, by id. */
  readonly inFlight = new Map<number, Placed>();
  /** What the last case-relevant chain takes: drawn highlighted. */
  highlight: readonly number[] = [];

  protected constructor(arena: Arena, index: number, name: string, size: number) {
    this.arena = arena;
    this.index = index;
    this.name = name;
    this.size = size;
  }

  /** Lays a chain out. The device does not see it before {@link publish}. Throws when the ring is full. */
  abstract place(elements: readonly Element[], options?: PlaceOptions): Placed;

  /** Makes everything placed so far available, in the order it was placed. */
  abstract publish(): void;

  /** The next buffer the device returned; null when there is none. */
  abstract takeUsed(): Used | null;

  /** Asks for used-buffer notifications, or to be left alone, without VIRTIO_F_EVENT_IDX. */
  abstract setInterruptsWanted(wanted: boolean): void;

  /** What VIRTIO_F_NOTIFICATION_DATA makes of a notification now. */
  abstract notificationData(): number;

  /** The ring's memory now. */
  abstract snapshot(): RingSnapshot;

  /** Bytes of the indirect tables for a snapshot. */
  protected snapshotTables(entryBytes: number, hex: (bytes: Uint8Array) => string): RingSnapshot["tables"] {
    return [...this.tables].slice(-8).map(([address, entries]) => ({
      address,
      bytes: hex(this.arena.ram.read(address, entries * entryBytes)),
    }));
  }
}
