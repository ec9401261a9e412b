import { DESCRIPTOR_BYTES, type WatchedChain, type WatchedTable } from "../chain.ts";
import { toHex } from "../violation.ts";
import { sameBytes } from "../watched-memory.ts";
import { chainCost, DESCRIPTORS_PER_LOOK, type RingWatch, TABLE_BYTES_PER_LOOK } from "./ring-watcher.ts";

/**
 * The buffers that a device holds in one ring, with what their descriptors and indirect tables were when they were made
 * available, as far as the budget allows.
 */
export class HeldBuffers {
  /** Oldest first, by token. */
  readonly chains: ReadonlyMap<number, WatchedChain>;
  /** Raw descriptors, by index in the ring. */
  readonly shadow = new Map<number, Uint8Array>();
  readonly #chains = new Map<number, WatchedChain>();
  readonly #watch: RingWatch;
  /** What the chains cost of the budget, by token. */
  readonly #costs = new Map<number, number>();
  /** Where the next look begins to compare. */
  #cursor = 0;
  #tableCursor = 0;
  readonly #alteredTables: {
    readonly chain: WatchedChain;
    readonly table: WatchedTable;
    /** Where the first difference is. */
    readonly at: number;
    readonly now: Uint8Array;
  }[] = [];
  readonly #raw = new Uint8Array(DESCRIPTOR_BYTES);

  constructor(watch: RingWatch) {
    this.#watch = watch;
    this.chains = this.#chains;
  }

  /** Keeps a buffer in mind, whole if the budget allows, as the youngest. */
  remember(chain: WatchedChain): void {
    this.drop(chain.token);
    this.#chains.set(chain.token, chain);
    const cost = chainCost(chain);
    if (this.#watch.budget.take(cost)) {
      this.#costs.set(chain.token, cost);
      return;
    }
    chain.tables = [];
    chain.elements = [];
    for (const { index } of chain.direct) this.shadow.delete(index);
  }

  /** The buffer is no longer held. Its descriptors in the shadow are the caller's to remove. */
  drop(token: number): void {
    this.#chains.delete(token);
    this.#watch.budget.give(this.#costs.get(token) ?? 0);
    this.#costs.delete(token);
  }

  /** Nothing is known to be held any more. */
  clear(): void {
    this.giveBack();
    this.#chains.clear();
    this.shadow.clear();
  }

  /** Gives back what all buffers cost, at the end of the watch. */
  giveBack(): void {
    for (const cost of this.#costs.values()) this.#watch.budget.give(cost);
    this.#costs.clear();
  }

  /**
   * Compares what is held with what it was. Returns the descriptors that were altered, by their index: they may belong to
   * buffers that were used meanwhile. Altered tables are kept for {@link reportTables}.
   */
  compare(): number[] {
    const { context, queue } = this.#watch;
    const altered: number[] = [];
    let budget = DESCRIPTORS_PER_LOOK;
    let seen = 0;
    for (const [index, bytes] of this.shadow) {
      if (seen++ < this.#cursor) continue;
      if (budget-- === 0) {
        this.#cursor = seen - 1;
        this.#compareTables();
        return altered;
      }
      const at = queue.addresses.descriptors + DESCRIPTOR_BYTES * index;
      if (context.memory.read(at, this.#raw) && !sameBytes(this.#raw, bytes)) altered.push(index);
    }
    this.#cursor = 0;
    this.#compareTables();
    return altered;
  }

  #compareTables(): void {
    const { memory } = this.#watch.context;
    this.#alteredTables.length = 0;
    let budget = TABLE_BYTES_PER_LOOK;
    let seen = 0;
    for (const chain of this.#chains.values()) {
      if (seen++ < this.#tableCursor) continue;
      if (budget <= 0) {
        this.#tableCursor = seen - 1;
        return;
      }
      for (const table of chain.tables) {
        if (table.bytes === null) continue;
        budget -= table.bytes.length;
        const now = new Uint8Array(table.bytes.length);
        if (memory.read(table.address, now) && !sameBytes(now, table.bytes)) {
          const at = now.findIndex((byte, i) => byte !== table.bytes?.[i]) & ~(DESCRIPTOR_BYTES - 1);
          this.#alteredTables.push({ chain, table, at, now });
        }
      }
    }
    this.#tableCursor = 0;
  }

  /** Whether some of the bytes from `address` to before `end` lie in a table that is remembered. */
  tablesTouch(address: number, end: number): boolean {
    for (const { tables } of this.#chains.values()) {
      for (const table of tables) {
        if (table.bytes !== null && end > table.address && address < table.address + table.bytes.length)
          return true;
      }
    }
    return false;
  }

  /** Reports the altered tables of buffers that are still held. */
  reportTables(): void {
    const { context, queue } = this.#watch;
    for (const { chain, table, at, now } of this.#alteredTables) {
      if (this.#chains.get(chain.token) !== chain || table.bytes === null) continue;
      context.report(
        "content.driver.device-cleanup.1",
        queue.index,
        `the indirect table of buffer ${chain.token} was altered while the device held it`,
        [
          {
            what: "indirect table",
            address: table.address + at,
            before: toHex(table.bytes.subarray(at, at + DESCRIPTOR_BYTES)),
            after: toHex(now.subarray(at, at + DESCRIPTOR_BYTES)),
          },
        ],
      );
      table.bytes.set(now);
    }
    this.#alteredTables.length = 0;
  }
}
