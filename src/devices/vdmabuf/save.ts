import type { PlainValue } from "../../device/device-type.ts";
import { findPages, saveSegments } from "../../device/state/saved-pages.ts";
import {
  checkUnique,
  type Field,
  inside,
  type Lift,
  lifted,
  list,
  listOf,
  misfit,
  record,
  size,
  whole,
} from "../../device/state/schema.ts";
import type { GuestMemory } from "../../memory/guest-memory.ts";
import type { GuestPages } from "../../memory/guest-pages.ts";
import { VIRTIO_VDMABUF_CMD_DMABUF_REL, VIRTIO_VDMABUF_PAGE_BYTES } from "../../wire/vdmabuf.ts";
import type { VdmabufBuffer } from "./buffer.ts";
import type { VdmabufEvent } from "./events.ts";
import type { VdmabufId } from "./id.ts";
import type { VdmabufLimits } from "./options.ts";

const VERSION = 1;

/** A buffer out of a saved state. */
export interface SavedBuffer {
  readonly id: VdmabufId;
  readonly pageCount: number;
  readonly pages: GuestPages;
  readonly privateData: Uint8Array<ArrayBuffer>;
}

/** What a device goes on with. */
export interface SavedVdmabuf {
  readonly vmId: number;
  readonly buffers: readonly SavedBuffer[];
  readonly events: readonly VdmabufEvent[];
}

/** The state as a plain object. */
export function saveVdmabuf(
  vmId: number,
  buffers: Iterable<VdmabufBuffer>,
  events: readonly VdmabufEvent[],
): PlainValue {
  const savedBuffers: PlainValue[] = [];
  const savedEvents: PlainValue[] = events.map(saveEvent);
  for (const buffer of buffers) {
    if (buffer.held) savedBuffers.push(saveBuffer(buffer));
    // Those who still use it do not come along, so that the guest gets it back.
    else savedEvents.push(saveEvent({ command: VIRTIO_VDMABUF_CMD_DMABUF_REL, id: buffer.id, status: -1 }));
  }
  return { version: VERSION, vmId, buffers: savedBuffers, events: savedEvents };
}

function saveId({ vmId, counter, key0, key1 }: VdmabufId): PlainValue {
  return [vmId, counter, key0, key1];
}

function saveEvent({ command, id, status }: VdmabufEvent): PlainValue {
  return { command, id: saveId(id), status };
}

function saveBuffer(buffer: VdmabufBuffer): PlainValue {
  const { id, pageCount, sizeBytes, privateData, pages } = buffer;
  return {
    id: saveId(id),
    pageCount,
    sizeBytes,
    privateData: Array.from(privateData),
    pieces: saveSegments(pages),
  };
}

const LIFTS: readonly Lift[] = [];

const idField: Field<VdmabufId> = (value) => {
  const [vmId = 0, counter = 0, key0 = 0, key1 = 0] = listOf(whole(), 4)(value);
  return { vmId, counter, key0, key1 };
};

function vdmabufField(limits: VdmabufLimits) {
  return record({
    version: whole(),
    vmId: whole(1),
    buffers: list(
      record({
        id: idField,
        pageCount: whole(1, limits.maxPagesPerBuffer),
        sizeBytes: size,
        privateData: list(whole(0, 0xff), limits.maxPrivateBytes),
        pieces: list(listOf(size, 4), limits.maxPagesPerBuffer),
      }),
      limits.maxBuffers,
    ),
    // Releases of buffers that were in use elsewhere come on top of what waited.
    events: list(
      record({
        command: whole(),
        id: idField,
        status: whole(-1),
      }),
      limits.maxEvents + limits.maxBuffers,
    ),
  });
}

/**
 * Reads a saved state. Throws {@link SavedStateError} when it is none, is beyond the limits, or names memory that is not
 * there.
 */
export function readSavedVdmabuf(
  state: PlainValue,
  memory: GuestMemory,
  limits: VdmabufLimits,
): SavedVdmabuf {
  const { vmId, buffers, events } = vdmabufField(limits)(lifted(state, LIFTS));
  return {
    vmId,
    events,
    buffers: inside("buffers", () => {
      checkUnique(buffers, ({ id }) => id.counter, "id");
      let pages = 0;
      return buffers.map((buffer, i) =>
        inside(i, () => {
          const { id, pageCount, sizeBytes, pieces, privateData } = buffer;
          if (id.vmId !== vmId) misfit("id", `is of VM ${id.vmId}, and vmId is ${vmId}`);
          pages += pageCount;
          if (pages > limits.maxPages) {
            misfit("pageCount", `makes it ${pages} pages, more than this device's limit`);
          }
          if (sizeBytes === 0 || sizeBytes > pageCount * VIRTIO_VDMABUF_PAGE_BYTES) {
            misfit("sizeBytes", `is ${sizeBytes}, and the buffer has ${pageCount} pages`);
          }
          return {
            id,
            pageCount,
            pages: findPages(memory, { totalBytes: sizeBytes, entryCount: pageCount, pieces }),
            privateData: Uint8Array.from(privateData),
          };
        }),
      );
    }),
  };
}
