import { GET_DISPLAY_INFO, type VersusCase } from "./case.ts";
import { type Observer, Ring, request } from "./guest.ts";

const ACKNOWLEDGE = 1;
const DRIVER = 2;
const DRIVER_OK = 4;
const FEATURES_OK = 8;
const ALL_WORD_0 = 0xffffffff;

type Step =
  | { readonly status: number }
  | { readonly accept: readonly [number, number] }
  | { readonly acceptOffered: true }
  | {
      readonly queue: number;
      readonly size?: number | null;
      readonly usedOffset?: number;
      readonly ready?: number | null;
    };

/** Does the steps, noting the status after each, then asks for the displays, twice. */
async function bringUp(guest: Observer, steps: readonly Step[]): Promise<void> {
  const { registers, subject } = guest;
  const rings: Ring[] = [];
  for (const [i, step] of steps.entries()) {
    if ("status" in step) await registers.setStatus(step.status);
    else if ("accept" in step) await registers.accept(...step.accept);
    else if ("acceptOffered" in step) {
      for (const word of [0, 1]) await registers.accept(word, await registers.offered(word));
    } else {
      const { size = 16, usedOffset } = step;
      const ring = new Ring(subject, step.queue, size ?? 16, usedOffset);
      rings[step.queue] = ring;
      await guest.setUp(ring, step);
    }
    guest.note(`status after step ${i}`, await registers.status());
  }
  const control = rings[0];
  if (control === undefined) return;
  for (let i = 0; i < 2; i++) {
    await guest.send(`display info ${i}`, control, request(GET_DISPLAY_INFO));
    guest.note(`interrupt ${i}`, await subject.isInterruptAsserted());
    await guest.noteState(`after request ${i}`);
  }
}

const QUEUES: readonly Step[] = [{ queue: 0 }, { queue: 1 }];
const VERSION_1: Step = { accept: [1, 1] };
const status = (value: number): Step => ({ status: value });

const SEQUENCES: Readonly<Record<string, readonly Step[]>> = {
  "as specified": [
    status(0),
    status(1),
    status(3),
    { accept: [0, 0] },
    VERSION_1,
    status(11),
    ...QUEUES,
    status(15),
  ],
  "no FEATURES_OK": [status(0), status(1), status(3), { accept: [0, 0] }, VERSION_1, ...QUEUES, status(7)],
  "no DRIVER_OK": [status(0), status(1), status(3), VERSION_1, status(11), ...QUEUES],
  "no status at all": [...QUEUES],
  "no reset first": [status(1), status(3), VERSION_1, status(11), ...QUEUES, status(15)],
  "no features at all": [status(0), status(1), status(3), status(11), ...QUEUES, status(15)],
  "nothing but DRIVER_OK": [status(DRIVER_OK), ...QUEUES],
  "one bit at a time": [
    status(0),
    status(ACKNOWLEDGE),
    status(DRIVER),
    VERSION_1,
    status(FEATURES_OK),
    ...QUEUES,
    status(DRIVER_OK),
  ],
  "all bits at once": [status(0), VERSION_1, status(15), ...QUEUES],
  "all bits at once, after the queues": [status(0), VERSION_1, ...QUEUES, status(15)],
  "queues after DRIVER_OK": [status(0), status(1), status(3), VERSION_1, status(11), status(15), ...QUEUES],
  "queues before the features": [
    status(0),
    status(1),
    status(3),
    ...QUEUES,
    VERSION_1,
    status(11),
    status(15),
  ],
  "everything that is offered": [
    status(0),
    status(1),
    status(3),
    { acceptOffered: true },
    status(11),
    ...QUEUES,
    status(15),
  ],
  "more than is offered": [
    status(0),
    status(1),
    status(3),
    { accept: [0, ALL_WORD_0] },
    VERSION_1,
    status(11),
    ...QUEUES,
    status(15),
  ],
  "features after FEATURES_OK": [
    status(0),
    status(1),
    status(3),
    status(11),
    { accept: [0, 2] },
    VERSION_1,
    ...QUEUES,
    status(15),
  ],
  "features in words beyond": [
    status(0),
    status(3),
    { accept: [2, ALL_WORD_0] },
    { accept: [7, ALL_WORD_0] },
    status(11),
    ...QUEUES,
    status(15),
  ],
  "the control queue only": [status(0), status(3), VERSION_1, status(11), { queue: 0 }, status(15)],
  "status goes back": [
    status(0),
    VERSION_1,
    status(11),
    ...QUEUES,
    status(15),
    status(3),
    status(1),
    status(15),
  ],
  FAILED: [status(0), VERSION_1, status(11), ...QUEUES, status(0x8f)],
  "reserved bits": [status(0), VERSION_1, status(0x2b), ...QUEUES, status(0x3f)],
  "NEEDS_RESET from the driver": [status(0), VERSION_1, status(11), ...QUEUES, status(0x4f)],
  "used ring misaligned by 2": [
    status(0),
    VERSION_1,
    status(11),
    { queue: 0, usedOffset: 4 + 2 * 16 + 2 },
    status(15),
  ],
  "QueueSize never written": [status(0), VERSION_1, status(11), { queue: 0, size: null }, status(15)],
  "QueueReady 2": [status(0), VERSION_1, status(11), { queue: 0, ready: 2 }, status(15)],
  "never ready": [status(0), VERSION_1, status(11), { queue: 0, ready: null }, status(15)],
  "ready twice": [status(0), VERSION_1, status(11), { queue: 0 }, { queue: 0 }, status(15)],
  "ready before the addresses, and after": [
    status(0),
    VERSION_1,
    status(11),
    { queue: 0, size: 8 },
    { queue: 0, size: 32 },
    status(15),
  ],
};

const SIZES = [0, 1, 2, 4, 8, 64, 65, 128, 256, 512, 1023, 1024, 1025, 2048, 32768, 65535];

export const BRING_UP_CASES: readonly VersusCase[] = [
  ...Object.entries(SEQUENCES).map(
    ([name, steps]): VersusCase => ({ id: `bring-up/${name}`, run: (guest) => bringUp(guest, steps) }),
  ),
  ...SIZES.map(
    (size): VersusCase => ({
      id: `queue-size/${size}`,
      async run(guest) {
        const { registers, subject } = guest;
        await registers.setStatus(11);
        await registers.select(0);
        guest.note("size before", await registers.size());
        // What the device makes of a size that it doesn't take is the one it had.
        const ring = new Ring(subject, 0, size > 0 && size <= 1024 ? size : 64);
        await guest.setUp(ring, { size });
        guest.note("size after", await registers.size());
        await registers.setStatus(15);
        for (let i = 0; i < 3; i++)
          await guest.send(`request ${i}`, ring, request(GET_DISPLAY_INFO), size === 1 ? 0 : 512);
        await guest.noteState("end");
      },
    }),
  ),
  {
    id: "queue-size/other queues",
    async run(guest) {
      const { registers } = guest;
      for (const queue of [0, 1, 2, 3, 63, 1023, 1024, 65535]) {
        await registers.select(queue);
        guest.note(`size of ${queue}`, await registers.size());
        guest.note(`ready ${queue}`, await registers.ready());
        await registers.setReady(1);
        guest.note(`ready ${queue} then`, await registers.ready());
        await registers.notify(queue);
        await guest.noteState(`queue ${queue}`);
      }
    },
  },
  {
    id: "queue-size/a size refused keeps the one before",
    async run(guest) {
      const { registers, subject } = guest;
      await registers.setStatus(11);
      await registers.select(0);
      for (const size of [32, 0, 2048, 0xffff]) {
        await registers.setSize(size);
        guest.note(`size after ${size}`, await registers.size());
      }
      await registers.setSize(32);
      await registers.setSize(0);
      const ring = new Ring(subject, 0, 32);
      await guest.setUp(ring, { size: null });
      await registers.setStatus(15);
      await guest.send("request", ring, request(GET_DISPLAY_INFO));
    },
  },
  {
    id: "queues/not there at all",
    async run(guest) {
      const { registers, subject } = guest;
      for (const address of [0, 0x8000000, 0xfeb00000, 2 ** 40]) {
        await registers.setStatus(0);
        await registers.accept(1, 1);
        await registers.setStatus(11);
        await registers.select(0);
        await registers.setSize(16);
        await registers.setAddresses(address, address + 0x1000, address + 0x2000);
        await registers.setReady(1);
        guest.note(`ready at ${address}`, await registers.ready());
        await guest.noteState(`at ${address}`);
        await registers.setStatus(15);
        await registers.notify(0);
        await guest.noteState(`at ${address}, after a notification`);
      }
      subject.ramWrite(0, new Uint8Array(16));
    },
  },
  {
    id: "queues/partly there",
    async run(guest) {
      const { registers } = guest;
      const good = { desc: 0x100000, avail: 0x101000, used: 0x102000 };
      const nowhere = 0x10000000;
      for (const [name, wrong] of Object.entries({
        desc: { ...good, desc: nowhere },
        avail: { ...good, avail: nowhere },
        used: { ...good, used: nowhere },
        "no desc": { ...good, desc: 0 },
        "no avail": { ...good, avail: 0 },
        "no used": { ...good, used: 0 },
      })) {
        await registers.setStatus(0);
        await registers.accept(1, 1);
        await registers.setStatus(11);
        await registers.select(0);
        await registers.setSize(16);
        await registers.setAddresses(wrong.desc, wrong.avail, wrong.used);
        await registers.setReady(1);
        await registers.setStatus(15);
        await guest.noteState(name);
        await registers.notify(0);
        await guest.noteState(`${name}, after a notification`);
      }
    },
  },
  ...[1, 2, 4, 8].flatMap((by) =>
    (["desc", "avail", "used"] as const).map(
      (part): VersusCase => ({
        id: `queues/${part} misaligned by ${by}`,
        async run(guest) {
          const { registers, subject } = guest;
          await registers.setStatus(11);
          await registers.select(0);
          await registers.setSize(4);
          const at = { desc: 0x100000, avail: 0x101000, used: 0x102000 };
          at[part] += by;
          await registers.setAddresses(at.desc, at.avail, at.used);
          await registers.setReady(1);
          await registers.setStatus(15);
          const le = (value: number): number[] => [0, 1, 2, 3].map((i) => (value >>> (8 * i)) & 0xff);
          subject.ramWrite(0x110000, request(GET_DISPLAY_INFO));
          subject.ramWrite(
            at.desc,
            Uint8Array.from([
              ...le(0x110000),
              ...le(0),
              ...le(24),
              1,
              0,
              1,
              0,
              ...le(0x111000),
              ...le(0),
              ...le(408),
              2,
              0,
              0,
              0,
            ]),
          );
          subject.ramWrite(at.avail, Uint8Array.from([0, 0, 1, 0, 0, 0]));
          await registers.notify(0);
          await guest.noteState("end");
          guest.note("used", Buffer.from(subject.ramRead(at.used, 12)).toString("hex"));
          guest.note("response", Buffer.from(subject.ramRead(0x111000, 48)).toString("hex"));
        },
      }),
    ),
  ),
];
