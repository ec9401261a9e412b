import { VirtioUsageError } from "../../base/errors.ts";
import { checkOptions, type OptionRules, U32_RULE } from "../../base/options.ts";
import type { VirtioDevice } from "../../device/virtio-device.ts";
import { type PciBar, PciTransport, type PciTransportOptions } from "../../transport/pci/index.ts";
import {
  PCI_BASE_ADDRESS_0,
  PCI_BASE_ADDRESS_5,
  PCI_CFG_SPACE_SIZE,
  PCI_COMMAND,
  PCI_COMMAND_IO,
  PCI_COMMAND_MASTER,
  PCI_COMMAND_MEMORY,
  PCI_STATUS_INTERRUPT,
} from "../../wire/pci.ts";
import { cpuOf, type V86Cpu } from "./cpu.ts";
import { Machine, type MachineEvents } from "./machine.ts";
import { chooseAddress, choosePorts, chooseSlot, MMAP_BLOCK_BYTES, PORT_UNIT } from "./places.ts";
import { registerMemory, registerPorts, type V86Registers } from "./registers.ts";
import { checkSavedV86, type SavedV86Attachment, V86_STATE_VERSION } from "./saved-state.ts";

/** How a device is put on v86's PCI bus. */
export interface V86AttachOptions {
  /**
   * Slot on bus 0, 0 to 31. v86 itself uses 0, 1 and, with some devices, 5, 6, 0xa, 0xb, 0xc, 0x12, 0x1e. Default: the
   * first free one from 9 on.
   */
  readonly slot?: number;
  /** Name in v86's messages. Default `virtio-` and the device type's name. */
  readonly name?: string;
  /**
   * Registers in I/O ports (default, what v86 does best) or in memory. Firmware and kernel may move ports, not
   * memory.
   */
  readonly space?: "io" | "memory";
  /**
   * First port, a multiple of 256, or first address, a multiple of 128 KiB. Default: the first free one from 0xa000 or
   * 0xfea00000 on.
   */
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

const RULES: OptionRules<V86AttachOptions> = {
  slot: [0, 31],
  name: "string",
  space: { oneOf: ["io", "memory"] },
  address: U32_RULE,
  present: "function",
  interpose: "function",
  onInterrupt: "function",
  pci: "object",
};

/** A device on v86's bus. */
export interface V86Attachment {
  readonly transport: PciTransport;
  /** As v86 knows it: slot << 3. */
  readonly pciId: number;
  /** Configuration space as it was registered. */
  readonly configSpace: Uint8Array;
  /** First port or first address of the registers, as it was registered. */
  readonly address: number;
  /**
   * The device's part of a snapshot, as plain data that survives JSON. Call it between the emulator's `stop()` and
   * its `save_state()`: it waits for answers that are under way (a paced display, a slow source of random numbers),
   * which still go into guest memory.
   *
   * Rejects with {@link VirtioUsageError} while the emulator runs, and when answers take longer than `timeoutMs`,
   * default 5000.
   *
   * @example
   * ```ts
   * await emulator.stop();
   * const device = await attachment.save();
   * const machine = await emulator.save_state();
   * await emulator.run();
   * ```
   */
  save(options?: { readonly timeoutMs?: number }): Promise<SavedV86Attachment>;
  /**
   * Takes over the device's part of a snapshot, in any program that attaches a device of the same options to the same
   * slot. Call it between `restore_state()`, which resets the device, and `run()`. With several devices attach all of
   * them first, in the order in which they were attached then.
   *
   * Throws {@link VirtioUsageError} for a state that does not fit. A device that is left out is in reset while its
   * driver believes it works; its trace says `notified-in-reset-after-restore-state` then.
   *
   * @example
   * ```ts
   * const attachment = attachToV86(emulator, new VirtioDevice(new GpuDevice({ display }), { memory: v86Memory(emulator) }));
   * await emulator.restore_state(machine);
   * attachment.restore(saved);
   * await emulator.run();
   * ```
   */
  restore(state: SavedV86Attachment): void;
}

const COMMAND_WORD = PCI_COMMAND / 4;
const FIRST_BAR_WORD = PCI_BASE_ADDRESS_0 / 4;
const LAST_BAR_WORD = PCI_BASE_ADDRESS_5 / 4;
const DEFAULT_SAVE_TIMEOUT_MS = 5000;
/** Between two looks at answers that are under way. */
const SAVE_POLL_MS = 2;

/**
 * Puts a virtio device on the PCI bus of v86. Call it in the event `emulator-loaded` or later, before `run()` or
 * `restore_state()`; with v86's option `initial_state` in the event `emulator-ready`, and `attachment.restore` in
 * `emulator-loaded`. The guest sees an ordinary virtio-pci function with INTx. When the machine is reset, by the guest
 * or by `restart()`, so is the device.
 *
 * v86 keeps configuration space as plain memory without hooks, so that the window of the PCI configuration access
 * capability does nothing there; the Command register is read back at every access of the device.
 *
 * Throws {@link VirtioUsageError} for a slot or address that does not fit or is taken, for a device with shared memory
 * (v86 can't map it), before v86 has loaded, and after it has run or was restored.
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
  checkOptions("attachToV86", options, RULES);
  const cpu = cpuOf(emulator);
  // A restored state brings no count, but the guest's last look at the bus.
  if (cpu.instruction_counter[0] !== 0 || cpu.devices.pci.pci_addr.some((byte) => byte !== 0)) {
    throw new VirtioUsageError(
      "this v86 has run already, or was restored: attach devices before `run()` and `restore_state()`, " +
        "and with `initial_state` in the event `emulator-ready`",
    );
  }
  if (device.type.sharedMemory.length > 0) {
    throw new VirtioUsageError(`v86 can't map the shared memory of ${device.type.name}`);
  }
  return new Attachment(emulator, cpu, device, options);
}

class Attachment implements V86Attachment, MachineEvents {
  readonly transport: PciTransport;
  readonly pciId: number;
  readonly configSpace: Uint8Array;
  readonly address: number;
  readonly #emulator: object;
  readonly #cpu: V86Cpu;
  readonly #machine: Machine;
  /** The guest's Command register as it was seen last. */
  #command = -1;
  /** Whether the machine was restored and the device was not, and no driver has started it since. */
  #leftBehind = false;

  constructor(emulator: object, cpu: V86Cpu, device: VirtioDevice, options: V86AttachOptions) {
    this.#emulator = emulator;
    this.#cpu = cpu;
    const { pci } = cpu.devices;
    const space = options.space ?? "io";
    const pciId = chooseSlot(cpu, options.slot) << 3;
    this.pciId = pciId;
    const address =
      space === "io" ? choosePorts(cpu, options.address, PORT_UNIT) : chooseAddress(cpu, options.address);
    this.address = address;
    this.#machine = Machine.of(cpu);
    const decoding = space === "io" ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY;
    const transport = new PciTransport(device, {
      ...options.pci,
      layout: {
        kind: space,
        bar: 0,
        address,
        ...(space === "memory" ? { sizeBytes: MMAP_BLOCK_BYTES } : {}),
      },
      msix: false,
      command: decoding | PCI_COMMAND_MASTER,
      onInterrupt: (asserted) => {
        options.onInterrupt?.(asserted);
        showInterrupt(cpu, pciId, asserted);
        if (asserted) pci.raise_irq(pciId);
        else pci.lower_irq(pciId);
      },
    });
    this.transport = transport;
    const bar = transport.bars[0] as PciBar;
    if (space === "io" && bar.sizeBytes > PORT_UNIT) choosePorts(cpu, address, Number(bar.sizeBytes));
    const presented = options.present?.(transport);
    const access = options.interpose?.(presented ?? transport) ?? presented ?? transport;
    const owner = { name: options.name ?? `virtio-${device.type.name}` };
    const before = () => this.#beforeAccess();
    const notified = (offset: number) => this.#notified(offset);
    const place = { address, sizeBytes: Number(bar.sizeBytes) };
    if (space === "io") registerPorts(cpu, owner, { transport, access, before, notified }, place);
    else registerMemory(cpu, this.#machine.lines, { transport, access, before, notified }, place);
    this.configSpace = presented === undefined ? transport.configImage() : configImageOf(presented);
    pci.register_device({
      pci_id: pciId,
      name: owner.name,
      pci_space: [...this.configSpace],
      pci_bars: [{ size: Number(bar.sizeBytes) }],
    });
    this.#machine.add(this);
  }

  machineReset(): void {
    this.transport.reset();
    this.#command = -1;
    this.#leftBehind = false;
    const space = this.#cpu.devices.pci.device_spaces[this.pciId];
    if (space === undefined) return;
    // v86's firmware leads the ports to another place itself, starting from where they are.
    const registered = new Int32Array(this.configSpace.slice().buffer);
    for (let word = 0; word < registered.length; word++) {
      if (word < FIRST_BAR_WORD || word > LAST_BAR_WORD) space[word] = registered[word] as number;
    }
  }

  machineRestored(): void {
    this.#command = -1;
    this.#leftBehind = true;
  }

  async save(options: { readonly timeoutMs?: number } = {}): Promise<SavedV86Attachment> {
    const { timeoutMs = DEFAULT_SAVE_TIMEOUT_MS } = options;
    if ((this.#emulator as { is_running?: () => boolean }).is_running?.() === true) {
      throw new VirtioUsageError("v86 is running: `await emulator.stop()` before saving");
    }
    const { device } = this.transport;
    for (let waitedMs = 0; device.chainsInFlight > 0; waitedMs += SAVE_POLL_MS) {
      if (waitedMs >= timeoutMs) {
        throw new VirtioUsageError(
          `${device.chainsInFlight} requests are not answered after ${timeoutMs} ms: a back end of ${device.type.name} is at work or stuck`,
        );
      }
      await new Promise((resolve) => setTimeout(resolve, SAVE_POLL_MS));
    }
    this.#beforeAccess();
    return {
      adapter: "v86",
      version: V86_STATE_VERSION,
      pciId: this.pciId,
      transport: this.transport.save(),
      heldLines: this.#machine.lines.saveOthers(this.pciId),
    };
  }

  restore(state: SavedV86Attachment): void {
    checkSavedV86(state, this.pciId);
    this.#machine.lines.restoreOthers(state.heldLines);
    this.transport.restore(state.transport);
    this.#command = -1;
    this.#leftBehind = false;
  }

  /** The guest's Command register lives in v86's memory: brought over before each access. */
  #beforeAccess(): void {
    const value = (this.#cpu.devices.pci.device_spaces[this.pciId]?.[COMMAND_WORD] ?? 0) & 0xffff;
    if (value === this.#command) return;
    this.#command = value;
    this.transport.configWrite(PCI_COMMAND, 2, value);
  }

  /** The guest rings at an offset of the notification window. */
  #notified(offset: number): void {
    if (!this.#leftBehind) return;
    const { device } = this.transport;
    this.#leftBehind = false;
    if (device.status === 0) device.ignored("notified-in-reset-after-restore-state", offset);
  }
}

function configImageOf(registers: V86Registers): Uint8Array {
  return Uint8Array.from({ length: PCI_CFG_SPACE_SIZE }, (_, offset) => registers.configRead(offset, 1));
}

/** Interrupt Status in the Status register, where a guest that shares the line may look. */
function showInterrupt(cpu: V86Cpu, pciId: number, asserted: boolean): void {
  const space = cpu.devices.pci.device_spaces[pciId];
  if (space === undefined) return;
  const bit = PCI_STATUS_INTERRUPT << 16;
  const word = space[COMMAND_WORD] ?? 0;
  space[COMMAND_WORD] = asserted ? word | bit : word & ~bit;
}
