import type { DeviceHost, DeviceType, PlainValue, PreparedRestore } from "../../device/index.ts";
import type { GpuDevice } from "../../devices/gpu/index.ts";
import type { DescriptorChain, DeviceQueue, QueueFault, QueueProgress } from "../../virtqueue/index.ts";
import { carriesList, typeOf } from "./fields.ts";
import type { SentCommand } from "./sent-command.ts";

const CONTROLQ = 0;
const MEM_ENTRY_BYTES = 16;
const LENGTH_AT = 8;

/** A GPU that writes down what it is sent, as the device sees it in guest memory, and then does it. */
export class RecordingGpu implements DeviceType {
  /** What was sent since it was last taken. */
  readonly commands: SentCommand[] = [];
  readonly #gpu: GpuDevice;
  readonly #now: () => number;
  readonly #queues = new Map<DeviceQueue, RecordingQueue>();
  /** By queue, counted from 1. */
  readonly #notifications = [0, 0];

  /** `now` tells the time in milliseconds. */
  constructor(gpu: GpuDevice, now: () => number) {
    this.#gpu = gpu;
    this.#now = now;
  }

  /** The driver notified the device. */
  notified(queue: number): void {
    this.#notifications[queue] = (this.#notifications[queue] ?? 0) + 1;
  }

  get name(): string {
    return this.#gpu.name;
  }
  get deviceId(): number {
    return this.#gpu.deviceId;
  }
  get pciClass(): number {
    return this.#gpu.pciClass;
  }
  get features(): readonly number[] {
    return this.#gpu.features;
  }
  get featureDependencies(): GpuDevice["featureDependencies"] {
    return this.#gpu.featureDependencies;
  }
  get queues(): GpuDevice["queues"] {
    return this.#gpu.queues;
  }
  get configLengthBytes(): number {
    return this.#gpu.configLengthBytes;
  }
  get sharedMemory(): GpuDevice["sharedMemory"] {
    return this.#gpu.sharedMemory;
  }

  attach(host: DeviceHost): void {
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
    let recording = this.#queues.get(queue);
    if (recording === undefined) {
      recording = new RecordingQueue(queue, (chain) => this.#record(index, chain));
      this.#queues.set(queue, recording);
    }
    this.#gpu.handleQueue(index, recording);
  }
  queueReset(index: number): void {
    this.#gpu.queueReset(index);
  }
  reset(): void {
    this.#gpu.reset();
  }
  quiesce(): void {
    this.#gpu.quiesce();
  }
  save(): PlainValue {
    return this.#gpu.save();
  }
  prepareRestore(state: PlainValue): PreparedRestore {
    return this.#gpu.prepareRestore(state);
  }

  #record(index: number, chain: DescriptorChain): void {
    const { segments, readableCount } = chain;
    const lengths = Array.from(segments.lengths.subarray(0, segments.count));
    const out = lengths.slice(0, readableCount);
    const bytes = new Uint8Array(out[0] ?? 0);
    chain.read(0, bytes, 0, bytes.length);
    this.commands.push({
      queue: index === CONTROLQ ? "control" : "cursor",
      bytes,
      out,
      in: lengths.slice(readableCount),
      indirect: chain.indirect,
      notification: this.#notifications[index] ?? 0,
      listedBytes: carriesList(typeOf(bytes)) ? listedBytes(chain, bytes.length) : null,
      timeMs: this.#now(),
    });
  }
}

/** The sum of the lengths in a list of guest memory. */
function listedBytes(chain: DescriptorChain, start: number): number {
  const list = new Uint8Array(chain.readableBytes - start);
  chain.read(start, list, 0, list.length);
  const view = new DataView(list.buffer);
  let sum = 0;
  for (let at = 0; at + MEM_ENTRY_BYTES <= list.length; at += MEM_ENTRY_BYTES) {
    sum += view.getUint32(at + LENGTH_AT, true);
  }
  return sum;
}

/** A queue that shows every chain to somebody before it hands it out. */
class RecordingQueue implements DeviceQueue {
  readonly #queue: DeviceQueue;
  readonly #see: (chain: DescriptorChain) => void;

  constructor(queue: DeviceQueue, see: (chain: DescriptorChain) => void) {
    this.#queue = queue;
    this.#see = see;
  }

  get format(): "split" | "packed" {
    return this.#queue.format;
  }
  get config() {
    return this.#queue.config;
  }
  get size(): number {
    return this.#queue.size;
  }
  get inFlight(): number {
    return this.#queue.inFlight;
  }
  get unpublished(): boolean {
    return this.#queue.unpublished;
  }
  get fault(): QueueFault | null {
    return this.#queue.fault;
  }
  get closed(): boolean {
    return this.#queue.closed;
  }
  get limited(): boolean {
    return this.#queue.limited;
  }

  get hasNext(): boolean {
    return this.#queue.hasNext;
  }

  pop(): DescriptorChain | null {
    const chain = this.#queue.pop();
    if (chain !== null) this.#see(chain);
    return chain;
  }
  push(chain: DescriptorChain, writtenBytes: number): void {
    this.#queue.push(chain, writtenBytes);
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
