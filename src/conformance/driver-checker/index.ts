export { DriverChecker, type DriverCheckerOptions } from "./checker.ts";
export type { DriverEvent, QueueArea } from "./events.ts";
export type { CheckedMmio } from "./mmio-decoder.ts";
export { NOT_OBSERVABLE_OF_DRIVERS, type NotObservable } from "./not-observable.ts";
export type { CheckedPci, PciLayout, PciStructure } from "./pci-layout.ts";
export { STATEMENTS_OF_DRIVERS } from "./statements.ts";
export type { Evidence, TimelineEvent, Violation } from "./violation.ts";
export type { WatchedMemory, WatchedMemorySource } from "./watched-memory.ts";
