import type { SavedDevice } from "../../device/state/saved-state.ts";
import { checkSavedHead, savedNumber } from "../saved-number.ts";

/** Version of {@link SavedMmioTransport}; raised whenever its meaning changes. */
export const MMIO_STATE_VERSION = 1;

/** A device behind virtio-mmio, without guest memory. Survives JSON and structuredClone. */
export interface SavedMmioTransport {
  readonly transport: "mmio";
  readonly version: number;
  readonly device: SavedDevice;
  readonly deviceFeaturesSel: number;
  readonly driverFeaturesSel: number;
  readonly queueSel: number;
  readonly shmSel: number;
  readonly interruptStatus: number;
}

/** Throws `VirtioUsageError` when the registers can't be those of a virtio-mmio device. */
export function checkSavedMmio(state: SavedMmioTransport): void {
  checkSavedHead(state, "mmio", MMIO_STATE_VERSION);
  savedNumber(state.deviceFeaturesSel, "deviceFeaturesSel", 0xffffffff);
  savedNumber(state.driverFeaturesSel, "driverFeaturesSel", 0xffffffff);
  savedNumber(state.queueSel, "queueSel", 0xffffffff);
  savedNumber(state.shmSel, "shmSel", 0xffffffff);
  savedNumber(state.interruptStatus, "interruptStatus", 3);
}
