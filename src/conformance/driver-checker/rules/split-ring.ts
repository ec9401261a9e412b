import { VIRTIO_F_IN_ORDER, VIRTIO_F_INDIRECT_DESC, VIRTIO_F_RING_PACKED } from "../../../wire/common.ts";
import { VIRTQ_AVAIL_ALIGN, VIRTQ_DESC_ALIGN, VIRTQ_USED_ALIGN } from "../../../wire/split-ring.ts";
import { hasNext, isIndirect, type WatchedChain, type WatchedDescriptor } from "../chain.ts";
import type { QueueView } from "../device-view.ts";
import { aligned, descriptorEvidence, misplaced } from "./descriptors.ts";
import type { Rule, RuleContext } from "./rule.ts";

const MOST_CHAIN_BYTES = 0x100000000;
const ID = "split-ring.driver";

/**
 * The statements of the area split-ring that bind drivers, as far as they are about single buffers; indexes and
 * notifications are watched where the rings are.
 */
export function splitRingRules(context: RuleContext): Rule {
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

  function checkFlags(chain: WatchedChain): void {
    for (const descriptor of chain.direct) {
      if (!isIndirect(descriptor.flags)) continue;
      if (!view.hasFeature(VIRTIO_F_INDIRECT_DESC)) {
        report(
          "indirect-descriptors.1",
          chain,
          "an indirect table without VIRTIO_F_INDIRECT_DESC",
          descriptor,
        );
      }
      if (hasNext(descriptor.flags)) {
        report(
          "indirect-descriptors.4",
          chain,
          "both VIRTQ_DESC_F_INDIRECT and VIRTQ_DESC_F_NEXT",
          descriptor,
        );
      }
    }
    for (const { descriptors } of chain.tables) {
      const nested = descriptors.find(({ flags }) => isIndirect(flags));
      if (nested !== undefined) {
        report("indirect-descriptors.2", chain, "an indirect table within an indirect table", nested);
      }
    }
  }

  function checkLength(queue: QueueView, chain: WatchedChain): void {
    const total = chain.readableBytes + chain.writableBytes;
    if (chain.endless) {
      report("the-virtqueue-descriptor-table.1", chain, "the chain goes in circles", chain.direct.at(-1));
    } else if (total > MOST_CHAIN_BYTES) {
      report("the-virtqueue-descriptor-table.1", chain, `the chain is ${total} bytes long`, chain.direct[0]);
    } else if (chain.elements.length > queue.size) {
      report(
        "indirect-descriptors.3",
        chain,
        `more than ${queue.size} descriptors, which is the Queue Size`,
        chain.direct[0],
      );
    }
    if (chain.elements.length > 1 && chain.elements.length > total) {
      report(
        "message-framing.2",
        chain,
        `${chain.elements.length} descriptors for ${total} bytes`,
        chain.direct[0],
      );
    }
  }

  function checkOrder(queue: QueueView, chain: WatchedChain): void {
    for (const descriptor of chain.direct) {
      if (!hasNext(descriptor.flags)) continue;
      const expected = descriptor.index === queue.size - 1 ? 0 : descriptor.index + 1;
      if (descriptor.extra === expected) continue;
      const message = `next of descriptor ${descriptor.index} is ${descriptor.extra}, with VIRTIO_F_IN_ORDER`;
      report("the-virtqueue-descriptor-table.2", chain, message, descriptor);
      break;
    }
    for (const { descriptors } of chain.tables) {
      const wrong = descriptors.find(({ flags, extra, index }) => hasNext(flags) && extra !== index + 1);
      if (wrong === undefined) continue;
      const message = `next of entry ${wrong.index} of the table is ${wrong.extra}, with VIRTIO_F_IN_ORDER`;
      report("indirect-descriptors.5", chain, message, wrong);
    }
  }

  return {
    queueEnabled(queue) {
      if (view.hasFeature(VIRTIO_F_RING_PACKED)) return;
      aligned(context, queue, `${ID}.virtqueues.1`, {
        descriptors: VIRTQ_DESC_ALIGN,
        driver: VIRTQ_AVAIL_ALIGN,
        device: VIRTQ_USED_ALIGN,
      });
    },
    available(queue, chain) {
      if (chain.format !== "split") return;
      checkFlags(chain);
      checkLength(queue, chain);
      if (view.hasFeature(VIRTIO_F_IN_ORDER)) checkOrder(queue, chain);
      const late = misplaced(chain);
      if (late !== undefined) {
        report("message-framing.1", chain, "a device-readable element after a device-writable one", late);
      }
    },
  };
}
