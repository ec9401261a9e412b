import { VirtioUsageError } from "../../base/errors.ts";
import type { VirtioDevice } from "../../device/virtio-device.ts";
import { ByteLanes } from "../../transport/pci/byte-lanes.ts";
import { type PciBar, PciTransport, type PciTransportOptions } from "../../transport/pci/index.ts";
import {
  PCI_CFG_SPACE_SIZE,
  PCI_COMMAND,
  PCI_COMMAND_IO,
  PCI_COMMAND_MASTER,
  PCI_COMMAND_MEMORY,
  PCI_STATUS_INTERRUPT,
} from "../../wire/pci.ts";
import { cpuOf, type V86Cpu } from "./cpu.ts";

/** How a device is put on v86's PCI bus. */
export interface V86AttachOptions {
  /** Slot on bus 0. v86 itself uses 0, 1, 5 and 0x12, 0x1e, 0xc with some devices. Default 9. */
  readonly slot?: number;
  /** Name in v86's messages. Default `virtio-` and the device type's name. */
  readonly name?: string;
  /**
   * Registers in I/O ports (default, what v86 does best) or in memory. Firmware and kernel may move ports, not
   * memory.
   */
  readonly space?: "io" | "memory";
  /** First port, a multiple of 256, or first address, a multiple of 128 KiB. Default 0xa000 or 0xfea00000. */
  readonly address?: number;
  /**
   * What the guest is to see in place of the function, configuration space included: to find out what drivers make of
   * peculiar devices. Its base address registers must be those of the function. Default: the function as it is.
   */
  readonly present?: (registers: V86Registers) => V86Registers;
  /**
   * Puts something between the guest and the registers, to watch what goes by or to change it. It gets the function and
   * returns what the guest's accesses to base address registers go to. Default: nothing in between.
   */
  readonly interpose?: (registers: V86Registers) => Pick<V86Registers, "barRead" | "barWrite">;
  /** Called before the interrupt line changes. */
  readonly onInterrupt?: (asserted: boolean) => void;
  /** More choices for the PCI function; layout, MSI-X (v86 has none) and interrupts are the adapter's. */
  readonly pci?: Omit<
    PciTransportOptions,
    "layout" | "msix" | "onInterrupt" | "onMsix" | "onBarChange" | "command"
  >;
}

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

/** A device on v86's bus. */
export interface V86Attachment {
  readonly transport: PciTransport;
  /** As v86 knows it: slot << 3. */
  readonly pciId: number;
  /** Configuration space as it was registered. */
  readonly configSpace: Uint8Array;
}

// v86 maps memory in units of this.
const MMAP_BLOCK_BYTES = 0x20000;
const COMMAND_WORD = PCI_COMMAND / 4;

/**
 * Puts a virtio device on the PCI bus of a running v86. Call it after `emulator-loaded` and before `run()` or
 * `restore_state()`. The guest sees an ordinary virtio-pci function with INTx.
 *
 * v86 keeps configuration space as plain memory without hooks, so that the window of the PCI configuration access
 * capability does nothing there; the Command register is read back at every access of the device.
 *
 * Throws {@link VirtioUsageError} for a slot or address that does not fit, for a device with shared memory (v86
 * can't map it), and before v86 has loaded.
 *
 * @example
 * ```ts
 * const memory = v86Memory(emulator);
 * const device = new VirtioDevice(new GpuDevice(), { memory });
 * attachToV86(emulator, device);
 * await emulator.run();
 * ```
 */
export function attachToV86(
  emulator: object,
  device: VirtioDevice,
  options: V86AttachOptions = {},
): V86Attachment {
  const cpu = cpuOf(emulator);
  const { pci } = cpu.devices;
  const slot = options.slot ?? 9;
  const pciId = slot << 3;
  if (!Number.isInteger(slot) || slot < 0 || slot > 31 || pci.device_spaces[pciId] !== undefined) {
    throw new VirtioUsageError(`slot ${slot} is not in 0 … 31 or taken; slot 9 is free in v86`);
  }
  if (device.type.sharedMemory.length > 0) {
    throw new VirtioUsageError(`v86 can't map the shared memory of ${device.type.name}`);
  }
  const space = options.space ?? "io";
  const address = options.address ?? (space === "io" ? 0xa000 : 0xfea00000);
  const unit = space === "io" ? 256 : MMAP_BLOCK_BYTES;
  if (!Number.isInteger(address) || address <= 0 || address % unit !== 0) {
    throw new VirtioUsageError(`address ${address} is not a positive multiple of ${unit}`);
  }
  const decoding = space === "io" ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY;
  const transport = new PciTransport(device, {
    ...options.pci,
    layout: { kind: space, bar: 0, address, ...(space === "memory" ? { sizeBytes: MMAP_BLOCK_BYTES } : {}) },
    msix: false,
    command: decoding | PCI_COMMAND_MASTER,
    onInterrupt: (asserted) => {
      options.onInterrupt?.(asserted);
      showInterrupt(cpu, pciId, asserted);
      if (asserted) pci.raise_irq(pciId);
      else pci.lower_irq(pciId);
    },
  });
  const bar = transport.bars[0] as PciBar;
  const owner = { name: options.name ?? `virtio-${device.type.name}` };
  const command = new CommandRegister(cpu, pciId, transport);
  const presented = options.present?.(transport);
  const access = options.interpose?.(presented ?? transport) ?? presented ?? transport;
  if (space === "io") registerPorts(cpu, owner, access, command, address, Number(bar.sizeBytes));
  else registerMemory(cpu, transport, access, command, address);
  const configSpace = presented === undefined ? transport.configImage() : configImageOf(presented);
  pci.register_device({
    pci_id: pciId,
    name: owner.name,
    pci_space: [...configSpace],
    pci_bars: [{ size: Number(bar.sizeBytes) }],
  });
  return { transport, pciId, configSpace };
}

function configImageOf(registers: V86Registers): Uint8Array {
  return Uint8Array.from({ length: PCI_CFG_SPACE_SIZE }, (_, offset) => registers.configRead(offset, 1));
}

/** The guest's Command register lives in v86's memory: brought over before each access. */
class CommandRegister {
  readonly #cpu: V86Cpu;
  readonly #pciId: number;
  readonly #transport: PciTransport;
  #last = -1;

  constructor(cpu: V86Cpu, pciId: number, transport: PciTransport) {
    this.#cpu = cpu;
    this.#pciId = pciId;
    this.#transport = transport;
  }

  sync(): void {
    const value = (this.#cpu.devices.pci.device_spaces[this.#pciId]?.[COMMAND_WORD] ?? 0) & 0xffff;
    if (value === this.#last) return;
    this.#last = value;
    this.#transport.configWrite(PCI_COMMAND, 2, value);
  }
}

/** Interrupt Status in the Status register, where a guest that shares the line may look. */
function showInterrupt(cpu: V86Cpu, pciId: number, asserted: boolean): void {
  const space = cpu.devices.pci.device_spaces[pciId];
  if (space === undefined) return;
  const bit = PCI_STATUS_INTERRUPT << 16;
  const word = space[COMMAND_WORD] ?? 0;
  space[COMMAND_WORD] = asserted ? word | bit : word & ~bit;
}

// v86 hands port callbacks the value alone, and moves them when the guest moves the BAR: one closure for each port.
function registerPorts(
  cpu: V86Cpu,
  owner: object,
  access: Pick<V86Registers, "barRead" | "barWrite">,
  command: CommandRegister,
  address: number,
  sizeBytes: number,
): void {
  for (let offset = 0; offset < sizeBytes; offset++) {
    const read = (widthBytes: 1 | 2 | 4) => () => {
      command.sync();
      return access.barRead(0, offset, widthBytes) | 0;
    };
    const write = (widthBytes: 1 | 2 | 4) => (value: number) => {
      command.sync();
      access.barWrite(0, offset, widthBytes, value >>> 0);
    };
    cpu.io.register_read(address + offset, owner, read(1), read(2), read(4));
    cpu.io.register_write(address + offset, owner, write(1), write(2), write(4));
  }
}

// Memory callbacks know 8 and 32 bits only: a 16-bit access arrives as two of 8.
function registerMemory(
  cpu: V86Cpu,
  transport: PciTransport,
  access: Pick<V86Registers, "barRead" | "barWrite">,
  command: CommandRegister,
  address: number,
): void {
  const lanes = new ByteLanes(
    {
      device: transport.device,
      registerWidth: (bar, offset) => transport.registerWidth(bar, offset),
      barRead: (bar, offset, widthBytes) => access.barRead(bar, offset, widthBytes as 1 | 2 | 4),
      barWrite: (bar, offset, widthBytes, value) =>
        access.barWrite(bar, offset, widthBytes as 1 | 2 | 4, value),
    },
    0,
  );
  const offsetOf = (at: number) => (at >>> 0) - address;
  cpu.io.mmap_register(
    address | 0,
    MMAP_BLOCK_BYTES,
    (at) => {
      command.sync();
      return lanes.read8(offsetOf(at));
    },
    (at, value) => {
      command.sync();
      lanes.write8(offsetOf(at), value & 0xff);
    },
    (at) => {
      command.sync();
      return access.barRead(0, offsetOf(at), 4) | 0;
    },
    (at, value) => {
      command.sync();
      access.barWrite(0, offsetOf(at), 4, value >>> 0);
    },
  );
}
