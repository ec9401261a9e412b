/**
 * What every other part stands on: errors, byte order, 64-bit numbers as halves, trace events.
 *
 * Misuse of the library throws {@link VirtioUsageError}, which says what would be right; a {@link VirtioBugError}
 * is a mistake of the library. Nothing a guest does throws either.
 *
 * @module virtio-emulator/base
 */

export { BackendError } from "./backend-error.ts";
export { HOST_IS_LITTLE_ENDIAN, le16, le32, swap16, swap32 } from "./endian.ts";
export { VirtioBugError, VirtioUsageError } from "./errors.ts";
export type { TraceEvent, TraceSink } from "./trace.ts";
export { hex64, hi32, lo32, toBigInt, toNumber } from "./u64.ts";
export { WorkBudget } from "./work-budget.ts";
