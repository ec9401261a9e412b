import { type DescriptorChain, Scratch } from "./chain.ts";

/** The fields of a request are in its first bytes: these are copied once, and more only when asked for. */
const HEAD_BYTES = 64;

/**
 * Reads the device-readable part of a chain from its beginning, field after field, little-endian. What a guest left out
 * reads as 0 and makes {@link ok} false, for good: ask once, after the last field.
 *
 * A reader may be kept and opened again for each request, which then costs no allocation. Every byte is read from guest
 * memory once.
 *
 * @example
 * ```ts
 * const request = new ChainReader(chain);
 * const type = request.u32();
 * request.skip(4);
 * const sector = request.u64();
 * if (!request.ok) return;
 * ```
 */
export class ChainReader {
  readonly #head = new Scratch(HEAD_BYTES);
  readonly #view = new DataView(this.#head.u8.buffer);
  #chain: DescriptorChain | null = null;
  /** Bytes of the readable part that lie in #head. */
  #held = 0;
  #position = 0;
  #length = 0;
  #ok = true;

  constructor(chain?: DescriptorChain) {
    if (chain !== undefined) this.open(chain);
  }

  /** Begins with another chain, or with the same one again. Returns the reader. */
  open(chain: DescriptorChain): this {
    this.#chain = chain;
    this.#length = chain.readableBytes;
    this.#position = 0;
    this.#held = chain.readHead(this.#head);
    this.#ok = true;
    return this;
  }

  /** False once more was asked for than there was. */
  get ok(): boolean {
    return this.#ok;
  }

  /** Bytes read so far, or skipped. */
  get position(): number {
    return this.#position;
  }

  /** Bytes that are left. */
  get remaining(): number {
    return this.#length - this.#position;
  }

  /** An unsigned number of 8 bits. */
  u8(): number {
    const at = this.#take(1);
    return at < 0 ? 0 : this.#view.getUint8(at);
  }

  /** An unsigned number of 16 bits. */
  u16(): number {
    const at = this.#take(2);
    return at < 0 ? 0 : this.#view.getUint16(at, true);
  }

  /** An unsigned number of 32 bits. */
  u32(): number {
    const at = this.#take(4);
    return at < 0 ? 0 : this.#view.getUint32(at, true);
  }

  /**
   * An unsigned number of 64 bits: exact up to 2^53 − 1, and above it the nearest there is, so that comparisons with
   * limits hold. {@link bigU64} is exact, and allocates.
   */
  u64(): number {
    const at = this.#take(8);
    return at < 0 ? 0 : this.#view.getUint32(at + 4, true) * 2 ** 32 + this.#view.getUint32(at, true);
  }

  /** An unsigned number of 64 bits, exact. */
  bigU64(): bigint {
    const at = this.#take(8);
    return at < 0 ? 0n : this.#view.getBigUint64(at, true);
  }

  /**
   * Copies the next `lengthBytes` bytes into `target` at `offset`. Returns how many there were; fewer make {@link ok}
   * false.
   */
  bytes(target: Uint8Array, offset = 0, lengthBytes: number = target.length - offset): number {
    const length = Math.min(lengthBytes, this.remaining);
    if (length < lengthBytes) this.#ok = false;
    const held = Math.max(0, Math.min(length, this.#held - this.#position));
    for (let i = 0; i < held; i++) target[offset + i] = this.#head.u8[this.#position + i] as number;
    let copied = held;
    if (copied < length) {
      copied += this.#chain?.read(this.#position + held, target, offset + held, length - held) ?? 0;
    }
    // An abandoned chain has no bytes any more.
    if (copied < length) this.#ok = false;
    this.#position += copied;
    return copied;
  }

  /** Leaves out the next `lengthBytes` bytes. */
  skip(lengthBytes: number): this {
    if (lengthBytes > this.remaining) this.#ok = false;
    this.#position += Math.min(lengthBytes, this.remaining);
    return this;
  }

  /** Where in #head the next field lies, which is taken; -1 when there is no such field. */
  #take(lengthBytes: number): number {
    const at = this.#position;
    if (at + lengthBytes <= this.#held) {
      this.#position = at + lengthBytes;
      return at;
    }
    return this.#takeBeyond(lengthBytes);
  }

  /** A field behind the head: it is copied to the head's end, whose bytes are given up. */
  #takeBeyond(lengthBytes: number): number {
    const at = this.#position;
    if (this.#chain === null || at + lengthBytes > this.#length) {
      this.#ok = false;
      this.#position = this.#length;
      return -1;
    }
    const held = Math.max(0, this.#held - at);
    const to = HEAD_BYTES - 8;
    this.#head.u8.copyWithin(to, at, at + held);
    const read = this.#chain.read(at + held, this.#head.u8, to + held, lengthBytes - held);
    this.#held = 0;
    if (held + read < lengthBytes) {
      this.#ok = false;
      this.#position = this.#length;
      return -1;
    }
    this.#position = at + lengthBytes;
    return to;
  }
}
