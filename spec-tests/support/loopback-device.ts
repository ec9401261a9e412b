import type {
  DeviceHost,
  DeviceType,
  PlainValue,
  PreparedRestore,
  QueueDescription,
} from "../../src/device/index.ts";
import type { DescriptorChain, DeviceQueue } from "../../src/virtqueue/index.ts";

/** A device type for tests: writes back what it read, at once or when told to. */
export class LoopbackDevice implements DeviceType {
  readonly name = "loopback";
  readonly deviceId = 42;
  readonly pciClass = 0xff0000;
  readonly features: readonly number[] = [0, 1, 2];
  readonly featureDependencies = [{ feature: 2, requires: 1 }];
  readonly queues: readonly QueueDescription[];
  readonly sharedMemory = [];
  readonly config: Uint8Array;

  /** When set, chains are kept in `pending` until `complete`. */
  deferred = false;
  readonly pending: { index: number; chain: DescriptorChain; queue: DeviceQueue }[] = [];
  readonly events: string[] = [];
  host: DeviceHost | null = null;
  handled = 0;

  constructor(options: { queueSizes?: readonly number[]; configBytes?: number } = {}) {
    this.queues = (options.queueSizes ?? [8, 8]).map((maxSize, i) => ({ name: `queue${i}`, maxSize }));
    this.config = new Uint8Array(options.configBytes ?? 16);
  }

  get configLengthBytes(): number {
    return this.config.length;
  }

  attach(host: DeviceHost): void {
    this.host = host;
  }

  readConfigByte(offset: number): number {
    return this.config[offset] ?? 0;
  }

  writeConfig(offset: number, widthBytes: number, value: number): void {
    for (let i = 0; i < widthBytes; i++) this.config[offset + i] = (value >>> (8 * i)) & 0xff;
  }

  start(): void {
    this.events.push("start");
  }

  handleQueue(index: number, queue: DeviceQueue): void {
    for (let chain = queue.pop(); chain !== null; chain = queue.pop()) {
      this.handled++;
      if (this.deferred) this.pending.push({ index, chain, queue });
      else this.finish(queue, chain);
    }
  }

  /** Completes one deferred chain, by position in the order they came. */
  complete(at = 0): void {
    const [entry] = this.pending.splice(at, 1);
    if (entry === undefined) throw new Error("nothing is pending");
    this.host?.sync();
    this.finish(entry.queue, entry.chain);
    this.host?.flush(entry.index);
  }

  finish(queue: DeviceQueue, chain: DescriptorChain): void {
    const bytes = new Uint8Array(chain.readableBytes);
    chain.read(0, bytes, 0, bytes.length);
    const length = Math.min(bytes.length, chain.writableBytes);
    queue.push(chain, chain.write(0, bytes, 0, length));
  }

  queueReset(index: number): void {
    this.events.push(`queueReset ${index}`);
  }

  reset(): void {
    this.events.push("reset");
  }

  quiesce(): void {
    this.events.push("quiesce");
  }

  save(): PlainValue {
    return { config: [...this.config] };
  }

  prepareRestore(state: PlainValue): PreparedRestore {
    const { config } = state as { config: readonly number[] };
    return { takeOver: () => this.config.set(config) };
  }
}
