import {
  VIRTIO_MMIO_INT_CONFIG,
  VIRTIO_MMIO_INT_VRING,
  VIRTIO_MMIO_INTERRUPT_ACK,
  VIRTIO_MMIO_INTERRUPT_STATUS,
  VIRTIO_MMIO_QUEUE_READY,
  VIRTIO_MMIO_QUEUE_SEL,
} from "../../../wire/mmio.ts";
import { type CaseDefinition, CaseList, type CaseRun } from "../../case.ts";
import { displays, type OneDisplay } from "../gpu/displays.ts";
import { GpuSession } from "../gpu/session.ts";
import { CLAUSE, MMIO, MMIO_RINGS } from "./common.ts";

const cases = new CaseList();
const HOTPLUG = { ...MMIO, devices: ["gpu"], displayChange: true };
const KNOWN = VIRTIO_MMIO_INT_VRING | VIRTIO_MMIO_INT_CONFIG;

async function status(t: CaseRun): Promise<number> {
  await t.guest.dut.settle();
  return t.guest.mmio.read(VIRTIO_MMIO_INTERRUPT_STATUS);
}

function acknowledge(t: CaseRun, bits: number): Promise<void> {
  return t.guest.mmio.write(VIRTIO_MMIO_INTERRUPT_ACK, bits);
}

async function lineIs(t: CaseRun, asserted: boolean, when: string): Promise<void> {
  await t.guest.dut.settle();
  t.equal(await t.guest.dut.interruptLine(), asserted, `whether the interrupt is asserted ${when}`);
}

/** Changes monitor 0 while `body` runs. */
async function withChange(t: CaseRun, body: () => Promise<void>): Promise<void> {
  const gpu = await GpuSession.start(t);
  const { width, height } = (await displays(gpu))[0] as OneDisplay;
  await t.guest.takeInterrupts();
  await t.guest.dut.changeDisplay?.({ scanout: 0, width: width + 16, height });
  try {
    await body();
  } finally {
    await t.guest.dut.changeDisplay?.({ scanout: 0, width, height });
  }
}

cases.add({
  id: "transport-mmio/interrupt/none",
  title: "As long as nothing took place, InterruptStatus is 0 and nothing is asserted",
  clauses: [CLAUSE.noOtherEvents],
  needs: MMIO_RINGS,
  async run(t) {
    t.equal(await status(t), 0, "InterruptStatus behind a reset");
    await t.guest.start();
    t.equal(await status(t), 0, "InterruptStatus with DRIVER_OK");
    await lineIs(t, false, "with DRIVER_OK");
  },
});

cases.add({
  id: "transport-mmio/interrupt/used-buffer",
  title: "A used buffer shows in bit 0 of InterruptStatus, and in no other",
  clauses: [CLAUSE.events, CLAUSE.noOtherEvents],
  needs: MMIO_RINGS,
  async run(t) {
    await t.guest.start();
    await t.serves();
    t.equal(await status(t), VIRTIO_MMIO_INT_VRING, "InterruptStatus");
    await lineIs(t, true, "behind a used buffer");
  },
});

cases.add({
  id: "transport-mmio/interrupt/until-acknowledged",
  title: "An event shows until InterruptACK is written: not reading it ends it, nor more buffers",
  clauses: [CLAUSE.events],
  needs: MMIO_RINGS,
  async run(t) {
    await t.guest.start();
    await t.serves();
    for (let round = 0; round < 3; round++) {
      t.equal(await status(t), VIRTIO_MMIO_INT_VRING, "InterruptStatus");
      await lineIs(t, true, "behind a read of InterruptStatus");
    }
    await t.serves();
    t.equal(await status(t), VIRTIO_MMIO_INT_VRING, "InterruptStatus behind another used buffer");
    await acknowledge(t, VIRTIO_MMIO_INT_VRING);
    t.equal(await status(t), 0, "InterruptStatus behind InterruptACK");
    await lineIs(t, false, "behind InterruptACK");
  },
});

cases.add({
  id: "transport-mmio/interrupt/other-bits",
  title: "Writes to InterruptACK without the bit of an event leave it alone",
  clauses: [CLAUSE.events],
  needs: MMIO_RINGS,
  parameters: [{ bits: 0 }, { bits: VIRTIO_MMIO_INT_CONFIG }],
  async run(t, { bits }) {
    await t.guest.start();
    await t.serves();
    await acknowledge(t, bits);
    t.equal(await status(t), VIRTIO_MMIO_INT_VRING, `InterruptStatus behind InterruptACK ← ${bits}`);
    await lineIs(t, true, `behind InterruptACK ← ${bits}`);
  },
});

cases.add({
  id: "transport-mmio/interrupt/again",
  title: "An event that was acknowledged shows again with the next used buffer",
  clauses: [CLAUSE.events],
  needs: MMIO_RINGS,
  async run(t) {
    await t.guest.start();
    for (let round = 0; round < 3; round++) {
      await t.serves();
      t.equal(await status(t), VIRTIO_MMIO_INT_VRING, "InterruptStatus");
      await acknowledge(t, VIRTIO_MMIO_INT_VRING);
      t.equal(await status(t), 0, "InterruptStatus behind InterruptACK");
    }
  },
});

cases.add({
  id: "transport-mmio/interrupt/acknowledged-in-advance",
  title: "An acknowledgement of what did not take place does not swallow what does afterwards",
  clauses: [CLAUSE.events],
  needs: MMIO_RINGS,
  async run(t) {
    await t.guest.start();
    await acknowledge(t, KNOWN);
    t.equal(await status(t), 0, "InterruptStatus behind InterruptACK");
    await t.serves();
    t.equal(await status(t), VIRTIO_MMIO_INT_VRING, "InterruptStatus behind a used buffer");
  },
});

cases.add({
  id: "transport-mmio/interrupt/no-buffer-no-event",
  title: "A notification of a queue without new buffers is not an event",
  clauses: [CLAUSE.noOtherEvents],
  needs: MMIO_RINGS,
  async run(t) {
    await t.guest.start();
    await t.guest.notify(t.guest.ring(0));
    t.equal(await status(t), 0, "InterruptStatus");
  },
});

cases.add({
  id: "transport-mmio/interrupt/configuration-change",
  title: "A change of the configuration shows in bit 1 of InterruptStatus, and in no other",
  clauses: [CLAUSE.events, CLAUSE.noOtherEvents],
  needs: HOTPLUG,
  async run(t) {
    await withChange(t, async () => {
      t.equal(await status(t), VIRTIO_MMIO_INT_CONFIG, "InterruptStatus");
      await lineIs(t, true, "behind a change");
      await acknowledge(t, VIRTIO_MMIO_INT_VRING);
      t.equal(await status(t), VIRTIO_MMIO_INT_CONFIG, "InterruptStatus behind InterruptACK of the other");
      await acknowledge(t, VIRTIO_MMIO_INT_CONFIG);
      t.equal(await status(t), 0, "InterruptStatus behind InterruptACK");
      await lineIs(t, false, "behind InterruptACK");
    });
  },
});

cases.add({
  id: "transport-mmio/interrupt/both",
  title: "Two events show side by side and are acknowledged one by one",
  clauses: [CLAUSE.events],
  needs: HOTPLUG,
  parameters: [{ first: VIRTIO_MMIO_INT_VRING }, { first: VIRTIO_MMIO_INT_CONFIG }],
  async run(t, { first }) {
    await withChange(t, async () => {
      await t.serves();
      t.equal(await status(t), KNOWN, "InterruptStatus");
      await acknowledge(t, first);
      t.equal(await status(t), KNOWN & ~first, `InterruptStatus behind InterruptACK ← ${first}`);
      await lineIs(t, true, "with one event left");
      await acknowledge(t, KNOWN & ~first);
      t.equal(await status(t), 0, "InterruptStatus behind the other");
      await lineIs(t, false, "with none left");
    });
  },
});

cases.add({
  id: "transport-mmio/reset/events",
  title: "A reset clears InterruptStatus and withdraws the interrupt",
  clauses: [CLAUSE.reset],
  needs: MMIO_RINGS,
  async run(t) {
    await t.guest.start();
    await t.serves();
    t.equal(await status(t), VIRTIO_MMIO_INT_VRING, "InterruptStatus before the reset");
    await t.guest.writeStatus(0);
    t.equal(await status(t), 0, "InterruptStatus behind the reset");
    await lineIs(t, false, "behind the reset");
  },
});

cases.add({
  id: "transport-mmio/reset/configuration-event",
  title: "A reset clears the event of a configuration change, too",
  clauses: [CLAUSE.reset],
  needs: HOTPLUG,
  async run(t) {
    await withChange(t, async () => {
      t.ok(((await status(t)) & VIRTIO_MMIO_INT_CONFIG) !== 0, "the event shows before the reset");
      await t.guest.writeStatus(0);
      t.equal(await status(t), 0, "InterruptStatus behind the reset");
    });
  },
});

cases.add({
  id: "transport-mmio/reset/queue-ready",
  title: "A reset clears QueueReady of every queue",
  clauses: [CLAUSE.reset],
  needs: MMIO_RINGS,
  async run(t) {
    const { mmio, model } = t.guest;
    await t.guest.start();
    for (const queue of model.queues.keys()) {
      t.equal(
        await t.guest.registers.queueEnabled(queue),
        1,
        `QueueReady of queue ${queue} before the reset`,
      );
    }
    await t.guest.writeStatus(0);
    await t.guest.dut.settle();
    for (const queue of model.queues.keys()) {
      await mmio.write(VIRTIO_MMIO_QUEUE_SEL, queue);
      t.equal(await mmio.read(VIRTIO_MMIO_QUEUE_READY), 0, `QueueReady of queue ${queue} behind the reset`);
    }
  },
});

/** InterruptStatus, InterruptACK, and what a reset clears. */
export const INTERRUPT_CASES: readonly CaseDefinition[] = cases.all;
