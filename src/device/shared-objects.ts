import { VirtioBugError, VirtioUsageError } from "../base/errors.ts";
import { checkArgument, type OptionRule } from "../base/options.ts";
import type { SegmentList } from "../memory/segments.ts";

/** How the bytes of a shared object make up a picture. */
export interface SharedImage {
  readonly widthPixels: number;
  readonly heightPixels: number;
  /** One of VIRTIO_GPU_FORMAT_*. */
  readonly format: number;
  readonly strideBytes: number;
}

/** What a device exports. It stays the device's; the methods always give its present state. */
export interface SharedContent {
  /** Name of the exporting device type, for instance `gpu`. */
  readonly owner: string;
  /** What it is, in the exporter's words, for instance `2d` or `blob`. */
  readonly kind: string;
  readonly sizeBytes: number;
  /** Null when the bytes have no known layout. */
  readonly image: SharedImage | null;
  /** The bytes themselves, if they are in host memory. Valid until control returns to a guest. */
  hostBytes(): Uint8Array | null;
  /** The bytes themselves, if they are in guest memory. Valid until control returns to a guest. */
  guestSegments(): SegmentList | null;
  /** Copies bytes out, wherever they are; returns their number. */
  read(position: number, target: Uint8Array, targetOffset: number, lengthBytes: number): number;
  /** Copies bytes in, wherever they are; returns their number. */
  write(position: number, source: Uint8Array, sourceOffset: number, lengthBytes: number): number;
}

/**
 * What a device exports from reset to reset, which is taken away from everybody at once however much it is: only those who
 * use some of it have to be told. What is left in tables is swept away later.
 */
export class ExportLife {
  /** Nothing of it is shared any more. */
  over = false;
  /** Objects that are shared. */
  count = 0;
  /** Those of them that importers use. */
  readonly used: Set<SharedObject> = new Set();
  readonly #registry: SharedObjectRegistry;

  constructor(registry: SharedObjectRegistry) {
    this.#registry = registry;
  }

  /** Takes everything away, and tells those who used some of it. */
  end(): void {
    this.over = true;
    this.#registry.lost(this.count);
    this.count = 0;
    const used = [...this.used];
    this.used.clear();
    for (const object of used) object.revokedWithAll();
  }
}

/**
 * An object that a device exported under a UUID (virtio 1.4, section 2.11).
 *
 * @example
 * ```ts
 * const object = registry.get(uuid);
 * console.log(object?.content === null ? "revoked" : object?.users);
 * ```
 */
export class SharedObject {
  /** In the standard notation: `f81d4fae-7dec-41d0-a765-00a0c91e6bf6`. */
  readonly uuid: string;
  readonly #registry: SharedObjectRegistry;
  #content: SharedContent | null;
  /** Called once nobody uses the object any more, neither its exporter nor an importer. */
  readonly #onUnused: (() => void) | null;
  readonly #uses = new Set<SharedObjectUse>();
  readonly #life: ExportLife | null;
  #exported = true;

  /** @internal Made by {@link SharedObjectRegistry.publish}. */
  constructor(
    registry: SharedObjectRegistry,
    uuid: string,
    content: SharedContent,
    onUnused: (() => void) | null,
    life: ExportLife | null,
  ) {
    this.#registry = registry;
    this.uuid = uuid;
    this.#content = content;
    this.#onUnused = onUnused;
    this.#life = life;
    if (life !== null) life.count++;
  }

  /** What is shared, null once it was revoked. */
  get content(): SharedContent | null {
    return this.#life?.over === true ? null : this.#content;
  }

  /** True until the exporter lets go of it. */
  get exported(): boolean {
    return this.#exported && this.#life?.over !== true;
  }

  /** Number of importers. */
  get users(): number {
    return this.#uses.size;
  }

  /** @internal */
  use(onRevoked: (() => void) | null): SharedObjectUse {
    if (this.content === null) throw new VirtioBugError("a revoked object was acquired");
    const use = new SharedObjectUse(this, onRevoked, () => {
      this.#uses.delete(use);
      if (this.#uses.size === 0) this.#life?.used.delete(this);
      this.#check();
    });
    this.#uses.add(use);
    this.#life?.used.add(this);
    return use;
  }

  /** The exporter lets go. The object lives on while an importer uses it. */
  unexport(): void {
    this.#exported = false;
    this.#check();
  }

  /** The exporter takes the object away from everybody: it was reset. */
  revoke(): void {
    if (this.content === null) return;
    this.#exported = false;
    this.#life?.used.delete(this);
    const uses = [...this.#uses];
    this.#uses.clear();
    this.#end();
    for (const use of uses) use.revoked();
  }

  /** Its exporter's life is over: tells its users. @internal */
  revokedWithAll(): void {
    const uses = [...this.#uses];
    this.#uses.clear();
    for (const use of uses) use.revoked();
  }

  /** After its exporter's life: it goes from the table. @internal */
  sweep(): void {
    this.#content = null;
    this.#registry.sweep(this);
  }

  #check(): void {
    if (!this.#exported && this.#uses.size === 0 && this.content !== null) this.#end();
  }

  #end(): void {
    this.#content = null;
    if (this.#life !== null) this.#life.count--;
    this.#registry.forget(this);
    this.#onUnused?.();
  }
}

/**
 * One importer's hold on a {@link SharedObject}.
 *
 * @example
 * ```ts
 * const use = registry.acquire(uuid);
 * const bytes = use?.content?.hostBytes();
 * use?.release();
 * ```
 */
export class SharedObjectUse {
  readonly object: SharedObject;
  readonly #onRevoked: (() => void) | null;
  #release: (() => void) | null;

  /** @internal Made by {@link SharedObjectRegistry.acquire}. */
  constructor(object: SharedObject, onRevoked: (() => void) | null, release: () => void) {
    this.object = object;
    this.#onRevoked = onRevoked;
    this.#release = release;
  }

  /** What is shared, null once it was revoked or this use released. */
  get content(): SharedContent | null {
    return this.#release === null ? null : this.object.content;
  }

  /** Lets go; releasing twice does nothing. */
  release(): void {
    const release = this.#release;
    this.#release = null;
    release?.();
  }

  /** @internal */
  revoked(): void {
    this.#release = null;
    this.#onRevoked?.();
  }
}

/** A registry as an option of a device. */
export const SHARED_OBJECTS_RULE: OptionRule = {
  like: "a SharedObjectRegistry",
  has: ["acquire", "publish"],
};

/**
 * The shared objects of one machine by their UUIDs. Give the same registry to every device of the machine, so that
 * what one exports another can import.
 *
 * @example
 * ```ts
 * const sharedObjects = new SharedObjectRegistry();
 * const gpu = new GpuDevice({ sharedObjects });
 * // later, with the UUID that the guest passed on:
 * const use = sharedObjects.acquire(uuid, () => stop());
 * use?.content?.read(0, target, 0, target.length);
 * use?.release();
 * ```
 */
export class SharedObjectRegistry {
  /** Some may have been taken away with all of their exporter's, and not be swept yet. */
  readonly #objects = new Map<string, SharedObject>();
  #size = 0;

  /** Number of objects. */
  get size(): number {
    return this.#size;
  }

  /**
   * Exports something. The exporter counts as a user until it calls `unexport` or `revoke` on the object; then, and
   * once the last importer is gone, `onUnused` runs; not at the end of the `life` that it may belong to. Throws
   * {@link VirtioUsageError} when the UUID is taken.
   */
  publish(
    uuid: Uint8Array,
    content: SharedContent,
    onUnused: (() => void) | null = null,
    life: ExportLife | null = null,
  ): SharedObject {
    const key = formatUuid(uuid);
    if (this.get(key) !== null) throw new VirtioUsageError(`there is already a shared object ${key}`);
    const object = new SharedObject(this, key, content, onUnused, life);
    this.#objects.set(key, object);
    this.#size++;
    return object;
  }

  /** Looks an object up without using it, by its 16 bytes or its notation; null when there is none. */
  get(uuid: Uint8Array | string): SharedObject | null {
    const found = this.#objects.get(typeof uuid === "string" ? uuid.toLowerCase() : formatUuid(uuid));
    return found === undefined || found.content === null ? null : found;
  }

  /**
   * Begins to use an object; null when there is none. `onRevoked` runs when the exporter takes it away, for instance
   * because the guest reset it.
   */
  acquire(uuid: Uint8Array | string, onRevoked: (() => void) | null = null): SharedObjectUse | null {
    return this.get(uuid)?.use(onRevoked) ?? null;
  }

  /** @internal */
  forget(object: SharedObject): void {
    this.#size--;
    this.sweep(object);
  }

  /** So many objects are no more. @internal */
  lost(count: number): void {
    this.#size -= count;
  }

  /** @internal */
  sweep({ uuid }: SharedObject): void {
    // Another one may have its UUID by now.
    if (this.#objects.get(uuid)?.content === null) this.#objects.delete(uuid);
  }
}

/**
 * 16 bytes in the standard notation of UUIDs (RFC 9562).
 *
 * @example
 * ```ts
 * formatUuid(new Uint8Array(16)); // "00000000-0000-0000-0000-000000000000"
 * ```
 */
export function formatUuid(uuid: Uint8Array): string {
  checkArgument("formatUuid", "uuid", uuid, "bytes");
  if (uuid.length !== 16) throw new VirtioUsageError(`a UUID has 16 bytes, not ${uuid.length}`);
  const hex = Array.from(uuid, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/**
 * The 16 bytes of a UUID in the standard notation; throws {@link VirtioUsageError} when it is none.
 *
 * @example
 * ```ts
 * const object = registry.get(parseUuid("6ba7b810-9dad-41d1-80b4-00c04fd430c8"));
 * ```
 */
export function parseUuid(text: string): Uint8Array<ArrayBuffer> {
  checkArgument("parseUuid", "text", text, "string");
  const hex = text.replaceAll("-", "");
  if (!/^[0-9a-f]{32}$/i.test(hex)) throw new VirtioUsageError(`${JSON.stringify(text)} is no UUID`);
  const uuid = new Uint8Array(16);
  for (let i = 0; i < 16; i++) uuid[i] = Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16);
  return uuid;
}
