import { COUNT_RULE, type OptionRules, TIMER_MS_RULE } from "../../base/options.ts";
import type { QemuProgram } from "./qemu-program.ts";

/** A device to plug into a {@link QemuMachine}. */
export interface QemuDeviceOptions {
  /** QEMU's name of the type, for instance `virtio-gpu-device` (microvm) or `virtio-gpu-pci` (q35). */
  readonly type: string;
  /** The device's id in the machine. Default `device0`, `device1`, … */
  readonly id?: string;
  /** Properties, as `-device TYPE,help` lists them. Booleans become `on` and `off`. */
  readonly properties?: Readonly<Record<string, string | number | boolean>>;
  /** How many of its displays can be given other sizes, see {@link QemuMachine.resizeDisplay}. Default 0. */
  readonly resizableDisplays?: number;
}

/** Choices for a {@link QemuMachine}. */
export interface QemuMachineOptions {
  /** Path of the program, a name on PATH, or what `probeQemu` found. Default `qemu-system-x86_64`. */
  readonly qemu?: string | QemuProgram;
  /** `microvm`: devices on virtio-mmio; `q35`: devices on PCI. Default `microvm`. */
  readonly machine?: "microvm" | "q35";
  /** At most 8. */
  readonly devices: readonly QemuDeviceOptions[];
  /** Memory in bytes, a multiple of 1 MiB. Default 64 MiB. */
  readonly ramBytes?: number;
  /** Milliseconds without an answer after which QEMU counts as hanging, and is killed. Default 10 000. */
  readonly answerTimeoutMs?: number;
  /** More of QEMU's command line. */
  readonly extraArguments?: readonly string[];
}

export const QEMU_MACHINE_RULES: OptionRules<QemuMachineOptions> = {
  qemu: { either: ["string", { like: "what probeQemu found", has: ["path", "version"] }] },
  machine: { oneOf: ["microvm", "q35"] },
  devices: {
    each: {
      fields: {
        type: "string",
        id: "string",
        properties: "object",
        resizableDisplays: [0, 16],
      } satisfies OptionRules<QemuDeviceOptions>,
      required: ["type"],
    },
  },
  ramBytes: COUNT_RULE,
  answerTimeoutMs: TIMER_MS_RULE,
  extraArguments: { each: "string" },
};
