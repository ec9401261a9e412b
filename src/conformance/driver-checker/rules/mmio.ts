import { ConfigWidthRules } from "./config-widths.ts";
import { MmioDiscoveryRules } from "./mmio-discovery.ts";
import { MmioInterruptRules } from "./mmio-interrupts.ts";
import { MmioQueueRules } from "./mmio-queues.ts";
import { MmioRegisterRules } from "./mmio-registers.ts";
import { ProcedureRules } from "./procedure.ts";
import { QueueResetRules } from "./queue-reset.ts";
import type { Rule, RuleContext } from "./rule.ts";
import { StageRules } from "./stage.ts";
import { together } from "./together.ts";

const AREA = "transport-mmio.driver";

/** The statements of the area transport-mmio that bind drivers. */
export function mmioRules(context: RuleContext): Rule {
  if (context.view.transport !== "mmio") return {};
  return together([
    new StageRules(context),
    new MmioDiscoveryRules(context),
    new MmioRegisterRules(context),
    new MmioQueueRules(context),
    new MmioInterruptRules(context),
    new ConfigWidthRules(context, `${AREA}.mmio-device-register-layout.3`),
    new QueueResetRules(context, `${AREA}.mmio-device-register-layout.14`),
    new ProcedureRules(context, `${AREA}.device-initialization.4`),
  ]);
}
