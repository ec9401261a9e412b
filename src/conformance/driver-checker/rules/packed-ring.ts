import { VIRTIO_F_INDIRECT_DESC, VIRTIO_F_RING_PACKED } from "../../../wire/common.ts";
import { PVIRTQ_DESC_ALIGN, PVIRTQ_EVENT_SUPPRESS_ALIGN } from "../../../wire/packed-ring.ts";
import { VIRTQ_DESC_F_WRITE } from "../../../wire/split-ring.ts";
import { hasNext, isIndirect, type WatchedChain, type WatchedDescriptor } from "../chain.ts";
import { aligned, descriptorEvidence, misplaced } from "./descriptors.ts";
import type { Rule, RuleContext } from "./rule.ts";

const ID = "packed-ring.driver";

/**
 * The statements of the area packed-ring that bind drivers, as far as they are about single buffers; the ring itself
 * is watched where the rings are.
 */
export function packedRingRules(context: RuleContext): Rule {
  const { view } = context;

  function report(clause: string, chain: WatchedChain, message: string, at?: WatchedDescriptor): void {
    const text = `buffer ${chain.token}: ${message}`;
    context.report(
      `${ID}.${clause}`,
      chain.queue,
      text,
      at === undefined ? [] : [descriptorEvidence(chain, at)],
    );
  }

  function checkIndirect(size: number, chain: WatchedChain): void {
    for (const [index, descriptor] of chain.direct.entries()) {
      if (!isIndirect(descriptor.flags)) continue;
      if (!view.hasFeature(VIRTIO_F_INDIRECT_DESC)) {
        report(
          "indirect-descriptors.1",
          chain,
          "an indirect table without VIRTIO_F_INDIRECT_DESC",
          descriptor,
        );
      }
      if (index > 0 || hasNext(descriptor.flags)) {
        report(
          "indirect-descriptors.4",
          chain,
          "an indirect table in a list linked by VIRTQ_DESC_F_NEXT",
          descriptor,
        );
      }
    }
    for (const { descriptors } of chain.tables) {
      const wrong = descriptors.find(({ flags }) => (flags & ~VIRTQ_DESC_F_WRITE) !== 0);
      if (wrong !== undefined) {
        const message = `flags 0x${wrong.flags.toString(16)} within an indirect table`;
        report("indirect-descriptors.2", chain, message, wrong);
      }
      if (descriptors.length > size) {
        const message = `an indirect table of more than ${size} descriptors, which is the Queue Size`;
        report("indirect-descriptors.3", chain, message, chain.direct[0]);
      }
    }
  }

  return {
    queueEnabled(queue) {
      if (!view.hasFeature(VIRTIO_F_RING_PACKED)) return;
      aligned(context, queue, `${ID}.packed-virtqueues.1`, {
        descriptors: PVIRTQ_DESC_ALIGN,
        driver: PVIRTQ_EVENT_SUPPRESS_ALIGN,
        device: PVIRTQ_EVENT_SUPPRESS_ALIGN,
      });
    },
    available(queue, chain) {
      if (chain.format !== "packed") return;
      checkIndirect(queue.size, chain);
      if (chain.endless) {
        const message = `a list of more than ${queue.size} descriptors, which is the Queue Size`;
        report("scatter-gather-support.2", chain, message, chain.direct[0]);
      }
      const late = misplaced(chain);
      if (late !== undefined) {
        report(
          "scatter-gather-support.3",
          chain,
          "a device-readable element after a device-writable one",
          late,
        );
      }
    },
  };
}
