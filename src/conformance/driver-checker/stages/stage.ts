import type { CheckedMmio } from "../mmio-decoder.ts";
import type { CheckedPci } from "../pci-layout.ts";

/** What is peculiar about a device, and what a driver is expected to make of it. */
export interface StageFacts {
  /** Kebab-case; unique among the stages of a transport. */
  readonly id: string;
  /** What is peculiar about the device, in one sentence. */
  readonly description: string;
  /** Statements reported when the driver does not do what is expected. Rules may report others besides. */
  readonly clauses: readonly string[];
  /**
   * `drives`: the driver copes, and is seen to set DRIVER_OK. `ignores`: it leaves the device alone. `legacy`: so it
   * does unless it is a transitional driver. `either`: both are right, only what it does on the way is judged.
   */
  readonly expects: "drives" | "ignores" | "legacy" | "either";
}

/**
 * A setting in which some statements can be seen at all: the device in front of the driver is presented with a
 * peculiarity, and what the driver makes of it is judged.
 */
export interface DriverStage<Bus> extends StageFacts {
  /** The device as the driver is to see it. Throws `VirtioUsageError` when this device cannot be presented so. */
  present(bus: Bus): Bus;
}

/** A stage for drivers over virtio-mmio. */
export type MmioStage = DriverStage<CheckedMmio>;
/** A stage for drivers over virtio-pci. */
export type PciStage = DriverStage<CheckedPci>;
