import type { GuestPages } from "../../../memory/guest-pages.ts";
import type { GpuLimits } from "../options.ts";
import type { HostPixels } from "../transfer/words.ts";
import { BYTES_PER_PIXEL } from "./formats.ts";
import type { HostBlob } from "./host-heap.ts";

/**
 * What a resource is: `2d` host pixels of the device; `blob` guest memory; `host-blob` memory of a renderer's object,
 * with or without a guest shadow; `3d` the renderer's.
 */
export type ResourceKind = "2d" | "blob" | "host-blob" | "3d";

/** One resource. The table it is in keeps its bytes accounted for. */
export class Resource {
  readonly id: number;
  readonly kind: ResourceKind;
  /** Size in pixels and format; 0 for blobs, which have none until they are scanned out. */
  readonly widthPixels: number;
  readonly heightPixels: number;
  readonly format: number;
  /** Bytes of a blob or of the host pixels. */
  readonly sizeBytes: number;
  /** Host pixels of a `2d` resource. */
  readonly pixels: HostPixels | null;
  /** Host memory of a `host-blob`. */
  readonly memory: HostBlob | null;
  /** VIRTIO_GPU_BLOB_MEM_* and VIRTIO_GPU_BLOB_FLAG_* of a blob. */
  readonly blobMem: number;
  readonly blobFlags: number;
  /** Guest memory behind it, and what that counts for in the limit: its entries or, if more, its segments. */
  backing: GuestPages | null = null;
  backingCost = 0;
  /** Some of it is not in memory. */
  backingOutside = false;
  /** Bit n: scanout n shows it. */
  scanouts = 0;
  /** True once it has lost its id. */
  gone = false;

  constructor(id: number, kind: ResourceKind, fields: Partial<ResourceFields> = {}) {
    this.id = id;
    this.kind = kind;
    this.widthPixels = fields.widthPixels ?? 0;
    this.heightPixels = fields.heightPixels ?? 0;
    this.format = fields.format ?? 0;
    this.sizeBytes = fields.sizeBytes ?? 0;
    this.pixels = fields.pixels ?? null;
    this.memory = fields.memory ?? null;
    this.blobMem = fields.blobMem ?? 0;
    this.blobFlags = fields.blobFlags ?? 0;
  }

  /** Distance of the rows of a `2d` resource in bytes, on the host and in its backing. */
  get strideBytes(): number {
    return this.widthPixels * BYTES_PER_PIXEL;
  }

  get isBlob(): boolean {
    return this.kind === "blob" || this.kind === "host-blob";
  }

  /** Bytes of host memory it holds. */
  get hostBytes(): number {
    return this.kind === "2d" || this.kind === "host-blob" ? this.sizeBytes : 0;
  }
}

/** True for resources that the renderer knows; the others are the device's own. */
export function isRendered({ kind }: { readonly kind: ResourceKind }): boolean {
  return kind === "3d" || kind === "host-blob";
}

/** What depends on the kind of a resource. */
export interface ResourceFields {
  readonly widthPixels: number;
  readonly heightPixels: number;
  readonly format: number;
  readonly sizeBytes: number;
  readonly pixels: HostPixels | null;
  readonly memory: HostBlob | null;
  readonly blobMem: number;
  readonly blobFlags: number;
}

/** All resources by id, and what they cost. */
export class ResourceTable {
  readonly #limits: GpuLimits;
  readonly #maxHostBytes: number;
  readonly #byId = new Map<number, Resource>();
  #hostBytes = 0;
  #backingEntries = 0;
  /** Resources whose backing is not all in memory. */
  #outside = 0;
  // Consecutive commands often name the same resource.
  #last: Resource | null = null;

  /** With `toTheLastByte` all of `maxHostBytes` may be used, else less. */
  constructor(limits: GpuLimits, toTheLastByte: boolean) {
    this.#limits = limits;
    this.#maxHostBytes = toTheLastByte ? limits.maxHostBytes : limits.maxHostBytes - 1;
  }

  get count(): number {
    return this.#byId.size;
  }

  /** Bytes of host memory in use, those of exported resources that outlived their id included. */
  get hostBytes(): number {
    return this.#hostBytes;
  }

  /** Entries of all backing, or segments where there are more. */
  get backingEntries(): number {
    return this.#backingEntries;
  }

  values(): IterableIterator<Resource> {
    return this.#byId.values();
  }

  get(id: number): Resource | null {
    const last = this.#last;
    if (last !== null && last.id === id) return last;
    const found = this.#byId.get(id);
    if (found === undefined) return null;
    this.#last = found;
    return found;
  }

  /** True while the resource has its id: a back end may have reset the device from within a call. */
  has(resource: Resource): boolean {
    return this.#byId.get(resource.id) === resource;
  }

  /** Bytes of host memory that may be in use. */
  get maxHostBytes(): number {
    return this.#maxHostBytes;
  }

  /** True when another resource with this much host memory is within the limits. */
  hasRoom(hostBytes: number): boolean {
    return this.#byId.size < this.#limits.maxResources && this.#hostBytes + hostBytes <= this.#maxHostBytes;
  }

  /** True when this many more entries of backing are within the limits. */
  hasRoomForEntries(entries: number): boolean {
    return this.#backingEntries + entries <= this.#limits.maxBackingEntriesTotal;
  }

  add(resource: Resource): void {
    this.#byId.set(resource.id, resource);
    this.#hostBytes += resource.hostBytes;
  }

  /** The id is free again. The host memory stays accounted for until {@link freed}. */
  remove(resource: Resource): void {
    this.dropBacking(resource);
    resource.gone = true;
    this.#byId.delete(resource.id);
    if (this.#last === resource) this.#last = null;
  }

  /** The host memory of a removed resource was freed. */
  freed(resource: Resource): void {
    this.#hostBytes -= resource.hostBytes;
  }

  /** Takes the backing away; it turns into a hole for those that still hold it. */
  dropBacking(resource: Resource): void {
    const { backing } = resource;
    this.setBacking(resource, null);
    backing?.release();
  }

  /** Replaces the backing. Releasing the previous one is up to the caller. */
  setBacking(resource: Resource, backing: GuestPages | null): void {
    this.#backingEntries -= resource.backingCost;
    if (resource.backingOutside) this.#outside--;
    resource.backing = backing;
    resource.backingCost = backing === null ? 0 : Math.max(backing.entryCount, backing.count);
    this.#backingEntries += resource.backingCost;
    resource.backingOutside = backing?.hasHoles ?? false;
    if (resource.backingOutside) this.#outside++;
  }

  /** True when the backing of some resource is not all in memory. */
  get anyOutside(): boolean {
    return this.#outside > 0;
  }

  clear(): void {
    for (const resource of this.#byId.values()) {
      this.dropBacking(resource);
      resource.gone = true;
    }
    this.#byId.clear();
    this.#last = null;
    this.#hostBytes = 0;
    this.#backingEntries = 0;
    this.#outside = 0;
  }
}

/**
 * Host pixels of a 2D resource: unshared memory, so that copies into it run at full speed. Null when the engine has
 * no more memory.
 */
export function allocatePixels(sizeBytes: number): HostPixels | null {
  try {
    const buffer = new ArrayBuffer(sizeBytes);
    const pairs = new BigUint64Array(buffer, 0, sizeBytes >>> 3);
    return { u8: new Uint8Array(buffer), u32: new Uint32Array(buffer), u64: pairs, freshFrom: 0 };
  } catch {
    return null;
  }
}
