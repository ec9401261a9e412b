import { DmaSpace, GuestMemory } from "../../../src/memory/index.ts";
import {
  activateQueue,
  DEFAULT_QUEUE_OPTIONS,
  type DeviceQueue,
  Scratch,
} from "../../../src/virtqueue/index.ts";
import {
  DESC_AT,
  DEVICE_AT,
  DRIVER_AT,
  type EchoDevice,
  MAX_REQUEST_BYTES,
  MIN_REQUEST_BYTES,
  QUEUE_SIZE,
  REPLY_BYTES,
  REPLY_TYPE,
} from "./workload.ts";

/** The library's queues, used as a device type uses them. */
export class OwnEchoDevice implements EchoDevice {
  readonly #queue: DeviceQueue;
  readonly #request = new Scratch(MAX_REQUEST_BYTES);
  readonly #reply = new Scratch(REPLY_BYTES);

  constructor(memory: ArrayBufferLike, format: "split" | "packed") {
    const dma = new DmaSpace(new GuestMemory([{ base: 0, memory }]));
    const config = {
      size: QUEUE_SIZE,
      descHi: 0,
      descLo: DESC_AT,
      driverHi: 0,
      driverLo: DRIVER_AT,
      deviceHi: 0,
      deviceLo: DEVICE_AT,
    };
    const queue = activateQueue(format, config, dma, DEFAULT_QUEUE_OPTIONS);
    if ("code" in queue) throw new Error(`the queue was refused: ${queue.code}`);
    this.#queue = queue;
  }

  drain(): boolean {
    const queue = this.#queue;
    let notify = false;
    let more: boolean;
    do {
      queue.beginDrain();
      this.#handle(queue);
      more = queue.endDrain();
      if (queue.flush()) notify = true;
    } while (more);
    if (queue.fault !== null) throw new Error(`the queue faulted: ${queue.fault.code}`);
    return notify;
  }

  #handle(queue: DeviceQueue): void {
    const request = this.#request;
    const requestWords = request.u32;
    const reply = this.#reply;
    const replyWords = reply.u32;
    for (;;) {
      const chain = queue.pop();
      if (chain === null) return;
      const length = chain.readHead(request);
      if (length < MIN_REQUEST_BYTES || chain.writableBytes < REPLY_BYTES) {
        queue.push(chain, 0);
        continue;
      }
      let sum = 0;
      for (let i = 0, words = length >>> 2; i < words; i++) sum = (sum + (requestWords[i] as number)) | 0;
      replyWords[0] = REPLY_TYPE;
      replyWords[1] = sum;
      replyWords[2] = length;
      queue.push(chain, chain.writeHead(reply, REPLY_BYTES));
    }
  }
}
