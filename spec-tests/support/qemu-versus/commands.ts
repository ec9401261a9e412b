import {
  ATTACH,
  B8G8R8X8,
  CREATE_2D,
  DETACH,
  FLUSH,
  GET_DISPLAY_INFO,
  GET_EDID,
  MOVE_CURSOR,
  SET_SCANOUT,
  TRANSFER,
  UNREF,
  UPDATE_CURSOR,
  type VersusCase,
} from "./case.ts";
import { MAP, type Observer, type Ring, request } from "./guest.ts";

type Words = readonly number[];
/** A request of the control queue: type and words; a string notes what head 0 shows. */
type Step = readonly [number, Words] | "screen" | "second screen";

const BIG = 0xffffffff;
const NOWHERE = 0x10000000;
const HALF = 0x80000000;

async function fillPixels(guest: Observer): Promise<void> {
  const pixels = Buffer.alloc(0x100000);
  for (let i = 0; i < pixels.length; i += 4) pixels.writeUInt32LE(Math.imul(i + 1, 2654435761) >>> 0, i);
  guest.subject.ramWrite(MAP.pixels, pixels);
}

function control(id: string, steps: readonly Step[]): VersusCase {
  return {
    id: `commands/${id}`,
    async run(guest) {
      const { control: ring } = await guest.bringUp();
      await fillPixels(guest);
      for (const [i, step] of steps.entries()) {
        if (step === "screen") await guest.screen(`${i} screen`);
        else if (step === "second screen") await guest.screen(`${i} second screen`, 1);
        else await guest.send(`${i} ${step[0].toString(16)} ${step[1].join(",")}`, ring, request(...step));
      }
      await guest.noteState("end");
    },
  };
}

const create = (id: number, width = 32, height = 32, format: number = B8G8R8X8): Step => [
  CREATE_2D,
  [id, format, width, height],
];
const attach = (id: number, ...entries: readonly (readonly [number, number])[]): Step => [
  ATTACH,
  [
    id,
    entries.length,
    ...entries.flatMap(([address, length]) => [address % 2 ** 32, Math.floor(address / 2 ** 32), length, 0]),
  ],
];
const backing = (id: number, bytes = 4096): Step => attach(id, [MAP.pixels, bytes]);
const scanout = (id: number, rectangle: Words = [0, 0, 32, 32], head = 0): Step => [
  SET_SCANOUT,
  [...rectangle, head, id],
];
const transfer = (id: number, rectangle: Words = [0, 0, 32, 32], offset = 0): Step => [
  TRANSFER,
  [...rectangle, offset % 2 ** 32, Math.floor(offset / 2 ** 32), id, 0],
];
const flush = (id: number, rectangle: Words = [0, 0, 32, 32]): Step => [FLUSH, [...rectangle, id, 0]];
const unref = (id: number): Step => [UNREF, [id, 0]];
const detach = (id: number): Step => [DETACH, [id, 0]];

const EDGES: readonly Words[] = [
  [0, 0, 32, 32],
  [0, 0, 33, 32],
  [0, 0, 32, 33],
  [1, 0, 32, 32],
  [0, 1, 32, 32],
  [16, 16, 16, 16],
  [32, 32, 0, 0],
  [33, 0, 0, 0],
  [0, 0, 0, 0],
  [0, 0, 15, 16],
  [0, 0, 16, 15],
  [BIG, 0, 1, 1],
  [BIG, BIG, 2, 2],
  [HALF, 0, HALF, 32],
  [16, 0, BIG, 16],
  [5, 7, 17, 16],
];

async function sendShort(
  guest: Observer,
  ring: Ring,
  type: number,
  lengths: readonly number[],
): Promise<void> {
  for (const length of lengths) {
    const bytes = request(type, new Array(20).fill(1)).subarray(0, length);
    await guest.send(`${type.toString(16)} of ${length} bytes`, ring, bytes);
    await guest.noteState(`after ${length}`);
  }
}

const STRUCT_BYTES: Readonly<Record<number, number>> = {
  [GET_DISPLAY_INFO]: 24,
  [CREATE_2D]: 40,
  [UNREF]: 32,
  [SET_SCANOUT]: 48,
  [FLUSH]: 48,
  [TRANSFER]: 56,
  [ATTACH]: 32,
  [DETACH]: 32,
  [GET_EDID]: 32,
};

const TYPES = [
  0,
  1,
  0xff,
  ...Array.from({ length: 16 }, (_, i) => 0x100 + i),
  ...Array.from({ length: 12 }, (_, i) => 0x200 + i),
  0x300,
  0x301,
  0x302,
  0x400,
  0x1100,
  BIG,
];

export const COMMAND_CASES: readonly VersusCase[] = [
  control("a picture", [
    "screen",
    create(1),
    backing(1),
    scanout(1),
    "screen",
    transfer(1),
    "screen",
    flush(1),
    "screen",
    unref(1),
    "screen",
  ]),
  ...[1, 2, 3, 4, 67, 68, 121, 134].map((format) =>
    control(`format ${format}`, [
      create(1, 32, 32, format),
      backing(1),
      transfer(1),
      scanout(1),
      flush(1),
      "screen",
    ]),
  ),
  ...[17, 18, 19, 21, 33].map((width) =>
    control(`width ${width}`, [
      create(1, width, 20),
      backing(1),
      transfer(1, [0, 0, width, 20]),
      scanout(1, [0, 0, width, 20]),
      flush(1, [0, 0, width, 20]),
      "screen",
    ]),
  ),
  control("create, what is wrong", [
    create(0),
    create(1),
    create(1),
    create(1, 0, 0),
    create(2, 32, 32, 0),
    create(2, 32, 32, 5),
    create(2, 32, 32, 66),
    create(2, 32, 32, BIG),
    create(0, 32, 32, 0),
    create(1, 32, 32, 0),
    create(BIG),
    unref(BIG),
  ]),
  control("create, empty", [create(1, 0, 0), create(2, 0, 5), create(3, 5, 0), unref(1), unref(2), unref(3)]),
  control("create, sizes at the limit", [
    create(1, 8192, 8191),
    unref(1),
    create(1, 8192, 8192),
    create(1, 16384, 4095),
    unref(1),
    create(1, 4096, 16384),
    create(2, HALF, 2),
    create(3, BIG, BIG),
    create(4, 0x8000000, 1),
    create(5, 1, 0x40000000),
  ]),
  control("create, very wide and very high", [
    create(1, 16385, 1),
    create(2, 1, 16385),
    create(3, 32768, 1),
    create(4, 65536, 2),
  ]),
  control("what is not there", [
    unref(9),
    flush(9),
    transfer(9),
    scanout(9),
    detach(9),
    backing(9),
    unref(0),
    flush(0),
    transfer(0),
    detach(0),
    backing(0),
  ]),
  control("without backing", [
    create(1),
    transfer(1),
    scanout(1),
    flush(1),
    detach(1),
    "screen",
    backing(1),
    detach(1),
    detach(1),
    transfer(1),
    scanout(1),
  ]),
  control("detached while it is shown", [
    create(1),
    backing(1),
    transfer(1),
    scanout(1),
    flush(1),
    "screen",
    detach(1),
    flush(1),
    "screen",
    backing(1),
    "screen",
  ]),
  control("attach, what is wrong", [
    create(1),
    [ATTACH, [1, 0]],
    [ATTACH, [1, 1]],
    [ATTACH, [1, 2, MAP.pixels, 0, 4096, 0]],
    [ATTACH, [1, 16384, MAP.pixels, 0, 4096, 0]],
    [ATTACH, [1, 16385, MAP.pixels, 0, 4096, 0]],
    [ATTACH, [1, BIG, MAP.pixels, 0, 4096, 0]],
    attach(1, [MAP.pixels, 0]),
    attach(1, [MAP.pixels, 4096], [MAP.pixels, 0]),
    backing(1),
    backing(1),
    [ATTACH, [1, 0]],
    detach(1),
    [ATTACH, [1, 0]],
    [ATTACH, [1, 0]],
    detach(1),
    transfer(1),
  ]),
  control("attach, outside of memory", [
    create(1),
    attach(1, [NOWHERE, 4096]),
    transfer(1),
    detach(1),
    attach(1, [NOWHERE, 1]),
    detach(1),
    attach(1, [NOWHERE, 4097]),
    attach(1, [NOWHERE, 8192]),
    attach(1, [NOWHERE, 4096], [NOWHERE, 4096]),
    attach(1, [NOWHERE, 16], [NOWHERE + 4096, 16]),
    attach(1, [NOWHERE, 4096], [MAP.pixels, 4096]),
    detach(1),
    attach(1, [MAP.pixels, 4096], [NOWHERE, 4096]),
    detach(1),
    attach(1, [0x4000000 - 16, 4096]),
    detach(1),
    attach(1, [0x4000000 - 16, 8192]),
    attach(1, [2 ** 40, 4096]),
    detach(1),
    attach(1, [2 ** 40 + 100, 4000]),
  ]),
  control("attach, outside of memory, of two resources", [
    create(1),
    create(2),
    attach(1, [NOWHERE, 4096]),
    attach(2, [NOWHERE, 4096]),
    attach(2, [MAP.pixels, 4096]),
    detach(1),
    detach(2),
    attach(2, [NOWHERE, 4096]),
    attach(1, [NOWHERE, 16]),
    unref(2),
    attach(1, [NOWHERE, 16]),
  ]),
  control("attach, in pieces", [
    create(1),
    attach(1, [MAP.pixels + 8192, 100], [MAP.pixels, 1000], [MAP.pixels + 4096, 4]),
    scanout(1),
    transfer(1),
    "screen",
  ]),
  control("set scanout, rectangles", [
    create(1),
    backing(1),
    transfer(1),
    ...EDGES.flatMap((r): Step[] => [scanout(1, r), "screen"]),
  ]),
  control("set scanout, heads", [
    create(1),
    backing(1),
    transfer(1),
    scanout(1, [0, 0, 32, 32], 1),
    "second screen",
    scanout(1, [0, 0, 16, 16], 0),
    "screen",
    scanout(1, [0, 0, 32, 32], 2),
    scanout(1, [0, 0, 32, 32], 16),
    scanout(1, [0, 0, 32, 32], BIG),
    scanout(9, [0, 0, 32, 32], 2),
    scanout(0, [0, 0, 0, 0], 2),
    scanout(0, [1, 2, 3, 4], 1),
    "second screen",
    scanout(0, [0, 0, 0, 0], 0),
    "screen",
    scanout(0),
    scanout(9),
    "screen",
  ]),
  control("set scanout, one after the other", [
    create(1),
    backing(1),
    transfer(1),
    create(2, 64, 16),
    backing(2),
    transfer(2, [0, 0, 64, 16]),
    scanout(1),
    "screen",
    scanout(2, [0, 0, 64, 16]),
    "screen",
    unref(1),
    "screen",
    unref(2),
    "screen",
  ]),
  control("flush, rectangles", [
    create(1),
    backing(1),
    scanout(1),
    ...EDGES.map((r) => flush(1, r)),
    flush(1, [0, 0, 32, 32]),
    "screen",
  ]),
  control("transfer, rectangles", [
    create(1),
    backing(1),
    scanout(1),
    ...EDGES.flatMap((r): Step[] => [transfer(1, r), "screen"]),
  ]),
  control("transfer, offsets", [
    create(1),
    backing(1),
    scanout(1),
    transfer(1, [0, 0, 32, 16], 2048),
    "screen",
    transfer(1, [4, 4, 8, 8], 1),
    "screen",
    transfer(1, [0, 0, 32, 32], 4),
    "screen",
    transfer(1, [0, 8, 32, 8], 3072),
    "screen",
    transfer(1, [8, 8, 1, 1], 4092),
    "screen",
    transfer(1, [8, 8, 1, 1], 4095),
    "screen",
  ]),
  control("transfer, backing smaller than the picture", [
    create(1),
    backing(1, 2000),
    scanout(1),
    transfer(1, [0, 0, 32, 15]),
    "screen",
    transfer(1, [0, 20, 32, 4], 0),
    "screen",
  ]),
  control("display info", [
    [GET_DISPLAY_INFO, []],
    [GET_DISPLAY_INFO, [1, 2, 3]],
  ]),
  control("EDID", [
    [GET_EDID, [0, 0]],
    [GET_EDID, [1, 0]],
    [GET_EDID, [2, 0]],
    [GET_EDID, [BIG, 0]],
  ]),
  {
    id: "commands/every type, short and long",
    async run(guest) {
      const { control: ring } = await guest.bringUp();
      for (const type of TYPES) {
        await guest.send(`${type.toString(16)}, header only`, ring, request(type));
        // Words that are no id of anything.
        await guest.send(`${type.toString(16)}, with zeros`, ring, request(type, new Array(40).fill(0)));
        await guest.send(
          `${type.toString(16)}, with other words`,
          ring,
          request(type, new Array(40).fill(0x7fff0001)),
        );
      }
      await guest.noteState("end");
    },
  },
  ...Object.entries(STRUCT_BYTES).map(
    ([type, lengthBytes]): VersusCase => ({
      id: `commands/short requests of ${Number(type).toString(16)}`,
      async run(guest) {
        const { control: ring } = await guest.bringUp();
        await sendShort(
          guest,
          ring,
          Number(type),
          [24, 25, 28, lengthBytes - 1, lengthBytes, lengthBytes + 4].filter((bytes) => bytes >= 24),
        );
      },
    }),
  ),
  {
    id: "commands/shorter than a header",
    async run(guest) {
      const { control: ring } = await guest.bringUp();
      await sendShort(guest, ring, GET_DISPLAY_INFO, [23, 4, 1]);
      await guest.send("a whole one then", ring, request(GET_DISPLAY_INFO));
    },
  },
  {
    id: "commands/responses with little room",
    async run(guest) {
      const { control: ring } = await guest.bringUp();
      for (const room of [0, 1, 8, 23, 24, 25, 100, 407, 408, 512]) {
        await guest.send(`display info into ${room}`, ring, request(GET_DISPLAY_INFO), room);
        await guest.send(`an error into ${room}`, ring, request(UNREF, [9, 0]), room);
      }
    },
  },
  {
    id: "commands/headers",
    async run(guest) {
      const { control: ring } = await guest.bringUp();
      for (const flags of [0, 1, 2, 3, 0x80000000, BIG]) {
        await guest.send(
          `flags ${flags}`,
          ring,
          request(UNREF, [9, 0], [flags, 0x11223344, 0x55667788, 7, 0x05040302]),
        );
        await guest.send(`flags ${flags}, done`, ring, request(GET_DISPLAY_INFO, [], [flags, 1, 2, 3, 4]));
      }
    },
  },
  {
    id: "commands/on the other queue",
    async run(guest) {
      const { control: ring, cursor } = await guest.bringUp();
      await guest.send("display info on the cursor queue", cursor, request(GET_DISPLAY_INFO));
      await guest.send(
        "update cursor on the control queue",
        ring,
        request(UPDATE_CURSOR, new Array(8).fill(0)),
      );
      await guest.send("move cursor on the control queue", ring, request(MOVE_CURSOR, new Array(8).fill(0)));
      await guest.noteState("end");
    },
  },
  {
    id: "commands/cursor",
    async run(guest) {
      const { control: ring, cursor } = await guest.bringUp();
      await fillPixels(guest);
      await guest.send("create", ring, request(CREATE_2D, [1, 1, 64, 64]));
      await guest.send("attach", ring, request(ATTACH, [1, 1, MAP.pixels, 0, 16384, 0]));
      await guest.send("transfer", ring, request(TRANSFER, [0, 0, 64, 64, 0, 0, 1, 0]));
      const lists: readonly Words[] = [
        [0, 10, 20, 0, 1, 3, 4, 0],
        [0, 10, 20, 0, 0, 3, 4, 0],
        [0, 10, 20, 0, 9, 3, 4, 0],
        [1, BIG, BIG, 0, 1, 63, 63, 0],
        [2, 0, 0, 0, 1, 0, 0, 0],
        [BIG, 0, 0, 0, 1, BIG, BIG, 0],
      ];
      for (const type of [UPDATE_CURSOR, MOVE_CURSOR, 0x302, 0x100, 0]) {
        for (const words of lists) {
          await guest.send(`${type.toString(16)} ${words.join(",")}`, cursor, request(type, words));
          await guest.send(
            `${type.toString(16)} ${words.join(",")} without room`,
            cursor,
            request(type, words),
            0,
          );
        }
        await guest.send(`${type.toString(16)}, short`, cursor, request(type, [0, 1, 2]));
        await guest.send(
          `${type.toString(16)}, shorter than a header`,
          cursor,
          request(type).subarray(0, 10),
        );
        await guest.noteState(`after ${type.toString(16)}`);
      }
      await guest.send("fenced", cursor, request(MOVE_CURSOR, new Array(8).fill(0), [1, 5, 6, 7, 8]));
    },
  },
  {
    id: "commands/a reset takes it all",
    async run(guest) {
      const { control: first } = await guest.bringUp();
      await fillPixels(guest);
      for (const step of [create(1), backing(1), transfer(1), scanout(1)] as const) {
        if (typeof step !== "string") await guest.send("first", first, request(...step));
      }
      await guest.screen("before");
      const { control: second } = await guest.bringUp();
      await guest.screen("after");
      await guest.send("unref", second, request(UNREF, [1, 0]));
      await guest.send("create", second, request(CREATE_2D, [1, B8G8R8X8, 32, 32]));
    },
  },
];
