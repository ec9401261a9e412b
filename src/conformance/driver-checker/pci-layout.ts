import {
  PCI_CAP_ID_EXP,
  PCI_CAP_ID_MSIX,
  PCI_CAP_ID_VNDR,
  PCI_CAP_LIST_NEXT,
  PCI_CAPABILITY_LIST,
  PCI_CFG_SPACE_SIZE,
  PCI_MSIX_FLAGS,
  PCI_MSIX_FLAGS_QSIZE,
  PCI_MSIX_TABLE,
  PCI_MSIX_TABLE_BIR,
  PCI_STATUS,
  PCI_STATUS_CAP_LIST,
  PCI_STD_HEADER_SIZEOF,
  VIRTIO_PCI_CAP,
  VIRTIO_PCI_CAP_NOTIFY_CFG,
  VIRTIO_PCI_CAP_SHARED_MEMORY_CFG,
  VIRTIO_PCI_CAP64,
  VIRTIO_PCI_NOTIFY_CAP,
} from "../../wire/pci.ts";

/** Access to a PCI function, as drivers have it and devices give it. */
export interface CheckedPci {
  /** Reads configuration space; unsigned. */
  configRead(offset: number, widthBytes: 1 | 2 | 4): number;
  /** Writes configuration space. */
  configWrite(offset: number, widthBytes: 1 | 2 | 4, value: number): void;
  /** Reads at an offset of a BAR; unsigned. */
  barRead(bar: number, offset: number, widthBytes: 1 | 2 | 4): number;
  /** Writes at an offset of a BAR. */
  barWrite(bar: number, offset: number, widthBytes: 1 | 2 | 4, value: number): void;
}

const MOST_CAPABILITIES = 48;
/** Id of the Single Root I/O Virtualization extended capability. */
const EXT_CAP_ID_SRIOV = 0x0010;

/** A virtio structure as its capability describes it. */
export interface PciStructure {
  /** Where the capability is in configuration space. */
  readonly at: number;
  readonly capLength: number;
  readonly type: number;
  readonly bar: number;
  readonly id: number;
  readonly offset: number;
  readonly lengthBytes: number;
  /** Of notification structures; 0 of others. */
  readonly multiplier: number;
}

/** The capabilities of a PCI function. */
export interface PciLayout {
  readonly structures: readonly PciStructure[];
  /** All capabilities: id and place. */
  readonly capabilities: readonly { readonly id: number; readonly at: number }[];
  /** Where the MSI-X capability is, how many vectors it has, and in which BAR its table is; null without one. */
  readonly msix: { readonly at: number; readonly vectors: number; readonly bar: number } | null;
  /** Where the SR-IOV capability is in extended configuration space; 0 without one. */
  readonly sriov: number;
}

/**
 * Walks the capability list. Reads nothing with side effects: not pci_cfg_data, which forwards accesses.
 */
export function readPciLayout(bus: CheckedPci): PciLayout {
  const structures: PciStructure[] = [];
  const capabilities: { id: number; at: number }[] = [];
  let msix: PciLayout["msix"] = null;
  if ((bus.configRead(PCI_STATUS, 2) & PCI_STATUS_CAP_LIST) === 0) {
    return { structures, capabilities, msix, sriov: 0 };
  }
  let at = bus.configRead(PCI_CAPABILITY_LIST, 1) & ~3;
  for (let i = 0; i < MOST_CAPABILITIES && at >= PCI_STD_HEADER_SIZEOF; i++) {
    const id = bus.configRead(at, 1);
    capabilities.push({ id, at });
    if (id === PCI_CAP_ID_MSIX) {
      msix = {
        at,
        vectors: (bus.configRead(at + PCI_MSIX_FLAGS, 2) & PCI_MSIX_FLAGS_QSIZE) + 1,
        bar: bus.configRead(at + PCI_MSIX_TABLE, 4) & PCI_MSIX_TABLE_BIR,
      };
    } else if (id === PCI_CAP_ID_VNDR) {
      structures.push(readStructure(bus, at));
    }
    at = bus.configRead(at + PCI_CAP_LIST_NEXT, 1) & ~3;
  }
  // Only PCI Express functions have extended configuration space.
  const sriov = capabilities.some(({ id }) => id === PCI_CAP_ID_EXP)
    ? findExtended(bus, EXT_CAP_ID_SRIOV)
    : 0;
  return { structures, capabilities, msix, sriov };
}

function findExtended(bus: CheckedPci, wanted: number): number {
  let at = PCI_CFG_SPACE_SIZE;
  for (let i = 0; i < MOST_CAPABILITIES && at >= PCI_CFG_SPACE_SIZE; i++) {
    const header = bus.configRead(at, 4);
    if (header === 0 || header === 0xffffffff) return 0;
    if ((header & 0xffff) === wanted) return at;
    at = (header >>> 20) & ~3;
  }
  return 0;
}

function readStructure(bus: CheckedPci, at: number): PciStructure {
  const type = bus.configRead(at + VIRTIO_PCI_CAP.cfg_type, 1);
  const wide = type === VIRTIO_PCI_CAP_SHARED_MEMORY_CFG;
  const high = wide
    ? {
        offset: bus.configRead(at + VIRTIO_PCI_CAP64.offset_hi, 4),
        length: bus.configRead(at + VIRTIO_PCI_CAP64.length_hi, 4),
      }
    : { offset: 0, length: 0 };
  return {
    at,
    capLength: bus.configRead(at + VIRTIO_PCI_CAP.cap_len, 1),
    type,
    bar: bus.configRead(at + VIRTIO_PCI_CAP.bar, 1),
    id: bus.configRead(at + VIRTIO_PCI_CAP.id, 1),
    offset: high.offset * 4294967296 + bus.configRead(at + VIRTIO_PCI_CAP.offset, 4),
    lengthBytes: high.length * 4294967296 + bus.configRead(at + VIRTIO_PCI_CAP.length, 4),
    multiplier:
      type === VIRTIO_PCI_CAP_NOTIFY_CFG
        ? bus.configRead(at + VIRTIO_PCI_NOTIFY_CAP.notify_off_multiplier, 4)
        : 0,
  };
}

/** The structure of one of `types` that holds an offset of a BAR. */
export function structureAt(
  layout: PciLayout,
  bar: number,
  offset: number,
  types: readonly number[],
): PciStructure | undefined {
  return layout.structures.find(
    (found) =>
      found.bar === bar &&
      types.includes(found.type) &&
      offset >= found.offset &&
      offset < found.offset + found.lengthBytes,
  );
}
