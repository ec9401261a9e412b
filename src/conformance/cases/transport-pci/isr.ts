import {
  PCI_COMMAND,
  PCI_COMMAND_INTX_DISABLE,
  PCI_INTERRUPT_PIN,
  PCI_STATUS,
  PCI_STATUS_INTERRUPT,
  VIRTIO_PCI_CAP_ISR_CFG,
  VIRTIO_PCI_ISR_CONFIG,
  VIRTIO_PCI_ISR_QUEUE,
} from "../../../wire/pci.ts";
import { CaseList, type CaseRun } from "../../case.ts";
import { mapVector, PCI, PCI_EACH, provokeConfigChange, structures, withMsix } from "./common.ts";

const cases = new CaseList();
const RULES = "transport-pci.device.isr-status-capability";

/** The ISR status, by a read that resets it. */
async function readIsr(t: CaseRun): Promise<number> {
  const { bar, offset } = t.guest.pci.structure(VIRTIO_PCI_CAP_ISR_CFG);
  return t.guest.pci.raw.barRead(bar, offset, 1);
}

async function interruptStatus(t: CaseRun): Promise<boolean> {
  return ((await t.guest.pci.raw.configRead(PCI_STATUS, 2)) & PCI_STATUS_INTERRUPT) !== 0;
}

/** INTx must be there for the cases about it. */
async function needIntx(t: CaseRun): Promise<void> {
  if ((await t.guest.pci.raw.configRead(PCI_INTERRUPT_PIN, 1)) === 0)
    t.skip("the function has no interrupt pin");
}

cases.add({
  id: "transport-pci/isr/present",
  title: "There is an ISR status capability",
  clauses: [`${RULES}.1`],
  needs: PCI,
  async run(t) {
    t.ok(structures(t, VIRTIO_PCI_CAP_ISR_CFG).length > 0, "there is a VIRTIO_PCI_CAP_ISR_CFG capability");
  },
});

cases.add({
  id: "transport-pci/isr/configuration-bit",
  title: "When a configuration change notification arrives, by INTx or MSI-X, the ISR status says so",
  clauses: [`${RULES}.2`],
  needs: PCI,
  parameters: [{ by: "intx" }, { by: "msix" }],
  async run(t, { by }) {
    if (by === "intx") {
      await needIntx(t);
      await t.guest.start();
      await provokeConfigChange(t);
      t.equal(await t.guest.dut.interruptLine(), true, "the interrupt line");
    } else {
      await withMsix(t, async (msix) => {
        await t.guest.start();
        t.equal(await mapVector(t, "config", 0), 0, "config_msix_vector");
        msix.forget();
        await provokeConfigChange(t);
        t.ok((await msix.take()).includes(0), "the configuration change notification arrived");
        t.ok(
          ((await readIsr(t)) & VIRTIO_PCI_ISR_CONFIG) !== 0,
          "the Device Configuration Interrupt bit is set",
        );
      });
      return;
    }
    t.ok(((await readIsr(t)) & VIRTIO_PCI_ISR_CONFIG) !== 0, "the Device Configuration Interrupt bit is set");
  },
});

cases.add({
  id: "transport-pci/isr/queue-bit",
  title:
    "When a used-buffer notification arrives by INTx, the ISR status says so, and nothing of the configuration",
  clauses: [`${RULES}.3`],
  needs: PCI_EACH,
  async run(t) {
    await needIntx(t);
    await t.guest.start();
    t.equal(await t.guest.dut.interruptLine(), false, "the interrupt line before any buffer was used");
    t.equal(await readIsr(t), 0, "the ISR status before any buffer was used");
    await t.serves();
    await t.guest.dut.settle();
    t.equal(await t.guest.dut.interruptLine(), true, "the interrupt line");
    t.equal(await readIsr(t), VIRTIO_PCI_ISR_QUEUE, "the ISR status");
  },
});

cases.add({
  id: "transport-pci/isr/interrupt-status",
  title: "Interrupt Status in the PCI header is the OR of the ISR bits, and the interrupt line follows it",
  clauses: [`${RULES}.4`],
  needs: PCI,
  parameters: [{ event: "queue" }, { event: "config" }],
  async run(t, { event }) {
    await needIntx(t);
    await t.guest.start();
    t.equal(await interruptStatus(t), false, "Interrupt Status before anything happened");
    t.equal(await t.guest.dut.interruptLine(), false, "the interrupt line before anything happened");
    if (event === "queue") await t.serves();
    else await provokeConfigChange(t);
    await t.guest.dut.settle();
    t.equal(await interruptStatus(t), true, "Interrupt Status with the ISR status set");
    t.equal(await t.guest.dut.interruptLine(), true, "the interrupt line with the ISR status set");
    t.ok((await readIsr(t)) !== 0, "the ISR status is not 0");
    t.equal(await interruptStatus(t), false, "Interrupt Status with the ISR status 0");
    t.equal(await t.guest.dut.interruptLine(), false, "the interrupt line with the ISR status 0");
  },
});

cases.add({
  id: "transport-pci/isr/interrupt-disable",
  title: "Interrupt Disable in Command holds the line down, but not Interrupt Status",
  clauses: [`${RULES}.4`],
  needs: PCI,
  async run(t) {
    await needIntx(t);
    const { raw } = t.guest.pci;
    await t.guest.start();
    const command = await raw.configRead(PCI_COMMAND, 2);
    await raw.configWrite(PCI_COMMAND, 2, command | PCI_COMMAND_INTX_DISABLE);
    try {
      await t.serves();
      await t.guest.dut.settle();
      t.equal(await t.guest.dut.interruptLine(), false, "the interrupt line, disabled");
      t.equal(await interruptStatus(t), true, "Interrupt Status");
      await raw.configWrite(PCI_COMMAND, 2, command & ~PCI_COMMAND_INTX_DISABLE);
      t.equal(await t.guest.dut.interruptLine(), true, "the interrupt line, enabled again");
    } finally {
      await raw.configWrite(PCI_COMMAND, 2, command);
    }
  },
});

cases.add({
  id: "transport-pci/isr/read-resets",
  title: "A read of the ISR status resets it to 0, whichever bits are set",
  clauses: [`${RULES}.5`],
  needs: PCI,
  parameters: [{ event: "queue" }, { event: "config" }],
  async run(t, { event }) {
    await t.guest.start();
    if (event === "queue") await t.serves();
    else await provokeConfigChange(t);
    await t.guest.dut.settle();
    const bit = event === "queue" ? VIRTIO_PCI_ISR_QUEUE : VIRTIO_PCI_ISR_CONFIG;
    t.ok(((await readIsr(t)) & bit) !== 0, `bit ${bit} of the ISR status is set`);
    t.equal(await readIsr(t), 0, "the ISR status, read again");
    t.equal(await t.guest.dut.interruptLine(), false, "the interrupt line");
  },
});

cases.add({
  id: "transport-pci/isr/both-at-once",
  title: "One interrupt may say both: that buffers were used and that the configuration changed",
  clauses: ["transport-pci.prose.notification-of-device-configuration-changes.1"],
  needs: PCI,
  parameters: [{ by: "intx" }, { by: "msix" }],
  async run(t, { by }) {
    if (by === "intx") {
      await needIntx(t);
      await t.guest.start();
      await t.serves();
      await provokeConfigChange(t);
      await t.guest.dut.settle();
      t.equal(await readIsr(t), VIRTIO_PCI_ISR_QUEUE | VIRTIO_PCI_ISR_CONFIG, "the ISR status");
      t.equal(await t.guest.dut.interruptLine(), false, "the interrupt line after one read");
      return;
    }
    await withMsix(t, async (msix) => {
      await t.guest.start();
      t.equal(await mapVector(t, "config", 0), 0, "config_msix_vector");
      t.equal(await mapVector(t, 0, 0), 0, "queue_msix_vector");
      await t.serves();
      t.ok((await msix.take()).includes(0), "the used-buffer notification arrived on the shared vector");
      await provokeConfigChange(t);
      t.ok(
        (await msix.take()).includes(0),
        "the configuration change notification arrived on the shared vector",
      );
    });
  },
});

/** The ISR status capability (virtio 1.4, sections 4.1.4.5 and 4.1.5.4). */
export const ISR_CASES = cases.all;
