import {
  BUFFER_BYTES,
  BUFFERS_AT,
  DESC_AT,
  DEVICE_AT,
  DRIVER_AT,
  type EchoDevice,
  type EchoRun,
  F_NEXT,
  F_WRITE,
  MIN_REQUEST_BYTES,
  notify,
  QUEUE_SIZE,
  REPLY_AT,
  REPLY_BYTES,
  REPLY_TYPE,
  SLOTS,
} from "./workload.ts";

/** A driver of a split ring with as little as the workload needs; the same for every device that is compared. */
export class SplitEchoDriver implements EchoRun {
  readonly memory: ArrayBufferLike;
  readonly #drain: () => boolean;
  readonly #batch: number;
  readonly #i32: Int32Array;
  readonly #u16: Uint16Array;
  readonly #sums = new Int32Array(SLOTS);
  #submitted = 0;
  #collected = 0;

  constructor(memory: ArrayBufferLike, device: EchoDevice, batch: number) {
    this.memory = memory;
    this.#drain = () => device.drain();
    this.#batch = batch;
    this.#i32 = new Int32Array(memory);
    this.#u16 = new Uint16Array(memory);
  }

  run(batches: number): void {
    const drain = this.#drain;
    for (let i = 0; i < batches; i++) {
      this.#submit();
      if (!notify(drain)) throw new Error("no used-buffer notification");
      this.#collect();
    }
  }

  #submit(): void {
    const i32 = this.#i32;
    const u16 = this.#u16;
    const sums = this.#sums;
    let number = this.#submitted;
    for (let left = this.#batch; left > 0; left--) {
      const slot = number & (SLOTS - 1);
      const address = BUFFERS_AT + slot * BUFFER_BYTES;
      const length = MIN_REQUEST_BYTES + ((number % 6) << 3);
      let at = address >>> 2;
      let sum = 0;
      let word = Math.imul(number, 0x9e3779b1) | 0;
      for (const end = at + (length >>> 2); at < end; at++) {
        i32[at] = word;
        sum = (sum + word) | 0;
        word = (word + 0x01000193) | 0;
      }
      sums[slot] = sum;
      const head = slot << 1;
      const desc = (DESC_AT >>> 2) + (head << 2);
      i32[desc] = address;
      i32[desc + 1] = 0;
      i32[desc + 2] = length;
      i32[desc + 3] = F_NEXT | ((head + 1) << 16);
      i32[desc + 4] = address + REPLY_AT;
      i32[desc + 5] = 0;
      i32[desc + 6] = REPLY_BYTES;
      i32[desc + 7] = F_WRITE;
      u16[(DRIVER_AT >>> 1) + 2 + (number & (QUEUE_SIZE - 1))] = head;
      number = (number + 1) | 0;
    }
    this.#submitted = number;
    u16[(DRIVER_AT >>> 1) + 1] = number;
  }

  #collect(): void {
    const i32 = this.#i32;
    const sums = this.#sums;
    const end = this.#submitted;
    let number = this.#collected;
    if (this.#u16[(DEVICE_AT >>> 1) + 1] !== (end & 0xffff)) throw new Error("the used index is wrong");
    for (; number !== end; number = (number + 1) | 0) {
      const slot = number & (SLOTS - 1);
      const used = (DEVICE_AT >>> 2) + 1 + ((number & (QUEUE_SIZE - 1)) << 1);
      const reply = (BUFFERS_AT + slot * BUFFER_BYTES + REPLY_AT) >>> 2;
      if (
        i32[used] !== slot << 1 ||
        i32[used + 1] !== REPLY_BYTES ||
        i32[reply] !== REPLY_TYPE ||
        i32[reply + 1] !== sums[slot]
      ) {
        throw new Error(`the reply to chain ${number} is wrong`);
      }
    }
    this.#collected = number;
  }
}
