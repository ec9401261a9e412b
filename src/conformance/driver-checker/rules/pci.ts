import { ConfigWidthRules } from "./config-widths.ts";
import { PciAccess } from "./pci-access.ts";
import { PciCapabilityRules } from "./pci-capabilities.ts";
import { PciCommonRules } from "./pci-common.ts";
import { PciInterruptRules } from "./pci-interrupts.ts";
import { PciLegacyRules } from "./pci-legacy.ts";
import { PciNotificationRules } from "./pci-notifications.ts";
import { PciQueueRules } from "./pci-queues.ts";
import { PciVectorRules } from "./pci-vectors.ts";
import { QueueResetRules } from "./queue-reset.ts";
import type { Rule, RuleContext } from "./rule.ts";
import { StageRules } from "./stage.ts";
import { together } from "./together.ts";

const AREA = "transport-pci.driver";

/** The statements of the area transport-pci that bind drivers. */
export function pciRules(context: RuleContext): Rule {
  if (context.view.transport !== "pci") return {};
  const access = new PciAccess(context);
  return together([
    new StageRules(context),
    access,
    new PciCapabilityRules(context, access),
    new PciLegacyRules(context, access),
    new PciCommonRules(context, access),
    new PciQueueRules(context, access),
    new PciVectorRules(context, access),
    new PciInterruptRules(context, access),
    new PciNotificationRules(context),
    new ConfigWidthRules(context, `${AREA}.pci-device-layout.1`),
    new QueueResetRules(context, `${AREA}.common-configuration-structure-layout.7`),
  ]);
}
