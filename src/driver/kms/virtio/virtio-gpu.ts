import type { TraceSink } from "../../../base/trace.ts";
import { VIRTIO_F_INDIRECT_DESC, VIRTIO_ID_GPU } from "../../../wire/common.ts";
import {
  VIRTIO_GPU_CONFIG,
  VIRTIO_GPU_CONTROLQ,
  VIRTIO_GPU_CURSORQ,
  VIRTIO_GPU_F_BLOB_ALIGNMENT,
  VIRTIO_GPU_F_EDID,
  VIRTIO_GPU_F_RESOURCE_BLOB,
  VIRTIO_GPU_F_RESOURCE_UUID,
  VIRTIO_GPU_MAX_SCANOUTS,
  VIRTIO_GPU_SHM_ID_HOST_VISIBLE,
} from "../../../wire/gpu.ts";
import { gpuCommandName, gpuResponseName } from "../../../wire/gpu-names.ts";
import type { DriverQueue } from "../../driver-queue.ts";
import { GpuCursorRequests, GpuRequests } from "../../drivers/gpu/gpu-requests.ts";
import { DriverError } from "../../errors.ts";
import type { VirtioDriver } from "../../virtio-driver.ts";
import { FenceTimeline } from "../buffers/fences.ts";
import type { LinuxProfile } from "../profiles.ts";
import type { KmsClock } from "../time/clock.ts";
import { Scheduler, type Task, type Wait } from "../time/tasks.ts";
import type { VblankTimer } from "../time/vblank.ts";
import { CommandQueue, type EntryListMemory } from "./command-queue.ts";

/** Feature bits of the device type that the model accepts, less those its kernel does not know. */
const FEATURES = [
  VIRTIO_GPU_F_EDID,
  VIRTIO_GPU_F_RESOURCE_UUID,
  VIRTIO_GPU_F_RESOURCE_BLOB,
  VIRTIO_GPU_F_BLOB_ALIGNMENT,
];
const DEPENDENCIES = [{ feature: VIRTIO_GPU_F_BLOB_ALIGNMENT, requires: VIRTIO_GPU_F_RESOURCE_BLOB }];

/** What Linux puts no bound on by the queue's size. */
const MAX_INDIRECT_ELEMENTS = 32768;
/** The first resource id is 2: the kernel's counter is incremented twice. */
const FIRST_RESOURCE_ID = 2;

/** What a {@link VirtioGpu} works with. */
export interface VirtioGpuOptions {
  readonly profile: LinuxProfile;
  readonly clock: KmsClock;
  readonly refuse: readonly number[];
  readonly entryLists: EntryListMemory;
  readonly hangAfterMs: number;
  readonly pollMs: number;
  readonly trace: TraceSink | null;
}

/**
 * The part of the driver that talks to the device: negotiation, the two queues, fences, ids. Commands are sent with
 * {@link requests} and {@link cursorRequests} after {@link hasRoom} or {@link waitForRoom}, and shown with
 * {@link notify}.
 */
export class VirtioGpu {
  readonly driver: VirtioDriver;
  readonly profile: LinuxProfile;
  readonly clock: KmsClock;
  readonly scheduler: Scheduler;
  /** Of the CRTCs; none where the kernel has no vertical blanks. */
  readonly vblanks: VblankTimer[] = [];
  readonly timeline: FenceTimeline = new FenceTimeline();
  readonly control: CommandQueue;
  readonly cursor: CommandQueue;
  readonly requests: GpuRequests<CommandQueue>;
  readonly cursorRequests: GpuCursorRequests<CommandQueue>;
  readonly hasEdid: boolean;
  readonly hasUuid: boolean;
  readonly hasBlob: boolean;
  /** Size of the host visible memory, 0 when there is none. */
  readonly hostVisibleBytes: bigint;
  /** 1 when it does not apply. */
  readonly blobAlignment: number;
  readonly scanouts: number;
  readonly capsets: number;
  readonly #trace: TraceSink | null;
  #nextResourceId = FIRST_RESOURCE_ID;

  /** Initializes the device. Throws `DriverError`; the device has FAILED then. */
  constructor(driver: VirtioDriver, options: VirtioGpuOptions) {
    this.driver = driver;
    this.profile = options.profile;
    this.clock = options.clock;
    this.#trace = options.trace;
    const refuse = [...options.profile.refuse, ...options.refuse];
    if (!options.profile.hasBlobAlignment) refuse.push(VIRTIO_GPU_F_BLOB_ALIGNMENT);
    let queues: readonly DriverQueue[] = [];
    let hostVisibleBytes = 0n;
    let scanouts = 0;
    let capsets = 0;
    let blobAlignment = 1;
    driver.initialize({
      deviceId: VIRTIO_ID_GPU,
      features: FEATURES,
      dependencies: DEPENDENCIES,
      refuse,
      setUp: () => {
        hostVisibleBytes = driver.sharedMemory(VIRTIO_GPU_SHM_ID_HOST_VISIBLE)?.lengthBytes ?? 0n;
        queues = [
          setUpQueue(driver, VIRTIO_GPU_CONTROLQ, "control"),
          setUpQueue(driver, VIRTIO_GPU_CURSORQ, "cursor"),
        ];
        scanouts = Math.min(readConfig(driver, VIRTIO_GPU_CONFIG.num_scanouts), VIRTIO_GPU_MAX_SCANOUTS);
        if (scanouts === 0 && !options.profile.worksWithoutScanouts) {
          throw new DriverError("EINVAL", "num_scanouts is zero");
        }
        capsets = readConfig(driver, VIRTIO_GPU_CONFIG.num_capsets);
        if (driver.hasFeature(VIRTIO_GPU_F_BLOB_ALIGNMENT)) {
          blobAlignment = readConfig(driver, VIRTIO_GPU_CONFIG.blob_alignment) || 1;
        }
      },
    });
    this.hostVisibleBytes = hostVisibleBytes;
    this.scanouts = scanouts;
    this.capsets = capsets;
    this.blobAlignment = blobAlignment;
    this.hasEdid = driver.hasFeature(VIRTIO_GPU_F_EDID) && scanouts > 0;
    this.hasUuid = driver.hasFeature(VIRTIO_GPU_F_RESOURCE_UUID);
    this.hasBlob = driver.hasFeature(VIRTIO_GPU_F_RESOURCE_BLOB);
    const [controlQueue, cursorQueue] = queues as [DriverQueue, DriverQueue];
    const { allocator } = driver.platform;
    const common = {
      allocator,
      timeline: this.timeline,
      indirect: driver.hasFeature(VIRTIO_F_INDIRECT_DESC),
      entryLists: options.entryLists,
      onTrouble: (kind: string, detail: Readonly<Record<string, number | string>>) => this.say(kind, detail),
    };
    this.control = new CommandQueue({ ...common, queue: controlQueue });
    // Chains of one element are direct, whatever was negotiated.
    this.cursor = new CommandQueue({ ...common, queue: cursorQueue, indirect: false });
    const capabilities = { hasFeature: () => true, blobAlignment: 1, permissive: true };
    this.requests = new GpuRequests(this.control, capabilities);
    this.cursorRequests = new GpuCursorRequests(this.cursor, false);
    this.scheduler = new Scheduler({
      clock: options.clock,
      hangAfterMs: options.hangAfterMs,
      pollMs: options.pollMs,
      poll: () => this.process(),
      onError: (error) => this.#failed(error),
    });
    controlQueue.onUsed = () => this.#interrupted();
    cursorQueue.onUsed = () => this.#interrupted();
  }

  #interrupted(): void {
    this.process();
    this.scheduler.run();
  }

  #failed(error: unknown): void {
    if (!(error instanceof DriverError)) throw error;
    this.say("worker-failed", { reason: error.message });
  }

  /** What Linux would write to its log. */
  say(kind: string, detail: Readonly<Record<string, number | string>> = {}): void {
    if (this.#trace === null) return;
    const named: Record<string, string | number> = { ...detail };
    if (typeof detail["command"] === "number") named["command"] = gpuCommandName(detail["command"]);
    if (typeof detail["response"] === "number") named["response"] = gpuResponseName(detail["response"]);
    this.#trace({ source: "kms", kind, detail: named });
  }

  /** Takes in what the device has answered, and what time has brought. */
  process(): void {
    this.control.process();
    this.cursor.process();
    for (let i = 0; i < this.vblanks.length; i++) this.vblanks[i]?.process();
  }

  /** Resource ids are counted up and not used again. */
  newResourceId(): number {
    return this.#nextResourceId++;
  }

  // Sending

  /** Whether a control command of so many elements can be sent without waiting. */
  hasRoom(elements = 2): boolean {
    return this.control.hasRoom(elements);
  }

  /** Waits for room in a queue; notifies first, so that there can be some. No signal ends the wait. */
  *waitForRoom(elements = 2, queue: CommandQueue = this.control): Task<void> {
    while (!queue.hasRoom(elements)) {
      queue.notify();
      const wait: Wait = {
        done: () => queue.hasRoom(elements),
        deadlineMs: Infinity,
        interruptible: false,
        what: `room in the ${queue.queue.name} queue`,
      };
      yield wait;
    }
  }

  /** Shows the device the control commands sent since the last call. */
  notify(): void {
    this.control.notify();
  }

  /** Resets the device and frees what the queues have. */
  close(): void {
    this.driver.reset();
    this.control.close();
    this.cursor.close();
  }
}

function setUpQueue(driver: VirtioDriver, index: number, name: string): DriverQueue {
  return driver.setUpQueue({
    index,
    name,
    ring: { maxIndirectElements: MAX_INDIRECT_ELEMENTS, excessLength: "clamp" },
  });
}

function readConfig(driver: VirtioDriver, offset: number): number {
  return driver.readConfigTogether(() => driver.readConfig32(offset)) >>> 0;
}
