import type { SavedDevice } from "../../device/state/saved-state.ts";
import {
  anything,
  type Field,
  type Lift,
  lifted,
  oneOf,
  type Read,
  record,
  whole,
} from "../../device/state/schema.ts";

/** Version of {@link SavedMmioTransport}; raised whenever its shape or meaning changes. */
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

const LIFTS: readonly Lift[] = [];

const mmioField: Field<Omit<SavedMmioTransport, "device"> & { readonly device: unknown }> = record({
  transport: oneOf(["mmio"]),
  version: whole(),
  device: anything,
  deviceFeaturesSel: whole(),
  driverFeaturesSel: whole(),
  queueSel: whole(),
  shmSel: whole(),
  interruptStatus: whole(0, 3),
});

/** Reads the registers; the device is read elsewhere. Throws {@link SavedStateError} when they can't be those of virtio-mmio. */
export function readSavedMmio(state: unknown): Read<typeof mmioField> {
  return mmioField(lifted(state, LIFTS));
}
