import type { Rule, RuleContext } from "./rule.ts";

/** The statements of the area transport-pci that bind drivers. */
export function pciRules(_context: RuleContext): Rule {
  return {};
}
