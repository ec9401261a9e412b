import { checkArgument, checkOptions, type OptionRules } from "../../../base/options.ts";
import {
  VIRTIO_RENDER_COMMANDQ,
  VIRTIO_RENDER_CONFIG,
  VIRTIO_RENDER_DEVICE_ID,
  VIRTIO_RENDER_EVENT_REVOKED,
  VIRTIO_RENDER_F_IMPORT_PAGES,
  VIRTIO_RENDER_F_IMPORT_UUID,
} from "../../../wire/render.ts";
import type { DriverQueue } from "../../driver-queue.ts";
import { REFUSE_RULE } from "../../features.ts";
import {
  QUEUE_CHOICE_RULE,
  type QueueRequest,
  VIRTIO_DRIVER_RULE,
  type VirtioDriver,
} from "../../virtio-driver.ts";
import type { MemEntryList } from "../gpu/mem-entries.ts";
import { RenderChannel, type RenderReply } from "./render-channel.ts";
import {
  type RenderCommandOptions,
  type RenderImportOptions,
  type RenderImportState,
  type RenderLayout,
  type RenderPoint,
  type RenderRect,
  RenderRequests,
} from "./render-requests.ts";

/** The device's configuration space. */
export interface RenderConfig {
  /** VIRTIO_RENDER_EVENT_*. */
  readonly eventsRead: number;
  readonly maxImports: number;
  readonly maxContexts: number;
  readonly maxCommands: number;
  /** Width and height of a picture, in pixels. */
  readonly maxDimension: number;
  /** Entries of one list of pages. */
  readonly maxEntries: number;
  readonly maxImportBytes: bigint;
}

/** Choices for a {@link RenderDriver}. */
export interface RenderDriverOptions {
  /** Feature bits not to accept. */
  readonly refuse?: readonly number[];
  readonly queue?: Pick<QueueRequest, "size" | "ring">;
}

const RULES: OptionRules<RenderDriverOptions> = {
  refuse: REFUSE_RULE,
  queue: QUEUE_CHOICE_RULE,
};

/**
 * Drives a render device (see PROTOCOL.md of the device). The methods of this class send one command each and wait for
 * the answer, drawing included; they throw `RenderCommandError` when the device says no. {@link requests} queues
 * commands and gives their replies: what to wait for, or to hang on to a buffer as its fence.
 *
 * @example
 * ```ts
 * const render = RenderDriver.start(new VirtioDriver(transport, { allocator }));
 * render.importUuid(1, gpu.resourceAssignUuid(resourceId));
 * render.requests.fill(1, 0xff203040, { x: 0, y: 0, width: 640, height: 480 }, { fence: false });
 * render.triangle(1, angle, { x: 0, y: 0, width: 640, height: 480 }, [0xffff0000, 0xff00ff00, 0xff0000ff]);
 * ```
 */
export class RenderDriver {
  readonly driver: VirtioDriver;
  readonly requests: RenderRequests;
  /** Called when the device says that an exporter took an object away; {@link getImport} tells which. */
  onRevoked: (() => void) | null = null;
  #nextImportId = 1;
  #nextContextId = 1;

  private constructor(driver: VirtioDriver, queue: DriverQueue) {
    this.driver = driver;
    this.requests = new RenderRequests(new RenderChannel({ queue, allocator: driver.platform.allocator }));
    driver.onConfigChange = () => this.handleEvents();
  }

  /** Initializes the device and returns its driver. Throws `DriverError`; the device has FAILED then. */
  static start(driver: VirtioDriver, options: RenderDriverOptions = {}): RenderDriver {
    checkOptions("RenderDriver.start", options, RULES);
    checkArgument("RenderDriver.start", "driver", driver, VIRTIO_DRIVER_RULE);
    driver.initialize({
      deviceId: VIRTIO_RENDER_DEVICE_ID,
      features: [VIRTIO_RENDER_F_IMPORT_UUID, VIRTIO_RENDER_F_IMPORT_PAGES],
      refuse: options.refuse ?? [],
      setUp: () =>
        void driver.setUpQueue({ ...options.queue, index: VIRTIO_RENDER_COMMANDQ, name: "commandq" }),
    });
    return new RenderDriver(driver, driver.queue(VIRTIO_RENDER_COMMANDQ) as DriverQueue);
  }

  // Configuration space

  /** Read anew, under one generation. */
  get config(): RenderConfig {
    const { driver } = this;
    return driver.readConfigTogether(() => ({
      eventsRead: driver.readConfig32(VIRTIO_RENDER_CONFIG.events_read),
      maxImports: driver.readConfig32(VIRTIO_RENDER_CONFIG.max_imports),
      maxContexts: driver.readConfig32(VIRTIO_RENDER_CONFIG.max_contexts),
      maxCommands: driver.readConfig32(VIRTIO_RENDER_CONFIG.max_commands),
      maxDimension: driver.readConfig32(VIRTIO_RENDER_CONFIG.max_dimension),
      maxEntries: driver.readConfig32(VIRTIO_RENDER_CONFIG.max_entries),
      maxImportBytes: driver.readConfig64(VIRTIO_RENDER_CONFIG.max_import_bytes),
    }));
  }

  /** Reads and clears events, and calls {@link onRevoked}. Done by itself when the device interrupts. */
  handleEvents(): number {
    const events = this.driver.readConfig32(VIRTIO_RENDER_CONFIG.events_read);
    if (events !== 0) this.driver.writeConfig(VIRTIO_RENDER_CONFIG.events_clear, 4, events);
    if ((events & VIRTIO_RENDER_EVENT_REVOKED) !== 0) this.onRevoked?.();
    return events;
  }

  // Ids, batches

  /** Import ids are counted up and not used again. */
  newImportId(): number {
    return this.#nextImportId++;
  }

  /** Context ids are counted up and not used again; 0 is always there. */
  newContextId(): number {
    return this.#nextContextId++;
  }

  /** Shows the device the commands queued so far. */
  kick(): boolean {
    return this.requests.channel.kick();
  }

  /** Takes in what the device has answered, without waiting. */
  process(): void {
    this.requests.channel.process();
  }

  /** Sends what is queued and waits for an answer. Throws what went wrong. */
  wait<T>(reply: RenderReply<T>): T {
    return this.requests.channel.wait(reply);
  }

  /** As {@link wait}, without blocking. */
  settled<T>(reply: RenderReply<T>): Promise<T> {
    return this.requests.channel.settled(reply);
  }

  // Commands

  /** Sends VIRTIO_RENDER_CMD_CTX_CREATE and waits for the answer. */
  ctxCreate(contextId: number): void {
    this.wait(this.requests.ctxCreate(contextId));
  }

  /** Sends VIRTIO_RENDER_CMD_CTX_DESTROY and waits for the answer. */
  ctxDestroy(contextId: number): void {
    this.wait(this.requests.ctxDestroy(contextId));
  }

  /** Without a layout the object's own is taken, if it has one. */
  importUuid(
    importId: number,
    uuid: Uint8Array,
    layout: RenderLayout | null = null,
    options: RenderImportOptions = {},
  ): RenderImportState {
    return this.wait(this.requests.importUuid(importId, uuid, layout, options));
  }

  /** Sends VIRTIO_RENDER_CMD_IMPORT_PAGES and waits for the answer. */
  importPages(
    importId: number,
    entries: MemEntryList,
    layout: RenderLayout,
    options: RenderImportOptions = {},
  ): RenderImportState {
    return this.wait(this.requests.importPages(importId, entries, layout, options));
  }

  /** Sends VIRTIO_RENDER_CMD_RELEASE and waits for the answer. */
  release(importId: number): void {
    this.wait(this.requests.release(importId));
  }

  /** Sends VIRTIO_RENDER_CMD_GET_IMPORT and waits for the answer. */
  getImport(importId: number): RenderImportState {
    return this.wait(this.requests.getImport(importId));
  }

  /** Waits until everything before it in the context is drawn. */
  nop(options: RenderCommandOptions = {}): void {
    this.wait(this.requests.nop(options));
  }

  /** Sends VIRTIO_RENDER_CMD_FILL and waits for the answer. */
  fill(importId: number, color: number, rect: RenderRect, options: RenderCommandOptions = {}): void {
    this.wait(this.requests.fill(importId, color, rect, options));
  }

  /** Sends VIRTIO_RENDER_CMD_BLIT and waits for the answer. */
  blit(
    importId: number,
    sourceImportId: number,
    to: RenderPoint,
    source: RenderRect,
    options: RenderCommandOptions = {},
  ): void {
    this.wait(this.requests.blit(importId, sourceImportId, to, source, options));
  }

  /** Sends VIRTIO_RENDER_CMD_GRADIENT and waits for the answer. */
  gradient(
    importId: number,
    rect: RenderRect,
    points: readonly [RenderPoint, RenderPoint],
    colors: readonly [number, number],
    options: RenderCommandOptions = {},
  ): void {
    this.wait(this.requests.gradient(importId, rect, points, colors, options));
  }

  /** `angle` in units of 1/65536 turn, clockwise. */
  triangle(
    importId: number,
    angle: number,
    viewport: RenderRect,
    colors: readonly [number, number, number],
    options: RenderCommandOptions = {},
  ): void {
    this.wait(this.requests.triangle(importId, angle, viewport, colors, options));
  }

  /** Any bytes as a request; the response as it came. For testing devices. */
  raw(request: Uint8Array, responseBytes: number): Uint8Array<ArrayBuffer> {
    return this.wait(this.requests.raw(request, responseBytes));
  }

  /** Resets the device, gives up what is under way and frees the memory of the requests. */
  close(): void {
    this.driver.reset();
    this.requests.channel.close();
  }
}
