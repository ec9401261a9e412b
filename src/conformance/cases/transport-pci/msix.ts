import { VIRTIO_MSI_NO_VECTOR } from "../../../wire/common.ts";
import {
  PCI_MSIX_ENTRY_CTRL_MASKBIT,
  PCI_MSIX_ENTRY_DATA,
  PCI_MSIX_ENTRY_LOWER_ADDR,
  PCI_MSIX_ENTRY_SIZE,
  PCI_MSIX_ENTRY_VECTOR_CTRL,
  PCI_MSIX_FLAGS_ENABLE,
  PCI_MSIX_FLAGS_MASKALL,
} from "../../../wire/pci.ts";
import { CaseList } from "../../case.ts";
import { probeBars } from "../../guest/index.ts";
import {
  events,
  mappedVector,
  mapVector,
  msixOf,
  PCI,
  PCI_EACH,
  provokeConfigChange,
  queueCount,
  withMsix,
} from "./common.ts";

const cases = new CaseList();
const RULES = "transport-pci.device.msi-x-vector-configuration";
const MAX_VECTORS = 0x800;

cases.add({
  id: "transport-pci/msix/number-of-vectors",
  title: "There are at least 2 and at most 0x800 vectors",
  clauses: [`${RULES}.1`],
  needs: PCI,
  async run(t) {
    const { vectors } = await msixOf(t);
    t.ok(vectors >= 2 && vectors <= MAX_VECTORS, `${vectors} vectors are 2 to 0x800`);
  },
});

cases.add({
  id: "transport-pci/msix/table-size",
  title:
    "The table has as many entries as Table Size says: each keeps its own message, and lies inside of its BAR",
  clauses: [`${RULES}.2`],
  needs: PCI,
  async run(t) {
    const msix = await msixOf(t);
    const bars = await probeBars(t.guest.pci.raw);
    const size = bars.find(({ index }) => index === msix.table.bar)?.sizeBytes ?? 0n;
    const end = msix.table.offset + msix.vectors * PCI_MSIX_ENTRY_SIZE;
    t.ok(BigInt(end) <= size, `the table ends within the ${size} bytes of BAR ${msix.table.bar}`);
    const pendingBytes = 8 * Math.ceil(msix.vectors / 64);
    const apart =
      msix.pending.bar !== msix.table.bar ||
      msix.pending.offset >= end ||
      msix.pending.offset + pendingBytes <= msix.table.offset;
    t.ok(apart, "table and pending bits do not overlap");
    for (let vector = 0; vector < msix.vectors; vector++) {
      await msix.write(vector, PCI_MSIX_ENTRY_DATA, 0x1000 + vector);
      await msix.write(vector, PCI_MSIX_ENTRY_LOWER_ADDR, 0x2000 + 4 * vector);
    }
    for (let vector = 0; vector < msix.vectors; vector++) {
      t.equal(await msix.read(vector, PCI_MSIX_ENTRY_DATA), 0x1000 + vector, `the data of vector ${vector}`);
      const address = await msix.read(vector, PCI_MSIX_ENTRY_LOWER_ADDR);
      t.equal(address, 0x2000 + 4 * vector, `the address of vector ${vector}`);
    }
  },
});

cases.add({
  id: "transport-pci/msix/table-size-bounds-mapping",
  title: "The last vector of Table Size can be mapped, and the one behind it cannot",
  clauses: [`${RULES}.2`, `${RULES}.9`],
  needs: PCI,
  async run(t) {
    await withMsix(t, async ({ vectors }) => {
      await t.guest.negotiate();
      for (const event of await events(t)) {
        t.equal(await mapVector(t, event, vectors - 1), vectors - 1, `the vector of ${event}`);
        t.equal(
          await mapVector(t, event, vectors),
          VIRTIO_MSI_NO_VECTOR,
          `the vector of ${event}, beyond the table,`,
        );
      }
    });
  },
});

cases.add({
  id: "transport-pci/msix/no-more-vectors-than-events",
  title:
    "Table Size offers no vectors that nothing could use: one for each queue, and one for the configuration",
  clauses: [`${RULES}.3`],
  needs: PCI,
  async run(t) {
    const { vectors } = await msixOf(t);
    const useful = Math.max(2, (await queueCount(t)) + 1);
    t.ok(vectors <= useful, `${vectors} vectors are at most ${useful}, one for each source of events`);
  },
});

cases.add({
  id: "transport-pci/msix/any-event-to-any-vector",
  title: "Every event can be mapped to every vector, and the register returns the vector",
  clauses: [`${RULES}.4`, `${RULES}.6`, `${RULES}.8`],
  needs: PCI,
  async run(t) {
    await withMsix(t, async ({ vectors }) => {
      await t.guest.negotiate();
      for (const event of await events(t)) {
        for (let vector = 0; vector < vectors; vector++) {
          t.equal(await mapVector(t, event, vector), vector, `the vector of ${event}`);
        }
      }
    });
  },
});

cases.add({
  id: "transport-pci/msix/queue-events-arrive",
  title: "A queue's notifications arrive on the vector it is mapped to and on no other, whichever that is",
  clauses: [`${RULES}.4`],
  needs: PCI_EACH,
  async run(t) {
    await withMsix(t, async (msix) => {
      await t.guest.start();
      for (const queue of t.guest.model.queues.keys()) {
        for (let vector = 0; vector < msix.vectors; vector++) {
          t.equal(await mapVector(t, queue, vector), vector, `queue_msix_vector of queue ${queue}`);
          msix.forget();
          await t.serves(queue);
          t.equal(
            (await msix.take()).join(),
            String(vector),
            `the vectors whose messages came for queue ${queue}`,
          );
        }
        await mapVector(t, queue, VIRTIO_MSI_NO_VECTOR);
      }
      t.equal(await t.guest.dut.interruptLine(), false, "the interrupt line, with MSI-X enabled");
    });
  },
});

cases.add({
  id: "transport-pci/msix/configuration-events-arrive",
  title: "Configuration change notifications arrive on the vector they are mapped to, whichever that is",
  clauses: [`${RULES}.4`],
  needs: PCI,
  async run(t) {
    await withMsix(t, async (msix) => {
      for (let vector = 0; vector < msix.vectors; vector++) {
        await t.guest.reset();
        await t.guest.start();
        t.equal(await mapVector(t, "config", vector), vector, "config_msix_vector");
        msix.forget();
        await provokeConfigChange(t);
        t.equal((await msix.take()).join(), String(vector), "the vectors whose messages came");
      }
    });
  },
});

cases.add({
  id: "transport-pci/msix/unmapping",
  title: "Every event can be unmapped again, and mapped once more",
  clauses: [`${RULES}.5`, `${RULES}.6`],
  needs: PCI,
  async run(t) {
    await withMsix(t, async () => {
      await t.guest.negotiate();
      for (const event of await events(t)) {
        t.equal(await mappedVector(t, event), VIRTIO_MSI_NO_VECTOR, `the vector of ${event} at first`);
        t.equal(await mapVector(t, event, 1), 1, `the vector of ${event}, mapped`);
        t.equal(
          await mapVector(t, event, VIRTIO_MSI_NO_VECTOR),
          VIRTIO_MSI_NO_VECTOR,
          `the vector of ${event}, unmapped`,
        );
        t.equal(await mapVector(t, event, 0), 0, `the vector of ${event}, mapped once more`);
      }
    });
  },
});

cases.add({
  id: "transport-pci/msix/each-event-has-its-own",
  title: "Each event keeps the vector it was given while others get theirs",
  clauses: [`${RULES}.6`],
  needs: PCI,
  async run(t) {
    await withMsix(t, async ({ vectors }) => {
      await t.guest.negotiate();
      const all = await events(t);
      for (const [i, event] of all.entries()) await mapVector(t, event, i % vectors);
      for (const [i, event] of all.entries())
        t.equal(await mappedVector(t, event), i % vectors, `the vector of ${event}`);
      await mapVector(t, 0, VIRTIO_MSI_NO_VECTOR);
      t.equal(await mappedVector(t, "config"), 0, "config_msix_vector after queue 0 was unmapped");
    });
  },
});

cases.add({
  id: "transport-pci/msix/reset-unmaps",
  title: "A reset unmaps all queues and the configuration",
  clauses: [`${RULES}.7`],
  needs: PCI,
  async run(t) {
    await withMsix(t, async () => {
      await t.guest.start();
      const all = await events(t);
      for (const event of all) t.equal(await mapVector(t, event, 1), 1, `the vector of ${event}`);
      await t.guest.reset();
      for (const event of all) {
        t.equal(await mappedVector(t, event), VIRTIO_MSI_NO_VECTOR, `the vector of ${event} after the reset`);
      }
    });
  },
});

cases.add({
  id: "transport-pci/msix/mapping-failures",
  title: "Mapping to a vector that does not exist fails, and the register returns NO_VECTOR",
  clauses: [`${RULES}.9`, `${RULES}.6`],
  needs: PCI,
  parameters: [{ vector: 0x7ff }, { vector: 0x800 }, { vector: 0x8000 }, { vector: 0xfffe }],
  async run(t, { vector }) {
    await withMsix(t, async ({ vectors }) => {
      if (vector < vectors) t.skip("the device has so many vectors");
      await t.guest.negotiate();
      for (const event of await events(t)) {
        t.equal(await mapVector(t, event, 0), 0, `the vector of ${event}`);
        t.equal(
          await mapVector(t, event, vector),
          VIRTIO_MSI_NO_VECTOR,
          `the vector of ${event}, that failed,`,
        );
      }
    });
  },
});

cases.add({
  id: "transport-pci/msix/unmapped-queue-is-silent",
  title: "With MSI-X enabled, a queue without a vector interrupts by no means",
  clauses: ["transport-pci.device.used-buffer-notifications.1"],
  needs: PCI_EACH,
  async run(t) {
    await withMsix(t, async (msix) => {
      await t.guest.start();
      t.equal(await mapVector(t, "config", 0), 0, "config_msix_vector");
      t.equal(await mapVector(t, 0, 1), 1, "queue_msix_vector");
      msix.forget();
      await t.serves();
      t.equal((await msix.take()).join(), "1", "the vectors whose messages came for the mapped queue");
      t.equal(await mapVector(t, 0, VIRTIO_MSI_NO_VECTOR), VIRTIO_MSI_NO_VECTOR, "queue_msix_vector");
      await t.serves();
      t.equal((await msix.take()).join(), "", "the vectors whose messages came for the unmapped queue");
      t.equal(await t.guest.dut.interruptLine(), false, "the interrupt line");
    });
  },
});

cases.add({
  id: "transport-pci/msix/unmapped-configuration-is-silent",
  title: "With MSI-X enabled, configuration changes without a vector interrupt by no means",
  clauses: ["transport-pci.device.notification-of-device-configuration-changes.1"],
  needs: PCI,
  async run(t) {
    await withMsix(t, async (msix) => {
      await t.guest.start();
      t.equal(await mapVector(t, 0, 1), 1, "queue_msix_vector");
      msix.forget();
      await provokeConfigChange(t);
      t.equal((await msix.take()).join(), "", "the vectors whose messages came");
      t.equal(await t.guest.dut.interruptLine(), false, "the interrupt line");
    });
  },
});

cases.add({
  id: "transport-pci/msix/masking",
  title: "A masked vector holds its message back as a pending bit, and sends it when it is unmasked",
  clauses: ["transport-pci.device.virtio-over-pci-bus.1"],
  needs: PCI,
  parameters: [{ mask: "vector" }, { mask: "function" }],
  async run(t, { mask }) {
    await withMsix(t, async (msix) => {
      await t.guest.start();
      t.equal(await mapVector(t, 0, 1), 1, "queue_msix_vector");
      const setMask = (masked: boolean): Promise<void> =>
        mask === "vector"
          ? msix.write(1, PCI_MSIX_ENTRY_VECTOR_CTRL, masked ? PCI_MSIX_ENTRY_CTRL_MASKBIT : 0)
          : msix.setControl(PCI_MSIX_FLAGS_ENABLE | (masked ? PCI_MSIX_FLAGS_MASKALL : 0));
      msix.forget();
      await setMask(true);
      await t.serves();
      t.equal((await msix.take()).join(), "", "the vectors whose messages came while masked");
      t.equal(await msix.isPending(1), true, "the pending bit of vector 1");
      await setMask(false);
      t.equal((await msix.take()).join(), "1", "the vectors whose messages came once unmasked");
      t.equal(await msix.isPending(1), false, "the pending bit of vector 1");
    });
  },
});

/** MSI-X (virtio 1.4, sections 4.1.5.1.2, 4.1.5.3 and 4.1.5.4). */
export const MSIX_CASES = cases.all;
