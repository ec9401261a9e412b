import { VirtioUsageError } from "../../base/errors.ts";
import type { CompleteDeviceType } from "../../device/complete-type.ts";
import type { SharedMemoryRegion } from "../../device/device-type.ts";
import { PCI_MSIX_ENTRY_SIZE, PCI_STD_NUM_BARS, VIRTIO_PCI_COMMON_CFG } from "../../wire/pci.ts";
import type { PciBarPlan, PciStructure, PciWindow } from "./bar.ts";
import { pendingWords } from "./msix.ts";
import type { PciLayout, PciMsixOptions, PciStructurePlace } from "./options.ts";
import { SharedMemoryWindow } from "./shared-memory.ts";
import { legacyBytes } from "./transitional.ts";

/** A structure's place: which BAR, and where in it. */
export interface Place {
  readonly bar: number;
  readonly window: PciWindow;
}

/** Where the structures of a function lie. */
export interface PciPlan {
  readonly bars: readonly PciBarPlan[];
  readonly common: Place;
  readonly isr: Place;
  /** Null when the device type has no configuration space. */
  readonly device: Place | null;
  /** In the order of preference. */
  readonly notify: readonly Place[];
  readonly notifyOffMultiplier: number;
  readonly msix: { readonly vectors: number; readonly table: Place; readonly pending: Place } | null;
  readonly sharedMemory: readonly Place[];
}

/** What the plan depends on. */
export interface PlanInput {
  readonly type: CompleteDeviceType;
  /** Whether VIRTIO_F_NOTIFICATION_DATA is offered: notifications may then have 32 bits. */
  readonly notificationData: boolean;
  readonly layout: PciLayout;
  readonly msix: PciMsixOptions | null;
  readonly notifyOffMultiplier: number | undefined;
  readonly transitional: boolean;
}

/** Most vectors an MSI-X table can have. */
export const MAX_MSIX_VECTORS = 0x800;

// PCI allows a function no more per I/O BAR, and recommends that memory BARs take up whole pages.
const MAX_IO_BAR_BYTES = 256;
const MIN_MEMORY_BAR_BYTES = 4096;
const PAGE_BYTES = 4096;
const MAX_32BIT_BAR_BYTES = 0x80000000;
// Table and pending bits of MSI-X start on boundaries of this, apart from each other and from registers.
const MSIX_ALIGNMENT = 2048;

// What a typed array can span in every engine.
const MAX_SHARED_MEMORY_BYTES = 2 ** 32;

const ISR_BYTES = 1;

function isPowerOfTwo(value: number): boolean {
  return Number.isSafeInteger(value) && value > 0 && 2 ** Math.round(Math.log2(value)) === value;
}

function ceilPowerOfTwo(value: number): number {
  let size = 1;
  while (size < value) size *= 2;
  return size;
}

function alignUp(value: number, alignment: number): number {
  return Math.ceil(value / alignment) * alignment;
}

function checkPlace({ structure, offset, lengthBytes }: PciWindow, needed: number, alignment: number): void {
  if (!Number.isSafeInteger(offset) || offset < 0 || offset % alignment !== 0) {
    throw new VirtioUsageError(`${structure}: offset ${offset} is not a multiple of ${alignment}`);
  }
  if (!Number.isSafeInteger(lengthBytes) || lengthBytes < needed) {
    throw new VirtioUsageError(`${structure}: ${lengthBytes} bytes are fewer than the ${needed} it has`);
  }
}

/** A BAR while structures are being put into it. */
class BarBuilder {
  readonly index: number;
  readonly kind: "memory" | "io";
  readonly is64Bit: boolean;
  readonly prefetchable: boolean;
  readonly windows: PciWindow[] = [];
  sizeBytes: number | undefined;
  address: bigint | number = 0;
  end = 0;

  constructor(index: number, kind: "memory" | "io", is64Bit: boolean, prefetchable: boolean) {
    this.index = index;
    this.kind = kind;
    this.is64Bit = is64Bit;
    this.prefetchable = prefetchable;
  }

  place(
    structure: PciStructure,
    lengthBytes: number,
    alignment: number,
    memory: SharedMemoryWindow | null = null,
    at: PciStructurePlace | undefined = undefined,
  ): Place {
    const offset = at?.offset ?? alignUp(this.end, alignment);
    const window = { structure, offset, lengthBytes: at?.lengthBytes ?? lengthBytes, memory };
    checkPlace(window, lengthBytes, alignment);
    const overlapping = this.windows.find(
      (other) => offset < other.offset + other.lengthBytes && other.offset < offset + window.lengthBytes,
    );
    if (overlapping !== undefined) {
      throw new VirtioUsageError(
        `${structure} at offset ${offset} overlaps ${overlapping.structure}; move one of them`,
      );
    }
    this.end = Math.max(this.end, offset + window.lengthBytes);
    this.windows.push(window);
    return { bar: this.index, window };
  }

  plan(): PciBarPlan {
    const { index, kind, is64Bit, prefetchable, address } = this;
    const least = kind === "io" ? 4 : MIN_MEMORY_BAR_BYTES;
    const sizeBytes = this.sizeBytes ?? ceilPowerOfTwo(Math.max(this.end, least));
    const most = kind === "io" ? MAX_IO_BAR_BYTES : is64Bit ? 2 ** 52 : MAX_32BIT_BAR_BYTES;
    if (
      !isPowerOfTwo(sizeBytes) ||
      sizeBytes < Math.max(this.end, kind === "io" ? 4 : 16) ||
      sizeBytes > most
    ) {
      throw new VirtioUsageError(
        `BAR ${index}: ${sizeBytes} bytes is not a power of two from ${this.end} to ${most}; ${kind === "io" ? "use a smaller notifyOffMultiplier or a memory BAR" : "choose another sizeBytes"}`,
      );
    }
    const top = is64Bit ? 1n << 64n : 1n << 32n;
    if (
      (typeof address === "number" && !Number.isSafeInteger(address)) ||
      BigInt(address) < 0n ||
      BigInt(address) % BigInt(sizeBytes) !== 0n ||
      BigInt(address) >= top
    ) {
      throw new VirtioUsageError(
        `BAR ${index}: address ${address} is not a multiple of its ${sizeBytes} bytes`,
      );
    }
    return { index, kind, is64Bit, prefetchable, sizeBytes, address, windows: this.windows };
  }
}

/** The six registers and what each is used for. */
class BarSet {
  readonly builders: BarBuilder[] = [];
  readonly #taken: boolean[] = new Array<boolean>(PCI_STD_NUM_BARS).fill(false);

  take(index: number, kind: "memory" | "io", is64Bit = false, prefetchable = false): BarBuilder {
    for (const slot of is64Bit ? [index, index + 1] : [index]) {
      if (this.#taken[slot] !== false) {
        throw new VirtioUsageError(`BAR ${slot} does not exist or is in use; choose another`);
      }
      this.#taken[slot] = true;
    }
    const builder = new BarBuilder(index, kind, is64Bit, prefetchable);
    this.builders.push(builder);
    return builder;
  }

  /** The first free register, or the first of two. */
  free(is64Bit: boolean, what: string): number {
    for (let i = 0; i < PCI_STD_NUM_BARS; i++) {
      if (this.#taken[i] === false && (!is64Bit || this.#taken[i + 1] === false)) return i;
    }
    throw new VirtioUsageError(`no BAR is left for ${what}`);
  }
}

/** Decides where everything lies; throws {@link VirtioUsageError} when it can't be as asked. */
export function planLayout(input: PlanInput): PciPlan {
  const { type, layout } = input;
  const bars = new BarSet();
  const kind = layout.kind ?? "memory";
  const is64Bit = layout.is64Bit ?? false;
  if (kind === "io" && is64Bit) throw new VirtioUsageError("an I/O BAR has no 64-bit address");
  // Never prefetchable: reading the ISR register changes it.
  const legacy = input.transitional ? bars.take(0, "io") : null;
  const registers = bars.take(layout.bar ?? (input.transitional ? 1 : 0), kind, is64Bit);
  registers.sizeBytes = layout.sizeBytes;
  registers.address = layout.address ?? 0;

  // [transport-pci.legacy.legacy-interfaces-a-note-on-pci-device-layout.1] [transport-pci.legacy.legacy-interface-a-note-on-device-layout-detecti.1]
  if (legacy !== null) {
    legacy.address = layout.legacyAddress ?? 0;
    legacy.place("legacy", legacyBytes(type), 4);
  } else if (layout.legacyAddress !== undefined) {
    throw new VirtioUsageError("legacyAddress is for transitional devices");
  }

  // [transport-pci.device.common-configuration-structure-layout.1]
  const { structures = {} } = layout;
  const common = registers.place("common", VIRTIO_PCI_COMMON_CFG.sizeBytes, 4, null, structures.common);
  const isr = registers.place("isr", ISR_BYTES, 4, null, structures.isr);
  // [transport-pci.device.device-specific-configuration.1] [transport-pci.prose.device-specific-configuration.1]
  const device =
    type.configLengthBytes === 0
      ? null
      : registers.place("device", type.configLengthBytes, 16, null, structures.device);

  const elementBytes = input.notificationData ? 4 : 2;
  const notifyBytes = (step: number): number => Math.max(type.queues.length - 1, 0) * step + elementBytes;
  // [transport-pci.device.notification-capability.2] [transport-pci.device.notification-capability.7]
  const alignment = (step: number): number => Math.min(Math.max(step, 4), PAGE_BYTES);
  const fits = (step: number): boolean => {
    const end = (structures.notify?.offset ?? alignUp(registers.end, alignment(step))) + notifyBytes(step);
    const ioFits = layout.ioNotifyBar === undefined || notifyBytes(step) <= MAX_IO_BAR_BYTES;
    return ioFits && end <= (registers.sizeBytes ?? (kind === "io" ? MAX_IO_BAR_BYTES : MAX_32BIT_BAR_BYTES));
  };
  const step = chooseMultiplier(input.notifyOffMultiplier, elementBytes, fits);
  const notify: Place[] = [];
  if (layout.ioNotifyBar !== undefined) {
    notify.push(bars.take(layout.ioNotifyBar, "io").place("notify", notifyBytes(step), alignment(step)));
  }
  notify.push(registers.place("notify", notifyBytes(step), alignment(step), null, structures.notify));

  const msix = input.msix === null ? null : planMsix(input.msix, type.queues.length, bars, registers);
  return {
    common,
    isr,
    device,
    notify,
    notifyOffMultiplier: step,
    msix,
    sharedMemory: type.sharedMemory.map((region) => planSharedMemory(region, bars, type.sharedMemory)),
    bars: bars.builders.map((builder) => builder.plan()),
  };
}

/** Checks the embedder's choice, or makes one: as wide as fits. */
function chooseMultiplier(
  asked: number | undefined,
  elementBytes: number,
  fits: (step: number) => boolean,
): number {
  if (asked === undefined) return [4, 2].find((step) => step >= elementBytes && fits(step)) ?? 0;
  // [transport-pci.device.notification-capability.3] [transport-pci.device.notification-capability.6]
  if (asked !== 0 && (!isPowerOfTwo(asked) || asked < elementBytes || asked > 0x80000000)) {
    throw new VirtioUsageError(
      `notifyOffMultiplier ${asked} is neither 0 nor a power of two from ${elementBytes} on`,
    );
  }
  return asked;
}

function planMsix(
  options: PciMsixOptions,
  queues: number,
  bars: BarSet,
  registers: BarBuilder,
): PciPlan["msix"] {
  // One for each source of events. [transport-pci.device.msi-x-vector-configuration.1] [transport-pci.device.msi-x-vector-configuration.3]
  const vectors = options.vectors ?? Math.min(Math.max(queues + 1, 2), MAX_MSIX_VECTORS);
  if (!Number.isInteger(vectors) || vectors < 1 || vectors > MAX_MSIX_VECTORS) {
    throw new VirtioUsageError(`${vectors} MSI-X vectors are not in 1 … ${MAX_MSIX_VECTORS}`);
  }
  const shares = options.bar === registers.index;
  if (shares && registers.kind === "io") throw new VirtioUsageError("an MSI-X table needs a memory BAR");
  const bar = shares ? registers : bars.take(options.bar ?? bars.free(false, "MSI-X"), "memory");
  return {
    vectors,
    table: bar.place("msix-table", vectors * PCI_MSIX_ENTRY_SIZE, MSIX_ALIGNMENT),
    pending: bar.place("msix-pba", 4 * pendingWords(vectors), MSIX_ALIGNMENT),
  };
}

/** Each region has a BAR of its own, so that embedders can map its buffer there as it is. */
function planSharedMemory(
  region: SharedMemoryRegion,
  bars: BarSet,
  all: readonly SharedMemoryRegion[],
): Place {
  const { id, lengthBytes, buffer } = region;
  if (
    !Number.isInteger(id) ||
    id < 0 ||
    id > 255 ||
    all.some((other) => other !== region && other.id === id)
  ) {
    // [transport-pci.device.shared-memory-capability.2]
    throw new VirtioUsageError(`shared memory id ${id} is not in 0 … 255, or not unique`);
  }
  const most = Math.min(buffer.byteLength, MAX_SHARED_MEMORY_BYTES);
  if (!Number.isInteger(lengthBytes) || lengthBytes < 1 || lengthBytes > most) {
    throw new VirtioUsageError(
      `shared memory region ${id}: ${lengthBytes} bytes are not in 1 … ${most}, what its buffer and this library can hold`,
    );
  }
  const bar = bars.take(bars.free(true, `shared memory region ${id}`), "memory", true, true);
  // [transport-pci.device.shared-memory-capability.1]
  return bar.place("shared-memory", lengthBytes, 1, new SharedMemoryWindow(region));
}
