import type { SharedContent, SharedObjectUse } from "../../device/shared-objects.ts";
import type { GuestPages } from "../../memory/guest-pages.ts";
import {
  VIRTIO_RENDER_RESP_ERR_REVOKED,
  VIRTIO_RENDER_RESP_ERR_UNBACKED,
  VIRTIO_RENDER_STATE_GUEST_MEMORY,
  VIRTIO_RENDER_STATE_READ_ONLY,
  VIRTIO_RENDER_STATE_REVOKED,
} from "../../wire/render.ts";
import type { RenderLimits } from "./options.ts";
import { BYTES_PER_PIXEL, type PixelFormat } from "./pixels.ts";

/** How the bytes of an import make up a picture. Everything was checked. */
export interface Layout {
  readonly format: PixelFormat;
  readonly widthPixels: number;
  readonly heightPixels: number;
  readonly strideBytes: number;
  readonly offsetBytes: number;
}

/** Where the bytes of an import are: with another device, in pages that the guest listed, or nowhere any more. */
export type ImportSource =
  | { readonly kind: "object"; readonly use: SharedObjectUse; readonly content: SharedContent }
  | { readonly kind: "pages"; readonly pages: GuestPages; readonly sizeBytes: number }
  /** Of a restored device: an object that had been taken away before the state was saved. */
  | { readonly kind: "gone"; readonly uuid: string };

/**
 * A picture that belongs to somebody else. Pixels are read and written where they are; nothing is kept. Commands under
 * way hold it, so that a RELEASE takes effect with the last of them.
 */
export class Import {
  readonly id: number;
  readonly layout: Layout;
  readonly readOnly: boolean;
  readonly source: ImportSource;
  /** Set once the exporter took the object away. */
  revoked = false;
  #holds = 0;
  #released = false;
  readonly #unused: (freed: Import) => void;

  constructor(
    id: number,
    layout: Layout,
    readOnly: boolean,
    source: ImportSource,
    unused: (freed: Import) => void,
  ) {
    this.id = id;
    this.layout = layout;
    this.readOnly = readOnly;
    this.source = source;
    this.#unused = unused;
  }

  /** VIRTIO_RENDER_STATE_*. */
  get state(): number {
    return (
      (this.readOnly ? VIRTIO_RENDER_STATE_READ_ONLY : 0) |
      (this.revoked ? VIRTIO_RENDER_STATE_REVOKED : 0) |
      (this.#inGuestMemory ? VIRTIO_RENDER_STATE_GUEST_MEMORY : 0)
    );
  }

  get #inGuestMemory(): boolean {
    return this.source.kind === "pages" || (this.#content?.guestSegments() ?? null) !== null;
  }

  /** What another device shares; null for pages, and once it was taken away. */
  get #content(): SharedContent | null {
    if (this.source.kind !== "object" || this.source.use.content === null) return null;
    return this.source.content;
  }

  /** Size of the whole object in bytes, 0 once it is gone. */
  get sizeBytes(): number {
    return this.source.kind === "pages" ? this.source.sizeBytes : (this.#content?.sizeBytes ?? 0);
  }

  /** UUID of the object, null for a list of pages. */
  get uuid(): string | null {
    const { source } = this;
    if (source.kind === "object") return source.use.object.uuid;
    return source.kind === "gone" ? source.uuid : null;
  }

  /** True when both are the same bytes in the same places. */
  sameMemory(other: Import): boolean {
    if (other === this) return true;
    return (
      this.uuid !== null &&
      this.uuid === other.uuid &&
      this.layout.offsetBytes === other.layout.offsetBytes &&
      this.layout.strideBytes === other.layout.strideBytes
    );
  }

  /** Copies pixels of a row, which is inside, to the start of `target`; returns 0 or the type of an error response. */
  readRow(x: number, y: number, pixels: number, target: Uint8Array): number {
    const { offsetBytes, strideBytes } = this.layout;
    const position = offsetBytes + y * strideBytes + x * BYTES_PER_PIXEL;
    const length = pixels * BYTES_PER_PIXEL;
    const { source } = this;
    const done =
      source.kind === "pages"
        ? source.pages.read(position, target, 0, length)
        : (this.#content?.read(position, target, 0, length) ?? 0);
    return done === length ? 0 : this.#missing();
  }

  /** Writes pixels of a row, which is inside; returns 0 or the type of an error response. */
  writeRow(x: number, y: number, pixels: number, bytes: Uint8Array, bytesOffset: number): number {
    const { offsetBytes, strideBytes } = this.layout;
    const position = offsetBytes + y * strideBytes + x * BYTES_PER_PIXEL;
    const length = pixels * BYTES_PER_PIXEL;
    const { source } = this;
    const done =
      source.kind === "pages"
        ? source.pages.write(position, bytes, bytesOffset, length)
        : (this.#content?.write(position, bytes, bytesOffset, length) ?? 0);
    return done === length ? 0 : this.#missing();
  }

  #missing(): number {
    return this.revoked ? VIRTIO_RENDER_RESP_ERR_REVOKED : VIRTIO_RENDER_RESP_ERR_UNBACKED;
  }

  /** A command under way uses it. */
  hold(): void {
    this.#holds++;
  }

  /** The command is done. */
  drop(): void {
    this.#holds--;
    this.#check();
  }

  /** The id is gone; the object is let go with the last command that uses it. */
  release(): void {
    this.#released = true;
    this.#check();
  }

  /** Lets go at once, even while in use: the device is reset. */
  end(): void {
    if (this.source.kind === "object") this.source.use.release();
    else if (this.source.kind === "pages") this.source.pages.release();
  }

  #check(): void {
    if (!this.#released || this.#holds > 0) return;
    this.end();
    this.#unused(this);
  }
}

/** What a list of pages counts for: its entries, or the segments they came to where those are more. */
function costOf({ entryCount, count }: GuestPages): number {
  return Math.max(entryCount, count);
}

/** All imports by id, and what they cost. */
export class ImportTable {
  readonly #limits: RenderLimits;
  readonly #byId = new Map<number, Import>();
  /** What page lists cost, those of released imports that a command still uses included. */
  #entries = 0;
  /** Imports that have lost their id, but still are in use. */
  #lingering = 0;

  constructor(limits: RenderLimits) {
    this.#limits = limits;
  }

  get count(): number {
    return this.#byId.size;
  }

  values(): IterableIterator<Import> {
    return this.#byId.values();
  }

  get(id: number): Import | null {
    return this.#byId.get(id) ?? null;
  }

  /** True when there may be another import. */
  get hasRoom(): boolean {
    return this.#byId.size + this.#lingering < this.#limits.maxImports;
  }

  /** True when so many more entries of page lists are within the limits. */
  hasRoomForEntries(entries: number): boolean {
    return this.#entries + entries <= this.#limits.maxEntriesTotal;
  }

  add(id: number, layout: Layout, readOnly: boolean, source: ImportSource): Import {
    const entries = source.kind === "pages" ? costOf(source.pages) : 0;
    const added = new Import(id, layout, readOnly, source, () => {
      this.#entries -= entries;
      this.#lingering--;
    });
    this.#byId.set(id, added);
    this.#entries += entries;
    return added;
  }

  /** The id is free again. */
  release(released: Import): void {
    this.#byId.delete(released.id);
    this.#lingering++;
    released.release();
  }

  /** Everything is let go; nothing is drawn any more. */
  clear(): void {
    for (const each of this.#byId.values()) each.end();
    this.#byId.clear();
    this.#entries = 0;
    this.#lingering = 0;
  }
}
