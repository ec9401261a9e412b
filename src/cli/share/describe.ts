import type { GpuCommandRecord, GpuFieldValue } from "../../devices/gpu/index.ts";
import type { RenderCommandRecord, RenderFieldValue } from "../../devices/render/index.ts";
import { formatCount } from "../demo/timeline.ts";
import type { ShareEvent } from "./events.ts";

type Value = GpuFieldValue | RenderFieldValue;
type Fields = { readonly [name: string]: Value };

/** Fields that say nothing that is not to be seen elsewhere. */
const SILENT = new Set(["padding", "blob_id", "offset", "offsets", "strides", "flags", "width", "height"]);

/** A command of virtio-gpu as a line of the timeline. */
export function describeGpuCommand(record: GpuCommandRecord, atMs: number): Omit<ShareEvent, "chapter"> {
  const remarks: string[] = [];
  if (record.fence !== null) remarks.push(`fence ${record.fence}`);
  if (record.bytesCopied > 0) remarks.push(`${formatCount(record.bytesCopied)} bytes copied`);
  if (record.reason !== "") remarks.push(record.reason);
  return {
    atMs,
    device: "gpu",
    name: record.name.replace("VIRTIO_GPU_CMD_", ""),
    parameters: formatFields(record.fields),
    response: record.response.replace("VIRTIO_GPU_RESP_", ""),
    failed: record.response.includes("_ERR_"),
    remarks,
  };
}

/** A command of the renderer, at the time when it was finished. */
export function describeRenderCommand(record: RenderCommandRecord): Omit<ShareEvent, "chapter"> {
  const remarks: string[] = [];
  if (record.fence !== null) remarks.push(`fence ${record.fence}`);
  if (record.pixels > 0) remarks.push(`${formatCount(record.pixels)} pixels`);
  if (record.finishedMs > record.takenMs) remarks.push(`asked for at ${record.takenMs.toFixed(3)}`);
  if (record.reason !== "") remarks.push(record.reason);
  return {
    atMs: record.finishedMs,
    device: "render",
    name: record.name.replace("VIRTIO_RENDER_CMD_", ""),
    parameters: formatFields(record.fields),
    response: record.response.replace("VIRTIO_RENDER_RESP_", ""),
    failed: record.response.includes("_ERR_"),
    remarks,
  };
}

function formatFields(fields: Fields): string {
  return Object.entries(fields)
    .filter(([name, value]) => !SILENT.has(name) && value !== undefined)
    .map(([name, value]) => formatField(name, value))
    .filter((text) => text !== "")
    .join(", ");
}

function formatField(name: string, value: Value): string {
  switch (name) {
    case "r":
    case "src": {
      const { x, y, width, height } = value as { readonly [key: string]: number };
      return `${width}×${height}+${x}+${y}`;
    }
    case "layout": {
      const { width, height } = value as { readonly [key: string]: number };
      return `${width}×${height}`;
    }
    case "resource_id":
      return `resource ${value}`;
    case "scanout_id":
    case "scanout":
      return `scanout ${value}`;
    case "import_id":
      return `import ${value}`;
    case "nr_entries":
      return `${value} ${value === 1 ? "segment" : "segments"}`;
    case "size":
      return `${formatCount(Number(value))} bytes`;
    case "uuid":
      return String(value);
    case "angle":
      return `${((Number(value) * 360) / 65536).toFixed(1)}°`;
    default:
      return "";
  }
}
