import {
  DESC_AT,
  DEVICE_AT,
  DRIVER_AT,
  type EchoDevice,
  F_INDIRECT,
  F_NEXT,
  F_WRITE,
  MAX_REQUEST_BYTES,
  MIN_REQUEST_BYTES,
  QUEUE_SIZE,
  REPLY_BYTES,
  REPLY_TYPE,
} from "./workload.ts";

/**
 * What one writes by hand when nothing but this workload has to work: typed arrays, no objects, and the checks
 * without which a driver reaches memory that is not its own or keeps the device busy for ever.
 */
export class SplitLoopDevice implements EchoDevice {
  readonly #u16: Uint16Array;
  readonly #u32: Uint32Array;
  readonly #request = new Uint32Array(MAX_REQUEST_BYTES / 4);
  readonly #reply = new Uint32Array(REPLY_BYTES / 4);
  readonly #limit: number;
  #next = 0;
  #used = 0;

  constructor(memory: ArrayBufferLike) {
    this.#u16 = new Uint16Array(memory);
    this.#u32 = new Uint32Array(memory);
    this.#limit = memory.byteLength;
  }

  drain(): boolean {
    const u16 = this.#u16;
    const u32 = this.#u32;
    const request = this.#request;
    const reply = this.#reply;
    const limit = this.#limit;
    const start = this.#used;
    let next = this.#next;
    let used = start;
    for (;;) {
      const available = u16[(DRIVER_AT >>> 1) + 1] as number;
      const pending = (available - next) & 0xffff;
      if (pending === 0) break;
      if (pending > QUEUE_SIZE) throw new Error("the available index jumped");
      for (; next !== available; next = (next + 1) & 0xffff) {
        const head = u16[(DRIVER_AT >>> 1) + 2 + (next & (QUEUE_SIZE - 1))] as number;
        if (head >= QUEUE_SIZE) throw new Error("the head is out of range");
        let index = head;
        let words = 0;
        let replyAt = 0;
        let writable = 0;
        for (let count = 1; ; count++) {
          if (count > QUEUE_SIZE) throw new Error("the chain is too long");
          const at = (DESC_AT >>> 2) + (index << 2);
          const lo = u32[at] as number;
          const hi = u32[at + 1] as number;
          const length = u32[at + 2] as number;
          const flagsNext = u32[at + 3] as number;
          if ((flagsNext & F_INDIRECT) !== 0) throw new Error("indirect descriptors were not negotiated");
          if (hi !== 0 || lo + length > limit || ((lo | length) & 3) !== 0) {
            throw new Error("the address is out of range");
          }
          if ((flagsNext & F_WRITE) !== 0) {
            if (writable === 0) {
              replyAt = lo >>> 2;
              writable = length;
            }
          } else {
            if (writable !== 0) throw new Error("readable after writable");
            let from = lo >>> 2;
            for (const end = Math.min(words + (length >>> 2), request.length); words < end; ) {
              request[words++] = u32[from++] as number;
            }
          }
          if ((flagsNext & F_NEXT) === 0) break;
          index = flagsNext >>> 16;
          if (index >= QUEUE_SIZE) throw new Error("next is out of range");
        }
        let written = 0;
        if (words >= MIN_REQUEST_BYTES / 4 && writable >= REPLY_BYTES) {
          let sum = 0;
          for (let i = 0; i < words; i++) sum = (sum + (request[i] as number)) | 0;
          reply[0] = REPLY_TYPE;
          reply[1] = sum;
          reply[2] = words << 2;
          for (let i = 0; i < REPLY_BYTES / 4; i++) u32[replyAt + i] = reply[i] as number;
          written = REPLY_BYTES;
        }
        const entry = (DEVICE_AT >>> 2) + 1 + ((used & (QUEUE_SIZE - 1)) << 1);
        u32[entry] = head;
        u32[entry + 1] = written;
        used = (used + 1) & 0xffff;
      }
      u16[(DEVICE_AT >>> 1) + 1] = used;
    }
    this.#next = next;
    this.#used = used;
    return used !== start && ((u16[DRIVER_AT >>> 1] as number) & 1) === 0;
  }
}
