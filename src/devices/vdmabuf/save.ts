import { VirtioUsageError } from "../../base/errors.ts";
import { hex64, hi32, lo32 } from "../../base/u64.ts";
import type { PlainValue } from "../../device/device-type.ts";
import type { GuestMemory } from "../../memory/guest-memory.ts";
import { GuestPages } from "../../memory/guest-pages.ts";
import type { MemoryRegion } from "../../memory/region.ts";
import { VIRTIO_VDMABUF_CMD_DMABUF_REL } from "../../wire/vdmabuf.ts";
import type { VdmabufBuffer } from "./buffer.ts";
import type { VdmabufEvent } from "./events.ts";
import type { VdmabufId } from "./id.ts";

const VERSION = 1;

/** A buffer out of a saved state. */
export interface SavedBuffer {
  readonly id: VdmabufId;
  readonly pageCount: number;
  readonly pages: GuestPages;
  readonly privateData: Uint8Array<ArrayBuffer>;
}

/** What a device goes on with. */
interface SavedVdmabuf {
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

/** Guest memory by its physical addresses: [position, upper half, lower half, length] of each piece. */
function saveBuffer(buffer: VdmabufBuffer): PlainValue {
  const { pages } = buffer;
  pages.refresh();
  const pieces: PlainValue[] = [];
  for (let i = 0; i < pages.count; i++) {
    const { regions, offsets, lengths } = pages.segments;
    const address = (regions[i] as MemoryRegion).base + BigInt(offsets[i] as number);
    pieces.push([pages.starts[i] as number, hi32(address), lo32(address), lengths[i] as number]);
  }
  return {
    id: saveId(buffer.id),
    pageCount: buffer.pageCount,
    sizeBytes: buffer.sizeBytes,
    privateData: Array.from(buffer.privateData),
    pieces,
  };
}

/**
 * Reads a saved state. Throws {@link VirtioUsageError} when it is none, of another version, or names memory that is not
 * there.
 */
export function restoreVdmabuf(state: PlainValue, memory: GuestMemory): SavedVdmabuf {
  const version = whole(field(state, "version"), "version");
  if (version !== VERSION)
    throw new VirtioUsageError(`vdmabuf state has version ${version}, this is ${VERSION}`);
  return {
    vmId: whole(field(state, "vmId"), "vmId"),
    buffers: list(field(state, "buffers"), "buffers").map((each) => restoreBuffer(each, memory)),
    events: list(field(state, "events"), "events").map(restoreEvent),
  };
}

function restoreEvent(state: PlainValue): VdmabufEvent {
  const status = field(state, "status");
  return {
    command: whole(field(state, "command"), "command"),
    id: restoreId(field(state, "id")),
    status: status === -1 ? -1 : whole(status, "status"),
  };
}

function restoreId(state: PlainValue): VdmabufId {
  const [vmId = 0, counter = 0, key0 = 0, key1 = 0] = wholes(state, "id");
  return { vmId, counter, key0, key1 };
}

function restoreBuffer(state: PlainValue, memory: GuestMemory): SavedBuffer {
  const pages = new GuestPages(memory);
  for (const each of list(field(state, "pieces"), "pieces")) {
    const [start = 0, hi = 0, lo = 0, length = 0] = wholes(each, "piece");
    // Memory that was taken away before.
    if (length === 0) continue;
    if (start > pages.totalBytes) pages.addHole(start - pages.totalBytes);
    const region = memory.find(hi, lo, length);
    if (region === null) {
      throw new VirtioUsageError(`a saved buffer has ${length} bytes at ${hex64(hi, lo)}: no memory`);
    }
    pages.addPiece(region, region.offsetOf(hi, lo, length), length);
  }
  pages.totalBytes = whole(field(state, "sizeBytes"), "sizeBytes");
  const pageCount = whole(field(state, "pageCount"), "pageCount");
  pages.entryCount = pageCount;
  return {
    id: restoreId(field(state, "id")),
    pageCount,
    pages,
    privateData: Uint8Array.from(wholes(field(state, "privateData"), "privateData")),
  };
}

function field(state: PlainValue, name: string): PlainValue {
  const value =
    typeof state === "object" && state !== null && !Array.isArray(state)
      ? (state as { readonly [key: string]: PlainValue })[name]
      : undefined;
  if (value === undefined) throw new VirtioUsageError(`saved vdmabuf state has no ${name}`);
  return value;
}

function list(value: PlainValue, what: string): readonly PlainValue[] {
  if (!Array.isArray(value)) throw new VirtioUsageError(`${what} of saved vdmabuf state is no list`);
  return value as readonly PlainValue[];
}

function whole(value: PlainValue, what: string): number {
  if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number;
  throw new VirtioUsageError(`${what} of saved vdmabuf state is no whole number`);
}

function wholes(value: PlainValue, what: string): number[] {
  return list(value, what).map((each) => whole(each, what));
}
