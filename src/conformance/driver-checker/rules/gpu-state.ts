import { VIRTIO_GPU_CTRL_HDR, VIRTIO_GPU_FLAG_FENCE } from "../../../wire/gpu.ts";
import type { WatchedChain } from "../chain.ts";
import { get32, get64 } from "../watched-memory.ts";

/** Resources and contexts remembered at most; further ones are not judged. */
export const MOST_GPU_OBJECTS = 65536;

/** A resource as the driver made it. */
export interface GpuResource {
  /** 0 when it has no size of its own: a blob. */
  readonly width: number;
  readonly height: number;
  readonly blob: boolean;
  readonly blobFlags: number;
  backed: boolean;
  mapped: boolean;
  /** Number of the last transfer to it; -1 when there was none. */
  transfer: number;
  transferDone: boolean;
}

/** A request under way. */
export interface GpuCommand {
  readonly type: number;
  /** Counted over all requests. */
  readonly number: number;
  readonly fenced: boolean;
  readonly resourceId: number;
  readonly contextId: number;
  readonly bytes: Uint8Array;
}

const HDR = VIRTIO_GPU_CTRL_HDR;

/** Decodes a request; null when it is too short to be one. */
export function readGpuCommand(bytes: Uint8Array, number: number): GpuCommand | null {
  if (bytes.length < HDR.sizeBytes) return null;
  return {
    type: get32(bytes, HDR.type),
    number,
    fenced: (get32(bytes, HDR.flags) & VIRTIO_GPU_FLAG_FENCE) !== 0,
    resourceId: field32(bytes, HDR.sizeBytes),
    contextId: get32(bytes, HDR.ctx_id),
    bytes,
  };
}

/** A 32-bit field of a request; 0 behind its end. */
export function field32(bytes: Uint8Array, offset: number): number {
  return offset + 4 <= bytes.length ? get32(bytes, offset) : 0;
}

/** A 64-bit field of a request; 0 behind its end. */
export function field64(bytes: Uint8Array, offset: number): number {
  return offset + 8 <= bytes.length ? get64(bytes, offset) : 0;
}

/** Requests that the device holds. */
export type GpuCommandsInFlight = Map<WatchedChain, GpuCommand>;
