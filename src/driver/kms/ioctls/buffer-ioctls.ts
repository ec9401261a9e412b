/** Calls about buffers: GEM, dumb buffers, PRIME and VIRTGPU. */
import {
  VIRTIO_GPU_BLOB_FLAG_USE_CROSS_DEVICE,
  VIRTIO_GPU_BLOB_FLAG_USE_MAPPABLE,
  VIRTIO_GPU_BLOB_FLAG_USE_SHAREABLE,
  VIRTIO_GPU_BLOB_MEM_GUEST,
} from "../../../wire/gpu.ts";
import { DriverError } from "../../errors.ts";
import type { GuestBuffer } from "../../guest-buffer.ts";
import type { BufferObject } from "../buffers/buffer-object.ts";
import type { DmaBuf, PrimeFd } from "../buffers/dma-buf.ts";
import { ExportedBuffer } from "../buffers/exported-buffer.ts";
import { type Task, uninterruptible, waitFor } from "../time/tasks.ts";
import type { FileState } from "./file-state.ts";

const BLOB_FLAGS =
  VIRTIO_GPU_BLOB_FLAG_USE_MAPPABLE |
  VIRTIO_GPU_BLOB_FLAG_USE_SHAREABLE |
  VIRTIO_GPU_BLOB_FLAG_USE_CROSS_DEVICE;
const U32_MAX = 0xffffffff;
const WAIT_MS = 15_000;
/** DRM_CLOEXEC and DRM_RDWR. */
const PRIME_FLAGS = 0x80002;

/** VIRTGPU_PARAM_3D_FEATURES, for `getParam`. */
export const VIRTGPU_PARAM_3D_FEATURES = 1;
/** Always 1. */
export const VIRTGPU_PARAM_CAPSET_QUERY_FIX = 2;
/** VIRTIO_GPU_F_RESOURCE_BLOB. */
export const VIRTGPU_PARAM_RESOURCE_BLOB = 3;
/** There is host visible memory. */
export const VIRTGPU_PARAM_HOST_VISIBLE = 4;
/** VIRTIO_GPU_F_RESOURCE_UUID. */
export const VIRTGPU_PARAM_CROSS_DEVICE = 5;
/** VIRTIO_GPU_F_CONTEXT_INIT. */
export const VIRTGPU_PARAM_CONTEXT_INIT = 6;
/** A bit for each capability set. */
export const VIRTGPU_PARAM_SUPPORTED_CAPSET_IDS = 7;
/** Contexts can be named; Linux 6.12. */
export const VIRTGPU_PARAM_EXPLICIT_DEBUG_NAME = 8;
/** In bytes; Linux 7.3. */
export const VIRTGPU_PARAM_BLOB_ALIGNMENT = 9;

/** What CREATE_DUMB is asked for. */
export interface CreateDumb {
  /** In pixels. */
  readonly width: number;
  readonly height: number;
  /** Bits per pixel; only 32 is possible. */
  readonly bpp: number;
}

/** What CREATE_DUMB gives. */
export interface DumbBuffer {
  readonly handle: number;
  /** Bytes from row to row. */
  readonly pitch: number;
  readonly sizeBytes: number;
}

/** What VIRTGPU_RESOURCE_CREATE_BLOB is asked for. */
export interface CreateBlob {
  /** VIRTIO_GPU_BLOB_MEM_*; only guest memory is possible without a renderer. */
  readonly blobMem: number;
  /** VIRTIO_GPU_BLOB_FLAG_*. */
  readonly blobFlags: number;
  readonly sizeBytes: number;
  /** Must be 0 for guest memory. */
  readonly blobId?: number;
}

/** What VIRTGPU_RESOURCE_CREATE_BLOB gives. */
export interface BlobBuffer {
  readonly handle: number;
  readonly resourceId: number;
}

/** What VIRTGPU_RESOURCE_INFO gives. */
export interface ResourceInfo {
  readonly resourceId: number;
  readonly sizeBytes: number;
  /** VIRTIO_GPU_BLOB_MEM_*, 0 for anything that is not a blob. */
  readonly blobMem: number;
}

export function* createDumb(file: FileState, { width, height, bpp }: CreateDumb): Task<DumbBuffer> {
  file.check();
  const isSize = (value: number) => Number.isInteger(value) && value > 0 && value <= U32_MAX;
  if (!isSize(width) || !isSize(height) || !isSize(bpp)) {
    throw new DriverError("EINVAL", `a dumb buffer of ${width}×${height} pixels of ${bpp} bits`);
  }
  if (width * Math.ceil(bpp / 8) * height > U32_MAX - 4095) {
    throw new DriverError("EINVAL", `${width}×${height} pixels of ${bpp} bits do not fit into 32 bits`);
  }
  if (bpp !== 32) throw new DriverError("EINVAL", `${bpp} bits per pixel; the driver has 32 only`);
  const object = yield* file.card.buffers.createDumb(width, height);
  const handle = adopt(file, object);
  return { handle, pitch: width * 4, sizeBytes: object.sizeBytes };
}

/** Gives a new object its first handle, which holds it from then on. */
function adopt(file: FileState, object: BufferObject): number {
  object.retain();
  const handle = file.createHandle(object);
  object.release();
  return handle;
}

/** The memory of a buffer of the driver's own. */
export function mapBuffer(file: FileState, handle: number): GuestBuffer {
  file.check();
  const { pages } = file.object(handle);
  if (pages === null) throw new DriverError("EINVAL", "an import is mapped through its exporter");
  return pages;
}

/** Has a task to itself what changes the names of buffers, however long it takes. */
function* alone<T>(file: FileState, task: Task<T>): Task<T> {
  const { names } = file.card;
  if (!names.tryTake()) yield* uninterruptible(names.take());
  try {
    return yield* task;
  } finally {
    names.release();
  }
}

export function closeHandle(file: FileState, handle: number): Task<void> {
  return alone(file, closeHandleAlone(file, handle));
}

// biome-ignore lint/correctness/useYield: what changes names is a task
function* closeHandleAlone(file: FileState, handle: number): Task<void> {
  file.check();
  file.deleteHandle(handle);
}

export function primeHandleToFd(file: FileState, handle: number, flags: number): Task<PrimeFd> {
  return alone(file, handleToFd(file, handle, flags));
}

function* handleToFd(file: FileState, handle: number, flags: number): Task<PrimeFd> {
  file.check();
  if ((flags & ~PRIME_FLAGS) !== 0) throw new DriverError("EINVAL", `flags 0x${(flags >>> 0).toString(16)}`);
  const object = file.object(handle);
  let dmaBuf: DmaBuf | null = file.dmaBufOf(handle);
  if (dmaBuf === null) {
    dmaBuf = object.imported?.dmaBuf ?? object.exported ?? (yield* exportObject(file, object));
    file.pair(handle, dmaBuf);
  }
  return file.card.openPrimeFd(dmaBuf);
}

/** The first export: a plain resource gets its UUID now, and nobody waits for it. */
function* exportObject(file: FileState, object: BufferObject): Task<DmaBuf> {
  const { buffers, gpu } = file.card;
  if (!object.guestBlob) {
    if (gpu.hasUuid) {
      yield* buffers.assignUuid(object);
      gpu.notify();
    } else {
      object.uuidState = "error";
    }
  } else if ((object.blobFlags & VIRTIO_GPU_BLOB_FLAG_USE_CROSS_DEVICE) === 0) {
    object.uuidState = "error";
  }
  const exported = new ExportedBuffer(file.card, object);
  exported.retain();
  object.exported = exported;
  return exported;
}

export function primeFdToHandle(file: FileState, fd: PrimeFd): Task<number> {
  return alone(file, fdToHandle(file, fd));
}

function* fdToHandle(file: FileState, fd: PrimeFd): Task<number> {
  file.check();
  const { dmaBuf } = fd;
  const known = file.handleOf(dmaBuf);
  if (known !== null) return known;
  const own = dmaBuf instanceof ExportedBuffer && dmaBuf.belongsTo(file.card) ? dmaBuf.object : null;
  const object = own ?? (yield* file.card.buffers.import(dmaBuf));
  if (object.exported === null) {
    dmaBuf.retain();
    object.exported = dmaBuf;
  }
  const handle = adopt(file, object);
  file.pair(handle, dmaBuf);
  return handle;
}

export function getParam(file: FileState, param: number): number {
  file.check();
  const { gpu, capsets } = file.card;
  if (param > gpu.profile.lastParam) throw new DriverError("EINVAL", `no parameter ${param}`);
  switch (param) {
    case VIRTGPU_PARAM_3D_FEATURES:
    case VIRTGPU_PARAM_CONTEXT_INIT:
    case VIRTGPU_PARAM_EXPLICIT_DEBUG_NAME:
      return 0;
    case VIRTGPU_PARAM_CAPSET_QUERY_FIX:
      return 1;
    case VIRTGPU_PARAM_RESOURCE_BLOB:
      return Number(gpu.hasBlob);
    case VIRTGPU_PARAM_HOST_VISIBLE:
      return Number(gpu.hostVisibleBytes > 0n);
    case VIRTGPU_PARAM_CROSS_DEVICE:
      return Number(gpu.hasUuid);
    case VIRTGPU_PARAM_SUPPORTED_CAPSET_IDS:
      return capsets.reduce((mask, { id }) => mask | (id < 32 ? 1 << id : 0), 0) >>> 0;
    case VIRTGPU_PARAM_BLOB_ALIGNMENT:
      return gpu.blobAlignment;
    default:
      throw new DriverError("EINVAL", `no parameter ${param}`);
  }
}

export function* createBlob(file: FileState, request: CreateBlob): Task<BlobBuffer> {
  file.check();
  const { gpu, buffers } = file.card;
  const { blobMem, blobFlags, sizeBytes, blobId = 0 } = request;
  const refuse = (reason: string) => new DriverError("EINVAL", reason);
  if (!gpu.hasBlob) throw refuse("the device has no blobs");
  if ((blobFlags & ~BLOB_FLAGS) !== 0) throw refuse(`blob flags 0x${blobFlags.toString(16)}`);
  if ((blobFlags & VIRTIO_GPU_BLOB_FLAG_USE_CROSS_DEVICE) !== 0 && !gpu.hasUuid) {
    throw refuse("USE_CROSS_DEVICE needs UUIDs");
  }
  // Memory of the host takes a renderer.
  if (blobMem !== VIRTIO_GPU_BLOB_MEM_GUEST) throw refuse(`blobs of memory ${blobMem} need a renderer`);
  if (blobId !== 0) throw refuse("blobs of guest memory have no id");
  if (!(sizeBytes > 0)) throw refuse(`a blob of ${sizeBytes} bytes`);
  if (gpu.profile.hasBlobAlignment && sizeBytes % gpu.blobAlignment !== 0) {
    throw refuse(`${sizeBytes} bytes are not a multiple of blob_alignment ${gpu.blobAlignment}`);
  }
  const object = yield* buffers.createBlob(sizeBytes, blobFlags);
  const handle = adopt(file, object);
  return { handle, resourceId: object.resourceId };
}

export function resourceInfo(file: FileState, handle: number): ResourceInfo {
  file.check();
  const object = file.object(handle);
  // Dumb blobs do not remember what they are.
  const blobMem = object.guestBlob && !object.dumb ? VIRTIO_GPU_BLOB_MEM_GUEST : 0;
  return { resourceId: object.resourceId, sizeBytes: object.sizeBytes, blobMem };
}

export function* waitForBuffer(file: FileState, handle: number, nowait: boolean): Task<void> {
  file.check();
  const { reservation, resourceId } = file.object(handle);
  const idle = () => reservation.users.length === 0;
  const { clock } = file.card.gpu;
  if (idle()) return;
  const outcome = nowait
    ? "timeout"
    : yield* waitFor(clock, idle, WAIT_MS, `the users of resource ${resourceId}`, true);
  if (outcome === "interrupted") throw new DriverError("EINTR", "killed while it waits for a buffer");
  if (outcome === "timeout") throw new DriverError("EBUSY", `resource ${resourceId} is still in use`);
}
