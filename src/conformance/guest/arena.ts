import type { GuestRam } from "../device-under-test.ts";
import { CaseFailure } from "../verdicts.ts";

/**
 * Below it nothing is allocated: interrupt messages and deliberate nonsense go there, and PCs have ROM between 640 KiB
 * and 1 MiB that devices cannot write to.
 */
const FIRST_ADDRESS = 0x100000;

/**
 * Guest memory for one case: handed out from the bottom up, zeroed, and never taken back before the case ends.
 *
 * @example
 * ```ts
 * const arena = new Arena(dut.ram);
 * const buffer = arena.allocate(512);
 * arena.write(buffer, 4, 0xffff_ffff);
 * ```
 */
export class Arena {
  readonly ram: GuestRam;
  #next = FIRST_ADDRESS;

  constructor(ram: GuestRam) {
    this.ram = ram;
  }

  /** Zeroed memory. `alignBytes` is a power of two; default 16. Throws {@link CaseFailure} when memory is used up. */
  allocate(lengthBytes: number, alignBytes = 16): number {
    const address = Math.ceil(this.#next / alignBytes) * alignBytes;
    if (address + lengthBytes > this.ram.sizeBytes) throw new CaseFailure("the case needs more guest memory");
    this.#next = address + lengthBytes;
    if (lengthBytes > 0) this.ram.write(address, new Uint8Array(lengthBytes));
    return address;
  }

  /** Memory that holds `bytes`. */
  place(bytes: Uint8Array, alignBytes = 16): number {
    const address = this.allocate(bytes.length, alignBytes);
    this.ram.write(address, bytes);
    return address;
  }

  /** Reads an unsigned little-endian number of 1, 2 or 4 bytes. */
  read(address: number, widthBytes: 1 | 2 | 4): number {
    const bytes = this.ram.read(address, widthBytes);
    let value = 0;
    for (let i = widthBytes - 1; i >= 0; i--) value = value * 256 + (bytes[i] as number);
    return value;
  }

  /** Writes an unsigned little-endian number. */
  write(address: number, widthBytes: 1 | 2 | 4, value: number): void {
    const bytes = new Uint8Array(widthBytes);
    for (let i = 0; i < widthBytes; i++) bytes[i] = Math.floor(value / 256 ** i) & 0xff;
    this.ram.write(address, bytes);
  }
}

/**
 * Bytes in hexadecimal, two digits each, without spaces.
 *
 * @example
 * ```ts
 * toHex(new Uint8Array([1, 254])); // "01fe"
 * ```
 */
export function toHex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += byte.toString(16).padStart(2, "0");
  return text;
}
