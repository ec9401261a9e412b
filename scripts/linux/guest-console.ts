import type { V86 } from "v86";
import { LinuxError } from "./linux-error.ts";

/** Lines kept for an error's message. */
const KEPT_LINES = 400;
const LAST_WORDS = 5;

type LineListener = (line: string) => void;

/** The guest's serial console, line by line. */
export class GuestConsole {
  readonly #emulator: V86;
  readonly #listeners = new Set<LineListener>();
  readonly #lines: string[] = [];
  #partial = "";
  readonly #onByte = (byte: number): void => this.#take(byte);

  constructor(emulator: V86) {
    this.#emulator = emulator;
    emulator.add_listener("serial0-output-byte", this.#onByte);
  }

  /** Calls the listener with every line from now on, without its end. @returns how to stop it */
  onLine(listener: LineListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Sends a line to the guest. */
  send(line: string): void {
    this.#emulator.serial0_send(`${line}\n`);
  }

  /**
   * Waits for a line that does not have to have come to its end.
   * @param what said when it does not come
   * @throws LinuxError after the time, with the guest's last lines, and at once if the kernel panics
   */
  waitFor(match: (line: string) => boolean, what: string, timeoutMs: number): Promise<string> {
    return new Promise((resolve, reject) => {
      const end = (): void => {
        clearTimeout(timer);
        stop();
      };
      const fail = (why: string): void => {
        end();
        const words = this.lastLines(LAST_WORDS).join(" | ");
        reject(new LinuxError(`${why}; the guest's last words: ${words === "" ? "none" : words}`));
      };
      const timer = setTimeout(() => fail(`no ${what} within ${Math.round(timeoutMs / 1000)} s`), timeoutMs);
      const stop = this.onLine((line) => {
        if (match(line)) {
          end();
          resolve(line);
        } else if (line.includes("Kernel panic")) {
          fail("the guest's kernel panicked");
        }
      });
    });
  }

  /** The last lines, the one that has not ended included. */
  lastLines(count: number): string[] {
    const all = this.#partial === "" ? this.#lines : [...this.#lines, this.#partial];
    return all.slice(-count);
  }

  close(): void {
    this.#emulator.remove_listener("serial0-output-byte", this.#onByte);
    this.#listeners.clear();
  }

  #take(byte: number): void {
    if (byte === 13) return;
    if (byte !== 10) {
      this.#partial += String.fromCharCode(byte);
      return;
    }
    const line = this.#partial;
    this.#partial = "";
    this.#lines.push(line);
    if (this.#lines.length > KEPT_LINES) this.#lines.shift();
    for (const listener of [...this.#listeners]) listener(line);
  }
}
