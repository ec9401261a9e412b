import {
  VIRTIO_GPU_DISPLAY_ONE,
  VIRTIO_GPU_EDID_MAX_BYTES,
  VIRTIO_GPU_MAX_SCANOUTS,
  VIRTIO_GPU_RECT,
  VIRTIO_GPU_RESP_CAPSET,
  VIRTIO_GPU_RESP_CAPSET_INFO,
  VIRTIO_GPU_RESP_DISPLAY_INFO,
  VIRTIO_GPU_RESP_EDID,
  VIRTIO_GPU_RESP_MAP_INFO,
  VIRTIO_GPU_RESP_RESOURCE_UUID,
} from "../../../wire/gpu.ts";
import { DriverError } from "../../errors.ts";

/** A rectangle in pixels; 0,0 is top left. */
export interface GpuRect {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** What GET_DISPLAY_INFO says about one scanout. */
export interface GpuDisplay extends GpuRect {
  readonly enabled: boolean;
  readonly flags: number;
}

/** What GET_CAPSET_INFO says. */
export interface GpuCapsetInfo {
  readonly id: number;
  readonly maxVersion: number;
  readonly maxSizeBytes: number;
}

/**
 * Turns the bytes of a response into what the caller wants. `bytes` is a private copy, as long as what the device
 * wrote. Throws {@link DriverError} EIO when that is too short.
 */
export type ResponseDecoder<T> = (bytes: Uint8Array<ArrayBuffer>) => T;

/** Nothing but the header. */
export function decodeNothing(): void {}

/** The sixteen scanouts. */
export function decodeDisplayInfo(bytes: Uint8Array<ArrayBuffer>): GpuDisplay[] {
  const view = atLeast(bytes, VIRTIO_GPU_RESP_DISPLAY_INFO.sizeBytes);
  return Array.from({ length: VIRTIO_GPU_MAX_SCANOUTS }, (_, i) => {
    const at = VIRTIO_GPU_RESP_DISPLAY_INFO.pmodes + i * VIRTIO_GPU_DISPLAY_ONE.sizeBytes;
    const rect = at + VIRTIO_GPU_DISPLAY_ONE.r;
    return {
      x: view.getUint32(rect + VIRTIO_GPU_RECT.x, true),
      y: view.getUint32(rect + VIRTIO_GPU_RECT.y, true),
      width: view.getUint32(rect + VIRTIO_GPU_RECT.width, true),
      height: view.getUint32(rect + VIRTIO_GPU_RECT.height, true),
      enabled: view.getUint32(at + VIRTIO_GPU_DISPLAY_ONE.enabled, true) !== 0,
      flags: view.getUint32(at + VIRTIO_GPU_DISPLAY_ONE.flags, true),
    };
  });
}

/** The EDID itself, as long as the device says. */
export function decodeEdid(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const view = atLeast(bytes, VIRTIO_GPU_RESP_EDID.edid);
  const size = view.getUint32(VIRTIO_GPU_RESP_EDID.size, true);
  if (size > VIRTIO_GPU_EDID_MAX_BYTES) throw new DriverError("EIO", `an EDID of ${size} bytes`);
  atLeast(bytes, VIRTIO_GPU_RESP_EDID.edid + size);
  return bytes.slice(VIRTIO_GPU_RESP_EDID.edid, VIRTIO_GPU_RESP_EDID.edid + size);
}

export function decodeCapsetInfo(bytes: Uint8Array<ArrayBuffer>): GpuCapsetInfo {
  const view = atLeast(bytes, VIRTIO_GPU_RESP_CAPSET_INFO.sizeBytes);
  return {
    id: view.getUint32(VIRTIO_GPU_RESP_CAPSET_INFO.capset_id, true),
    maxVersion: view.getUint32(VIRTIO_GPU_RESP_CAPSET_INFO.capset_max_version, true),
    maxSizeBytes: view.getUint32(VIRTIO_GPU_RESP_CAPSET_INFO.capset_max_size, true),
  };
}

/** The capability set itself. */
export function decodeCapset(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return bytes.slice(VIRTIO_GPU_RESP_CAPSET.capset_data);
}

/** The 16 bytes of the UUID. */
export function decodeUuid(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  atLeast(bytes, VIRTIO_GPU_RESP_RESOURCE_UUID.sizeBytes);
  return bytes.slice(VIRTIO_GPU_RESP_RESOURCE_UUID.uuid, VIRTIO_GPU_RESP_RESOURCE_UUID.sizeBytes);
}

/** `map_info`: VIRTIO_GPU_MAP_CACHE_* in its lower bits. */
export function decodeMapInfo(bytes: Uint8Array<ArrayBuffer>): number {
  return atLeast(bytes, VIRTIO_GPU_RESP_MAP_INFO.sizeBytes).getUint32(
    VIRTIO_GPU_RESP_MAP_INFO.map_info,
    true,
  );
}

// [split-ring.driver.the-virtqueue-used-ring.1]
function atLeast(bytes: Uint8Array<ArrayBuffer>, lengthBytes: number): DataView {
  if (bytes.length < lengthBytes) {
    throw new DriverError("EIO", `a response of ${bytes.length} bytes where ${lengthBytes} are expected`);
  }
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
