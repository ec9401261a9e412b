import type { Fault } from "../findings.ts";

/** Steps of the initialization that were left out: what comes of it later is the same fault. */
export const SKIPPED: Fault = { lasting: "skipped-steps" };
/** The initialization did not begin with a reset. */
export const NOT_RESET: Fault = { lasting: "not-reset" };
/** The driver went on after it had set FAILED. */
export const AFTER_FAILED: Fault = { lasting: "after-failed" };
/** What was offered was not looked at. */
export const UNREAD_FEATURES: Fault = { lasting: "features-not-read" };
/** FEATURES_OK was not read back, or the answer not heeded. */
export const UNREAD_FEATURES_OK: Fault = { lasting: "features-ok-not-heeded" };
