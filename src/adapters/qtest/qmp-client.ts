import type { Readable, Writable } from "node:stream";
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

/** A JSON object as it came from QEMU. */
export type QmpObject = Readonly<Record<string, unknown>>;

/** QEMU's version as it greets. */
export interface QemuVersion {
  /** Major, minor, micro. */
  readonly numbers: readonly [number, number, number];
  /** What the distributor added, for instance `Debian 1:7.2+dfsg-7`; may be empty. */
  readonly package: string;
}

/** Choices for a {@link QmpClient}. */
export interface QmpClientOptions {
  /** Milliseconds without an answer after which `onStall` is called. Default 10 000. */
  readonly answerTimeoutMs?: number;
  /** QEMU did not answer in time. The client goes on waiting; end it with {@link QmpClient.fail}. */
  readonly onStall?: () => void;
}

const INPUT_RULE: OptionRule = { like: "a readable stream", has: ["on", "setEncoding"] };
const STREAM_RULE: OptionRule = { like: "a writable stream", has: ["on", "write"] };

const RULES: OptionRules<QmpClientOptions> = {
  answerTimeoutMs: TIMER_MS_RULE,
  onStall: "function",
};

const DEFAULT_ANSWER_TIMEOUT_MS = 10_000;

interface Pending {
  readonly command: string;
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: Error) => void;
}

/**
 * The client of QEMU's machine protocol: a JSON object per line; events come in between.
 *
 * @example
 * ```ts
 * const client = new QmpClient(socket, socket);
 * const { numbers } = await client.begin(); // [7, 2, 22], for instance
 * await client.execute("screendump", { filename: "/dev/shm/picture.ppm" });
 * ```
 */
export class QmpClient {
  readonly #output: Writable;
  readonly #watch: StallWatch;
  readonly #pending: Pending[] = [];
  readonly #eventWaits = new Map<string, (() => void)[]>();
  readonly #greeting: Promise<QemuVersion>;
  #greeted: (version: QemuVersion) => void = () => {};
  #notGreeted: (error: Error) => void = () => {};
  #error: Error | undefined;

  constructor(input: Readable, output: Writable, options: QmpClientOptions = {}) {
    checkOptions("QmpClient", options, RULES);
    checkArgument("QmpClient", "input", input, INPUT_RULE);
    checkArgument("QmpClient", "output", output, STREAM_RULE);
    this.#output = output;
    this.#watch = new StallWatch(options.answerTimeoutMs ?? DEFAULT_ANSWER_TIMEOUT_MS, () =>
      options.onStall?.(),
    );
    this.#greeting = new Promise((resolve, reject) => {
      this.#greeted = resolve;
      this.#notGreeted = reject;
    });
    this.#greeting.catch(() => {});
    readLines(input, "utf8", (line) => this.#receive(line));
  }

  /** Waits for the greeting and leaves the negotiation, after which commands are taken. */
  async begin(): Promise<QemuVersion> {
    const version = await this.#greeting;
    await this.execute("qmp_capabilities");
    return version;
  }

  /** The first command that was not answered yet, null when all were. */
  get waitingFor(): string | null {
    return this.#pending[0]?.command ?? null;
  }

  /** Ends the client: everything waited for, and everything asked from now on, rejects with `error`. */
  fail(error: Error): void {
    this.#error ??= error;
    this.#watch.stop();
    this.#notGreeted(this.#error);
    for (const { reject } of this.#pending.splice(0)) reject(this.#error);
  }

  /** Carries out a command; rejects with {@link QemuRefusedError} when QEMU says no. */
  execute(command: string, parameters: QmpObject = {}): Promise<unknown> {
    if (this.#error !== undefined) return Promise.reject(this.#error);
    return new Promise((resolve, reject) => {
      this.#pending.push({ command, resolve, reject });
      this.#watch.asked();
      this.#output.write(`${JSON.stringify({ execute: command, arguments: parameters })}\n`);
    });
  }

  /** Resolves at the next event of this name. Never rejects: race it with what may end the wait. */
  nextEvent(name: string): Promise<void> {
    return new Promise((resolve) => {
      const waits = this.#eventWaits.get(name);
      if (waits === undefined) this.#eventWaits.set(name, [resolve]);
      else waits.push(resolve);
    });
  }

  #receive(line: string): void {
    const message = parseObject(line);
    if (message === undefined) return;
    if ("QMP" in message) this.#greeted(versionOf(message["QMP"]));
    else if (typeof message["event"] === "string") this.#event(message["event"]);
    else if ("return" in message || "error" in message) this.#answer(message);
  }

  #event(name: string): void {
    const waits = this.#eventWaits.get(name);
    this.#eventWaits.delete(name);
    for (const resolve of waits ?? []) resolve();
  }

  #answer(message: QmpObject): void {
    const pending = this.#pending.shift();
    if (pending === undefined) return;
    this.#watch.answered(this.#pending.length > 0);
    if ("return" in message) pending.resolve(message["return"]);
    else {
      const { error } = message;
      const why =
        isObject(error) && typeof error["desc"] === "string" ? error["desc"] : JSON.stringify(error);
      pending.reject(new QemuRefusedError(`${pending.command}: ${why}`));
    }
  }
}

/** Whether a value that came out of JSON is an object with keys. */
export function isObject(value: unknown): value is QmpObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function parseObject(line: string): QmpObject | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function versionOf(greeting: unknown): QemuVersion {
  const version = isObject(greeting) ? greeting["version"] : undefined;
  const qemu = isObject(version) ? version["qemu"] : undefined;
  const part = (name: string): number => {
    const value = isObject(qemu) ? qemu[name] : undefined;
    return typeof value === "number" ? value : 0;
  };
  const distributor = isObject(version) ? version["package"] : undefined;
  return {
    numbers: [part("major"), part("minor"), part("micro")],
    package: typeof distributor === "string" ? distributor : "",
  };
}
