import type { QueueView } from "../device-view.ts";
import type { DriverEvent } from "../events.ts";
import type { Rule } from "./rule.ts";

/** Several rules as one. */
export function together(parts: readonly Rule[]): Rule {
  return {
    event: (event: DriverEvent) => {
      for (const part of parts) part.event?.(event);
    },
    queueEnabled: (queue: QueueView) => {
      for (const part of parts) part.queueEnabled?.(queue);
    },
    finish: () => {
      for (const part of parts) part.finish?.();
    },
  };
}
