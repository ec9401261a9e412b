import { GET_DISPLAY_INFO, type VersusCase } from "./case.ts";
import { descriptorBytes, INDIRECT, MAP, NEXT, type Observer, Ring, request, WRITE } from "./guest.ts";

const NOWHERE = 0x10000000;
const SIZE = 16;

interface Step {
  /** Index in the ring, address, length, flags, next. */
  readonly descriptors: readonly (readonly [number, number, number, number, number?])[];
  /** The same, in the table at `MAP.tables`. */
  readonly table?: readonly (readonly [number, number, number, number, number?])[];
  readonly head?: number;
  /** The available index, where it is not one more than before. */
  readonly index?: number;
}

const read = (flags = NEXT, next = 1, length = 24): readonly [number, number, number, number, number] => [
  0,
  MAP.requests,
  length,
  flags,
  next,
];
const write = (
  at = 1,
  length = 408,
  flags = WRITE,
  next = 0,
): readonly [number, number, number, number, number] => [at, MAP.responses, length, flags, next];

const GOOD: Step = { descriptors: [read(), write()] };

const MALFORMED: Readonly<Record<string, Step>> = {
  "a loop": { descriptors: [[0, MAP.requests, 24, NEXT, 0]] },
  "a loop of two": { descriptors: [read(), [1, MAP.requests, 24, NEXT, 0]] },
  "next out of range": { descriptors: [read(NEXT, SIZE)] },
  "next far out of range": { descriptors: [read(NEXT, 0xffff)] },
  "head out of range": { descriptors: [read(), write()], head: SIZE },
  "head far out of range": { descriptors: [read(), write()], head: 0xffff },
  "writable before readable": { descriptors: [write(0, 408, WRITE | NEXT, 1), [1, MAP.requests, 24, 0, 0]] },
  "readable of length 0": { descriptors: [read(NEXT, 1, 0), write()] },
  "writable of length 0": { descriptors: [read(), write(1, 0)] },
  "a single descriptor of length 0": { descriptors: [[0, MAP.requests, 0, 0]] },
  "the index jumps": { descriptors: [read(), write()], index: SIZE + 1 },
  "the index goes back": { descriptors: [read(), write()], index: 0xffff },
  "readable outside of memory": { descriptors: [[0, NOWHERE, 24, NEXT, 1], write()] },
  "readable outside of memory, two pages": { descriptors: [[0, NOWHERE, 8192, NEXT, 1], write()] },
  "writable outside of memory": { descriptors: [read(), [1, NOWHERE, 408, WRITE]] },
  "writable outside of memory, two pages": { descriptors: [read(), [1, NOWHERE, 8192, WRITE]] },
  "readable across the end of memory": { descriptors: [[0, 0x4000000 - 24, 64, NEXT, 1], write()] },
  "address beyond 64 bits": { descriptors: [[0, 2 ** 64 - 4096, 8192, NEXT, 1], write()] },
  "indirect without the feature": {
    descriptors: [[0, MAP.tables, 32, INDIRECT]],
    table: [read(), write()],
  },
  "indirect of length 0": { descriptors: [[0, MAP.tables, 0, INDIRECT]] },
  "indirect of 24 bytes": { descriptors: [[0, MAP.tables, 24, INDIRECT]], table: [read(), write()] },
  "indirect with next": {
    descriptors: [[0, MAP.tables, 32, INDIRECT | NEXT, 5]],
    table: [read(), write()],
  },
  "indirect and writable": {
    descriptors: [[0, MAP.tables, 32, INDIRECT | WRITE]],
    table: [read(), write()],
  },
  "indirect in indirect": {
    descriptors: [[0, MAP.tables, 32, INDIRECT]],
    table: [[0, MAP.tables + 64, 32, INDIRECT], write()],
  },
  "indirect after direct": {
    descriptors: [read(), [1, MAP.tables, 16, INDIRECT]],
    table: [write(0)],
  },
  "indirect, next out of range": { descriptors: [[0, MAP.tables, 32, INDIRECT]], table: [read(NEXT, 2)] },
  "indirect, a loop": { descriptors: [[0, MAP.tables, 32, INDIRECT]], table: [read(NEXT, 0)] },
  "indirect table outside of memory": { descriptors: [[0, NOWHERE, 32, INDIRECT]] },
  "indirect table across the end of memory": { descriptors: [[0, 0x4000000 - 16, 32, INDIRECT]] },
  "indirect table misaligned": { descriptors: [[0, MAP.tables + 4, 32, INDIRECT]] },
  "reserved flags": { descriptors: [[0, MAP.requests, 24, NEXT | 0xfff8, 1], write()] },
  "nothing to write into": { descriptors: [read(0)] },
  "nothing to read": { descriptors: [write(0)] },
  "eight bytes to write into": { descriptors: [read(), write(1, 8)] },
  "a request in pieces": {
    descriptors: [
      [0, MAP.requests, 1, NEXT, 2],
      [2, MAP.requests + 1, 23, NEXT, 1],
      write(1, 100, WRITE | NEXT, 3),
      [3, MAP.responses + 100, 308, WRITE],
    ],
  },
  "more descriptors than the ring has, through a table": {
    descriptors: [[0, MAP.tables, 16 * 40, INDIRECT]],
    table: [
      ...Array.from({ length: 24 }, (_, i) => [i, MAP.requests + i, 1, NEXT, i + 1] as const),
      ...Array.from(
        { length: 16 },
        (_, i) => [24 + i, MAP.responses + 32 * i, 32, i < 15 ? WRITE | NEXT : WRITE, 25 + i] as const,
      ),
    ],
  },
};

async function offer(guest: Observer, ring: Ring, step: Step): Promise<void> {
  const { subject, registers } = guest;
  for (const [index, address, length, flags, next] of step.descriptors) {
    ring.write(index, { address, length, flags, ...(next !== undefined && { next }) });
  }
  for (const [index, address, length, flags, next = 0] of step.table ?? []) {
    subject.ramWrite(MAP.tables + 16 * index, descriptorBytes(address, length, flags, next));
  }
  ring.publish(step.head ?? 0);
  if (step.index !== undefined) ring.publishIndex(step.index);
  await registers.notify(ring.queue);
}

/** One malformed chain, then proper ones in both queues. */
function malformed(name: string, step: Step, version1: boolean, features: number): VersusCase {
  const more = [...(features === 0 ? [] : ["INDIRECT_DESC"]), ...(version1 ? [] : ["no VERSION_1"])];
  return {
    id: `rings/${name}${more.length === 0 ? "" : ` (${more.join(", ")})`}`,
    async run(guest) {
      const { registers, subject } = guest;
      await registers.setStatus(0);
      await registers.accept(0, features);
      if (version1) await registers.accept(1, 1);
      await registers.setStatus(11);
      const control = new Ring(subject, 0, SIZE);
      const cursor = new Ring(subject, 1, SIZE);
      await guest.setUp(control);
      await guest.setUp(cursor);
      await registers.setStatus(15);
      subject.ramWrite(MAP.requests, request(GET_DISPLAY_INFO));
      await offer(guest, control, step);
      await guest.collect("the chain", control);
      await guest.noteState("then");
      if (step.index === undefined) {
        await offer(guest, control, GOOD);
        await guest.collect("a proper chain after it", control);
      }
      await guest.send("the other queue", cursor, request(0x301, [0, 1, 2, 0, 0, 0, 0, 0]));
      await guest.noteState("at the end");
      await registers.setStatus(0);
      guest.note("after a reset", await registers.status());
    },
  };
}

export const RING_CASES: readonly VersusCase[] = [
  ...Object.entries(MALFORMED).flatMap(([name, step]) => [
    malformed(name, step, true, 0),
    ...(name.startsWith("indirect") ? [malformed(name, step, true, 1 << 28)] : []),
  ]),
  malformed("a loop", MALFORMED["a loop"] as Step, false, 0),
  malformed("head out of range", MALFORMED["head out of range"] as Step, false, 0),
  {
    id: "rings/the same head twice",
    async run(guest) {
      const { control } = await guest.bringUp();
      const { subject, registers } = guest;
      subject.ramWrite(MAP.requests, request(GET_DISPLAY_INFO));
      control.write(0, { address: MAP.requests, length: 24, flags: NEXT, next: 1 });
      control.write(1, { address: MAP.responses, length: 408, flags: WRITE });
      control.publish(0);
      control.publish(0);
      await registers.notify(0);
      await guest.collect("both", control);
      await guest.noteState("end");
    },
  },
  {
    id: "rings/many at once, then around the ring",
    async run(guest) {
      const { control } = await guest.bringUp({ size: 8 });
      const { subject, registers } = guest;
      subject.ramWrite(MAP.requests, request(GET_DISPLAY_INFO));
      for (let round = 0; round < 5; round++) {
        for (let i = 0; i < 4; i++) {
          control.write(2 * i, { address: MAP.requests, length: 24, flags: NEXT, next: 2 * i + 1 });
          control.write(2 * i + 1, { address: MAP.responses, length: 408, flags: WRITE });
          control.publish(2 * i);
        }
        await registers.notify(0);
        await guest.collect(`round ${round}`, control);
      }
      await guest.noteState("end");
    },
  },
  {
    id: "rings/no notification, and notifications of nothing",
    async run(guest) {
      const { control } = await guest.bringUp();
      const { subject, registers } = guest;
      await registers.notify(0);
      await registers.notify(1);
      await registers.notify(7);
      await guest.noteState("notified of nothing");
      subject.ramWrite(MAP.requests, request(GET_DISPLAY_INFO));
      control.write(0, { address: MAP.requests, length: 24, flags: NEXT, next: 1 });
      control.write(1, { address: MAP.responses, length: 408, flags: WRITE });
      control.publish(0);
      await guest.collect("without a notification", control);
      await registers.notify(0);
      await guest.collect("with one", control);
    },
  },
  {
    id: "rings/notified before the queue is there",
    async run(guest) {
      const { registers, subject } = guest;
      await registers.setStatus(11);
      await registers.notify(0);
      await guest.noteState("no queue");
      const ring = new Ring(subject, 0, SIZE);
      subject.ramWrite(MAP.requests, request(GET_DISPLAY_INFO));
      ring.write(0, { address: MAP.requests, length: 24, flags: NEXT, next: 1 });
      ring.write(1, { address: MAP.responses, length: 408, flags: WRITE });
      ring.publish(0);
      await guest.setUp(ring);
      await guest.collect("enabled", ring);
      await registers.setStatus(15);
      await registers.notify(0);
      await guest.collect("DRIVER_OK and notified", ring);
    },
  },
  ...([0, 1] as const).map(
    (noInterrupt): VersusCase => ({
      id: `rings/interrupts, NO_INTERRUPT ${noInterrupt}`,
      async run(guest) {
        const { control } = await guest.bringUp();
        guest.subject.ramWrite(control.avail, Uint8Array.of(noInterrupt, 0));
        for (let i = 0; i < 3; i++) {
          await guest.send(`request ${i}`, control, request(GET_DISPLAY_INFO));
          guest.note(`interrupt ${i}`, await guest.subject.isInterruptAsserted());
          await guest.noteState(`then ${i}`);
          guest.note(`interrupt ${i} acknowledged`, await guest.subject.isInterruptAsserted());
        }
      },
    }),
  ),
  {
    id: "rings/interrupts with EVENT_IDX",
    async run(guest) {
      const { control } = await guest.bringUp({ features: 1 << 29 });
      for (let i = 0; i < 6; i++) {
        const event = [0, 0, 5, 3, 4, 4][i] as number;
        guest.subject.ramWrite(control.avail + 4 + 2 * SIZE, Uint8Array.of(event, 0));
        await guest.send(`request ${i}`, control, request(GET_DISPLAY_INFO));
        await guest.noteState(`then ${i}`);
      }
    },
  },
  {
    id: "rings/disabled and enabled again",
    async run(guest) {
      const { registers } = guest;
      const { control } = await guest.bringUp();
      await guest.send("before", control, request(GET_DISPLAY_INFO));
      await registers.select(0);
      await registers.setReady(0);
      guest.note("ready", await registers.ready());
      await guest.send("while it is disabled", control, request(GET_DISPLAY_INFO));
      await guest.noteState("then");
    },
  },
];
