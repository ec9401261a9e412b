// A card of the KMS model on a GPU of the project's own, with a clock that only moves when somebody waits, and a device
// that can be told to answer late, wrongly or not at all.

import { MemoryDisplay } from "../../src/backends/display/memory/index.ts";
import type { TraceEvent } from "../../src/base/index.ts";
import type { DeviceHost, DeviceType, PlainValue, PreparedRestore } from "../../src/device/index.ts";
import { type GpuCommandRecord, GpuDevice, type GpuDeviceOptions } from "../../src/devices/gpu/index.ts";
import type { GuestBuffer } from "../../src/driver/index.ts";
import {
  type ConnectorInfo,
  DRM_FORMAT_XRGB8888,
  type DrmFile,
  type DrmMode,
  KmsCard,
  type KmsCardOptions,
  VirtualClock,
} from "../../src/driver/kms/index.ts";
import { type Driven, type DrivenOptions, drive } from "../../src/testing/index.ts";
import type { DescriptorChain, DeviceQueue, QueueFault, QueueProgress } from "../../src/virtqueue/index.ts";
import {
  gpuCommandName,
  VIRTIO_F_EVENT_IDX,
  VIRTIO_F_INDIRECT_DESC,
  VIRTIO_MMIO_QUEUE_NOTIFY,
} from "../../src/wire/index.ts";

/** What becomes of an answer: so many milliseconds late, never, without its fence, or as it is (null). */
export type AnswerPolicy = (command: string) => number | "never" | "no-fence" | null;

export interface KmsRigOptions extends KmsCardOptions {
  readonly device?: GpuDeviceOptions;
  readonly driven?: Partial<DrivenOptions>;
  /** Default: all answers as they are. */
  readonly answers?: AnswerPolicy;
  /** Do not bind the driver yet. */
  readonly unbound?: boolean;
}

/** A command in short. */
export interface ShortCommand {
  readonly name: string;
  readonly record: GpuCommandRecord;
  /** Commands of a queue with the same number came with one notification. */
  readonly notification: number;
}

export class KmsRig {
  readonly gpu: GpuDevice;
  readonly display: MemoryDisplay;
  readonly clock = new VirtualClock();
  readonly driven: Driven;
  readonly sent: ShortCommand[] = [];
  readonly troubles: TraceEvent[] = [];
  answers: AnswerPolicy;
  /** Chains that will never be answered, as far as the device is concerned. */
  readonly withheld: (() => void)[] = [];
  readonly #options: KmsRigOptions;
  #card: KmsCard | null = null;

  constructor(options: KmsRigOptions = {}) {
    this.#options = options;
    this.answers = options.answers ?? (() => null);
    this.display = (options.device?.display as MemoryDisplay | undefined) ?? new MemoryDisplay();
    this.gpu = new GpuDevice({
      display: this.display,
      displays: [{ widthPixels: 320, heightPixels: 200 }],
      features: { resourceBlob: false },
      ...options.device,
      onCommand: (record) => this.#note(record),
    });
    const late = new LateGpu(this.gpu, this);
    this.driven = drive(late, {
      transport: "mmio",
      ...options.driven,
      device: { ringFeatures: [VIRTIO_F_INDIRECT_DESC, VIRTIO_F_EVENT_IDX], ...options.driven?.device },
    });
    if (options.unbound !== true) this.bind();
  }

  bind(): KmsCard {
    const { device, driven, answers, unbound, ...card } = this.#options;
    this.#card = KmsCard.bind(this.driven.driver, {
      clock: this.clock,
      trace: (event) => this.troubles.push(event),
      ...card,
    });
    return this.#card;
  }

  get card(): KmsCard {
    if (this.#card === null) throw new Error("the driver is not bound");
    return this.#card;
  }

  #note(record: GpuCommandRecord): void {
    const queue = record.queue === "controlq" ? 0 : 1;
    const notification = this.driven.accesses.filter(
      ({ space, write, offset, value }) =>
        space === "mmio" && write && offset === VIRTIO_MMIO_QUEUE_NOTIFY && (value & 0xffff) === queue,
    ).length;
    this.sent.push({ name: shortName(record.name), record, notification });
  }

  /** Names of what was sent since the last call; groups of one notification joined by `+`. */
  take(): string[] {
    const groups: string[] = [];
    let last: ShortCommand | null = null;
    for (const command of this.sent.splice(0)) {
      const joins =
        last !== null &&
        last.notification === command.notification &&
        last.record.queue === command.record.queue;
      if (joins) groups[groups.length - 1] += `+${describe(command)}`;
      else groups.push(describe(command));
      last = command;
    }
    return groups;
  }

  get kinds(): string[] {
    return this.troubles.map(({ kind }) => kind);
  }

  /** Opens the card and finds head `index`. */
  open(index = 0): Head {
    return new Head(this.card.open(), index);
  }

  /** Pixel of a scanout as 0xRRGGBB. */
  pixel(x: number, y: number, scanout = 0): number {
    const { source } = this.display.screen(scanout);
    const rgba = this.display.readRgba(scanout);
    if (source === null || rgba === null) throw new Error(`scanout ${scanout} is off`);
    const at = (y * source.widthPixels + x) * 4;
    return ((rgba[at] as number) << 16) | ((rgba[at + 1] as number) << 8) | (rgba[at + 2] as number);
  }
}

/** A file with one head of the card. */
export class Head {
  readonly file: DrmFile;
  readonly crtcId: number;
  readonly connector: ConnectorInfo;

  constructor(file: DrmFile, index: number) {
    this.file = file;
    const { crtcs, connectors } = file.getResources();
    this.crtcId = crtcs[index] as number;
    this.connector = file.getConnector(connectors[index] as number);
  }

  get mode(): DrmMode {
    return this.connector.modes[0] as DrmMode;
  }

  framebuffer(width = this.mode.hdisplay, height = this.mode.vdisplay): TestFramebuffer {
    const { handle, pitch } = this.file.createDumb({ width, height, bpp: 32 });
    const id = this.file.addFb2({ width, height, format: DRM_FORMAT_XRGB8888, handle, pitch });
    return { id, handle, pitch, width, height, pixels: this.file.mapDumb(handle) };
  }

  show(fb: TestFramebuffer, x = 0, y = 0): void {
    const { crtcId, mode } = this;
    this.file.setCrtc({ crtcId, fbId: fb.id, x, y, mode, connectors: [this.connector.id] });
  }

  off(): void {
    this.file.setCrtc({ crtcId: this.crtcId });
  }
}

export interface TestFramebuffer {
  readonly id: number;
  readonly handle: number;
  readonly pitch: number;
  readonly width: number;
  readonly height: number;
  readonly pixels: GuestBuffer;
}

export function fill(
  fb: TestFramebuffer,
  colour: number,
  x = 0,
  y = 0,
  width = fb.width,
  height = fb.height,
): void {
  for (let row = y; row < y + height; row++) fb.pixels.fillWords(row * fb.pitch + 4 * x, width, colour);
}

function shortName(name: string): string {
  return name.replace("VIRTIO_GPU_CMD_", "");
}

/** `SET_SCANOUT 2 320x200+0+0 #7`: name, resource, rectangle, fence. */
function describe({ name, record }: ShortCommand): string {
  const { fields, fence } = record;
  const parts = [name];
  if (typeof fields["resource_id"] === "number") parts.push(`${fields["resource_id"]}`);
  const r = fields["r"] as { x: number; y: number; width: number; height: number } | undefined;
  if (r !== undefined) parts.push(`${r.width}x${r.height}+${r.x}+${r.y}`);
  const pos = fields["pos"] as { scanout_id: number; x: number; y: number } | undefined;
  if (pos !== undefined) parts.push(`${pos.x | 0},${pos.y | 0}`);
  const scanout = fields["scanout_id"] ?? fields["scanout"] ?? pos?.scanout_id;
  if (typeof scanout === "number" && scanout > 0) parts.push(`@${scanout}`);
  if (fence !== null) parts.push("fenced");
  return parts.join(" ");
}

/** Holds answers back. What a command does is done at once. */
class LateGpu implements DeviceType {
  readonly #gpu: GpuDevice;
  readonly #rig: KmsRig;
  readonly #queues = new Map<DeviceQueue, LateQueue>();
  #host: DeviceHost | null = null;

  constructor(gpu: GpuDevice, rig: KmsRig) {
    this.#gpu = gpu;
    this.#rig = rig;
  }

  get name() {
    return this.#gpu.name;
  }
  get deviceId() {
    return this.#gpu.deviceId;
  }
  get pciClass() {
    return this.#gpu.pciClass;
  }
  get features() {
    return this.#gpu.features;
  }
  get featureDependencies() {
    return this.#gpu.featureDependencies;
  }
  get queues() {
    return this.#gpu.queues;
  }
  get configLengthBytes() {
    return this.#gpu.configLengthBytes;
  }
  get sharedMemory() {
    return this.#gpu.sharedMemory;
  }
  attach(host: DeviceHost): void {
    this.#host = host;
    this.#gpu.attach(host);
  }
  readConfigByte(offset: number): number {
    return this.#gpu.readConfigByte(offset);
  }
  writeConfig(offset: number, widthBytes: number, value: number): void {
    this.#gpu.writeConfig(offset, widthBytes, value);
  }
  start(): void {
    this.#gpu.start();
  }
  handleQueue(index: number, queue: DeviceQueue): void {
    let late = this.#queues.get(queue);
    if (late === undefined) {
      late = new LateQueue(queue, this.#rig, () => this.#host?.flush(index));
      this.#queues.set(queue, late);
    }
    this.#gpu.handleQueue(index, late);
  }
  queueReset(index: number): void {
    this.#gpu.queueReset(index);
  }
  reset(): void {
    this.#gpu.reset();
  }
  quiesce(): void {}
  save(): PlainValue {
    return this.#gpu.save();
  }
  prepareRestore(state: PlainValue): PreparedRestore {
    return this.#gpu.prepareRestore(state);
  }
}

class LateQueue implements DeviceQueue {
  readonly #queue: DeviceQueue;
  readonly #rig: KmsRig;
  readonly #flush: () => void;
  readonly #types = new Map<DescriptorChain, number>();

  constructor(queue: DeviceQueue, rig: KmsRig, flush: () => void) {
    this.#queue = queue;
    this.#rig = rig;
    this.#flush = flush;
  }

  get format() {
    return this.#queue.format;
  }
  get config() {
    return this.#queue.config;
  }
  get size() {
    return this.#queue.size;
  }
  get inFlight() {
    return this.#queue.inFlight;
  }
  get unpublished(): boolean {
    return this.#queue.unpublished;
  }
  get fault(): QueueFault | null {
    return this.#queue.fault;
  }
  get closed() {
    return this.#queue.closed;
  }
  get limited() {
    return this.#queue.limited;
  }
  get hasNext() {
    return this.#queue.hasNext;
  }
  pop(): DescriptorChain | null {
    const chain = this.#queue.pop();
    if (chain !== null) {
      const type = new Uint8Array(4);
      chain.read(0, type, 0, 4);
      this.#types.set(chain, new DataView(type.buffer).getUint32(0, true));
    }
    return chain;
  }
  push(chain: DescriptorChain, writtenBytes: number): void {
    const policy = this.#rig.answers(shortName(gpuCommandName(this.#types.get(chain) ?? 0)));
    if (policy === "no-fence") chain.write(4, new Uint8Array(4), 0, 4);
    if (policy === null || policy === "no-fence") {
      this.#queue.push(chain, writtenBytes);
      return;
    }
    const answer = () => {
      this.#queue.push(chain, writtenBytes);
      this.#flush();
    };
    if (policy === "never") this.#rig.withheld.push(answer);
    else this.#rig.clock.callAt(this.#rig.clock.now() + policy, answer);
  }
  flush(): boolean {
    return this.#queue.flush();
  }
  beginDrain(): void {
    this.#queue.beginDrain();
  }
  endDrain(): boolean {
    return this.#queue.endDrain();
  }
  close(): void {
    this.#queue.close();
  }
  progress(): QueueProgress {
    return this.#queue.progress();
  }
  refresh(): boolean {
    return this.#queue.refresh();
  }
}

/** The errno of what a call throws. */
export function codeOf(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
  return "success";
}
