import type { MaybeLater } from "../../../base/later.ts";
import { toNumber } from "../../../base/u64.ts";
import { ENTRY_WORK } from "../../../device/work.ts";
import type { GuestPages } from "../../../memory/guest-pages.ts";
import type { DescriptorChain } from "../../../virtqueue/chain.ts";
import {
  VIRTIO_GPU_GET_EDID,
  VIRTIO_GPU_RECT,
  VIRTIO_GPU_RESOURCE_ATTACH_BACKING,
  VIRTIO_GPU_RESOURCE_CREATE_2D,
  VIRTIO_GPU_RESOURCE_DETACH_BACKING,
  VIRTIO_GPU_RESOURCE_FLUSH,
  VIRTIO_GPU_RESOURCE_UNREF,
  VIRTIO_GPU_RESP_EDID,
  VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER,
  VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID,
  VIRTIO_GPU_RESP_ERR_INVALID_SCANOUT_ID,
  VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY,
  VIRTIO_GPU_RESP_ERR_UNSPEC,
  VIRTIO_GPU_RESP_OK_DISPLAY_INFO,
  VIRTIO_GPU_RESP_OK_EDID,
  VIRTIO_GPU_RESP_OK_NODATA,
  VIRTIO_GPU_SET_SCANOUT,
  VIRTIO_GPU_TRANSFER_TO_HOST_2D,
} from "../../../wire/gpu.ts";
import type { GpuCore } from "../core.ts";
import type { GpuRequest, GpuResponse } from "../protocol.ts";
import { BYTES_PER_PIXEL, isGpuFormat } from "../resources/formats.ts";
import { allocatePixels, isRendered, Resource } from "../resources/resources.ts";
import { SlicedTransfer, transferWork } from "../transfer/slices.ts";
import type { HostPixels } from "../transfer/words.ts";
import { withBacking } from "./attach.ts";
import { forgetResource, unmapInTurns } from "./unref.ts";

const OK = VIRTIO_GPU_RESP_OK_NODATA;

/** VIRTIO_GPU_CMD_GET_DISPLAY_INFO */
export function getDisplayInfo(core: GpuCore, _request: GpuRequest, response: GpuResponse): number {
  core.displays.describe(response, core.policy.disabledDisplay);
  return VIRTIO_GPU_RESP_OK_DISPLAY_INFO;
}

/** VIRTIO_GPU_CMD_GET_EDID */
export function getEdid(core: GpuCore, request: GpuRequest, response: GpuResponse): number {
  const scanoutId = request.u32(VIRTIO_GPU_GET_EDID.scanout);
  let display = core.displays.get(scanoutId);
  if (display === null) {
    if (core.policy.edidOfNoScanout !== OK)
      return core.refuse(core.policy.edidOfNoScanout, "no such scanout");
    display = core.displays.get(0);
  }
  const edid = display?.edid ?? new Uint8Array(0);
  response.begin(VIRTIO_GPU_RESP_EDID.sizeBytes);
  response.setU32(VIRTIO_GPU_RESP_EDID.size, edid.length);
  response.scratch.u8.set(edid, VIRTIO_GPU_RESP_EDID.edid);
  return VIRTIO_GPU_RESP_OK_EDID;
}

/** VIRTIO_GPU_CMD_RESOURCE_CREATE_2D */
export function createResource2d(core: GpuCore, request: GpuRequest): number {
  const id = request.u32(VIRTIO_GPU_RESOURCE_CREATE_2D.resource_id);
  const format = request.u32(VIRTIO_GPU_RESOURCE_CREATE_2D.format);
  const width = request.u32(VIRTIO_GPU_RESOURCE_CREATE_2D.width);
  const height = request.u32(VIRTIO_GPU_RESOURCE_CREATE_2D.height);
  if (id === 0 || core.resources.get(id) !== null) {
    return core.refuse(VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID, "the resource id is 0 or in use");
  }
  if (!isGpuFormat(format)) return core.refuse(VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER, "no such format");
  if (width === 0 || height === 0) {
    if (core.policy.createEmpty !== OK) return core.refuse(core.policy.createEmpty, "no pixels");
  }
  const { maxResourceDimension } = core.limits;
  // Products of two 32-bit numbers are rounded, but never below the limit.
  const sizeBytes = width * height * BYTES_PER_PIXEL;
  if (
    width > maxResourceDimension ||
    height > maxResourceDimension ||
    !core.resources.hasRoom(sizeBytes) ||
    sizeBytes > 0x7fffffff
  ) {
    return core.refuse(VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY, "beyond the limits");
  }
  // Zeros are written, now or at the first touch.
  core.host.budget.charge(sizeBytes);
  const pixels = allocatePixels(sizeBytes);
  if (pixels === null) return core.refuse(VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY, "no memory for the pixels");
  core.resources.add(
    new Resource(id, "2d", { widthPixels: width, heightPixels: height, format, sizeBytes, pixels }),
  );
  return OK;
}

/** VIRTIO_GPU_CMD_RESOURCE_UNREF */
export function unrefResource(core: GpuCore, request: GpuRequest): number {
  const resource = core.resources.get(request.u32(VIRTIO_GPU_RESOURCE_UNREF.resource_id));
  if (resource === null) return core.refuse(VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID, "no such resource");
  core.host.budget.charge(ENTRY_WORK * (1 + core.exports.count(resource)));
  if (!isRendered(resource)) return core.done(forgetResource(core, resource), true);
  // The renderer first: while it holds on to the resource, so does the device.
  return core.change(
    { act: () => core.renderer?.unrefResource(resource.id) },
    { act: () => unmapInTurns(core, resource) },
    { act: () => forgetResource(core, resource) },
  );
}

/** VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING */
export function attachBacking(core: GpuCore, request: GpuRequest): number {
  const resource = core.resources.get(request.u32(VIRTIO_GPU_RESOURCE_ATTACH_BACKING.resource_id));
  if (resource === null) return core.refuse(VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID, "no such resource");
  const { attachTwice, attachNothing } = core.policy;
  if (resource.backing !== null && attachTwice !== "replace") {
    return core.refuse(attachTwice, "the resource already has backing");
  }
  const count = request.u32(VIRTIO_GPU_RESOURCE_ATTACH_BACKING.nr_entries);
  if (count === 0) return core.refuse(attachNothing, "no entries");
  const list = {
    chain: request.chain as DescriptorChain,
    position: VIRTIO_GPU_RESOURCE_ATTACH_BACKING.sizeBytes,
    count,
    minBytes: resource.isBlob ? resource.sizeBytes : 0,
    write: isRendered(resource),
  };
  return withBacking(core, list, (pages) => setBacking(core, resource, pages));
}

function setBacking(core: GpuCore, resource: Resource, pages: GuestPages): MaybeLater<unknown> {
  const old = resource.backing;
  return core.life.transact([
    {
      act: () => core.resources.setBacking(resource, pages),
      undo: () => {
        if (resource.backing !== pages) return;
        core.resources.setBacking(resource, old);
        pages.release();
        if (resource.kind === "blob") return core.scanouts.followed(resource);
      },
    },
    {
      act: () => {
        if (isRendered(resource)) return core.renderer?.setBacking(resource.id, pages);
        if (resource.kind === "blob") return core.scanouts.moved(resource);
      },
    },
    { act: () => old?.release() },
  ]);
}

/** VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING */
export function detachBacking(core: GpuCore, request: GpuRequest): number {
  const resource = core.resources.get(request.u32(VIRTIO_GPU_RESOURCE_DETACH_BACKING.resource_id));
  if (resource === null) return core.refuse(VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID, "no such resource");
  const { backing } = resource;
  if (backing === null) return core.refuse(core.policy.detachNothing, "the resource has no backing");
  const detach = (): MaybeLater<void> => {
    if (resource.backing === backing) core.resources.dropBacking(resource);
    if (resource.kind === "blob") return core.scanouts.followed(resource);
  };
  if (!isRendered(resource)) return core.done(detach(), true);
  // The renderer first: until it has let go of the pages they are there.
  return core.change({ act: () => core.renderer?.setBacking(resource.id, null) }, { act: detach });
}

/** VIRTIO_GPU_CMD_SET_SCANOUT */
export function setScanout(core: GpuCore, request: GpuRequest): number {
  const scanoutId = request.u32(VIRTIO_GPU_SET_SCANOUT.scanout_id);
  const resourceId = request.u32(VIRTIO_GPU_SET_SCANOUT.resource_id);
  if (scanoutId >= core.scanouts.count) {
    return core.refuse(VIRTIO_GPU_RESP_ERR_INVALID_SCANOUT_ID, "no such scanout");
  }
  if (resourceId === 0) {
    return core.done(core.scanouts.disable(scanoutId), true);
  }
  const resource = core.resources.get(resourceId);
  if (resource === null) return core.refuse(VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID, "no such resource");
  let { widthPixels, heightPixels, format, strideBytes } = resource;
  switch (resource.kind) {
    case "2d":
      if (resource.backing === null && core.policy.scanoutWithoutBacking !== OK) {
        return core.refuse(core.policy.scanoutWithoutBacking, "the resource has no backing");
      }
      break;
    case "3d": {
      const rendered = core.scanouts.rendered(resource);
      if (!core.resources.has(resource)) return OK;
      if (rendered === null) {
        return core.refuse(VIRTIO_GPU_RESP_ERR_UNSPEC, "the renderer can't show the resource");
      }
      ({ widthPixels, heightPixels, format, strideBytes } = rendered);
      break;
    }
    case "blob":
    case "host-blob":
      return core.refuse(VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER, "a blob has no size in pixels");
  }
  const at = VIRTIO_GPU_SET_SCANOUT.r;
  const x = request.u32(at + VIRTIO_GPU_RECT.x);
  const y = request.u32(at + VIRTIO_GPU_RECT.y);
  const width = request.u32(at + VIRTIO_GPU_RECT.width);
  const height = request.u32(at + VIRTIO_GPU_RECT.height);
  const { minScanoutPixels } = core.policy;
  // "Scanout rectangles must be completely covered by the underlying resource." Sums of doubles don't wrap.
  if (
    width < minScanoutPixels ||
    height < minScanoutPixels ||
    x + width > widthPixels ||
    y + height > heightPixels
  ) {
    return core.refuse(VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER, "the rectangle is not inside the resource");
  }
  const offset = y * strideBytes + x * BYTES_PER_PIXEL;
  return core.done(
    core.scanouts.show(scanoutId, resource, x, y, width, height, format, strideBytes, offset),
    true,
  );
}

/** VIRTIO_GPU_CMD_RESOURCE_FLUSH */
export function flushResource(core: GpuCore, request: GpuRequest): number {
  const resource = core.resources.get(request.u32(VIRTIO_GPU_RESOURCE_FLUSH.resource_id));
  if (resource === null) return core.refuse(VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID, "no such resource");
  const at = VIRTIO_GPU_RESOURCE_FLUSH.r;
  const x = request.u32(at + VIRTIO_GPU_RECT.x);
  const y = request.u32(at + VIRTIO_GPU_RECT.y);
  const width = request.u32(at + VIRTIO_GPU_RECT.width);
  const height = request.u32(at + VIRTIO_GPU_RECT.height);
  // The size of a blob is that of the frame on it, if any: there is nothing to check against.
  if (!resource.isBlob && (x + width > resource.widthPixels || y + height > resource.heightPixels)) {
    return core.refuse(VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER, "the rectangle is not inside the resource");
  }
  if (resource.kind === "2d" || resource.kind === "blob") {
    return core.done(core.scanouts.flush(resource, x, y, width, height));
  }
  return flushRendered(core, resource, x, y, width, height);
}

// In a function of its own: variables that a closure captures live on the heap even in calls that never create it.
function flushRendered(
  core: GpuCore,
  resource: Resource,
  x: number,
  y: number,
  width: number,
  height: number,
): number {
  const { life } = core;
  const show = (): MaybeLater<void> => {
    if (!resource.gone) return core.scanouts.flush(resource, x, y, width, height);
  };
  const find = (): MaybeLater<void> => {
    if (!resource.gone) return life.after(core.scanouts.moved(resource), show);
  };
  return core.done(life.after(core.renderer?.flush?.(resource.id, x, y, width, height), find));
}

/**
 * VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D: `offset` is that of the rectangle's first pixel in the backing, whose rows are
 * as far apart as the resource is wide.
 */
export function transferToHost2d(core: GpuCore, request: GpuRequest): number {
  const resource = core.resources.get(request.u32(VIRTIO_GPU_TRANSFER_TO_HOST_2D.resource_id));
  if (resource === null) return core.refuse(VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID, "no such resource");
  // A blob is shown from where its bytes are, so there is nothing to copy. Linux transfers its dumb blobs all the same.
  if (resource.isBlob) return OK;
  const { backing } = resource;
  const { policy } = core;
  if (backing === null) {
    return core.refuse(policy.transferWithoutBacking, "the resource has no backing");
  }
  const at = VIRTIO_GPU_TRANSFER_TO_HOST_2D.r;
  const x = request.u32(at + VIRTIO_GPU_RECT.x);
  const y = request.u32(at + VIRTIO_GPU_RECT.y);
  const width = request.u32(at + VIRTIO_GPU_RECT.width);
  let height = request.u32(at + VIRTIO_GPU_RECT.height);
  if (x + width > resource.widthPixels || y + height > resource.heightPixels) {
    return core.refuse(VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER, "the rectangle is not inside the resource");
  }
  if (width === 0 || height === 0) return core.refuse(policy.transferEmpty, "no pixels");
  const offset = toNumber(
    request.u32(VIRTIO_GPU_TRANSFER_TO_HOST_2D.offset + 4),
    request.u32(VIRTIO_GPU_TRANSFER_TO_HOST_2D.offset),
  );
  if (resource.kind === "3d") {
    const box = {
      x,
      y,
      z: 0,
      width,
      height,
      depth: 1,
      offset,
      level: 0,
      strideBytes: 0,
      layerStrideBytes: 0,
    };
    return core.done(core.renderer?.transferToHost(request.ctxId, resource.id, box, backing));
  }
  if (policy.transferWholeRows === "everything" && offset === 0 && x === 0 && y === 0) {
    if (width === resource.widthPixels) height = resource.heightPixels;
  }
  const strideBytes = resource.strideBytes;
  const rowBytes = width * BYTES_PER_PIXEL;
  if (
    offset + (height - 1) * strideBytes + rowBytes > backing.totalBytes &&
    policy.transferBeyondBacking !== OK
  ) {
    return core.refuse(policy.transferBeyondBacking, "the rectangle lies beyond the backing");
  }
  const targetOffset = y * strideBytes + x * BYTES_PER_PIXEL;
  const pixels = resource.pixels as HostPixels;
  const { budget } = core.host;
  const work = transferWork(backing, offset, pixels, targetOffset, strideBytes, rowBytes, height);
  if (work > budget.left) {
    return transferInTurns(
      core,
      new SlicedTransfer(
        core.transfers,
        backing,
        offset,
        pixels,
        targetOffset,
        strideBytes,
        rowBytes,
        height,
      ),
    );
  }
  budget.left -= work;
  core.counters.bytesCopied += core.transfers.copy(
    backing,
    offset,
    pixels,
    targetOffset,
    strideBytes,
    rowBytes,
    height,
  );
  return OK;
}

/** A transfer that exceeds what is left of this turn's budget. No other command of the queue begins until it is done. */
function transferInTurns(core: GpuCore, transfer: SlicedTransfer): number {
  let counted = 0;
  const later = core.inTurns(() => {
    const isDone = transfer.step(core.host.budget);
    core.counters.bytesCopied += transfer.copied - counted;
    counted = transfer.copied;
    return isDone;
  });
  if (later === undefined) return OK;
  const atOnce = transfer.copied;
  return core.later(
    later,
    () => {
      core.lateBytesCopied = transfer.copied - atOnce;
      return OK;
    },
    true,
  );
}
