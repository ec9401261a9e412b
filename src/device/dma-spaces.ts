import { type AddressTranslator, DmaSpace } from "../memory/dma.ts";
import type { GuestMemory } from "../memory/guest-memory.ts";

/** Guest memory as a device sees it: by physical addresses, or through a translator once that is negotiated. */
export class DmaSpaces {
  readonly #physical: DmaSpace;
  readonly #translated: DmaSpace | null;

  constructor(memory: GuestMemory, translator: AddressTranslator | undefined) {
    this.#physical = new DmaSpace(memory);
    this.#translated = translator === undefined ? null : new DmaSpace(memory, translator);
  }

  /** Whether VIRTIO_F_ACCESS_PLATFORM means anything. */
  get translates(): boolean {
    return this.#translated !== null;
  }

  /** What is used with or without VIRTIO_F_ACCESS_PLATFORM. */
  for(accessPlatform: boolean): DmaSpace {
    return this.#translated !== null && accessPlatform ? this.#translated : this.#physical;
  }
}
