import type { PciTransport } from "./pci-transport.ts";

/**
 * For buses that pass on memory accesses byte by byte: puts the bytes of a register together again. An emulator whose
 * memory-mapped callbacks know 8 and 32 bits only (v86) turns a guest's 16-bit write into two 8-bit ones, which no
 * virtio register takes.
 *
 * Bytes of one register may come in any order; it is written when the last one is there. Bytes of another register
 * in between mean that the first was not written whole: its bytes are dropped and counted. The device-specific
 * configuration and shared memory take bytes as they come.
 *
 * @example
 * ```ts
 * const lanes = new ByteLanes(transport, 0);
 * lanes.write8(notifyOffset, 1);
 * lanes.write8(notifyOffset + 1, 0); // notifies queue 1
 * ```
 */
export class ByteLanes {
  readonly #transport: PciTransport;
  readonly #bar: number;
  /** The register that is being put together; no bytes of it when the mask is 0. */
  #start = 0;
  #width = 0;
  #mask = 0;
  #value = 0;

  constructor(transport: PciTransport, bar: number) {
    this.#transport = transport;
    this.#bar = bar;
  }

  /** Reads the byte at `offset` of the BAR. */
  read8(offset: number): number {
    const width = this.#transport.registerWidth(this.#bar, offset);
    if (width <= 1) return this.#transport.barRead(this.#bar, offset, 1);
    const lane = offset % width;
    return (this.#transport.barRead(this.#bar, offset - lane, width) >>> (8 * lane)) & 0xff;
  }

  /** Writes the byte at `offset` of the BAR, or keeps it until its register is complete. */
  write8(offset: number, value: number): void {
    const width = this.#transport.registerWidth(this.#bar, offset);
    if (width <= 1) {
      this.#transport.barWrite(this.#bar, offset, 1, value);
      return;
    }
    const lane = offset % width;
    const start = offset - lane;
    if (this.#mask !== 0 && (start !== this.#start || width !== this.#width)) {
      this.#transport.device.ignored("pci-bytes-incomplete", this.#start);
      this.#mask = 0;
    }
    if (this.#mask === 0) this.#value = 0;
    this.#start = start;
    this.#width = width;
    this.#mask |= 1 << lane;
    this.#value = (this.#value & ~(0xff << (8 * lane))) | ((value & 0xff) << (8 * lane));
    if (this.#mask !== (1 << width) - 1) return;
    this.#mask = 0;
    this.#transport.barWrite(this.#bar, start, width, this.#value >>> 0);
  }
}
