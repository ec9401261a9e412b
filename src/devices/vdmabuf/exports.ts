import { BackendError } from "../../base/backend-error.ts";
import { messageOf } from "../../base/brands.ts";
import { VirtioUsageError } from "../../base/errors.ts";
import { isPromise, type MaybeLater } from "../../base/later.ts";
import type { Step } from "../../device/backend/transaction.ts";
import type { DeviceHost } from "../../device/device-type.ts";
import type { SharedObject } from "../../device/shared-objects.ts";
import type { GuestPages } from "../../memory/guest-pages.ts";
import {
  VIRTIO_VDMABUF_EXPORT,
  VIRTIO_VDMABUF_MAX_PRIVATE_BYTES,
  VIRTIO_VDMABUF_PAGE_BYTES,
  VIRTIO_VDMABUF_S_HELD,
  VIRTIO_VDMABUF_S_IMPORT,
  VIRTIO_VDMABUF_S_KEY,
  VIRTIO_VDMABUF_S_LENGTH,
  VIRTIO_VDMABUF_S_LIMIT,
  VIRTIO_VDMABUF_S_OK,
  VIRTIO_VDMABUF_S_PRIVATE,
  VIRTIO_VDMABUF_S_RANGE,
  VIRTIO_VDMABUF_S_VMID,
} from "../../wire/vdmabuf.ts";
import { VdmabufBuffer } from "./buffer.ts";
import type { VdmabufHost, VdmabufReleaseReason } from "./host.ts";
import { sameVdmabufId, type VdmabufId, vdmabufIdBytes } from "./id.ts";
import type { VdmabufLimits } from "./options.ts";
import type { GuestMessage } from "./protocol.ts";
import { TableReader } from "./tables.ts";

/** A buffer of the guest, and where it is known. */
interface Entry {
  readonly buffer: VdmabufBuffer;
  /** Null when there is no registry. */
  object: SharedObject | null;
}

/** Who wants to know of the comings and goings. */
interface ExportsOwner {
  /** The host is about to take a buffer; returns what takes that back. */
  taking(id: VdmabufId): () => void;
  /** The host has done with a buffer; the guest may use it again. */
  giveBack(buffer: VdmabufBuffer): void;
  /** A call of the importer's that has a say. */
  ask(call: () => MaybeLater<void>): MaybeLater<void>;
  /** Makes a change of several steps, all of it or nothing. */
  transact(steps: readonly Step[]): MaybeLater<void>;
  /** A call of the importer's whose failure is of no consequence. */
  tell(call: () => MaybeLater<void>): void;
}

/** The buffers of one guest that the host holds. */
export class Exports {
  /** Why the last EXPORT was refused, for traces. */
  reason = "";
  /** Bytes of buffers that were copied with {@link VdmabufBuffer.read}. */
  bytesCopied = 0;
  readonly #host: VdmabufHost;
  readonly #limits: VdmabufLimits;
  readonly #owner: ExportsOwner;
  readonly #tables = new TableReader();
  readonly #entries = new Map<number, Entry>();
  #pages = 0;

  constructor(host: VdmabufHost, limits: VdmabufLimits, owner: ExportsOwner) {
    this.#host = host;
    this.#limits = limits;
    this.#owner = owner;
  }

  /** Bytes of tables that the last EXPORT read. */
  get tableBytes(): number {
    return this.#tables.tableBytes;
  }

  get(counter: number): VdmabufBuffer | null {
    return this.#entries.get(counter)?.buffer ?? null;
  }

  /** All buffers, those included that were released but are used through a registry. */
  *buffers(): Generator<VdmabufBuffer, void> {
    for (const { buffer } of this.#entries.values()) yield buffer;
  }

  /** Another message is about to be served. */
  begin(): void {
    this.reason = "";
    this.#tables.tableBytes = 0;
  }

  /** Says why a message is refused, and returns the status. */
  refuse(status: number, reason: string): number {
    this.reason = reason;
    return status;
  }

  /** VIRTIO_VDMABUF_CMD_EXPORT; returns a status, now or when the importer has decided. */
  export(device: DeviceHost, vmId: number, message: GuestMessage): MaybeLater<number> {
    const { sizeBytes } = VIRTIO_VDMABUF_EXPORT;
    if (!message.has(sizeBytes)) return this.refuse(VIRTIO_VDMABUF_S_LENGTH, "too short or too long");
    const { id } = message;
    // Whose buffer it is comes first: nothing is said about the buffers of others.
    if (id.vmId !== vmId)
      return this.refuse(VIRTIO_VDMABUF_S_VMID, `VM ${vmId} exports a buffer of VM ${id.vmId}`);
    const held = this.get(id.counter);
    if (held !== null) {
      return sameVdmabufId(held.id, id)
        ? this.refuse(VIRTIO_VDMABUF_S_HELD, "the host holds the buffer already")
        : this.refuse(VIRTIO_VDMABUF_S_KEY, "the host holds a buffer of this number under other keys");
    }
    const privateBytes = message.u32(VIRTIO_VDMABUF_EXPORT.private_size);
    if (privateBytes > Math.min(this.#limits.maxPrivateBytes, VIRTIO_VDMABUF_MAX_PRIVATE_BYTES)) {
      return this.refuse(VIRTIO_VDMABUF_S_PRIVATE, `${privateBytes} bytes of private data`);
    }
    if (!message.has(sizeBytes + privateBytes)) {
      return this.refuse(VIRTIO_VDMABUF_S_LENGTH, "the private data is cut off");
    }
    const found = this.#findPages(device, message);
    if (typeof found === "number") return found;
    const pageCount = message.u32(VIRTIO_VDMABUF_EXPORT.page_count);
    return this.#take(id, pageCount, found, message.privateData(privateBytes));
  }

  #findPages(device: DeviceHost, message: GuestMessage): GuestPages | number {
    const limits = this.#limits;
    const request = {
      pageCount: message.u32(VIRTIO_VDMABUF_EXPORT.page_count),
      firstPageOffset: message.u32(VIRTIO_VDMABUF_EXPORT.first_page_offset),
      lastPageLength: message.u32(VIRTIO_VDMABUF_EXPORT.last_page_length),
      topHi: message.u32(VIRTIO_VDMABUF_EXPORT.top_table_hi),
      topLo: message.u32(VIRTIO_VDMABUF_EXPORT.top_table_lo),
    };
    const { pageCount, firstPageOffset, lastPageLength } = request;
    if (this.#entries.size >= limits.maxBuffers) {
      return this.refuse(VIRTIO_VDMABUF_S_LIMIT, `more than ${limits.maxBuffers} buffers`);
    }
    // A count alone costs nothing: a guest cannot have more pages than memory, whatever its tables say.
    const most = Math.min(limits.maxPagesPerBuffer, pagesOf(device));
    if (pageCount === 0 || pageCount > most) {
      return this.refuse(VIRTIO_VDMABUF_S_RANGE, `${pageCount} pages, not 1 … ${most}`);
    }
    if (this.#pages + pageCount > limits.maxPages) {
      return this.refuse(VIRTIO_VDMABUF_S_LIMIT, `more than ${limits.maxPages} pages altogether`);
    }
    const end = pageCount === 1 ? lastPageLength : VIRTIO_VDMABUF_PAGE_BYTES;
    const inside = lastPageLength > 0 && lastPageLength <= VIRTIO_VDMABUF_PAGE_BYTES && firstPageOffset < end;
    if (!inside) return this.refuse(VIRTIO_VDMABUF_S_RANGE, "no data between offset and length");
    const pages = this.#tables.walk(device.dma, device.memory, request);
    if (typeof pages === "number") this.reason = this.#tables.reason;
    return pages;
  }

  /** Gives a buffer to the host. */
  #take(
    id: VdmabufId,
    pageCount: number,
    pages: GuestPages,
    privateData: Uint8Array<ArrayBuffer>,
  ): MaybeLater<number> {
    const buffer = this.#enter(id, pageCount, pages, privateData);
    if (buffer === null) return this.refuse(VIRTIO_VDMABUF_S_IMPORT, "another object has this identifier");
    let notTaken = (): void => {};
    const steps: readonly Step[] = [
      // Entered above, for who finds its identifier taken is refused for that.
      { act: () => {}, undo: () => this.#notTaken(buffer) },
      {
        act: () => {
          notTaken = this.#owner.taking(id);
        },
        undo: () => notTaken(),
      },
      { act: () => this.#owner.ask(() => this.#host.importer?.onExport(buffer)) },
    ];
    const refused = (error: unknown): number => {
      if (!(error instanceof BackendError)) throw error;
      return this.refuse(VIRTIO_VDMABUF_S_IMPORT, error.message);
    };
    try {
      const taken = this.#owner.transact(steps);
      return isPromise(taken) ? taken.then(() => VIRTIO_VDMABUF_S_OK, refused) : VIRTIO_VDMABUF_S_OK;
    } catch (error) {
      return refused(error);
    }
  }

  #notTaken(buffer: VdmabufBuffer): void {
    if (this.get(buffer.id.counter) === buffer) this.#end(buffer, null);
  }

  /** True when the identifier stands for something that did not come from here. */
  isForeign(id: VdmabufId): boolean {
    const object = this.#host.sharedObjects?.get(vdmabufIdBytes(id)) ?? null;
    return object !== null && this.#entries.get(id.counter)?.object !== object;
  }

  /**
   * Takes over a buffer of a saved state; false when its identifier is taken. Throws when the importer refuses it; one that
   * refuses it later gives it back to the guest.
   */
  restore(
    id: VdmabufId,
    pageCount: number,
    pages: GuestPages,
    privateData: Uint8Array<ArrayBuffer>,
  ): boolean {
    const buffer = this.#enter(id, pageCount, pages, privateData);
    if (buffer === null) return false;
    try {
      const taken = this.#host.importer?.onExport(buffer);
      if (isPromise(taken)) Promise.resolve(taken).catch(() => buffer.release());
    } catch (error) {
      const reason = messageOf(error);
      throw new VirtioUsageError(`the importer refuses a saved buffer of VM ${id.vmId}: ${reason}`);
    }
    return true;
  }

  #enter(
    id: VdmabufId,
    pageCount: number,
    pages: GuestPages,
    privateData: Uint8Array<ArrayBuffer>,
  ): VdmabufBuffer | null {
    const uuid = vdmabufIdBytes(id);
    const registry = this.#host.sharedObjects;
    if (registry !== null && registry.get(uuid) !== null) return null;
    const owner = {
      released: (released: VdmabufBuffer) => this.#released(released),
      copied: (bytes: number) => {
        this.bytesCopied += bytes;
      },
    };
    const buffer = new VdmabufBuffer(owner, id, pageCount, pages, privateData);
    const entry: Entry = { buffer, object: null };
    this.#entries.set(id.counter, entry);
    this.#pages += pageCount;
    // Once neither the host nor another device uses it any more, the guest may.
    if (registry !== null) entry.object = registry.publish(uuid, buffer, () => this.#unused(buffer));
    return buffer;
  }

  #released(buffer: VdmabufBuffer): void {
    const object = this.#entries.get(buffer.id.counter)?.object ?? null;
    if (object === null) this.#unused(buffer);
    else object.unexport();
  }

  #unused(buffer: VdmabufBuffer): void {
    // Otherwise it was ended here, and revoking it has told us so.
    if (this.get(buffer.id.counter) !== buffer) return;
    this.#end(buffer, "released");
    this.#owner.giveBack(buffer);
  }

  /** The buffer is gone. Null: nobody shall hear of it. */
  #end(buffer: VdmabufBuffer, reason: VdmabufReleaseReason | null): void {
    const object = this.#entries.get(buffer.id.counter)?.object ?? null;
    this.#entries.delete(buffer.id.counter);
    this.#pages -= buffer.pageCount;
    object?.revoke();
    buffer.end();
    if (reason !== null) this.#owner.tell(() => this.#host.importer?.onRelease?.(buffer, reason));
  }

  /** The guest takes everything back: it was reset. Returns how many buffers the host lost. */
  endAll(): number {
    const buffers = [...this.buffers()];
    for (const buffer of buffers) this.#end(buffer, "reset");
    return buffers.length;
  }
}

/** Pages of all of guest memory. */
function pagesOf(device: DeviceHost): number {
  let pages = 0;
  for (const { sizeBytes } of device.memory.regions)
    pages += Math.floor(sizeBytes / VIRTIO_VDMABUF_PAGE_BYTES);
  return pages;
}
