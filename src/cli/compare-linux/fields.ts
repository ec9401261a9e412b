/** The fields of commands, by their place in the first descriptor. */
import {
  VIRTIO_GPU_CMD_CTX_ATTACH_RESOURCE,
  VIRTIO_GPU_CMD_CTX_CREATE,
  VIRTIO_GPU_CMD_CTX_DESTROY,
  VIRTIO_GPU_CMD_CTX_DETACH_RESOURCE,
  VIRTIO_GPU_CMD_GET_CAPSET,
  VIRTIO_GPU_CMD_GET_CAPSET_INFO,
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
  virtio_gpu_cmd_submit,
  virtio_gpu_ctrl_hdr,
  virtio_gpu_ctx_create,
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
} from "../../wire/gpu.ts";
import { gpuCommandName } from "../../wire/gpu-names.ts";
import type { WireField, WireStruct } from "../../wire/schema.ts";

const STRUCTS: ReadonlyMap<number, WireStruct<unknown>> = new Map<number, WireStruct<unknown>>([
  [VIRTIO_GPU_CMD_GET_EDID, virtio_gpu_get_edid],
  [VIRTIO_GPU_CMD_GET_CAPSET_INFO, virtio_gpu_get_capset_info],
  [VIRTIO_GPU_CMD_GET_CAPSET, virtio_gpu_get_capset],
  [VIRTIO_GPU_CMD_RESOURCE_CREATE_2D, virtio_gpu_resource_create_2d],
  [VIRTIO_GPU_CMD_RESOURCE_UNREF, virtio_gpu_resource_unref],
  [VIRTIO_GPU_CMD_SET_SCANOUT, virtio_gpu_set_scanout],
  [VIRTIO_GPU_CMD_RESOURCE_FLUSH, virtio_gpu_resource_flush],
  [VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D, virtio_gpu_transfer_to_host_2d],
  [VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING, virtio_gpu_resource_attach_backing],
  [VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING, virtio_gpu_resource_detach_backing],
  [VIRTIO_GPU_CMD_RESOURCE_ASSIGN_UUID, virtio_gpu_resource_assign_uuid],
  [VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB, virtio_gpu_resource_create_blob],
  [VIRTIO_GPU_CMD_SET_SCANOUT_BLOB, virtio_gpu_set_scanout_blob],
  [VIRTIO_GPU_CMD_UPDATE_CURSOR, virtio_gpu_update_cursor],
  [VIRTIO_GPU_CMD_MOVE_CURSOR, virtio_gpu_update_cursor],
  [VIRTIO_GPU_CMD_CTX_CREATE, virtio_gpu_ctx_create],
  [VIRTIO_GPU_CMD_CTX_DESTROY, virtio_gpu_ctrl_hdr],
  [VIRTIO_GPU_CMD_CTX_ATTACH_RESOURCE, virtio_gpu_ctx_resource],
  [VIRTIO_GPU_CMD_CTX_DETACH_RESOURCE, virtio_gpu_ctx_resource],
  [VIRTIO_GPU_CMD_RESOURCE_CREATE_3D, virtio_gpu_resource_create_3d],
  [VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D, virtio_gpu_transfer_host_3d],
  [VIRTIO_GPU_CMD_TRANSFER_FROM_HOST_3D, virtio_gpu_transfer_host_3d],
  [VIRTIO_GPU_CMD_SUBMIT_3D, virtio_gpu_cmd_submit],
  [VIRTIO_GPU_CMD_RESOURCE_MAP_BLOB, virtio_gpu_resource_map_blob],
  [VIRTIO_GPU_CMD_RESOURCE_UNMAP_BLOB, virtio_gpu_resource_unmap_blob],
]);

const COMMAND_PREFIX = "VIRTIO_GPU_CMD_";

/** A number in a command. */
export interface Leaf {
  /** `r.x`, `hdr.flags`, `strides[1]` … */
  readonly path: string;
  readonly offset: number;
  /** 1, 4 or 8. */
  readonly lengthBytes: number;
}

const leavesOf = new Map<WireStruct<unknown>, readonly Leaf[]>();

/** The numbers of a command of so many bytes, in their order. Bytes beyond its struct are numbers without a name. */
export function leaves(type: number, lengthBytes: number): Leaf[] {
  const schema = STRUCTS.get(type) ?? virtio_gpu_ctrl_hdr;
  let known = leavesOf.get(schema);
  if (known === undefined) {
    known = flatten(schema, "", 0);
    leavesOf.set(schema, known);
  }
  const present = known.filter(({ offset, lengthBytes: length }) => offset + length <= lengthBytes);
  const rest: Leaf[] = [];
  for (let offset = schema.span; offset < lengthBytes; offset += 4) {
    rest.push({ path: `byte ${offset}`, offset, lengthBytes: lengthBytes - offset >= 4 ? 4 : 1 });
  }
  return [...present, ...rest];
}

function flatten(schema: WireStruct<unknown>, prefix: string, start: number): Leaf[] {
  const list: Leaf[] = [];
  let offset = start;
  for (const field of schema.fields) {
    list.push(...flattenField(field, `${prefix}${field.property ?? ""}`, offset));
    offset += field.span;
  }
  // The header of a command that is nothing else.
  return schema === virtio_gpu_ctrl_hdr && prefix === ""
    ? list.map((leaf) => ({ ...leaf, path: `hdr.${leaf.path}` }))
    : list;
}

function flattenField(field: WireField<unknown>, path: string, offset: number): Leaf[] {
  const inner = (field as Partial<WireStruct<unknown>>).fields;
  if (inner !== undefined && inner[0]?.property !== "lo") {
    return flatten(field as WireStruct<unknown>, `${path}.`, offset);
  }
  if (inner !== undefined || field.span === 4 || field.span === 1)
    return [{ path, offset, lengthBytes: field.span }];
  const unit = field.span % 4 === 0 ? 4 : 1;
  return Array.from({ length: field.span / unit }, (_, i) => ({
    path: `${path}[${i}]`,
    offset: offset + i * unit,
    lengthBytes: unit,
  }));
}

/** The number in a place of a command. */
export function leafValue(bytes: Uint8Array, { offset, lengthBytes }: Leaf): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (lengthBytes === 1) return BigInt(view.getUint8(offset));
  return lengthBytes === 8 ? view.getBigUint64(offset, true) : BigInt(view.getUint32(offset, true));
}

/** VIRTIO_GPU_CMD_* of a command; 0 when it is too short for one. */
export function typeOf(bytes: Uint8Array): number {
  return bytes.length < 4 ? 0 : new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
}

/** `SET_SCANOUT` … */
export function commandName(bytes: Uint8Array): string {
  return gpuCommandName(typeOf(bytes)).replace(COMMAND_PREFIX, "");
}

/** Whether a command carries a list of guest memory. */
export function carriesList(type: number): boolean {
  return type === VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING || type === VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB;
}

/** A field by its name, as a number; undefined when the command has none of this name. */
export function fieldOf(bytes: Uint8Array, path: string): number | undefined {
  const leaf = leaves(typeOf(bytes), bytes.length).find((each) => each.path === path);
  return leaf === undefined ? undefined : Number(leafValue(bytes, leaf));
}
