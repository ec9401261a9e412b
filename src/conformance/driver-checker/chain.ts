import { VIRTQ_DESC_F_INDIRECT, VIRTQ_DESC_F_NEXT, VIRTQ_DESC_F_WRITE } from "../../wire/split-ring.ts";
import type { Fault } from "./findings.ts";
import { hex, toHex } from "./violation.ts";
import { get16, get32, get64, type WatchedMemory } from "./watched-memory.ts";

/** Bytes of a descriptor, in both formats and in indirect tables. */
export const DESCRIPTOR_BYTES = 16;

/** A descriptor as the driver wrote it. */
export interface WatchedDescriptor {
  /** Guest physical address of the descriptor itself. */
  readonly at: number;
  /** Index in the ring or in the indirect table. */
  readonly index: number;
  /** Guest physical address of the buffer; at least 2^53 when it does not fit below. */
  readonly address: number;
  /** Its halves, exact. */
  readonly addressLow: number;
  readonly addressHigh: number;
  readonly lengthBytes: number;
  readonly flags: number;
  /** Split: the `next` field. Packed: the `id` field. */
  readonly extra: number;
}

/** An indirect table as it was when its buffer became available. */
export interface WatchedTable {
  readonly address: number;
  /** Null when it is not memory. */
  readonly bytes: Uint8Array | null;
  readonly descriptors: readonly WatchedDescriptor[];
  /** Its descriptors go in circles. */
  readonly endless: boolean;
}

/** A buffer that a driver made available: its descriptors, in order. */
export interface WatchedChain {
  readonly queue: number;
  readonly format: "split" | "packed";
  /** Head of the chain (split) or buffer id (packed). */
  readonly token: number;
  /** Split: its place in the available ring, free-running. Packed: slot of its first descriptor. */
  readonly position: number;
  /** Descriptors in the ring. */
  readonly direct: readonly WatchedDescriptor[];
  /** Tables and elements are empty after the buffer became available when the checker cannot remember them. */
  tables: readonly WatchedTable[];
  /** Descriptors of buffers, tables resolved. */
  elements: readonly WatchedDescriptor[];
  /** It goes in circles, or is longer than the ring. */
  readonly endless: boolean;
  /** Some of its descriptors are not written yet, it seems: what they hold is not the driver's word. */
  readonly incomplete: boolean;
  readonly readableBytes: number;
  readonly writableBytes: number;
}

/** Decodes a descriptor of a split ring or of an indirect table of one. */
export function splitDescriptor(
  bytes: Uint8Array,
  from: number,
  at: number,
  index: number,
): WatchedDescriptor {
  return {
    at,
    index,
    address: get64(bytes, from),
    addressLow: get32(bytes, from),
    addressHigh: get32(bytes, from + 4),
    lengthBytes: get32(bytes, from + 8),
    flags: get16(bytes, from + 12),
    extra: get16(bytes, from + 14),
  };
}

/** Decodes a descriptor of a packed ring or of an indirect table of one. */
export function packedDescriptor(
  bytes: Uint8Array,
  from: number,
  at: number,
  index: number,
): WatchedDescriptor {
  return {
    at,
    index,
    address: get64(bytes, from),
    addressLow: get32(bytes, from),
    addressHigh: get32(bytes, from + 4),
    lengthBytes: get32(bytes, from + 8),
    flags: get16(bytes, from + 14),
    extra: get16(bytes, from + 12),
  };
}

export const hasNext = (flags: number): boolean => (flags & VIRTQ_DESC_F_NEXT) !== 0;
export const isWritable = (flags: number): boolean => (flags & VIRTQ_DESC_F_WRITE) !== 0;
export const isIndirect = (flags: number): boolean => (flags & VIRTQ_DESC_F_INDIRECT) !== 0;

/** Whether nothing was written into a descriptor. */
export const isBlank = ({ addressLow, addressHigh, lengthBytes, flags }: WatchedDescriptor): boolean =>
  addressLow === 0 && addressHigh === 0 && lengthBytes === 0 && flags === 0;

/** What is done to a buffer while a device holds it is one fault, however many stores it takes. */
export function heldBuffer({ token, position }: WatchedChain): Fault {
  return { lasting: `buffer ${token} at ${position}` };
}

/** Sums of the lengths of a chain's elements. */
export function sumBytes(elements: readonly WatchedDescriptor[], writable: boolean): number {
  let sum = 0;
  for (const { flags, lengthBytes } of elements) if (isWritable(flags) === writable) sum += lengthBytes;
  return sum;
}

/** Copies the first `mostBytes` device-readable (or device-writable) bytes of a chain; null when some are not memory. */
export function chainBytes(
  memory: WatchedMemory,
  chain: WatchedChain,
  writable: boolean,
  mostBytes: number,
): Uint8Array | null {
  const total = Math.min(mostBytes, writable ? chain.writableBytes : chain.readableBytes);
  const bytes = new Uint8Array(total);
  let filled = 0;
  for (const { flags, address, lengthBytes } of chain.elements) {
    if (filled === total) break;
    if (isWritable(flags) !== writable) continue;
    const count = Math.min(lengthBytes, total - filled);
    if (count > 0 && !memory.read(address, bytes.subarray(filled, filled + count))) return null;
    filled += count;
  }
  return bytes;
}

/** The address of a descriptor's buffer as messages show it, exact in all 64 bits. */
export function addressText({ addressLow, addressHigh }: WatchedDescriptor): string {
  return hex((BigInt(addressHigh) << 32n) | BigInt(addressLow));
}

/** The bytes of a descriptor as evidence. */
export function descriptorHex(descriptor: WatchedDescriptor, format: "split" | "packed"): string {
  const bytes = new Uint8Array(DESCRIPTOR_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, descriptor.addressLow, true);
  view.setUint32(4, descriptor.addressHigh, true);
  view.setUint32(8, descriptor.lengthBytes, true);
  view.setUint16(format === "split" ? 12 : 14, descriptor.flags, true);
  view.setUint16(format === "split" ? 14 : 12, descriptor.extra, true);
  return toHex(bytes);
}
