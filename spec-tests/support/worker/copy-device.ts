import type {
  DeviceHost,
  DeviceType,
  PlainValue,
  PreparedRestore,
  QueueDescription,
} from "../../../src/device/index.ts";
import type { DescriptorChain, DeviceQueue } from "../../../src/virtqueue/index.ts";

const MAX_REQUEST_BYTES = 4096;

/** Writes back what it reads, at once or some time later and last come, first served. */
export class CopyDevice implements DeviceType {
  readonly name = "copy";
  readonly deviceId = 63;
  readonly pciClass = 0xff0000;
  readonly features = [];
  readonly featureDependencies = [];
  readonly queues: readonly QueueDescription[];
  readonly configLengthBytes = 0;
  readonly sharedMemory = [];
  /** Requests answered. */
  answered = 0;
  readonly #later: ((task: () => void) => void) | null;
  readonly #held: { index: number; queue: DeviceQueue; chain: DescriptorChain }[] = [];
  readonly #scratch = new Uint8Array(MAX_REQUEST_BYTES);
  #host: DeviceHost | null = null;

  /** With `later` every request is answered in a turn of its own that `later` arranges. */
  constructor(queueSizes: readonly number[], later: ((task: () => void) => void) | null = null) {
    this.queues = queueSizes.map((maxSize, i) => ({ name: `copyq${i}`, maxSize }));
    this.#later = later;
  }

  attach(host: DeviceHost): void {
    this.#host = host;
  }

  handleQueue(index: number, queue: DeviceQueue): void {
    for (let chain = queue.pop(); chain !== null; chain = queue.pop()) {
      if (this.#later === null) this.#answer(queue, chain);
      else this.#held.push({ index, queue, chain });
    }
    if (this.#held.length > 0) this.#later?.(() => this.#answerHeld());
  }

  #answerHeld(): void {
    this.#host?.sync();
    for (let held = this.#held.pop(); held !== undefined; held = this.#held.pop()) {
      this.#answer(held.queue, held.chain);
      this.#host?.flush(held.index);
    }
  }

  #answer(queue: DeviceQueue, chain: DescriptorChain): void {
    const length = chain.read(0, this.#scratch, 0, Math.min(chain.readableBytes, MAX_REQUEST_BYTES));
    queue.push(chain, chain.write(0, this.#scratch, 0, length));
    this.answered++;
  }

  readConfigByte(): number {
    return 0;
  }
  writeConfig(): void {}
  start(): void {}
  queueReset(): void {}
  reset(): void {}
  quiesce(): void {}
  save(): PlainValue {
    return null;
  }
  prepareRestore(): PreparedRestore {
    return { takeOver() {} };
  }
}
