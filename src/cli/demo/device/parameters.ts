import type { GpuFieldValue } from "../../../devices/gpu/index.ts";
import {
  VIRTIO_GPU_BLOB_FLAG_USE_CROSS_DEVICE,
  VIRTIO_GPU_BLOB_FLAG_USE_MAPPABLE,
  VIRTIO_GPU_BLOB_FLAG_USE_SHAREABLE,
  VIRTIO_GPU_BLOB_MEM_GUEST,
  VIRTIO_GPU_BLOB_MEM_HOST3D,
  VIRTIO_GPU_BLOB_MEM_HOST3D_GUEST,
} from "../../../wire/gpu.ts";
import { gpuFormatName } from "../../../wire/gpu-names.ts";

import { formatCount } from "../timeline.ts";

type Fields = { readonly [name: string]: GpuFieldValue };

const BLOB_MEM = new Map([
  [VIRTIO_GPU_BLOB_MEM_GUEST, "GUEST"],
  [VIRTIO_GPU_BLOB_MEM_HOST3D, "HOST3D"],
  [VIRTIO_GPU_BLOB_MEM_HOST3D_GUEST, "HOST3D_GUEST"],
]);
const BLOB_FLAGS = [
  [VIRTIO_GPU_BLOB_FLAG_USE_MAPPABLE, "MAPPABLE"],
  [VIRTIO_GPU_BLOB_FLAG_USE_SHAREABLE, "SHAREABLE"],
  [VIRTIO_GPU_BLOB_FLAG_USE_CROSS_DEVICE, "CROSS_DEVICE"],
] as const;

/** The fields of a command in words a reader takes in at a glance: `resource 2 64×64+0+0`. */
export function describeParameters(fields: Fields): string {
  const { resource_id, scanout_id, scanout, width, height, ...others } = fields;
  const words: string[] = [];
  if (resource_id !== undefined) words.push(`resource ${resource_id}`);
  const screen = scanout_id ?? scanout;
  if (screen !== undefined) words.push(`scanout ${screen}`);
  if (others["r"] !== undefined) words.push(rectangle(others["r"]));
  if (width !== undefined && height !== undefined) words.push(`${width}×${height}`);
  for (const [name, value] of Object.entries(others)) {
    const word = name === "r" ? "" : describeField(name, value);
    if (word !== "") words.push(word);
  }
  return words.join(" ");
}

function describeField(name: string, value: GpuFieldValue): string {
  switch (name) {
    case "format":
      return gpuFormatName(Number(value)).replace(/VIRTIO_GPU_FORMAT_|_UNORM/g, "");
    case "blob_mem":
      return BLOB_MEM.get(Number(value)) ?? `${name} ${plain(value)}`;
    case "blob_flags":
      return BLOB_FLAGS.filter(([flag]) => (Number(value) & flag) !== 0)
        .map(([, word]) => word)
        .join("|");
    case "blob_id":
      return Number(value) === 0 ? "" : `blob ${plain(value)}`;
    case "nr_entries":
      return `${formatCount(Number(value))} entries`;
    case "size":
      return `${formatCount(Number(value))} bytes`;
    case "strides":
    case "offsets":
      return planes(name.slice(0, -1), value);
    default:
      return `${name} ${plain(value)}`;
  }
}

/** Planes that are not used are zero. */
function planes(name: string, value: GpuFieldValue): string {
  const all = Array.isArray(value) ? (value as readonly number[]) : [];
  const used = all.slice(0, all.findLastIndex((part) => part !== 0) + 1);
  return used.length === 0 ? "" : `${name} ${used.join(",")}`;
}

function rectangle(value: GpuFieldValue): string {
  const { x, y, width, height } = value as Fields;
  return `${width}×${height}+${x}+${y}`;
}

function plain(value: GpuFieldValue): string {
  if (typeof value !== "object") return String(value);
  if (Array.isArray(value)) return `[${value.join(",")}]`;
  return `{${describeParameters(value as Fields)}}`;
}
