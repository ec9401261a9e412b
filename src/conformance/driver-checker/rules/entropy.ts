import { VIRTIO_ID_RNG } from "../../../wire/common.ts";
import { isWritable } from "../chain.ts";
import { descriptorEvidence } from "./descriptors.ts";
import type { Rule, RuleContext } from "./rule.ts";

/** The statements of the area entropy that bind drivers. */
export function entropyRules(context: RuleContext): Rule {
  return {
    available(queue, chain) {
      if (context.view.deviceId !== VIRTIO_ID_RNG || chain.incomplete) return;
      const readable = chain.elements.find(({ flags }) => !isWritable(flags));
      if (readable === undefined) return;
      context.report(
        "entropy.driver.device-operation.1",
        queue.index,
        `buffer ${chain.token} has ${chain.readableBytes} device-readable bytes`,
        [descriptorEvidence(chain, readable)],
      );
    },
  };
}
