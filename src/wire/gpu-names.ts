/** Names of the numbers of the GPU device, and what its pixel formats mean: for traces, reports, converters. */
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
  VIRTIO_GPU_FORMAT_A8B8G8R8_UNORM,
  VIRTIO_GPU_FORMAT_A8R8G8B8_UNORM,
  VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM,
  VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM,
  VIRTIO_GPU_FORMAT_R8G8B8A8_UNORM,
  VIRTIO_GPU_FORMAT_R8G8B8X8_UNORM,
  VIRTIO_GPU_FORMAT_X8B8G8R8_UNORM,
  VIRTIO_GPU_FORMAT_X8R8G8B8_UNORM,
  VIRTIO_GPU_RESP_ERR_INVALID_CONTEXT_ID,
  VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER,
  VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID,
  VIRTIO_GPU_RESP_ERR_INVALID_SCANOUT_ID,
  VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY,
  VIRTIO_GPU_RESP_ERR_UNSPEC,
  VIRTIO_GPU_RESP_OK_CAPSET,
  VIRTIO_GPU_RESP_OK_CAPSET_INFO,
  VIRTIO_GPU_RESP_OK_DISPLAY_INFO,
  VIRTIO_GPU_RESP_OK_EDID,
  VIRTIO_GPU_RESP_OK_MAP_INFO,
  VIRTIO_GPU_RESP_OK_NODATA,
  VIRTIO_GPU_RESP_OK_RESOURCE_UUID,
} from "./gpu.ts";

/** Every command type with its name in the specification. */
export const GPU_COMMAND_NAMES: ReadonlyMap<number, string> = /* @__PURE__ */ new Map([
  [VIRTIO_GPU_CMD_GET_DISPLAY_INFO, "VIRTIO_GPU_CMD_GET_DISPLAY_INFO"],
  [VIRTIO_GPU_CMD_RESOURCE_CREATE_2D, "VIRTIO_GPU_CMD_RESOURCE_CREATE_2D"],
  [VIRTIO_GPU_CMD_RESOURCE_UNREF, "VIRTIO_GPU_CMD_RESOURCE_UNREF"],
  [VIRTIO_GPU_CMD_SET_SCANOUT, "VIRTIO_GPU_CMD_SET_SCANOUT"],
  [VIRTIO_GPU_CMD_RESOURCE_FLUSH, "VIRTIO_GPU_CMD_RESOURCE_FLUSH"],
  [VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D, "VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D"],
  [VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING, "VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING"],
  [VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING, "VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING"],
  [VIRTIO_GPU_CMD_GET_CAPSET_INFO, "VIRTIO_GPU_CMD_GET_CAPSET_INFO"],
  [VIRTIO_GPU_CMD_GET_CAPSET, "VIRTIO_GPU_CMD_GET_CAPSET"],
  [VIRTIO_GPU_CMD_GET_EDID, "VIRTIO_GPU_CMD_GET_EDID"],
  [VIRTIO_GPU_CMD_RESOURCE_ASSIGN_UUID, "VIRTIO_GPU_CMD_RESOURCE_ASSIGN_UUID"],
  [VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB, "VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB"],
  [VIRTIO_GPU_CMD_SET_SCANOUT_BLOB, "VIRTIO_GPU_CMD_SET_SCANOUT_BLOB"],
  [VIRTIO_GPU_CMD_CTX_CREATE, "VIRTIO_GPU_CMD_CTX_CREATE"],
  [VIRTIO_GPU_CMD_CTX_DESTROY, "VIRTIO_GPU_CMD_CTX_DESTROY"],
  [VIRTIO_GPU_CMD_CTX_ATTACH_RESOURCE, "VIRTIO_GPU_CMD_CTX_ATTACH_RESOURCE"],
  [VIRTIO_GPU_CMD_CTX_DETACH_RESOURCE, "VIRTIO_GPU_CMD_CTX_DETACH_RESOURCE"],
  [VIRTIO_GPU_CMD_RESOURCE_CREATE_3D, "VIRTIO_GPU_CMD_RESOURCE_CREATE_3D"],
  [VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D, "VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D"],
  [VIRTIO_GPU_CMD_TRANSFER_FROM_HOST_3D, "VIRTIO_GPU_CMD_TRANSFER_FROM_HOST_3D"],
  [VIRTIO_GPU_CMD_SUBMIT_3D, "VIRTIO_GPU_CMD_SUBMIT_3D"],
  [VIRTIO_GPU_CMD_RESOURCE_MAP_BLOB, "VIRTIO_GPU_CMD_RESOURCE_MAP_BLOB"],
  [VIRTIO_GPU_CMD_RESOURCE_UNMAP_BLOB, "VIRTIO_GPU_CMD_RESOURCE_UNMAP_BLOB"],
  [VIRTIO_GPU_CMD_UPDATE_CURSOR, "VIRTIO_GPU_CMD_UPDATE_CURSOR"],
  [VIRTIO_GPU_CMD_MOVE_CURSOR, "VIRTIO_GPU_CMD_MOVE_CURSOR"],
]);

/** Every response type with its name in the specification. */
export const GPU_RESPONSE_NAMES: ReadonlyMap<number, string> = /* @__PURE__ */ new Map([
  [VIRTIO_GPU_RESP_OK_NODATA, "VIRTIO_GPU_RESP_OK_NODATA"],
  [VIRTIO_GPU_RESP_OK_DISPLAY_INFO, "VIRTIO_GPU_RESP_OK_DISPLAY_INFO"],
  [VIRTIO_GPU_RESP_OK_CAPSET_INFO, "VIRTIO_GPU_RESP_OK_CAPSET_INFO"],
  [VIRTIO_GPU_RESP_OK_CAPSET, "VIRTIO_GPU_RESP_OK_CAPSET"],
  [VIRTIO_GPU_RESP_OK_EDID, "VIRTIO_GPU_RESP_OK_EDID"],
  [VIRTIO_GPU_RESP_OK_RESOURCE_UUID, "VIRTIO_GPU_RESP_OK_RESOURCE_UUID"],
  [VIRTIO_GPU_RESP_OK_MAP_INFO, "VIRTIO_GPU_RESP_OK_MAP_INFO"],
  [VIRTIO_GPU_RESP_ERR_UNSPEC, "VIRTIO_GPU_RESP_ERR_UNSPEC"],
  [VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY, "VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY"],
  [VIRTIO_GPU_RESP_ERR_INVALID_SCANOUT_ID, "VIRTIO_GPU_RESP_ERR_INVALID_SCANOUT_ID"],
  [VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID, "VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID"],
  [VIRTIO_GPU_RESP_ERR_INVALID_CONTEXT_ID, "VIRTIO_GPU_RESP_ERR_INVALID_CONTEXT_ID"],
  [VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER, "VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER"],
]);

/**
 * The name of a command type, or its value in hexadecimal when there is none.
 *
 * @example
 * ```ts
 * gpuCommandName(0x0100); // "VIRTIO_GPU_CMD_GET_DISPLAY_INFO"
 * ```
 */
export function gpuCommandName(type: number): string {
  return GPU_COMMAND_NAMES.get(type) ?? hex(type);
}

/**
 * The name of a response type, or its value in hexadecimal when there is none.
 *
 * @example
 * ```ts
 * gpuResponseName(0x1100); // "VIRTIO_GPU_RESP_OK_NODATA"
 * ```
 */
export function gpuResponseName(type: number): string {
  return GPU_RESPONSE_NAMES.get(type) ?? hex(type);
}

/** What one pixel of a virtio_gpu_formats value looks like in memory. */
export interface GpuFormat {
  /** The value on the wire. */
  readonly format: number;
  readonly name: string;
  readonly bytesPerPixel: number;
  /** Byte of the pixel, 0 to 3, that holds the channel. */
  readonly redByte: number;
  readonly greenByte: number;
  readonly blueByte: number;
  /** Byte of the pixel that holds alpha or, if `hasAlpha` is false, an undefined value. */
  readonly alphaByte: number;
  readonly hasAlpha: boolean;
}

/** Every pixel format, by its value on the wire. */
export const GPU_FORMATS: ReadonlyMap<number, GpuFormat> = /* @__PURE__ */ formatMap([
  [VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM, "VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM"],
  [VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM, "VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM"],
  [VIRTIO_GPU_FORMAT_A8R8G8B8_UNORM, "VIRTIO_GPU_FORMAT_A8R8G8B8_UNORM"],
  [VIRTIO_GPU_FORMAT_X8R8G8B8_UNORM, "VIRTIO_GPU_FORMAT_X8R8G8B8_UNORM"],
  [VIRTIO_GPU_FORMAT_R8G8B8A8_UNORM, "VIRTIO_GPU_FORMAT_R8G8B8A8_UNORM"],
  [VIRTIO_GPU_FORMAT_X8B8G8R8_UNORM, "VIRTIO_GPU_FORMAT_X8B8G8R8_UNORM"],
  [VIRTIO_GPU_FORMAT_A8B8G8R8_UNORM, "VIRTIO_GPU_FORMAT_A8B8G8R8_UNORM"],
  [VIRTIO_GPU_FORMAT_R8G8B8X8_UNORM, "VIRTIO_GPU_FORMAT_R8G8B8X8_UNORM"],
]);

/**
 * The format with this value on the wire, undefined for an unknown one.
 *
 * @example
 * ```ts
 * gpuFormat(2)?.redByte; // 2: VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM
 * ```
 */
export function gpuFormat(format: number): GpuFormat | undefined {
  return GPU_FORMATS.get(format);
}

/**
 * The name of a format, or its value in hexadecimal when there is none.
 *
 * @example
 * ```ts
 * gpuFormatName(2); // "VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM"
 * ```
 */
export function gpuFormatName(format: number): string {
  return GPU_FORMATS.get(format)?.name ?? hex(format);
}

function hex(value: number): string {
  return `0x${(value >>> 0).toString(16).padStart(4, "0")}`;
}

function formatMap(formats: readonly (readonly [number, string])[]): ReadonlyMap<number, GpuFormat> {
  return new Map(formats.map(([format, name]) => [format, Object.freeze(describeFormat(format, name))]));
}

// A name such as VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM lists the channels in the order of their bytes in memory.
function describeFormat(format: number, name: string): GpuFormat {
  const channels = name.slice("VIRTIO_GPU_FORMAT_".length).replace(/8|_UNORM$/g, "");
  const hasAlpha = channels.includes("A");
  return {
    format,
    name,
    bytesPerPixel: channels.length,
    redByte: channels.indexOf("R"),
    greenByte: channels.indexOf("G"),
    blueByte: channels.indexOf("B"),
    alphaByte: channels.indexOf(hasAlpha ? "A" : "X"),
    hasAlpha,
  };
}
