import { isPromise, type MaybeLater } from "../../../base/later.ts";
import { toBigInt, toNumber } from "../../../base/u64.ts";
import type { GuestPages } from "../../../memory/guest-pages.ts";
import type { DescriptorChain } from "../../../virtqueue/chain.ts";
import {
  VIRTIO_GPU_BLOB_FLAG_USE_CROSS_DEVICE,
  VIRTIO_GPU_BLOB_FLAG_USE_MAPPABLE,
  VIRTIO_GPU_BLOB_FLAG_USE_SHAREABLE,
  VIRTIO_GPU_BLOB_MEM_GUEST,
  VIRTIO_GPU_BLOB_MEM_HOST3D,
  VIRTIO_GPU_BLOB_MEM_HOST3D_GUEST,
  VIRTIO_GPU_F_BLOB_ALIGNMENT,
  VIRTIO_GPU_F_VIRGL,
  VIRTIO_GPU_MAP_CACHE_MASK,
  VIRTIO_GPU_RECT,
  VIRTIO_GPU_RESOURCE_CREATE_BLOB,
  VIRTIO_GPU_RESOURCE_MAP_BLOB,
  VIRTIO_GPU_RESOURCE_UNMAP_BLOB,
  VIRTIO_GPU_RESP_ERR_INVALID_CONTEXT_ID,
  VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER,
  VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID,
  VIRTIO_GPU_RESP_ERR_INVALID_SCANOUT_ID,
  VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY,
  VIRTIO_GPU_RESP_ERR_UNSPEC,
  VIRTIO_GPU_RESP_MAP_INFO,
  VIRTIO_GPU_RESP_OK_MAP_INFO,
  VIRTIO_GPU_RESP_OK_NODATA,
  VIRTIO_GPU_SET_SCANOUT_BLOB,
} from "../../../wire/gpu.ts";
import type { GpuCore } from "../core.ts";
import type { GpuRequest, GpuResponse } from "../protocol.ts";
import { BYTES_PER_PIXEL, isGpuFormat } from "../resources/formats.ts";
import { HostBlob } from "../resources/host-heap.ts";
import { Resource } from "../resources/resources.ts";
import { withBacking } from "./attach.ts";
import { forgetResource, unmapInTurns } from "./unref.ts";

const OK = VIRTIO_GPU_RESP_OK_NODATA;

const KNOWN_BLOB_FLAGS =
  VIRTIO_GPU_BLOB_FLAG_USE_MAPPABLE |
  VIRTIO_GPU_BLOB_FLAG_USE_SHAREABLE |
  VIRTIO_GPU_BLOB_FLAG_USE_CROSS_DEVICE;

/** Strides from here on are negative when read as signed, and no frame needs them. */
const MAX_STRIDE_BYTES = 0x80000000;

/** True when a blob size or map offset keeps to `blob_alignment`. [gpu.driver.device-operation-controlq.1] */
function isAligned(core: GpuCore, value: number): boolean {
  const alignment = core.options.blobAlignmentBytes;
  if (alignment === undefined || !core.host.hasFeature(VIRTIO_GPU_F_BLOB_ALIGNMENT)) return true;
  return value % alignment === 0;
}

/** VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB */
export function createBlob(core: GpuCore, request: GpuRequest): number {
  const id = request.u32(VIRTIO_GPU_RESOURCE_CREATE_BLOB.resource_id);
  const mem = request.u32(VIRTIO_GPU_RESOURCE_CREATE_BLOB.blob_mem);
  const flags = request.u32(VIRTIO_GPU_RESOURCE_CREATE_BLOB.blob_flags);
  const count = request.u32(VIRTIO_GPU_RESOURCE_CREATE_BLOB.nr_entries);
  const sizeBytes = toNumber(
    request.u32(VIRTIO_GPU_RESOURCE_CREATE_BLOB.size + 4),
    request.u32(VIRTIO_GPU_RESOURCE_CREATE_BLOB.size),
  );
  if (id === 0 || core.resources.get(id) !== null) {
    return core.refuse(VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID, "the resource id is 0 or in use");
  }
  const onHost = mem === VIRTIO_GPU_BLOB_MEM_HOST3D || mem === VIRTIO_GPU_BLOB_MEM_HOST3D_GUEST;
  // [gpu.prose.device-operation-controlq.3] blob_mem must be one of the three; the other two need VIRGL.
  if (mem !== VIRTIO_GPU_BLOB_MEM_GUEST && !(onHost && core.hasFeature(VIRTIO_GPU_F_VIRGL))) {
    return core.refuse(VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER, "this blob_mem is not offered");
  }
  if ((flags & ~KNOWN_BLOB_FLAGS) !== 0) {
    return core.refuse(VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER, "blob_flags has unknown bits");
  }
  if (sizeBytes === 0) return core.refuse(VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER, "a blob of 0 bytes");
  // No machine has as many, and positions in such a blob would be rounded.
  if (sizeBytes > Number.MAX_SAFE_INTEGER) {
    return core.refuse(VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER, "a blob of 2^53 bytes or more");
  }
  if (!isAligned(core, sizeBytes)) {
    return core.refuse(VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER, "the size is not aligned to blob_alignment");
  }
  if (mem === VIRTIO_GPU_BLOB_MEM_HOST3D && count !== 0) {
    return core.refuse(VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER, "a host-only blob has no guest memory");
  }
  if (!core.resources.hasRoom(onHost ? sizeBytes : 0)) {
    return core.refuse(VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY, "beyond the limits");
  }
  // [gpu.prose.device-operation-controlq.4]
  if (onHost && core.contexts.get(request.ctxId) === null) {
    return core.refuse(VIRTIO_GPU_RESP_ERR_INVALID_CONTEXT_ID, "no such context");
  }
  let memory: HostBlob | null = null;
  if (onHost) {
    core.host.budget.charge(sizeBytes);
    memory = allocateBlob(sizeBytes);
    if (memory === null) return core.refuse(VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY, "no memory for the blob");
  }
  const create =
    memory === null
      ? guestBlob(core, id, mem, flags, sizeBytes)
      : hostBlob(core, request, id, mem, flags, sizeBytes, memory);
  // The driver may bring the memory later with ATTACH_BACKING.
  if (count === 0) return core.done(create(null), true);
  const list = {
    chain: request.chain as DescriptorChain,
    position: VIRTIO_GPU_RESOURCE_CREATE_BLOB.sizeBytes,
    count,
    minBytes: sizeBytes,
    write: onHost,
  };
  return withBacking(core, list, create);
}

/** Makes a blob of what backs it. */
type CreateBlob = (backing: GuestPages | null) => MaybeLater<unknown>;

function guestBlob(core: GpuCore, id: number, mem: number, flags: number, sizeBytes: number): CreateBlob {
  return (backing) => {
    const resource = new Resource(id, "blob", { sizeBytes, blobMem: mem, blobFlags: flags });
    core.resources.add(resource);
    if (backing !== null) core.resources.setBacking(resource, backing);
  };
}

function hostBlob(
  core: GpuCore,
  request: GpuRequest,
  id: number,
  mem: number,
  flags: number,
  sizeBytes: number,
  memory: HostBlob,
): CreateBlob {
  const blobId = toBigInt(
    request.u32(VIRTIO_GPU_RESOURCE_CREATE_BLOB.blob_id + 4),
    request.u32(VIRTIO_GPU_RESOURCE_CREATE_BLOB.blob_id),
  );
  const resource = new Resource(id, "host-blob", { sizeBytes, memory, blobMem: mem, blobFlags: flags });
  const { ctxId } = request;
  return (backing) =>
    core.life.transact([
      // Added before the renderer is asked, so that a reset in the meantime removes it.
      {
        act: () => {
          core.resources.add(resource);
          core.resources.setBacking(resource, backing);
        },
        undo: () => forgetResource(core, resource),
      },
      {
        act: () => core.renderer?.createBlob(ctxId, id, { mem, flags, blobId, sizeBytes, memory, backing }),
      },
    ]);
}

function allocateBlob(sizeBytes: number): HostBlob | null {
  try {
    return new HostBlob(sizeBytes);
  } catch {
    return null;
  }
}

/** VIRTIO_GPU_CMD_SET_SCANOUT_BLOB */
export function setScanoutBlob(core: GpuCore, request: GpuRequest): number {
  const scanoutId = request.u32(VIRTIO_GPU_SET_SCANOUT_BLOB.scanout_id);
  const resourceId = request.u32(VIRTIO_GPU_SET_SCANOUT_BLOB.resource_id);
  if (scanoutId >= core.scanouts.count) {
    return core.refuse(VIRTIO_GPU_RESP_ERR_INVALID_SCANOUT_ID, "no such scanout");
  }
  if (resourceId === 0) {
    return core.done(core.scanouts.disable(scanoutId), true);
  }
  const resource = core.resources.get(resourceId);
  if (resource === null) return core.refuse(VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID, "no such resource");
  if (!resource.isBlob)
    return core.refuse(VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER, "the resource is not a blob");
  if (resource.kind === "blob" && resource.backing === null && core.policy.scanoutWithoutBacking !== OK) {
    return core.refuse(core.policy.scanoutWithoutBacking, "the blob has no backing");
  }
  const frameWidth = request.u32(VIRTIO_GPU_SET_SCANOUT_BLOB.width);
  const frameHeight = request.u32(VIRTIO_GPU_SET_SCANOUT_BLOB.height);
  const format = request.u32(VIRTIO_GPU_SET_SCANOUT_BLOB.format);
  const stride = request.u32(VIRTIO_GPU_SET_SCANOUT_BLOB.strides);
  const offset = request.u32(VIRTIO_GPU_SET_SCANOUT_BLOB.offsets);
  const at = VIRTIO_GPU_SET_SCANOUT_BLOB.r;
  const x = request.u32(at + VIRTIO_GPU_RECT.x);
  const y = request.u32(at + VIRTIO_GPU_RECT.y);
  const width = request.u32(at + VIRTIO_GPU_RECT.width);
  const height = request.u32(at + VIRTIO_GPU_RECT.height);
  // [gpu.prose.device-operation-controlq.6]
  if (!isGpuFormat(format)) return core.refuse(VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER, "no such format");
  const { maxResourceDimension } = core.limits;
  if (
    frameWidth === 0 ||
    frameHeight === 0 ||
    frameWidth > maxResourceDimension ||
    frameHeight > maxResourceDimension ||
    stride < frameWidth * BYTES_PER_PIXEL ||
    stride >= MAX_STRIDE_BYTES
  ) {
    return core.refuse(VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER, "the frame has no size, or too small a stride");
  }
  // At most 2^32 + 2^31 * 2^32: rounded perhaps, but exact wherever a blob could be as large.
  if (offset + stride * (frameHeight - 1) + frameWidth * BYTES_PER_PIXEL > resource.sizeBytes) {
    return core.refuse(VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER, "the frame is not inside the blob");
  }
  const { minScanoutPixels } = core.policy;
  if (
    width < minScanoutPixels ||
    height < minScanoutPixels ||
    x + width > frameWidth ||
    y + height > frameHeight
  ) {
    return core.refuse(VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER, "the rectangle is not inside the frame");
  }
  const first = offset + y * stride + x * BYTES_PER_PIXEL;
  return core.done(core.scanouts.show(scanoutId, resource, x, y, width, height, format, stride, first), true);
}

/** VIRTIO_GPU_CMD_RESOURCE_MAP_BLOB [gpu.device.device-initialization.6] */
export function mapBlob(core: GpuCore, request: GpuRequest, answer: GpuResponse): number {
  const { heap } = core;
  if (heap === null) return core.refuse(VIRTIO_GPU_RESP_ERR_UNSPEC, "there is no host visible memory");
  const resource = core.resources.get(request.u32(VIRTIO_GPU_RESOURCE_MAP_BLOB.resource_id));
  if (resource === null) return core.refuse(VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID, "no such resource");
  const { memory } = resource;
  if (memory === null || resource.blobMem !== VIRTIO_GPU_BLOB_MEM_HOST3D) {
    // Without a renderer there are no others.
    return core.refuse(VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER, "the resource is not a host-only blob");
  }
  const mappable = (resource.blobFlags & VIRTIO_GPU_BLOB_FLAG_USE_MAPPABLE) !== 0;
  // [gpu.prose.device-operation-controlq.5]
  if (!mappable && core.policy.mapWithoutFlag !== OK) {
    return core.refuse(core.policy.mapWithoutFlag, "the blob is not mappable");
  }
  // [gpu.prose.device-operation-controlq-3d.4]
  if (memory.mappedAt >= 0) return core.refuse(VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER, "the blob is mapped");
  const offset = toNumber(
    request.u32(VIRTIO_GPU_RESOURCE_MAP_BLOB.offset + 4),
    request.u32(VIRTIO_GPU_RESOURCE_MAP_BLOB.offset),
  );
  // [gpu.driver.device-operation-controlq-3d.1]
  if (!isAligned(core, offset)) {
    return core.refuse(VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER, "the offset is not aligned to blob_alignment");
  }
  if (!heap.reserve(memory, offset)) {
    return core.refuse(VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER, "outside of the window, or over another blob");
  }
  let cache = 0;
  const keep = (mapInfo: number): void => {
    cache = mapInfo;
  };
  const { renderer } = core;
  const done = core.life.transact([
    {
      // Its place in the window was reserved above, so that a lack of room is refused as such.
      act: () => core.inTurns(() => heap.moveIn(memory, core.host.budget)),
      undo: () => {
        const { life } = core;
        return life.after(unmapInTurns(core, resource), () => core.scanouts.followed(resource));
      },
    },
    {
      act: () => {
        const result = renderer?.mapBlob(resource.id) ?? 0;
        return isPromise(result) ? result.then(keep) : keep(result);
      },
      undo: () => renderer?.unmapBlob(resource.id),
    },
    { act: () => core.scanouts.moved(resource) },
  ]);
  const finish = (_: unknown, response: GpuResponse): number => {
    response.begin(VIRTIO_GPU_RESP_MAP_INFO.sizeBytes);
    response.setU32(VIRTIO_GPU_RESP_MAP_INFO.map_info, cache & VIRTIO_GPU_MAP_CACHE_MASK);
    return VIRTIO_GPU_RESP_OK_MAP_INFO;
  };
  return core.answer(done, answer, finish, true);
}

/** VIRTIO_GPU_CMD_RESOURCE_UNMAP_BLOB */
export function unmapBlob(core: GpuCore, request: GpuRequest): number {
  const { heap } = core;
  if (heap === null) return core.refuse(VIRTIO_GPU_RESP_ERR_UNSPEC, "there is no host visible memory");
  const resource = core.resources.get(request.u32(VIRTIO_GPU_RESOURCE_UNMAP_BLOB.resource_id));
  if (resource === null) return core.refuse(VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID, "no such resource");
  const { memory } = resource;
  if (memory === null || memory.mappedAt < 0) {
    return core.refuse(VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER, "the resource is not mapped");
  }
  return core.change(
    // The renderer first: while it holds on to the mapping, so does the device.
    { act: () => core.renderer?.unmapBlob(resource.id) },
    { act: () => unmapInTurns(core, resource) },
    { act: () => core.scanouts.followed(resource) },
  );
}
