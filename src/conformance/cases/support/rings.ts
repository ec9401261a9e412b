// What cases about rings share: requests cut as they like, chains with any field wrong, and rings wound forward.
import { VIRTQ_DESC_F_INDIRECT, VIRTQ_DESC_F_NEXT, VIRTQ_DESC_F_WRITE } from "../../../wire/split-ring.ts";
import type { CaseRun } from "../../case.ts";
import type {
  Element,
  Guest,
  PackedDescriptor,
  PackedRing,
  Request,
  Ring,
  SplitDescriptor,
  SplitRing,
} from "../../guest/index.ts";
import { CaseWedged } from "../../verdicts.ts";

/** Fills memory that the device is to write, so that one sees whether it did. */
export const FILLER = 0xa5;
/** Entries of the queues of most cases: enough for chains, little enough to come round soon. */
export const SMALL = 8;
/** Turns to wait for something that should come. */
const PATIENCE = 200;

/** A request of the model in guest memory, cut into elements, not in a ring yet. */
export interface PreparedProbe {
  readonly elements: readonly Element[];
  /** Says what is wrong with what the device wrote, null when nothing is. */
  check(lengthBytes: number): string | null;
}

/** Lengths of `count` pieces of `total` bytes, as equal as can be; fewer when there are not as many bytes. */
export function cut(total: number, count: number): number[] {
  const pieces = Math.min(total, count);
  return Array.from(
    { length: pieces },
    (_, i) => Math.floor(((i + 1) * total) / pieces) - Math.floor((i * total) / pieces),
  );
}

/**
 * The model's probe as `count` elements, if it has as many bytes. Half of them are readable when the probe has a
 * readable part; with fewer than two such a probe has two.
 */
export function prepareProbe(guest: Guest, queue: number, count: number): PreparedProbe {
  const { readable, writableBytes, check } = guest.model.probe(queue);
  const hasBoth = readable.length > 0 && writableBytes > 0;
  const readablePieces = readable.length === 0 ? 0 : hasBoth ? Math.max(1, count >> 1) : count;
  const elements: Element[] = [];
  let at = 0;
  for (const lengthBytes of cut(readable.length, readablePieces)) {
    const address = guest.arena.place(readable.subarray(at, at + lengthBytes));
    elements.push({ address, lengthBytes, writable: false });
    at += lengthBytes;
  }
  for (const lengthBytes of cut(writableBytes, Math.max(1, count - readablePieces))) {
    const address = guest.arena.place(new Uint8Array(lengthBytes).fill(FILLER));
    elements.push({ address, lengthBytes, writable: true });
  }
  return {
    elements,
    check: (lengthBytes) =>
      check(guest.writtenBytes({ writable: elements.filter(({ writable }) => writable) }), lengthBytes),
  };
}

/** A well-formed chain of these elements in these entries of a descriptor table. */
export function chained(elements: readonly Element[], slots: readonly number[]): SplitDescriptor[] {
  return elements.map((element, i) => {
    const last = i === elements.length - 1;
    return {
      address: element.address,
      lengthBytes: element.lengthBytes,
      flags: (element.writable ? VIRTQ_DESC_F_WRITE : 0) | (last ? 0 : VIRTQ_DESC_F_NEXT),
      next: last ? 0 : (slots[i + 1] as number),
    };
  });
}

/** The flags of a descriptor, which default to none. */
export function flagsOf({ flags = 0 }: { readonly flags?: number }): number {
  return flags;
}

/** Puts a chain of `count` entries into a split ring, each field as `build` says, and offers its first entry. */
export function offerSplit(
  ring: SplitRing,
  count: number,
  build: (slots: readonly number[]) => readonly SplitDescriptor[],
): void {
  const slots = ring.takeSlots(count);
  build(slots).forEach((descriptor, i) => {
    ring.writeDescriptor(slots[i] as number, descriptor);
  });
  const id = slots[0] as number;
  ring.inFlight.set(id, { id, slots, table: 0 });
  ring.highlight = slots;
  ring.offer(id);
}

/** Puts an indirect table of these descriptors into a split ring; returns the descriptor that refers to it. */
export function splitTable(ring: SplitRing, descriptors: readonly SplitDescriptor[]): SplitDescriptor {
  const table = ring.createTable(descriptors.length);
  descriptors.forEach((descriptor, i) => {
    ring.writeDescriptor(i, descriptor, table);
  });
  return { address: table, lengthBytes: 16 * descriptors.length, flags: VIRTQ_DESC_F_INDIRECT };
}

/** 0, 1, 2, …: the entries of an indirect table. */
export function inOrder(count: number): number[] {
  return [...new Array(count).keys()];
}

/** A well-formed list of these elements, the way indirect tables of packed rings hold them: without links. */
export function listed(elements: readonly Element[]): PackedDescriptor[] {
  return elements.map(({ address, lengthBytes, writable }) => ({
    address,
    lengthBytes,
    flags: writable ? VIRTQ_DESC_F_WRITE : 0,
  }));
}

/** The same for the ring itself: all but the last are continued. */
export function continued(elements: readonly Element[]): PackedDescriptor[] {
  return listed(elements).map((descriptor, i, all) => ({
    ...descriptor,
    flags: flagsOf(descriptor) | (i < all.length - 1 ? VIRTQ_DESC_F_NEXT : 0),
  }));
}

/** Puts an indirect table of these descriptors beside a packed ring; returns the descriptor that refers to it. */
export function packedTable(ring: PackedRing, descriptors: readonly PackedDescriptor[]): PackedDescriptor {
  const table = ring.createTable(descriptors.length);
  descriptors.forEach((descriptor, i) => {
    ring.writeDescriptor(i, descriptor, table);
  });
  return { address: table, lengthBytes: 16 * descriptors.length, flags: VIRTQ_DESC_F_INDIRECT };
}

let nextId = 0x4000;

/**
 * Puts descriptors into the next slots of a packed ring and makes them available at once, the first one last. `flags`
 * of each lack VIRTQ_DESC_F_AVAIL and VIRTQ_DESC_F_USED, which are added. Returns the buffer id, one no other list has.
 */
export function offerPacked(ring: PackedRing, descriptors: readonly PackedDescriptor[]): number {
  const id = nextId++ & 0x7fff;
  const slots = ring.takeSlots(descriptors.length);
  ring.inFlight.set(id, { id, slots: slots.map(({ slot }) => slot), table: 0 });
  ring.highlight = slots.map(({ slot }) => slot);
  for (let i = slots.length - 1; i >= 0; i--) {
    const { slot, wrap } = slots[i] as { slot: number; wrap: boolean };
    const descriptor = descriptors[i] as PackedDescriptor;
    ring.writeDescriptor(slot, { id, ...descriptor, flags: flagsOf(descriptor) | ring.availableFlags(wrap) });
  }
  return id;
}

/** Waits for a request that is right to come back, and fails unless the answer is. */
export async function answered(
  t: CaseRun,
  request: Request,
  probe: PreparedProbe,
  what: string,
): Promise<void> {
  const { lengthBytes } = await t.guest.answer(request);
  const wrong = probe.check(lengthBytes);
  if (wrong !== null) t.fail(`it does not hold that ${what}: ${wrong}`);
}

/** Sends the model's probe as these elements and fails unless it is answered. */
export async function servesElements(
  t: CaseRun,
  ring: Ring,
  probe: PreparedProbe,
  what: string,
  indirectFrom?: number,
): Promise<void> {
  const request = t.guest.placeElements(
    ring,
    probe.elements,
    indirectFrom === undefined ? {} : { indirectFrom },
  );
  await t.guest.kick(ring);
  await answered(t, request, probe, what);
}

/**
 * The request is one that the device may serve or refuse. What was served must be right; what was not must have been
 * refused.
 */
export async function servedOrRefused(t: CaseRun, request: Request, probe: PreparedProbe): Promise<void> {
  const used = await t.guest.used(request.ring);
  if (used === null) {
    await t.refused(request.ring.index);
    return;
  }
  t.equal(used.id, request.placed.id, "the id of the buffer that came back");
  const wrong = used.lengthBytes === 0 ? null : probe.check(used.lengthBytes);
  if (wrong !== null) t.fail(`a request that was served has the wrong answer: ${wrong}`);
  if (used.lengthBytes === 0) await t.refused(request.ring.index);
  else await t.serves(request.ring.index, "the device goes on");
}

/**
 * The case broke a rule in a way that leaves open where in the ring the device went on, so that one cannot ask it to.
 * It must say DEVICE_NEEDS_RESET, or be there after a reset.
 */
export async function refusedOrLost(t: CaseRun): Promise<void> {
  await t.guest.dut.settle();
  t.rejected = true;
  if (await t.guest.needsReset()) return;
  const features = [...t.guest.features];
  await t.guest.reset();
  await t.guest.start({ features, queueSize: SMALL });
  const wrong = await t.guest.probe();
  if (wrong !== null) throw new CaseWedged(`the device serves no more, not even after a reset: ${wrong}`);
}

/** Waits until something holds; false when it does not come true. */
export async function eventually(guest: Guest, holds: () => boolean): Promise<boolean> {
  for (let turn = 0; turn < PATIENCE; turn++) {
    if (holds()) return true;
    await guest.dut.settle();
  }
  return holds();
}

/**
 * Has the device use buffers until the index of the available ring of a split queue that is idle stands at `idx`: as
 * many chains at a time as the table holds, written once.
 */
export async function windForward(t: CaseRun, ring: SplitRing, idx: number): Promise<void> {
  const { guest } = t;
  const { elements } = prepareProbe(guest, ring.index, 1);
  const heads: number[] = [];
  for (let slot = 0; slot + elements.length <= ring.size; slot += elements.length) {
    const slots = elements.map((_, i) => slot + i);
    chained(elements, slots).forEach((descriptor, i) => {
      ring.writeDescriptor(slot + i, descriptor);
    });
    heads.push(slot);
  }
  let left = (idx - ring.availIdx) & 0xffff;
  t.note(`${ring.name}: winding forward by ${left} buffers`);
  while (left > 0) {
    const batch = heads.slice(0, left);
    for (const head of batch) ring.offer(head);
    left -= batch.length;
    ring.publish();
    await guest.registers.notify(ring.index);
    if (!(await eventually(guest, () => ring.usedIdx === ring.availIdx))) {
      t.fail(`${ring.name}: ${batch.length} buffers were available, and the used index is ${ring.usedIdx}`);
    }
  }
  ring.lastUsedIdx = ring.usedIdx;
}
