import { VirtioUsageError } from "../../base/errors.ts";
import type { V86Cpu } from "./cpu.ts";

/** v86 maps memory in units of this. */
export const MMAP_BLOCK_BYTES = 0x20000;
const SLOTS = 32;
const DEFAULT_SLOT = 9;
const FIRST_PORT = 0xa000;
const PORTS_END = 0x10000;
/** Ports of one device, mostly. */
export const PORT_UNIT = 256;
const FIRST_ADDRESS = 0xfea00000;
/** v86's VGA BIOS begins here. */
const ADDRESSES_END = 0xfeb00000;
/** What v86 serves without asking its map: the frame buffer of its VGA, and interrupt controllers. */
const BUILT_IN = [
  { start: 0xe0000000, end: 0xf0000000 },
  { start: 0xfec00000, end: 0xff000000 },
] as const;

/** A free slot on bus 0: the wished one, or the first free one from slot 9 on. */
export function chooseSlot(cpu: V86Cpu, wished: number | undefined): number {
  const { device_spaces: taken } = cpu.devices.pci;
  const isFree = (slot: number) => taken[slot << 3] === undefined;
  if (wished === undefined) {
    for (let i = 0; i < SLOTS; i++) {
      const slot = (DEFAULT_SLOT + i) % SLOTS;
      if (isFree(slot)) return slot;
    }
    throw new VirtioUsageError("all 32 slots of v86's bus are taken");
  }
  if (!Number.isInteger(wished) || wished < 0 || wished >= SLOTS || !isFree(wished)) {
    throw new VirtioUsageError(
      `slot ${wished} is not in 0 … 31 or taken; ${chooseSlot(cpu, undefined)} is free`,
    );
  }
  return wished;
}

/** Free I/O ports: the wished ones, or the first free ones from 0xa000 on. */
export function choosePorts(cpu: V86Cpu, wished: number | undefined, count: number): number {
  const { ports } = cpu.io;
  const isFree = (first: number) => {
    for (let port = first; port < first + count; port++) if (ports[port]?.device !== undefined) return false;
    return first + count <= PORTS_END;
  };
  return choose("ports", wished, { isFree, first: FIRST_PORT, end: PORTS_END, unit: PORT_UNIT });
}

/** A free place in the memory space: the wished one, or the first free one from 0xfea00000 on. */
export function chooseAddress(cpu: V86Cpu, wished: number | undefined): number {
  const ramBytes = cpu.mem8.length;
  // All of what is beyond RAM begins with the same answer for nobody.
  const nobody = cpu.memory_map_read8[Math.ceil(ramBytes / MMAP_BLOCK_BYTES)];
  const isFree = (address: number) =>
    address >= ramBytes &&
    address + MMAP_BLOCK_BYTES <= 2 ** 32 &&
    !BUILT_IN.some(({ start, end }) => address < end && address + MMAP_BLOCK_BYTES > start) &&
    cpu.memory_map_read8[address / MMAP_BLOCK_BYTES] === nobody;
  return choose("memory", wished, {
    isFree,
    first: FIRST_ADDRESS,
    end: ADDRESSES_END,
    unit: MMAP_BLOCK_BYTES,
  });
}

interface Places {
  readonly isFree: (first: number) => boolean;
  readonly first: number;
  readonly end: number;
  readonly unit: number;
}

function choose(what: "ports" | "memory", wished: number | undefined, places: Places): number {
  const { isFree, first, end, unit } = places;
  if (wished !== undefined) {
    if (!Number.isInteger(wished) || wished <= 0 || wished % unit !== 0) {
      throw new VirtioUsageError(`address ${wished} is not a positive multiple of ${unit}`);
    }
    if (isFree(wished)) return wished;
    throw new VirtioUsageError(
      `the ${what} at address 0x${wished.toString(16)} are not free in v86; leave \`address\` out for free ones`,
    );
  }
  for (let at = first; at < end; at += unit) if (isFree(at)) return at;
  throw new VirtioUsageError(`no ${what} left in v86 from 0x${first.toString(16)} on; give an \`address\``);
}
