// Chains are pooled: whatever the order in which they come back, no two buffers in flight share one.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { DmaSpace, GuestMemory } from "../../../src/memory/index.ts";
import { type RawDescriptor, RawPackedRing, RawSplitRing, WRITE } from "../../../src/testing/index.ts";
import {
  activateQueue,
  type DescriptorChain,
  type DeviceQueue,
  type QueueConfig,
} from "../../../src/virtqueue/index.ts";
import { popped, queueOptions, readAll } from "../../support/queue-asserts.ts";

const test = suite("pool of chains");

const SIZE = 8;
const DATA = 0x4000;
const OTHER = 0x20000;

function setUp(format: "split" | "packed") {
  const memory = new GuestMemory([
    { base: 0, memory: new ArrayBuffer(0x10000) },
    { base: OTHER, memory: new ArrayBuffer(0x1000) },
  ]);
  const { config, offer } = format === "split" ? splitDriver(memory) : packedDriver(memory);
  const queue = activateQueue(format, config, new DmaSpace(memory), queueOptions());
  assert.ok("pop" in queue, "activation");
  return { memory, offer, queue: queue as DeviceQueue };
}

/** Makes a buffer of one element available under an id. */
type Offer = (element: RawDescriptor, id: number) => void;

function splitDriver(memory: GuestMemory): { config: QueueConfig; offer: Offer } {
  const ring = new RawSplitRing(memory, 0x1000, SIZE);
  const offer: Offer = (element, id) => {
    ring.descriptor(id, element);
    ring.offer(id);
  };
  return { config: ring.config(), offer };
}

function packedDriver(memory: GuestMemory): { config: QueueConfig; offer: Offer } {
  const ring = new RawPackedRing(memory, 0x1000, SIZE);
  return { config: ring.config(), offer: (element, id) => ring.offer([element], id) };
}

/** All orders of a few things. */
function orders(of: readonly number[]): number[][] {
  if (of.length === 0) return [[]];
  return of.flatMap((first) => orders(of.filter((other) => other !== first)).map((rest) => [first, ...rest]));
}

for (const format of ["split", "packed"] as const) {
  test(`${format}: each buffer in flight has a chain of its own, in whatever order the last ones came back`, () => {
    const { memory, offer, queue } = setUp(format);
    for (const order of orders([0, 1, 2, 3])) {
      const taken: DescriptorChain[] = [];
      for (let i = 0; i < 4; i++) {
        memory.write(DATA + i, [0x40 + i]);
        offer({ addr: DATA + i, len: 1 }, i);
        taken.push(popped(queue));
      }
      assert.is(new Set(taken).size, 4, `after ${order}`);
      // Half of them, two new ones, then all that is left.
      for (const i of order.slice(0, 2)) queue.push(taken[i] as DescriptorChain, 0);
      const left = order.slice(2).map((i) => taken[i] as DescriptorChain);
      for (const i of [4, 5]) {
        offer({ addr: DATA, len: 1, flags: WRITE }, i);
        left.push(popped(queue));
      }
      assert.is(new Set(left).size, 4, `after ${order}`);
      assert.is(queue.inFlight, 4);
      for (const [n, i] of order.slice(2).entries()) {
        const chain = left[n] as DescriptorChain;
        assert.is(chain.head, i);
        assert.equal(readAll(chain), [0x40 + i]);
      }
      for (const chain of left) queue.push(chain, 0);
      assert.is(queue.inFlight, 0);
      queue.flush();
    }
  });

  test(`${format}: a chain that comes back is of no region any more`, () => {
    const { memory, offer, queue } = setUp(format);
    memory.write(DATA, [1]);
    memory.write(OTHER, [2]);
    for (let i = 0; i < 3 * SIZE; i++) {
      const there = i % 3 === 0;
      offer({ addr: there ? OTHER : DATA, len: 1 }, i % SIZE);
      const chain = popped(queue);
      assert.equal(readAll(chain), [there ? 2 : 1], `buffer ${i}`);
      queue.push(chain, 0);
      queue.flush();
    }
  });
}

test.run();
