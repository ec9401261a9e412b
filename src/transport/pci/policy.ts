import type { Profile } from "../../device/policy.ts";
import type { PciLayout } from "./options.ts";

/** What a profile decides about a PCI function and its registers. */
export interface PciPolicy {
  /** Where the registers lie, unless the embedder says. */
  readonly layout: PciLayout;
  /** BAR of the MSI-X table, unless the embedder says; null: the first free one. */
  readonly msixBar: number | null;
  /** Subsystem device id, unless the embedder says. */
  readonly subsystemId: number;
  /** What tells which queue is notified: the value, which must fit the address, or the address alone. */
  readonly notify: "value" | "address";
  /** Registers of the common configuration: accessed in their own width, or in any. */
  readonly registerWidth: "own" | "any";
  /** What a configuration change raises: its own bit, or that of used buffers too. */
  readonly configChange: "own-bit" | "both-bits";
  /** Features are in force with FEATURES_OK, or as soon as they are written. */
  readonly features: "features-ok" | "at-once";
  /** queue_select: any number, or none from this one on. */
  readonly queueSelectEnd: number;
  /** queue_size of a split ring: only powers of two are taken and shown, or any size. */
  readonly queueSize: "power-of-two" | "any";
  /** What lies behind the configuration space reads as. */
  readonly behindConfig: "zeros" | "ones";
}

/**
 * The layout that QEMU gives its devices, and that some drivers have hard-coded: BAR 4, each structure in a page of
 * its own.
 */
export const QEMU_LAYOUT: PciLayout = {
  bar: 4,
  is64Bit: true,
  structures: {
    common: { offset: 0x0000, lengthBytes: 0x1000 },
    isr: { offset: 0x1000, lengthBytes: 0x1000 },
    device: { offset: 0x2000, lengthBytes: 0x1000 },
    notify: { offset: 0x3000, lengthBytes: 0x1000 },
  },
};

const SPEC: PciPolicy = {
  layout: {},
  msixBar: null,
  subsystemId: 0x40,
  notify: "value",
  registerWidth: "own",
  configChange: "own-bit",
  features: "features-ok",
  queueSelectEnd: 0x10000,
  queueSize: "power-of-two",
  behindConfig: "zeros",
};

/** The policies behind the profile names. */
export const PCI_POLICIES: Readonly<Record<Profile, PciPolicy>> = {
  spec: SPEC,
  qemu: {
    layout: QEMU_LAYOUT,
    msixBar: 1,
    subsystemId: 0x1100,
    notify: "address",
    registerWidth: "any",
    configChange: "both-bits",
    features: "at-once",
    queueSelectEnd: 1024,
    queueSize: "any",
    behindConfig: "ones",
  },
  crosvm: { ...SPEC, notify: "address" },
};
