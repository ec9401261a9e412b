import type { RawDriver } from "./raw-driver.ts";
import { AVAIL, INDIRECT, NEXT, RawGuest, RING, TABLE, USED, WRITE } from "./raw-guest.ts";

const INDIRECT_DESC = 28;
const RING_PACKED = 34;
const OFFERED = [RING_PACKED, INDIRECT_DESC] as const;

export const RAW_PACKED: Readonly<Record<string, RawDriver>> = {
  "packed-area-not-aligned": (broken, made) => {
    const guest = new RawGuest(made, OFFERED);
    guest.begin();
    guest.negotiate([RING_PACKED]);
    guest.queue(8, { ...RING, driver: broken ? RING.driver + 2 : RING.driver });
    guest.live();
  },
  "packed-descriptor-changed-in-flight": (broken, made) => {
    const guest = new RawGuest(made, OFFERED);
    guest.start([RING_PACKED]);
    guest.packed(0, { flags: AVAIL | WRITE });
    guest.glance();
    if (broken) guest.packed(0, { flags: AVAIL | WRITE, length: 8 });
    guest.notify();
  },
  "packed-descriptor-reused-before-used": (broken, made) => {
    const guest = new RawGuest(made, OFFERED);
    guest.start([RING_PACKED], 2);
    for (let slot = 0; slot < 2; slot++) guest.packed(slot, { flags: AVAIL | WRITE, extra: slot });
    guest.glance();
    if (broken) guest.packed(0, { flags: USED | WRITE, extra: 0 });
    guest.glance();
    guest.notify();
  },
  "packed-list-longer-than-the-queue": (broken, made) => {
    const guest = new RawGuest(made, OFFERED);
    guest.start([RING_PACKED], 4);
    for (let slot = 0; slot < 4; slot++) {
      const last = slot === 3 && !broken;
      guest.packed(slot, { flags: last ? AVAIL | WRITE : AVAIL | WRITE | NEXT });
    }
    guest.notify();
  },
  "packed-list-without-room": (broken, made) => {
    const guest = new RawGuest(made, OFFERED);
    guest.start([RING_PACKED], 4);
    for (let slot = 0; slot < 2; slot++) guest.packed(slot, { flags: AVAIL | WRITE, extra: slot });
    guest.glance();
    // Three more, where there is room for two: the third waits until the device uses the first.
    guest.packed(2, { flags: broken ? AVAIL | WRITE | NEXT : AVAIL | WRITE, extra: 2 });
    if (broken) guest.packed(3, { flags: AVAIL | WRITE | NEXT, extra: 2 });
    guest.notify();
  },
  "packed-first-descriptor-too-early": (broken, made) => {
    const guest = new RawGuest(made, OFFERED);
    guest.start([RING_PACKED]);
    if (!broken) guest.packed(1, { flags: AVAIL | WRITE });
    guest.packed(0, { flags: AVAIL | WRITE | NEXT });
    guest.glance();
    guest.packed(1, { flags: AVAIL | WRITE });
    guest.notify();
  },
  "packed-indirect-not-negotiated": (broken, made) => {
    const guest = new RawGuest(made, OFFERED);
    guest.start(broken ? [RING_PACKED] : [...OFFERED]);
    guest.packed(0, { flags: WRITE }, TABLE);
    guest.packed(0, { flags: AVAIL | INDIRECT, address: TABLE });
    guest.notify();
  },
  "packed-indirect-table-longer-than-the-queue": (broken, made) => {
    const guest = new RawGuest(made, OFFERED);
    guest.start([...OFFERED]);
    const count = broken ? 9 : 8;
    for (let i = 0; i < count; i++) guest.packed(i, { flags: WRITE }, TABLE);
    guest.packed(0, { flags: AVAIL | INDIRECT, address: TABLE, length: 16 * count });
    guest.notify();
  },
};
