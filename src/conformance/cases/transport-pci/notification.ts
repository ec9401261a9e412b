import { VIRTIO_F_NOTIFICATION_DATA } from "../../../wire/common.ts";
import {
  VIRTIO_PCI_CAP_NOTIFY_CFG,
  VIRTIO_PCI_COMMON_CFG,
  VIRTIO_PCI_NOTIFY_CAP,
} from "../../../wire/pci.ts";
import { CaseList, type CaseRun } from "../../case.ts";
import { PCI, PCI_EACH, queueCount, structures } from "./common.ts";

const cases = new CaseList();

const RULES = "transport-pci.device.notification-capability";

/** Skips the case unless the device offers VIRTIO_F_NOTIFICATION_DATA, or unless it does not. */
async function onlyIf(t: CaseRun, offered: boolean): Promise<void> {
  const bits = await t.guest.offeredFeatures();
  if (bits.has(VIRTIO_F_NOTIFICATION_DATA) === offered) return;
  t.skip(`the device ${offered ? "does not offer" : "offers"} VIRTIO_F_NOTIFICATION_DATA`);
}

/** Every notification structure with its multiplier. */
async function notifyStructures(
  t: CaseRun,
): Promise<{ offset: number; lengthBytes: number; multiplier: number }[]> {
  const found: { offset: number; lengthBytes: number; multiplier: number }[] = [];
  for (const { at, offset, lengthBytes } of structures(t, VIRTIO_PCI_CAP_NOTIFY_CFG)) {
    const multiplier = await t.guest.pci.raw.configRead(at + VIRTIO_PCI_NOTIFY_CAP.notify_off_multiplier, 4);
    found.push({ offset, lengthBytes, multiplier });
  }
  if (found.length === 0) t.fail("there is no notification capability");
  return found;
}

function isPowerOfTwo(value: number): boolean {
  return value > 0 && Number.isInteger(Math.log2(value));
}

/** queue_notify_off of every queue. */
async function notifyOffsets(t: CaseRun): Promise<number[]> {
  const offsets: number[] = [];
  const count = await queueCount(t);
  for (let queue = 0; queue < count; queue++) {
    await t.guest.pci.selectQueue(queue);
    offsets.push(await t.guest.pci.common(VIRTIO_PCI_COMMON_CFG.queue_notify_off, 2));
  }
  return offsets;
}

cases.add({
  id: "transport-pci/notification/present",
  title: "There is a notification capability",
  clauses: [`${RULES}.1`],
  needs: PCI,
  async run(t) {
    t.ok(
      structures(t, VIRTIO_PCI_CAP_NOTIFY_CFG).length > 0,
      "there is a VIRTIO_PCI_CAP_NOTIFY_CFG capability",
    );
  },
});

for (const [data, bytes, alignment, multiplier, least, room] of [
  [false, 2, 2, 3, 4, 5],
  [true, 4, 7, 6, 8, 9],
] as const) {
  const suffix = data ? "with-data" : "without-data";
  const offering = `${data ? "" : "not "}offering VIRTIO_F_NOTIFICATION_DATA`;

  cases.add({
    id: `transport-pci/notification/alignment-${suffix}`,
    title: `cap.offset is ${bytes}-byte aligned in a device ${offering}`,
    clauses: [`${RULES}.${alignment}`],
    needs: PCI,
    async run(t) {
      await onlyIf(t, data);
      for (const { offset } of await notifyStructures(t))
        t.equal(offset % bytes, 0, `cap.offset modulo ${bytes}`);
    },
  });

  cases.add({
    id: `transport-pci/notification/multiplier-${suffix}`,
    title: `notify_off_multiplier is 0 or a power of 2 from ${bytes} on in a device ${offering}`,
    clauses: [`${RULES}.${multiplier}`],
    needs: PCI,
    async run(t) {
      await onlyIf(t, data);
      for (const { multiplier: step } of await notifyStructures(t)) {
        t.ok(
          step === 0 || (isPowerOfTwo(step) && step % bytes === 0),
          `notify_off_multiplier ${step} is 0 or a power of 2 and a multiple of ${bytes}`,
        );
      }
    },
  });

  cases.add({
    id: `transport-pci/notification/length-${suffix}`,
    title: `cap.length has room for a notification of ${bytes} bytes for every queue in a device ${offering}`,
    clauses: [`${RULES}.${least}`, `${RULES}.${room}`],
    needs: PCI_EACH,
    async run(t) {
      await onlyIf(t, data);
      const check = async (when: string): Promise<void> => {
        const offsets = await notifyOffsets(t);
        for (const { lengthBytes, multiplier: step } of await notifyStructures(t)) {
          t.ok(lengthBytes >= bytes, `cap.length ${lengthBytes} is ${bytes} or more`);
          for (const [queue, offset] of offsets.entries()) {
            t.ok(
              lengthBytes >= offset * step + bytes,
              `cap.length ${lengthBytes} has room for queue ${queue}, ${when}: ${offset} × ${step} + ${bytes}`,
            );
          }
        }
      };
      await check("after a reset");
      await t.guest.start(data ? { features: [VIRTIO_F_NOTIFICATION_DATA] } : {});
      await check("with the queues enabled");
    },
  });
}

/** The notification capability (virtio 1.4, section 4.1.4.4). */
export const NOTIFICATION_CASES = cases.all;
