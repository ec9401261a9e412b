// Back ends that keep a model of what they were told, and fail at a call that the test chooses: at once, late, or with a
// result that is none. A call that failed has changed nothing of the model.
import type {
  BlobInfo,
  Capset,
  CursorImage,
  Display,
  GuestPages,
  RenderedPixels,
  Renderer,
  ScanoutSource,
} from "../../src/devices/gpu/index.ts";
import type { BackendPlan } from "../../src/testing/index.ts";

interface ModelResource {
  backing: GuestPages | null;
  mapped: boolean;
}

/** A renderer that remembers contexts, resources, attachments, backing and mappings. */
export class FickleRenderer implements Renderer {
  readonly capsets: readonly Capset[] = [{ id: 1, maxVersion: 1, maxSizeBytes: 16 }];
  readonly contexts = new Map<number, Set<number>>();
  readonly resources = new Map<number, ModelResource>();
  readonly #plan: BackendPlan;
  readonly #picture: RenderedPixels = {
    widthPixels: 64,
    heightPixels: 64,
    format: 2,
    strideBytes: 256,
    bytes: new Uint8Array(64 * 64 * 4).fill(0x3d),
  };

  constructor(plan: BackendPlan) {
    this.#plan = plan;
  }

  getCapset() {
    return this.#plan.call("getCapset", () => new Uint8Array(16), null);
  }
  createContext(ctxId: number) {
    return this.#plan.call("createContext", () => void this.contexts.set(ctxId, new Set()));
  }
  destroyContext(ctxId: number) {
    return this.#plan.call("destroyContext", () => void this.contexts.delete(ctxId));
  }
  attachResource(ctxId: number, resourceId: number) {
    return this.#plan.call("attachResource", () => void this.contexts.get(ctxId)?.add(resourceId));
  }
  detachResource(ctxId: number, resourceId: number) {
    return this.#plan.call("detachResource", () => void this.contexts.get(ctxId)?.delete(resourceId));
  }
  createResource(resourceId: number) {
    const made = { backing: null, mapped: false };
    return this.#plan.call("createResource", () => void this.resources.set(resourceId, made));
  }
  createBlob(_ctxId: number, resourceId: number, { backing }: BlobInfo) {
    const made = { backing, mapped: false };
    return this.#plan.call("createBlob", () => void this.resources.set(resourceId, made));
  }
  unrefResource(resourceId: number) {
    return this.#plan.call("unrefResource", () => {
      this.resources.delete(resourceId);
      for (const attached of this.contexts.values()) attached.delete(resourceId);
    });
  }
  setBacking(resourceId: number, backing: GuestPages | null) {
    return this.#plan.call("setBacking", () => {
      const resource = this.resources.get(resourceId);
      if (resource !== undefined) resource.backing = backing;
    });
  }
  transferToHost() {
    return this.#plan.call("transferToHost", () => {});
  }
  transferFromHost() {
    return this.#plan.call("transferFromHost", () => {});
  }
  submit() {
    return this.#plan.call("submit", () => {});
  }
  mapBlob(resourceId: number) {
    return this.#plan.call("mapBlob", () => this.#map(resourceId, true), "none");
  }
  unmapBlob(resourceId: number) {
    return this.#plan.call("unmapBlob", () => void this.#map(resourceId, false));
  }
  #map(resourceId: number, mapped: boolean): number {
    const resource = this.resources.get(resourceId);
    if (resource !== undefined) resource.mapped = mapped;
    return 1;
  }
  // A promise is not a picture: where one comes late, this fails.
  pixels(): RenderedPixels {
    return this.#plan.call("pixels", () => this.#picture, {
      ...this.#picture,
      bytes: null,
    }) as RenderedPixels;
  }
  flush() {
    return this.#plan.call("flush", () => {});
  }
  reset() {
    this.contexts.clear();
    this.resources.clear();
  }
  save() {
    return null;
  }

  /** What it believes. Backing is told apart by what can be read of it. */
  snapshot(): unknown {
    return {
      contexts: [...this.contexts].map(([id, attached]) => [id, [...attached].sort()]).sort(),
      resources: [...this.resources]
        .map(([id, { backing, mapped }]) => [
          id,
          mapped,
          backing === null ? null : [backing.totalBytes, backing.count],
        ])
        .sort(),
    };
  }
}

/** A display that remembers what each scanout and each cursor is. */
export class FickleDisplay implements Display {
  readonly scanouts = new Map<number, unknown>();
  readonly cursors = new Map<number, unknown>();
  readonly #plan: BackendPlan;

  constructor(plan: BackendPlan) {
    this.#plan = plan;
  }

  setScanout(scanoutId: number, source: ScanoutSource | null) {
    const told = describeSource(source);
    return this.#plan.call("setScanout", () => void this.scanouts.set(scanoutId, told));
  }
  flush() {
    return this.#plan.call("display.flush", () => {});
  }
  setCursor(scanoutId: number, cursor: CursorImage | null) {
    const told = describeCursor(cursor);
    return this.#plan.call("setCursor", () => void this.cursors.set(scanoutId, told));
  }
  moveCursor(scanoutId: number, x: number, y: number) {
    return this.#plan.call("moveCursor", () => {
      const cursor = this.cursors.get(scanoutId);
      this.cursors.set(scanoutId, cursor === null ? null : { ...(cursor as object | undefined), x, y });
    });
  }

  snapshot(): unknown {
    return { scanouts: [...this.scanouts].sort(), cursors: [...this.cursors].sort() };
  }
}

/** A scanout as plain values; where its bytes are is told by their length and their place in their buffer. */
export function describeSource(source: ScanoutSource | null): unknown {
  if (source === null) return null;
  const { widthPixels, heightPixels, format, strideBytes, offsetBytes, resourceId, x, y } = source;
  const pixels = source.pixels === null ? null : [source.pixels.length, source.pixels.byteOffset];
  const pages = source.pages === null ? null : [source.pages.totalBytes, source.pages.count];
  return { widthPixels, heightPixels, format, strideBytes, offsetBytes, resourceId, x, y, pixels, pages };
}

export function describeCursor(cursor: CursorImage | null): unknown {
  if (cursor === null) return null;
  const { format, hotX, hotY, x, y, pixels } = cursor;
  return { format, hotX, hotY, x, y, sum: pixels.reduce((sum, byte, i) => (sum * 31 + byte + i) | 0, 0) };
}
