import { closeSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from "node:fs";
import { VirtioUsageError } from "../../base/errors.ts";

/** The guest's memory: the file that QEMU has mapped. What is written is there for devices at once, and vice versa. */
export class QemuRam {
  /** Bytes, from guest physical address 0 on. */
  readonly sizeBytes: number;
  readonly #file: number;
  #open = true;

  /** Opens the file; it may be deleted as soon as QEMU has opened it too. */
  constructor(path: string) {
    this.#file = openSync(path, "r+");
    this.sizeBytes = fstatSync(this.#file).size;
  }

  /** A copy of `lengthBytes` bytes at `address`. */
  read(address: number, lengthBytes: number): Uint8Array {
    const bytes = new Uint8Array(this.#checked(address, lengthBytes));
    this.#fill(address, bytes);
    return bytes;
  }

  /** Like `read`, into memory of the caller's: as many bytes as `target` has. */
  readInto(address: number, target: Uint8Array): void {
    this.#checked(address, target.length);
    this.#fill(address, target);
  }

  /** Writes bytes at `address`. */
  write(address: number, bytes: Uint8Array): void {
    this.#checked(address, bytes.length);
    for (let done = 0; done < bytes.length; ) {
      done += writeSync(this.#file, bytes, done, bytes.length - done, address + done);
    }
  }

  /** Fills all of it with zeros, and gives the pages back. No device may be working at the same time. */
  clear(): void {
    this.#checked(0, 0);
    ftruncateSync(this.#file, 0);
    ftruncateSync(this.#file, this.sizeBytes);
  }

  /** Closes the file. May be called more than once. */
  close(): void {
    if (this.#open) closeSync(this.#file);
    this.#open = false;
  }

  #fill(address: number, target: Uint8Array): void {
    for (let done = 0; done < target.length; ) {
      const count = readSync(this.#file, target, done, target.length - done, address + done);
      if (count === 0) throw new VirtioUsageError("the guest's memory was cut off while the machine ran");
      done += count;
    }
  }

  #checked(address: number, lengthBytes: number): number {
    if (!this.#open) throw new VirtioUsageError("the machine was closed; start another");
    const inside =
      Number.isInteger(address) &&
      address >= 0 &&
      lengthBytes >= 0 &&
      address + lengthBytes <= this.sizeBytes;
    if (!inside) {
      throw new VirtioUsageError(
        `bytes ${address} … ${address + lengthBytes} lie outside of the ${this.sizeBytes} bytes of memory`,
      );
    }
    return lengthBytes;
  }
}
