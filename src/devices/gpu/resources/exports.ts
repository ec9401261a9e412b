import type { WorkBudget } from "../../../base/work-budget.ts";
import type { RandomBytes } from "../../../device/random.ts";
import {
  ExportLife,
  type SharedContent,
  type SharedImage,
  type SharedObject,
  type SharedObjectRegistry,
} from "../../../device/shared-objects.ts";
import { SWEEP_WORK } from "../../../device/work.ts";
import type { SegmentList } from "../../../memory/segments.ts";
import type { RenderedPixels } from "../backend/renderer.ts";
import type { Resource } from "./resources.ts";

const UUID_BYTES = 16;
// A generator that repeats itself this often does not work.
const ATTEMPTS = 4;
/** UUIDs one resource can be given; asked for a new one every time, a guest could have them without end. */
export const MAX_UUIDS_PER_RESOURCE = 16;

/** What the device exported, by resource. */
export class Exports {
  readonly registry: SharedObjectRegistry;
  readonly #randomBytes: RandomBytes;
  readonly #lifetime: "last-user" | "resource";
  readonly #freed: (resource: Resource) => void;
  readonly #rendered: (resource: Resource) => RenderedPixels | null;
  /** Objects of resources that still have their id, the latest last. */
  #objects = new Map<Resource, SharedObject[]>();
  /** Everything alive with its resource, that of resources without id included. */
  #alive = new Map<SharedObject, Resource>();
  /** How many objects of a resource are alive; none is not listed. */
  #aliveOf = new Map<Resource, number>();
  #life: ExportLife;
  /** What was taken away with everything else, and is in the registry's table still. */
  #leftovers: Iterator<SharedObject>[] = [];

  constructor(
    registry: SharedObjectRegistry,
    randomBytes: RandomBytes,
    lifetime: "last-user" | "resource",
    freed: (resource: Resource) => void,
    rendered: (resource: Resource) => RenderedPixels | null,
  ) {
    this.registry = registry;
    this.#life = new ExportLife(registry);
    this.#randomBytes = randomBytes;
    this.#lifetime = lifetime;
    this.#freed = freed;
    this.#rendered = rendered;
  }

  /** The object a resource was exported as last, null when it wasn't. */
  latest(resource: Resource): SharedObject | null {
    return this.#objects.get(resource)?.at(-1) ?? null;
  }

  /** UUIDs of a resource, the latest last. */
  uuids(resource: Resource): readonly string[] {
    return this.#objects.get(resource)?.map((object) => object.uuid) ?? [];
  }

  /** Number of objects that a resource was exported as. */
  count(resource: Resource): number {
    return this.#objects.get(resource)?.length ?? 0;
  }

  /** True when a resource has as many UUIDs as it may have. */
  isFull(resource: Resource): boolean {
    return this.count(resource) >= MAX_UUIDS_PER_RESOURCE;
  }

  /** True when the UUID stands for something that this device did not export. */
  isForeign(uuid: string): boolean {
    const object = this.registry.get(uuid);
    return object !== null && !this.#alive.has(object);
  }

  /** A new version 4 UUID (RFC 9562), or null when the generator fails or only comes up with UUIDs that are taken. */
  newUuid(): Uint8Array<ArrayBuffer> | null {
    const uuid = new Uint8Array(UUID_BYTES);
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      try {
        this.#randomBytes(uuid);
      } catch {
        return null;
      }
      uuid[6] = ((uuid[6] as number) & 0x0f) | 0x40;
      uuid[8] = ((uuid[8] as number) & 0x3f) | 0x80;
      if (this.registry.get(uuid) === null) return uuid;
    }
    return null;
  }

  /** Exports a resource. When the UUID belongs to something else already, nobody can import it. */
  publish(resource: Resource, uuid: Uint8Array): void {
    if (this.registry.get(uuid) !== null) return;
    const content = new ExportedResource(resource, this.#rendered);
    const object: SharedObject = this.registry.publish(uuid, content, () => this.#unused(object), this.#life);
    this.#alive.set(object, resource);
    this.#aliveOf.set(resource, (this.#aliveOf.get(resource) ?? 0) + 1);
    const objects = this.#objects.get(resource);
    if (objects === undefined) this.#objects.set(resource, [object]);
    else objects.push(object);
  }

  /** An object has lost its last user. With the last object of a resource without id the host memory is freed. */
  #unused(object: SharedObject): void {
    const resource = this.#alive.get(object);
    if (resource === undefined) return;
    this.#alive.delete(object);
    const left = (this.#aliveOf.get(resource) ?? 0) - 1;
    if (left > 0) {
      this.#aliveOf.set(resource, left);
      return;
    }
    this.#aliveOf.delete(resource);
    if (!this.#objects.has(resource)) this.#freed(resource);
  }

  /** The resource lost its id; its host memory is freed now or with the last user of what was exported. */
  unexport(resource: Resource): void {
    const objects = this.#objects.get(resource);
    if (objects === undefined) {
      this.#freed(resource);
      return;
    }
    // While the resource is in the table of objects its memory is not freed: only the last of them does that.
    const last = objects.pop() as SharedObject;
    for (const object of objects) this.#end(object);
    this.#objects.delete(resource);
    this.#end(last);
  }

  #end(object: SharedObject): void {
    if (this.#lifetime === "resource") object.revoke();
    else object.unexport();
  }

  /** The device was reset: everything is taken away from everybody, and {@link sweep} has something to do. */
  revokeAll(): void {
    if (this.#alive.size > 0) this.#leftovers.push(this.#alive.keys());
    this.#objects = new Map();
    this.#alive = new Map();
    this.#aliveOf = new Map();
    const life = this.#life;
    this.#life = new ExportLife(this.registry);
    life.end();
  }

  /** Clears away what was revoked with everything else, as long as the budget reaches. Returns whether that was all. */
  sweep(budget: WorkBudget): boolean {
    for (let last = this.#leftovers.at(-1); last !== undefined; last = this.#leftovers.at(-1)) {
      for (let next = last.next(); next.done !== true; next = last.next()) {
        next.value.sweep();
        budget.charge(SWEEP_WORK);
        if (budget.spent) return false;
      }
      this.#leftovers.pop();
    }
    return true;
  }
}

/** A resource as importers see it: every call tells its present state. */
class ExportedResource implements SharedContent {
  readonly owner = "gpu";
  readonly #resource: Resource;
  readonly #rendered: (resource: Resource) => RenderedPixels | null;

  constructor(resource: Resource, rendered: (resource: Resource) => RenderedPixels | null) {
    this.#resource = resource;
    this.#rendered = rendered;
  }

  /** The picture of a resource of the renderer, as long as the resource is there. */
  #picture(): RenderedPixels | null {
    return this.#resource.kind === "3d" ? this.#rendered(this.#resource) : null;
  }

  get kind(): string {
    return this.#resource.kind;
  }

  get sizeBytes(): number {
    return this.#picture()?.bytes.length ?? this.#resource.sizeBytes;
  }

  get image(): SharedImage | null {
    const image = this.#resource.kind === "2d" ? this.#resource : this.#picture();
    if (image === null) return null;
    const { widthPixels, heightPixels, format, strideBytes } = image;
    return { widthPixels, heightPixels, format, strideBytes };
  }

  hostBytes(): Uint8Array | null {
    return this.#resource.pixels?.u8 ?? this.#resource.memory?.bytes() ?? this.#picture()?.bytes ?? null;
  }

  guestSegments(): SegmentList | null {
    const { kind, backing } = this.#resource;
    if (kind !== "blob" || backing === null) return null;
    backing.refresh();
    return backing.segments;
  }

  read(position: number, target: Uint8Array, targetOffset: number, lengthBytes: number): number {
    const host = this.hostBytes();
    const length = Math.min(lengthBytes, this.sizeBytes - position);
    if (!(length > 0) || position < 0) return 0;
    if (host === null) return this.#resource.backing?.read(position, target, targetOffset, length) ?? 0;
    target.set(host.subarray(position, position + length), targetOffset);
    return length;
  }

  write(position: number, source: Uint8Array, sourceOffset: number, lengthBytes: number): number {
    const host = this.hostBytes();
    const length = Math.min(lengthBytes, this.sizeBytes - position);
    if (!(length > 0) || position < 0) return 0;
    if (host === null) return this.#resource.backing?.write(position, source, sourceOffset, length) ?? 0;
    host.set(source.subarray(sourceOffset, sourceOffset + length), position);
    return length;
  }
}
