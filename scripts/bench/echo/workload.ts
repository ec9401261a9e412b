/**
 * The echo workload, the same for every contestant and for c/echo.c: where things lie in guest memory, what a
 * request and its reply contain, and how many bytes they have.
 *
 * Chain number n (counted from 0) uses slot n mod 512: descriptors 2k (request) and 2k + 1 (reply) of a ring of 1024,
 * and buffer k. A request has 24 to 64 bytes; the device sums its words; the reply has 24 bytes.
 */

export const QUEUE_SIZE = 1024;
/** Each chain takes two descriptors. */
export const SLOTS: number = QUEUE_SIZE / 2;

export const MEMORY_BYTES = 0x20000;
export const DESC_AT = 0x1000;
/** Available ring, or the packed ring's driver area. */
export const DRIVER_AT = 0x5000;
/** Used ring, or the packed ring's device area. */
export const DEVICE_AT = 0x6000;
export const BUFFERS_AT = 0x10000;
export const BUFFER_BYTES = 128;
/** The reply's place in the buffer. */
export const REPLY_AT = 64;

export const MIN_REQUEST_BYTES = 24;
export const MAX_REQUEST_BYTES = 64;
export const REPLY_BYTES = 24;
export const REPLY_TYPE = 0x1100;

// Flags of descriptors and of the packed ring's event suppression. This file imports nothing, so that all of its
// constants become numbers in the code of all contestants, as they do in C.
export const F_NEXT = 1;
export const F_WRITE = 2;
export const F_INDIRECT = 4;
export const F_AVAIL = 1 << 7;
export const F_USED = 1 << 15;
export const EVENTS_DISABLE = 1;

/** A device: handles everything available; true when the driver is to be notified. */
export interface EchoDevice {
  drain(): boolean;
}

/**
 * Calls a device. Compilers must not see through this: where devices work for real, drivers are in another thread or
 * in another language, and in C both are separate functions here, too. A call that has had several targets is left
 * alone; the engine counts them only after some hundreds of calls.
 */
export function notify(drain: () => boolean): boolean {
  return drain();
}
for (let i = 0; i < 10_000; i++) notify((i & 1) === 0 ? () => true : () => false);

/** Driver and device on one memory. */
export interface EchoRun {
  readonly memory: ArrayBufferLike;
  /** Submits, drains and checks this many batches. Throws when a reply is wrong. */
  run(batches: number): void;
}
