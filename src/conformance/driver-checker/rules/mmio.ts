import type { Rule, RuleContext } from "./rule.ts";

/** The statements of the area transport-mmio that bind drivers. */
export function mmioRules(_context: RuleContext): Rule {
  return {};
}
