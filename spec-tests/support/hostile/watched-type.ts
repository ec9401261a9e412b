// Stands between the framework and a device type and writes down which chains the type takes and gives back: that is
// what the memory of a guest may be changed for.
import {
  type CompleteDeviceType,
  completeDeviceType,
  type DeviceHost,
  type DeviceType,
  type PlainValue,
  type PreparedRestore,
  type RequestDeviceType,
} from "../../../src/device/index.ts";
import type { MemoryRegion } from "../../../src/memory/index.ts";
import type {
  DescriptorChain,
  DeviceQueue,
  QueueFault,
  QueueProgress,
} from "../../../src/virtqueue/index.ts";

/** A piece of guest memory. */
export interface Piece {
  readonly region: MemoryRegion;
  readonly offset: number;
  readonly length: number;
}

/** What a chain was when it was taken. */
export interface Taken {
  readonly queue: number;
  readonly request: Uint8Array<ArrayBuffer>;
  readonly readableBytes: number;
  readonly writableBytes: number;
  readonly writable: readonly Piece[];
}

export interface Watcher {
  /** A chain was taken. Throws when there were too many at once. */
  taken(chain: Taken): void;
  /** A chain goes back; `pieces` are the first `written` bytes of its device-writable part. */
  given(chain: Taken, written: number, pieces: readonly Piece[]): void;
  /** A queue came to life. */
  appeared(index: number): void;
  /** The device was reset. */
  wasReset(): void;
}

const MAX_REQUEST_BYTES = 512;

class WatchedQueue implements DeviceQueue {
  readonly #queue: DeviceQueue;
  readonly #index: number;
  readonly #watcher: Watcher;
  readonly #chains = new Map<DescriptorChain, Taken>();

  constructor(queue: DeviceQueue, index: number, watcher: Watcher) {
    this.#queue = queue;
    this.#index = index;
    this.#watcher = watcher;
    watcher.appeared(index);
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
    if (chain === null) return null;
    if (this.#chains.has(chain)) throw new Error("a chain that is in flight was taken once more");
    const request = new Uint8Array(Math.min(chain.readableBytes, MAX_REQUEST_BYTES));
    chain.read(0, request, 0, request.length);
    const taken: Taken = {
      queue: this.#index,
      request,
      readableBytes: chain.readableBytes,
      writableBytes: chain.writableBytes,
      writable: piecesOf(chain),
    };
    this.#chains.set(chain, taken);
    this.#watcher.taken(taken);
    return chain;
  }

  push(chain: DescriptorChain, writtenBytes: number): void {
    const taken = this.#chains.get(chain);
    if (taken === undefined) throw new Error("a chain that is not in flight was given back");
    this.#chains.delete(chain);
    if (!this.#queue.closed)
      this.#watcher.given(taken, writtenBytes, firstBytes(taken.writable, writtenBytes));
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

function piecesOf({ segments, readableCount }: DescriptorChain): Piece[] {
  const pieces: Piece[] = [];
  for (let i = readableCount; i < segments.count; i++) {
    pieces.push({
      region: segments.regions[i] as MemoryRegion,
      offset: segments.offsets[i] as number,
      length: segments.lengths[i] as number,
    });
  }
  return pieces;
}

function firstBytes(pieces: readonly Piece[], lengthBytes: number): Piece[] {
  const first: Piece[] = [];
  let left = lengthBytes;
  for (const { region, offset, length } of pieces) {
    if (left <= 0) break;
    first.push({ region, offset, length: Math.min(length, left) });
    left -= length;
  }
  return first;
}

/** A device type that does what another does, watched. */
export class WatchedType implements CompleteDeviceType {
  readonly name: string;
  readonly deviceId: number;
  readonly pciClass: number;
  readonly features: CompleteDeviceType["features"];
  readonly featureDependencies: CompleteDeviceType["featureDependencies"];
  readonly queues: CompleteDeviceType["queues"];
  readonly configLengthBytes: number;
  readonly sharedMemory: CompleteDeviceType["sharedMemory"];
  readonly #type: CompleteDeviceType;
  readonly #watcher: Watcher;
  readonly #queues = new WeakMap<DeviceQueue, WatchedQueue>();

  constructor(watched: DeviceType | RequestDeviceType, watcher: Watcher) {
    const type = completeDeviceType(watched);
    this.#type = type;
    this.#watcher = watcher;
    this.name = type.name;
    this.deviceId = type.deviceId;
    this.pciClass = type.pciClass;
    this.features = type.features;
    this.featureDependencies = type.featureDependencies;
    this.queues = type.queues;
    this.configLengthBytes = type.configLengthBytes;
    this.sharedMemory = type.sharedMemory;
  }

  handleQueue(index: number, queue: DeviceQueue): void {
    let watched = this.#queues.get(queue);
    if (watched === undefined) {
      watched = new WatchedQueue(queue, index, this.#watcher);
      this.#queues.set(queue, watched);
    }
    this.#type.handleQueue(index, watched);
  }

  attach(host: DeviceHost): void {
    this.#type.attach(host);
  }
  readConfigByte(offset: number): number {
    return this.#type.readConfigByte(offset);
  }
  writeConfig(offset: number, widthBytes: number, value: number): void {
    this.#type.writeConfig(offset, widthBytes, value);
  }
  start(): void {
    this.#type.start();
  }
  queueReset(index: number): void {
    this.#type.queueReset(index);
  }
  reset(): void {
    this.#watcher.wasReset();
    this.#type.reset();
  }
  quiesce(): void {
    this.#type.quiesce();
  }
  save(): PlainValue {
    return this.#type.save();
  }
  prepareRestore(state: PlainValue): PreparedRestore {
    return this.#type.prepareRestore(state);
  }
}
