// Atomic accesses, written down. What two threads see of each other rests on which places they access atomically and in
// which order: that can be looked at in one thread, where a second one could only be lucky.

const NAMES = ["load", "store", "exchange", "add", "or", "notify", "wait"] as const;
type Operation = (typeof NAMES)[number];

/** What another thread did by the time of an access. */
type Meanwhile = () => void;

/** Watches the atomic accesses to one buffer while {@link during} runs. */
export class AtomicsSpy {
  readonly #buffer: SharedArrayBuffer;
  readonly #places: ReadonlyMap<number, string>;
  readonly #calls: string[] = [];
  readonly #meanwhile = new Map<string, Meanwhile>();

  /** `places` names what lies where, by offset in bytes; of other places the offset is told. */
  constructor(buffer: SharedArrayBuffer, places: Readonly<Record<string, number>>) {
    this.#buffer = buffer;
    this.#places = new Map(Object.entries(places).map(([name, offset]) => [offset, name]));
  }

  /** What happens right before an access, such as `load used.idx`, the next time it comes; once. */
  before(access: string, action: Meanwhile): void {
    this.#meanwhile.set(access, action);
  }

  /** Runs something; returns the accesses it made, such as `store avail.idx 1`, in their order. */
  during(action: () => void): string[] {
    const originals = NAMES.map((name) => [name, Atomics[name]] as const);
    this.#calls.length = 0;
    try {
      for (const [name, original] of originals) {
        const spied = (words: Int32Array, at: number, ...rest: number[]): unknown => {
          this.#note(name, words, at, rest);
          return (original as (...args: unknown[]) => unknown)(words, at, ...rest);
        };
        Object.defineProperty(Atomics, name, { value: spied, configurable: true, writable: true });
      }
      action();
    } finally {
      for (const [name, value] of originals)
        Object.defineProperty(Atomics, name, { value, configurable: true, writable: true });
    }
    const left = [...this.#meanwhile.keys()];
    this.#meanwhile.clear();
    if (left.length > 0) throw new Error(`not accessed atomically: ${left.join(", ")}`);
    return [...this.#calls];
  }

  #note(operation: Operation, words: Int32Array, at: number, values: readonly number[]): void {
    if (words.buffer !== (this.#buffer as unknown)) return;
    const offset = words.byteOffset + at * words.BYTES_PER_ELEMENT;
    const access = `${operation} ${this.#places.get(offset) ?? `0x${offset.toString(16)}`}`;
    const writes =
      operation === "store" || operation === "exchange" || operation === "add" || operation === "or";
    this.#calls.push(writes ? `${access} ${values.join(" ")}` : access);
    const action = this.#meanwhile.get(access);
    this.#meanwhile.delete(access);
    action?.();
  }
}
