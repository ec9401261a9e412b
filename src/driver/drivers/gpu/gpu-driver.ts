import { COUNT_RULE, checkArgument, checkOptions, type OptionRules } from "../../../base/options.ts";
import { VIRTIO_ID_GPU } from "../../../wire/common.ts";
import {
  VIRTIO_GPU_CONFIG,
  VIRTIO_GPU_CONTROLQ,
  VIRTIO_GPU_CURSORQ,
  VIRTIO_GPU_EVENT_DISPLAY,
  VIRTIO_GPU_F_BLOB_ALIGNMENT,
  VIRTIO_GPU_F_CONTEXT_INIT,
  VIRTIO_GPU_F_EDID,
  VIRTIO_GPU_F_RESOURCE_BLOB,
  VIRTIO_GPU_F_RESOURCE_UUID,
  VIRTIO_GPU_F_VIRGL,
  VIRTIO_GPU_SHM_ID_HOST_VISIBLE,
} from "../../../wire/gpu.ts";
import type { GuestAllocator } from "../../allocator.ts";
import type { DriverQueue } from "../../driver-queue.ts";
import { REFUSE_RULE } from "../../features.ts";
import type { SharedMemoryWindow } from "../../transports/transport.ts";
import {
  QUEUE_CHOICE_RULE,
  type QueueRequest,
  VIRTIO_DRIVER_RULE,
  type VirtioDriver,
} from "../../virtio-driver.ts";
import { frameLikeLinux, type GpuFraming } from "./framing.ts";
import { type GpuAsync, makeAsync } from "./gpu-async.ts";
import { type FenceCounter, GpuChannel } from "./gpu-channel.ts";
import {
  type BlobOptions,
  type GpuCapabilities,
  GpuCursorRequests,
  GpuRequests,
  type Resource3DOptions,
  type ScanoutBlobOptions,
  type Transfer3DOptions,
} from "./gpu-requests.ts";
import type { MemEntryList } from "./mem-entries.ts";
import {
  decodeCapset,
  decodeCapsetInfo,
  decodeDisplayInfo,
  decodeEdid,
  decodeMapInfo,
  decodeNothing,
  decodeUuid,
  type GpuCapsetInfo,
  type GpuDisplay,
} from "./responses.ts";

/** The device's configuration space (virtio 1.4, section 5.7.4). */
export interface GpuConfig {
  /** VIRTIO_GPU_EVENT_*. */
  readonly eventsRead: number;
  readonly scanouts: number;
  readonly capsets: number;
  /** In bytes; 1 without VIRTIO_GPU_F_BLOB_ALIGNMENT. */
  readonly blobAlignment: number;
}

/** Choices for a {@link GpuDriver}. */
export interface GpuDriverOptions {
  /** Feature bits not to accept. */
  readonly refuse?: readonly number[];
  /** Requests under way at once on the control queue. Default: as many as the queue has entries, at most 256. */
  readonly controlSlots?: number;
  /** The same for the cursor queue. Default: at most 64. */
  readonly cursorSlots?: number;
  readonly controlQueue?: Pick<QueueRequest, "size" | "ring">;
  readonly cursorQueue?: Pick<QueueRequest, "size" | "ring">;
  /** Leave room for a response to cursor commands, which Linux does not. Default false. */
  readonly cursorResponses?: boolean;
  /** How requests are laid out in descriptors. Default: as Linux does. */
  readonly frame?: GpuFraming;
  /** First resource id handed out by {@link GpuDriver.newResourceId}. Default 1. */
  readonly firstResourceId?: number;
  /** Send what was not negotiated or is not aligned, too: for testing devices. Default false. */
  readonly permissive?: boolean;
}

const RULES: OptionRules<GpuDriverOptions> = {
  refuse: REFUSE_RULE,
  controlSlots: COUNT_RULE,
  cursorSlots: COUNT_RULE,
  controlQueue: QUEUE_CHOICE_RULE,
  cursorQueue: QUEUE_CHOICE_RULE,
  cursorResponses: "boolean",
  frame: "function",
  firstResourceId: [1, 0xffffffff],
  permissive: "boolean",
};

/** Features of the device type that the driver understands. */
export const GPU_DRIVER_FEATURES: readonly number[] = [
  VIRTIO_GPU_F_VIRGL,
  VIRTIO_GPU_F_EDID,
  VIRTIO_GPU_F_RESOURCE_UUID,
  VIRTIO_GPU_F_RESOURCE_BLOB,
  VIRTIO_GPU_F_CONTEXT_INIT,
  VIRTIO_GPU_F_BLOB_ALIGNMENT,
];

const DEPENDENCIES = [
  { feature: VIRTIO_GPU_F_CONTEXT_INIT, requires: VIRTIO_GPU_F_VIRGL },
  { feature: VIRTIO_GPU_F_BLOB_ALIGNMENT, requires: VIRTIO_GPU_F_RESOURCE_BLOB },
];

/**
 * Drives a virtio-gpu device (virtio 1.4, section 5.7). The methods of this class send one command each, wait for
 * the answer and decode it; they throw `GpuCommandError` when the device says no. {@link requests} and
 * {@link cursorRequests} queue commands for batches, {@link async} gives promises.
 *
 * @example
 * ```ts
 * const gpu = GpuDriver.start(new VirtioDriver(transport, { allocator }));
 * const [display] = gpu.getDisplayInfo();
 * gpu.requests.transferToHost2D(1, 0, 0, 64, 64, 0);
 * gpu.requests.resourceFlush(1, 0, 0, 64, 64);
 * gpu.drain(); // both with one notification
 * ```
 */
export class GpuDriver {
  readonly driver: VirtioDriver;
  readonly allocator: GuestAllocator;
  /** Commands of the control queue, to be queued. */
  readonly requests: GpuRequests;
  /** Commands of the cursor queue, to be queued. */
  readonly cursorRequests: GpuCursorRequests;
  /** Commands of the control queue as promises. */
  readonly async: GpuAsync;
  readonly #fences: FenceCounter = { last: 0 };
  #nextResourceId: number;

  private constructor(driver: VirtioDriver, queues: readonly DriverQueue[], options: GpuDriverOptions) {
    this.driver = driver;
    this.allocator = driver.platform.allocator;
    this.#nextResourceId = options.firstResourceId ?? 1;
    const [control, cursor] = queues as [DriverQueue, DriverQueue];
    const channel = (queue: DriverQueue, slots: number): GpuChannel => {
      const made = new GpuChannel({
        queue,
        slots,
        allocator: this.allocator,
        fences: this.#fences,
        frame: options.frame ?? frameLikeLinux,
      });
      queue.onUsed = () => made.processInterrupt();
      return made;
    };
    const capabilities: GpuCapabilities = {
      hasFeature: (bit) => driver.hasFeature(bit),
      blobAlignment: this.config.blobAlignment,
      permissive: options.permissive ?? false,
    };
    this.requests = new GpuRequests(
      channel(control, options.controlSlots ?? Math.min(control.ring.size, 256)),
      capabilities,
    );
    this.cursorRequests = new GpuCursorRequests(
      channel(cursor, options.cursorSlots ?? Math.min(cursor.ring.size, 64)),
      options.cursorResponses ?? false,
    );
    this.async = makeAsync(this.requests);
  }

  /** Initializes the device and returns its driver. Throws `DriverError`; the device has FAILED then. */
  static start(driver: VirtioDriver, options: GpuDriverOptions = {}): GpuDriver {
    checkOptions("GpuDriver.start", options, RULES);
    checkArgument("GpuDriver.start", "driver", driver, VIRTIO_DRIVER_RULE);
    const queues: DriverQueue[] = [];
    driver.initialize({
      deviceId: VIRTIO_ID_GPU,
      features: GPU_DRIVER_FEATURES,
      dependencies: DEPENDENCIES,
      refuse: options.refuse ?? [],
      setUp: () => {
        queues.push(
          driver.setUpQueue({ ...options.controlQueue, index: VIRTIO_GPU_CONTROLQ, name: "controlq" }),
          driver.setUpQueue({ ...options.cursorQueue, index: VIRTIO_GPU_CURSORQ, name: "cursorq" }),
        );
      },
    });
    return new GpuDriver(driver, queues, options);
  }

  // Configuration space

  /** Read anew, under one generation. */
  get config(): GpuConfig {
    const { driver } = this;
    // [content.driver.device-configuration-space.2]
    const aligned = driver.hasFeature(VIRTIO_GPU_F_BLOB_ALIGNMENT);
    return driver.readConfigTogether(() => ({
      eventsRead: driver.readConfig32(VIRTIO_GPU_CONFIG.events_read),
      scanouts: driver.readConfig32(VIRTIO_GPU_CONFIG.num_scanouts),
      capsets: driver.readConfig32(VIRTIO_GPU_CONFIG.num_capsets),
      // A device that says 0 means 4 GiB, the largest alignment, which 32 bits can't hold.
      blobAlignment: aligned ? driver.readConfig32(VIRTIO_GPU_CONFIG.blob_alignment) || 0x100000000 : 1,
    }));
  }

  /** Clears pending events. */
  clearEvents(events: number = VIRTIO_GPU_EVENT_DISPLAY): void {
    this.driver.writeConfig(VIRTIO_GPU_CONFIG.events_clear, 4, events);
  }

  /** The host visible memory region, null when there is none. */
  get hostVisibleMemory(): SharedMemoryWindow | null {
    return this.driver.sharedMemory(VIRTIO_GPU_SHM_ID_HOST_VISIBLE);
  }

  // Batches, fences, ids

  /** Resource ids are counted up and not used again. */
  newResourceId(): number {
    return this.#nextResourceId++;
  }

  /** The last fence id used. */
  get lastFence(): number {
    return this.#fences.last;
  }

  /**
   * Makes the next control command fenced: its answer comes when the work is done. Returns the fence id. `ringIdx`,
   * with VIRTIO_GPU_F_CONTEXT_INIT, names a timeline of the context.
   */
  fenceNext(ringIdx = -1): number {
    return this.requests.fenceNext(ringIdx);
  }

  /** Shows the device the control commands queued so far. */
  kick(): boolean {
    return this.requests.channel.kick();
  }

  /** Sends the control commands queued so far and waits for all; throws the first failure among them. */
  drain(): void {
    this.requests.channel.drain();
  }

  /** Takes in completions of both queues without waiting. */
  process(): void {
    this.requests.channel.process();
    this.cursorRequests.channel.process();
  }

  // 2D

  /** Sixteen entries, one for each scanout there can be. */
  getDisplayInfo(): GpuDisplay[] {
    return this.requests.channel.finish(this.requests.getDisplayInfo(), decodeDisplayInfo);
  }

  /** Sends VIRTIO_GPU_CMD_GET_EDID; the EDID of a scanout. */
  getEdid(scanoutId: number): Uint8Array<ArrayBuffer> {
    return this.requests.channel.finish(this.requests.getEdid(scanoutId), decodeEdid);
  }

  /** Sends VIRTIO_GPU_CMD_RESOURCE_CREATE_2D. */
  resourceCreate2D(resourceId: number, format: number, width: number, height: number): void {
    this.#do(this.requests.resourceCreate2D(resourceId, format, width, height));
  }

  /** Sends VIRTIO_GPU_CMD_RESOURCE_UNREF. */
  resourceUnref(resourceId: number): void {
    this.#do(this.requests.resourceUnref(resourceId));
  }

  /** Sends VIRTIO_GPU_CMD_SET_SCANOUT; resource 0 switches the scanout off. */
  setScanout(
    scanoutId: number,
    resourceId: number,
    x: number,
    y: number,
    width: number,
    height: number,
  ): void {
    this.#do(this.requests.setScanout(scanoutId, resourceId, x, y, width, height));
  }

  /** Sends VIRTIO_GPU_CMD_RESOURCE_FLUSH; the rectangle in pixels of the resource. */
  resourceFlush(resourceId: number, x: number, y: number, width: number, height: number): void {
    this.#do(this.requests.resourceFlush(resourceId, x, y, width, height));
  }

  /** `offset` is where the rectangle's first pixel lies in the backing, in bytes. */
  transferToHost2D(
    resourceId: number,
    x: number,
    y: number,
    width: number,
    height: number,
    offset: number,
  ): void {
    this.#do(this.requests.transferToHost2D(resourceId, x, y, width, height, offset));
  }

  /** Sends VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING. */
  resourceAttachBacking(resourceId: number, entries: MemEntryList): void {
    this.#do(this.requests.resourceAttachBacking(resourceId, entries));
  }

  /** Sends VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING. */
  resourceDetachBacking(resourceId: number): void {
    this.#do(this.requests.resourceDetachBacking(resourceId));
  }

  /** Sends VIRTIO_GPU_CMD_GET_CAPSET_INFO. */
  getCapsetInfo(capsetIndex: number): GpuCapsetInfo {
    return this.requests.channel.finish(this.requests.getCapsetInfo(capsetIndex), decodeCapsetInfo);
  }

  /** Sends VIRTIO_GPU_CMD_GET_CAPSET. */
  getCapset(capsetId: number, version: number, maxSizeBytes: number): Uint8Array<ArrayBuffer> {
    return this.requests.channel.finish(
      this.requests.getCapset(capsetId, version, maxSizeBytes),
      decodeCapset,
    );
  }

  /** The 16 bytes of the UUID under which other devices find the resource. */
  resourceAssignUuid(resourceId: number): Uint8Array<ArrayBuffer> {
    return this.requests.channel.finish(this.requests.resourceAssignUuid(resourceId), decodeUuid);
  }

  /** Sends VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB. */
  resourceCreateBlob(resourceId: number, options: BlobOptions): void {
    this.#do(this.requests.resourceCreateBlob(resourceId, options));
  }

  /** Sends VIRTIO_GPU_CMD_SET_SCANOUT_BLOB. */
  setScanoutBlob(scanoutId: number, resourceId: number, options: ScanoutBlobOptions): void {
    this.#do(this.requests.setScanoutBlob(scanoutId, resourceId, options));
  }

  // 3D

  /** Sends VIRTIO_GPU_CMD_CTX_CREATE. */
  ctxCreate(contextId: number, contextInit = 0, debugName = ""): void {
    this.#do(this.requests.ctxCreate(contextId, contextInit, debugName));
  }

  /** Sends VIRTIO_GPU_CMD_CTX_DESTROY. */
  ctxDestroy(contextId: number): void {
    this.#do(this.requests.ctxDestroy(contextId));
  }

  /** Sends VIRTIO_GPU_CMD_CTX_ATTACH_RESOURCE. */
  ctxAttachResource(contextId: number, resourceId: number): void {
    this.#do(this.requests.ctxAttachResource(contextId, resourceId));
  }

  /** Sends VIRTIO_GPU_CMD_CTX_DETACH_RESOURCE. */
  ctxDetachResource(contextId: number, resourceId: number): void {
    this.#do(this.requests.ctxDetachResource(contextId, resourceId));
  }

  /** Sends VIRTIO_GPU_CMD_RESOURCE_CREATE_3D. */
  resourceCreate3D(resourceId: number, options: Resource3DOptions): void {
    this.#do(this.requests.resourceCreate3D(resourceId, options));
  }

  /** Sends VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D. */
  transferToHost3D(contextId: number, resourceId: number, options: Transfer3DOptions): void {
    this.#do(this.requests.transferToHost3D(contextId, resourceId, options));
  }

  /** Sends VIRTIO_GPU_CMD_TRANSFER_FROM_HOST_3D. */
  transferFromHost3D(contextId: number, resourceId: number, options: Transfer3DOptions): void {
    this.#do(this.requests.transferFromHost3D(contextId, resourceId, options));
  }

  /** Sends VIRTIO_GPU_CMD_SUBMIT_3D. */
  submit3D(contextId: number, commands: Uint8Array): void {
    this.#do(this.requests.submit3D(contextId, commands));
  }

  /** `map_info`: how the guest may cache the mapping, VIRTIO_GPU_MAP_CACHE_*. */
  resourceMapBlob(resourceId: number, offset: bigint | number): number {
    return this.requests.channel.finish(this.requests.resourceMapBlob(resourceId, offset), decodeMapInfo);
  }

  /** Sends VIRTIO_GPU_CMD_RESOURCE_UNMAP_BLOB. */
  resourceUnmapBlob(resourceId: number): void {
    this.#do(this.requests.resourceUnmapBlob(resourceId));
  }

  /** Any bytes as a request on the control queue; the response as it came. For testing devices. */
  raw(request: Uint8Array, responseBytes: number): Uint8Array<ArrayBuffer> {
    return this.requests.channel.finish(this.requests.raw(request, responseBytes), (bytes) => bytes);
  }

  // Cursor

  /** Resource id 0 hides the cursor. Positions may be negative. */
  updateCursor(
    scanoutId: number,
    x: number,
    y: number,
    resourceId: number,
    hotX: number,
    hotY: number,
  ): void {
    const { channel } = this.cursorRequests;
    channel.finish(this.cursorRequests.updateCursor(scanoutId, x, y, resourceId, hotX, hotY), decodeNothing);
  }

  /** Sends VIRTIO_GPU_CMD_MOVE_CURSOR. */
  moveCursor(scanoutId: number, x: number, y: number): void {
    this.cursorRequests.channel.finish(this.cursorRequests.moveCursor(scanoutId, x, y), decodeNothing);
  }

  #do(ticket: number): void {
    this.requests.channel.finish(ticket, decodeNothing);
  }

  /** Resets the device, gives up what is under way and frees the memory of the requests. */
  close(): void {
    this.driver.reset();
    this.requests.channel.close();
    this.cursorRequests.channel.close();
  }
}
