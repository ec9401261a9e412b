import { CREATE_2D, type VersusCase } from "./case.ts";
import { MAP, type Observer, Ring, request } from "./guest.ts";

/** The generator of "Mulberry32": every sequence can be had again by its seed. */
function generator(seed: number): (end: number) => number {
  let state = seed >>> 0;
  return (end) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % end;
  };
}

type Random = (end: number) => number;
const pick = <T>(random: Random, list: readonly T[]): T => list[random(list.length)] as T;

const SIDE = 32;
const FORMATS = [1, 2, 3, 4, 67, 68, 121, 134, 5];

function rectangle(random: Random): number[] {
  const edge = (): number => pick(random, [0, 1, 8, 15, 16, 17, 31, 32, 33, 0xffffffff]);
  if (random(3) === 0) return [0, 0, SIDE, SIDE];
  return [edge(), edge(), edge(), edge()];
}

/**
 * One request that any of the commands might send. What is left out is what the table of differences is about: sizes
 * at limits, backing outside of memory, requests cut short; and offsets behind the backing, which abort QEMU 7.2.
 */
function anyRequest(random: Random): Buffer {
  const id = random(4);
  const header = random(4) === 0 ? [1, random(100), 0, random(3), 0] : [];
  switch (random(12)) {
    case 0:
    case 1:
      return request(CREATE_2D, [id, pick(random, FORMATS), SIDE, SIDE], header);
    case 2:
      return request(0x102, [id, 0], header);
    case 3:
    case 4:
      return request(0x103, [...rectangle(random), random(3), id], header);
    case 5:
      return request(0x104, [...rectangle(random), id, 0], header);
    case 6:
    case 7:
      return request(0x105, [...rectangle(random), pick(random, [0, 0, 128, 512]), 0, id, 0], header);
    case 8:
    case 9: {
      const entries = Array.from({ length: 1 + random(3) }, () => [
        MAP.pixels + 4 * random(4096),
        0,
        8192,
        0,
      ]);
      return request(0x106, [id, entries.length, ...entries.flat()], header);
    }
    case 10:
      return request(0x107, [id, 0], header);
    default:
      return pick(random, [
        request(0x100, [], header),
        request(0x10a, [random(4), 0], header),
        request(
          pick(random, [0x108, 0x109, 0x10b, 0x10c, 0x10d, 0x10e, 0x200, 0x207, 0x208, 0x209, 0x300]),
          new Array(20).fill(0),
          header,
        ),
      ]);
  }
}

/** A driver that comes up in one of the many ways in which it should not. */
async function anyBringUp(guest: Observer, random: Random): Promise<{ control: Ring; cursor: Ring }> {
  const { registers, subject } = guest;
  const size = pick(random, [2, 4, 16, 64, ...(subject.transport === "pci" ? [] : [16])]);
  const control = new Ring(subject, 0, size, random(4) === 0 ? 4 + 2 * size + 2 : undefined);
  const cursor = new Ring(subject, 1, 16);
  for (const ring of [control, cursor]) ring.clear();
  const status = async (value: number): Promise<void> => {
    await registers.setStatus(value);
    guest.note("status", await registers.status());
  };
  await status(0);
  const before = pick(random, [[1, 3], [3], [2], [], [1, 2]]);
  for (const value of before) await status(value);
  const features = pick(random, [0, 0, 2, 1 << 28, 1 << 29, 0x30000002, 0xffffffff]);
  const accepts = async (): Promise<void> => {
    await registers.accept(0, features);
    await registers.accept(1, pick(random, [1, 1, 0, 0x101]));
    if (random(3) > 0) await status(pick(random, [11, 8, 15]));
  };
  const queues = async (): Promise<void> => {
    await guest.setUp(control);
    await guest.setUp(cursor);
  };
  if (random(3) === 0) {
    await queues();
    await accepts();
  } else {
    await accepts();
    await queues();
  }
  if (random(4) > 0) await status(pick(random, [15, 7, 4, 0x8f]));
  return { control, cursor };
}

/** Sequences of bring-ups, commands, notifications and looks at the screen, drawn from a seed. */
export function randomCase(seed: number): VersusCase {
  return {
    id: `random/${seed}`,
    async run(guest) {
      const random = generator(seed);
      const pixels = Buffer.alloc(0x10000);
      for (let i = 0; i < pixels.length; i += 4)
        pixels.writeUInt32LE(Math.imul(i + seed + 1, 2654435761) >>> 0, i);
      for (let life = 0; life < 2; life++) {
        const { control, cursor } = await anyBringUp(guest, random);
        guest.subject.ramWrite(MAP.pixels, pixels);
        for (let i = 0; i < 25; i++) {
          const bytes = anyRequest(random);
          await guest.send(`${life}.${i} ${bytes.readUInt32LE(0).toString(16)}`, control, bytes);
          if (random(6) === 0) {
            const words = [random(3), random(100), random(100), 0, random(3), 1, 1, 0];
            await guest.send("cursor", cursor, request(pick(random, [0x300, 0x301]), words));
          }
          if (random(8) === 0) await guest.registers.notify(random(4));
          if (random(5) === 0) await guest.screen("screen", random(2));
          if (random(5) === 0) await guest.noteState("state");
        }
        await guest.screen("at the end");
        await guest.noteState("at the end");
      }
    },
  };
}

/** As many as the seeds say; the same seeds are the same cases. */
export function randomCases(first: number, count: number): VersusCase[] {
  return Array.from({ length: count }, (_, i) => randomCase(first + i));
}
