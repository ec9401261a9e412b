// Buffers, tables and rings that lie where others lie already. What comes of the data is the driver's own fault; the
// device must not be lost by it.
import { VIRTIO_F_INDIRECT_DESC } from "../../../wire/common.ts";
import type { CaseDefinition, CaseRun } from "../../case.ts";
import type { Element, QueueAddresses } from "../../guest/index.ts";
import { prepareProbe, refusedOrLost, SMALL } from "./rings.ts";

/** A device that neither serves nor says DEVICE_NEEDS_RESET breaks it. */
const ERROR_STATE = "content.device.device-status-field.2";

/** Where the device is made to write its answer. */
const PLACES: Readonly<Record<string, (addresses: QueueAddresses, readable: Element | undefined) => number>> =
  {
    "the-request": ({ descriptors }, readable) =>
      readable === undefined ? descriptors : Number(readable.address),
    "the-descriptors": ({ descriptors }) => descriptors,
    "the-driver-area": ({ driver }) => driver,
    "the-device-area": ({ device }) => device,
  };

/** The cases of one ring format. */
export function overlapCases(
  area: string,
  format: "split" | "packed",
  extra: readonly string[],
): CaseDefinition[] {
  const needs = { format };
  return [
    {
      id: `${area}/overlap/answer`,
      title:
        "An answer that is to be written over the request or over the ring itself does not lose the device",
      clauses: [ERROR_STATE, ...extra],
      needs,
      parameters: Object.keys(PLACES).map((over) => ({ over })),
      async run(t, { over }) {
        await t.guest.start({ queueSize: SMALL });
        const ring = t.guest.ring(0);
        const { elements } = prepareProbe(t.guest, 0, 2);
        const readable = elements.filter(({ writable }) => !writable);
        const writable = elements.filter((element) => element.writable);
        const address = PLACES[String(over)]?.(ring.addresses, readable[0]) ?? 0;
        t.guest.placeElements(ring, [...readable, ...writable.map((element) => ({ ...element, address }))]);
        await t.guest.kick(ring);
        await refusedOrLost(t);
      },
    },
    {
      id: `${area}/overlap/elements`,
      title: "Elements of a chain that lie over each other do not lose the device",
      clauses: [ERROR_STATE, ...extra],
      needs,
      async run(t) {
        await t.guest.start({ queueSize: SMALL });
        const ring = t.guest.ring(0);
        const { elements } = prepareProbe(t.guest, 0, 6);
        const writable = elements.filter((element) => element.writable);
        const address = Number(writable[0]?.address ?? 0);
        t.guest.placeElements(
          ring,
          elements.map((element) => (element.writable ? { ...element, address: address + 1 } : element)),
        );
        await t.guest.kick(ring);
        await t.refused();
      },
    },
    {
      id: `${area}/overlap/table`,
      title: "An indirect table that lies in the ring, or in that of another queue, does not lose the device",
      clauses: [ERROR_STATE, ...extra],
      needs: { ...needs, features: [VIRTIO_F_INDIRECT_DESC] },
      parameters: [{ where: "in-its-own-ring" }, { where: "in-another-ring" }],
      async run(t, { where }) {
        await t.guest.start({ queueSize: SMALL, features: [VIRTIO_F_INDIRECT_DESC] });
        const ring = t.guest.ring(0);
        const other = where === "in-another-ring" ? [...t.guest.rings.values()].at(-1) : ring;
        await offerTableAt(t, (other ?? ring).addresses.descriptors);
        await refusedOrLost(t);
      },
    },
    {
      id: `${area}/overlap/areas`,
      title: "Areas of a queue that lie over each other do not lose the device",
      clauses: [ERROR_STATE, ...extra],
      needs,
      parameters: [
        { area: "driver", over: "device" },
        { area: "driver", over: "descriptors" },
        { area: "device", over: "descriptors" },
      ],
      async run(t, { area: which, over }) {
        const { guest } = t;
        if (!(await guest.negotiate())) t.fail("FEATURES_OK does not stand");
        const ring = await guest.configureQueue(0, SMALL);
        const place = ring.addresses[over as keyof QueueAddresses];
        await guest.registers.setQueueAddresses(0, { ...ring.addresses, [String(which)]: place });
        await guest.registers.setQueueEnabled(0, 1);
        await guest.driverOk();
        const { elements } = prepareProbe(guest, 0, 2);
        guest.placeElements(ring, elements);
        await guest.kick(ring);
        await refusedOrLost(t);
      },
    },
  ];
}

/** Offers a table of two entries wherever it lies. */
async function offerTableAt(t: CaseRun, table: number): Promise<void> {
  const ring = t.guest.ring(0);
  const { elements } = prepareProbe(t.guest, 0, 2);
  // A table as it should be, but for its place: the ring's own words are left as they are.
  const request = t.guest.placeElements(ring, elements, { indirectFrom: 0 });
  const [slot = 0] = request.placed.slots;
  t.guest.arena.write(ring.addresses.descriptors + 16 * slot, 4, table);
  await t.guest.kick(ring);
}
