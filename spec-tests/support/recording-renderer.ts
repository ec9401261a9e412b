// A renderer that renders nothing: it writes down what it is told, and fails or waits when told to.
import { BackendError } from "../../src/base/backend-error.ts";
import type { PlainValue } from "../../src/device/index.ts";
import type {
  BlobInfo,
  Capset,
  GpuBackendErrorCode,
  GuestPages,
  RenderedPixels,
  Renderer,
  Resource3dInfo,
  RestoredResource,
  Transfer3d,
} from "../../src/devices/gpu/index.ts";

type Outcome = GpuBackendErrorCode | Error | "later" | null;

/** A promise that the test settles. */
export interface Held {
  readonly method: string;
  resolve(): void;
  reject(error: unknown): void;
}

export class RecordingRenderer implements Renderer {
  capsets: readonly Capset[] = [
    { id: 1, maxVersion: 1, maxSizeBytes: 308 },
    { id: 4, maxVersion: 0, maxSizeBytes: 0 },
  ];
  /** Every call: the method and its arguments. */
  readonly calls: [method: string, ...args: unknown[]][] = [];
  readonly held: Held[] = [];
  /** What a resource looks like, by its id. */
  readonly pictures = new Map<number, RenderedPixels>();
  readonly blobs = new Map<number, BlobInfo>();
  readonly backings = new Map<number, GuestPages | null>();
  mapInfo = 1;
  capsetBytes: Uint8Array = new Uint8Array(308).map((_, i) => i);
  #next: Outcome = null;

  /** The next call fails with this, or waits until the test settles it. */
  next(outcome: Outcome): void {
    this.#next = outcome;
  }

  #call<T>(value: T, method: string, ...args: unknown[]): T | Promise<T> {
    this.calls.push([method, ...args]);
    const outcome = this.#next;
    this.#next = null;
    if (outcome === null) return value;
    if (outcome === "later") {
      return new Promise<T>((resolve, reject) => {
        this.held.push({ method, resolve: () => resolve(value), reject });
      });
    }
    throw outcome instanceof Error ? outcome : new BackendError(outcome);
  }

  getCapset(id: number, version: number) {
    return this.#call(this.capsetBytes, "getCapset", id, version);
  }
  createContext(ctxId: number, capsetId: number, debugName: string) {
    return this.#call(undefined, "createContext", ctxId, capsetId, debugName);
  }
  destroyContext(ctxId: number) {
    return this.#call(undefined, "destroyContext", ctxId);
  }
  attachResource(ctxId: number, resourceId: number) {
    return this.#call(undefined, "attachResource", ctxId, resourceId);
  }
  detachResource(ctxId: number, resourceId: number) {
    return this.#call(undefined, "detachResource", ctxId, resourceId);
  }
  createResource(resourceId: number, info: Resource3dInfo) {
    return this.#call(undefined, "createResource", resourceId, info);
  }
  createBlob(ctxId: number, resourceId: number, info: BlobInfo) {
    const { mem, flags, blobId, sizeBytes } = info;
    const result = this.#call(undefined, "createBlob", ctxId, resourceId, { mem, flags, blobId, sizeBytes });
    this.blobs.set(resourceId, info);
    return result;
  }
  unrefResource(resourceId: number) {
    return this.#call(undefined, "unrefResource", resourceId);
  }
  setBacking(resourceId: number, backing: GuestPages | null) {
    this.backings.set(resourceId, backing);
    return this.#call(undefined, "setBacking", resourceId, backing?.totalBytes ?? null);
  }
  transferToHost(ctxId: number, resourceId: number, transfer: Transfer3d, backing: GuestPages | null) {
    return this.#call(undefined, "transferToHost", ctxId, resourceId, transfer, backing?.totalBytes ?? null);
  }
  transferFromHost(ctxId: number, resourceId: number, transfer: Transfer3d, backing: GuestPages | null) {
    return this.#call(
      undefined,
      "transferFromHost",
      ctxId,
      resourceId,
      transfer,
      backing?.totalBytes ?? null,
    );
  }
  submit(ctxId: number, commands: Uint8Array, ringIdx: number) {
    return this.#call(undefined, "submit", ctxId, [...commands], ringIdx);
  }
  mapBlob(resourceId: number) {
    return this.#call(this.mapInfo, "mapBlob", resourceId);
  }
  unmapBlob(resourceId: number) {
    return this.#call(undefined, "unmapBlob", resourceId);
  }
  pixels(resourceId: number): RenderedPixels | null {
    return this.pictures.get(resourceId) ?? null;
  }
  flush(resourceId: number, x: number, y: number, width: number, height: number) {
    return this.#call(undefined, "flush", resourceId, x, y, width, height);
  }
  reset(): void {
    this.calls.push(["reset"]);
  }
}

/** The same, with a state: how often it was called. */
export class SavingRenderer extends RecordingRenderer {
  restored: PlainValue = null;
  resources: readonly RestoredResource[] = [];

  save(): PlainValue {
    return { calls: this.calls.length };
  }

  restore(state: PlainValue, resources: readonly RestoredResource[]): void {
    this.restored = state;
    this.resources = resources;
  }
}
