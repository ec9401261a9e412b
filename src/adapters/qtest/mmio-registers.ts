import type { QtestClient, QtestWidth } from "./qtest-client.ts";

/** The registers of a virtio-mmio device of the machine, by offset from their base. */
export class QemuMmioRegisters {
  /** Guest physical address of the first one. */
  readonly address: number;
  readonly #qtest: QtestClient;

  constructor(qtest: QtestClient, address: number) {
    this.#qtest = qtest;
    this.address = address;
  }

  /** Reads `widthBytes` bytes at `offset`. Unsigned. */
  read(offset: number, widthBytes: QtestWidth): Promise<number> {
    return this.#qtest.read(this.address + offset, widthBytes);
  }

  /** Writes `widthBytes` bytes at `offset`. */
  write(offset: number, widthBytes: QtestWidth, value: number): Promise<void> {
    return this.#qtest.write(this.address + offset, widthBytes, value);
  }
}
