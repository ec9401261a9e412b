import type { SavedDevice } from "../../device/state/saved-state.ts";
import {
  anything,
  type Field,
  inside,
  type Lift,
  lifted,
  listOf,
  misfit,
  oneOf,
  type Read,
  record,
  whole,
} from "../../device/state/schema.ts";
import { VIRTIO_MSI_NO_VECTOR } from "../../wire/common.ts";
import { PCI_CFG_SPACE_SIZE } from "../../wire/pci.ts";
import { pendingWords } from "./msix.ts";

/** Version of {@link SavedPciTransport}; raised whenever its shape or meaning changes. */
export const PCI_STATE_VERSION = 1;

/** The registers of the common configuration structure that belong to the transport. */
export interface SavedCommonConfig {
  readonly deviceFeatureSelect: number;
  readonly driverFeatureSelect: number;
  readonly queueSelect: number;
  readonly configVector: number;
  readonly queueVectors: readonly number[];
}

/** A device behind virtio-pci, without guest memory. Survives JSON and structuredClone. */
export interface SavedPciTransport {
  readonly transport: "pci";
  readonly version: number;
  readonly device: SavedDevice;
  /** The first 256 bytes of configuration space. */
  readonly configSpace: readonly number[];
  readonly common: SavedCommonConfig;
  readonly isr: number;
  /** Four words for each vector, as in the table; null without MSI-X. */
  readonly msix: { readonly table: readonly number[]; readonly pending: readonly number[] } | null;
}

const LIFTS: readonly Lift[] = [];

function pciField(
  queueCount: number,
  vectorCount: number,
): Field<Omit<SavedPciTransport, "device"> & { readonly device: unknown }> {
  const vector = vectorField(vectorCount);
  const msix = record({
    table: listOf(whole(), 4 * vectorCount),
    pending: listOf(whole(), pendingWords(vectorCount)),
  });
  return record({
    transport: oneOf(["pci"]),
    version: whole(),
    device: anything,
    configSpace: listOf(whole(0, 0xff), PCI_CFG_SPACE_SIZE),
    common: record({
      deviceFeatureSelect: whole(),
      driverFeatureSelect: whole(),
      queueSelect: whole(0, 0xffff),
      configVector: vector,
      queueVectors: listOf(vector, queueCount),
    }),
    isr: whole(0, 3),
    msix: vectorCount > 0 ? msix : noMsix,
  });
}

const noMsix: Field<null> = (value) =>
  value === null ? null : misfit([], "is there, and this function has no MSI-X");

function vectorField(vectorCount: number): Field<number> {
  const word = whole(0, 0xffff);
  return (value) => {
    const vector = word(value);
    if (vector < vectorCount || vector === VIRTIO_MSI_NO_VECTOR) return vector;
    return misfit([], `is ${vector}, and this function has ${vectorCount} vectors`);
  };
}

/**
 * Reads the registers; the device is read elsewhere. Throws {@link SavedStateError} when they can't be of a function with
 * so many queues and vectors.
 */
export function readSavedPci(
  state: unknown,
  queueCount: number,
  vectorCount: number,
): Read<ReturnType<typeof pciField>> {
  const saved = pciField(queueCount, vectorCount)(lifted(state, LIFTS));
  const { msix } = saved;
  if (msix !== null) inside("msix", () => checkMsix(msix, vectorCount));
  return saved;
}

function checkMsix({ table, pending }: NonNullable<SavedPciTransport["msix"]>, vectorCount: number): void {
  for (let vector = 0; vector < vectorCount; vector++) {
    const low = table[4 * vector] as number;
    if ((low & 3) !== 0) misfit(["table", 4 * vector], `is ${low}, an address that is not a multiple of 4`);
    const control = table[4 * vector + 3] as number;
    if (control > 1) misfit(["table", 4 * vector + 3], `is ${control}, and a vector is masked, 1, or not, 0`);
  }
  for (let vector = vectorCount; vector < 32 * pending.length; vector++) {
    if ((((pending[vector >>> 5] as number) >>> (vector & 31)) & 1) === 0) continue;
    misfit(["pending", vector >>> 5], `has vector ${vector} pending, and there are ${vectorCount} vectors`);
  }
}
