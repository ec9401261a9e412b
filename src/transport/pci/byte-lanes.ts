import type { PciTransport } from "./pci-transport.ts";

/** What the bytes go to. */
export type ByteLanesTarget = Pick<PciTransport, "registerWidth" | "barRead" | "barWrite" | "device">;

/**
 * For buses that pass on memory accesses byte by byte: puts the bytes of a register together again. An emulator whose
 * memory-mapped callbacks know 8 and 32 bits only (v86) turns a guest's 16-bit write into two 8-bit ones, which no
 * virtio register takes.
 *
 * The bytes of a register come in ascending order, as from a little-endian processor; it is written when the last one
 * is there. Anything else in between means that it was not written whole: what was begun is dropped and counted. The
 * device-specific configuration and shared memory take bytes as they come.
 *
 * @example
 * ```ts
 * const lanes = new ByteLanes(transport, 0);
 * lanes.write8(notifyOffset, 1);
 * lanes.write8(notifyOffset + 1, 0); // notifies queue 1
 * ```
 */
export class ByteLanes {
  readonly #transport: ByteLanesTarget;
  readonly #bar: number;
  /** Offset of the byte that goes on with the register begun, -1 when none is. */
  #next = -1;
  #value = 0;

  constructor(transport: ByteLanesTarget, bar: number) {
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
    if (offset !== this.#next) {
      if (this.#next >= 0 || lane !== 0) this.#transport.device.ignored("pci-bytes-incomplete", offset);
      this.#next = -1;
      this.#value = 0;
      if (lane !== 0) return;
    }
    this.#value |= (value & 0xff) << (8 * lane);
    this.#next = offset + 1;
    if (lane < width - 1) return;
    const whole = this.#value >>> 0;
    this.#next = -1;
    this.#value = 0;
    this.#transport.barWrite(this.#bar, offset - lane, width, whole);
  }
}
