import {
  PCI_MSIX_ENTRY_SIZE,
  VIRTIO_PCI_CAP_COMMON_CFG,
  VIRTIO_PCI_CAP_DEVICE_CFG,
  VIRTIO_PCI_CAP_ISR_CFG,
  VIRTIO_PCI_CAP_NOTIFY_CFG,
  VIRTIO_PCI_CAP_SHARED_MEMORY_CFG,
} from "../../../wire/pci.ts";
import { type CaseDefinition, CaseList, type CaseRun } from "../../case.ts";
import { Msix, type SharedMemoryWindow } from "../../guest/index.ts";

const cases = new CaseList();
const CLAUSE = "shared-mem.device.shared-memory-regions.1";
/** Ids of regions have 8 bits. */
const REGION_IDS = 256;
const NO_PLACE = 0xffffffffffffffffn;

/** A piece of a BAR, or of guest physical memory. */
interface Piece {
  readonly name: string;
  readonly bar: number | null;
  readonly address: bigint;
  readonly lengthBytes: bigint;
}

async function regions(t: CaseRun): Promise<SharedMemoryWindow[]> {
  const found: SharedMemoryWindow[] = [];
  for (let id = 0; id < REGION_IDS; id++) {
    const region = await t.guest.registers.sharedMemory(id);
    if (region !== null) found.push(region);
  }
  if (found.length === 0) t.skip("the device has no shared memory region");
  return found;
}

function apart(t: CaseRun, a: Piece, b: Piece): void {
  const overlap =
    a.bar === b.bar && a.address < b.address + b.lengthBytes && b.address < a.address + a.lengthBytes;
  t.ok(!overlap, `${a.name} and ${b.name} do not overlap`);
}

function pieceOf(region: SharedMemoryWindow): Piece {
  return { name: `region ${region.id}`, ...region };
}

cases.add({
  id: "shared-mem/regions/no-control-structures",
  title: "No shared memory region exposes registers or interrupt tables: they lie elsewhere in the BARs",
  clauses: [CLAUSE],
  needs: { transport: "pci", format: "any" },
  async run(t) {
    const found = await regions(t);
    const control: Piece[] = t.guest.pci.structures
      .filter(({ type, bar }) => bar < 6 && CONTROL.has(type))
      .map(({ type, bar, offset, lengthBytes }) => ({
        name: CONTROL.get(type) as string,
        bar,
        address: BigInt(offset),
        lengthBytes: BigInt(lengthBytes),
      }));
    const msix = await Msix.find(t.guest);
    if (msix !== null) {
      const { table, pending, vectors } = msix;
      control.push({
        name: "the MSI-X table",
        bar: table.bar,
        address: BigInt(table.offset),
        lengthBytes: BigInt(vectors * PCI_MSIX_ENTRY_SIZE),
      });
      control.push({
        name: "the MSI-X pending bits",
        bar: pending.bar,
        address: BigInt(pending.offset),
        lengthBytes: BigInt(Math.ceil(vectors / 64) * 8),
      });
    }
    for (const region of found) for (const piece of control) apart(t, pieceOf(region), piece);
  },
});

const CONTROL: ReadonlyMap<number, string> = new Map([
  [VIRTIO_PCI_CAP_COMMON_CFG, "the common configuration structure"],
  [VIRTIO_PCI_CAP_NOTIFY_CFG, "the notification structure"],
  [VIRTIO_PCI_CAP_ISR_CFG, "the ISR status"],
  [VIRTIO_PCI_CAP_DEVICE_CFG, "the device configuration structure"],
]);

cases.add({
  id: "shared-mem/regions/no-guest-memory",
  title: "No shared memory region lies over the guest's memory, where rings and buffers stream data",
  clauses: [CLAUSE],
  needs: { transport: "mmio", format: "any" },
  async run(t) {
    const { sizeBytes } = t.guest.dut.ram;
    const ram = { name: "the guest's memory", bar: null, address: 0n, lengthBytes: BigInt(sizeBytes) };
    for (const region of await regions(t)) apart(t, pieceOf(region), ram);
  },
});

cases.add({
  id: "shared-mem/regions/apart",
  title: "Shared memory regions have a length and a place, and lie apart from each other",
  clauses: [CLAUSE],
  needs: { format: "any" },
  async run(t) {
    const found = (await regions(t)).map(pieceOf);
    for (const [i, region] of found.entries()) {
      t.ok(region.lengthBytes > 0n, `${region.name} has a length`);
      t.ok(region.address + region.lengthBytes <= NO_PLACE, `${region.name} ends where addresses do`);
      for (const other of found.slice(i + 1)) apart(t, region, other);
    }
  },
});

cases.add({
  id: "shared-mem/regions/one-of-each-id",
  title: "A shmid identifies one region",
  clauses: [CLAUSE],
  needs: { transport: "pci", format: "any" },
  async run(t) {
    await regions(t);
    const ids = t.guest.pci.structures
      .filter(({ type }) => type === VIRTIO_PCI_CAP_SHARED_MEMORY_CFG)
      .map(({ id }) => id);
    t.equal(new Set(ids).size, ids.length, "the number of different ids");
  },
});

/** Shared memory regions (virtio 1.4, section 2.10). */
export const SHARED_MEM_CASES: readonly CaseDefinition[] = cases.all;
