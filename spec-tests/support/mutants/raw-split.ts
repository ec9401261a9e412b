import type { RawDriver } from "./raw-driver.ts";
import { BUFFERS, INDIRECT, NEXT, RawGuest, RING, TABLE, WRITE } from "./raw-guest.ts";

const INDIRECT_DESC = 28;
const EVENT_IDX = 29;
/** Where avail_event of a queue of eight lies. */
const AVAIL_EVENT = RING.device + 4 + 64;

export const RAW_SPLIT: Readonly<Record<string, RawDriver>> = {
  "split-area-not-aligned": (broken, made) => {
    const guest = new RawGuest(made);
    guest.begin();
    guest.negotiate();
    guest.queue(8, { ...RING, device: broken ? RING.device + 2 : RING.device });
    guest.live();
  },
  "split-chain-in-circles": (broken, made) => {
    const guest = new RawGuest(made);
    guest.start();
    guest.split(0, { flags: WRITE | NEXT, extra: 1 });
    guest.split(1, { flags: broken ? WRITE | NEXT : WRITE, extra: 0 });
    guest.offer(0, 0);
    guest.notify();
  },
  "split-chain-of-more-than-4-gib": (broken, made) => {
    const guest = new RawGuest(made);
    guest.start();
    guest.split(0, { flags: WRITE | NEXT, length: broken ? 0xffffffff : 16, extra: 1 });
    guest.split(1, { flags: WRITE, length: 16 });
    guest.offer(0, 0);
    guest.notify();
  },
  "split-indirect-not-negotiated": (broken, made) => {
    const guest = new RawGuest(made, [INDIRECT_DESC]);
    guest.start(broken ? [] : [INDIRECT_DESC]);
    guest.split(0, { flags: WRITE }, TABLE);
    guest.split(0, { flags: INDIRECT, address: TABLE });
    guest.offer(0, 0);
    guest.notify();
  },
  "split-chain-longer-than-the-queue": (broken, made) => {
    const guest = new RawGuest(made, [INDIRECT_DESC]);
    guest.start([INDIRECT_DESC]);
    const count = broken ? 9 : 8;
    for (let i = 0; i < count; i++) {
      const last = i === count - 1;
      guest.split(i, { flags: last ? WRITE : WRITE | NEXT, extra: last ? 0 : i + 1 }, TABLE);
    }
    guest.split(0, { flags: INDIRECT, address: TABLE, length: 16 * count });
    guest.offer(0, 0);
    guest.notify();
  },
  "split-available-index-decremented": (broken, made) => {
    const guest = new RawGuest(made);
    guest.start();
    for (let i = 0; i < 3; i++) {
      guest.split(0, { flags: WRITE });
      guest.offer(0, i);
      guest.notify();
    }
    if (broken) guest.put16(RING.driver + 2, 1);
    guest.glance();
  },
  "split-used-flags-not-zero": (broken, made) => {
    const guest = new RawGuest(made);
    guest.begin();
    guest.negotiate();
    if (broken) guest.put16(RING.device, 1);
    guest.queue();
    guest.live();
  },
  "split-too-many-descriptors": (broken, made) => {
    const guest = new RawGuest(made);
    guest.start();
    for (let i = 0; i < 4; i++) {
      guest.split(i, { flags: i < 3 ? WRITE | NEXT : WRITE, extra: i + 1, length: broken && i > 0 ? 0 : 2 });
    }
    guest.offer(0, 0);
    guest.notify();
  },
  "split-notifies-though-flags-say-no": (broken, made) => {
    const guest = new RawGuest(made);
    guest.start();
    guest.put16(RING.device, 1);
    guest.glance();
    guest.split(0, { flags: WRITE, address: BUFFERS });
    guest.offer(0, 0);
    guest.glance();
    if (broken) guest.notify();
  },
  "split-notifies-though-the-event-is-elsewhere": (broken, made) => {
    const guest = new RawGuest(made, [EVENT_IDX]);
    guest.start([EVENT_IDX]);
    guest.put16(AVAIL_EVENT, 5);
    guest.glance();
    guest.split(0, { flags: WRITE, address: BUFFERS });
    guest.offer(0, 0);
    guest.glance();
    if (broken) guest.notify();
  },
};
