import { le16, le32 } from "../../base/endian.ts";
import type { SharedMemoryRegion } from "../../device/device-type.ts";

/**
 * A shared memory region as a bus sees it. Naturally aligned accesses are single loads and stores, because other
 * threads may use the memory at the same time.
 */
export class SharedMemoryWindow {
  readonly region: SharedMemoryRegion;
  readonly #u8: Uint8Array;
  readonly #u16: Uint16Array;
  readonly #u32: Uint32Array;

  constructor(region: SharedMemoryRegion) {
    const { buffer, lengthBytes } = region;
    this.region = region;
    this.#u8 = new Uint8Array(buffer, 0, lengthBytes);
    this.#u16 = new Uint16Array(buffer, 0, Math.floor(lengthBytes / 2));
    this.#u32 = new Uint32Array(buffer, 0, Math.floor(lengthBytes / 4));
  }

  /** Reads 1, 2 or 4 bytes, little-endian, wholly inside the region. */
  read(at: number, widthBytes: number): number {
    if (widthBytes === 4 && at % 4 === 0) return le32(this.#u32[at / 4] as number);
    if (widthBytes === 2 && at % 2 === 0) return le16(this.#u16[at / 2] as number);
    let value = 0;
    for (let i = 0; i < widthBytes; i++) value |= (this.#u8[at + i] as number) << (8 * i);
    return value >>> 0;
  }

  /** Writes 1, 2 or 4 bytes, little-endian, wholly inside the region. */
  write(at: number, widthBytes: number, value: number): void {
    if (widthBytes === 4 && at % 4 === 0) this.#u32[at / 4] = le32(value);
    else if (widthBytes === 2 && at % 2 === 0) this.#u16[at / 2] = le16(value);
    else for (let i = 0; i < widthBytes; i++) this.#u8[at + i] = (value >>> (8 * i)) & 0xff;
  }
}
