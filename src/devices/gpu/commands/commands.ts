import {
  VIRTIO_GPU_CMD_CTX_ATTACH_RESOURCE,
  VIRTIO_GPU_CMD_CTX_CREATE,
  VIRTIO_GPU_CMD_CTX_DESTROY,
  VIRTIO_GPU_CMD_CTX_DETACH_RESOURCE,
  VIRTIO_GPU_CMD_GET_CAPSET,
  VIRTIO_GPU_CMD_GET_CAPSET_INFO,
  VIRTIO_GPU_CMD_GET_DISPLAY_INFO,
  VIRTIO_GPU_CMD_GET_EDID,
  VIRTIO_GPU_CMD_MOVE_CURSOR,
  VIRTIO_GPU_CMD_RESOURCE_ASSIGN_UUID,
  VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING,
  VIRTIO_GPU_CMD_RESOURCE_CREATE_2D,
  VIRTIO_GPU_CMD_RESOURCE_CREATE_3D,
  VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB,
  VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING,
  VIRTIO_GPU_CMD_RESOURCE_FLUSH,
  VIRTIO_GPU_CMD_RESOURCE_MAP_BLOB,
  VIRTIO_GPU_CMD_RESOURCE_UNMAP_BLOB,
  VIRTIO_GPU_CMD_RESOURCE_UNREF,
  VIRTIO_GPU_CMD_SET_SCANOUT,
  VIRTIO_GPU_CMD_SET_SCANOUT_BLOB,
  VIRTIO_GPU_CMD_SUBMIT_3D,
  VIRTIO_GPU_CMD_TRANSFER_FROM_HOST_3D,
  VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D,
  VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D,
  VIRTIO_GPU_CMD_UPDATE_CURSOR,
  VIRTIO_GPU_CONTROLQ,
  VIRTIO_GPU_CURSORQ,
  VIRTIO_GPU_F_EDID,
  VIRTIO_GPU_F_RESOURCE_BLOB,
  VIRTIO_GPU_F_RESOURCE_UUID,
  VIRTIO_GPU_F_VIRGL,
  virtio_gpu_cmd_submit,
  virtio_gpu_ctrl_hdr,
  virtio_gpu_ctx_create,
  virtio_gpu_ctx_destroy,
  virtio_gpu_ctx_resource,
  virtio_gpu_get_capset,
  virtio_gpu_get_capset_info,
  virtio_gpu_get_edid,
  virtio_gpu_resource_assign_uuid,
  virtio_gpu_resource_attach_backing,
  virtio_gpu_resource_create_2d,
  virtio_gpu_resource_create_3d,
  virtio_gpu_resource_create_blob,
  virtio_gpu_resource_detach_backing,
  virtio_gpu_resource_flush,
  virtio_gpu_resource_map_blob,
  virtio_gpu_resource_unmap_blob,
  virtio_gpu_resource_unref,
  virtio_gpu_set_scanout,
  virtio_gpu_set_scanout_blob,
  virtio_gpu_transfer_host_3d,
  virtio_gpu_transfer_to_host_2d,
  virtio_gpu_update_cursor,
} from "../../../wire/gpu.ts";
import { gpuCommandName } from "../../../wire/gpu-names.ts";
import type { WireStruct } from "../../../wire/schema.ts";
import type { GpuCore } from "../core.ts";
import type { GpuRequest, GpuResponse } from "../protocol.ts";
import {
  attachBacking,
  createResource2d,
  detachBacking,
  flushResource,
  getDisplayInfo,
  getEdid,
  setScanout,
  transferToHost2d,
  unrefResource,
} from "./commands-2d.ts";
import {
  attachResource,
  createContext,
  createResource3d,
  destroyContext,
  detachResource,
  getCapset,
  getCapsetInfo,
  submit3d,
  transferFromHost3d,
  transferToHost3d,
} from "./commands-3d.ts";
import { createBlob, mapBlob, setScanoutBlob, unmapBlob } from "./commands-blob.ts";
import { moveCursor, updateCursor } from "./commands-cursor.ts";
import { assignUuid } from "./commands-uuid.ts";

/**
 * Does what a request asks for and returns the type of the response, whose payload it has filled in, or `PENDING`. It
 * may throw what a back end threw.
 */
export type GpuCommandHandler = (core: GpuCore, request: GpuRequest, response: GpuResponse) => number;

/** One command: how to recognise it, what it needs, what it does. */
export interface GpuCommand {
  readonly type: number;
  readonly name: string;
  /** Length of its fixed struct; a shorter request is refused. */
  readonly requestBytes: number;
  /** The fixed struct. */
  readonly request: WireStruct<unknown>;
  /** VIRTIO_GPU_CONTROLQ or VIRTIO_GPU_CURSORQ. */
  readonly queue: number;
  /** The feature bit without which it does not exist, -1 for none. */
  readonly feature: number;
  readonly handler: GpuCommandHandler;
}

const NONE = -1;

function command(
  type: number,
  request: WireStruct<unknown>,
  feature: number,
  handler: GpuCommandHandler,
  queue: number = VIRTIO_GPU_CONTROLQ,
): GpuCommand {
  return { type, name: gpuCommandName(type), requestBytes: request.span, request, queue, feature, handler };
}

/** Every command of the specification. */
// In a function, and marked: so programs that only read a scanout are bundled without the commands.
export const GPU_COMMANDS: readonly GpuCommand[] = /* @__PURE__ */ allCommands();

function allCommands(): GpuCommand[] {
  return [
    command(VIRTIO_GPU_CMD_GET_DISPLAY_INFO, virtio_gpu_ctrl_hdr, NONE, getDisplayInfo),
    command(VIRTIO_GPU_CMD_RESOURCE_CREATE_2D, virtio_gpu_resource_create_2d, NONE, createResource2d),
    command(VIRTIO_GPU_CMD_RESOURCE_UNREF, virtio_gpu_resource_unref, NONE, unrefResource),
    command(VIRTIO_GPU_CMD_SET_SCANOUT, virtio_gpu_set_scanout, NONE, setScanout),
    command(VIRTIO_GPU_CMD_RESOURCE_FLUSH, virtio_gpu_resource_flush, NONE, flushResource),
    command(VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D, virtio_gpu_transfer_to_host_2d, NONE, transferToHost2d),
    command(VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING, virtio_gpu_resource_attach_backing, NONE, attachBacking),
    command(VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING, virtio_gpu_resource_detach_backing, NONE, detachBacking),
    command(VIRTIO_GPU_CMD_GET_CAPSET_INFO, virtio_gpu_get_capset_info, VIRTIO_GPU_F_VIRGL, getCapsetInfo),
    command(VIRTIO_GPU_CMD_GET_CAPSET, virtio_gpu_get_capset, VIRTIO_GPU_F_VIRGL, getCapset),
    command(VIRTIO_GPU_CMD_GET_EDID, virtio_gpu_get_edid, VIRTIO_GPU_F_EDID, getEdid),
    command(
      VIRTIO_GPU_CMD_RESOURCE_ASSIGN_UUID,
      virtio_gpu_resource_assign_uuid,
      VIRTIO_GPU_F_RESOURCE_UUID,
      assignUuid,
    ),
    command(
      VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB,
      virtio_gpu_resource_create_blob,
      VIRTIO_GPU_F_RESOURCE_BLOB,
      createBlob,
    ),
    command(
      VIRTIO_GPU_CMD_SET_SCANOUT_BLOB,
      virtio_gpu_set_scanout_blob,
      VIRTIO_GPU_F_RESOURCE_BLOB,
      setScanoutBlob,
    ),
    command(VIRTIO_GPU_CMD_CTX_CREATE, virtio_gpu_ctx_create, VIRTIO_GPU_F_VIRGL, createContext),
    command(VIRTIO_GPU_CMD_CTX_DESTROY, virtio_gpu_ctx_destroy, VIRTIO_GPU_F_VIRGL, destroyContext),
    command(VIRTIO_GPU_CMD_CTX_ATTACH_RESOURCE, virtio_gpu_ctx_resource, VIRTIO_GPU_F_VIRGL, attachResource),
    command(VIRTIO_GPU_CMD_CTX_DETACH_RESOURCE, virtio_gpu_ctx_resource, VIRTIO_GPU_F_VIRGL, detachResource),
    command(
      VIRTIO_GPU_CMD_RESOURCE_CREATE_3D,
      virtio_gpu_resource_create_3d,
      VIRTIO_GPU_F_VIRGL,
      createResource3d,
    ),
    command(
      VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D,
      virtio_gpu_transfer_host_3d,
      VIRTIO_GPU_F_VIRGL,
      transferToHost3d,
    ),
    command(
      VIRTIO_GPU_CMD_TRANSFER_FROM_HOST_3D,
      virtio_gpu_transfer_host_3d,
      VIRTIO_GPU_F_VIRGL,
      transferFromHost3d,
    ),
    command(VIRTIO_GPU_CMD_SUBMIT_3D, virtio_gpu_cmd_submit, VIRTIO_GPU_F_VIRGL, submit3d),
    command(
      VIRTIO_GPU_CMD_RESOURCE_MAP_BLOB,
      virtio_gpu_resource_map_blob,
      VIRTIO_GPU_F_RESOURCE_BLOB,
      mapBlob,
    ),
    command(
      VIRTIO_GPU_CMD_RESOURCE_UNMAP_BLOB,
      virtio_gpu_resource_unmap_blob,
      VIRTIO_GPU_F_RESOURCE_BLOB,
      unmapBlob,
    ),
    command(VIRTIO_GPU_CMD_UPDATE_CURSOR, virtio_gpu_update_cursor, NONE, updateCursor, VIRTIO_GPU_CURSORQ),
    command(VIRTIO_GPU_CMD_MOVE_CURSOR, virtio_gpu_update_cursor, NONE, moveCursor, VIRTIO_GPU_CURSORQ),
  ];
}

// Types are 0x0100 … 0x010d, 0x0200 … 0x0209, 0x0300, 0x0301: 16 slots for each group.
const SLOTS_PER_GROUP = 16;
const GROUPS = 3;
const BY_TYPE: readonly (GpuCommand | null)[] = /* @__PURE__ */ indexByType();

function indexByType(): (GpuCommand | null)[] {
  const slots = new Array<GpuCommand | null>(GROUPS * SLOTS_PER_GROUP).fill(null);
  for (const each of GPU_COMMANDS) slots[slotOf(each.type)] = each;
  return slots;
}

function slotOf(type: number): number {
  return ((type >>> 8) - 1) * SLOTS_PER_GROUP + (type & 0xff);
}

/** The command of a type, null when there is none. Any unsigned 32-bit number may be asked for. */
export function findCommand(type: number): GpuCommand | null {
  const group = type >>> 8;
  if (group < 1 || group > GROUPS || (type & 0xff) >= SLOTS_PER_GROUP) return null;
  return BY_TYPE[slotOf(type)] as GpuCommand | null;
}
