/** What the driver sends when a plane changes. */
import { VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM, VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM } from "../../../wire/gpu.ts";
import type { BufferObject } from "../buffers/buffer-object.ts";
import { KmsFence } from "../buffers/fences.ts";
import {
  type Crtc,
  DRM_FORMAT_ARGB8888,
  type Framebuffer,
  type PlaneState,
} from "../objects/mode-objects.ts";
import type { Task, Wait } from "../time/tasks.ts";
import type { VirtioGpu } from "../virtio/virtio-gpu.ts";
import type { PlaneChange } from "./atomic-state.ts";

/** How long a commit waits for a flush that has a fence. */
const FLUSH_WAIT_MS = 50;
const BYTES_PER_PIXEL = 4;

// What damage comes to: written by mergedDamage, read by its caller at once.
const box = { x: 0, y: 0, width: 0, height: 0 };

/** The bounding box of what has to be sent, in `box`; false when nothing has to be. */
function mergedDamage(old: PlaneState, next: PlaneState): boolean {
  if (!next.visible) return false;
  const { visibleX, visibleY, visibleW, visibleH, damage } = next;
  const sourceMoved =
    old.visibleX !== visibleX ||
    old.visibleY !== visibleY ||
    old.visibleW !== visibleW ||
    old.visibleH !== visibleH;
  if (damage === null || next.ignoreDamage || sourceMoved) {
    box.x = visibleX;
    box.y = visibleY;
    box.width = visibleW;
    box.height = visibleH;
    return true;
  }
  let x1 = Infinity;
  let y1 = Infinity;
  let x2 = 0;
  let y2 = 0;
  for (const clip of damage) {
    const left = Math.max(clip.x1, visibleX);
    const top = Math.max(clip.y1, visibleY);
    const right = Math.min(clip.x2, visibleX + visibleW);
    const bottom = Math.min(clip.y2, visibleY + visibleH);
    if (left >= right || top >= bottom) continue;
    x1 = Math.min(x1, left);
    y1 = Math.min(y1, top);
    x2 = Math.max(x2, right);
    y2 = Math.max(y2, bottom);
  }
  box.x = x1;
  box.y = y1;
  box.width = x2 - x1;
  box.height = y2 - y1;
  return x1 < x2 && y1 < y2;
}

/** Shows nothing on a scanout, or the size that is to come: SET_SCANOUT of resource 0, and a notification. */
export function* blankScanout(gpu: VirtioGpu, scanout: number, width: number, height: number): Task<void> {
  if (!gpu.hasRoom()) yield* gpu.waitForRoom();
  gpu.requests.setScanout(scanout, 0, 0, 0, width, height);
  gpu.notify();
}

/** Sends a primary plane. */
export function* updatePrimary(gpu: VirtioGpu, { old, next }: PlaneChange): Task<void> {
  const crtc = old.crtc ?? next.crtc;
  if (crtc === null) return;
  const { fb } = next;
  if (fb === null || !crtc.state.active) {
    yield* blankScanout(gpu, crtc.index, next.srcW, next.srcH);
    return;
  }
  if (!mergedDamage(old, next)) return;
  const { x, y, width, height } = box;
  const { object } = fb;
  if (object.dumb) {
    if (!gpu.hasRoom()) yield* gpu.waitForRoom();
    gpu.control.prepare(object, null, null);
    // Bytes of framebuffers' offsets do not count: the driver leaves them out.
    gpu.requests.transferToHost2D(object.resourceId, x, y, width, height, x * BYTES_PER_PIXEL + y * fb.pitch);
  }
  const sourceChanged =
    fb !== old.fb ||
    next.srcW !== old.srcW ||
    next.srcH !== old.srcH ||
    next.srcX !== old.srcX ||
    next.srcY !== old.srcY;
  if (sourceChanged || crtc.needsModeset) {
    crtc.needsModeset = false;
    if (!gpu.hasRoom()) yield* gpu.waitForRoom();
    setScanout(gpu, crtc, fb, next);
  }
  yield* flush(gpu, object, next, x, y, width, height);
}

function setScanout(gpu: VirtioGpu, crtc: Crtc, fb: Framebuffer, next: PlaneState): void {
  const { object } = fb;
  if (!object.guestBlob) {
    gpu.requests.setScanout(crtc.index, object.resourceId, next.srcX, next.srcY, next.srcW, next.srcH);
    return;
  }
  gpu.requests.setScanoutBlob(crtc.index, object.resourceId, {
    x: next.srcX,
    y: next.srcY,
    shownWidth: next.srcW,
    shownHeight: next.srcH,
    width: fb.width,
    height: fb.height,
    format:
      fb.format === DRM_FORMAT_ARGB8888 ? VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM : VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM,
    strides: [fb.pitch],
    offsets: [fb.offset],
  });
}

// Seven arguments because an options object would be one allocation for each frame.
function* flush(
  gpu: VirtioGpu,
  object: BufferObject,
  next: PlaneState,
  x: number,
  y: number,
  width: number,
  height: number,
): Task<void> {
  if (!gpu.hasRoom()) yield* gpu.waitForRoom();
  const fence = next.flushFence;
  if (fence === null) {
    gpu.requests.resourceFlush(object.resourceId, x, y, width, height);
    gpu.notify();
    return;
  }
  gpu.control.prepare(object, fence, null);
  gpu.requests.resourceFlush(object.resourceId, x, y, width, height);
  object.reservation.add(fence, "write");
  gpu.notify();
  if (fence.signaled) return;
  const wait: Wait = {
    done: () => fence.signaled,
    deadlineMs: gpu.clock.now() + FLUSH_WAIT_MS,
    interruptible: true,
    what: "the fence of a flush",
  };
  // However it ends, the commit goes on.
  if ((yield wait) === "timeout") gpu.say("flush-timeout", { resource: object.resourceId, fence: fence.id });
}

/** Sends a cursor plane. */
export function* updateCursor(gpu: VirtioGpu, { old, next }: PlaneChange): Task<void> {
  const crtc = old.crtc ?? next.crtc;
  if (crtc === null) return;
  const { fb } = next;
  const isNew = fb !== old.fb;
  if (fb?.object.dumb && isNew) yield* uploadCursor(gpu, fb.object, next);
  const command = crtc.cursorCommand;
  if (isNew) {
    command.resourceId = fb?.object.resourceId ?? 0;
    const hot = gpu.profile.hasHotspotProperty ? next : fb;
    command.hotX = fb === null ? 0 : (hot?.hotX ?? 0);
    command.hotY = fb === null ? 0 : (hot?.hotY ?? 0);
  }
  if (!gpu.cursor.hasRoom(1)) yield* gpu.waitForRoom(1, gpu.cursor);
  const { resourceId, hotX, hotY } = command;
  if (isNew) gpu.cursorRequests.updateCursor(crtc.index, next.crtcX, next.crtcY, resourceId, hotX, hotY);
  else gpu.cursorRequests.moveCursor(crtc.index, next.crtcX, next.crtcY, resourceId, hotX, hotY);
  gpu.cursor.notify();
}

/** A new image goes to the host first, and the driver waits for it for as long as it takes. */
function* uploadCursor(gpu: VirtioGpu, object: BufferObject, next: PlaneState): Task<void> {
  if (!gpu.hasRoom()) yield* gpu.waitForRoom();
  const fence = next.flushFence ?? new KmsFence("cursor");
  gpu.control.prepare(object, fence, null);
  gpu.requests.transferToHost2D(object.resourceId, 0, 0, next.crtcW, next.crtcH, 0);
  object.reservation.add(fence, "write");
  gpu.notify();
  if (fence.signaled) return;
  const wait: Wait = {
    done: () => fence.signaled,
    deadlineMs: Infinity,
    interruptible: true,
    what: "the upload of a cursor",
  };
  yield wait;
}
