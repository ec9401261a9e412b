// A guest whose every access is written out by the numbers of the specification; nothing comes from src/wire.
import type { Subject, Width } from "./subject.ts";

/** The registers that both transports have, by meaning. */
export interface Registers {
  status(): Promise<number>;
  setStatus(value: number): Promise<void>;
  offered(word: number): Promise<number>;
  accept(word: number, bits: number): Promise<void>;
  select(queue: number): Promise<void>;
  /** Largest size (mmio), or the size as it stands (PCI), of the selected queue. */
  size(): Promise<number>;
  setSize(value: number): Promise<void>;
  setAddresses(desc: number, avail: number, used: number): Promise<void>;
  ready(): Promise<number>;
  setReady(value: number): Promise<void>;
  notify(queue: number): Promise<void>;
  config(offset: number, width: Width): Promise<number>;
  setConfig(offset: number, width: Width, value: number): Promise<void>;
  /** InterruptStatus or the ISR status, which reading clears. */
  interruptStatus(): Promise<number>;
  acknowledge(): Promise<void>;
}

export async function registersOf(subject: Subject): Promise<Registers> {
  return subject.transport === "mmio" ? mmio(subject) : pci(subject);
}

function mmio(subject: Subject): Registers {
  const read = (offset: number): Promise<number> => subject.read(offset, 4);
  const write = (offset: number, value: number): Promise<void> => subject.write(offset, 4, value);
  return {
    status: () => read(0x70),
    setStatus: (value) => write(0x70, value),
    async offered(word) {
      await write(0x14, word);
      return read(0x10);
    },
    async accept(word, bits) {
      await write(0x24, word);
      await write(0x20, bits);
    },
    select: (queue) => write(0x30, queue),
    size: () => read(0x34),
    setSize: (value) => write(0x38, value),
    async setAddresses(desc, avail, used) {
      for (const [offset, address] of [
        [0x80, desc],
        [0x90, avail],
        [0xa0, used],
      ] as const) {
        await write(offset, address % 2 ** 32);
        await write(offset + 4, Math.floor(address / 2 ** 32));
      }
    },
    ready: () => read(0x44),
    setReady: (value) => write(0x44, value),
    notify: (queue) => write(0x50, queue),
    config: (offset, width) => subject.read(0x100 + offset, width),
    setConfig: (offset, width, value) => subject.write(0x100 + offset, width, value),
    interruptStatus: () => read(0x60),
    acknowledge: () => write(0x64, 3),
  };
}

async function pci(subject: Subject): Promise<Registers> {
  const places = new Map<number, { bar: number; offset: number; at: number }>();
  for (let at = await subject.configRead(0x34, 1); at !== 0; at = await subject.configRead(at + 1, 1)) {
    if ((await subject.configRead(at, 1)) !== 9) continue;
    const type = await subject.configRead(at + 3, 1);
    const bar = await subject.configRead(at + 4, 1);
    if (!places.has(type)) places.set(type, { bar, offset: await subject.configRead(at + 8, 4), at });
  }
  const place = (type: number): { bar: number; offset: number; at: number } => {
    const found = places.get(type);
    if (found === undefined) throw new Error(`no virtio structure of type ${type}`);
    return found;
  };
  const [common, notify, isr, device] = [place(1), place(2), place(3), place(4)];
  const multiplier = await subject.configRead(notify.at + 16, 4);
  const read = (offset: number, width: Width): Promise<number> =>
    subject.barRead(common.bar, common.offset + offset, width);
  const write = (offset: number, width: Width, value: number): Promise<void> =>
    subject.barWrite(common.bar, common.offset + offset, width, value);
  return {
    status: () => read(0x14, 1),
    setStatus: (value) => write(0x14, 1, value),
    async offered(word) {
      await write(0, 4, word);
      return read(4, 4);
    },
    async accept(word, bits) {
      await write(8, 4, word);
      await write(12, 4, bits);
    },
    select: (queue) => write(0x16, 2, queue),
    size: () => read(0x18, 2),
    setSize: (value) => write(0x18, 2, value),
    async setAddresses(desc, avail, used) {
      for (const [offset, address] of [
        [0x20, desc],
        [0x28, avail],
        [0x30, used],
      ] as const) {
        await write(offset, 4, address % 2 ** 32);
        await write(offset + 4, 4, Math.floor(address / 2 ** 32));
      }
    },
    ready: () => read(0x1c, 2),
    setReady: (value) => write(0x1c, 2, value),
    notify: (queue) => subject.barWrite(notify.bar, notify.offset + queue * multiplier, 2, queue),
    config: (offset, width) => subject.barRead(device.bar, device.offset + offset, width),
    setConfig: (offset, width, value) => subject.barWrite(device.bar, device.offset + offset, width, value),
    interruptStatus: () => subject.barRead(isr.bar, isr.offset, 1),
    acknowledge: async () => {},
  };
}

export const NEXT = 1;
export const WRITE = 2;
export const INDIRECT = 4;

/** One descriptor. */
export interface Descriptor {
  readonly address: number;
  readonly length: number;
  readonly flags: number;
  readonly next?: number;
}

/** Where things lie in the guest's memory. */
export const MAP = {
  rings: 0x100000,
  requests: 0x180000,
  responses: 0x1c0000,
  tables: 0x200000,
  pixels: 0x400000,
} as const;

export const RESPONSE_BYTES = 512;

/** A split ring, written field by field. */
export class Ring {
  readonly queue: number;
  readonly size: number;
  readonly desc: number;
  readonly avail: number;
  readonly used: number;
  readonly #subject: Subject;
  #available = 0;
  #seen = 0;

  constructor(subject: Subject, queue: number, size: number, usedOffset?: number) {
    this.#subject = subject;
    this.queue = queue;
    this.size = size;
    this.desc = MAP.rings + queue * 0x20000;
    this.avail = this.desc + 16 * size;
    this.used =
      usedOffset === undefined
        ? Math.ceil((this.avail + 6 + 2 * size) / 4096) * 4096
        : this.avail + usedOffset;
  }

  /** Fills the ring with zeros, as a driver does before it hands it over. */
  clear(): void {
    for (const [at, bytes] of [
      [this.desc, 16 * this.size],
      [this.avail, 6 + 2 * this.size],
      [this.used, 6 + 8 * this.size],
    ] as const) {
      this.#subject.ramWrite(at, new Uint8Array(bytes));
    }
  }

  write(index: number, { address, length, flags, next = index + 1 }: Descriptor): void {
    this.#subject.ramWrite(this.desc + 16 * index, descriptorBytes(address, length, flags, next));
  }

  /** Makes a head available, and says so in the index. */
  publish(head: number): void {
    const slot = this.#available % this.size;
    this.#subject.ramWrite(this.avail + 4 + 2 * slot, u16(head));
    this.#available = (this.#available + 1) & 0xffff;
    this.publishIndex(this.#available);
  }

  publishIndex(index: number): void {
    this.#available = index;
    this.#subject.ramWrite(this.avail + 2, u16(index));
  }

  /** What was used since the last look. */
  collect(): { id: number; length: number }[] {
    const view = Buffer.from(this.#subject.ramRead(this.used, 4 + 8 * this.size));
    const index = view.readUInt16LE(2);
    const found: { id: number; length: number }[] = [];
    while (this.#seen !== index && found.length <= this.size) {
      const at = 4 + 8 * (this.#seen % this.size);
      found.push({ id: view.readUInt32LE(at), length: view.readUInt32LE(at + 4) });
      this.#seen = (this.#seen + 1) & 0xffff;
    }
    return found;
  }
}

function u16(value: number): Uint8Array {
  return Uint8Array.of(value & 0xff, value >>> 8);
}

export function descriptorBytes(address: number, length: number, flags: number, next: number): Uint8Array {
  const bytes = Buffer.alloc(16);
  bytes.writeBigUInt64LE(BigInt(address), 0);
  bytes.writeUInt32LE(length, 8);
  bytes.writeUInt16LE(flags, 12);
  bytes.writeUInt16LE(next, 14);
  return bytes;
}

/** A request: type, flags, 64 bits of fence, context, ring index, then 32-bit words. */
export function request(type: number, words: readonly number[] = [], header: readonly number[] = []): Buffer {
  const bytes = Buffer.alloc(24 + 4 * words.length);
  [type, ...header].forEach((word, i) => {
    bytes.writeUInt32LE(word >>> 0, 4 * i);
  });
  words.forEach((word, i) => {
    bytes.writeUInt32LE(word >>> 0, 24 + 4 * i);
  });
  return bytes;
}

/** One subject under test, and what was seen of it. */
export class Observer {
  readonly subject: Subject;
  readonly registers: Registers;
  readonly notes: [string, string][] = [];

  constructor(subject: Subject, registers: Registers) {
    this.subject = subject;
    this.registers = registers;
  }

  note(label: string, value: number | string | boolean | null): void {
    this.notes.push([label, typeof value === "number" ? `0x${value.toString(16)}` : String(value)]);
  }

  /** Notes status and interrupt. */
  async noteState(label: string): Promise<void> {
    await this.subject.settle();
    this.note(`${label}: status`, await this.registers.status());
    this.note(`${label}: interrupt status`, await this.registers.interruptStatus());
    await this.registers.acknowledge();
  }

  /** Sets a queue up as a driver should, or with what is given instead; `null` leaves the step out. */
  async setUp(
    ring: Ring,
    { size = ring.size, ready = 1 }: { size?: number | null; ready?: number | null } = {},
  ): Promise<void> {
    const { registers } = this;
    await registers.select(ring.queue);
    if (size !== null) await registers.setSize(size);
    await registers.setAddresses(ring.desc, ring.avail, ring.used);
    if (ready !== null) await registers.setReady(ready);
  }

  /** Brings the device up as a driver should, with both queues. */
  async bringUp({ features = 0, size = 16 } = {}): Promise<{ control: Ring; cursor: Ring }> {
    const { registers } = this;
    for (const status of [0, 1, 3]) await registers.setStatus(status);
    await registers.accept(0, features);
    await registers.accept(1, 1);
    await registers.setStatus(11);
    const control = new Ring(this.subject, 0, size);
    const cursor = new Ring(this.subject, 1, Math.min(size, 16));
    for (const ring of [control, cursor]) ring.clear();
    await this.setUp(control);
    await this.setUp(cursor);
    await registers.setStatus(15);
    return { control, cursor };
  }

  /** Sends a request in two descriptors and notes what comes back; true when something did. */
  async send(
    label: string,
    ring: Ring,
    bytes: Uint8Array,
    responseBytes: number = RESPONSE_BYTES,
  ): Promise<boolean> {
    const { subject, registers } = this;
    subject.ramWrite(MAP.requests, bytes);
    subject.ramWrite(MAP.responses, new Uint8Array(RESPONSE_BYTES));
    ring.write(0, {
      address: MAP.requests,
      length: bytes.length,
      flags: responseBytes > 0 ? NEXT : 0,
      next: 1,
    });
    ring.write(1, { address: MAP.responses, length: responseBytes, flags: WRITE });
    ring.publish(0);
    await registers.notify(ring.queue);
    return this.collect(label, ring);
  }

  /** Notes what was used; true when something was. */
  async collect(label: string, ring: Ring): Promise<boolean> {
    await this.subject.settle();
    const used = ring.collect();
    const text = used.map(({ id, length }) => `${id}:${length} ${this.#response(length)}`.trim()).join(", ");
    this.note(label, text === "" ? "nothing" : text);
    return used.length > 0;
  }

  #response(lengthBytes: number): string {
    const bytes = Buffer.from(this.subject.ramRead(MAP.responses, Math.min(lengthBytes, RESPONSE_BYTES)));
    if (bytes.length < 24) return bytes.toString("hex");
    const header = `${bytes.readUInt32LE(0).toString(16)} flags ${bytes.readUInt32LE(4)} fence ${bytes.readBigUInt64LE(8)} context ${bytes.readUInt32LE(16)} ring ${bytes.readUInt32LE(20)}`;
    const body = bytes.subarray(24);
    // Monitors are ours and QEMU's own; how long what is told of them is stays to be compared.
    if (bytes.readUInt32LE(0) === 0x1104) return `${header} and an EDID`;
    return body.length === 0 ? header : `${header} ${body.toString("hex").replace(/(00)+$/, "…")}`;
  }

  async screen(label: string, head = 0): Promise<void> {
    const picture = await this.subject.screen(head);
    this.note(label, picture === null ? "off" : `${picture.width}x${picture.height} ${digest(picture.rgba)}`);
  }
}

function digest(bytes: Uint8Array): string {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return (hash >>> 0).toString(16);
}
