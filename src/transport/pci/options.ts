import { COUNT_RULE, type OptionRule, type OptionRules, U16_RULE, U32_RULE } from "../../base/options.ts";
import type { PciBar } from "./bar.ts";
import type { MsixMessage } from "./msix.ts";

/** The place of one structure in its BAR. */
export interface PciStructurePlace {
  /** A multiple of 4, of 16 for `device`, of the step between notification registers for `notify`. */
  readonly offset: number;
  readonly lengthBytes?: number;
}

/** Where the registers of the device lie. */
export interface PciLayout {
  /** Which address space they are in. Default `memory`. */
  readonly kind?: "memory" | "io";
  /**
   * Where in the BAR a structure begins, in bytes, and how much room it has at least. What is not named comes behind
   * the structure before it: common, isr, device, notify. Default: all of them, as close as they can be.
   */
  readonly structures?: Partial<Readonly<Record<"common" | "isr" | "device" | "notify", PciStructurePlace>>>;
  /** Base address register, 0 … 5. Default 0, or 1 of a transitional device. */
  readonly bar?: number;
  /** A memory BAR with a 64-bit address; takes the next register too. Default false. */
  readonly is64Bit?: boolean;
  /**
   * Size of the BAR in bytes, a power of two that holds all registers; for I/O at most 256. Default: for memory
   * 4096 or what is needed, for I/O what is needed.
   */
  readonly sizeBytes?: number;
  /** What the BAR holds after a reset, a multiple of its size. Default 0, for firmware or kernel to program. */
  readonly address?: bigint | number;
  /**
   * Number of an I/O BAR with a second set of notification registers. It is listed first, since on real hypervisors
   * an I/O write is the cheaper exit; drivers without I/O space take the other. Default: none.
   */
  readonly ioNotifyBar?: number;
  /** What BAR 0 of a transitional device holds after a reset, a multiple of its size. Default 0. */
  readonly legacyAddress?: number;
}

/** The MSI-X capability. */
export interface PciMsixOptions {
  /** Number of vectors, 1 … 2048; at least 2 are recommended. Default: one for each queue and one for the rest. */
  readonly vectors?: number;
  /**
   * Memory BAR with table and pending bits, 0 … 5; may be that of the registers. Default: the first free one.
   */
  readonly bar?: number;
}

/** A vendor data capability (virtio 1.4, section 4.1.4.8): read-only bytes for debugging and reporting. */
export interface PciVendorData {
  /** PCI-SIG vendor id; not 0x1af4. */
  readonly vendorId: number;
  /** What follows the vendor id; padded with zeros to a multiple of 4 bytes in all. */
  readonly data: Uint8Array;
}

/** Choices for a `PciTransport`. */
export interface PciTransportOptions {
  /**
   * Where the registers lie; `qemu`: as QEMU has them, BAR 4 with common 0x0, ISR 0x1000, device 0x2000 and notify
   * 0x3000, for drivers that have this hard-coded. Default: what the profile says, which is all in BAR 0 and close
   * together, or, with the profile `qemu`, as in QEMU.
   */
  readonly layout?: PciLayout | "qemu";
  /** False: INTx only. Default: MSI-X with default options. */
  readonly msix?: PciMsixOptions | false;
  /**
   * Bytes between the notification registers of neighbouring queues: 0 (one register for all) or a power of two
   * from 2 on, from 4 on when VIRTIO_F_NOTIFICATION_DATA is offered. Default 4, less where an I/O BAR can't hold
   * that.
   */
  readonly notifyOffMultiplier?: number;
  /**
   * With VIRTIO_F_NOTIF_CONFIG_DATA, what drivers write to notify a queue: 16 bits, different for each queue.
   * Default: the queue's index.
   */
  readonly notifConfigData?: (queueIndex: number) => number;
  /** Default 0x1af4. */
  readonly subsystemVendorId?: number;
  /**
   * A transitional device: drivers from before virtio 1.0 find the legacy interface in BAR 0, an I/O BAR, besides
   * everything else. Only for device types of that age, which have a transitional PCI device id: net, block, balloon,
   * console, scsi, rng and 9p; not with `express`. The guest is little-endian. Default false.
   */
  readonly transitional?: boolean;
  /** At least 0x40, so that no legacy driver takes the device for its own. Default 0x40, 0x1100 with the profile `qemu`. Not of transitional devices. */
  readonly subsystemId?: number;
  /** At least 1, for the same reason. Default 1. Not of transitional devices. */
  readonly revisionId?: number;
  /** 1 … 4 for INTA# … INTD#. Default 1. */
  readonly interruptPin?: number;
  /**
   * A PCI Express function (root complex integrated endpoint): 4096 bytes of configuration space, the PCI Express
   * capability with function level reset, the power management capability. Default: conventional PCI, 256 bytes.
   */
  readonly express?: boolean;
  readonly vendorData?: readonly PciVendorData[];
  /** What the Command register holds after a reset, for embedders that play the firmware. Default 0. */
  readonly command?: number;
  /**
   * The INTx line changed; level-triggered, not asserted at first. May call back into the transport, as may the
   * other callbacks: the register state is up to date when they are called.
   */
  readonly onInterrupt?: (asserted: boolean) => void;
  /** An MSI-X message is to be delivered: `data` to be written to the address. The object is valid during the call. */
  readonly onMsix?: (message: MsixMessage) => void;
  /** The address of a BAR changed, or whether it takes part in decoding. */
  readonly onBarChange?: (bar: PciBar) => void;
}

/** Number of a base address register. */
const BAR_RULE: OptionRule = [0, 5];

const PLACE_RULE: OptionRule = {
  fields: { offset: U32_RULE, lengthBytes: COUNT_RULE } satisfies OptionRules<PciStructurePlace>,
  required: ["offset"],
};

export const PCI_TRANSPORT_RULES: OptionRules<PciTransportOptions> = {
  layout: {
    either: [
      { oneOf: ["qemu"] },
      {
        fields: {
          structures: {
            fields: { common: PLACE_RULE, isr: PLACE_RULE, device: PLACE_RULE, notify: PLACE_RULE },
          },
          kind: { oneOf: ["memory", "io"] },
          bar: BAR_RULE,
          is64Bit: "boolean",
          sizeBytes: COUNT_RULE,
          address: "address",
          ioNotifyBar: BAR_RULE,
          legacyAddress: U32_RULE,
        } satisfies OptionRules<PciLayout>,
      },
    ],
  },
  msix: {
    either: [
      { oneOf: [false] },
      { fields: { vectors: [1, 2048], bar: BAR_RULE } satisfies OptionRules<PciMsixOptions> },
    ],
  },
  notifyOffMultiplier: U32_RULE,
  notifConfigData: "function",
  subsystemVendorId: U16_RULE,
  transitional: "boolean",
  subsystemId: U16_RULE,
  revisionId: [0, 0xff],
  interruptPin: [1, 4],
  express: "boolean",
  vendorData: {
    each: {
      fields: { vendorId: U16_RULE, data: "bytes" } satisfies OptionRules<PciVendorData>,
      required: ["vendorId", "data"],
    },
  },
  command: U16_RULE,
  onInterrupt: "function",
  onMsix: "function",
  onBarChange: "function",
};
