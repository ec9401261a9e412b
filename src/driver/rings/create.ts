import { COUNT_FROM_0_RULE, checkOptions, type OptionRules, QUEUE_SIZE_RULE } from "../../base/options.ts";
import type { DriverRing, DriverRingOptions, RingContext } from "./driver-ring.ts";
import { PackedDriverRing } from "./packed.ts";
import { SplitDriverRing } from "./split.ts";

const RULES: OptionRules<DriverRingOptions> = {
  format: { oneOf: ["split", "packed"] },
  size: QUEUE_SIZE_RULE,
  indirectDesc: "boolean",
  eventIdx: "boolean",
  inOrder: "boolean",
  maxIndirectElements: COUNT_FROM_0_RULE,
  excessLength: { oneOf: ["fault", "clamp"] },
};

/**
 * Makes a ring of the wanted format, with freshly allocated memory unless `context.memory` says where it lies.
 * Throws `VirtioUsageError` for a size the format cannot have, `DriverError` ENOMEM without memory.
 *
 * @example
 * ```ts
 * const ring = createDriverRing({ format: "split", size: 64 }, { allocator });
 * ```
 */
export function createDriverRing(options: DriverRingOptions, context: RingContext): DriverRing {
  checkOptions("createDriverRing", options, RULES, ["format", "size"]);
  return options.format === "split"
    ? new SplitDriverRing(options, context)
    : new PackedDriverRing(options, context);
}
