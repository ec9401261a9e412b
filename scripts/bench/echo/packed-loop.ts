import {
  DESC_AT,
  DRIVER_AT,
  type EchoDevice,
  EVENTS_DISABLE,
  F_AVAIL,
  F_INDIRECT,
  F_NEXT,
  F_USED,
  F_WRITE,
  MAX_REQUEST_BYTES,
  MIN_REQUEST_BYTES,
  QUEUE_SIZE,
  REPLY_BYTES,
  REPLY_TYPE,
} from "./workload.ts";

/** As SplitLoopDevice, for a packed ring. */
export class PackedLoopDevice implements EchoDevice {
  readonly #u16: Uint16Array;
  readonly #u32: Uint32Array;
  readonly #request = new Uint32Array(MAX_REQUEST_BYTES / 4);
  readonly #reply = new Uint32Array(REPLY_BYTES / 4);
  readonly #limit: number;
  #next = 0;
  #nextMark = F_AVAIL;

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
    let next = this.#next;
    let mark = this.#nextMark;
    // The first used descriptor's flags come last, so that the driver sees the batch at once.
    let firstFlagsAt = -1;
    let firstFlags = 0;
    for (;;) {
      const first = next;
      const firstMark = mark;
      let words = 0;
      let replyAt = 0;
      let writable = 0;
      let count = 0;
      let id = 0;
      for (;;) {
        const at = (DESC_AT >>> 2) + (next << 2);
        // Read once: another thread could change them in between.
        const idFlags = u32[at + 3] as number;
        const flags = idFlags >>> 16;
        if ((flags & (F_AVAIL | F_USED)) !== mark) {
          if (count === 0) break;
          throw new Error("the list is incomplete");
        }
        if (++count > QUEUE_SIZE) throw new Error("the chain is too long");
        const lo = u32[at] as number;
        const hi = u32[at + 1] as number;
        const length = u32[at + 2] as number;
        if ((flags & F_INDIRECT) !== 0) throw new Error("indirect descriptors were not negotiated");
        if (hi !== 0 || lo + length > limit || ((lo | length) & 3) !== 0) {
          throw new Error("the address is out of range");
        }
        if ((flags & F_WRITE) !== 0) {
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
        if (++next === QUEUE_SIZE) {
          next = 0;
          mark ^= F_AVAIL | F_USED;
        }
        if ((flags & F_NEXT) === 0) {
          id = idFlags & 0xffff;
          break;
        }
      }
      if (count === 0) break;
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
      const at = (DESC_AT >>> 2) + (first << 2);
      const flags = (firstMark === F_AVAIL ? F_AVAIL | F_USED : 0) | (written > 0 ? F_WRITE : 0);
      u32[at + 2] = written;
      if (firstFlagsAt < 0) {
        u16[(at << 1) + 6] = id;
        firstFlagsAt = (at << 1) + 7;
        firstFlags = flags;
      } else {
        u32[at + 3] = id | (flags << 16);
      }
    }
    this.#next = next;
    this.#nextMark = mark;
    if (firstFlagsAt < 0) return false;
    u16[firstFlagsAt] = firstFlags;
    return ((u16[(DRIVER_AT >>> 1) + 1] as number) & 3) !== EVENTS_DISABLE;
  }
}
