import { VirtioUsageError } from "../../base/errors.ts";
import type { SavedDevice } from "../../device/state/saved-state.ts";
import { VIRTIO_MSI_NO_VECTOR } from "../../wire/common.ts";
import { PCI_CFG_SPACE_SIZE } from "../../wire/pci.ts";
import { checkSavedHead, savedNumber, savedNumbers } from "../saved-number.ts";
import { pendingWords } from "./msix.ts";

/** Version of {@link SavedPciTransport}; raised whenever its meaning changes. */
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

/** Throws {@link VirtioUsageError} when the state can't be of a function with so many queues and vectors. */
export function checkSavedPci(state: SavedPciTransport, queueCount: number, vectorCount: number): void {
  checkSavedHead(state, "pci", PCI_STATE_VERSION);
  savedNumbers(state.configSpace, "configSpace", PCI_CFG_SPACE_SIZE, 0xff);
  savedNumber(state.isr, "isr", 3);
  const { common, msix } = state;
  if (typeof common !== "object" || common === null)
    throw new VirtioUsageError("saved state: common is missing");
  savedNumber(common.deviceFeatureSelect, "deviceFeatureSelect", 0xffffffff);
  savedNumber(common.driverFeatureSelect, "driverFeatureSelect", 0xffffffff);
  savedNumber(common.queueSelect, "queueSelect", 0xffff);
  const vectors = savedNumbers(common.queueVectors, "queueVectors", queueCount, 0xffff);
  for (const vector of [savedNumber(common.configVector, "configVector", 0xffff), ...vectors]) {
    if (vector >= vectorCount && vector !== VIRTIO_MSI_NO_VECTOR) {
      throw new VirtioUsageError(`saved state: there is no MSI-X vector ${vector}`);
    }
  }
  if (typeof msix !== "object") throw new VirtioUsageError("saved state: msix is missing");
  if ((msix !== null) !== vectorCount > 0)
    throw new VirtioUsageError("saved state: MSI-X is on one side only");
  if (msix === null) return;
  savedNumbers(msix.table, "msix.table", 4 * vectorCount, 0xffffffff);
  const pending = savedNumbers(msix.pending, "msix.pending", pendingWords(vectorCount), 0xffffffff);
  for (let vector = vectorCount; vector < 32 * pending.length; vector++) {
    if ((((pending[vector >>> 5] as number) >>> (vector & 31)) & 1) !== 0) {
      throw new VirtioUsageError(
        `saved state: MSI-X vector ${vector} is pending, but there is no such vector`,
      );
    }
  }
}
