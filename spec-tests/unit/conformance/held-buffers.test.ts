// What the driver checker remembers of the buffers a device holds, in either ring format.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { WatchedChain } from "../../../src/conformance/driver-checker/chain.ts";
import { HeldBuffers } from "../../../src/conformance/driver-checker/rings/held-buffers.ts";
import {
  chainCost,
  type RingWatch,
  WatchBudget,
} from "../../../src/conformance/driver-checker/rings/ring-watcher.ts";

const test = suite("buffers that a device holds");

const RING = 0x1000;
const TABLE = 0x2000;

/** A watch over 64 KiB of memory, with what it reports. */
function rig(budgetBytes = 1 << 20) {
  const bytes = new Uint8Array(1 << 16);
  const reports: { readonly clause: string; readonly before: string | undefined }[] = [];
  const budget = new WatchBudget(budgetBytes);
  const memory = {
    read(address: number, into: Uint8Array): boolean {
      if (address + into.length > bytes.length) return false;
      into.set(bytes.subarray(address, address + into.length));
      return true;
    },
  };
  const watch = {
    context: {
      memory,
      report: (clause: string, _queue: number, _message: string, evidence: readonly { before?: string }[]) =>
        void reports.push({ clause, before: evidence[0]?.before }),
    },
    queue: { index: 0, addresses: { descriptors: RING, driver: 0, device: 0 } },
    budget,
  } as unknown as RingWatch;
  return { bytes, reports, budget, held: new HeldBuffers(watch) };
}

/** A buffer of one descriptor that refers to a table of two, and both as they are in memory. */
function chain(bytes: Uint8Array, token: number): WatchedChain {
  const direct = [
    {
      at: RING + 16 * token,
      index: token,
      address: TABLE,
      addressLow: TABLE,
      addressHigh: 0,
      lengthBytes: 32,
      flags: 4,
      extra: 0,
    },
  ];
  const table = { address: TABLE, bytes: bytes.slice(TABLE, TABLE + 32), descriptors: [], endless: false };
  const rest = {
    endless: false,
    incomplete: false,
    readableBytes: 0,
    writableBytes: 0,
    elements: [],
    position: 0,
  };
  return { queue: 0, format: "split", token, direct, tables: [table], ...rest };
}

test("an altered table is reported once, with the descriptor that differs [content.driver.device-cleanup.1]", () => {
  const { bytes, reports, held } = rig();
  bytes.fill(0x11, TABLE, TABLE + 16).fill(0x22, TABLE + 16, TABLE + 32);
  held.remember(chain(bytes, 3));
  held.compare();
  held.reportTables();
  assert.equal(reports, []);
  bytes[TABLE + 20] = 0x33;
  held.compare();
  held.reportTables();
  held.compare();
  held.reportTables();
  assert.equal(reports, [{ clause: "content.driver.device-cleanup.1", before: "22".repeat(16) }]);
});

test("a table of a buffer that was used meanwhile is the driver's again", () => {
  const { bytes, reports, held } = rig();
  held.remember(chain(bytes, 3));
  bytes[TABLE] = 1;
  held.compare();
  held.drop(3);
  held.reportTables();
  assert.equal(reports, []);
});

test("altered descriptors are told by their index", () => {
  const { bytes, held } = rig();
  held.remember(chain(bytes, 3));
  held.shadow.set(3, bytes.slice(RING + 48, RING + 64));
  assert.equal(held.compare(), []);
  bytes[RING + 50] = 1;
  assert.equal(held.compare(), [3]);
});

test("beyond the budget a buffer is counted and not compared; what it cost comes back", () => {
  const { bytes, reports, budget, held } = rig(chainCost(chain(new Uint8Array(1 << 16), 0)));
  held.remember(chain(bytes, 1));
  held.shadow.set(2, new Uint8Array(16));
  held.remember(chain(bytes, 2));
  assert.equal([...held.chains.keys()], [1, 2]);
  assert.equal(held.shadow.has(2), false);
  assert.equal(held.chains.get(2)?.tables, []);
  assert.is(budget.take(1), false);
  for (const end of [() => held.drop(1), () => held.clear(), () => held.giveBack()]) {
    end();
    const again = chain(bytes, 1);
    held.remember(again);
    assert.is(again.tables.length, 1, "there was enough again");
  }
  assert.equal(reports, []);
});

test.run();
