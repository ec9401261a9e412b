import type { Profile } from "../../device/policy.ts";
import { VIRTIO_PCI_VENDOR_ID } from "../../wire/pci.ts";

/** What a profile decides about the registers of virtio-mmio. */
export interface MmioPolicy {
  /** Register VendorID, unless the embedder says. */
  readonly vendorId: number;
  /** DeviceFeaturesSel and DriverFeaturesSel: the number of a word, or anything but 0 is word 1. */
  readonly featureSelect: "word" | "bit";
  /** QueueSel: any number, or none from this one on. */
  readonly queueSelectEnd: number;
  /** QueueReady other than 0 and 1: ignored, or as 1. */
  readonly queueReady: "one" | "non-zero";
  /** Status with bits above the eighth: only 0 itself resets, or what is left of it does. */
  readonly statusBits: "all" | "low-byte";
  /** What a configuration change raises: its own bit, or that of used buffers too. */
  readonly configChange: "own-bit" | "both-bits";
  /** What lies behind the configuration space reads as. */
  readonly behindConfig: "zeros" | "ones";
  /** Length and address of shared memory where there is none: as the specification has it, or zeros for the address. */
  readonly noSharedMemory: "ones" | "length-only";
}

const SPEC: MmioPolicy = {
  vendorId: VIRTIO_PCI_VENDOR_ID,
  featureSelect: "word",
  queueSelectEnd: 2 ** 32,
  queueReady: "one",
  statusBits: "all",
  configChange: "own-bit",
  behindConfig: "zeros",
  noSharedMemory: "ones",
};

/** The policies behind the profile names. */
export const MMIO_POLICIES: Readonly<Record<Profile, MmioPolicy>> = {
  spec: SPEC,
  qemu: {
    vendorId: 0x554d4551, // "QEMU"
    featureSelect: "bit",
    queueSelectEnd: 1024,
    queueReady: "non-zero",
    statusBits: "low-byte",
    configChange: "both-bits",
    behindConfig: "ones",
    noSharedMemory: "length-only",
  },
  crosvm: SPEC,
};
