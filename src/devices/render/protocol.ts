import { le32 } from "../../base/endian.ts";
import { hi32, lo32 } from "../../base/u64.ts";
import { type DescriptorChain, Scratch } from "../../virtqueue/chain.ts";
import {
  VIRTIO_RENDER_BLIT,
  VIRTIO_RENDER_FILL,
  VIRTIO_RENDER_FLAG_FENCE,
  VIRTIO_RENDER_GRADIENT,
  VIRTIO_RENDER_HDR,
  VIRTIO_RENDER_IMPORT_PAGES,
  VIRTIO_RENDER_IMPORT_UUID,
  VIRTIO_RENDER_RESP_IMPORT,
  VIRTIO_RENDER_TRIANGLE,
} from "../../wire/render.ts";

/** Size of the header that starts every request and response, in bytes. */
export const HEADER_BYTES = VIRTIO_RENDER_HDR.sizeBytes;

const MAX_REQUEST_BYTES = Math.max(
  VIRTIO_RENDER_IMPORT_UUID.sizeBytes,
  VIRTIO_RENDER_IMPORT_PAGES.sizeBytes,
  VIRTIO_RENDER_FILL.sizeBytes,
  VIRTIO_RENDER_BLIT.sizeBytes,
  VIRTIO_RENDER_GRADIENT.sizeBytes,
  VIRTIO_RENDER_TRIANGLE.sizeBytes,
);

/** What a response echoes of its request. */
export interface ResponseHeader {
  readonly fenced: boolean;
  readonly fenceLo: number;
  readonly fenceHi: number;
  readonly ctxId: number;
}

/**
 * One request, copied out of guest memory once: whatever the guest does to its buffer afterwards, the device sees
 * these bytes only.
 */
export class RenderRequest implements ResponseHeader {
  readonly scratch: Scratch = new Scratch(MAX_REQUEST_BYTES);
  /** The chain it came in, for the entries behind the fixed struct. */
  chain: DescriptorChain | null = null;
  /** Bytes in `scratch` that belong to this request; those behind are left from earlier ones. */
  lengthBytes = 0;
  type = 0;
  flags = 0;
  fenceLo = 0;
  fenceHi = 0;
  ctxId = 0;

  /** Copies the request; false when it is shorter than a header, whose fields are all zero then. */
  load(chain: DescriptorChain): boolean {
    this.chain = chain;
    this.lengthBytes = chain.readHead(this.scratch);
    const complete = this.lengthBytes >= HEADER_BYTES;
    this.type = complete ? this.u32(VIRTIO_RENDER_HDR.type) : 0;
    this.flags = complete ? this.u32(VIRTIO_RENDER_HDR.flags) : 0;
    this.fenceLo = complete ? this.u32(VIRTIO_RENDER_HDR.fence_id) : 0;
    this.fenceHi = complete ? this.u32(VIRTIO_RENDER_HDR.fence_id + 4) : 0;
    this.ctxId = complete ? this.u32(VIRTIO_RENDER_HDR.ctx_id) : 0;
    return complete;
  }

  get fenced(): boolean {
    return (this.flags & VIRTIO_RENDER_FLAG_FENCE) !== 0;
  }

  /** The le32 field at a byte offset that is a multiple of 4, unsigned. */
  u32(offset: number): number {
    return le32(this.scratch.u32[offset >>> 2] as number) >>> 0;
  }

  /** The same field, signed. */
  s32(offset: number): number {
    return this.u32(offset) | 0;
  }
}

/** One response, written to guest memory as a whole. */
export class RenderResponse {
  readonly scratch: Scratch = new Scratch(VIRTIO_RENDER_RESP_IMPORT.sizeBytes);
  /** At least the header. */
  lengthBytes: number = HEADER_BYTES;

  /** Makes room for a response of `lengthBytes` bytes whose fields are all zero. */
  begin(lengthBytes: number): void {
    this.scratch.u32.fill(0, 0, lengthBytes >>> 2);
    this.lengthBytes = lengthBytes;
  }

  /** Sets the le32 field at a byte offset that is a multiple of 4. */
  setU32(offset: number, value: number): void {
    this.scratch.u32[offset >>> 2] = le32(value);
  }

  /** Sets the le64 field at a byte offset that is a multiple of 4, to a safe integer. */
  setU64(offset: number, value: number): void {
    this.setU32(offset, lo32(value));
    this.setU32(offset + 4, hi32(value));
  }

  /** What stands behind the header, null when nothing does. */
  takeBody(): Uint8Array<ArrayBuffer> | null {
    if (this.lengthBytes === HEADER_BYTES) return null;
    return this.scratch.u8.slice(HEADER_BYTES, this.lengthBytes);
  }

  /** Puts back what {@link takeBody} gave. */
  setBody(body: Uint8Array | null): void {
    this.begin(HEADER_BYTES + (body?.length ?? 0));
    if (body !== null) this.scratch.u8.set(body, HEADER_BYTES);
  }

  /** Fills in the header: the fence and its context go back to who asked for a fence, and so on errors too. */
  setHeader(type: number, to: ResponseHeader): void {
    this.setU32(VIRTIO_RENDER_HDR.type, type);
    this.setU32(VIRTIO_RENDER_HDR.flags, to.fenced ? VIRTIO_RENDER_FLAG_FENCE : 0);
    this.setU32(VIRTIO_RENDER_HDR.fence_id, to.fenced ? to.fenceLo : 0);
    this.setU32(VIRTIO_RENDER_HDR.fence_id + 4, to.fenced ? to.fenceHi : 0);
    this.setU32(VIRTIO_RENDER_HDR.ctx_id, to.fenced ? to.ctxId : 0);
    this.setU32(VIRTIO_RENDER_HDR.padding, 0);
  }

  /** Writes the response as far as the chain has room; returns the bytes written. */
  write(chain: DescriptorChain): number {
    const length = Math.min(this.lengthBytes, chain.writableBytes);
    return length === 0 ? 0 : chain.writeHead(this.scratch, length);
  }
}
