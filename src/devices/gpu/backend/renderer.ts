import type { MaybeLater } from "../../../base/later.ts";
import type { PlainValue } from "../../../device/device-type.ts";
import type { GuestPages } from "../../../memory/guest-pages.ts";
import type { HostBlob } from "../resources/host-heap.ts";

/** One capability set, as GET_CAPSET_INFO describes it. */
export interface Capset {
  /** One of VIRTIO_GPU_CAPSET_*. */
  readonly id: number;
  readonly maxVersion: number;
  readonly maxSizeBytes: number;
}

/** Fields of RESOURCE_CREATE_3D; their meaning is the renderer's. */
export interface Resource3dInfo {
  readonly target: number;
  readonly format: number;
  readonly bind: number;
  readonly width: number;
  readonly height: number;
  readonly depth: number;
  readonly arraySize: number;
  readonly lastLevel: number;
  readonly samples: number;
  readonly flags: number;
}

/** Fields of TRANSFER_TO_HOST_3D and TRANSFER_FROM_HOST_3D. The box is in texels, the rest in bytes. */
export interface Transfer3d {
  readonly x: number;
  readonly y: number;
  readonly z: number;
  readonly width: number;
  readonly height: number;
  readonly depth: number;
  /** Position in the resource's backing; above 2^53 it is rounded, so compare it with the backing's length. */
  readonly offset: number;
  readonly level: number;
  readonly strideBytes: number;
  readonly layerStrideBytes: number;
}

/** A blob to be made from an object of a rendering context. */
export interface BlobInfo {
  /** VIRTIO_GPU_BLOB_MEM_HOST3D or VIRTIO_GPU_BLOB_MEM_HOST3D_GUEST. */
  readonly mem: number;
  /** VIRTIO_GPU_BLOB_FLAG_* bits. */
  readonly flags: number;
  /** Names the context's object; its meaning is up to the guest's and the host's halves of the renderer. */
  readonly blobId: bigint;
  readonly sizeBytes: number;
  /** The blob's host memory. Keep the object and ask it for its `bytes()` each time. */
  readonly memory: HostBlob;
  /** The guest's shadow of a HOST3D_GUEST blob; null when it has none. */
  readonly backing: GuestPages | null;
}

/** Pixels of a resource of the renderer, for scanning it out. */
export interface RenderedPixels {
  readonly widthPixels: number;
  readonly heightPixels: number;
  /** One of VIRTIO_GPU_FORMAT_*. */
  readonly format: number;
  readonly strideBytes: number;
  readonly bytes: Uint8Array;
}

/** A resource of the renderer as a device has it that was restored. */
export interface RestoredResource {
  readonly resourceId: number;
  /** What {@link Renderer.setBacking} or {@link Renderer.createBlob} had told: pages of this guest's memory. */
  readonly backing: GuestPages | null;
  /**
   * A blob's host memory with the bytes that were saved, mapped where it was once the state is taken over; null for other
   * resources.
   */
  readonly memory: HostBlob | null;
}

/** A renderer's saved state that it found good. */
export interface PreparedRenderer {
  /** Takes the state over, right after {@link Renderer.reset}, at once or never. It should not throw any more. No promise. */
  takeOver(): void;
}

/**
 * Executes 3D commands. Injected by the embedder; there is none in the library. Every method is called in the order
 * of the guest's commands, with ids that were checked, and may return a promise: the command is then answered once
 * it settles, while later ones go on, except that commands which create, change or destroy something hold up those
 * behind them. `attachResource` does not.
 *
 * Failures are thrown (or rejected with) as {@link BackendError}; any other exception becomes ERR_UNSPEC, and
 * so does an unusable result: no bytes, no number, a picture with fewer bytes than its pixels need. A call that fails must
 * have changed nothing, since this is what the guest is told. When a command needs more than one call and a later one fails, the first is followed by
 * its opposite.
 */
export interface Renderer {
  /** What GET_CAPSET_INFO lists, in this order; its length is `num_capsets`. */
  readonly capsets: readonly Capset[];
  /** The capability set itself; `id` is one of `capsets`, `version` at most its `maxVersion`. */
  getCapset(id: number, version: number): MaybeLater<Uint8Array>;
  /** `capsetId` is 0 when the renderer is to decide. */
  createContext(ctxId: number, capsetId: number, debugName: string): MaybeLater<void>;
  /** Destroys a context. */
  destroyContext(ctxId: number): MaybeLater<void>;
  /** Makes a resource visible in a context. */
  attachResource(ctxId: number, resourceId: number): MaybeLater<void>;
  /** Takes a resource out of a context. */
  detachResource(ctxId: number, resourceId: number): MaybeLater<void>;
  /** Creates a 3D resource. */
  createResource(resourceId: number, info: Resource3dInfo): MaybeLater<void>;
  /** Creates a host blob from an object of a context. */
  createBlob(ctxId: number, resourceId: number, info: BlobInfo): MaybeLater<void>;
  /** The guest no longer needs a resource made by `createResource` or `createBlob`. */
  unrefResource(resourceId: number): MaybeLater<void>;
  /** The backing of a resource changed; null: it has none any more and must not be touched. */
  setBacking(resourceId: number, backing: GuestPages | null): MaybeLater<void>;
  /** `backing` is the resource's, if it has any. */
  transferToHost(
    ctxId: number,
    resourceId: number,
    transfer: Transfer3d,
    backing: GuestPages | null,
  ): MaybeLater<void>;
  /** Copies from a resource to its backing. */
  transferFromHost(
    ctxId: number,
    resourceId: number,
    transfer: Transfer3d,
    backing: GuestPages | null,
  ): MaybeLater<void>;
  /** Executes a command stream; the bytes are the renderer's to keep. `ringIdx` is -1 when none was named. */
  submit(ctxId: number, commands: Uint8Array, ringIdx: number): MaybeLater<void>;
  /** The blob is about to be mapped; returns VIRTIO_GPU_MAP_CACHE_*. */
  mapBlob(resourceId: number): MaybeLater<number>;
  /** Takes a blob out of the host visible region. */
  unmapBlob(resourceId: number): MaybeLater<void>;
  /**
   * Pixels of a resource made by `createResource`, for SET_SCANOUT; null when it can't be scanned out. Called again
   * after every flush of it, so that the pixels may move.
   */
  pixels?(resourceId: number): RenderedPixels | null;
  /** RESOURCE_FLUSH of a resource of the renderer: bring `pixels` up to date. */
  flush?(resourceId: number, x: number, y: number, width: number, height: number): MaybeLater<void>;
  /** The device was reset: forget everything. Promises under way may settle as they like. */
  reset(): MaybeLater<void>;
  /**
   * State for `VirtioDevice.save`: contexts, resources and what is attached to what. Guest pages and the bytes of blobs
   * are not part of it. Without it a device with contexts or 3D resources can't be saved. No promise.
   */
  save?(): PlainValue;
  /**
   * Takes over what {@link save} returned, perhaps elsewhere, after a reset. `resources` are all that `createResource` and
   * `createBlob` had made and that are still there, in that order; nobody tells of their backing and their memory again.
   * Throws when the state does not fit: the device is left reset then, which {@link prepareRestore} avoids. No promise: what
   * takes time is done before.
   */
  restore?(state: PlainValue, resources: readonly RestoredResource[]): void;
  /**
   * In place of {@link restore}, in two steps: checks the state, which may come from a stranger, with the resources as they
   * will be, and changes nothing. Throws when it does not fit, and the device goes on with what it has. What it returns takes
   * the state over. No promise.
   */
  prepareRestore?(state: PlainValue, resources: readonly RestoredResource[]): PreparedRenderer;
}
