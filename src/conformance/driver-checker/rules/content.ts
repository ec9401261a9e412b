import type { WatchedChain } from "../chain.ts";
import type { QueueView } from "../device-view.ts";
import type { DriverEvent } from "../events.ts";
import { FeatureRules } from "./features.ts";
import { GenerationRules } from "./generation.ts";
import { QueueLifeRules } from "./queue-life.ts";
import type { Rule, RuleContext } from "./rule.ts";
import { StatusRules } from "./status.ts";
import { SuspendRules } from "./suspend.ts";

/** The statements of the area content that bind drivers. */
export function contentRules(context: RuleContext): Rule {
  const parts: readonly Rule[] = [
    new StatusRules(context),
    new FeatureRules(context),
    new QueueLifeRules(context),
    new SuspendRules(context),
    new GenerationRules(context),
  ];
  return {
    event: (event: DriverEvent) => {
      for (const part of parts) part.event?.(event);
    },
    available: (queue: QueueView, chain: WatchedChain) => {
      for (const part of parts) part.available?.(queue, chain);
    },
    finish: () => {
      for (const part of parts) part.finish?.();
    },
  };
}
