import { VirtioUsageError } from "../../../base/errors.ts";
import {
  PCI_CAP_ID_EXP,
  PCI_CAP_ID_MSIX,
  PCI_CAP_ID_PM,
  PCI_CAP_ID_VNDR,
  PCI_CAP_LIST_NEXT,
  PCI_CAP_MSIX_SIZEOF,
  PCI_CAPABILITY_LIST,
  PCI_CFG_SPACE_SIZE,
  PCI_STD_HEADER_SIZEOF,
  VIRTIO_PCI_CAP,
  VIRTIO_PCI_CAP_PCI_CFG,
  VIRTIO_PCI_CFG_CAP,
} from "../../../wire/pci.ts";
import { type CheckedPci, readPciLayout } from "../pci-layout.ts";

type Width = 1 | 2 | 4;

/** A capability as the driver is to see it. */
export interface PresentedCapability {
  /** What it begins with; the link to the next is filled in. */
  readonly bytes: Uint8Array;
  /** Where the device has it; -1 when the device has it not. */
  readonly origin: number;
}

/** Somewhere in a BAR of the device. */
export interface BarPlace {
  readonly bar: number;
  readonly offset: number;
}

/** What is to look different. */
export interface Presentation {
  /** Bytes of the configuration space's header, by offset. */
  readonly header?: ReadonlyMap<number, number>;
  /** The capabilities, given those of the device. */
  readonly capabilities?: (own: readonly PresentedCapability[]) => readonly PresentedCapability[];
  /** Where an access to a BAR really goes; null for nowhere. */
  readonly translate?: (bar: number, offset: number) => BarPlace | null;
  /** What a read of the device's BAR gives, given where it really went. */
  readonly barRead?: (bar: number, offset: number, value: number) => number;
  /** Sees writes to the device's BAR, as they really go; the value to be written, null for no write. */
  readonly barWrite?: (bar: number, offset: number, value: number) => number | null;
}

/** Bytes of a capability without a length of its own that may be copied: those without side effects. */
const PLAIN_BYTES = new Map([
  [PCI_CAP_ID_PM, 8],
  [PCI_CAP_ID_EXP, 60],
  [PCI_CAP_ID_MSIX, PCI_CAP_MSIX_SIZEOF],
]);

function copyCapability(bus: CheckedPci, id: number, at: number): PresentedCapability {
  const length =
    id === PCI_CAP_ID_VNDR ? bus.configRead(at + VIRTIO_PCI_CAP.cap_len, 1) : PLAIN_BYTES.get(id);
  if (length === undefined) throw new VirtioUsageError(`capability 0x${id.toString(16)} is not known`);
  const bytes = new Uint8Array(length);
  const isWindow =
    id === PCI_CAP_ID_VNDR && bus.configRead(at + VIRTIO_PCI_CAP.cfg_type, 1) === VIRTIO_PCI_CAP_PCI_CFG;
  for (let i = 0; i < length; i++) {
    if (!isWindow || i < VIRTIO_PCI_CFG_CAP.pci_cfg_data) bytes[i] = bus.configRead(at + i, 1);
  }
  return { bytes, origin: at };
}

interface Placed extends PresentedCapability {
  readonly at: number;
  readonly isVendor: boolean;
  readonly isWindow: boolean;
}

/**
 * A PCI function that looks different from what it is: with other capabilities, elsewhere in configuration space, and
 * with structures elsewhere in BARs. Throws {@link VirtioUsageError} when the capabilities don't fit.
 */
export function presentFunction(bus: CheckedPci, changes: Presentation): CheckedPci {
  const own = readPciLayout(bus).capabilities.map(({ id, at }) => copyCapability(bus, id, at));
  const header = new Map(changes.header ?? []);
  const placed: Placed[] = [];
  let next = PCI_STD_HEADER_SIZEOF;
  for (const capability of changes.capabilities?.(own) ?? own) {
    const isVendor = capability.bytes[0] === PCI_CAP_ID_VNDR;
    const isWindow =
      isVendor &&
      capability.bytes[VIRTIO_PCI_CAP.cfg_type] === VIRTIO_PCI_CAP_PCI_CFG &&
      capability.origin >= 0;
    placed.push({ bytes: capability.bytes.slice(), origin: capability.origin, at: next, isVendor, isWindow });
    next += (capability.bytes.length + 3) & ~3;
  }
  if (next > PCI_CFG_SPACE_SIZE) throw new VirtioUsageError("the capabilities do not fit");
  for (const [i, { bytes }] of placed.entries()) bytes[PCI_CAP_LIST_NEXT] = placed[i + 1]?.at ?? 0;
  header.set(PCI_CAPABILITY_LIST, placed[0]?.at ?? 0);
  return new PresentedFunction(bus, header, placed, changes);
}

class PresentedFunction implements CheckedPci {
  readonly #bus: CheckedPci;
  readonly #header: ReadonlyMap<number, number>;
  readonly #placed: readonly Placed[];
  readonly #changes: Presentation;

  constructor(
    bus: CheckedPci,
    header: ReadonlyMap<number, number>,
    placed: readonly Placed[],
    changes: Presentation,
  ) {
    this.#bus = bus;
    this.#header = header;
    this.#placed = placed;
    this.#changes = changes;
  }

  #find(offset: number): Placed | undefined {
    return this.#placed.find(({ at, bytes }) => offset >= at && offset < at + bytes.length);
  }

  configRead(offset: number, widthBytes: Width): number {
    if (offset < PCI_STD_HEADER_SIZEOF) return this.#headerRead(offset, widthBytes);
    if (offset >= PCI_CFG_SPACE_SIZE) return this.#bus.configRead(offset, widthBytes);
    const found = this.#find(offset);
    if (found === undefined) return 0;
    const relative = offset - found.at;
    if (found.isWindow && relative >= VIRTIO_PCI_CFG_CAP.pci_cfg_data) {
      const { bar, at, width } = aim(found);
      return this.barRead(bar, at, width);
    }
    if (!found.isVendor && relative >= 2) {
      // Registers with a life of their own; what the stage changed of them stays changed.
      return this.#live(found, relative, widthBytes);
    }
    return little(widthBytes, (i) => found.bytes[relative + i] ?? 0);
  }

  #headerRead(offset: number, widthBytes: Width): number {
    const value = this.#bus.configRead(offset, widthBytes);
    return little(widthBytes, (i) => this.#header.get(offset + i) ?? (value >>> (8 * i)) & 0xff);
  }

  /** Message Control of MSI-X is the only such register of which a stage changes a part: its Table Size. */
  #live({ bytes, origin }: Placed, relative: number, widthBytes: Width): number {
    if (origin < 0) return little(widthBytes, (i) => bytes[relative + i] ?? 0);
    const value = this.#bus.configRead(origin + relative, widthBytes);
    if (bytes[0] !== PCI_CAP_ID_MSIX) return value;
    const size = (bytes[2] ?? 0) | (((bytes[3] ?? 0) & 7) << 8);
    return little(widthBytes, (i) => {
      const byte = (value >>> (8 * i)) & 0xff;
      if (relative + i === 2) return size & 0xff;
      return relative + i === 3 ? (byte & 0xf8) | (size >>> 8) : byte;
    });
  }

  configWrite(offset: number, widthBytes: Width, value: number): void {
    if (offset < PCI_STD_HEADER_SIZEOF || offset >= PCI_CFG_SPACE_SIZE) {
      this.#bus.configWrite(offset, widthBytes, value);
      return;
    }
    const found = this.#find(offset);
    if (found === undefined) return;
    const relative = offset - found.at;
    if (found.isWindow) {
      if (relative >= VIRTIO_PCI_CFG_CAP.pci_cfg_data) {
        const { bar, at, width } = aim(found);
        this.barWrite(bar, at, width, value);
      } else if (relative >= VIRTIO_PCI_CAP.bar) {
        for (let i = 0; i < widthBytes; i++) found.bytes[relative + i] = (value >>> (8 * i)) & 0xff;
      }
    } else if (!found.isVendor && found.origin >= 0) {
      this.#bus.configWrite(found.origin + relative, widthBytes, value);
    }
  }

  #translate(bar: number, offset: number): BarPlace | null {
    if (bar > 5) return null;
    return this.#changes.translate === undefined ? { bar, offset } : this.#changes.translate(bar, offset);
  }

  barRead(bar: number, offset: number, widthBytes: Width): number {
    const place = this.#translate(bar, offset);
    if (place === null) return 0;
    const value = this.#bus.barRead(place.bar, place.offset, widthBytes);
    return this.#changes.barRead?.(place.bar, place.offset, value) ?? value;
  }

  barWrite(bar: number, offset: number, widthBytes: Width, value: number): void {
    const place = this.#translate(bar, offset);
    if (place === null) return;
    const written =
      this.#changes.barWrite === undefined ? value : this.#changes.barWrite(place.bar, place.offset, value);
    if (written !== null) this.#bus.barWrite(place.bar, place.offset, widthBytes, written);
  }
}

function little(widthBytes: number, byte: (index: number) => number): number {
  let value = 0;
  for (let i = 0; i < widthBytes; i++) value |= byte(i) << (8 * i);
  return value >>> 0;
}

/** Where the configuration access capability points to. */
function aim({ bytes }: Placed): { readonly bar: number; readonly at: number; readonly width: Width } {
  const word = (from: number) => little(4, (i) => bytes[from + i] ?? 0);
  const length = word(VIRTIO_PCI_CAP.length);
  return {
    bar: bytes[VIRTIO_PCI_CAP.bar] ?? 0,
    at: word(VIRTIO_PCI_CAP.offset),
    width: length === 1 || length === 2 ? length : 4,
  };
}
