import type { CaseResult } from "../result.ts";
import type { TargetFacts } from "../runner.ts";

/** From the thread that watches to the one with the target. */
export type ToTarget =
  | { readonly kind: "load"; readonly journal: SharedArrayBuffer; readonly beatEveryMs: number }
  | {
      readonly kind: "run";
      /** The cases that are to run. */
      readonly ids: readonly string[];
      readonly formats?: readonly ("split" | "packed")[];
      readonly caseTimeoutMs: number;
      readonly callTimeoutMs: number;
    }
  | { readonly kind: "stop" };

/** From the thread with the target. */
export type FromTarget =
  | { readonly kind: "loaded"; readonly facts: TargetFacts }
  | { readonly kind: "begin"; readonly id: string }
  | { readonly kind: "result"; readonly result: CaseResult }
  | { readonly kind: "ended"; readonly incomplete: string | null; readonly notes: readonly string[] }
  /** The target does not work. */
  | { readonly kind: "broken"; readonly message: string };

/** A message as it came in, null when it is none of these: the target's own code may send some, too. */
export function ofKind<T extends { readonly kind: string }>(
  message: unknown,
  kinds: readonly T["kind"][],
): T | null {
  if (typeof message !== "object" || message === null) return null;
  const { kind } = message as { readonly kind?: unknown };
  return kinds.some((one) => one === kind) ? (message as T) : null;
}
