import {
  BUFFER_BYTES,
  BUFFERS_AT,
  DESC_AT,
  type EchoDevice,
  type EchoRun,
  F_AVAIL,
  F_NEXT,
  F_USED,
  F_WRITE,
  MIN_REQUEST_BYTES,
  notify,
  REPLY_AT,
  REPLY_BYTES,
  REPLY_TYPE,
  SLOTS,
} from "./workload.ts";

/** As SplitEchoDriver, for a packed ring. Buffer ids are slots; a chain never wraps, as the ring's size is even. */
export class PackedEchoDriver implements EchoRun {
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
      const desc = (DESC_AT >>> 2) + (slot << 3);
      // The wrap counter is 1 in laps 0, 2, …
      const flags = (number & SLOTS) === 0 ? F_AVAIL : F_USED;
      i32[desc + 4] = address + REPLY_AT;
      i32[desc + 5] = 0;
      i32[desc + 6] = REPLY_BYTES;
      i32[desc + 7] = slot | ((flags | F_WRITE) << 16);
      i32[desc] = address;
      i32[desc + 1] = 0;
      i32[desc + 2] = length;
      i32[desc + 3] = slot | ((flags | F_NEXT) << 16);
      number = (number + 1) | 0;
    }
    this.#submitted = number;
  }

  #collect(): void {
    const i32 = this.#i32;
    const u16 = this.#u16;
    const sums = this.#sums;
    const end = this.#submitted;
    let number = this.#collected;
    for (; number !== end; number = (number + 1) | 0) {
      const slot = number & (SLOTS - 1);
      const desc = (DESC_AT >>> 2) + (slot << 3);
      const reply = (BUFFERS_AT + slot * BUFFER_BYTES + REPLY_AT) >>> 2;
      const flags = (number & SLOTS) === 0 ? F_AVAIL | F_USED : 0;
      if (
        u16[(desc << 1) + 7] !== (flags | F_WRITE) ||
        u16[(desc << 1) + 6] !== slot ||
        i32[desc + 2] !== REPLY_BYTES ||
        i32[reply] !== REPLY_TYPE ||
        i32[reply + 1] !== sums[slot]
      ) {
        throw new Error(`the reply to chain ${number} is wrong`);
      }
    }
    this.#collected = number;
  }
}
