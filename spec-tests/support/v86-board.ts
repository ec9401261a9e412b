// v86 without a guest: a processor that halts at its first instruction. What a driver would do is done from outside.
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { V86 } from "v86";
import { type V86Attachment, type V86Cpu, v86Memory } from "../../src/adapters/v86/index.ts";

const RAM_BYTES = 16 << 20;
const HLT = 0xf4;
const VENDOR_CAPABILITY = 9;
export const COMMON = 1;
export const NOTIFY = 2;
export const ISR = 3;

/** What tests need of v86 and the adapter does not. */
export interface BoardCpu extends V86Cpu {
  readonly io: V86Cpu["io"] & {
    port_read8(port: number): number;
    port_write8(port: number, value: number): void;
    port_write16(port: number, value: number): void;
    port_write32(port: number, value: number): void;
  };
  readonly memory_map_write8: readonly ((address: number, value: number) => void)[];
  readonly memory_map_read8: readonly ((address: number) => number)[];
  readonly memory_map_write32: readonly ((address: number, value: number) => void)[];
  get_eflags(): number;
  device_raise_irq(line: number): void;
  device_lower_irq(line: number): void;
}

export interface Board {
  readonly emulator: V86;
  readonly cpu: BoardCpu;
  /** The lines as v86 is told, newest level of each. */
  readonly lines: Map<number, boolean>;
}

/** Vendor and device of v86's disk controller. */
const IDE = 0x70108086;
const pciId = (space: Int32Array): number => (space[0] ?? 0) >>> 0;

const boards: V86[] = [];

/** @param onReady called in v86's event `emulator-ready` */
export async function openBoard(
  more: Partial<ConstructorParameters<typeof V86>[0]> = {},
  onReady?: (emulator: V86) => void,
): Promise<Board> {
  const emulator = new V86({
    wasm_path: join(dirname(fileURLToPath(import.meta.resolve("v86"))), "v86.wasm"),
    bios: { buffer: new Uint8Array(65536).fill(HLT).buffer },
    memory_size: RAM_BYTES,
    vga_memory_size: 2 << 20,
    autostart: false,
    disable_keyboard: true,
    disable_mouse: true,
    disable_speaker: true,
    ...more,
  });
  boards.push(emulator);
  emulator.add_listener("emulator-ready", () => onReady?.(emulator));
  await new Promise<void>((resolve) => emulator.add_listener("emulator-loaded", () => resolve()));
  const cpu = (emulator as unknown as { v86: { cpu: BoardCpu } }).v86.cpu;
  // What firmware does: v86 does not restore addresses of registers that are none.
  for (const space of cpu.devices.pci.device_spaces) {
    for (let word = 4; space !== undefined && word < 10; word++) if (pciId(space) === IDE) space[word] = 0;
  }
  const lines = new Map<number, boolean>();
  const raise = cpu.device_raise_irq.bind(cpu);
  const lower = cpu.device_lower_irq.bind(cpu);
  if (onReady === undefined) {
    cpu.device_raise_irq = (line) => {
      lines.set(line, true);
      raise(line);
    };
    cpu.device_lower_irq = (line) => {
      lines.set(line, false);
      lower(line);
    };
  }
  return { emulator, cpu, lines };
}

export async function closeBoards(): Promise<void> {
  for (const emulator of boards.splice(0)) await emulator.destroy();
}

/** A driver by hand, of the first queue, with a split ring of 8. */
export class HandDriver {
  readonly #board: Board;
  readonly #attachment: V86Attachment;
  readonly #offsets = new Map<number, number>();
  readonly #ring: number;
  #available = 0;

  constructor(board: Board, attachment: V86Attachment, ring = 0x100000) {
    this.#board = board;
    this.#attachment = attachment;
    this.#ring = ring;
    const { transport } = attachment;
    for (let at = transport.configRead(0x34, 1); at !== 0; at = transport.configRead(at + 1, 1)) {
      const type = transport.configRead(at + 3, 1);
      if (transport.configRead(at, 1) !== VENDOR_CAPABILITY || this.#offsets.has(type)) continue;
      this.#offsets.set(type, transport.configRead(at + 8, 4));
    }
  }

  addressOf(structure: number, offset = 0): number {
    return this.#attachment.address + (this.#offsets.get(structure) ?? Number.NaN) + offset;
  }

  write(structure: number, offset: number, widthBytes: 1 | 2 | 4, value: number): void {
    const { cpu } = this.#board;
    const address = this.addressOf(structure, offset);
    if (address < 0x10000) {
      if (widthBytes === 1) cpu.io.port_write8(address, value);
      else if (widthBytes === 2) cpu.io.port_write16(address, value);
      else cpu.io.port_write32(address, value);
      return;
    }
    const block = address >>> 17;
    if (widthBytes === 4) cpu.memory_map_write32[block]?.(address | 0, value);
    else
      for (let i = 0; i < widthBytes; i++)
        cpu.memory_map_write8[block]?.((address + i) | 0, (value >> (8 * i)) & 0xff);
  }

  readIsr(): number {
    const { cpu } = this.#board;
    const address = this.addressOf(ISR);
    if (address < 0x10000) return cpu.io.port_read8(address);
    return cpu.memory_map_read8[address >>> 17]?.(address | 0) ?? Number.NaN;
  }

  start(): void {
    const status = (value: number) => this.write(COMMON, 0x14, 1, value);
    for (const value of [0, 1, 3]) status(value);
    this.write(COMMON, 8, 4, 1);
    this.write(COMMON, 0xc, 4, 1);
    status(0xb);
    this.write(COMMON, 0x16, 2, 0);
    this.write(COMMON, 0x18, 2, 8);
    for (const [offset, page] of [
      [0x20, 0],
      [0x28, 1],
      [0x30, 2],
    ] as const) {
      this.write(COMMON, offset, 4, this.#ring + page * 0x1000);
      this.write(COMMON, offset + 4, 4, 0);
    }
    this.write(COMMON, 0x1c, 2, 1);
    status(0xf);
  }

  get #memory(): DataView {
    const region = v86Memory(this.#board.emulator).regions[0];
    region?.refresh();
    const bytes = region?.u8 ?? new Uint8Array(0);
    return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Makes a buffer available and rings. */
  ask(buffer: number, lengthBytes: number): void {
    const memory = this.#memory;
    memory.setUint32(this.#ring, buffer, true);
    memory.setUint32(this.#ring + 4, 0, true);
    memory.setUint32(this.#ring + 8, lengthBytes, true);
    memory.setUint16(this.#ring + 12, 2, true);
    this.#available++;
    memory.setUint16(this.#ring + 0x1002, this.#available, true);
    this.write(NOTIFY, 0, 2, 0);
  }

  get used(): number {
    return this.#memory.getUint16(this.#ring + 0x2002, true);
  }

  byteAt(address: number): number {
    return this.#memory.getUint8(address);
  }

  fill(address: number, lengthBytes: number, value: number): void {
    for (let i = 0; i < lengthBytes; i++) this.#memory.setUint8(address + i, value);
  }
}
