import {
  descriptorHex,
  hasNext,
  isIndirect,
  isWritable,
  type WatchedChain,
  type WatchedDescriptor,
} from "../chain.ts";
import type { QueueView } from "../device-view.ts";
import type { QueueArea } from "../events.ts";
import { type Evidence, hex } from "../violation.ts";
import type { RuleContext } from "./rule.ts";

/** A descriptor of a chain as evidence. */
export function descriptorEvidence(chain: WatchedChain, descriptor: WatchedDescriptor): Evidence {
  return {
    what: `descriptor ${descriptor.index}`,
    address: descriptor.at,
    after: descriptorHex(descriptor, chain.format),
  };
}

/** The first device-readable element behind a device-writable one. */
export function misplaced(chain: WatchedChain): WatchedDescriptor | undefined {
  // A table in the middle of a chain leaves open what belongs to it.
  const unclear = chain.direct.some(({ flags }, i) => isIndirect(flags) && (i > 0 || hasNext(flags)));
  if (chain.incomplete || unclear) return undefined;
  let writable = false;
  for (const element of chain.elements) {
    if (isWritable(element.flags)) writable = true;
    else if (writable) return element;
  }
  return undefined;
}

/** Reports areas of a queue that are not aligned as they have to be. */
export function aligned(
  context: RuleContext,
  queue: QueueView,
  clause: string,
  alignments: Readonly<Record<QueueArea, number>>,
): void {
  for (const area of ["descriptors", "driver", "device"] as const) {
    const address = queue.addresses[area];
    if (address % alignments[area] === 0) continue;
    const text = hex(address);
    context.report(
      clause,
      queue.index,
      `the ${area} area is at ${text}, not a multiple of ${alignments[area]}`,
      [{ what: `address of the ${area} area`, address: null, after: text }],
    );
  }
}
