// The memory and the ports that a driver's thread and a device's thread share. Everything in the control buffer is
// written by the guest's thread as it likes: the device's end reads words it does not own once, checks them, and never
// reads back what it wrote itself.

import { isSharedArrayBuffer } from "../../base/brands.ts";
import { VirtioUsageError } from "../../base/errors.ts";
import {
  COUNT_RULE,
  checkArgument,
  checkOptions,
  type OptionRule,
  type OptionRules,
} from "../../base/options.ts";
import { detectWaitAbilities, Signal, type WaitAbilities } from "./signal.ts";
import type { WakePort } from "./wake-port.ts";

const CONTROL_MAGIC = 0x76696f63;
const CONTROL_VERSION = 1;
const MAX_QUEUES = 65536;

// Word offsets. What different threads write lies in different cache lines of 64 bytes.
export const WORD_MAGIC = 0;
export const WORD_VERSION = 1;
export const WORD_STATE = 2;
/** Raised by the driver: a doorbell or a request. */
export const WORD_DEVICE_SIGNAL = 16;
/** Written by the driver. */
export const WORD_REQUEST_SEQUENCE = 32;
export const WORD_REQUEST_OPERATION = 33;
export const WORD_REQUEST_OFFSET = 34;
export const WORD_REQUEST_WIDTH = 35;
export const WORD_REQUEST_VALUE = 36;
/** Raised by the device: a response. */
export const WORD_RESPONSE_SIGNAL = 48;
/** Written by the device. */
export const WORD_RESPONSE_SEQUENCE = 50;
export const WORD_RESPONSE_STATUS = 51;
export const WORD_RESPONSE_VALUE = 52;
/** Raised by the device: the interrupt line was asserted. */
export const WORD_INTERRUPT_SIGNAL = 64;
/** Written by the device: 1 while the interrupt line is asserted. */
export const WORD_INTERRUPT_LEVEL = 66;
/** One pair per queue: 1 when rung, then what was written to QueueNotify. */
export const WORD_DOORBELLS = 80;
export const DOORBELL_WORDS = 2;

export const OPERATION_READ = 1;
export const OPERATION_WRITE = 2;

export const STATUS_OK = 0;
/** The request makes no sense; nothing was done. */
export const STATUS_REFUSED = 1;

export const STATE_DEVICE_SERVES = 1 << 0;
export const STATE_DEVICE_CLOSED = 1 << 1;
export const STATE_DEVICE_FAILED = 1 << 2;
export const STATE_DRIVER_CLOSED = 1 << 3;
export const STATE_ABORTED = 1 << 4;

/**
 * One end of a channel, on its way to the thread it is for. A plain object that `postMessage` and `workerData` take;
 * transfer what {@link channelTransferList} says.
 */
export interface ChannelHandle {
  readonly end: "device" | "driver";
  /** Queues with a doorbell. */
  readonly queues: number;
  /** Guest memory. */
  readonly ram: SharedArrayBuffer;
  /** Mailbox, doorbells, wake-ups. */
  readonly control: SharedArrayBuffer;
  /** Only where the engine has no `Atomics.waitAsync`. */
  readonly port: WakePort | null;
}

/** Both ends, made by {@link createChannel}. */
export interface Channel {
  readonly device: ChannelHandle;
  readonly driver: ChannelHandle;
  /**
   * Ends the channel from outside: both ends give up at once, and no one waits any longer. For the code that started the
   * threads and sees that one of them died.
   */
  abort(): void;
}

/** What to make a channel of. */
export interface ChannelOptions {
  /** How many queues get a doorbell, 1 … 65536: at least as many as the device has. */
  readonly queues: number;
  /** Guest memory: a buffer, or the size in bytes of a new one. */
  readonly ram: SharedArrayBuffer | number;
  /**
   * Whether to add a pair of message ports, for threads that can neither block nor `Atomics.waitAsync`. Default: only
   * in engines without `Atomics.waitAsync`.
   */
  readonly ports?: boolean;
}

const HANDLE_RULE: OptionRule = {
  like: "the handle of one end of a channel that createChannel made",
  has: ["end", "queues", "ram", "control"],
};

const RULES: OptionRules<ChannelOptions> = {
  queues: [1, MAX_QUEUES],
  ram: { either: [COUNT_RULE, { like: "a SharedArrayBuffer, or a size in bytes", has: [] }] },
  ports: "boolean",
};

/**
 * Makes a channel: memory and wake-ups for a driver in one thread and its device in another.
 *
 * @example
 * ```ts
 * import { Worker } from "node:worker_threads";
 *
 * const channel = createChannel({ queues: 2, ram: 64 << 20 });
 * const worker = new Worker(deviceScript, {
 *   workerData: channel.device,
 *   transferList: channelTransferList(channel.device),
 * });
 * worker.on("exit", () => channel.abort());
 * const bus = new DriverEndpoint(channel.driver);
 * ```
 */
export function createChannel(options: ChannelOptions): Channel {
  checkOptions("createChannel", options, RULES, ["queues", "ram"]);
  const { queues } = options;
  if (typeof SharedArrayBuffer === "undefined") {
    throw new VirtioUsageError(
      "SharedArrayBuffer is missing: serve the page with Cross-Origin-Opener-Policy: same-origin and " +
        "Cross-Origin-Embedder-Policy: require-corp",
    );
  }
  const ram = makeRam(options.ram);
  const control = new SharedArrayBuffer(4 * (WORD_DOORBELLS + DOORBELL_WORDS * queues));
  const words = new Int32Array(control);
  words[WORD_MAGIC] = CONTROL_MAGIC;
  words[WORD_VERSION] = CONTROL_VERSION;
  const wantsPorts = options.ports ?? typeof Atomics.waitAsync !== "function";
  const ports = wantsPorts ? new MessageChannel() : null;
  return {
    device: { end: "device", queues, ram, control, port: ports?.port1 ?? null },
    driver: { end: "driver", queues, ram, control, port: ports?.port2 ?? null },
    abort: () => setState(words, STATE_ABORTED),
  };
}

function makeRam(ram: SharedArrayBuffer | number): SharedArrayBuffer {
  if (typeof ram === "number") return new SharedArrayBuffer(ram);
  if (isSharedArrayBuffer(ram)) return ram;
  throw new VirtioUsageError("guest memory that two threads use is a SharedArrayBuffer");
}

/**
 * What has to be in the transfer list when a handle is posted to another thread. Browsers and Node name the type
 * of its elements differently; it follows from where the list is used.
 *
 * @example
 * ```ts
 * worker.postMessage(channel.device, channelTransferList<Transferable>(channel.device)); // on a page
 * ```
 */
export function channelTransferList<Transferable = WakePort>(handle: ChannelHandle): Transferable[] {
  checkArgument("channelTransferList", "handle", handle, HANDLE_RULE);
  return handle.port === null ? [] : [handle.port as Transferable];
}

/** The control buffer of a handle as words; refuses what is not a handle, or one of the other end. */
export function openControl(handle: ChannelHandle, end: ChannelHandle["end"]): Int32Array {
  checkArgument("the endpoint", "handle", handle, HANDLE_RULE);
  const { control, queues } = handle;
  if (!isSharedArrayBuffer(control) || !Number.isInteger(queues) || queues < 1) {
    throw new VirtioUsageError("this is not a handle of a channel: pass what createChannel made");
  }
  if (handle.end !== end) {
    throw new VirtioUsageError(
      `this is the ${handle.end}'s handle of the channel; the ${end}'s is needed here`,
    );
  }
  if (control.byteLength < 4 * (WORD_DOORBELLS + DOORBELL_WORDS * queues)) {
    throw new VirtioUsageError(
      `the control buffer of ${control.byteLength} bytes is too small for ${queues} queues`,
    );
  }
  const words = new Int32Array(control);
  if (words[WORD_MAGIC] !== CONTROL_MAGIC || words[WORD_VERSION] !== CONTROL_VERSION) {
    throw new VirtioUsageError("the channel was made by another version of this library");
  }
  return words;
}

/** The three signals of a channel. */
export interface ChannelSignals {
  readonly device: Signal;
  readonly response: Signal;
  readonly interrupt: Signal;
}

export function openSignals(
  words: Int32Array,
  abilities: WaitAbilities,
  port: WakePort | null,
): ChannelSignals {
  return {
    device: new Signal(words, WORD_DEVICE_SIGNAL, abilities, port),
    response: new Signal(words, WORD_RESPONSE_SIGNAL, abilities, port),
    interrupt: new Signal(words, WORD_INTERRUPT_SIGNAL, abilities, port),
  };
}

/** Sets bits of the state and wakes everybody. */
export function setState(words: Int32Array, bits: number): void {
  Atomics.or(words, WORD_STATE, bits);
  const { device, response, interrupt } = openSignals(words, detectWaitAbilities(), null);
  device.raise();
  response.raise();
  interrupt.raise();
}
