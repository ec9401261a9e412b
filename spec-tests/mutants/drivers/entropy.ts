import { type DriverMutant, driverMutant } from "../../support/mutants/driver-mutant.ts";

export const ENTROPY_MUTANTS: readonly DriverMutant[] = [
  driverMutant(
    "device-readable-buffer",
    ["entropy.driver.device-operation.1"],
    "src/driver/drivers/rng/rng.ts",
    "this.#elements.writableBuffer(this.#buffer,",
    "this.#elements.readableBuffer(this.#buffer,",
    { name: "rng", transport: "mmio", ring: [] },
  ),
];
