/**
 * The conformance kit, which holds a device against the statements of virtio 1.4, and the driver checker, which
 * does so with a driver. Put a device under test by implementing {@link Target}; run {@link CASES} on it with
 * {@link runCases}.
 *
 * @module virtio-emulator/conformance
 */

export {
  type CaseDefinition,
  type CaseInstance,
  CaseList,
  CaseRun,
  instancesOf,
  type Needs,
  type Parameters,
  type ParameterValue,
} from "./case.ts";
export { CASES } from "./cases/index.ts";
export {
  BINDS_DRIVER,
  type CitedStatement,
  CLAUSES,
  type Clause,
  type ClauseLevel,
  type ClauseRole,
  citeStatement,
  clauseById,
  clauseResults,
  KIT_AREAS,
  NOT_OBSERVABLE,
  SPECIFICATION,
  SPECIFICATION_TAG,
  sentenceOf,
  statementLines,
  type WordingOf,
} from "./clauses/index.ts";
export {
  type AccessWidth,
  type DeviceBus,
  DeviceGoneError,
  type DeviceUnderTest,
  type DisplayChange,
  type GuestRam,
  type MmioRegisters,
  type PciFunction,
  type Picture,
  type Target,
  TargetError,
} from "./device-under-test.ts";
export * from "./driver-checker/index.ts";
export * from "./guest/index.ts";
export { type IsolatedTarget, type IsolationOptions, isolateTarget } from "./isolated/isolated-target.ts";
export type { IsolatedThread, IsolationPort } from "./isolated/ports.ts";
export { serveIsolatedTarget } from "./isolated/serve.ts";
export * from "./models/index.ts";
export * from "./reports/index.ts";
export {
  type CaseDetail,
  type CaseResult,
  type ClauseResult,
  type ClauseStatus,
  type RingSnapshot,
  type RunReport,
  type TimelineEntry,
  VERDICTS,
  type Verdict,
} from "./result.ts";
export { type RunOptions, reportOf, runCases, selectInstances, type TargetFacts } from "./runner.ts";
export { CaseFailure, CaseSkip, CaseWedged } from "./verdicts.ts";
