/**
 * Stands between a driver and a device and says which statements of virtio 1.4 the driver breaks. A part of
 * `virtio-emulator/conformance`, without the cases, which are large.
 *
 * @module virtio-emulator/conformance/driver-checker
 */

export { citeDriverStatement } from "../clauses/cite-driver.ts";
export { type CitedStatement, statementLines } from "../clauses/statement.ts";
export { DriverChecker, type DriverCheckerOptions } from "./checker.ts";
export type { DriverEvent, QueueArea } from "./events.ts";
export type { CheckedMmio } from "./mmio-decoder.ts";
export { NOT_OBSERVABLE_OF_DRIVERS, type NotObservable } from "./not-observable.ts";
export type { CheckedPci, PciLayout, PciStructure } from "./pci-layout.ts";
export { MMIO_STAGES } from "./stages/mmio-stages.ts";
export { PCI_STAGES } from "./stages/pci-stages.ts";
export type { DriverStage, MmioStage, PciStage, StageFacts } from "./stages/stage.ts";
export { STATEMENTS_OF_DRIVERS } from "./statements.ts";
export type { Evidence, TimelineEvent, Violation, ViolationLevel } from "./violation.ts";
export type { WatchedMemory, WatchedMemorySource } from "./watched-memory.ts";
