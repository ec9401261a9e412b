import { hi32, lo32 } from "../../../base/u64.ts";
import {
  VIRTIO_GPU_BOX,
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
  VIRTIO_GPU_CMD_SUBMIT,
  VIRTIO_GPU_CMD_SUBMIT_3D,
  VIRTIO_GPU_CMD_TRANSFER_FROM_HOST_3D,
  VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D,
  VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D,
  VIRTIO_GPU_CMD_UPDATE_CURSOR,
  VIRTIO_GPU_CTRL_HDR,
  VIRTIO_GPU_CTX_CREATE,
  VIRTIO_GPU_CTX_RESOURCE,
  VIRTIO_GPU_CURSOR_POS,
  VIRTIO_GPU_F_EDID,
  VIRTIO_GPU_F_RESOURCE_BLOB,
  VIRTIO_GPU_F_RESOURCE_UUID,
  VIRTIO_GPU_F_VIRGL,
  VIRTIO_GPU_GET_CAPSET,
  VIRTIO_GPU_GET_CAPSET_INFO,
  VIRTIO_GPU_GET_EDID,
  VIRTIO_GPU_RECT,
  VIRTIO_GPU_RESOURCE_ASSIGN_UUID,
  VIRTIO_GPU_RESOURCE_ATTACH_BACKING,
  VIRTIO_GPU_RESOURCE_CREATE_2D,
  VIRTIO_GPU_RESOURCE_CREATE_3D,
  VIRTIO_GPU_RESOURCE_CREATE_BLOB,
  VIRTIO_GPU_RESOURCE_DETACH_BACKING,
  VIRTIO_GPU_RESOURCE_FLUSH,
  VIRTIO_GPU_RESOURCE_MAP_BLOB,
  VIRTIO_GPU_RESOURCE_UNMAP_BLOB,
  VIRTIO_GPU_RESOURCE_UNREF,
  VIRTIO_GPU_RESP_CAPSET,
  VIRTIO_GPU_RESP_CAPSET_INFO,
  VIRTIO_GPU_RESP_DISPLAY_INFO,
  VIRTIO_GPU_RESP_EDID,
  VIRTIO_GPU_RESP_MAP_INFO,
  VIRTIO_GPU_RESP_OK_CAPSET,
  VIRTIO_GPU_RESP_OK_CAPSET_INFO,
  VIRTIO_GPU_RESP_OK_DISPLAY_INFO,
  VIRTIO_GPU_RESP_OK_EDID,
  VIRTIO_GPU_RESP_OK_MAP_INFO,
  VIRTIO_GPU_RESP_OK_NODATA,
  VIRTIO_GPU_RESP_OK_RESOURCE_UUID,
  VIRTIO_GPU_RESP_RESOURCE_UUID,
  VIRTIO_GPU_SET_SCANOUT,
  VIRTIO_GPU_SET_SCANOUT_BLOB,
  VIRTIO_GPU_TRANSFER_HOST_3D,
  VIRTIO_GPU_TRANSFER_TO_HOST_2D,
  VIRTIO_GPU_UPDATE_CURSOR,
} from "../../../wire/gpu.ts";
import { gpuCommandName } from "../../../wire/gpu-names.ts";
import { DriverError } from "../../errors.ts";
import { regionOf } from "../../guest-buffer.ts";
import type { GpuChannel, GpuRequestWriter } from "./gpu-channel.ts";
import type { MemEntryList } from "./mem-entries.ts";
import { ANY_RESPONSE } from "./request-slots.ts";

const HEADER_BYTES = VIRTIO_GPU_CTRL_HDR.sizeBytes;

/** RESOURCE_CREATE_BLOB without its resource id. */
export interface BlobOptions {
  /** VIRTIO_GPU_BLOB_MEM_*. */
  readonly mem: number;
  /** VIRTIO_GPU_BLOB_FLAG_*. Default 0. */
  readonly flags?: number;
  /** Object of the context the blob is made from. Default 0. */
  readonly blobId?: bigint | number;
  readonly sizeBytes: bigint | number;
  /** Default: none. */
  readonly entries?: MemEntryList;
  /** Rendering context. Default 0. */
  readonly contextId?: number;
}

/** SET_SCANOUT_BLOB without scanout and resource. */
export interface ScanoutBlobOptions {
  /** What part of the framebuffer is shown. Default: all of it. */
  readonly x?: number;
  readonly y?: number;
  readonly shownWidth?: number;
  readonly shownHeight?: number;
  /** Of the framebuffer, in pixels. */
  readonly width: number;
  readonly height: number;
  /** VIRTIO_GPU_FORMAT_*. */
  readonly format: number;
  /** Bytes between rows, by plane; at most four. */
  readonly strides: readonly number[];
  /** Bytes from the start of the blob, by plane. Default 0. */
  readonly offsets?: readonly number[];
}

/** RESOURCE_CREATE_3D without its resource id; fields as in Gallium. */
export interface Resource3DOptions {
  readonly target: number;
  readonly format: number;
  readonly bind: number;
  readonly width: number;
  readonly height?: number;
  readonly depth?: number;
  readonly arraySize?: number;
  readonly lastLevel?: number;
  readonly nrSamples?: number;
  readonly flags?: number;
}

/** TRANSFER_TO_HOST_3D and TRANSFER_FROM_HOST_3D without context and resource. */
export interface Transfer3DOptions {
  readonly x?: number;
  readonly y?: number;
  readonly z?: number;
  readonly width: number;
  readonly height: number;
  readonly depth?: number;
  readonly offset?: bigint | number;
  readonly level?: number;
  readonly stride?: number;
  readonly layerStride?: number;
}

/** What the requests need to know of the device. */
export interface GpuCapabilities {
  /** Whether the feature was negotiated. */
  hasFeature(bit: number): boolean;
  /** `blob_alignment`, 1 when it does not apply. */
  readonly blobAlignment: number;
  /** Send commands whose feature is not negotiated, too: for testing devices. */
  readonly permissive: boolean;
}

/**
 * The commands of the control queue, one method each. They queue a request and return its ticket; the device sees it
 * with the next kick. Nothing is allocated for commands without data. Coordinates and sizes in pixels.
 *
 * @example
 * ```ts
 * gpu.requests.resourceFlush(1, 0, 0, 640, 480);
 * gpu.kick();
 * gpu.drain();
 * ```
 */
export class GpuRequests<Channel extends GpuRequestWriter = GpuChannel> {
  readonly channel: Channel;
  readonly #device: GpuCapabilities;

  constructor(channel: Channel, device: GpuCapabilities) {
    this.channel = channel;
    this.#device = device;
  }

  /** See {@link GpuChannel.armFence}. */
  fenceNext(ringIdx = -1): number {
    return this.channel.armFence(ringIdx);
  }

  #needs(feature: number, command: number): void {
    if (this.#device.hasFeature(feature) || this.#device.permissive) return;
    throw new DriverError("EOPNOTSUPP", `${gpuCommandName(command)} needs feature bit ${feature}`);
  }

  #rect(at: number, x: number, y: number, width: number, height: number): void {
    const { channel } = this;
    channel.set(at + VIRTIO_GPU_RECT.x, x);
    channel.set(at + VIRTIO_GPU_RECT.y, y);
    channel.set(at + VIRTIO_GPU_RECT.width, width);
    channel.set(at + VIRTIO_GPU_RECT.height, height);
  }

  #set64(at: number, value: bigint | number): void {
    this.channel.set(at, lo32(value));
    this.channel.set(at + 4, hi32(value));
  }

  #plain(): number {
    return this.channel.submit(VIRTIO_GPU_RESP_OK_NODATA, HEADER_BYTES);
  }

  // 2D

  /** Queues VIRTIO_GPU_CMD_GET_DISPLAY_INFO. */
  getDisplayInfo(): number {
    this.channel.begin(VIRTIO_GPU_CMD_GET_DISPLAY_INFO, HEADER_BYTES);
    return this.channel.submit(VIRTIO_GPU_RESP_OK_DISPLAY_INFO, VIRTIO_GPU_RESP_DISPLAY_INFO.sizeBytes);
  }

  /** Queues VIRTIO_GPU_CMD_GET_EDID. */
  getEdid(scanoutId: number): number {
    this.#needs(VIRTIO_GPU_F_EDID, VIRTIO_GPU_CMD_GET_EDID);
    this.channel.begin(VIRTIO_GPU_CMD_GET_EDID, VIRTIO_GPU_GET_EDID.sizeBytes);
    this.channel.set(VIRTIO_GPU_GET_EDID.scanout, scanoutId);
    return this.channel.submit(VIRTIO_GPU_RESP_OK_EDID, VIRTIO_GPU_RESP_EDID.sizeBytes);
  }

  /** Queues VIRTIO_GPU_CMD_RESOURCE_CREATE_2D. */
  resourceCreate2D(resourceId: number, format: number, width: number, height: number): number {
    const { channel } = this;
    channel.begin(VIRTIO_GPU_CMD_RESOURCE_CREATE_2D, VIRTIO_GPU_RESOURCE_CREATE_2D.sizeBytes);
    channel.set(VIRTIO_GPU_RESOURCE_CREATE_2D.resource_id, resourceId);
    channel.set(VIRTIO_GPU_RESOURCE_CREATE_2D.format, format);
    channel.set(VIRTIO_GPU_RESOURCE_CREATE_2D.width, width);
    channel.set(VIRTIO_GPU_RESOURCE_CREATE_2D.height, height);
    return this.#plain();
  }

  /** Queues VIRTIO_GPU_CMD_RESOURCE_UNREF. */
  resourceUnref(resourceId: number): number {
    this.channel.begin(VIRTIO_GPU_CMD_RESOURCE_UNREF, VIRTIO_GPU_RESOURCE_UNREF.sizeBytes);
    this.channel.set(VIRTIO_GPU_RESOURCE_UNREF.resource_id, resourceId);
    return this.#plain();
  }

  /** Resource id 0 turns the scanout off. */
  setScanout(
    scanoutId: number,
    resourceId: number,
    x: number,
    y: number,
    width: number,
    height: number,
  ): number {
    this.channel.begin(VIRTIO_GPU_CMD_SET_SCANOUT, VIRTIO_GPU_SET_SCANOUT.sizeBytes);
    this.#rect(VIRTIO_GPU_SET_SCANOUT.r, x, y, width, height);
    this.channel.set(VIRTIO_GPU_SET_SCANOUT.scanout_id, scanoutId);
    this.channel.set(VIRTIO_GPU_SET_SCANOUT.resource_id, resourceId);
    return this.#plain();
  }

  /** Queues VIRTIO_GPU_CMD_RESOURCE_FLUSH; the rectangle in pixels of the resource. */
  resourceFlush(resourceId: number, x: number, y: number, width: number, height: number): number {
    this.channel.begin(VIRTIO_GPU_CMD_RESOURCE_FLUSH, VIRTIO_GPU_RESOURCE_FLUSH.sizeBytes);
    this.#rect(VIRTIO_GPU_RESOURCE_FLUSH.r, x, y, width, height);
    this.channel.set(VIRTIO_GPU_RESOURCE_FLUSH.resource_id, resourceId);
    return this.#plain();
  }

  /** `offset` is where the rectangle's first pixel lies in the backing, in bytes. */
  transferToHost2D(
    resourceId: number,
    x: number,
    y: number,
    width: number,
    height: number,
    offset: number,
  ): number {
    const { channel } = this;
    channel.begin(VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D, VIRTIO_GPU_TRANSFER_TO_HOST_2D.sizeBytes);
    this.#rect(VIRTIO_GPU_TRANSFER_TO_HOST_2D.r, x, y, width, height);
    this.#set64(VIRTIO_GPU_TRANSFER_TO_HOST_2D.offset, offset);
    channel.set(VIRTIO_GPU_TRANSFER_TO_HOST_2D.resource_id, resourceId);
    return this.#plain();
  }

  /** Queues VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING. */
  resourceAttachBacking(resourceId: number, entries: MemEntryList): number {
    const { channel } = this;
    channel.begin(VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING, VIRTIO_GPU_RESOURCE_ATTACH_BACKING.sizeBytes);
    channel.set(VIRTIO_GPU_RESOURCE_ATTACH_BACKING.resource_id, resourceId);
    channel.set(VIRTIO_GPU_RESOURCE_ATTACH_BACKING.nr_entries, entries.count);
    if (entries.count > 0) channel.attachEntries(entries);
    return this.#plain();
  }

  /** Queues VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING. */
  resourceDetachBacking(resourceId: number): number {
    this.channel.begin(VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING, VIRTIO_GPU_RESOURCE_DETACH_BACKING.sizeBytes);
    this.channel.set(VIRTIO_GPU_RESOURCE_DETACH_BACKING.resource_id, resourceId);
    return this.#plain();
  }

  /** Queues VIRTIO_GPU_CMD_GET_CAPSET_INFO. */
  getCapsetInfo(capsetIndex: number): number {
    this.channel.begin(VIRTIO_GPU_CMD_GET_CAPSET_INFO, VIRTIO_GPU_GET_CAPSET_INFO.sizeBytes);
    this.channel.set(VIRTIO_GPU_GET_CAPSET_INFO.capset_index, capsetIndex);
    return this.channel.submit(VIRTIO_GPU_RESP_OK_CAPSET_INFO, VIRTIO_GPU_RESP_CAPSET_INFO.sizeBytes);
  }

  /** `maxSizeBytes` as GET_CAPSET_INFO said: the room for the answer. */
  getCapset(capsetId: number, version: number, maxSizeBytes: number): number {
    this.channel.begin(VIRTIO_GPU_CMD_GET_CAPSET, VIRTIO_GPU_GET_CAPSET.sizeBytes);
    this.channel.set(VIRTIO_GPU_GET_CAPSET.capset_id, capsetId);
    this.channel.set(VIRTIO_GPU_GET_CAPSET.capset_version, version);
    return this.channel.submit(VIRTIO_GPU_RESP_OK_CAPSET, VIRTIO_GPU_RESP_CAPSET.capset_data + maxSizeBytes);
  }

  /** Queues VIRTIO_GPU_CMD_RESOURCE_ASSIGN_UUID. */
  resourceAssignUuid(resourceId: number): number {
    this.#needs(VIRTIO_GPU_F_RESOURCE_UUID, VIRTIO_GPU_CMD_RESOURCE_ASSIGN_UUID);
    this.channel.begin(VIRTIO_GPU_CMD_RESOURCE_ASSIGN_UUID, VIRTIO_GPU_RESOURCE_ASSIGN_UUID.sizeBytes);
    this.channel.set(VIRTIO_GPU_RESOURCE_ASSIGN_UUID.resource_id, resourceId);
    return this.channel.submit(VIRTIO_GPU_RESP_OK_RESOURCE_UUID, VIRTIO_GPU_RESP_RESOURCE_UUID.sizeBytes);
  }

  /** Throws {@link DriverError} EINVAL for a size that is not aligned. [gpu.driver.device-operation-controlq.1] */
  resourceCreateBlob(resourceId: number, options: BlobOptions): number {
    const { channel } = this;
    const { entries } = options;
    this.#needs(VIRTIO_GPU_F_RESOURCE_BLOB, VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB);
    this.#aligned(options.sizeBytes, "size");
    channel.begin(
      VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB,
      VIRTIO_GPU_RESOURCE_CREATE_BLOB.sizeBytes,
      options.contextId ?? 0,
    );
    channel.set(VIRTIO_GPU_RESOURCE_CREATE_BLOB.resource_id, resourceId);
    channel.set(VIRTIO_GPU_RESOURCE_CREATE_BLOB.blob_mem, options.mem);
    channel.set(VIRTIO_GPU_RESOURCE_CREATE_BLOB.blob_flags, options.flags ?? 0);
    channel.set(VIRTIO_GPU_RESOURCE_CREATE_BLOB.nr_entries, entries?.count ?? 0);
    this.#set64(VIRTIO_GPU_RESOURCE_CREATE_BLOB.blob_id, options.blobId ?? 0);
    this.#set64(VIRTIO_GPU_RESOURCE_CREATE_BLOB.size, options.sizeBytes);
    if (entries !== undefined && entries.count > 0) channel.attachEntries(entries);
    return this.#plain();
  }

  #aligned(value: bigint | number, what: string): void {
    const alignment = BigInt(this.#device.blobAlignment);
    if (BigInt(value) % alignment === 0n || this.#device.permissive) return;
    throw new DriverError("EINVAL", `${what} ${value} is not aligned to blob_alignment ${alignment}`);
  }

  /** Queues VIRTIO_GPU_CMD_SET_SCANOUT_BLOB. */
  setScanoutBlob(scanoutId: number, resourceId: number, options: ScanoutBlobOptions): number {
    const { channel } = this;
    const { width, height, strides, offsets = [] } = options;
    this.#needs(VIRTIO_GPU_F_RESOURCE_BLOB, VIRTIO_GPU_CMD_SET_SCANOUT_BLOB);
    channel.begin(VIRTIO_GPU_CMD_SET_SCANOUT_BLOB, VIRTIO_GPU_SET_SCANOUT_BLOB.sizeBytes);
    this.#rect(
      VIRTIO_GPU_SET_SCANOUT_BLOB.r,
      options.x ?? 0,
      options.y ?? 0,
      options.shownWidth ?? width,
      options.shownHeight ?? height,
    );
    channel.set(VIRTIO_GPU_SET_SCANOUT_BLOB.scanout_id, scanoutId);
    channel.set(VIRTIO_GPU_SET_SCANOUT_BLOB.resource_id, resourceId);
    channel.set(VIRTIO_GPU_SET_SCANOUT_BLOB.width, width);
    channel.set(VIRTIO_GPU_SET_SCANOUT_BLOB.height, height);
    channel.set(VIRTIO_GPU_SET_SCANOUT_BLOB.format, options.format);
    for (let plane = 0; plane < 4; plane++) {
      channel.set(VIRTIO_GPU_SET_SCANOUT_BLOB.strides + 4 * plane, strides[plane] ?? 0);
      channel.set(VIRTIO_GPU_SET_SCANOUT_BLOB.offsets + 4 * plane, offsets[plane] ?? 0);
    }
    return this.#plain();
  }

  // 3D

  /** `contextInit` holds the capset id in its lower 8 bits. The name is cut to 63 bytes of ASCII. */
  ctxCreate(contextId: number, contextInit = 0, debugName = ""): number {
    const { channel } = this;
    this.#needs(VIRTIO_GPU_F_VIRGL, VIRTIO_GPU_CMD_CTX_CREATE);
    const name = Uint8Array.from(debugName.slice(0, 63), (char) => char.charCodeAt(0));
    channel.begin(VIRTIO_GPU_CMD_CTX_CREATE, VIRTIO_GPU_CTX_CREATE.sizeBytes, contextId);
    channel.set(VIRTIO_GPU_CTX_CREATE.nlen, name.length);
    channel.set(VIRTIO_GPU_CTX_CREATE.context_init, contextInit);
    channel.setBytes(VIRTIO_GPU_CTX_CREATE.debug_name, name);
    return this.#plain();
  }

  /** Queues VIRTIO_GPU_CMD_CTX_DESTROY. */
  ctxDestroy(contextId: number): number {
    this.#needs(VIRTIO_GPU_F_VIRGL, VIRTIO_GPU_CMD_CTX_DESTROY);
    this.channel.begin(VIRTIO_GPU_CMD_CTX_DESTROY, HEADER_BYTES, contextId);
    return this.#plain();
  }

  /** Queues VIRTIO_GPU_CMD_CTX_ATTACH_RESOURCE. */
  ctxAttachResource(contextId: number, resourceId: number): number {
    return this.#ctxResource(VIRTIO_GPU_CMD_CTX_ATTACH_RESOURCE, contextId, resourceId);
  }

  /** Queues VIRTIO_GPU_CMD_CTX_DETACH_RESOURCE. */
  ctxDetachResource(contextId: number, resourceId: number): number {
    return this.#ctxResource(VIRTIO_GPU_CMD_CTX_DETACH_RESOURCE, contextId, resourceId);
  }

  #ctxResource(command: number, contextId: number, resourceId: number): number {
    this.#needs(VIRTIO_GPU_F_VIRGL, command);
    this.channel.begin(command, VIRTIO_GPU_CTX_RESOURCE.sizeBytes, contextId);
    this.channel.set(VIRTIO_GPU_CTX_RESOURCE.resource_id, resourceId);
    return this.#plain();
  }

  /** Queues VIRTIO_GPU_CMD_RESOURCE_CREATE_3D. */
  resourceCreate3D(resourceId: number, options: Resource3DOptions): number {
    const { channel } = this;
    this.#needs(VIRTIO_GPU_F_VIRGL, VIRTIO_GPU_CMD_RESOURCE_CREATE_3D);
    channel.begin(VIRTIO_GPU_CMD_RESOURCE_CREATE_3D, VIRTIO_GPU_RESOURCE_CREATE_3D.sizeBytes);
    channel.set(VIRTIO_GPU_RESOURCE_CREATE_3D.resource_id, resourceId);
    channel.set(VIRTIO_GPU_RESOURCE_CREATE_3D.target, options.target);
    channel.set(VIRTIO_GPU_RESOURCE_CREATE_3D.format, options.format);
    channel.set(VIRTIO_GPU_RESOURCE_CREATE_3D.bind, options.bind);
    channel.set(VIRTIO_GPU_RESOURCE_CREATE_3D.width, options.width);
    channel.set(VIRTIO_GPU_RESOURCE_CREATE_3D.height, options.height ?? 1);
    channel.set(VIRTIO_GPU_RESOURCE_CREATE_3D.depth, options.depth ?? 1);
    channel.set(VIRTIO_GPU_RESOURCE_CREATE_3D.array_size, options.arraySize ?? 1);
    channel.set(VIRTIO_GPU_RESOURCE_CREATE_3D.last_level, options.lastLevel ?? 0);
    channel.set(VIRTIO_GPU_RESOURCE_CREATE_3D.nr_samples, options.nrSamples ?? 0);
    channel.set(VIRTIO_GPU_RESOURCE_CREATE_3D.flags, options.flags ?? 0);
    return this.#plain();
  }

  /** Queues VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D. */
  transferToHost3D(contextId: number, resourceId: number, options: Transfer3DOptions): number {
    return this.#transfer3D(VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D, contextId, resourceId, options);
  }

  /** Queues VIRTIO_GPU_CMD_TRANSFER_FROM_HOST_3D. */
  transferFromHost3D(contextId: number, resourceId: number, options: Transfer3DOptions): number {
    return this.#transfer3D(VIRTIO_GPU_CMD_TRANSFER_FROM_HOST_3D, contextId, resourceId, options);
  }

  #transfer3D(command: number, contextId: number, resourceId: number, options: Transfer3DOptions): number {
    const { channel } = this;
    const box = VIRTIO_GPU_TRANSFER_HOST_3D.box;
    this.#needs(VIRTIO_GPU_F_VIRGL, command);
    channel.begin(command, VIRTIO_GPU_TRANSFER_HOST_3D.sizeBytes, contextId);
    channel.set(box + VIRTIO_GPU_BOX.x, options.x ?? 0);
    channel.set(box + VIRTIO_GPU_BOX.y, options.y ?? 0);
    channel.set(box + VIRTIO_GPU_BOX.z, options.z ?? 0);
    channel.set(box + VIRTIO_GPU_BOX.w, options.width);
    channel.set(box + VIRTIO_GPU_BOX.h, options.height);
    channel.set(box + VIRTIO_GPU_BOX.d, options.depth ?? 1);
    this.#set64(VIRTIO_GPU_TRANSFER_HOST_3D.offset, options.offset ?? 0);
    channel.set(VIRTIO_GPU_TRANSFER_HOST_3D.resource_id, resourceId);
    channel.set(VIRTIO_GPU_TRANSFER_HOST_3D.level, options.level ?? 0);
    channel.set(VIRTIO_GPU_TRANSFER_HOST_3D.stride, options.stride ?? 0);
    channel.set(VIRTIO_GPU_TRANSFER_HOST_3D.layer_stride, options.layerStride ?? 0);
    return this.#plain();
  }

  /** The command stream is copied. */
  submit3D(contextId: number, commands: Uint8Array): number {
    const { channel } = this;
    this.#needs(VIRTIO_GPU_F_VIRGL, VIRTIO_GPU_CMD_SUBMIT_3D);
    channel.begin(VIRTIO_GPU_CMD_SUBMIT_3D, VIRTIO_GPU_CMD_SUBMIT.sizeBytes, contextId);
    channel.set(VIRTIO_GPU_CMD_SUBMIT.size, commands.length);
    if (commands.length > 0) {
      const data = channel.attachData(commands.length);
      regionOf(data).u8.set(commands, data.offset);
    }
    return this.#plain();
  }

  /** Throws {@link DriverError} EINVAL for an offset that is not aligned. [gpu.driver.device-operation-controlq-3d.1] */
  resourceMapBlob(resourceId: number, offset: bigint | number): number {
    const { channel } = this;
    this.#needs(VIRTIO_GPU_F_RESOURCE_BLOB, VIRTIO_GPU_CMD_RESOURCE_MAP_BLOB);
    this.#aligned(offset, "offset");
    channel.begin(VIRTIO_GPU_CMD_RESOURCE_MAP_BLOB, VIRTIO_GPU_RESOURCE_MAP_BLOB.sizeBytes);
    channel.set(VIRTIO_GPU_RESOURCE_MAP_BLOB.resource_id, resourceId);
    this.#set64(VIRTIO_GPU_RESOURCE_MAP_BLOB.offset, offset);
    return channel.submit(VIRTIO_GPU_RESP_OK_MAP_INFO, VIRTIO_GPU_RESP_MAP_INFO.sizeBytes);
  }

  /** Queues VIRTIO_GPU_CMD_RESOURCE_UNMAP_BLOB. */
  resourceUnmapBlob(resourceId: number): number {
    this.#needs(VIRTIO_GPU_F_RESOURCE_BLOB, VIRTIO_GPU_CMD_RESOURCE_UNMAP_BLOB);
    this.channel.begin(VIRTIO_GPU_CMD_RESOURCE_UNMAP_BLOB, VIRTIO_GPU_RESOURCE_UNMAP_BLOB.sizeBytes);
    this.channel.set(VIRTIO_GPU_RESOURCE_UNMAP_BLOB.resource_id, resourceId);
    return this.#plain();
  }

  /** Any bytes as a request, of any length from 1 on; any response is fine. For testing devices. */
  raw(request: Uint8Array, responseBytes: number): number {
    return rawRequest(this.channel, request, responseBytes);
  }
}

/** Queues any bytes as a request. */
export function rawRequest(channel: GpuRequestWriter, request: Uint8Array, responseBytes: number): number {
  const head = Math.min(request.length, HEADER_BYTES);
  channel.begin(0, head);
  channel.setBytes(0, request.subarray(0, head));
  if (request.length > head) {
    const data = channel.attachData(request.length - head);
    regionOf(data).u8.set(request.subarray(head), data.offset);
  }
  return channel.submit(ANY_RESPONSE, responseBytes);
}

/**
 * The commands of the cursor queue. Positions may be negative.
 *
 * @example
 * ```ts
 * gpu.cursorRequests.moveCursor(0, 100, 50);
 * gpu.cursorRequests.channel.kick();
 * ```
 */
export class GpuCursorRequests<Channel extends GpuRequestWriter = GpuChannel> {
  readonly channel: Channel;
  readonly #responseBytes: number;

  /** `responses`: leave room for a response, which Linux does not. */
  constructor(channel: Channel, responses: boolean) {
    this.channel = channel;
    this.#responseBytes = responses ? HEADER_BYTES : 0;
  }

  /** Resource id 0 hides the cursor. */
  updateCursor(
    scanoutId: number,
    x: number,
    y: number,
    resourceId: number,
    hotX: number,
    hotY: number,
  ): number {
    return this.#cursor(VIRTIO_GPU_CMD_UPDATE_CURSOR, scanoutId, x, y, resourceId, hotX, hotY);
  }

  /** Resource and hot spot mean nothing to the device here; Linux sends the last ones all the same. */
  moveCursor(scanoutId: number, x: number, y: number, resourceId = 0, hotX = 0, hotY = 0): number {
    return this.#cursor(VIRTIO_GPU_CMD_MOVE_CURSOR, scanoutId, x, y, resourceId, hotX, hotY);
  }

  // Seven arguments because an options object would be one allocation for each movement of the mouse.
  #cursor(
    command: number,
    scanoutId: number,
    x: number,
    y: number,
    resourceId: number,
    hotX: number,
    hotY: number,
  ): number {
    const { channel } = this;
    const pos = VIRTIO_GPU_UPDATE_CURSOR.pos;
    channel.begin(command, VIRTIO_GPU_UPDATE_CURSOR.sizeBytes);
    channel.set(pos + VIRTIO_GPU_CURSOR_POS.scanout_id, scanoutId);
    channel.set(pos + VIRTIO_GPU_CURSOR_POS.x, x);
    channel.set(pos + VIRTIO_GPU_CURSOR_POS.y, y);
    channel.set(VIRTIO_GPU_UPDATE_CURSOR.resource_id, resourceId);
    channel.set(VIRTIO_GPU_UPDATE_CURSOR.hot_x, hotX);
    channel.set(VIRTIO_GPU_UPDATE_CURSOR.hot_y, hotY);
    return channel.submit(VIRTIO_GPU_RESP_OK_NODATA, this.#responseBytes);
  }

  /** See `GpuRequests.raw`. */
  raw(request: Uint8Array, responseBytes: number): number {
    return rawRequest(this.channel, request, responseBytes);
  }
}
