// An error means that nothing happened, for guests that hand buffers to a host: whatever the importer does with a buffer
// that it was shown, now or late, one that is refused is held by nobody and can be offered again.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { VdmabufDevice, VdmabufHost } from "../../src/devices/vdmabuf/index.ts";
import { BackendPlan, DeviceRig, FAILURES, settle } from "../../src/testing/index.ts";
import { Numbers } from "../support/hostile/numbers.ts";
import {
  EXPORT,
  exportMessage,
  PAGE,
  S,
  SEND,
  statusOf,
  words,
  writeEntry,
} from "../support/vdmabuf-messages.ts";

const COUNTERS = [1, 2, 3] as const;

function newStage() {
  const plan = new BackendPlan();
  /** Buffers that the importer believes to have. */
  const kept = new Map<number, { release(): void }>();
  const host = new VdmabufHost({
    importer: {
      onExport: (buffer) => plan.call("onExport", () => void kept.set(buffer.id.counter, buffer)),
      onRelease: (buffer) => plan.call("onRelease", () => void kept.delete(buffer.id.counter)),
    },
  });
  const type = new VdmabufDevice({ host });
  const rig = new DeviceRig(type, { memoryBytes: 8 << 20 });
  const pages = [1, 2, 3].map((value) => {
    const page = rig.allocate(PAGE, PAGE);
    rig.memory.view(page, PAGE).fill(value);
    return page;
  });
  const table = (addresses: readonly number[]): number => {
    const at = rig.allocate(PAGE, PAGE);
    for (const [i, address] of addresses.entries()) writeEntry(rig.memory.view(at, PAGE), i, address);
    return at;
  };
  const top = table([table(pages)]);
  const begin = (message: Uint8Array) => {
    const sent = rig.offer(SEND, [message], [24]);
    rig.notify(SEND);
    return sent;
  };
  const snapshot = () =>
    JSON.stringify({
      saved: rig.device.save().type,
      held: type.buffers.map(({ id, sizeBytes, held }) => [id, sizeBytes, held]),
      found: COUNTERS.map((counter) => host.find({ vmId: 1, counter, key0: 1, key1: 2 }) !== null),
      kept: [...kept.keys()].sort(),
      pages: pages.map((page) => Buffer.from(rig.memory.read(page, PAGE)).toString("base64")),
    });
  return { plan, kept, rig, type, begin, snapshot, top };
}

type Stage = ReturnType<typeof newStage>;

const offer = ({ top }: Stage, counter: number) =>
  exportMessage({ counter, key0: 1, key1: 2, pages: 3, top, data: Uint8Array.of(counter) });

/** Lets back ends and the device finish what they have. */
async function finish({ plan, rig }: Stage, n: Numbers): Promise<void> {
  for (let i = 0; i < 20; i++) {
    while (plan.owed > 0) plan.settle(n.below(plan.owed));
    await settle();
    for (const task of rig.scheduled.splice(0)) task();
    rig.collect(SEND);
  }
}

const unhandled: unknown[] = [];
process.on("unhandledRejection", (reason) => unhandled.push(reason));

for (const late of [false, true]) {
  test(`a buffer that the importer refuses, ${late ? "late" : "at once"}, was never there`, async () => {
    const ways = new Set<string>();
    for (const failure of FAILURES) {
      const stage = newStage();
      const { plan, rig, type, begin, snapshot, kept } = stage;
      const n = new Numbers(1);
      await finish(stage, n);
      begin(offer(stage, 1));
      const before = snapshot();
      plan.late = () => late;
      plan.failAfter = 0;
      plan.failure = failure;
      const sent = begin(offer(stage, 2));
      await finish(stage, n);
      plan.failAfter = -1;
      assert.equal(plan.failed, [`onExport: ${failure}`]);
      assert.is(statusOf(rig.response(sent)), S.IMPORT, failure);
      assert.is(snapshot(), before, failure);
      ways.add(failure);
      // And the same buffer may be offered again.
      const again = begin(offer(stage, 2));
      await finish(stage, n);
      assert.is(statusOf(rig.response(again)), S.OK, failure);
      assert.equal([...kept.keys()], [1, 2]);
      assert.is(type.buffers.length, 2);
    }
    assert.is(ways.size, FAILURES.length);
    assert.equal(unhandled, []);
  });
}

test("the same for any messages in any order: the importer has what the device believes", async () => {
  const seen = new Set<number>();
  for (let seed = 0; seed < 40; seed++) {
    const n = new Numbers(seed);
    const stage = newStage();
    const { plan, rig, type, begin, snapshot, kept } = stage;
    for (let i = 0; i < 12; i++) {
      plan.late = () => n.chance(40);
      plan.failAfter = n.chance(60) ? n.below(2) : -1;
      plan.failure = n.pick(FAILURES);
      const before = snapshot();
      const counter = n.pick(COUNTERS);
      const message = n.chance(85)
        ? offer(stage, counter)
        : words(EXPORT, counter, 1, 1, 2, 0, 0, PAGE, 0, 0, 0);
      const sent = begin(message);
      await finish(stage, n);
      const status = statusOf(rig.response(sent));
      seen.add(status);
      const what = `seed ${seed}, step ${i}, status ${status}`;
      if (status !== S.OK) assert.is(snapshot(), before, what);
      plan.failAfter = -1;
      const held = type.buffers.map(({ id }) => id.counter).sort();
      assert.equal([...kept.keys()].sort(), held, what);
      // What an importer gives back is gone, whatever it says when it is told so.
      if (n.chance(30) && kept.size > 0) {
        const [released = 0] = kept.keys();
        plan.failAfter = n.chance(40) ? 0 : -1;
        plan.failure = n.pick(FAILURES);
        kept.get(released)?.release();
        kept.delete(released);
        await finish(stage, n);
        assert.not(type.buffers.some(({ id }) => id.counter === released));
      }
    }
  }
  for (const status of [S.OK, S.HELD, S.IMPORT]) assert.ok(seen.has(status), `status ${status}`);
  assert.equal(unhandled, []);
});

test.run();
