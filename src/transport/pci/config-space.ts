import { VirtioUsageError } from "../../base/errors.ts";
import {
  PCI_CAP_LIST_ID,
  PCI_CAP_LIST_NEXT,
  PCI_CAPABILITY_LIST,
  PCI_STD_HEADER_SIZEOF,
} from "../../wire/pci.ts";

// Capabilities live in the first 256 bytes, whatever follows.
const CAPABILITIES_END = 256;

/**
 * The bytes of a function's configuration space: values, which bits of them software may write, and what they are
 * after a reset. Knows nothing of what the bits mean.
 */
export class PciConfigSpace {
  readonly sizeBytes: number;
  readonly #bytes: Uint8Array;
  readonly #writable: Uint8Array;
  #initial: Uint8Array;
  #nextCapability = PCI_STD_HEADER_SIZEOF;
  #link = PCI_CAPABILITY_LIST;

  constructor(sizeBytes: number) {
    this.sizeBytes = sizeBytes;
    this.#bytes = new Uint8Array(sizeBytes);
    this.#writable = new Uint8Array(sizeBytes);
    this.#initial = this.#bytes;
  }

  /** Little-endian, unsigned; no side effects. */
  get(offset: number, widthBytes: number): number {
    let value = 0;
    for (let i = 0; i < widthBytes; i++) value |= (this.#bytes[offset + i] as number) << (8 * i);
    return value >>> 0;
  }

  /** Sets bytes whether software may write them or not. */
  set(offset: number, widthBytes: number, value: number): void {
    for (let i = 0; i < widthBytes; i++) this.#bytes[offset + i] = (value >>> (8 * i)) & 0xff;
  }

  /** Lets software write these bits. */
  allow(offset: number, widthBytes: number, mask: number): void {
    for (let i = 0; i < widthBytes; i++) {
      this.#writable[offset + i] = (this.#writable[offset + i] as number) | ((mask >>> (8 * i)) & 0xff);
    }
  }

  /** Software writes: bits it may not write stay. */
  write(offset: number, widthBytes: number, value: number): void {
    for (let i = 0; i < widthBytes; i++) {
      this.#merge(offset + i, (value >>> (8 * i)) & 0xff);
    }
  }

  #merge(at: number, byte: number): void {
    const mask = this.#writable[at] as number;
    this.#bytes[at] = ((this.#bytes[at] as number) & ~mask) | (byte & mask);
  }

  /**
   * Appends a capability of `lengthBytes` bytes, a multiple of 4, to the list and returns its offset. Throws {@link VirtioUsageError}
   * when there is no room left.
   */
  addCapability(id: number, lengthBytes: number): number {
    const at = this.#nextCapability;
    if (at + lengthBytes > CAPABILITIES_END) {
      throw new VirtioUsageError(
        `the capabilities need more than ${CAPABILITIES_END - PCI_STD_HEADER_SIZEOF} bytes of configuration space; use fewer shared memory regions or shorter vendor data`,
      );
    }
    this.#nextCapability = at + lengthBytes;
    this.set(this.#link, 1, at);
    this.#link = at + PCI_CAP_LIST_NEXT;
    this.set(at + PCI_CAP_LIST_ID, 1, id);
    return at;
  }

  /** What is there now is what a reset brings back. */
  seal(): void {
    this.#initial = this.#bytes.slice();
  }

  reset(): void {
    this.#bytes.set(this.#initial);
  }

  /** A copy of the first 256 bytes. */
  image(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, CAPABILITIES_END);
  }

  /** True when the image agrees with this space in every bit that is the same throughout the life of a function. */
  matches(image: ArrayLike<number>, volatile: { readonly offset: number; readonly mask: number }): boolean {
    for (let i = 0; i < CAPABILITIES_END; i++) {
      const ignore = (this.#writable[i] as number) | (i === volatile.offset ? volatile.mask : 0);
      if ((((image[i] ?? 0) ^ (this.#initial[i] as number)) & ~ignore & 0xff) !== 0) return false;
    }
    return true;
  }

  /** Takes the bits that software may write from an image. */
  adopt(image: ArrayLike<number>): void {
    this.reset();
    for (let i = 0; i < CAPABILITIES_END; i++) this.#merge(i, image[i] ?? 0);
  }
}
