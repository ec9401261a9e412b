import { VirtioUsageError } from "../../base/errors.ts";
import { COUNT_FROM_0_RULE, checkOptions, type OptionRules } from "../../base/options.ts";
import { runSoon } from "../../base/run-soon.ts";
import type { TraceSink } from "../../base/trace.ts";
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
  STATUS_REFUSED,
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
import { detectWaitAbilities } from "./signal.ts";
import { Spinner } from "./spinner.ts";
import type { WakePort } from "./wake-port.ts";

/** The registers of a device, as `MmioTransport` has them. */
export interface MmioTarget {
  /** Whatever the offset, must not throw. The result is unsigned. */
  read(offset: number, widthBytes: 1 | 2 | 4): number;
  /** Whatever the offset and the value, must not throw. */
  write(offset: number, widthBytes: 1 | 2 | 4, value: number): void;
}

/** Choices for a {@link DeviceEndpoint}. */
export interface DeviceEndpointOptions {
  /**
   * How long to look out for work before going to sleep, in microseconds; 0 turns that off. It adapts below this.
   * Default 100 where the thread may block, 20 in a browser's main thread.
   */
  readonly spinUs?: number;
  /** How long to work before timers and messages of the thread get their turn, in milliseconds. Default 4. */
  readonly turnMs?: number;
  readonly trace?: TraceSink;
}

const RULES: OptionRules<DeviceEndpointOptions> = {
  spinUs: COUNT_FROM_0_RULE,
  turnMs: COUNT_FROM_0_RULE,
  trace: "function",
};

/** Why {@link DeviceEndpoint.serve} ended. */
export type ServeEnd = "driver-closed" | "device-closed" | "aborted";

/** Counts kept since the endpoint was made. */
export interface DeviceEndpointCounters {
  /** Register accesses served. */
  accesses: number;
  /** Doorbells served; several rings before one of them is served count once. */
  doorbells: number;
  /** Requests that made no sense. */
  refused: number;
  /** Times the interrupt line was asserted. */
  interrupts: number;
  /** Times the thread went to sleep. */
  sleeps: number;
}

const DEFAULT_SPIN_US = 100;
const DEFAULT_SPIN_NO_BLOCK_US = 20;
const DEFAULT_TURN_MS = 4;

/**
 * The device's end of a channel: serves register accesses and doorbells of a driver in another thread, and tells it
 * about interrupts. It never blocks its thread, so that the device's back ends may be asynchronous.
 *
 * What arrives is hostile until checked: nothing the driver's thread writes into the channel makes it throw.
 *
 * @example
 * ```ts
 * const endpoint = new DeviceEndpoint(handle);
 * const memory = new GuestMemory([{ base: 0, memory: endpoint.ram }]);
 * const device = new VirtioDevice(new RngDevice(), { memory, schedule: runSoon });
 * const transport = new MmioTransport(device, { onInterrupt: (asserted) => endpoint.setInterrupt(asserted) });
 * const end = await endpoint.serve(transport);
 * ```
 */
export class DeviceEndpoint {
  /** Guest memory. */
  readonly ram: SharedArrayBuffer;
  readonly queues: number;
  readonly counters: DeviceEndpointCounters = {
    accesses: 0,
    doorbells: 0,
    refused: 0,
    interrupts: 0,
    sleeps: 0,
  };

  readonly #words: Int32Array;
  readonly #signals: ChannelSignals;
  readonly #port: WakePort | null;
  readonly #spinner: Spinner;
  readonly #turnMs: number;
  readonly #trace: TraceSink | null;
  #target: MmioTarget | null = null;
  #lastSequence = 0;
  #asserted = false;
  #closed = false;

  /** Throws {@link VirtioUsageError} when `handle` is not a device's handle made by this version. */
  constructor(handle: ChannelHandle, options: DeviceEndpointOptions = {}) {
    checkOptions("DeviceEndpoint", options, RULES);
    const abilities = detectWaitAbilities();
    this.#words = openControl(handle, "device");
    this.ram = handle.ram;
    this.queues = handle.queues;
    this.#port = handle.port;
    this.#signals = openSignals(this.#words, abilities, handle.port);
    const spinUs = options.spinUs ?? (abilities.canBlock ? DEFAULT_SPIN_US : DEFAULT_SPIN_NO_BLOCK_US);
    this.#spinner = new Spinner(spinUs);
    this.#turnMs = options.turnMs ?? DEFAULT_TURN_MS;
    this.#trace = options.trace ?? null;
  }

  /** Sets the level of the interrupt line: what to give a transport as `onInterrupt`. Safe at any time. */
  setInterrupt(asserted: boolean): void {
    if (asserted === this.#asserted) return;
    this.#asserted = asserted;
    Atomics.store(this.#words, WORD_INTERRUPT_LEVEL, asserted ? 1 : 0);
    if (!asserted) return;
    this.counters.interrupts++;
    this.#signals.interrupt.raise();
  }

  /**
   * Serves the driver until either end is closed, and says which. Rejects with what `target` throws; the driver is
   * told then. Only once per endpoint: throws {@link VirtioUsageError} the second time.
   */
  async serve(target: MmioTarget): Promise<ServeEnd> {
    if (this.#target !== null || this.#closed) {
      throw new VirtioUsageError("this endpoint serves already, or was closed: make a new channel");
    }
    this.#target = target;
    const signal = this.#signals.device;
    if (this.#port !== null) this.#port.onmessage = () => signal.messageArrived();
    setState(this.#words, STATE_DEVICE_SERVES);
    try {
      let turnEnd = performance.now() + this.#turnMs;
      for (;;) {
        const seen = signal.count;
        const end = this.#endReason();
        if (end !== null) return end;
        const worked = this.#step(target);
        if (!worked && !this.#spinner.spin(signal.words, signal.at, seen)) {
          this.counters.sleeps++;
          if (await signal.sleepAsync(seen, Number.POSITIVE_INFINITY))
            turnEnd = performance.now() + this.#turnMs;
        } else if (performance.now() > turnEnd) {
          // Whether there was work or not: a driver's thread that raises the signal without end must not take this one
          // away from its timers and messages.
          await new Promise<void>(runSoon);
          turnEnd = performance.now() + this.#turnMs;
        } else if (worked) {
          // What the device continues in promises has its turn at once.
          await undefined;
        }
      }
    } catch (error) {
      setState(this.#words, STATE_DEVICE_FAILED);
      throw error;
    } finally {
      this.close();
    }
  }

  /** Ends {@link serve}; the driver gets errors instead of answers from then on. Harmless when closed already. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    setState(this.#words, STATE_DEVICE_CLOSED);
    this.#port?.close();
  }

  #endReason(): ServeEnd | null {
    if (this.#closed) return "device-closed";
    const state = Atomics.load(this.#words, WORD_STATE);
    if ((state & STATE_ABORTED) !== 0) return "aborted";
    return (state & STATE_DRIVER_CLOSED) !== 0 ? "driver-closed" : null;
  }

  /** Serves what is there; true when there was anything. */
  #step(target: MmioTarget): boolean {
    // The sequence number is read first: doorbells rung before the request are then seen before it is served.
    const sequence = Atomics.load(this.#words, WORD_REQUEST_SEQUENCE);
    const rung = this.#serveDoorbells(target);
    if (sequence === this.#lastSequence) return rung;
    this.#lastSequence = sequence;
    this.#serveRequest(target, sequence);
    return true;
  }

  #serveDoorbells(target: MmioTarget): boolean {
    const words = this.#words;
    let rung = false;
    for (let i = 0, at = WORD_DOORBELLS; i < this.queues; i++, at += DOORBELL_WORDS) {
      if (Atomics.load(words, at) === 0) continue;
      // Taken before the queue is looked at, so that a ring from now on counts anew.
      Atomics.store(words, at, 0);
      const value = Atomics.load(words, at + 1) >>> 0;
      rung = true;
      this.counters.doorbells++;
      target.write(VIRTIO_MMIO_QUEUE_NOTIFY, 4, value);
    }
    return rung;
  }

  #serveRequest(target: MmioTarget, sequence: number): void {
    const words = this.#words;
    const operation = Atomics.load(words, WORD_REQUEST_OPERATION);
    const offset = Atomics.load(words, WORD_REQUEST_OFFSET) >>> 0;
    const width = Atomics.load(words, WORD_REQUEST_WIDTH);
    const value = Atomics.load(words, WORD_REQUEST_VALUE) >>> 0;
    let status = STATUS_OK;
    let result = 0;
    if (width !== 1 && width !== 2 && width !== 4) status = STATUS_REFUSED;
    else if (operation === OPERATION_READ) result = target.read(offset, width);
    else if (operation === OPERATION_WRITE) target.write(offset, width, value);
    else status = STATUS_REFUSED;
    if (status === STATUS_OK) {
      this.counters.accesses++;
    } else {
      this.counters.refused++;
      this.#trace?.({ source: "worker", kind: "request-refused", detail: { operation, offset, width } });
    }
    Atomics.store(words, WORD_RESPONSE_STATUS, status);
    Atomics.store(words, WORD_RESPONSE_VALUE, result | 0);
    Atomics.store(words, WORD_RESPONSE_SEQUENCE, sequence);
    this.#signals.response.raise();
  }
}
