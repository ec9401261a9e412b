import { parseUuid } from "../../../device/shared-objects.ts";
import {
  VIRTIO_GPU_RESOURCE_ASSIGN_UUID,
  VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID,
  VIRTIO_GPU_RESP_ERR_UNSPEC,
  VIRTIO_GPU_RESP_OK_RESOURCE_UUID,
  VIRTIO_GPU_RESP_RESOURCE_UUID,
} from "../../../wire/gpu.ts";
import type { GpuCore } from "../core.ts";
import type { GpuRequest, GpuResponse } from "../protocol.ts";
import type { Resource } from "../resources/resources.ts";

const UUID_BYTES: number = VIRTIO_GPU_RESP_RESOURCE_UUID.sizeBytes - VIRTIO_GPU_RESP_RESOURCE_UUID.uuid;

/** VIRTIO_GPU_CMD_RESOURCE_ASSIGN_UUID [content.prose.exporting-objects.1] */
export function assignUuid(core: GpuCore, request: GpuRequest, response: GpuResponse): number {
  const resource = core.resources.get(request.u32(VIRTIO_GPU_RESOURCE_ASSIGN_UUID.resource_id));
  if (core.policy.uuid === "refuse") return core.refuse(VIRTIO_GPU_RESP_ERR_UNSPEC, "no such command");
  if (resource === null) return core.refuse(VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID, "no such resource");
  const uuid = chooseUuid(core, resource);
  if (uuid === null) return core.refuse(VIRTIO_GPU_RESP_ERR_UNSPEC, "there is no new UUID");
  response.begin(VIRTIO_GPU_RESP_RESOURCE_UUID.sizeBytes);
  response.scratch.u8.set(uuid, VIRTIO_GPU_RESP_RESOURCE_UUID.uuid);
  return VIRTIO_GPU_RESP_OK_RESOURCE_UUID;
}

function chooseUuid(core: GpuCore, resource: Resource): Uint8Array | null {
  const { exports, policy, options } = core;
  const latest = exports.latest(resource);
  if (latest !== null && (policy.uuid === "resource-id" || options.uuidOnRepeat !== "new")) {
    return parseUuid(latest.uuid);
  }
  if (exports.isFull(resource)) return null;
  const uuid = policy.uuid === "resource-id" ? uuidOfId(resource.id) : exports.newUuid();
  // The generator is not ours.
  core.host.sync();
  if (uuid !== null) exports.publish(resource, uuid);
  return uuid;
}

/** 12 zero bytes and the resource id, big-endian, as crosvm and libkrun have it. */
function uuidOfId(id: number): Uint8Array {
  const uuid = new Uint8Array(UUID_BYTES);
  new DataView(uuid.buffer).setUint32(12, id);
  return uuid;
}
