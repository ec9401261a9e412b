import {
  VIRTIO_GPU_CURSOR_POS,
  VIRTIO_GPU_CURSOR_SIZE,
  VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID,
  VIRTIO_GPU_RESP_ERR_INVALID_SCANOUT_ID,
  VIRTIO_GPU_RESP_ERR_UNSPEC,
  VIRTIO_GPU_RESP_OK_NODATA,
  VIRTIO_GPU_UPDATE_CURSOR,
} from "../../../wire/gpu.ts";
import type { RenderedPixels } from "../backend/renderer.ts";
import type { GpuCore } from "../core.ts";
import { CURSOR_BYTES } from "../output/cursor.ts";
import type { GpuRequest } from "../protocol.ts";
import type { Resource } from "../resources/resources.ts";

const POS = VIRTIO_GPU_UPDATE_CURSOR.pos;

/** VIRTIO_GPU_CMD_UPDATE_CURSOR */
export function updateCursor(core: GpuCore, request: GpuRequest): number {
  const scanoutId = request.u32(POS + VIRTIO_GPU_CURSOR_POS.scanout_id);
  // Positions are two's complement: Linux sends negative ones at the upper and left edge.
  const x = request.u32(POS + VIRTIO_GPU_CURSOR_POS.x) | 0;
  const y = request.u32(POS + VIRTIO_GPU_CURSOR_POS.y) | 0;
  const resourceId = request.u32(VIRTIO_GPU_UPDATE_CURSOR.resource_id);
  if (scanoutId >= core.scanouts.count) {
    return core.refuse(VIRTIO_GPU_RESP_ERR_INVALID_SCANOUT_ID, "no such scanout");
  }
  if (resourceId === 0) {
    return core.done(core.cursors.hide(scanoutId, x, y), true);
  }
  const resource = core.resources.get(resourceId);
  if (resource === null) return core.refuse(VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID, "no such resource");
  const rendered = resource.kind === "3d" ? core.scanouts.rendered(resource) : null;
  if (!core.resources.has(resource)) return VIRTIO_GPU_RESP_OK_NODATA;
  // [gpu.prose.device-operation-configure-mouse-cursor.1]
  switch (judgeImage(resource, rendered)) {
    case "none":
      return core.refuse(VIRTIO_GPU_RESP_ERR_UNSPEC, "the resource has no bytes to show");
    case "wrong-size":
      if (core.policy.cursorSize !== "ignore") {
        return core.refuse(core.policy.cursorSize, "the cursor is not 64x64 pixels");
      }
      return core.done(core.cursors.move(scanoutId, x, y), true);
    case "good": {
      const hotX = request.u32(VIRTIO_GPU_UPDATE_CURSOR.hot_x);
      const hotY = request.u32(VIRTIO_GPU_UPDATE_CURSOR.hot_y);
      return core.done(core.cursors.show(scanoutId, x, y, hotX, hotY, resource, rendered), true);
    }
  }
}

function judgeImage(resource: Resource, rendered: RenderedPixels | null): "good" | "wrong-size" | "none" {
  switch (resource.kind) {
    case "2d":
      return isCursorSize(resource) ? "good" : "wrong-size";
    case "3d":
      if (rendered === null) return "none";
      return isCursorSize(rendered) ? "good" : "wrong-size";
    // Blobs have no size in pixels: they hold a cursor when they are large enough for one, as QEMU has it.
    case "blob":
      if (resource.sizeBytes < CURSOR_BYTES) return "wrong-size";
      return resource.backing === null ? "none" : "good";
    case "host-blob":
      return resource.sizeBytes < CURSOR_BYTES ? "wrong-size" : "good";
  }
}

function isCursorSize(image: { readonly widthPixels: number; readonly heightPixels: number }): boolean {
  return image.widthPixels === VIRTIO_GPU_CURSOR_SIZE && image.heightPixels === VIRTIO_GPU_CURSOR_SIZE;
}

/** VIRTIO_GPU_CMD_MOVE_CURSOR; all fields but the position are ignored. */
export function moveCursor(core: GpuCore, request: GpuRequest): number {
  const scanoutId = request.u32(POS + VIRTIO_GPU_CURSOR_POS.scanout_id);
  if (scanoutId >= core.scanouts.count) {
    return core.refuse(VIRTIO_GPU_RESP_ERR_INVALID_SCANOUT_ID, "no such scanout");
  }
  const x = request.u32(POS + VIRTIO_GPU_CURSOR_POS.x) | 0;
  const y = request.u32(POS + VIRTIO_GPU_CURSOR_POS.y) | 0;
  if (core.policy.moveCursor === "visibility") {
    const visible = request.u32(VIRTIO_GPU_UPDATE_CURSOR.resource_id) !== 0;
    return core.done(core.cursors.move(scanoutId, x, y, visible), true);
  }
  return core.done(core.cursors.move(scanoutId, x, y), true);
}
