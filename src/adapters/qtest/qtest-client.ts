import type { Duplex } from "node:stream";
import { VirtioUsageError } from "../../base/errors.ts";
import {
  checkArgument,
  checkOptions,
  type OptionRule,
  type OptionRules,
  TIMER_MS_RULE,
} from "../../base/options.ts";
import { QemuRefusedError } from "./errors.ts";
import { readLines } from "./line-reader.ts";
import { StallWatch } from "./stall-watch.ts";

/** A width of an access through qtest, in bytes. */
export type QtestWidth = 1 | 2 | 4;

/** Choices for a {@link QtestClient}. */
export interface QtestClientOptions {
  /** Milliseconds without an answer after which `onStall` is called. Default 10 000. */
  readonly answerTimeoutMs?: number;
  /** QEMU did not answer in time. The client goes on waiting; end it with {@link QtestClient.fail}. */
  readonly onStall?: () => void;
  /** An intercepted interrupt line changed. */
  readonly onIrq?: (line: number, asserted: boolean) => void;
}

const STREAM_RULE: OptionRule = { like: "a stream", has: ["on", "write"] };

const RULES: OptionRules<QtestClientOptions> = {
  answerTimeoutMs: TIMER_MS_RULE,
  onStall: "function",
  onIrq: "function",
};

const DEFAULT_ANSWER_TIMEOUT_MS = 10_000;
const WIDTH_LETTERS = ["", "b", "w", "", "l"] as const;
const PORT_LETTERS = WIDTH_LETTERS;

interface Pending {
  readonly command: string;
  readonly resolve: (answer: string) => void;
  readonly reject: (error: Error) => void;
}

/**
 * The client of QEMU's qtest protocol: one line out, one line back, in order; changes of intercepted interrupt lines
 * come in between. Commands given in one go, without awaiting each, leave in one write: a batch costs little more
 * than a single command.
 *
 * @example
 * ```ts
 * const qtest = new QtestClient(socket);
 * const magic = await qtest.read(0xfeb00000, 4);
 * await Promise.all([qtest.write(0xfeb00070, 4, 0), qtest.write(0xfeb00070, 4, 1)]);
 * ```
 */
export class QtestClient {
  readonly #stream: Duplex;
  readonly #watch: StallWatch;
  readonly #onIrq: ((line: number, asserted: boolean) => void) | undefined;
  readonly #asserted = new Set<number>();
  /** Oldest first, from `#oldest` on: shifting an array of thousands would be slow. */
  #pending: Pending[] = [];
  #oldest = 0;
  #unsent = "";
  #error: Error | undefined;

  /** `stream` is connected to QEMU's qtest socket. Its creator closes it, and reports its end by `fail`. */
  constructor(stream: Duplex, options: QtestClientOptions = {}) {
    checkOptions("QtestClient", options, RULES);
    checkArgument("QtestClient", "stream", stream, STREAM_RULE);
    this.#stream = stream;
    this.#onIrq = options.onIrq;
    this.#watch = new StallWatch(options.answerTimeoutMs ?? DEFAULT_ANSWER_TIMEOUT_MS, () =>
      options.onStall?.(),
    );
    readLines(stream, "latin1", (line) => this.#receive(line));
  }

  /** The first command that was not answered yet, null when all were. */
  get waitingFor(): string | null {
    return this.#pending[this.#oldest]?.command ?? null;
  }

  /** Ends the client: everything waited for, and everything asked from now on, rejects with `error`. */
  fail(error: Error): void {
    this.#error ??= error;
    this.#watch.stop();
    const pending = this.#pending.slice(this.#oldest);
    this.#pending = [];
    this.#oldest = 0;
    for (const { reject } of pending) reject(this.#error);
  }

  /**
   * Sends one command, without line end; resolves with what follows `OK`. Rejects with {@link QemuRefusedError} when
   * QEMU answers anything else.
   */
  send(command: string): Promise<string> {
    if (this.#error !== undefined) return Promise.reject(this.#error);
    return new Promise((resolve, reject) => {
      if (this.#unsent === "") queueMicrotask(() => this.#flush());
      this.#unsent += `${command}\n`;
      this.#pending.push({ command, resolve, reject });
      this.#watch.asked();
    });
  }

  /**
   * Resolves when QEMU's main loop went round at least once since everything that was sent before took effect, and so
   * did the work that devices put off to the main loop.
   */
  async settle(): Promise<void> {
    // Commands that arrive together are carried out in one round of the main loop, and what they put off in the next,
    // before or after the commands of that. So a third round is sure to come after.
    if (this.waitingFor !== null) await this.send("endianness");
    await this.send("endianness");
    await this.send("endianness");
  }

  /** Reads 1, 2 or 4 bytes of the guest's physical address space, as the processor would. Unsigned. */
  read(address: number, widthBytes: QtestWidth): Promise<number> {
    return this.send(`read${WIDTH_LETTERS[widthBytes]} 0x${address.toString(16)}`).then(Number);
  }

  /** Writes 1, 2 or 4 bytes of the guest's physical address space, as the processor would. */
  write(address: number, widthBytes: QtestWidth, value: number): Promise<void> {
    return this.send(`write${WIDTH_LETTERS[widthBytes]} ${hex(address)} ${hex(value >>> 0)}`).then(nothing);
  }

  /** Reads 8 bytes in one access. */
  async read64(address: number): Promise<bigint> {
    return BigInt(await this.send(`readq ${hex(address)}`));
  }

  /** Writes 8 bytes in one access. */
  async write64(address: number, value: bigint): Promise<void> {
    await this.send(`writeq ${hex(address)} 0x${BigInt.asUintN(64, value).toString(16)}`);
  }

  /** Reads 1, 2 or 4 bytes of the I/O space. Unsigned. */
  in(port: number, widthBytes: QtestWidth): Promise<number> {
    return this.send(`in${PORT_LETTERS[widthBytes]} ${hex(port)}`).then(Number);
  }

  /** Writes 1, 2 or 4 bytes of the I/O space. */
  out(port: number, widthBytes: QtestWidth, value: number): Promise<void> {
    return this.send(`out${PORT_LETTERS[widthBytes]} ${hex(port)} ${hex(value >>> 0)}`).then(nothing);
  }

  /** Reads a piece of the guest's physical address space. */
  async readBytes(address: number, lengthBytes: number): Promise<Uint8Array> {
    if (lengthBytes === 0) return new Uint8Array(0);
    const text = await this.send(`b64read ${hex(address)} ${hex(lengthBytes)}`);
    return new Uint8Array(Buffer.from(text, "base64"));
  }

  /** Writes a piece of the guest's physical address space. */
  async writeBytes(address: number, bytes: Uint8Array): Promise<void> {
    if (bytes.length === 0) return;
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64");
    await this.send(`b64write ${hex(address)} ${hex(bytes.length)} ${text}`);
  }

  /**
   * From now on the input lines of the interrupt controller at `path` (of QEMU's object model) end here instead of
   * there. A client can do so for one controller.
   */
  async interceptIrqs(path: string): Promise<void> {
    await this.send(`irq_intercept_in ${path}`);
  }

  /** Whether an intercepted line is asserted, as far as QEMU's answers have come. */
  isAsserted(line: number): boolean {
    return this.#asserted.has(line);
  }

  #flush(): void {
    const text = this.#unsent;
    this.#unsent = "";
    this.#stream.write(text, "latin1");
  }

  #receive(line: string): void {
    if (line.startsWith("IRQ ")) {
      this.#interrupt(line);
      return;
    }
    const pending = this.#pending[this.#oldest];
    if (pending === undefined) return;
    if (++this.#oldest === this.#pending.length) {
      this.#pending = [];
      this.#oldest = 0;
    }
    this.#watch.answered(this.#pending.length > 0);
    if (line.startsWith("OK")) pending.resolve(line.slice(3).trimEnd());
    else pending.reject(new QemuRefusedError(`${shortened(pending.command)}: ${shortened(line)}`));
  }

  #interrupt(line: string): void {
    const [, what, number] = line.trimEnd().split(" ");
    const pin = Number(number);
    if (!Number.isInteger(pin)) return;
    if (what === "raise") this.#asserted.add(pin);
    else if (what === "lower") this.#asserted.delete(pin);
    else return;
    this.#onIrq?.(pin, what === "raise");
  }
}

function hex(value: number): string {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new VirtioUsageError(
      `${value} is not an address, length or value; use an integer from 0 to 2^53 - 1`,
    );
  }
  return `0x${value.toString(16)}`;
}

function nothing(): void {}

function shortened(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
