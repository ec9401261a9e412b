import type { QemuMachine } from "../../src/adapters/qtest/index.ts";

type Width = 1 | 2 | 4;

/** The registers both transports have, by the numbers of sections 4.1.4.3 and 4.2.2; nothing comes from src/wire. */
export interface Registers {
  status(value?: number): Promise<number>;
  features(): Promise<bigint>;
  accept(features: bigint): Promise<void>;
  queue(index: number, size: number, desc: number, driver: number, device: number): Promise<void>;
  notify(queue: number): Promise<void>;
  config(offset: number): Promise<number>;
}

/** The registers of the first device of a microvm. */
export function mmioRegisters(machine: QemuMachine): Registers {
  const registers = machine.mmio(0);
  const read = (offset: number): Promise<number> => registers.read(offset, 4);
  const write = (offset: number, value: number): Promise<void> => registers.write(offset, 4, value);
  return {
    async status(value) {
      if (value !== undefined) await write(0x70, value);
      return read(0x70);
    },
    async features() {
      await write(0x14, 1);
      const high = await read(0x10);
      await write(0x14, 0);
      return (BigInt(high) << 32n) | BigInt(await read(0x10));
    },
    async accept(features) {
      for (let i = 0; i < 2; i++) {
        await write(0x24, i);
        await write(0x20, Number((features >> BigInt(32 * i)) & 0xffffffffn));
      }
    },
    async queue(index, size, desc, driver, device) {
      await write(0x30, index);
      await write(0x38, size);
      await write(0x80, desc);
      await write(0x90, driver);
      await write(0xa0, device);
      await write(0x44, 1);
    },
    notify: (queue) => write(0x50, queue),
    config: (offset) => read(0x100 + offset),
  };
}

/** The registers of the first device of a q35, found through its vendor capabilities. */
export async function pciRegisters(machine: QemuMachine): Promise<Registers> {
  const pci = machine.pci(0);
  const where = new Map<number, { bar: number; offset: number; at: number }>();
  for (let at = await pci.configRead(0x34, 1); at !== 0; at = await pci.configRead(at + 1, 1)) {
    if ((await pci.configRead(at, 1)) !== 9) continue;
    const type = await pci.configRead(at + 3, 1);
    const bar = await pci.configRead(at + 4, 1);
    if (!where.has(type)) where.set(type, { bar, offset: await pci.configRead(at + 8, 4), at });
  }
  const place = (type: number): { bar: number; offset: number; at: number } => {
    const found = where.get(type);
    if (found === undefined) throw new Error(`no virtio structure of type ${type}`);
    return found;
  };
  const common = place(1);
  const notify = place(2);
  const device = place(4);
  const multiplier = await pci.configRead(notify.at + 16, 4);
  const read = (offset: number, width: Width): Promise<number> =>
    pci.barRead(common.bar, common.offset + offset, width);
  const write = (offset: number, width: Width, value: number): Promise<void> =>
    pci.barWrite(common.bar, common.offset + offset, width, value);
  return {
    async status(value) {
      if (value !== undefined) await write(0x14, 1, value);
      return read(0x14, 1);
    },
    async features() {
      await write(0, 4, 1);
      const high = await read(4, 4);
      await write(0, 4, 0);
      return (BigInt(high) << 32n) | BigInt(await read(4, 4));
    },
    async accept(features) {
      for (let i = 0; i < 2; i++) {
        await write(8, 4, i);
        await write(12, 4, Number((features >> BigInt(32 * i)) & 0xffffffffn));
      }
    },
    async queue(index, size, desc, driver, deviceArea) {
      await write(0x16, 2, index);
      await write(0x18, 2, size);
      for (const [offset, address] of [
        [0x20, desc],
        [0x28, driver],
        [0x30, deviceArea],
      ] as const) {
        await write(offset, 4, address);
        await write(offset + 4, 4, 0);
      }
      await write(0x1c, 2, 1);
    },
    async notify(queue) {
      await write(0x16, 2, queue);
      const step = await read(0x1e, 2);
      await pci.barWrite(notify.bar, notify.offset + step * multiplier, 2, queue);
    },
    config: (offset) => pci.barRead(device.bar, device.offset + offset, 4),
  };
}

const VERSION_1 = 1n << 32n;
const RING_PACKED = 1n << 34n;
/** As many as QEMU's rng takes. */
const QUEUE_SIZE = 8;
const REQUEST = 0x100000;
const RESPONSE = 0x110000;
const RINGS = 0x120000;
const RING_BYTES = 0x1000;

/** What a device did with a chain. */
export interface Returned {
  readonly usedLength: number;
  readonly bytes: Buffer;
}

/** A guest that writes descriptors as raw bytes, one chain of two descriptors at a time, in queue 0. */
export class QemuGuest {
  readonly machine: QemuMachine;
  readonly registers: Registers;
  readonly packed: boolean;
  #position = 0;
  #wrap = true;
  #available = 0;

  private constructor(machine: QemuMachine, registers: Registers, packed: boolean) {
    this.machine = machine;
    this.registers = registers;
    this.packed = packed;
  }

  /** Resets the device and brings it to DRIVER_OK with queue 0 live. */
  static async start(machine: QemuMachine, registers: Registers, packed: boolean): Promise<QemuGuest> {
    await registers.status(0);
    await registers.status(1);
    await registers.status(3);
    await registers.accept(packed ? VERSION_1 | RING_PACKED : VERSION_1);
    await registers.status(11);
    machine.ram.write(RINGS, new Uint8Array(3 * RING_BYTES));
    await registers.queue(0, QUEUE_SIZE, RINGS, RINGS + RING_BYTES, RINGS + 2 * RING_BYTES);
    await registers.status(15);
    return new QemuGuest(machine, registers, packed);
  }

  /** Sends a request and returns the response; a request of no bytes is left out of the chain. */
  async submit(request: Uint8Array, responseBytes: number): Promise<Returned | null> {
    const { ram } = this.machine;
    ram.write(REQUEST, request);
    ram.write(RESPONSE, new Uint8Array(responseBytes));
    const parts = [
      { address: REQUEST, length: request.length, write: false },
      { address: RESPONSE, length: responseBytes, write: true },
    ].filter(({ length }) => length > 0);
    const usedLength = await (this.packed ? this.#packedChain(parts) : this.#splitChain(parts));
    return usedLength === null ? null : { usedLength, bytes: Buffer.from(ram.read(RESPONSE, responseBytes)) };
  }

  /** Puts one packed descriptor that refers to an indirect table of `lengthBytes`, and notifies. */
  async offerIndirect(lengthBytes: number): Promise<void> {
    const indirect = 4;
    this.machine.ram.write(RINGS, packedDescriptor(REQUEST, lengthBytes, 0, indirect | 0x80));
    await this.registers.notify(0);
    await this.machine.settle();
  }

  async #splitChain(parts: readonly Part[]): Promise<number | null> {
    const { ram } = this.machine;
    parts.forEach((part, i) => {
      const descriptor = Buffer.alloc(16);
      descriptor.writeBigUInt64LE(BigInt(part.address), 0);
      descriptor.writeUInt32LE(part.length, 8);
      descriptor.writeUInt16LE((part.write ? 2 : 0) | (i + 1 < parts.length ? 1 : 0), 12);
      descriptor.writeUInt16LE(i + 1, 14);
      ram.write(RINGS + 16 * i, descriptor);
    });
    const slot = this.#available % QUEUE_SIZE;
    ram.write(RINGS + RING_BYTES + 4 + 2 * slot, Uint8Array.of(0, 0));
    this.#available = (this.#available + 1) & 0xffff;
    const index = Uint8Array.of(this.#available & 0xff, this.#available >> 8);
    ram.write(RINGS + RING_BYTES + 2, index);
    await this.registers.notify(0);
    await this.machine.settle();
    const used = Buffer.from(ram.read(RINGS + 2 * RING_BYTES, 4 + 8 * QUEUE_SIZE));
    return used.readUInt16LE(2) === this.#available ? used.readUInt32LE(4 + 8 * slot + 4) : null;
  }

  async #packedChain(parts: readonly Part[]): Promise<number | null> {
    const { ram } = this.machine;
    const start = this.#position;
    const startWrap = this.#wrap;
    const writes: [number, Buffer][] = parts.map((part, i) => {
      const flags = (part.write ? 2 : 0) | (i + 1 < parts.length ? 1 : 0) | (this.#wrap ? 0x80 : 0x8000);
      const at = RINGS + 16 * this.#position;
      if (++this.#position === QUEUE_SIZE) {
        this.#position = 0;
        this.#wrap = !this.#wrap;
      }
      return [at, packedDescriptor(part.address, part.length, 7, flags)];
    });
    for (const [at, descriptor] of writes.reverse()) ram.write(at, descriptor);
    await this.registers.notify(0);
    await this.machine.settle();
    const used = Buffer.from(ram.read(RINGS + 16 * start, 16));
    const flags = used.readUInt16LE(14) & 0x8080;
    return flags === (startWrap ? 0x8080 : 0) && used.readUInt16LE(12) === 7 ? used.readUInt32LE(8) : null;
  }
}

interface Part {
  readonly address: number;
  readonly length: number;
  readonly write: boolean;
}

function packedDescriptor(address: number, length: number, id: number, flags: number): Buffer {
  const descriptor = Buffer.alloc(16);
  descriptor.writeBigUInt64LE(BigInt(address), 0);
  descriptor.writeUInt32LE(length, 8);
  descriptor.writeUInt16LE(id, 12);
  descriptor.writeUInt16LE(flags, 14);
  return descriptor;
}

/** A request of the control queue: type, then 20 bytes of header, then 32-bit words. */
export function gpuRequest(type: number, ...words: readonly number[]): Uint8Array {
  const bytes = Buffer.alloc(24 + 4 * words.length);
  bytes.writeUInt32LE(type, 0);
  for (const [i, word] of words.entries()) bytes.writeUInt32LE(word, 24 + 4 * i);
  return bytes;
}
