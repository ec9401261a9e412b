import { ATTACH, B8G8R8X8, CREATE_2D, FLUSH, SET_SCANOUT, TRANSFER } from "./case.ts";
import { MAP, Observer, type Registers, Ring, registersOf, request } from "./guest.ts";
import type { Picture, Subject, Transport } from "./subject.ts";

const SIDE = 32;

/** How a small driver sets about it, and what of that it should not do. */
export interface RawDriver {
  readonly name: string;
  readonly transport?: Transport;
  /** With `spec`: what its trace says, or "draws" where nothing is wrong with it there. */
  readonly spec: RegExp | "draws";
  readonly size?: number | null;
  readonly usedOffset?: number;
  readonly statuses?: readonly [
    before: readonly number[],
    featuresOk: number | null,
    driverOk: number | null,
  ];
  readonly features?: (registers: Registers) => Promise<void>;
  readonly queuesFirst?: boolean;
  readonly entries?: readonly (readonly [address: number, length: number])[];
}

const version1 = async (registers: Registers): Promise<void> => {
  await registers.accept(0, 0);
  await registers.accept(1, 1);
};

export const RAW_DRIVERS: readonly RawDriver[] = [
  { name: "no mistake", spec: "draws" },
  { name: "no FEATURES_OK", spec: /queue-enable|driver-ok-without/, statuses: [[0, 1, 3], null, 7] },
  { name: "no DRIVER_OK", spec: /notified-before-driver-ok/, statuses: [[0, 1, 3], 11, null] },
  { name: "DRIVER_OK as the first and only status", spec: /driver-ok-without/, statuses: [[4], null, null] },
  { name: "one status bit at a time", spec: /status-bits-cleared/, statuses: [[0, 1, 2], 8, 4] },
  { name: "a queue of 1024 entries", spec: /queue-size/, size: 1024 },
  { name: "a queue of 256 entries", spec: /queue-size/, size: 256 },
  { name: "QueueSize never written", spec: "draws", size: null },
  { name: "QueueSize 0", transport: "mmio", spec: /queue-size/, size: 0 },
  {
    name: "a used ring right behind the available ring",
    spec: /ring-misaligned/,
    usedOffset: 4 + 2 * 16 + 2,
  },
  { name: "no features at all", spec: /features-refused/, features: async () => {} },
  {
    name: "all feature bits there are",
    spec: /features-refused/,
    features: async (registers) => {
      await registers.accept(0, 0xffffffff);
      await registers.accept(1, 0xffffffff);
    },
  },
  { name: "queues before the features", spec: /queue-enable/, queuesFirst: true },
  {
    name: "a page of the backing outside of memory",
    spec: /command-refused/,
    entries: [
      [MAP.pixels, SIDE * SIDE * 4],
      [0x10000000, 4096],
    ],
  },
];

/** What every driver paints: another colour in each pixel. */
export function painting(): Buffer {
  const pixels = Buffer.alloc(SIDE * SIDE * 4);
  for (let i = 0; i < SIDE * SIDE; i++) pixels.writeUInt32LE(Math.imul(i + 1, 2654435761) >>> 8, 4 * i);
  return pixels;
}

/** Lets a driver paint, waiting for nothing that does not come; returns what the first head shows then. */
export async function paint(subject: Subject, driver: RawDriver): Promise<Picture | null> {
  await subject.powerOn();
  const registers = await registersOf(subject);
  const guest = new Observer(subject, registers);
  const { size = 16, usedOffset, statuses = [[0, 1, 3], 11, 15], features = version1 } = driver;
  const ring = new Ring(subject, 0, size === null || size === 0 ? 64 : size, usedOffset);
  const [before, featuresOk, driverOk] = statuses;
  for (const status of before) await registers.setStatus(status);
  if (driver.queuesFirst) await guest.setUp(ring, { size });
  await features(registers);
  if (featuresOk !== null) await registers.setStatus(featuresOk);
  if (!driver.queuesFirst) await guest.setUp(ring, { size });
  if (driverOk !== null) await registers.setStatus(driverOk);
  subject.ramWrite(MAP.pixels, painting());
  const whole = [0, 0, SIDE, SIDE];
  const entries = driver.entries ?? [[MAP.pixels, SIDE * SIDE * 4]];
  for (const bytes of [
    request(CREATE_2D, [1, B8G8R8X8, SIDE, SIDE]),
    request(ATTACH, [1, entries.length, ...entries.flatMap(([address, length]) => [address, 0, length, 0])]),
    request(SET_SCANOUT, [...whole, 0, 1]),
    request(TRANSFER, [...whole, 0, 0, 1, 0]),
    request(FLUSH, [...whole, 1, 0]),
  ]) {
    await guest.send("request", ring, bytes);
  }
  return subject.screen(0);
}

/** Whether a picture is the painting, pixel by pixel. */
export function isPainting(picture: Picture | null): boolean {
  if (picture === null || picture.width !== SIDE || picture.height !== SIDE) return false;
  const pixels = painting();
  for (let i = 0; i < SIDE * SIDE; i++) {
    for (let channel = 0; channel < 3; channel++) {
      if (picture.rgba[4 * i + channel] !== pixels[4 * i + 2 - channel]) return false;
    }
  }
  return true;
}
