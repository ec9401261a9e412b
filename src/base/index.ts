export { BackendError } from "./backend-error.ts";
export { HOST_IS_LITTLE_ENDIAN, le16, le32, swap16, swap32 } from "./endian.ts";
export { VirtioBugError, VirtioUsageError } from "./errors.ts";
export type { TraceEvent, TraceSink } from "./trace.ts";
export { hex64, hi32, lo32, toBigInt, toNumber } from "./u64.ts";
export { WorkBudget } from "./work-budget.ts";
