import type { OptionRule } from "../../base/options.ts";
import { hi32, lo32 } from "../../base/u64.ts";
import type { GuestMemory } from "../../memory/index.ts";

/** Guest memory as far as the checker needs it: it only reads. */
export interface WatchedMemory {
  /**
   * Copies guest memory from a guest physical address into `into`; false, with nothing copied, when not all of it is
   * memory. Must not throw and must have no side effects.
   */
  read(address: number, into: Uint8Array): boolean;
}

/** What the checker may be given as memory. */
export type WatchedMemorySource = WatchedMemory | GuestMemory;

export const WATCHED_MEMORY_RULE: OptionRule = { like: "a GuestMemory or a WatchedMemory", has: ["read"] };

/** The reading view of guest memory, whichever kind was given. */
export function watchMemory(source: WatchedMemorySource): WatchedMemory {
  // By what it can do: a GuestMemory may be of another copy of this package.
  if (!("regions" in source && "find" in source)) return source;
  return {
    read(address, into) {
      if (!Number.isSafeInteger(address) || address < 0) return false;
      source.sync();
      const hi = hi32(address);
      const lo = lo32(address);
      const region = source.find(hi, lo, into.length);
      if (region === null) return false;
      const offset = region.offsetOf(hi, lo, into.length);
      into.set(region.u8.subarray(offset, offset + into.length));
      return true;
    },
  };
}

/** 16 bits, little-endian. */
export function get16(bytes: Uint8Array, at: number): number {
  return (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
}

/** 32 bits, little-endian, unsigned. */
export function get32(bytes: Uint8Array, at: number): number {
  return (get16(bytes, at) | (get16(bytes, at + 2) << 16)) >>> 0;
}

/** 64 bits, little-endian; exact below 2^53, and at least 2^53 above. */
export function get64(bytes: Uint8Array, at: number): number {
  return get32(bytes, at + 4) * 4294967296 + get32(bytes, at);
}

/** Whether two byte strings are the same. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
