import type { DescriptorChain } from "./chain.ts";

/**
 * Writes the device-writable part of a chain from its beginning, field after field, little-endian. What finds no room is
 * left out as a whole, with all that would follow it, and makes {@link ok} false.
 *
 * A writer may be kept and opened again for each request, which then costs no allocation.
 *
 * @example
 * ```ts
 * const reply = new ChainWriter(chain);
 * reply.u32(VIRTIO_EXAMPLE_S_OK).bytes(payload);
 * queue.push(chain, reply.written);
 * ```
 */
export class ChainWriter {
  readonly #field = new Uint8Array(8);
  readonly #view = new DataView(this.#field.buffer);
  #chain: DescriptorChain | null = null;
  #position = 0;
  #written = 0;
  #ok = true;

  constructor(chain?: DescriptorChain) {
    if (chain !== undefined) this.open(chain);
  }

  /** Begins with another chain, or with the same one again. Returns the writer. */
  open(chain: DescriptorChain): this {
    this.#chain = chain;
    this.#position = 0;
    this.#written = 0;
    this.#ok = true;
    return this;
  }

  /** False once there was no room, or the chain was abandoned. */
  get ok(): boolean {
    return this.#ok;
  }

  /** Where the next byte goes. */
  get position(): number {
    return this.#position;
  }

  /** Bytes for which there is room from here on. */
  get remaining(): number {
    return (this.#chain?.writableBytes ?? 0) - this.#position;
  }

  /** The used length: bytes from the beginning up to the last one written. */
  get written(): number {
    return this.#written;
  }

  /** A number of 8 bits. */
  u8(value: number): this {
    this.#field[0] = value;
    return this.#put(1);
  }

  /** A number of 16 bits. */
  u16(value: number): this {
    this.#view.setUint16(0, value, true);
    return this.#put(2);
  }

  /** A number of 32 bits. */
  u32(value: number): this {
    this.#view.setUint32(0, value, true);
    return this.#put(4);
  }

  /** An unsigned number of 64 bits; a `number` up to 2^53 − 1. */
  u64(value: number | bigint): this {
    if (typeof value === "bigint") this.#view.setBigUint64(0, value, true);
    else {
      this.#view.setUint32(0, value % 2 ** 32, true);
      this.#view.setUint32(4, value / 2 ** 32, true);
    }
    return this.#put(8);
  }

  /** `lengthBytes` bytes of `source` from `offset`. */
  bytes(source: Uint8Array, offset = 0, lengthBytes: number = source.length - offset): this {
    return this.#write(source, offset, lengthBytes);
  }

  /** Leaves the next `lengthBytes` bytes as the driver gave them, or as they were written before. */
  skip(lengthBytes: number): this {
    if (lengthBytes > this.remaining) this.#ok = false;
    this.#position += Math.min(lengthBytes, this.remaining);
    return this;
  }

  #put(lengthBytes: number): this {
    return this.#write(this.#field, 0, lengthBytes);
  }

  #write(source: Uint8Array, offset: number, lengthBytes: number): this {
    if (!this.#ok || this.#chain === null || lengthBytes > this.remaining) {
      this.#ok = false;
      return this;
    }
    const written = this.#chain.write(this.#position, source, offset, lengthBytes);
    this.#position += written;
    if (this.#position > this.#written) this.#written = this.#position;
    if (written < lengthBytes) this.#ok = false;
    return this;
  }
}
