import { toNumber } from "../../../base/u64.ts";
import type { DescriptorChain } from "../../../virtqueue/chain.ts";
import {
  VIRTIO_GPU_BOX,
  VIRTIO_GPU_CMD_SUBMIT,
  VIRTIO_GPU_CONTEXT_INIT_CAPSET_ID_MASK,
  VIRTIO_GPU_CTX_CREATE,
  VIRTIO_GPU_CTX_RESOURCE,
  VIRTIO_GPU_F_CONTEXT_INIT,
  VIRTIO_GPU_FLAG_INFO_RING_IDX,
  VIRTIO_GPU_GET_CAPSET,
  VIRTIO_GPU_GET_CAPSET_INFO,
  VIRTIO_GPU_RESOURCE_CREATE_3D,
  VIRTIO_GPU_RESP_CAPSET_INFO,
  VIRTIO_GPU_RESP_ERR_INVALID_CONTEXT_ID,
  VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER,
  VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID,
  VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY,
  VIRTIO_GPU_RESP_OK_CAPSET,
  VIRTIO_GPU_RESP_OK_CAPSET_INFO,
  VIRTIO_GPU_RESP_OK_NODATA,
  VIRTIO_GPU_TRANSFER_HOST_3D,
} from "../../../wire/gpu.ts";
import type { Renderer, Transfer3d } from "../backend/renderer.ts";
import type { GpuCore } from "../core.ts";
import type { GpuRequest, GpuResponse } from "../protocol.ts";
import type { Attachment, Context } from "../resources/contexts.ts";
import { isRendered, Resource } from "../resources/resources.ts";
import { forgetResource } from "./unref.ts";

const OK = VIRTIO_GPU_RESP_OK_NODATA;
const DEBUG_NAME_BYTES = VIRTIO_GPU_CTX_CREATE.sizeBytes - VIRTIO_GPU_CTX_CREATE.debug_name;

// The command table lets these run only when VIRGL is offered, which needs a renderer.
function rendererOf(core: GpuCore): Renderer {
  return core.renderer as Renderer;
}

/** VIRTIO_GPU_CMD_GET_CAPSET_INFO */
export function getCapsetInfo(core: GpuCore, request: GpuRequest, response: GpuResponse): number {
  // [gpu.prose.device-operation-controlq.1]
  const capset = core.renderer?.capsets[request.u32(VIRTIO_GPU_GET_CAPSET_INFO.capset_index)];
  if (capset === undefined) return core.refuse(VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER, "no such capset");
  response.begin(VIRTIO_GPU_RESP_CAPSET_INFO.sizeBytes);
  response.setU32(VIRTIO_GPU_RESP_CAPSET_INFO.capset_id, capset.id);
  response.setU32(VIRTIO_GPU_RESP_CAPSET_INFO.capset_max_version, capset.maxVersion);
  response.setU32(VIRTIO_GPU_RESP_CAPSET_INFO.capset_max_size, capset.maxSizeBytes);
  return VIRTIO_GPU_RESP_OK_CAPSET_INFO;
}

/** VIRTIO_GPU_CMD_GET_CAPSET */
export function getCapset(core: GpuCore, request: GpuRequest, response: GpuResponse): number {
  const id = request.u32(VIRTIO_GPU_GET_CAPSET.capset_id);
  const version = request.u32(VIRTIO_GPU_GET_CAPSET.capset_version);
  const capset = core.renderer?.capsets.find((each) => each.id === id);
  if (capset === undefined || version > capset.maxVersion) {
    return core.refuse(VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER, "no such capset or version");
  }
  return core.answer(rendererOf(core).getCapset(id, version), response, (bytes, to) => {
    // Never more than what GET_CAPSET_INFO promised, whatever the renderer comes up with.
    to.payload = bytes.subarray(0, capset.maxSizeBytes);
    return VIRTIO_GPU_RESP_OK_CAPSET;
  });
}

/** VIRTIO_GPU_CMD_CTX_CREATE [gpu.prose.device-operation-controlq-3d.1] */
export function createContext(core: GpuCore, request: GpuRequest): number {
  const id = request.ctxId;
  const existing = core.contexts.get(id);
  if (existing !== null && core.policy.contextExists === "ignore") return OK;
  if (id === 0 || existing !== null) {
    return core.refuse(VIRTIO_GPU_RESP_ERR_INVALID_CONTEXT_ID, "the context id is 0 or in use");
  }
  if (core.contexts.full) return core.refuse(VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY, "too many contexts");
  const nameBytes = Math.min(request.u32(VIRTIO_GPU_CTX_CREATE.nlen), DEBUG_NAME_BYTES);
  const debugName = readName(request.scratch.u8, VIRTIO_GPU_CTX_CREATE.debug_name, nameBytes);
  let capsetId = 0;
  if (core.hasFeature(VIRTIO_GPU_F_CONTEXT_INIT)) {
    // [gpu.prose.device-operation-controlq-3d.3]
    const init = request.u32(VIRTIO_GPU_CTX_CREATE.context_init);
    capsetId = init & VIRTIO_GPU_CONTEXT_INIT_CAPSET_ID_MASK;
    if (capsetId !== 0 && !rendererOf(core).capsets.some((capset) => capset.id === capsetId)) {
      return core.refuse(VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER, "no such capset");
    }
  }
  const context = { id, capsetId, debugName, resources: new Set<number>() };
  return core.change(
    // Added before the renderer is asked, so that a reset in the meantime removes it.
    { act: () => core.contexts.add(context), undo: () => removeContext(core, context) },
    { act: () => rendererOf(core).createContext(id, capsetId, debugName) },
  );
}

/** A context may have as many resources attached as there are: they are let go of in turns. */
function removeContext(core: GpuCore, context: Context): Promise<void> | undefined {
  core.contexts.remove(context);
  return core.inTurns(() => core.contexts.sweep(core.host.budget));
}

function readName(bytes: Uint8Array, offset: number, lengthBytes: number): string {
  let name = "";
  for (let i = 0; i < lengthBytes; i++) {
    const byte = bytes[offset + i] as number;
    if (byte === 0) break;
    name += String.fromCharCode(byte);
  }
  return name;
}

/** VIRTIO_GPU_CMD_CTX_DESTROY */
export function destroyContext(core: GpuCore, request: GpuRequest): number {
  const context = core.contexts.get(request.ctxId);
  if (context === null) return core.refuse(VIRTIO_GPU_RESP_ERR_INVALID_CONTEXT_ID, "no such context");
  return core.change(
    { act: () => rendererOf(core).destroyContext(context.id) },
    { act: () => removeContext(core, context) },
  );
}

/** VIRTIO_GPU_CMD_CTX_ATTACH_RESOURCE */
export function attachResource(core: GpuCore, request: GpuRequest): number {
  const found = findAttachment(core, request);
  if (typeof found === "number") return found;
  const { context, resource } = found;
  const { contexts } = core;
  if (context.resources.has(resource.id)) {
    // It is attached already. If the renderer has not decided on that yet, this command ends as the first one does.
    return core.done(contexts.attachment(context, resource.id)?.undecided);
  }
  if (contexts.attachmentsFull) {
    return core.refuse(VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY, "too many attached resources");
  }
  const attachment: Attachment = { undecided: undefined };
  const done = core.life.transact([
    {
      act: () => contexts.attach(context, resource.id, attachment),
      // Unless it was detached in the meantime, and its id perhaps given to another resource.
      undo: () => {
        if (contexts.attachment(context, resource.id) === attachment) contexts.detach(context, resource.id);
      },
    },
    {
      act: () => {
        if (isRendered(resource)) return rendererOf(core).attachResource(context.id, resource.id);
      },
    },
    {
      act: () => {
        attachment.undecided = undefined;
      },
    },
  ]);
  attachment.undecided = done;
  return core.done(done);
}

/** VIRTIO_GPU_CMD_CTX_DETACH_RESOURCE; what is not attached is detached already. */
export function detachResource(core: GpuCore, request: GpuRequest): number {
  const found = findAttachment(core, request);
  if (typeof found === "number") return found;
  const { context, resource } = found;
  if (!context.resources.has(resource.id)) return OK;
  return core.change(
    {
      act: () => {
        if (isRendered(resource)) return rendererOf(core).detachResource(context.id, resource.id);
      },
    },
    {
      act: () => {
        if (!resource.gone) core.contexts.detach(context, resource.id);
      },
    },
  );
}

/** The context and the resource of a command, or the type of the error response. */
function findAttachment(
  core: GpuCore,
  request: GpuRequest,
): { readonly context: Context; readonly resource: Resource } | number {
  const context = core.contexts.get(request.ctxId);
  if (context === null) return core.refuse(VIRTIO_GPU_RESP_ERR_INVALID_CONTEXT_ID, "no such context");
  const resource = core.resources.get(request.u32(VIRTIO_GPU_CTX_RESOURCE.resource_id));
  if (resource === null) return core.refuse(VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID, "no such resource");
  return { context, resource };
}

/** VIRTIO_GPU_CMD_RESOURCE_CREATE_3D */
export function createResource3d(core: GpuCore, request: GpuRequest): number {
  const id = request.u32(VIRTIO_GPU_RESOURCE_CREATE_3D.resource_id);
  if (id === 0 || core.resources.get(id) !== null) {
    return core.refuse(VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID, "the resource id is 0 or in use");
  }
  if (!core.resources.hasRoom(0)) {
    return core.refuse(VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY, "too many resources");
  }
  const info = {
    target: request.u32(VIRTIO_GPU_RESOURCE_CREATE_3D.target),
    format: request.u32(VIRTIO_GPU_RESOURCE_CREATE_3D.format),
    bind: request.u32(VIRTIO_GPU_RESOURCE_CREATE_3D.bind),
    width: request.u32(VIRTIO_GPU_RESOURCE_CREATE_3D.width),
    height: request.u32(VIRTIO_GPU_RESOURCE_CREATE_3D.height),
    depth: request.u32(VIRTIO_GPU_RESOURCE_CREATE_3D.depth),
    arraySize: request.u32(VIRTIO_GPU_RESOURCE_CREATE_3D.array_size),
    lastLevel: request.u32(VIRTIO_GPU_RESOURCE_CREATE_3D.last_level),
    samples: request.u32(VIRTIO_GPU_RESOURCE_CREATE_3D.nr_samples),
    flags: request.u32(VIRTIO_GPU_RESOURCE_CREATE_3D.flags),
  };
  const resource = new Resource(id, "3d", {
    widthPixels: info.width,
    heightPixels: info.height,
    format: info.format,
  });
  return core.change(
    { act: () => core.resources.add(resource), undo: () => forgetResource(core, resource) },
    { act: () => rendererOf(core).createResource(id, info) },
  );
}

/** VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D */
export function transferToHost3d(core: GpuCore, request: GpuRequest): number {
  return transfer(core, request, true);
}

/** VIRTIO_GPU_CMD_TRANSFER_FROM_HOST_3D */
export function transferFromHost3d(core: GpuCore, request: GpuRequest): number {
  return transfer(core, request, false);
}

function transfer(core: GpuCore, request: GpuRequest, toHost: boolean): number {
  const resource = core.resources.get(request.u32(VIRTIO_GPU_TRANSFER_HOST_3D.resource_id));
  if (resource === null) return core.refuse(VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID, "no such resource");
  // Context 0 is the renderer's own, for uploads that belong to none.
  if (request.ctxId !== 0 && core.contexts.get(request.ctxId) === null) {
    return core.refuse(VIRTIO_GPU_RESP_ERR_INVALID_CONTEXT_ID, "no such context");
  }
  // A guest blob is used from where its bytes are, so there is nothing to copy.
  if (resource.kind === "blob") return OK;
  if (resource.kind === "2d") {
    return core.refuse(VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER, "the resource is not a 3D resource");
  }
  const at = VIRTIO_GPU_TRANSFER_HOST_3D.box;
  const info: Transfer3d = {
    x: request.u32(at + VIRTIO_GPU_BOX.x),
    y: request.u32(at + VIRTIO_GPU_BOX.y),
    z: request.u32(at + VIRTIO_GPU_BOX.z),
    width: request.u32(at + VIRTIO_GPU_BOX.w),
    height: request.u32(at + VIRTIO_GPU_BOX.h),
    depth: request.u32(at + VIRTIO_GPU_BOX.d),
    offset: toNumber(
      request.u32(VIRTIO_GPU_TRANSFER_HOST_3D.offset + 4),
      request.u32(VIRTIO_GPU_TRANSFER_HOST_3D.offset),
    ),
    level: request.u32(VIRTIO_GPU_TRANSFER_HOST_3D.level),
    strideBytes: request.u32(VIRTIO_GPU_TRANSFER_HOST_3D.stride),
    layerStrideBytes: request.u32(VIRTIO_GPU_TRANSFER_HOST_3D.layer_stride),
  };
  const renderer = rendererOf(core);
  return core.done(
    toHost
      ? renderer.transferToHost(request.ctxId, resource.id, info, resource.backing)
      : renderer.transferFromHost(request.ctxId, resource.id, info, resource.backing),
  );
}

/** VIRTIO_GPU_CMD_SUBMIT_3D */
export function submit3d(core: GpuCore, request: GpuRequest): number {
  const context = core.contexts.get(request.ctxId);
  if (context === null) return core.refuse(VIRTIO_GPU_RESP_ERR_INVALID_CONTEXT_ID, "no such context");
  const chain = request.chain as DescriptorChain;
  const sizeBytes = request.u32(VIRTIO_GPU_CMD_SUBMIT.size);
  // Memory is allocated only for bytes that are really there.
  if (sizeBytes > chain.readableBytes - VIRTIO_GPU_CMD_SUBMIT.sizeBytes) {
    return core.refuse(VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER, "fewer bytes of commands than announced");
  }
  if (sizeBytes > core.limits.maxSubmitBytes) {
    return core.refuse(VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY, "too many bytes of commands");
  }
  core.host.budget.charge(sizeBytes);
  const commands = new Uint8Array(sizeBytes);
  chain.read(VIRTIO_GPU_CMD_SUBMIT.sizeBytes, commands, 0, sizeBytes);
  const named = (request.flags & VIRTIO_GPU_FLAG_INFO_RING_IDX) !== 0;
  const ringIdx = named && core.hasFeature(VIRTIO_GPU_F_CONTEXT_INIT) ? request.ringIdx : -1;
  return core.done(rendererOf(core).submit(context.id, commands, ringIdx));
}
