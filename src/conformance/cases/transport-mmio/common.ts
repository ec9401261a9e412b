import type { Needs } from "../../case.ts";

/** The statements of section 4.2.2.1, which bind the device, in their order there. */
export const CLAUSE = {
  magic: "transport-mmio.device.mmio-device-register-layout.1",
  version: "transport-mmio.device.mmio-device-register-layout.2",
  /** Events show in InterruptStatus until they are acknowledged. */
  events: "transport-mmio.device.mmio-device-register-layout.3",
  noOtherEvents: "transport-mmio.device.mmio-device-register-layout.4",
  reset: "transport-mmio.device.mmio-device-register-layout.5",
  generation: "transport-mmio.device.mmio-device-register-layout.6",
  notReady: "transport-mmio.device.mmio-device-register-layout.7",
  queueResetAtReset: "transport-mmio.device.mmio-device-register-layout.8",
  queueResetWhenEnabled: "transport-mmio.device.mmio-device-register-layout.9",
  queueReset: "transport-mmio.device.mmio-device-register-layout.10",
  queueResetOngoing: "transport-mmio.device.mmio-device-register-layout.11",
  queueResetDone: "transport-mmio.device.mmio-device-register-layout.12",
  // Statements that bind the driver, of which the device's side is a matter of the table of registers.
  described: "transport-mmio.driver.mmio-device-register-layout.1",
  widths: "transport-mmio.driver.mmio-device-register-layout.2",
  configWidths: "transport-mmio.driver.mmio-device-register-layout.3",
  deviceId: "transport-mmio.driver.mmio-device-register-layout.6",
  featuresSel: "transport-mmio.driver.mmio-device-register-layout.7",
  queueSize: "transport-mmio.driver.mmio-device-register-layout.9",
  sharedMemory: "transport-mmio.driver.device-initialization.3",
} as const;

/** Of cases that have to do with no ring. */
export const MMIO: Needs = { transport: "mmio", format: "any" };
/** Of cases about queues. */
export const MMIO_RINGS: Needs = { transport: "mmio" };
