import { PCI_STD_NUM_BARS, VIRTIO_PCI_COMMON_CFG } from "../../../wire/pci.ts";
import type { CaseRun, Needs } from "../../case.ts";
import { type FoundStructure, Msix, type ProbedBar, probeBars } from "../../guest/index.ts";

const NO_SUCH_HEAD = 0xfff0;

/** Every PCI device the kit knows, in the split format: these cases have to do with no ring. */
export const PCI: Needs = {
  transport: "pci",
  devices: ["gpu", "rng", "rng-transitional", "balloon-transitional"],
  format: "any",
};

/** Every PCI device, in both ring formats. */
export const PCI_EACH: Needs = { ...PCI, format: "each" };

/** Devices that are not transitional. */
export const PCI_MODERN: Needs = { ...PCI, devices: ["gpu", "rng"] };

/** The virtio structures of a type. */
export function structures(t: CaseRun, type: number): readonly FoundStructure[] {
  return t.guest.pci.structures.filter((structure) => structure.type === type);
}

/** Which of the BARs a structure lies behind, and that it lies inside. */
export async function barOf(t: CaseRun, structure: FoundStructure, lengthBytes: bigint): Promise<ProbedBar> {
  t.ok(structure.bar < PCI_STD_NUM_BARS, `the structure at 0x${structure.at.toString(16)} names a BAR`);
  const bar = (await probeBars(t.guest.pci.raw)).find(({ index }) => index === structure.bar);
  if (bar === undefined) t.fail(`BAR ${structure.bar}, which a structure names, is not implemented`);
  t.ok(
    BigInt(structure.offset) + lengthBytes <= bar.sizeBytes,
    `the structure ends within the ${bar.sizeBytes} bytes of BAR ${bar.index}`,
  );
  return bar;
}

/** Number of the queues. */
export function queueCount(t: CaseRun): Promise<number> {
  return t.guest.pci.common(VIRTIO_PCI_COMMON_CFG.num_queues, 2);
}

/** MSI-X of the device; skips the case when it has none. */
export async function msixOf(t: CaseRun): Promise<Msix> {
  const msix = await Msix.find(t.guest);
  return msix ?? t.skip("the device has no MSI-X capability");
}

/** Runs with MSI-X enabled, and leaves it disabled whatever happens. */
export async function withMsix(t: CaseRun, run: (msix: Msix) => Promise<void>): Promise<void> {
  const msix = await msixOf(t);
  await msix.enable();
  try {
    await run(msix);
  } finally {
    await msix.disable();
  }
}

/** Writes a vector register and returns what it holds then. */
export async function mapVector(t: CaseRun, event: "config" | number, vector: number): Promise<number> {
  const { pci } = t.guest;
  if (event === "config") {
    await pci.setCommon(VIRTIO_PCI_COMMON_CFG.config_msix_vector, 2, vector);
    return pci.common(VIRTIO_PCI_COMMON_CFG.config_msix_vector, 2);
  }
  await pci.selectQueue(event);
  await pci.setCommon(VIRTIO_PCI_COMMON_CFG.queue_msix_vector, 2, vector);
  return pci.common(VIRTIO_PCI_COMMON_CFG.queue_msix_vector, 2);
}

/** Reads a vector register. */
export async function mappedVector(t: CaseRun, event: "config" | number): Promise<number> {
  const { pci } = t.guest;
  if (event === "config") return pci.common(VIRTIO_PCI_COMMON_CFG.config_msix_vector, 2);
  await pci.selectQueue(event);
  return pci.common(VIRTIO_PCI_COMMON_CFG.queue_msix_vector, 2);
}

/** Every source of events: the configuration, and each queue. */
export async function events(t: CaseRun): Promise<("config" | number)[]> {
  const count = await queueCount(t);
  return ["config", ...Array.from({ length: count }, (_, index) => index)];
}

/**
 * Makes a running device send a configuration change notification: by a monitor that changes, or by a head beyond the
 * descriptor table, after which the device needs a reset. Skips the case where neither can be brought about.
 */
export async function provokeConfigChange(t: CaseRun): Promise<void> {
  const { guest } = t;
  if (guest.dut.changeDisplay !== undefined) {
    await changeDisplay(t, 640, 480);
    await changeDisplay(t, 1024, 768);
    return;
  }
  const ring = guest.split(0);
  ring.offer(NO_SUCH_HEAD);
  t.note("makes a descriptor available that does not exist");
  await guest.kick(ring);
  await guest.dut.settle();
  if (!(await guest.needsReset()))
    t.skip("the device cannot be made to send a configuration change notification");
  t.note("the device says DEVICE_NEEDS_RESET");
}

/** Sets the first monitor's size from the host's side. */
export async function changeDisplay(t: CaseRun, width: number, height: number): Promise<void> {
  await t.guest.dut.changeDisplay?.({ scanout: 0, width, height });
  t.note(`the first monitor is ${width}×${height} now`);
  await t.guest.dut.settle();
}
