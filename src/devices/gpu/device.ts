import { VirtioUsageError } from "../../base/errors.ts";
import { checkOptions } from "../../base/options.ts";
import type {
  DeviceHost,
  DeviceType,
  PlainValue,
  PreparedRestore,
  QueueDescription,
  SharedMemoryRegion,
} from "../../device/device-type.ts";
import type { FeatureDependency } from "../../device/features.ts";
import type { SharedObjectRegistry } from "../../device/shared-objects.ts";
import type { DeviceQueue } from "../../virtqueue/device-queue.ts";
import { VIRTIO_ID_GPU } from "../../wire/common.ts";
import {
  VIRTIO_GPU_CONFIG,
  VIRTIO_GPU_EVENT_DISPLAY,
  VIRTIO_GPU_F_BLOB_ALIGNMENT,
  VIRTIO_GPU_F_CONTEXT_INIT,
  VIRTIO_GPU_F_EDID,
  VIRTIO_GPU_F_RESOURCE_BLOB,
  VIRTIO_GPU_F_RESOURCE_UUID,
  VIRTIO_GPU_F_VIRGL,
  VIRTIO_GPU_SHM_ID_HOST_VISIBLE,
} from "../../wire/gpu.ts";
import type { CursorImage, ScanoutSource } from "./backend/display.ts";
import type { Capset } from "./backend/renderer.ts";
import { GpuCore, type GpuCounters } from "./core.ts";
import type { GpuBackendFailure } from "./options.ts";
import { type DisplayConfig, GPU_DEVICE_RULES, type GpuDeviceOptions, type GpuLimits } from "./options.ts";
import { DisplaySettings, type DisplayState } from "./output/displays.ts";
import type { GpuPolicy } from "./policy.ts";
import { CommandQueues } from "./queue/command-queue.ts";
import type { ResourceKind } from "./resources/resources.ts";
import { prepareGpu, showGpu, takeOverGpu } from "./restore.ts";
import { saveGpu } from "./save.ts";

/** PCI class DISPLAY_OTHER: there is no VGA compatibility. */
const PCI_CLASS_DISPLAY_OTHER = 0x038000;

const DEFAULT_CURSOR_QUEUE_SIZE = 16;
const MAX_CAPSET_ID = 63;
/** The largest power of two in 32 bits. */
const MAX_BLOB_ALIGNMENT_BYTES = 0x80000000;

/** A resource as `GpuDevice.resources` lists it. */
export interface GpuResourceInfo {
  readonly id: number;
  readonly kind: ResourceKind;
  readonly widthPixels: number;
  readonly heightPixels: number;
  readonly format: number;
  readonly sizeBytes: number;
  /** Bytes of guest memory behind it. */
  readonly backingBytes: number;
  /** Segments that the guest memory consists of, adjacent pages counted as one. */
  readonly backingSegments: number;
  /** Scanouts that show it. */
  readonly scanouts: readonly number[];
  /** UUIDs it was exported with. */
  readonly uuids: readonly string[];
}

/**
 * The virtio GPU device (virtio 1.4, section 5.7): 2D resources, blobs in guest memory, cursors and EDID by itself, 3D
 * commands with an injected {@link Renderer}, pictures to an injected {@link Display}.
 *
 * @example
 * ```ts
 * const display = new MemoryDisplay();
 * const gpu = new GpuDevice({ display, displays: [{ widthPixels: 1024, heightPixels: 768 }] });
 * const device = new VirtioDevice(gpu, { memory });
 * ```
 */
export class GpuDevice implements DeviceType {
  readonly name = "gpu";
  readonly deviceId: number = VIRTIO_ID_GPU;
  readonly pciClass: number = PCI_CLASS_DISPLAY_OTHER;
  readonly features: readonly number[];
  readonly featureDependencies: readonly FeatureDependency[] = [
    { feature: VIRTIO_GPU_F_CONTEXT_INIT, requires: VIRTIO_GPU_F_VIRGL },
    { feature: VIRTIO_GPU_F_BLOB_ALIGNMENT, requires: VIRTIO_GPU_F_RESOURCE_BLOB },
  ];
  readonly queues: readonly QueueDescription[];
  readonly configLengthBytes: number;
  readonly sharedMemory: readonly SharedMemoryRegion[];

  readonly #core: GpuCore;
  readonly #queues: CommandQueues;
  readonly #displays: DisplaySettings;
  readonly #blobAlignmentBytes: number;
  #host: DeviceHost | null = null;
  #eventsRead = 0;

  /** Throws {@link VirtioUsageError} for options that do not fit together. */
  constructor(options: GpuDeviceOptions = {}) {
    checkOptions("GpuDevice", options, GPU_DEVICE_RULES);
    this.#blobAlignmentBytes = checkAlignment(options);
    this.features = offeredFeatures(options);
    this.queues = [
      { name: "controlq", maxSize: options.controlQueueSize ?? controlQueueSize(options) },
      { name: "cursorq", maxSize: options.cursorQueueSize ?? DEFAULT_CURSOR_QUEUE_SIZE },
    ];
    // Drivers older than the feature expect a configuration space that ends with num_capsets.
    this.configLengthBytes = this.features.includes(VIRTIO_GPU_F_BLOB_ALIGNMENT)
      ? VIRTIO_GPU_CONFIG.sizeBytes
      : VIRTIO_GPU_CONFIG.blob_alignment;
    this.#displays = new DisplaySettings(options.displays, options.scanouts);
    const heap = options.hostHeap;
    // [gpu.device.device-initialization.5]
    this.sharedMemory =
      heap === undefined
        ? []
        : [{ id: VIRTIO_GPU_SHM_ID_HOST_VISIBLE, lengthBytes: heap.lengthBytes, buffer: heap.buffer }];
    this.#core = new GpuCore(options, this.#displays, new Set(this.features));
    this.#queues = new CommandQueues(this.#core);
  }

  // What an embedder sees

  /** Counts kept since the device was made. */
  get counters(): Readonly<GpuCounters> {
    return this.#core.counters;
  }

  /**
   * What a display or a renderer threw last, null if none did; {@link counters} say how often. Look here when
   * the screen stays black.
   */
  get lastBackendFailure(): GpuBackendFailure | null {
    return this.#core.lastFailure;
  }

  get limits(): GpuLimits {
    return this.#core.limits;
  }

  get policy(): GpuPolicy {
    return this.#core.policy;
  }

  /** Where resources with a UUID are found. */
  get sharedObjects(): SharedObjectRegistry {
    return this.#core.exports.registry;
  }

  /** Number of scanouts, 1 … 16. */
  get scanoutCount(): number {
    return this.#displays.count;
  }

  /** Commands that wait for a display or a renderer now. */
  get commandsInFlight(): number {
    return this.#queues.unsettled;
  }

  /** Calls of the display and the renderer that were under way when the device was reset, and still are. */
  get abandonedCalls(): number {
    return this.#core.abandonedCalls;
  }

  /** Bytes of host memory that resources use now. */
  get hostBytes(): number {
    return this.#core.resources.hostBytes;
  }

  /** What a scanout shows, null when it is off. */
  scanout(scanoutId: number): ScanoutSource | null {
    return this.#core.scanouts.source(scanoutId);
  }

  /** The cursor of a scanout, null when there is none. */
  cursor(scanoutId: number): CursorImage | null {
    return this.#core.cursors.get(scanoutId);
  }

  /** A list of all resources, for diagnosis. */
  resources(): GpuResourceInfo[] {
    return Array.from(this.#core.resources.values(), (resource) => ({
      id: resource.id,
      kind: resource.kind,
      widthPixels: resource.widthPixels,
      heightPixels: resource.heightPixels,
      format: resource.format,
      sizeBytes: resource.sizeBytes,
      backingBytes: resource.backing?.totalBytes ?? 0,
      backingSegments: resource.backing?.count ?? 0,
      scanouts: Array.from({ length: this.scanoutCount }, (_, i) => i).filter(
        (i) => (resource.scanouts & (1 << i)) !== 0,
      ),
      uuids: this.#core.exports.uuids(resource),
    }));
  }

  /** A display as it is connected now. */
  display(scanoutId: number): DisplayState | null {
    return this.#displays.get(scanoutId);
  }

  /**
   * Changes how a display is connected: plugs it in or out, resizes or moves it. What is not named stays. The driver
   * is told with VIRTIO_GPU_EVENT_DISPLAY, unless nothing changes. Throws {@link VirtioUsageError} when there is no such
   * display or a setting is impossible.
   */
  setDisplay(scanoutId: number, changes: DisplayConfig): void {
    const change = this.#displays.prepare(scanoutId, changes);
    if (change === null) return;
    if (this.#host === null) change();
    else this.#displaysChanged(change);
  }

  #displaysChanged(change: () => void): void {
    this.#host?.changeConfig(() => {
      change();
      this.#eventsRead |= VIRTIO_GPU_EVENT_DISPLAY;
    });
  }

  // What the framework calls

  attach(host: DeviceHost): void {
    if (this.#host !== null) throw new VirtioUsageError("the gpu already belongs to a device");
    this.#host = host;
    this.#core.attach(host);
  }

  readConfigByte(offset: number): number {
    return (this.#configWord(offset & ~3) >>> (8 * (offset & 3))) & 0xff;
  }

  #configWord(offset: number): number {
    switch (offset) {
      case VIRTIO_GPU_CONFIG.events_read:
        return this.#eventsRead;
      case VIRTIO_GPU_CONFIG.num_scanouts:
        return this.scanoutCount;
      case VIRTIO_GPU_CONFIG.num_capsets:
        return this.#core.renderer?.capsets.length ?? 0;
      case VIRTIO_GPU_CONFIG.blob_alignment:
        return this.#blobAlignmentBytes;
      default:
        return 0;
    }
  }

  /** Only events_clear can be written. [gpu.prose.device-configuration-fields.1] */
  writeConfig(offset: number, widthBytes: number, value: number): void {
    for (let i = 0; i < widthBytes; i++) {
      const at = offset + i - VIRTIO_GPU_CONFIG.events_clear;
      if (at >= 0 && at < 4) this.#eventsRead &= ~(((value >>> (8 * i)) & 0xff) << (8 * at));
    }
  }

  start(): void {}

  handleQueue(index: number, queue: DeviceQueue): void {
    this.#queues.handle(index, queue);
  }

  queueReset(index: number): void {
    this.#queues.queueReset(index);
  }

  reset(): void {
    this.#queues.reset();
    this.#core.reset();
    this.#eventsRead = 0;
  }

  quiesce(): void {
    // Back ends finish what they have; there is nothing to hurry.
  }

  save(): PlainValue {
    if (this.#queues.unsettled > 0) {
      throw new VirtioUsageError("a display or a renderer is still at work; wait until it is done");
    }
    return saveGpu(this.#core, this.#eventsRead);
  }

  prepareRestore(state: PlainValue): PreparedRestore {
    const restored = prepareGpu(this.#core, state);
    return {
      takeOver: () => {
        takeOverGpu(this.#core, restored);
        this.#eventsRead = restored.saved.eventsRead;
      },
      resume: () => {
        // First, since back ends may change a display from within a call, of which the driver has to be told as well.
        if (restored.displaysDiffer) this.#displaysChanged(() => {});
        showGpu(this.#core, restored);
      },
    };
  }
}

/** The defaults of the implementation that the profile is named after, where the embedder chose nothing. */
function controlQueueSize({ profile, renderer }: GpuDeviceOptions): number {
  switch (profile) {
    case "qemu":
      return renderer === undefined ? 64 : 256;
    case "crosvm":
      return 512;
    default:
      return 64;
  }
}

function checkAlignment(options: GpuDeviceOptions): number {
  const alignment = options.blobAlignmentBytes;
  if (alignment === undefined) return 0;
  const isPowerOfTwo = Number.isInteger(alignment) && (alignment & (alignment - 1)) === 0;
  if (!isPowerOfTwo || alignment < 1 || alignment > MAX_BLOB_ALIGNMENT_BYTES) {
    throw new VirtioUsageError(`blobAlignmentBytes is ${alignment}, not a power of two from 1 to 2^31`);
  }
  return alignment;
}

function checkCapsets(capsets: readonly Capset[]): void {
  const ids = new Set<number>();
  for (const { id, maxVersion, maxSizeBytes } of capsets) {
    // [gpu.prose.device-operation-controlq.2] Linux keeps them as bits of a 64-bit word, without bit 0.
    if (!Number.isInteger(id) || id < 1 || id > MAX_CAPSET_ID) {
      throw new VirtioUsageError(`capset id ${id} is not in 1 … ${MAX_CAPSET_ID}`);
    }
    if (ids.has(id)) throw new VirtioUsageError(`capset ${id} is listed twice`);
    ids.add(id);
    for (const field of [maxVersion, maxSizeBytes]) {
      if (field >>> 0 !== field)
        throw new VirtioUsageError(`capset ${id} has ${field} in a field of 32 bits`);
    }
  }
}

function offeredFeatures(options: GpuDeviceOptions): number[] {
  const { features = {}, renderer, blobAlignmentBytes, profile } = options;
  const virgl = features.virgl ?? renderer !== undefined;
  const contextInit = features.contextInit ?? virgl;
  // With QEMU, too, this feature is opted into by name; opting into one that needs it opts into it as well.
  const needsBlob = blobAlignmentBytes !== undefined || options.hostHeap !== undefined;
  const blob = features.resourceBlob ?? (profile !== "qemu" || needsBlob);
  checkCapsets(renderer?.capsets ?? []);
  if (virgl && renderer === undefined) throw new VirtioUsageError("the feature virgl needs a renderer");
  if (contextInit && !virgl) throw new VirtioUsageError("the feature contextInit needs virgl");
  if (blobAlignmentBytes !== undefined && !blob) {
    throw new VirtioUsageError("blobAlignmentBytes needs the feature resourceBlob");
  }
  const offered: number[] = [];
  if (virgl) offered.push(VIRTIO_GPU_F_VIRGL);
  if (features.edid ?? true) offered.push(VIRTIO_GPU_F_EDID);
  if (features.resourceUuid ?? profile !== "qemu") offered.push(VIRTIO_GPU_F_RESOURCE_UUID);
  if (blob) offered.push(VIRTIO_GPU_F_RESOURCE_BLOB);
  if (contextInit) offered.push(VIRTIO_GPU_F_CONTEXT_INIT);
  if (blobAlignmentBytes !== undefined) offered.push(VIRTIO_GPU_F_BLOB_ALIGNMENT);
  return offered;
}
