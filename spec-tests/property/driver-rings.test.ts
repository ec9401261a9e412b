import * as fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { type DmaBuffer, SHAPE_AUTO, SHAPE_DIRECT, SHAPE_INDIRECT } from "../../src/driver/index.ts";
import { bytesOf, kindName, RING_KINDS, type RingKind, RingPair } from "../support/ring-pair.ts";

type Step =
  | {
      readonly do: "add";
      readonly out: readonly number[];
      readonly in: readonly number[];
      readonly shape: number;
    }
  | { readonly do: "kick" }
  | { readonly do: "complete"; readonly picks: readonly number[] }
  | { readonly do: "poll"; readonly most: number };

interface Sent {
  readonly serial: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly answer: DmaBuffer | null;
  readonly room: number;
  readonly buffers: readonly DmaBuffer[];
}

const pieces = fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 4 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc
      .record({
        do: fc.constant("add" as const),
        out: pieces,
        in: pieces,
        shape: fc.constantFrom(SHAPE_AUTO, SHAPE_DIRECT, SHAPE_INDIRECT, 1, 2),
      })
      .filter((added) => added.out.length + added.in.length > 0),
  },
  { weight: 2, arbitrary: fc.constant<Step>({ do: "kick" }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("complete" as const),
      picks: fc.array(fc.nat(63), { minLength: 1, maxLength: 6 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("poll" as const), most: fc.integer({ min: 1, max: 8 }) }),
  },
);
const steps = fc.array(step, { minLength: 1, maxLength: 80 });
const sizes = fc.constantFrom(2, 4, 8, 16);

/** Runs the steps, finishes everything, and checks all a ring promises. Returns what the device saw. */
function run(kind: RingKind, size: number, script: readonly Step[], immediate: boolean): string[] {
  const pair = new RingPair(kind, size, { hold: !immediate, maxIndirectElements: 64, memoryBytes: 1 << 20 });
  const { ring, elements, allocator } = pair;
  const ringMemory = allocator.liveAllocations;
  const sent = new Map<number, Sent>();
  let serial = 0;
  let returned = 0;

  const take = (): boolean => {
    const token = ring.pollUsed();
    if (token < 0) return false;
    const request = sent.get(token);
    assert.ok(request !== undefined, `token ${token} was with the device`);
    if (request === undefined) return false;
    sent.delete(token);
    const written = Math.min(request.bytes.length, request.room);
    assert.is(ring.lastWritten, written);
    const expected = request.bytes.slice(0, written).map((byte) => byte + 1);
    if (request.answer !== null) assert.equal(bytesOf(request.answer, written), expected);
    for (const buffer of request.buffers) allocator.free(buffer);
    returned++;
    return true;
  };

  const add = (step: Extract<Step, { do: "add" }>): void => {
    const count = step.out.length + step.in.length;
    const shape =
      step.shape > 0 && step.shape < SHAPE_DIRECT && (kind.format === "packed" || !kind.indirectDesc)
        ? SHAPE_AUTO
        : step.shape === SHAPE_INDIRECT && !kind.indirectDesc
          ? SHAPE_DIRECT
          : step.shape;
    const direct =
      shape === SHAPE_AUTO ? (kind.indirectDesc && count > 1 ? 0 : count) : Math.min(shape, count);
    const slots = direct === count ? count : direct + 1;
    if (slots > size) return;
    const length = step.out.reduce((a, b) => a + b, 0);
    const room = step.in.reduce((a, b) => a + b, 0);
    const bytes = Uint8Array.from({ length }, (_, i) => (serial * 7 + i) & 0xff);
    const request = pair.bufferOf(bytes);
    const answer = room === 0 ? null : allocator.allocate(room);
    elements.clear();
    let at = 0;
    for (const part of step.out) {
      elements.readableBuffer(request, at, part);
      at += part;
    }
    at = 0;
    for (const part of step.in) {
      elements.writableBuffer(answer as DmaBuffer, at, part);
      at += part;
    }
    const free = ring.freeSlots;
    const token = ring.add(elements, shape);
    const buffers = answer === null ? [request] : [request, answer];
    if (token < 0) {
      assert.ok(free < slots, "refused only for want of room");
      for (const buffer of buffers) allocator.free(buffer);
      return;
    }
    assert.is(ring.freeSlots, free - slots);
    assert.not(sent.has(token), "a token is of one buffer at a time");
    sent.set(token, { serial: serial++, bytes, answer, room, buffers });
  };

  const complete = (picks: readonly number[]): void => {
    const held = pair.echo.held[0]?.length ?? 0;
    if (held > 0) pair.echo.complete(0, [...new Set(picks.map((pick) => pick % held))]);
  };

  for (const step of script) {
    switch (step.do) {
      case "add":
        add(step);
        break;
      case "kick":
        pair.kick();
        break;
      case "complete":
        complete(step.picks);
        break;
      case "poll":
        for (let i = 0; i < step.most && take(); i++);
        break;
    }
  }
  pair.kick();
  for (let left = pair.echo.held[0]?.length ?? 0; left > 0; left--) pair.echo.complete(0, [left - 1]);
  while (take());
  assert.is(returned, serial, "every buffer came back once");
  assert.is(ring.inFlight, 0);
  assert.is(ring.freeSlots, size);
  assert.is(pair.device.counters.queueFaults, 0);
  ring.release();
  assert.is(allocator.liveAllocations, 0, `${ringMemory} before`);
  return pair.echo.seen.map((bytes) => bytes.join(" "));
}

const test = suite("driver and device rings, random traffic");
for (const kind of RING_KINDS) {
  test(`${kindName(kind)}: every byte arrives, every buffer comes back once`, () => {
    fc.assert(
      fc.property(sizes, steps, fc.boolean(), (size, script, immediate) => {
        run(kind, size, script, immediate);
      }),
      { numRuns: 120 },
    );
  });
}
for (const kind of RING_KINDS.filter(({ format }) => format === "split")) {
  test(`${kindName(kind)}: the device sees the same through a packed ring`, () => {
    fc.assert(
      fc.property(sizes, steps, fc.boolean(), (size, script, immediate) => {
        const plain = script.map((step) =>
          step.do === "add" && step.shape > 0 && step.shape < SHAPE_DIRECT
            ? { ...step, shape: SHAPE_AUTO }
            : step,
        );
        assert.equal(
          run({ ...kind, format: "packed" }, size, plain, immediate),
          run(kind, size, plain, immediate),
        );
      }),
      { numRuns: 60 },
    );
  });
}

for (const kind of RING_KINDS.filter(({ inOrder, eventIdx }) => !inOrder && !eventIdx)) {
  test(`${kindName(kind)}: a request and its answer cut at every byte`, () => {
    const length = 24;
    const bytes = Uint8Array.from({ length }, (_, i) => i * 3);
    const pair = new RingPair(kind, 8);
    const request = pair.bufferOf(bytes);
    const answer = pair.allocator.allocate(length);
    for (let out = 1; out <= length; out++) {
      for (let back = 1; back <= length; back++) {
        pair.elements.clear();
        pair.elements.readableBuffer(request, 0, out);
        if (out < length) pair.elements.readableBuffer(request, out, length - out);
        pair.elements.writableBuffer(answer, 0, back);
        if (back < length) pair.elements.writableBuffer(answer, back, length - back);
        const token = pair.ring.add(pair.elements);
        pair.kick();
        assert.is(pair.ring.pollUsed(), token);
        assert.is(pair.ring.lastWritten, length);
        assert.equal(
          bytesOf(answer),
          bytes.map((byte) => byte + 1),
        );
        answer.region.u8.fill(0, answer.offset, answer.offset + length);
      }
    }
  });
}
test.run();
