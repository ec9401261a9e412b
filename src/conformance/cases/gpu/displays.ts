import {
  VIRTIO_GPU_CONFIG,
  VIRTIO_GPU_DISPLAY_ONE,
  VIRTIO_GPU_MAX_SCANOUTS,
  VIRTIO_GPU_RECT,
  VIRTIO_GPU_RESP_DISPLAY_INFO,
  VIRTIO_GPU_RESP_EDID,
  VIRTIO_GPU_RESP_OK_DISPLAY_INFO,
  VIRTIO_GPU_RESP_OK_EDID,
} from "../../../wire/gpu.ts";
import { getDisplayInfo, getEdid, responseU32 } from "../../models/gpu-commands.ts";
import type { GpuSession } from "./session.ts";

/** One of virtio_gpu_resp_display_info.pmodes. */
export interface OneDisplay {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly enabled: number;
  readonly flags: number;
}

/** num_scanouts. */
export function scanoutCount(gpu: GpuSession): Promise<number> {
  return gpu.t.guest.registers.config(VIRTIO_GPU_CONFIG.num_scanouts, 4);
}

/** All 16 entries of GET_DISPLAY_INFO. */
export async function displays(gpu: GpuSession): Promise<OneDisplay[]> {
  const bytes = await gpu.ok(
    getDisplayInfo(),
    "GET_DISPLAY_INFO",
    VIRTIO_GPU_RESP_OK_DISPLAY_INFO,
    VIRTIO_GPU_RESP_DISPLAY_INFO.sizeBytes,
  );
  return Array.from({ length: VIRTIO_GPU_MAX_SCANOUTS }, (_, i) => {
    const at = VIRTIO_GPU_RESP_DISPLAY_INFO.pmodes + i * VIRTIO_GPU_DISPLAY_ONE.sizeBytes;
    const rect = at + VIRTIO_GPU_DISPLAY_ONE.r;
    return {
      x: responseU32(bytes, rect + VIRTIO_GPU_RECT.x),
      y: responseU32(bytes, rect + VIRTIO_GPU_RECT.y),
      width: responseU32(bytes, rect + VIRTIO_GPU_RECT.width),
      height: responseU32(bytes, rect + VIRTIO_GPU_RECT.height),
      enabled: responseU32(bytes, at + VIRTIO_GPU_DISPLAY_ONE.enabled),
      flags: responseU32(bytes, at + VIRTIO_GPU_DISPLAY_ONE.flags),
    };
  });
}

/** The EDID of a scanout, as long as the response says it is. */
export async function readEdid(gpu: GpuSession, scanout: number): Promise<Uint8Array> {
  const { sizeBytes, size, edid } = VIRTIO_GPU_RESP_EDID;
  const bytes = await gpu.ok(getEdid(scanout), `GET_EDID ${scanout}`, VIRTIO_GPU_RESP_OK_EDID, sizeBytes);
  const lengthBytes = responseU32(bytes, size);
  gpu.t.ok(lengthBytes <= sizeBytes - edid, `the size of the EDID (${lengthBytes}) is at most 1024`);
  return bytes.slice(edid, edid + lengthBytes);
}

/** Active pixels and lines of the first detailed timing of an EDID. */
export function preferredMode(edid: Uint8Array): { readonly width: number; readonly height: number } {
  const at = (offset: number): number => edid[54 + offset] as number;
  return { width: at(2) | ((at(4) & 0xf0) << 4), height: at(5) | ((at(7) & 0xf0) << 4) };
}
