import type { OptionRules } from "../../../base/options.ts";
import { TURN_LIMIT_RULE, WorkBudget } from "../../../base/work-budget.ts";

/** Pixels converted or encoded before the event loop has its turn: two to four milliseconds of either. */
const DEFAULT_MAX_TURN_PIXELS = 1 << 18;

/** How displays of Node share the event loop with everybody else. */
export interface TurnOptions {
  /** Pixels that are converted or encoded in one turn of the event loop, 1 to 2^30 - 1. Default 262 144. */
  readonly maxTurnPixels?: number;
  /** Runs a task in the next turn of the event loop. Default `setImmediate`. */
  readonly schedule?: (task: () => void) => void;
}

export const TURN_RULES: OptionRules<TurnOptions> = { maxTurnPixels: TURN_LIMIT_RULE, schedule: "function" };

/** A budget in pixels. */
export function pixelBudget({ maxTurnPixels = DEFAULT_MAX_TURN_PIXELS, schedule }: TurnOptions): WorkBudget {
  return new WorkBudget(maxTurnPixels, schedule ?? ((task) => void setImmediate(task)));
}
