import { ByteLanes } from "../../transport/pci/byte-lanes.ts";
import type { PciTransport } from "../../transport/pci/index.ts";
import type { V86Cpu } from "./cpu.ts";
import type { InterruptLines } from "./interrupt-lines.ts";
import { MMAP_BLOCK_BYTES } from "./places.ts";

/** Registers of the function behind v86's bus. Configuration space only looks on: v86 keeps the guest's. */
export interface V86Registers {
  /** Reads configuration space as the device has it; unsigned. */
  configRead(offset: number, widthBytes: 1 | 2 | 4): number;
  /** Writes configuration space as the device has it. */
  configWrite(offset: number, widthBytes: 1 | 2 | 4, value: number): void;
  /** Reads at an offset of a base address register; unsigned. */
  barRead(bar: number, offset: number, widthBytes: 1 | 2 | 4): number;
  /** Writes at an offset of a base address register. */
  barWrite(bar: number, offset: number, widthBytes: 1 | 2 | 4, value: number): void;
}

/** Who answers for the registers. */
export interface RegisterAccess {
  readonly transport: PciTransport;
  /** What accesses go to. */
  readonly access: Pick<V86Registers, "barRead" | "barWrite">;
  /** Called before each of them. */
  readonly before: () => void;
  /** Called before a write to the notification window. */
  readonly notified: (offset: number) => void;
}

interface Place {
  readonly address: number;
  readonly sizeBytes: number;
}

// v86 hands port callbacks the value alone, and moves them when the guest moves the BAR: one closure for each port.
export function registerPorts(
  cpu: V86Cpu,
  owner: object,
  { transport, access, before, notified }: RegisterAccess,
  { address, sizeBytes }: Place,
): void {
  const isNotification = notificationWindow(transport);
  for (let offset = 0; offset < sizeBytes; offset++) {
    const read = (widthBytes: 1 | 2 | 4) => () => {
      before();
      return access.barRead(0, offset, widthBytes) | 0;
    };
    const rings = isNotification(offset);
    const write = (widthBytes: 1 | 2 | 4) => (value: number) => {
      before();
      if (rings) notified(offset);
      access.barWrite(0, offset, widthBytes, value >>> 0);
    };
    cpu.io.register_read(address + offset, owner, read(1), read(2), read(4));
    cpu.io.register_write(address + offset, owner, write(1), write(2), write(4));
  }
}

// Memory callbacks know 8 and 32 bits only: a 16-bit access arrives as two of 8.
export function registerMemory(
  cpu: V86Cpu,
  lines: InterruptLines,
  { transport, access, before, notified }: RegisterAccess,
  { address }: Place,
): void {
  const byteLanes = new ByteLanes(
    {
      device: transport.device,
      registerWidth: (bar, offset) => transport.registerWidth(bar, offset),
      barRead: (bar, offset, widthBytes) => access.barRead(bar, offset, widthBytes as 1 | 2 | 4),
      barWrite: (bar, offset, widthBytes, value) =>
        access.barWrite(bar, offset, widthBytes as 1 | 2 | 4, value),
    },
    0,
  );
  const isNotification = notificationWindow(transport);
  const offsetOf = (at: number) => (at >>> 0) - address;
  const read = (answer: (offset: number) => number) => (at: number) => {
    lines.enterMemoryAccess();
    try {
      before();
      return answer(offsetOf(at)) | 0;
    } finally {
      lines.leaveMemoryAccess();
    }
  };
  const write = (take: (offset: number, value: number) => void) => (at: number, value: number) => {
    lines.enterMemoryAccess();
    try {
      before();
      const offset = offsetOf(at);
      if (isNotification(offset)) notified(offset);
      take(offset, value);
    } finally {
      lines.leaveMemoryAccess();
    }
  };
  cpu.io.mmap_register(
    address | 0,
    MMAP_BLOCK_BYTES,
    read((offset) => byteLanes.read8(offset)),
    write((offset, value) => byteLanes.write8(offset, value & 0xff)),
    read((offset) => access.barRead(0, offset, 4)),
    write((offset, value) => access.barWrite(0, offset, 4, value >>> 0)),
  );
}

function notificationWindow(transport: PciTransport): (offset: number) => boolean {
  const window = transport.bar(0)?.windows.find(({ structure }) => structure === "notify");
  if (window === undefined) return () => false;
  const { offset: start, lengthBytes } = window;
  return (offset) => offset >= start && offset < start + lengthBytes;
}
