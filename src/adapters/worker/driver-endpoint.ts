import { VirtioUsageError } from "../../base/errors.ts";
import { COUNT_FROM_0_RULE, checkOptions, type OptionRule, type OptionRules } from "../../base/options.ts";
import { VIRTIO_MMIO_QUEUE_NOTIFY } from "../../wire/mmio.ts";
import {
  type ChannelHandle,
  type ChannelSignals,
  DOORBELL_WORDS,
  OPERATION_READ,
  OPERATION_WRITE,
  openControl,
  openSignals,
  STATE_ABORTED,
  STATE_DEVICE_CLOSED,
  STATE_DEVICE_FAILED,
  STATE_DEVICE_SERVES,
  STATE_DRIVER_CLOSED,
  STATUS_OK,
  setState,
  WORD_DOORBELLS,
  WORD_INTERRUPT_LEVEL,
  WORD_REQUEST_OFFSET,
  WORD_REQUEST_OPERATION,
  WORD_REQUEST_SEQUENCE,
  WORD_REQUEST_VALUE,
  WORD_REQUEST_WIDTH,
  WORD_RESPONSE_SEQUENCE,
  WORD_RESPONSE_STATUS,
  WORD_RESPONSE_VALUE,
  WORD_STATE,
} from "./channel.ts";
import { ChannelError } from "./errors.ts";
import { detectWaitAbilities, type Signal, type WaitAbilities } from "./signal.ts";
import { Spinner, spinUntil } from "./spinner.ts";
import type { WakePort } from "./wake-port.ts";

/** Choices for a {@link DriverEndpoint}. */
export interface DriverEndpointOptions {
  /** How long a register access may take before it throws {@link ChannelError} `timeout`, in milliseconds. Default 5000. */
  readonly timeoutMs?: number;
  /** How long to look out before going to sleep, in microseconds; 0 turns that off. It adapts below this. Default 100. */
  readonly spinUs?: number;
}

/** This end of a channel as an argument. */
export const DRIVER_ENDPOINT_RULE: OptionRule = {
  like: "a DriverEndpoint (new DriverEndpoint(channel.driver))",
  has: ["read", "write", "waitInterrupt", "waitInterruptAsync"],
};

const RULES: OptionRules<DriverEndpointOptions> = {
  timeoutMs: COUNT_FROM_0_RULE,
  spinUs: COUNT_FROM_0_RULE,
};

/** Counts kept since the endpoint was made. */
export interface DriverEndpointCounters {
  /** Register accesses through the mailbox. */
  accesses: number;
  /** Available-buffer notifications the driver sent. */
  notifications: number;
  /** Those of them that told the device nothing new, as it had not yet served the one before. */
  coalesced: number;
  /** Times the thread went to sleep. */
  sleeps: number;
}

const DEFAULT_TIMEOUT_MS = 5000;
const DEFAULT_SPIN_US = 100;
const FAILURES = STATE_ABORTED | STATE_DEVICE_FAILED | STATE_DEVICE_CLOSED | STATE_DRIVER_CLOSED;

/**
 * The driver's end of a channel: the registers of a device that runs in another thread (a `MmioBus` of
 * `virtio-emulator/driver`), and ways to wait for its interrupt.
 *
 * Register accesses wait for their answer: blocking where that is allowed, else busily. Writing to QueueNotify does
 * not wait for anything. Everything throws {@link ChannelError} once the device's thread is gone; no wait is endless.
 *
 * In a browser's main thread a new worker does not start before the current task has ended: await {@link connect}
 * before the first access.
 *
 * @example
 * ```ts
 * const bus = new DriverEndpoint(handle);
 * await bus.connect();
 * const magic = bus.read(0, 4); // 0x74726976
 * ```
 */
export class DriverEndpoint {
  /** Guest memory. */
  readonly ram: SharedArrayBuffer;
  readonly queues: number;
  readonly counters: DriverEndpointCounters = { accesses: 0, notifications: 0, coalesced: 0, sleeps: 0 };

  readonly #words: Int32Array;
  readonly #signals: ChannelSignals;
  readonly #abilities: WaitAbilities;
  readonly #port: WakePort | null;
  readonly #spinner: Spinner;
  readonly #timeoutMs: number;
  #sequence = 0;
  #closed = false;
  #asyncWaits = 0;

  /** Throws {@link VirtioUsageError} when `handle` is not a driver's handle made by this version. */
  constructor(handle: ChannelHandle, options: DriverEndpointOptions = {}) {
    checkOptions("DriverEndpoint", options, RULES);
    this.#abilities = detectWaitAbilities();
    this.#words = openControl(handle, "driver");
    this.ram = handle.ram;
    this.queues = handle.queues;
    this.#port = handle.port;
    this.#signals = openSignals(this.#words, this.#abilities, handle.port);
    this.#spinner = new Spinner(options.spinUs ?? DEFAULT_SPIN_US);
    this.#timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  }

  /** True while the device asserts its interrupt line. */
  get interruptAsserted(): boolean {
    return Atomics.load(this.#words, WORD_INTERRUPT_LEVEL) !== 0;
  }

  /** Waits until the device's end serves. Throws {@link ChannelError} `timeout` when it does not in time. */
  async connect(timeoutMs: number = this.#timeoutMs): Promise<void> {
    const serves = (): boolean => (Atomics.load(this.#words, WORD_STATE) & STATE_DEVICE_SERVES) !== 0;
    if (!(await this.#waitAsync(serves, timeoutMs))) {
      throw new ChannelError(
        "timeout",
        `no device answered the driver within ${timeoutMs} ms; was its thread started?`,
      );
    }
  }

  /**
   * Reads a register of 1, 2 or 4 bytes; the result is unsigned. Throws {@link ChannelError} when the device's
   * thread does not answer.
   */
  read(offset: number, widthBytes: 1 | 2 | 4): number {
    return this.#request(OPERATION_READ, offset, widthBytes, 0);
  }

  /**
   * Writes a register of 1, 2 or 4 bytes, and returns when the device has taken it; only what is written to
   * QueueNotify is not waited for. Throws {@link ChannelError} when the device's thread is gone.
   */
  write(offset: number, widthBytes: 1 | 2 | 4, value: number): void {
    const queue = value & 0xffff;
    if (offset === VIRTIO_MMIO_QUEUE_NOTIFY && widthBytes === 4 && queue < this.queues) {
      this.#ring(queue, value);
    } else {
      this.#request(OPERATION_WRITE, offset, widthBytes, value);
    }
  }

  #ring(queue: number, value: number): void {
    this.#check();
    const words = this.#words;
    const at = WORD_DOORBELLS + DOORBELL_WORDS * queue;
    this.counters.notifications++;
    Atomics.store(words, at + 1, value | 0);
    // The device takes the ring down before it looks at the queue: while it is up, the device has yet to look.
    if (Atomics.exchange(words, at, 1) !== 0) this.counters.coalesced++;
    else this.#signals.device.raise();
  }

  #request(operation: number, offset: number, widthBytes: number, value: number): number {
    const words = this.#words;
    const end = performance.now() + this.#timeoutMs;
    // After a timeout the device may still come back to the request before: the mailbox holds only one.
    this.#awaitResponse(end);
    const sequence = (this.#sequence + 1) | 0;
    this.#sequence = sequence;
    Atomics.store(words, WORD_REQUEST_OPERATION, operation);
    Atomics.store(words, WORD_REQUEST_OFFSET, offset | 0);
    Atomics.store(words, WORD_REQUEST_WIDTH, widthBytes);
    Atomics.store(words, WORD_REQUEST_VALUE, value | 0);
    Atomics.store(words, WORD_REQUEST_SEQUENCE, sequence);
    this.#signals.device.raise();
    this.counters.accesses++;
    this.#awaitResponse(end);
    if (Atomics.load(words, WORD_RESPONSE_STATUS) !== STATUS_OK) {
      throw new VirtioUsageError(`a register is 1, 2 or 4 bytes wide, not ${widthBytes}`);
    }
    return Atomics.load(words, WORD_RESPONSE_VALUE) >>> 0;
  }

  #awaitResponse(endMs: number): void {
    const answered = (): boolean => Atomics.load(this.#words, WORD_RESPONSE_SEQUENCE) === this.#sequence;
    if (!this.#wait(this.#signals.response, answered, endMs)) {
      throw new ChannelError(
        "timeout",
        `the device did not answer a register access within ${this.#timeoutMs} ms; its thread hangs or is dead`,
      );
    }
  }

  /**
   * Waits until the interrupt line is asserted: true, or until the time is over: false. Blocks the thread; where that
   * is forbidden it waits busily. Throws {@link ChannelError} when either end is closed.
   */
  waitInterrupt(timeoutMs: number): boolean {
    return this.#wait(this.#signals.interrupt, () => this.interruptAsserted, performance.now() + timeoutMs);
  }

  /** Like {@link waitInterrupt}, but does not block the thread. Waits without a limit by default. */
  async waitInterruptAsync(timeoutMs: number = Number.POSITIVE_INFINITY): Promise<boolean> {
    return await this.#waitAsync(() => this.interruptAsserted, timeoutMs);
  }

  /** Closes the channel: the device's `serve` ends. Everything but this throws from then on. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    setState(this.#words, STATE_DRIVER_CLOSED);
    this.#port?.close();
  }

  #wait(signal: Signal, done: () => boolean, endMs: number): boolean {
    for (;;) {
      const seen = signal.count;
      if (done()) return true;
      this.#check();
      const leftMs = endMs - performance.now();
      if (leftMs <= 0) return false;
      if (!this.#abilities.canBlock) {
        spinUntil(signal.words, signal.at, seen, endMs);
      } else if (!this.#spinner.spin(signal.words, signal.at, seen)) {
        this.counters.sleeps++;
        signal.sleep(seen, leftMs);
      }
    }
  }

  async #waitAsync(done: () => boolean, timeoutMs: number): Promise<boolean> {
    const signal = this.#signals.interrupt;
    const endMs = performance.now() + timeoutMs;
    this.#listen(1);
    try {
      for (;;) {
        const seen = signal.count;
        if (done()) return true;
        this.#check();
        const leftMs = endMs - performance.now();
        if (leftMs <= 0) return false;
        if (this.#abilities.canBlock && this.#spinner.spin(signal.words, signal.at, seen)) continue;
        this.counters.sleeps++;
        await signal.sleepAsync(seen, leftMs);
      }
    } finally {
      this.#listen(-1);
    }
  }

  /** A port that listens keeps a thread of Node alive, so it does only while someone waits. */
  #listen(change: 1 | -1): void {
    this.#asyncWaits += change;
    const port = this.#port;
    if (port === null) return;
    if (this.#asyncWaits === 0) port.onmessage = null;
    else if (change === 1 && this.#asyncWaits === 1) {
      port.onmessage = () => this.#signals.interrupt.messageArrived();
    }
  }

  #check(): void {
    const state = Atomics.load(this.#words, WORD_STATE);
    if ((state & FAILURES) === 0) return;
    if ((state & STATE_DRIVER_CLOSED) !== 0)
      throw new ChannelError("driver-closed", "the driver's end is closed");
    if ((state & STATE_DEVICE_FAILED) !== 0) {
      throw new ChannelError("device-failed", "the device threw an error; its own thread has it");
    }
    if ((state & STATE_ABORTED) !== 0) throw new ChannelError("aborted", "the channel was given up");
    throw new ChannelError("device-closed", "the device's end is closed");
  }
}
