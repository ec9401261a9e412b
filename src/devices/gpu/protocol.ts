import { le32 } from "../../base/endian.ts";
import { type DescriptorChain, Scratch } from "../../virtqueue/chain.ts";
import {
  VIRTIO_GPU_CTRL_HDR,
  VIRTIO_GPU_CTX_CREATE,
  VIRTIO_GPU_FLAG_FENCE,
  VIRTIO_GPU_FLAG_INFO_RING_IDX,
  VIRTIO_GPU_RESP_EDID,
  VIRTIO_GPU_SET_SCANOUT_BLOB,
  VIRTIO_GPU_TRANSFER_HOST_3D,
} from "../../wire/gpu.ts";
import type { Context } from "./resources/contexts.ts";

/** Size of the header that starts every request and response, in bytes. */
export const HEADER_BYTES = VIRTIO_GPU_CTRL_HDR.sizeBytes;

/** Size of the largest fixed request struct; what follows it (entries, commands) is read in place. */
export const MAX_REQUEST_BYTES = /* @__PURE__ */ Math.max(
  VIRTIO_GPU_SET_SCANOUT_BLOB.sizeBytes,
  VIRTIO_GPU_TRANSFER_HOST_3D.sizeBytes,
  VIRTIO_GPU_CTX_CREATE.sizeBytes,
);

/** Size of the largest response of fixed size. */
export const MAX_RESPONSE_BYTES = VIRTIO_GPU_RESP_EDID.sizeBytes;

/** What a command returns instead of a response type when it will be finished later. */
export const PENDING = 0;

/**
 * One request, copied out of guest memory once: whatever the guest does to its buffer afterwards, the device sees
 * these bytes only.
 */
export class GpuRequest implements FencedHeader {
  readonly scratch: Scratch = new Scratch(MAX_REQUEST_BYTES);
  /** The chain it came in, for what follows the fixed struct. */
  chain: DescriptorChain | null = null;
  /** Bytes in `scratch` that belong to this request; those behind are left from earlier ones. */
  lengthBytes = 0;
  type = 0;
  flags = 0;
  fenceLo = 0;
  fenceHi = 0;
  ctxId = 0;
  ringIdx = 0;
  hasRing = false;
  /** What the ring belongs to, if there is one. */
  timeline: Timeline = 0;

  /** Copies the request; false when it is shorter than a header. The header's fields are zero then. */
  load(chain: DescriptorChain): boolean {
    this.chain = chain;
    this.hasRing = false;
    this.lengthBytes = chain.readHead(this.scratch);
    if (this.lengthBytes < HEADER_BYTES) {
      this.type = 0;
      this.flags = 0;
      this.fenceLo = 0;
      this.fenceHi = 0;
      this.ctxId = 0;
      this.ringIdx = 0;
      return false;
    }
    const words = this.scratch.u32;
    this.type = le32(words[0] as number);
    this.flags = le32(words[1] as number);
    this.fenceLo = le32(words[2] as number);
    this.fenceHi = le32(words[3] as number);
    this.ctxId = le32(words[4] as number);
    this.ringIdx = this.scratch.u8[VIRTIO_GPU_CTRL_HDR.ring_idx] as number;
    return true;
  }

  /** The le32 field at a byte offset that is a multiple of 4. Unsigned. */
  u32(offset: number): number {
    return le32(this.scratch.u32[offset >>> 2] as number) >>> 0;
  }

  get fenced(): boolean {
    return (this.flags & VIRTIO_GPU_FLAG_FENCE) !== 0;
  }
}

/** One response, written to guest memory as a whole once it is complete. */
export class GpuResponse {
  readonly scratch: Scratch = new Scratch(MAX_RESPONSE_BYTES);
  /** Length in bytes of the part in `scratch`, at least the header. */
  lengthBytes: number = HEADER_BYTES;
  /** More bytes that follow; the capset. */
  payload: Uint8Array | null = null;

  reset(): void {
    this.lengthBytes = HEADER_BYTES;
    this.payload = null;
  }

  /** Makes room for a response of `lengthBytes` bytes whose fields are all zero. */
  begin(lengthBytes: number): void {
    this.scratch.u32.fill(0, HEADER_BYTES >>> 2, lengthBytes >>> 2);
    this.lengthBytes = lengthBytes;
  }

  /** Sets the le32 field at a byte offset that is a multiple of 4. */
  setU32(offset: number, value: number): void {
    this.scratch.u32[offset >>> 2] = le32(value);
  }

  /**
   * Fills in the header. Fence id, context and ring are returned only when a fence was requested, on errors too.
   * [gpu.prose.device-operation-request-header.1]
   */
  setHeader(type: number, to: ResponseHeader): void {
    const words = this.scratch.u32;
    words[0] = le32(type);
    if ((to.flags & VIRTIO_GPU_FLAG_FENCE) === 0) {
      words[1] = 0;
      words[2] = 0;
      words[3] = 0;
      words[4] = 0;
      words[5] = 0;
      return;
    }
    const flags = to.hasRing ? VIRTIO_GPU_FLAG_FENCE | VIRTIO_GPU_FLAG_INFO_RING_IDX : VIRTIO_GPU_FLAG_FENCE;
    words[1] = le32(flags);
    words[2] = le32(to.fenceLo);
    words[3] = le32(to.fenceHi);
    words[4] = le32(to.ctxId);
    words[5] = le32(to.hasRing ? to.ringIdx : 0);
  }

  /** Writes the response as far as the chain has room; returns the bytes written. */
  write(chain: DescriptorChain): number {
    const room = chain.writableBytes;
    const head = Math.min(this.lengthBytes, room);
    let written = head === 0 ? 0 : chain.writeHead(this.scratch, head);
    const payload = this.payload;
    if (payload !== null && room > head) {
      written += chain.write(head, payload, 0, Math.min(payload.length, room - head));
    }
    return written;
  }
}

/**
 * What a ring belongs to: a context itself, so that a later one with the same id has rings of its own; or, for commands
 * without a context, just the id.
 */
export type Timeline = Context | number;

/** A header, and what its ring belongs to. */
export interface FencedHeader extends ResponseHeader {
  readonly timeline: Timeline;
}

/** What a response echoes of its request. */
export interface ResponseHeader {
  readonly flags: number;
  readonly fenceLo: number;
  readonly fenceHi: number;
  readonly ctxId: number;
  readonly ringIdx: number;
  /** True when `ringIdx` counts: VIRTIO_GPU_FLAG_INFO_RING_IDX with VIRTIO_GPU_F_CONTEXT_INIT. */
  readonly hasRing: boolean;
}
