/** The bytes of a {@link RingSnapshot}, decoded for drawing. Whatever the bytes are, this does not throw. */
import {
  RING_EVENT_DESC_OFF_MASK,
  RING_EVENT_DESC_WRAP_SHIFT,
  RING_EVENT_FLAGS_MASK,
  VIRTQ_DESC_F_AVAIL,
  VIRTQ_DESC_F_USED,
} from "../../../wire/packed-ring.ts";
import { VIRTQ_DESC_F_INDIRECT, VIRTQ_DESC_F_NEXT, VIRTQ_DESC_F_WRITE } from "../../../wire/split-ring.ts";
import type { RingSnapshot } from "../../result.ts";

/** Bytes of a descriptor, in either format. */
export const DESCRIPTOR_BYTES = 16;

/** A descriptor of a table or a ring. */
export interface DescriptorView {
  /** Its place in the table or ring. */
  readonly index: number;
  /** Hexadecimal, with 0x. */
  readonly addr: string;
  readonly len: number;
  readonly flags: number;
  /** `next` of a split descriptor, `id` of a packed one. */
  readonly link: number;
  /** All bytes are 0. */
  readonly blank: boolean;
}

/** An entry of the available ring. */
export interface AvailableEntry {
  readonly slot: number;
  readonly head: number;
}

/** An entry of the used ring. */
export interface UsedEntry {
  readonly slot: number;
  readonly id: number;
  readonly len: number;
}

/** The available or the used ring of a split virtqueue. */
export interface SplitRingView<Entry> {
  readonly flags: number;
  readonly idx: number;
  readonly entries: readonly Entry[];
  /** `used_event` or `avail_event`; null when the area ends before it. */
  readonly event: number | null;
}

/** An event suppression structure of a packed virtqueue. */
export interface EventView {
  /** RING_EVENT_FLAGS_…: 0 enable, 1 disable, 2 one descriptor, 3 reserved. */
  readonly flags: number;
  readonly offset: number;
  readonly wrap: 0 | 1;
  /** Bits that are reserved and set. */
  readonly reserved: number;
}

/** Bytes from hexadecimal digits; what is not a digit ends them. */
export function bytesOfHex(hex: string): Uint8Array {
  const length = /^(?:[0-9a-f]{2})*/i.exec(hex)?.[0].length ?? 0;
  return Uint8Array.from({ length: length / 2 }, (_, index) =>
    Number.parseInt(hex.slice(2 * index, 2 * index + 2), 16),
  );
}

const le16 = (bytes: Uint8Array, at: number): number => (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
const le32 = (bytes: Uint8Array, at: number): number => (le16(bytes, at) | (le16(bytes, at + 2) << 16)) >>> 0;

/** The descriptors of a table, a ring, or an indirect table. */
export function decodeDescriptors(hex: string, format: RingSnapshot["format"]): DescriptorView[] {
  const bytes = bytesOfHex(hex);
  return Array.from({ length: Math.floor(bytes.length / DESCRIPTOR_BYTES) }, (_, index) => {
    const own = bytes.subarray(index * DESCRIPTOR_BYTES, (index + 1) * DESCRIPTOR_BYTES);
    const [flagsAt, linkAt] = format === "split" ? [12, 14] : [14, 12];
    const addr = (BigInt(le32(own, 4)) << 32n) | BigInt(le32(own, 0));
    return {
      index,
      addr: `0x${addr.toString(16)}`,
      len: le32(own, 8),
      flags: le16(own, flagsAt),
      link: le16(own, linkAt),
      blank: own.every((byte) => byte === 0),
    };
  });
}

/** The available ring. Its entries are those from slot 0 to the end of the ring. */
export function decodeAvailable({ driver, size }: RingSnapshot): SplitRingView<AvailableEntry> {
  const bytes = bytesOfHex(driver);
  const slots = Math.min(size, Math.max(0, Math.floor((bytes.length - 4) / 2)));
  const eventAt = 4 + 2 * size;
  return {
    flags: le16(bytes, 0),
    idx: le16(bytes, 2),
    entries: Array.from({ length: slots }, (_, slot) => ({ slot, head: le16(bytes, 4 + 2 * slot) })),
    event: bytes.length >= eventAt + 2 ? le16(bytes, eventAt) : null,
  };
}

/** The used ring. Its entries are those from slot 0 to the end of the ring. */
export function decodeUsed({ device, size }: RingSnapshot): SplitRingView<UsedEntry> {
  const bytes = bytesOfHex(device);
  const slots = Math.min(size, Math.max(0, Math.floor((bytes.length - 4) / 8)));
  const eventAt = 4 + 8 * size;
  return {
    flags: le16(bytes, 0),
    idx: le16(bytes, 2),
    entries: Array.from({ length: slots }, (_, slot) => ({
      slot,
      id: le32(bytes, 4 + 8 * slot),
      len: le32(bytes, 8 + 8 * slot),
    })),
    event: bytes.length >= eventAt + 2 ? le16(bytes, eventAt) : null,
  };
}

/** An event suppression structure. */
export function decodeEvent(hex: string): EventView {
  const bytes = bytesOfHex(hex);
  const desc = le16(bytes, 0);
  const flags = le16(bytes, 2);
  return {
    flags: flags & RING_EVENT_FLAGS_MASK,
    offset: desc & RING_EVENT_DESC_OFF_MASK,
    wrap: desc >> RING_EVENT_DESC_WRAP_SHIFT === 0 ? 0 : 1,
    reserved: flags & ~RING_EVENT_FLAGS_MASK,
  };
}

/** The flags of a descriptor by name, without the AVAIL and USED bits of a packed one; `0x…` for what is reserved. */
export function flagNames(flags: number, format: RingSnapshot["format"]): string {
  const names: [number, string][] = [
    [VIRTQ_DESC_F_NEXT, "NEXT"],
    [VIRTQ_DESC_F_WRITE, "WRITE"],
    [VIRTQ_DESC_F_INDIRECT, "INDIRECT"],
  ];
  const shown = format === "split" ? flags : flags & ~(VIRTQ_DESC_F_AVAIL | VIRTQ_DESC_F_USED);
  const parts = names.filter(([bit]) => (shown & bit) !== 0).map(([, name]) => name);
  const rest = names.reduce((left, [bit]) => left & ~bit, shown);
  if (rest !== 0) parts.push(`0x${rest.toString(16)}`);
  return parts.join(" ");
}

/** Whether a descriptor says that the chain goes on. */
export const goesOn = ({ flags }: DescriptorView): boolean => (flags & VIRTQ_DESC_F_NEXT) !== 0;

/** Whether a descriptor refers to an indirect table. */
export const isIndirect = ({ flags }: DescriptorView): boolean => (flags & VIRTQ_DESC_F_INDIRECT) !== 0;

/** AVAIL and USED of a packed descriptor. */
export function packedBits({ flags }: DescriptorView): { readonly avail: 0 | 1; readonly used: 0 | 1 } {
  return {
    avail: (flags & VIRTQ_DESC_F_AVAIL) === 0 ? 0 : 1,
    used: (flags & VIRTQ_DESC_F_USED) === 0 ? 0 : 1,
  };
}

/** The last `count` slots before a ring's index, oldest first, and the slot the index points at. */
export function slotsBefore(idx: number, size: number, count: number): number[] {
  if (size <= 0) return [];
  const before = Math.min(count, size - 1, idx);
  return Array.from({ length: before + 1 }, (_, at) => (idx - before + at) % size);
}

/** What is drawn of a table or ring: descriptors, and how many are left out where. */
export type DrawnRow =
  | { readonly kind: "descriptor"; readonly descriptor: DescriptorView }
  | { readonly kind: "gap"; readonly left: number; readonly blank: boolean };

/**
 * The rows of a table worth drawing, at most `limit` descriptors: first those that are `wanted`, in that order of
 * importance, then all that are not blank; gaps stand for the others.
 */
export function rowsOf(
  descriptors: readonly DescriptorView[],
  wanted: readonly number[],
  limit: number,
): DrawnRow[] {
  const filled = descriptors.filter(({ blank }) => !blank).map(({ index }) => index);
  const chosen = new Set(
    [...new Set([...wanted.filter((index) => index >= 0 && index < descriptors.length), ...filled])].slice(
      0,
      limit,
    ),
  );
  if (chosen.size === 0 && descriptors.length > 0) chosen.add(0);
  const rows: DrawnRow[] = [];
  let skipped: DescriptorView[] = [];
  const flush = () => {
    if (skipped.length === 0) return;
    rows.push({ kind: "gap", left: skipped.length, blank: skipped.every(({ blank }) => blank) });
    skipped = [];
  };
  for (const descriptor of descriptors) {
    if (chosen.has(descriptor.index)) {
      flush();
      rows.push({ kind: "descriptor", descriptor });
    } else {
      skipped.push(descriptor);
    }
  }
  flush();
  return rows;
}
