import { VirtioUsageError } from "../../base/errors.ts";
import { checkArgument, checkOptions, withDefaults } from "../../base/options.ts";
import { hi32, lo32 } from "../../base/u64.ts";
import { VIRTIO_DEVICE_RULE } from "../../device/device-options.ts";
import { inside, misfit } from "../../device/state/schema.ts";
import type { VirtioDevice } from "../../device/virtio-device.ts";
import {
  VIRTIO_F_ADMIN_VQ,
  VIRTIO_F_NOTIF_CONFIG_DATA,
  VIRTIO_F_NOTIFICATION_DATA,
  VIRTIO_F_SR_IOV,
} from "../../wire/common.ts";
import {
  PCI_BASE_ADDRESS_0,
  PCI_BASE_ADDRESS_5,
  PCI_COMMAND,
  PCI_COMMAND_IO,
  PCI_COMMAND_MEMORY,
  PCI_STATUS,
  PCI_STATUS_INTERRUPT,
  PCI_STD_NUM_BARS,
  VIRTIO_PCI_CAP,
  VIRTIO_PCI_CFG_CAP,
} from "../../wire/pci.ts";
import type { PciBar, PciWindow } from "./bar.ts";
import { CommonConfig, commonRegisterWidth } from "./common-config.ts";
import { buildFunction, type PciFunction } from "./function.ts";
import { PciInterrupts } from "./interrupts.ts";
import { planLayout } from "./layout.ts";
import { LegacyConfig } from "./legacy.ts";
import { MsixTable } from "./msix.ts";
import { PCI_TRANSPORT_RULES, type PciMsixOptions, type PciTransportOptions } from "./options.ts";
import { PCI_POLICIES, type PciPolicy, QEMU_LAYOUT } from "./policy.ts";
import { PCI_STATE_VERSION, readSavedPci, type SavedPciTransport } from "./saved-state.ts";

// Neither is implemented by the framework.
const UNSUPPORTED_FEATURES = [VIRTIO_F_SR_IOV, VIRTIO_F_ADMIN_VQ];

const BARS_END = PCI_BASE_ADDRESS_5 + 4;

function overlaps(offset: number, widthBytes: number, from: number, to: number): boolean {
  return offset < to && offset + widthBytes > from;
}

const TWO_64 = 2 ** 64;

/** What is beyond 64 bits must not be taken for the address it would be modulo 2^64. */
function isAddress(address: bigint | number): boolean {
  return address >= 0 && address < TWO_64;
}

function isWidth(widthBytes: number): boolean {
  return widthBytes === 1 || widthBytes === 2 || widthBytes === 4;
}

function truncate(value: number, widthBytes: number): number {
  return widthBytes === 4 ? value >>> 0 : value & (widthBytes === 2 ? 0xffff : 0xff);
}

/**
 * Virtio over PCI (virtio 1.4, section 4.1): one PCI function with its configuration space, BARs, INTx and MSI-X,
 * non-transitional unless the option `transitional` adds the legacy interface. The embedder passes on configuration accesses, and memory and I/O accesses either decoded
 * (`barRead`, `barWrite`) or by address (`access`).
 *
 * Accesses the specification does not allow (another width or alignment, writes of read-only registers, offsets
 * without a register) read as 0, have no effect, and are counted and traced by the device. Configuration accesses
 * that can't reach a function at all read as ones.
 *
 * Bus Master Enable holds back MSI-X messages; whether the device may reach guest memory without it is not checked,
 * because embedders without hooks on configuration space could never grant it.
 *
 * @example
 * ```ts
 * const device = new VirtioDevice(type, { memory });
 * const transport = new PciTransport(device, { onInterrupt: (asserted) => bus.setLine(9, asserted) });
 * transport.configRead(0x00, 4); // 0x1040 + device id in the upper half, 0x1af4 in the lower
 * ```
 */
export class PciTransport {
  readonly device: VirtioDevice;
  /** The implemented BARs in ascending order of their registers. */
  readonly bars: readonly PciBar[];
  /** Length of configuration space in bytes: 256, or 4096 with `express`. */
  readonly configSizeBytes: number;

  readonly #options: PciTransportOptions;
  readonly #function: PciFunction;
  readonly #barAt: readonly (PciBar | null)[];
  readonly #msix: MsixTable | null;
  readonly #common: CommonConfig;
  readonly #interrupts: PciInterrupts;
  readonly #legacy: LegacyConfig;
  readonly #notifyOffMultiplier: number;
  /** Queue by what identifies it with VIRTIO_F_NOTIF_CONFIG_DATA. */
  readonly #queueByData: ReadonlyMap<number, number>;
  readonly #policy: PciPolicy;

  /** During the reset that begins a restore: what the driver sees goes from what it was to what was saved. */
  #restoring = false;

  /** Throws {@link VirtioUsageError} when the device has a transport already, or the options don't fit it. */
  constructor(device: VirtioDevice, options: PciTransportOptions = {}) {
    checkOptions("PciTransport", options, PCI_TRANSPORT_RULES);
    checkArgument("PciTransport", "device", device, VIRTIO_DEVICE_RULE);
    this.device = device;
    this.#options = options;
    const policy = PCI_POLICIES[device.profile];
    this.#policy = policy;
    const layout = options.layout === "qemu" ? QEMU_LAYOUT : options.layout;
    const msixDefaults = layout === undefined && policy.msixBar !== null ? { bar: policy.msixBar } : {};
    const plan = planLayout({
      type: device.type,
      notificationData: device.offeredFeatures.includes(VIRTIO_F_NOTIFICATION_DATA),
      layout: layout ?? policy.layout,
      msix: options.msix === false ? null : withDefaults<PciMsixOptions>(msixDefaults, options.msix),
      notifyOffMultiplier: options.notifyOffMultiplier,
      transitional: options.transitional ?? false,
    });
    this.#function = buildFunction(device, plan, options, policy);
    this.bars = [...this.#function.bars].sort((a, b) => a.index - b.index);
    this.#barAt = Array.from(
      { length: PCI_STD_NUM_BARS },
      (_, index) => this.bars.find((bar) => bar.index === index) ?? null,
    );
    this.configSizeBytes = this.#function.space.sizeBytes;
    this.#msix = plan.msix === null ? null : new MsixTable(plan.msix.vectors, options.onMsix ?? null);
    const data = notifConfigData(device.queueCount, options.notifConfigData);
    this.#queueByData = new Map(data.map((value, index) => [value, index]));
    this.#common = new CommonConfig(device, this.#msix, data, policy);
    this.#interrupts = new PciInterrupts(
      this.#function,
      this.#msix,
      this.#common,
      options.onInterrupt ?? null,
      policy,
    );
    this.#legacy = new LegacyConfig(device, this.#common, this.#interrupts);
    this.#notifyOffMultiplier = plan.notifyOffMultiplier;
    this.#updateDecoding(false);
    device.connect(
      {
        featuresAtOnce: policy.features === "at-once",
        queueInterrupt: (index) => this.#interrupts.queueEvent(index),
        configInterrupt: () => this.#interrupts.configEvent(),
        deviceReset: () => this.#deviceReset(),
      },
      UNSUPPORTED_FEATURES,
      options.transitional,
    );
  }

  /** Level of the INTx line. */
  get interruptAsserted(): boolean {
    return this.#interrupts.asserted;
  }

  /** The BAR of a register, null when there is none or it is the upper half of a 64-bit address. */
  bar(index: number): PciBar | null {
    return this.#barAt[index] ?? null;
  }

  /** A copy of the first 256 bytes of configuration space, for embedders that keep it themselves. */
  configImage(): Uint8Array<ArrayBuffer> {
    return this.#function.space.image();
  }

  /** The bus or the machine is reset: everything is as after construction, BARs and Command register included. */
  reset(): void {
    this.#function.space.reset();
    this.#msix?.reset();
    this.device.reset();
    this.#updateDecoding(true);
  }

  // Configuration space

  /**
   * Reads 1, 2 or 4 bytes of configuration space, within one aligned 32-bit word. Unsigned; all ones when the access
   * can't reach the function.
   */
  configRead(offset: number, widthBytes: number): number {
    if (!this.#reachesConfig(offset, widthBytes)) {
      this.device.ignored("pci-config-read", offset);
      return truncate(0xffffffff, widthBytes);
    }
    const data = this.#function.accessCapability + VIRTIO_PCI_CFG_CAP.pci_cfg_data;
    if (overlaps(offset, widthBytes, data, data + 4)) this.#accessWindow(false);
    return this.#function.space.get(offset, widthBytes);
  }

  /** Writes 1, 2 or 4 bytes of configuration space, within one aligned 32-bit word. */
  configWrite(offset: number, widthBytes: number, value: number): void {
    if (!this.#reachesConfig(offset, widthBytes)) {
      this.device.ignored("pci-config-write", offset);
      return;
    }
    const { space, express, msixControl, accessCapability } = this.#function;
    if (express === null) {
      space.write(offset, widthBytes, value);
    } else if (express.write(offset, widthBytes, value)) {
      this.reset();
      return;
    }
    const data = accessCapability + VIRTIO_PCI_CFG_CAP.pci_cfg_data;
    if (overlaps(offset, widthBytes, data, data + 4)) {
      this.#accessWindow(true);
    } else if (
      express !== null ||
      overlaps(offset, widthBytes, PCI_COMMAND, PCI_COMMAND + 2) ||
      overlaps(offset, widthBytes, PCI_BASE_ADDRESS_0, BARS_END) ||
      overlaps(offset, widthBytes, msixControl, msixControl + 2)
    ) {
      this.#updateDecoding(true);
    }
  }

  #reachesConfig(offset: number, widthBytes: number): boolean {
    return (
      Number.isInteger(offset) &&
      offset >= 0 &&
      isWidth(widthBytes) &&
      (offset & 3) + widthBytes <= 4 &&
      offset < this.configSizeBytes
    );
  }

  /** Derives what the Command register, the BARs, Message Control and the power state decide. */
  #updateDecoding(announce: boolean): void {
    const changed = this.#updateBars();
    // From here on callbacks may write registers: nothing read before may be used.
    this.#interrupts.update();
    if (announce) for (const bar of changed) this.#options.onBarChange?.(bar);
  }

  /** Notifies nobody; returns the BARs that changed. */
  #updateBars(): readonly PciBar[] {
    const { space, bars, express } = this.#function;
    const command = space.get(PCI_COMMAND, 2);
    const powered = express?.powered ?? true;
    return bars.filter((bar) =>
      bar.update(
        space,
        powered && (command & (bar.kind === "io" ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY)) !== 0,
      ),
    );
  }

  /**
   * The window that the PCI configuration access capability opens: real accesses, whatever Command says.
   * [transport-pci.device.pci-configuration-access-capability.2] [transport-pci.device.pci-configuration-access-capability.3]
   */
  #accessWindow(write: boolean): void {
    const { space, accessCapability } = this.#function;
    const bar = space.get(accessCapability + VIRTIO_PCI_CAP.bar, 1);
    const offset = space.get(accessCapability + VIRTIO_PCI_CAP.offset, 4);
    const lengthBytes = space.get(accessCapability + VIRTIO_PCI_CAP.length, 4);
    const data = accessCapability + VIRTIO_PCI_CFG_CAP.pci_cfg_data;
    if (!isWidth(lengthBytes) || offset % lengthBytes !== 0) {
      this.device.ignored("pci-access-length", lengthBytes);
    } else if (write) {
      this.barWrite(bar, offset, lengthBytes, space.get(data, lengthBytes));
    } else {
      space.set(data, lengthBytes, this.barRead(bar, offset, lengthBytes));
    }
  }

  // Memory and I/O accesses

  /**
   * Finds who answers at an address of the memory or I/O space, as Command register and BARs say now: the BAR and
   * the offset in it, or null.
   */
  decode(space: "memory" | "io", address: bigint | number): { bar: PciBar; offset: number } | null {
    if (!isAddress(address)) return null;
    const hi = hi32(address);
    const lo = lo32(address);
    for (const bar of this.bars) {
      if (bar.kind !== space) continue;
      const offset = bar.offsetOf(hi, lo);
      if (offset >= 0) return { bar, offset };
    }
    return null;
  }

  /**
   * An access by address: a read without `value`, a write with it. Returns what was read or written, or null when no
   * BAR answers at the address, so that the access is somebody else's.
   */
  access(
    space: "memory" | "io",
    address: bigint | number,
    widthBytes: number,
    value?: number,
  ): number | null {
    if (!isAddress(address)) return null;
    const hi = hi32(address);
    const lo = lo32(address);
    for (let i = 0; i < this.bars.length; i++) {
      const bar = this.bars[i] as PciBar;
      if (bar.kind !== space) continue;
      const offset = bar.offsetOf(hi, lo);
      if (offset < 0) continue;
      if (value === undefined) return this.barRead(bar.index, offset, widthBytes);
      this.barWrite(bar.index, offset, widthBytes, value);
      return truncate(value, widthBytes);
    }
    return null;
  }

  /** Reads 1, 2 or 4 bytes at `offset` of a BAR, whether or not it takes part in decoding. Unsigned. */
  barRead(bar: number, offset: number, widthBytes: number): number {
    const window = this.#find(bar, offset, widthBytes);
    if (window === null) {
      this.device.ignored("pci-bar-read", offset);
      return 0;
    }
    return this.#readWindow(window, offset - window.offset, widthBytes);
  }

  /** Writes 1, 2 or 4 bytes at `offset` of a BAR, whether or not it takes part in decoding. */
  barWrite(bar: number, offset: number, widthBytes: number, value: number): void {
    const window = this.#find(bar, offset, widthBytes);
    if (window === null) {
      this.device.ignored("pci-bar-write", offset);
      return;
    }
    this.#writeWindow(window, offset - window.offset, widthBytes, truncate(value, widthBytes));
  }

  /**
   * Width in bytes of the register at `offset` of a BAR; 0 where any width will do or nothing is there. For buses
   * that cut accesses into bytes.
   */
  registerWidth(bar: number, offset: number): 0 | 1 | 2 | 4 {
    const window = this.#find(bar, offset, 1);
    switch (window?.structure) {
      case "common":
        return commonRegisterWidth(offset - window.offset) as 1 | 2 | 4;
      case "notify":
        return this.device.hasFeature(VIRTIO_F_NOTIFICATION_DATA) ? 4 : 2;
      case "legacy":
        return this.#legacy.registerWidth(offset - window.offset) as 0 | 1 | 2 | 4;
      case "isr":
        return 1;
      case "msix-table":
      case "msix-pba":
        return 4;
      case "device":
      case "shared-memory":
      case undefined:
        return 0;
    }
  }

  /** The window that holds all of the access, or null. */
  #find(bar: number, offset: number, widthBytes: number): PciWindow | null {
    const windows = this.#barAt[bar]?.windows;
    if (windows === undefined || !isWidth(widthBytes)) return null;
    for (let i = 0; i < windows.length; i++) {
      const window = windows[i] as PciWindow;
      const at = offset - window.offset;
      if (at >= 0 && at + widthBytes <= window.lengthBytes) return window;
    }
    return null;
  }

  #readWindow(window: PciWindow, at: number, widthBytes: number): number {
    switch (window.structure) {
      case "common":
        return this.#common.read(at, widthBytes);
      case "legacy":
        return this.#legacy.read(at, widthBytes);
      case "isr":
        return this.#interrupts.readIsr();
      case "device":
        return this.#readConfig(at, widthBytes);
      case "shared-memory":
        return window.memory?.read(at, widthBytes) ?? 0;
      case "msix-table":
      case "msix-pba":
        if (this.#msix !== null && widthBytes === 4 && at % 4 === 0) {
          return window.structure === "msix-table" ? this.#msix.readTable(at) : this.#msix.readPending(at);
        }
        this.device.ignored("pci-msix-read-width", at);
        return 0;
      case "notify":
        this.device.ignored("pci-notify-read", at);
        return 0;
    }
  }

  #readConfig(at: number, widthBytes: number): number {
    if (at + widthBytes <= this.device.type.configLengthBytes || this.#policy.behindConfig === "zeros")
      return this.device.readConfig(at, widthBytes);
    this.device.ignored("pci-config-beyond", at);
    return truncate(0xffffffff, widthBytes);
  }

  #writeWindow(window: PciWindow, at: number, widthBytes: number, value: number): void {
    switch (window.structure) {
      case "notify":
        this.#notify(at, widthBytes, value);
        return;
      case "common":
        this.#common.write(at, widthBytes, value);
        return;
      case "legacy":
        this.#legacy.write(at, widthBytes, value);
        return;
      case "isr":
        this.device.ignored("pci-isr-write", value);
        return;
      case "device":
        this.device.writeConfig(at, widthBytes, value);
        return;
      case "shared-memory":
        window.memory?.write(at, widthBytes, value);
        return;
      case "msix-table":
        if (widthBytes === 4 && at % 4 === 0) this.#msix?.writeTable(at, value);
        else this.device.ignored("pci-msix-write-width", at);
        return;
      case "msix-pba":
        this.device.ignored("pci-msix-pending-write", at);
    }
  }

  /**
   * Without VIRTIO_F_NOTIFICATION_DATA 16 bits that identify the queue, else 32 bits of which the lower half does;
   * the upper half, a hint, is not needed.
   */
  #notify(at: number, widthBytes: number, value: number): void {
    const device = this.device;
    const step = this.#notifyOffMultiplier;
    const byAddress = this.#policy.notify === "address";
    if (byAddress && step !== 0) {
      device.notify(Math.floor(at / step));
      return;
    }
    if (!byAddress && widthBytes !== (device.hasFeature(VIRTIO_F_NOTIFICATION_DATA) ? 4 : 2)) {
      device.ignored("pci-notify-width", widthBytes);
      return;
    }
    let index = value & 0xffff;
    if (device.hasFeature(VIRTIO_F_NOTIF_CONFIG_DATA)) index = this.#queueByData.get(index) ?? 0x10000;
    // What stands for no queue at all is told apart by the device.
    if (index < device.queueCount && at !== index * step) {
      device.ignored("pci-notify-at-another-queue", index);
      return;
    }
    device.notify(index);
  }

  // Reset, save, restore

  #deviceReset(): void {
    if (this.#restoring) return;
    this.#common.reset();
    // What was on hold is from before the reset. [content.device.device-reset.2]
    this.#msix?.clearAllPending();
    this.#interrupts.setIsr(0);
  }

  #saveRegisters(): Pick<SavedPciTransport, "common" | "configSpace" | "isr" | "msix"> {
    return {
      configSpace: [...this.configImage()],
      common: this.#common.save(),
      isr: this.#interrupts.isr,
      msix: this.#msix === null ? null : { table: this.#msix.saveTable(), pending: this.#msix.savePending() },
    };
  }

  /** Device and registers as one plain object. Throws {@link VirtioUsageError} while chains are in flight. */
  save(): SavedPciTransport {
    return {
      transport: "pci",
      version: PCI_STATE_VERSION,
      device: this.device.save(),
      ...this.#saveRegisters(),
    };
  }

  /**
   * Takes over a saved state, of this version or an older one, of a function with the same options; guest memory must be
   * restored already. Throws {@link VirtioUsageError}, which names what is wrong, when the state does not fit; then
   * everything stays as it was, unless a back end refused its part of a good state: then the function is reset. The
   * callbacks are called for what differs from before.
   */
  restore(state: SavedPciTransport): void {
    const saved = readSavedPci(state, this.device.queueCount, this.#msix?.vectorCount ?? 0);
    const { space } = this.#function;
    if (!space.matches(saved.configSpace, { offset: PCI_STATUS, mask: PCI_STATUS_INTERRUPT })) {
      misfit("configSpace", "is that of a function with other options");
    }
    const takeOver = inside("device", () => this.device.prepareRestore(saved.device));
    let changedBars: readonly PciBar[] = [];
    this.#restoring = true;
    try {
      takeOver({
        takeOver: () => {
          this.#restoring = false;
          this.#common.adopt(saved.common);
          space.adopt(saved.configSpace);
          if (saved.msix !== null) this.#msix?.adopt(saved.msix.table, saved.msix.pending);
          // Whether MSI-X is enabled comes before what is pending: the one decides what the other means.
          this.#interrupts.adopt(saved.isr);
          changedBars = this.#updateBars();
        },
        resume: () => {
          this.#interrupts.update();
          for (const bar of changedBars) this.#options.onBarChange?.(bar);
        },
      });
    } catch (error) {
      this.#restoring = false;
      this.reset();
      throw error;
    }
  }
}

/** What identifies each queue with VIRTIO_F_NOTIF_CONFIG_DATA. */
function notifConfigData(
  queueCount: number,
  choose: ((queueIndex: number) => number) | undefined,
): readonly number[] {
  const data = Array.from({ length: queueCount }, (_, index) => choose?.(index) ?? index);
  const bad = data.find(
    (value, i) => !Number.isInteger(value) || value < 0 || value > 0xffff || data.indexOf(value) !== i,
  );
  if (bad === undefined) return data;
  throw new VirtioUsageError(`notifConfigData: ${bad} is not in 0 … 0xffff, or stands for two queues`);
}
