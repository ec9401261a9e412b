import { VirtioUsageError } from "../../../base/errors.ts";
import type { GuestAllocator } from "../../allocator.ts";
import { PAGE_BYTES } from "../../allocator.ts";
import { MemEntryList } from "../../drivers/gpu/mem-entries.ts";
import { DriverError } from "../../errors.ts";
import type { GuestBuffer } from "../../guest-buffer.ts";
import { Reservation } from "./fences.ts";

/** A driver that uses a dma-buf of another one. */
export interface DmaBufImporter {
  /** The memory is about to move: give up everything that points to it. */
  moveNotify(): void;
}

/** One importer's use of a dma-buf. */
export interface DmaBufAttachment {
  /** Where the memory is, for the importer's device. Valid until `moveNotify`. */
  map(): MemEntryList;
  /** While pinned the memory does not move. Calls nest. */
  pin(): void;
  /** The importer needs it to stay no longer. */
  unpin(): void;
  /** The importer lets go, of its pins as well. */
  detach(): void;
}

/** A buffer that drivers share. It lives as long as somebody holds it. */
export interface DmaBuf {
  /** Name of the exporting driver. */
  readonly exporter: string;
  readonly sizeBytes: number;
  /** Who is at work on it. */
  readonly reservation: Reservation;
  /** Throws {@link DriverError} ENODEV when the exporter lets nobody in. */
  attach(importer: DmaBufImporter): DmaBufAttachment;
  /** One more user. */
  retain(): void;
  /** One user less; the buffer ends with the last one. */
  release(): void;
}

/**
 * A file descriptor of a dma-buf: a hold on it.
 *
 * @example
 * ```ts
 * const fd = file.primeHandleToFd(handle);
 * const attachment = fd.dmaBuf;
 * fd.close(); // the buffer lives on while somebody has it
 * ```
 */
export class PrimeFd {
  readonly number: number;
  readonly #dmaBuf: DmaBuf;
  #open = true;
  readonly #onClose: () => void;

  /** Takes a hold on the buffer. `onClose` is called after it was given up. */
  constructor(number: number, dmaBuf: DmaBuf, onClose: () => void = () => {}) {
    this.number = number;
    this.#dmaBuf = dmaBuf;
    this.#onClose = onClose;
    dmaBuf.retain();
  }

  get isOpen(): boolean {
    return this.#open;
  }

  /** Throws {@link DriverError} EBADF when closed. */
  get dmaBuf(): DmaBuf {
    if (!this.#open) throw new DriverError("EBADF", `file descriptor ${this.number} is closed`);
    return this.#dmaBuf;
  }

  /** Throws {@link DriverError} EBADF when closed already. */
  close(): void {
    const { dmaBuf } = this;
    this.#open = false;
    dmaBuf.release();
    this.#onClose();
  }
}

/**
 * A dma-buf in ordinary guest memory that is not virtio-gpu's: made by another driver, or by udmabuf.
 *
 * @example
 * ```ts
 * const buffer = new GuestDmaBuf(allocator, 1280 * 800 * 4);
 * const handle = file.primeFdToHandle(new PrimeFd(7, buffer));
 * ```
 */
export class GuestDmaBuf implements DmaBuf {
  readonly exporter: string;
  readonly sizeBytes: number;
  readonly reservation: Reservation = new Reservation();
  readonly #allocator: GuestAllocator;
  readonly #importers = new Set<DmaBufImporter>();
  #pages: GuestBuffer;
  #holds = 0;
  #pins = 0;
  #freed = false;

  /** Allocates the memory: whole pages, scattered. Throws {@link DriverError} ENOMEM. */
  constructor(allocator: GuestAllocator, sizeBytes: number, exporter = "udmabuf") {
    this.#allocator = allocator;
    this.exporter = exporter;
    this.sizeBytes = Math.ceil(sizeBytes / PAGE_BYTES) * PAGE_BYTES;
    this.#pages = allocator.allocatePages(this.sizeBytes / PAGE_BYTES);
  }

  /** The memory as it lies now. */
  get pages(): GuestBuffer {
    if (this.#freed) throw new VirtioUsageError("this dma-buf is gone: nobody holds it");
    return this.#pages;
  }

  get pinned(): boolean {
    return this.#pins > 0;
  }

  attach(importer: DmaBufImporter): DmaBufAttachment {
    this.#importers.add(importer);
    let pins = 0;
    return {
      map: () => MemEntryList.ofPages(this.pages),
      pin: () => {
        pins++;
        this.#pins++;
      },
      unpin: () => {
        pins--;
        this.#pins--;
      },
      detach: () => {
        this.#importers.delete(importer);
        this.#pins -= pins;
        pins = 0;
      },
    };
  }

  /**
   * Moves the buffer to other pages, contents and all, after every importer has let go of the old ones. Throws
   * {@link DriverError} EBUSY while an importer has it pinned, and what an importer throws that does not let go: the
   * buffer has not moved then.
   */
  move(): void {
    const old = this.pages;
    if (this.pinned) throw new DriverError("EBUSY", "a pinned dma-buf does not move");
    const next = this.#allocator.allocatePages(old.count);
    try {
      for (const importer of this.#importers) importer.moveNotify();
    } catch (error) {
      // Somebody does not let go: the buffer stays where it is.
      this.#allocator.freePages(next);
      throw error;
    }
    const page = new Uint8Array(PAGE_BYTES);
    for (let at = 0; at < old.lengthBytes; at += PAGE_BYTES) {
      old.read(at, page);
      next.write(at, page);
    }
    this.#pages = next;
    this.#allocator.freePages(old);
  }

  /** One more user. */
  retain(): void {
    this.#holds++;
  }

  /** One user less; the buffer ends with the last one. */
  release(): void {
    this.#holds--;
    if (this.#holds > 0 || this.#freed) return;
    this.#freed = true;
    this.#allocator.freePages(this.#pages);
  }
}
