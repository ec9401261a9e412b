import { checkOptions, type OptionRules, QUEUE_SIZE_RULE } from "../base/options.ts";
import type { DeviceHost, DeviceType } from "../device/index.ts";
import type { DescriptorChain, DeviceQueue } from "../virtqueue/index.ts";

/** Virtio device ids are the specification's; this one is not in its table. */
export const ECHO_DEVICE_ID = 63;

/** A request as the device saw it. */
export interface EchoRequest {
  readonly chain: DescriptorChain;
  readonly queue: DeviceQueue;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Choices for an {@link EchoDevice}. */
export interface EchoDeviceOptions {
  readonly queues?: number;
  readonly maxSize?: number;
  /** Keep requests until {@link EchoDevice.complete}. Default false: answer at once. */
  readonly hold?: boolean;
  /** What to answer. Default: each byte of the request plus one, as far as there is room. */
  readonly answer?: (request: Uint8Array, room: number) => Uint8Array;
  readonly configLengthBytes?: number;
}

const ECHO_RULES: OptionRules<EchoDeviceOptions> = {
  queues: [0, 0xffff],
  maxSize: QUEUE_SIZE_RULE,
  hold: "boolean",
  answer: "function",
  configLengthBytes: [0, 0xffff],
};

/**
 * Answers every request with its own bytes, each plus one; at once or in an order the test chooses.
 *
 * @example
 * ```ts
 * const machine = TestMachine.start(new EchoDevice());
 * const { bytes } = await machine.request(0, Uint8Array.of(1, 2), 2); // 2, 3
 * ```
 */
export class EchoDevice implements DeviceType {
  readonly name = "echo";
  readonly deviceId = ECHO_DEVICE_ID;
  readonly queues: readonly { name: string; maxSize: number }[];
  /** Requests in the order they came, held ones and answered ones. */
  readonly seen: Uint8Array<ArrayBuffer>[] = [];
  readonly held: EchoRequest[][];
  readonly config: Uint8Array<ArrayBuffer>;
  /** How many times the device was notified and handled a queue. */
  handled = 0;
  hold: boolean;
  host: DeviceHost | null = null;
  readonly #answer: (request: Uint8Array, room: number) => Uint8Array;

  constructor(options: EchoDeviceOptions = {}) {
    checkOptions("EchoDevice", options, ECHO_RULES);
    const count = options.queues ?? 1;
    this.queues = Array.from({ length: count }, (_, i) => ({
      name: `echoq${i}`,
      maxSize: options.maxSize ?? 256,
    }));
    this.held = this.queues.map(() => []);
    this.hold = options.hold ?? false;
    this.#answer = options.answer ?? ((request, room) => request.slice(0, room).map((byte) => byte + 1));
    this.config = new Uint8Array(options.configLengthBytes ?? 0);
  }

  attach(host: DeviceHost): void {
    this.host = host;
  }
  writeConfig(offset: number, widthBytes: number, value: number): void {
    for (let i = 0; i < widthBytes; i++) this.config[offset + i] = value >>> (8 * i);
  }
  handleQueue(index: number, queue: DeviceQueue): void {
    this.handled++;
    for (let chain = queue.pop(); chain !== null; chain = queue.pop()) {
      const bytes = new Uint8Array(chain.readableBytes);
      chain.read(0, bytes, 0, bytes.length);
      this.seen.push(bytes);
      const request = { chain, queue, bytes };
      if (this.hold) (this.held[index] as EchoRequest[]).push(request);
      else this.#finish(request);
    }
  }

  #finish({ chain, queue, bytes }: EchoRequest): void {
    const reply = this.#answer(bytes, chain.writableBytes);
    queue.push(chain, chain.write(0, reply, 0, reply.length));
  }

  /** Answers held requests, given by their positions in {@link held}, and publishes them as one batch. */
  complete(index: number, positions: readonly number[]): void {
    const held = this.held[index] as EchoRequest[];
    const chosen = positions.map((position) => held[position] as EchoRequest);
    for (const request of chosen) this.#finish(request);
    this.held[index] = held.filter((request) => !chosen.includes(request));
    this.host?.flush(index);
  }

  queueReset(index: number): void {
    this.held[index] = [];
  }
  reset(): void {
    for (let i = 0; i < this.held.length; i++) this.held[i] = [];
  }
  quiesce(): void {
    for (let i = 0; i < this.held.length; i++)
      this.complete(
        i,
        (this.held[i] as EchoRequest[]).map((_, at) => at),
      );
  }
}
