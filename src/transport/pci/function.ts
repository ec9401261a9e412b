import { VirtioUsageError } from "../../base/errors.ts";
import { hi32, lo32 } from "../../base/u64.ts";
import type { VirtioDevice } from "../../device/virtio-device.ts";
import {
  PCI_CACHE_LINE_SIZE,
  PCI_CAP_ID_MSIX,
  PCI_CAP_ID_VNDR,
  PCI_CAP_MSIX_SIZEOF,
  PCI_CFG_SPACE_EXP_SIZE,
  PCI_CFG_SPACE_SIZE,
  PCI_CLASS_PROG,
  PCI_COMMAND,
  PCI_COMMAND_INTX_DISABLE,
  PCI_COMMAND_IO,
  PCI_COMMAND_MASTER,
  PCI_COMMAND_MEMORY,
  PCI_DEVICE_ID,
  PCI_INTERRUPT_LINE,
  PCI_INTERRUPT_PIN,
  PCI_LATENCY_TIMER,
  PCI_MSIX_FLAGS,
  PCI_MSIX_FLAGS_ENABLE,
  PCI_MSIX_FLAGS_MASKALL,
  PCI_MSIX_PBA,
  PCI_MSIX_TABLE,
  PCI_REVISION_ID,
  PCI_STATUS,
  PCI_STATUS_CAP_LIST,
  PCI_SUBSYSTEM_ID,
  PCI_SUBSYSTEM_VENDOR_ID,
  PCI_VENDOR_ID,
  VIRTIO_PCI_CAP,
  VIRTIO_PCI_CAP_COMMON_CFG,
  VIRTIO_PCI_CAP_DEVICE_CFG,
  VIRTIO_PCI_CAP_ISR_CFG,
  VIRTIO_PCI_CAP_NOTIFY_CFG,
  VIRTIO_PCI_CAP_PCI_CFG,
  VIRTIO_PCI_CAP_SHARED_MEMORY_CFG,
  VIRTIO_PCI_CAP_VENDOR_CFG,
  VIRTIO_PCI_CAP64,
  VIRTIO_PCI_CFG_CAP,
  VIRTIO_PCI_DEVICE_ID_BASE,
  VIRTIO_PCI_DEVICE_ID_LAST,
  VIRTIO_PCI_NOTIFY_CAP,
  VIRTIO_PCI_VENDOR_ID,
  VIRTIO_PCI_VNDR_DATA,
} from "../../wire/pci.ts";
import { PciBar } from "./bar.ts";
import { PciConfigSpace } from "./config-space.ts";
import { ExpressCapabilities } from "./express.ts";
import type { PciPlan, Place } from "./layout.ts";
import type { PciTransportOptions, PciVendorData } from "./options.ts";
import type { PciPolicy } from "./policy.ts";
import { transitionalId } from "./transitional.ts";

/** A configuration space as built for one device, and where in it the parts with a life of their own are. */
export interface PciFunction {
  readonly space: PciConfigSpace;
  readonly bars: readonly PciBar[];
  readonly express: ExpressCapabilities | null;
  /** Offset of Message Control of MSI-X, -1 without. */
  readonly msixControl: number;
  /** Offset of the PCI configuration access capability. */
  readonly accessCapability: number;
}

function checkRange(value: number, what: string, min: number, max: number): number {
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new VirtioUsageError(`${what} ${value} is not in ${min} … ${max}`);
  }
  return value;
}

/** Builds header and capabilities (PCI Local Bus Specification 3.0, chapter 6; virtio 1.4, sections 4.1.2 to 4.1.4). */
export function buildFunction(
  device: VirtioDevice,
  plan: PciPlan,
  options: PciTransportOptions,
  policy: PciPolicy,
): PciFunction {
  const space = new PciConfigSpace(options.express ? PCI_CFG_SPACE_EXP_SIZE : PCI_CFG_SPACE_SIZE);
  writeHeader(space, device, plan, options, policy);
  const bars = plan.bars.map((bar) => new PciBar(bar, space));

  addStructure(space, VIRTIO_PCI_CAP_COMMON_CFG, plan.common);
  for (const place of plan.notify) {
    const at = addStructure(space, VIRTIO_PCI_CAP_NOTIFY_CFG, place, VIRTIO_PCI_NOTIFY_CAP.sizeBytes);
    space.set(at + VIRTIO_PCI_NOTIFY_CAP.notify_off_multiplier, 4, plan.notifyOffMultiplier);
  }
  addStructure(space, VIRTIO_PCI_CAP_ISR_CFG, plan.isr);
  if (plan.device !== null) addStructure(space, VIRTIO_PCI_CAP_DEVICE_CFG, plan.device);
  for (const place of plan.sharedMemory) {
    const at = addStructure(space, VIRTIO_PCI_CAP_SHARED_MEMORY_CFG, place, VIRTIO_PCI_CAP64.sizeBytes);
    space.set(at + VIRTIO_PCI_CAP.id, 1, place.window.memory?.region.id ?? 0);
    space.set(at + VIRTIO_PCI_CAP64.offset_hi, 4, hi32(place.window.offset));
    space.set(at + VIRTIO_PCI_CAP64.length_hi, 4, hi32(place.window.lengthBytes));
  }
  const accessCapability = addAccess(space);
  const msixControl = plan.msix === null ? -1 : addMsix(space, plan.msix);
  const express = options.express ? new ExpressCapabilities(space) : null;
  for (const data of options.vendorData ?? []) addVendorData(space, data);
  space.seal();
  return { space, bars, express, msixControl, accessCapability };
}

function writeHeader(
  space: PciConfigSpace,
  device: VirtioDevice,
  plan: PciPlan,
  options: PciTransportOptions,
  policy: PciPolicy,
): void {
  const { deviceId, pciClass } = device.type;
  // [transport-pci.device.pci-device-discovery.1] [transport-pci.device.pci-device-discovery.2]
  // [transport-pci.device.pci-device-discovery.4]
  checkRange(deviceId, "virtio device id", 1, VIRTIO_PCI_DEVICE_ID_LAST - VIRTIO_PCI_DEVICE_ID_BASE);
  space.set(PCI_VENDOR_ID, 2, VIRTIO_PCI_VENDOR_ID);
  if (options.transitional) {
    // [transport-pci.legacy.legacy-interfaces-a-note-on-pci-device-discovery.3]
    space.set(PCI_DEVICE_ID, 2, transitionalId(device.type, options));
    // [transport-pci.legacy.legacy-interfaces-a-note-on-pci-device-discovery.1]
    space.set(PCI_REVISION_ID, 1, 0);
    // [transport-pci.legacy.legacy-interfaces-a-note-on-pci-device-discovery.2]
    space.set(PCI_SUBSYSTEM_ID, 2, deviceId);
  } else {
    space.set(PCI_DEVICE_ID, 2, VIRTIO_PCI_DEVICE_ID_BASE + deviceId);
    // [transport-pci.device.pci-device-discovery.5]
    space.set(PCI_REVISION_ID, 1, checkRange(options.revisionId ?? 1, "revisionId", 1, 0xff));
    // [transport-pci.device.pci-device-discovery.3] [transport-pci.device.pci-device-discovery.6]
    const subsystemId = options.subsystemId ?? policy.subsystemId;
    space.set(PCI_SUBSYSTEM_ID, 2, checkRange(subsystemId, "subsystemId", 0x40, 0xffff));
  }
  space.set(PCI_CLASS_PROG, 3, checkRange(pciClass, "PCI class", 0, 0xffffff));
  const vendor = options.subsystemVendorId ?? VIRTIO_PCI_VENDOR_ID;
  space.set(PCI_SUBSYSTEM_VENDOR_ID, 2, checkRange(vendor, "subsystemVendorId", 0, 0xffff));
  space.set(PCI_INTERRUPT_PIN, 1, checkRange(options.interruptPin ?? 1, "interruptPin", 1, 4));
  space.allow(PCI_INTERRUPT_LINE, 1, 0xff);
  space.allow(PCI_CACHE_LINE_SIZE, 1, 0xff);
  if (!options.express) space.allow(PCI_LATENCY_TIMER, 1, 0xff);
  space.set(PCI_STATUS, 2, PCI_STATUS_CAP_LIST);
  // A decoder that isn't there can't be switched on.
  let command = PCI_COMMAND_MASTER | PCI_COMMAND_INTX_DISABLE;
  if (plan.bars.some((bar) => bar.kind === "io")) command |= PCI_COMMAND_IO;
  if (plan.bars.some((bar) => bar.kind === "memory")) command |= PCI_COMMAND_MEMORY;
  space.allow(PCI_COMMAND, 2, command);
  space.set(PCI_COMMAND, 2, (options.command ?? 0) & command);
}

/** Appends a struct virtio_pci_cap, with room for extra data up to `lengthBytes`. */
function addStructure(
  space: PciConfigSpace,
  type: number,
  { bar, window }: Place,
  lengthBytes: number = VIRTIO_PCI_CAP.sizeBytes,
): number {
  const at = addVirtio(space, type, lengthBytes);
  space.set(at + VIRTIO_PCI_CAP.bar, 1, bar);
  space.set(at + VIRTIO_PCI_CAP.offset, 4, lo32(window.offset));
  space.set(at + VIRTIO_PCI_CAP.length, 4, lo32(window.lengthBytes));
  return at;
}

function addVirtio(space: PciConfigSpace, type: number, lengthBytes: number): number {
  const at = space.addCapability(PCI_CAP_ID_VNDR, lengthBytes);
  // [transport-pci.device.virtio-structure-pci-capabilities.1]
  space.set(at + VIRTIO_PCI_CAP.cap_len, 1, lengthBytes);
  space.set(at + VIRTIO_PCI_CAP.cfg_type, 1, type);
  return at;
}

/** [transport-pci.device.pci-configuration-access-capability.1] */
function addAccess(space: PciConfigSpace): number {
  const at = addVirtio(space, VIRTIO_PCI_CAP_PCI_CFG, VIRTIO_PCI_CFG_CAP.sizeBytes);
  space.allow(at + VIRTIO_PCI_CAP.bar, 1, 0xff);
  space.allow(at + VIRTIO_PCI_CAP.offset, 4, 0xffffffff);
  space.allow(at + VIRTIO_PCI_CAP.length, 4, 0xffffffff);
  space.allow(at + VIRTIO_PCI_CFG_CAP.pci_cfg_data, 4, 0xffffffff);
  return at;
}

/** Returns the offset of Message Control. */
function addMsix(space: PciConfigSpace, { vectors, table, pending }: NonNullable<PciPlan["msix"]>): number {
  const at = space.addCapability(PCI_CAP_ID_MSIX, PCI_CAP_MSIX_SIZEOF);
  // [transport-pci.device.msi-x-vector-configuration.2]
  space.set(at + PCI_MSIX_FLAGS, 2, vectors - 1);
  space.allow(at + PCI_MSIX_FLAGS, 2, PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
  space.set(at + PCI_MSIX_TABLE, 4, table.window.offset | table.bar);
  space.set(at + PCI_MSIX_PBA, 4, pending.window.offset | pending.bar);
  return at + PCI_MSIX_FLAGS;
}

function addVendorData(space: PciConfigSpace, { vendorId, data }: PciVendorData): void {
  // [transport-pci.device.vendor-data-capability.1]
  if (checkRange(vendorId, "vendor id", 0, 0xffff) === VIRTIO_PCI_VENDOR_ID) {
    throw new VirtioUsageError("vendorData must not bear virtio's own vendor id 0x1af4");
  }
  // [transport-pci.device.vendor-data-capability.2]
  const lengthBytes = (VIRTIO_PCI_VNDR_DATA.sizeBytes + data.length + 3) & ~3;
  const at = addVirtio(space, VIRTIO_PCI_CAP_VENDOR_CFG, lengthBytes);
  space.set(at + VIRTIO_PCI_VNDR_DATA.vendor_id, 2, vendorId);
  for (const [i, byte] of data.entries()) space.set(at + VIRTIO_PCI_VNDR_DATA.sizeBytes + i, 1, byte);
}
