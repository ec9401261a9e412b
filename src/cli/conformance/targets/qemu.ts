import {
  isPlaceholder,
  probeQemu,
  type QemuDeviceOptions,
  QemuGoneError,
  QemuMachine,
  type QemuProgram,
  QemuUnfitError,
} from "../../../adapters/qtest/index.ts";
import {
  type DeviceBus,
  DeviceGoneError,
  type DeviceUnderTest,
  type DisplayChange,
  type Picture,
  type Target,
} from "../../../conformance/device-under-test.ts";
import { UsageError } from "../../usage-error.ts";

/** Names of the targets, as the command line takes them. */
export const QEMU_TARGETS = ["qemu-mmio", "qemu-pci"] as const;

/** One of {@link QEMU_TARGETS}. */
export type QemuTargetName = (typeof QEMU_TARGETS)[number];

/** Choices for {@link qemuTarget}. */
export interface QemuTargetOptions {
  /** Path of the program, or a name on PATH. Default `qemu-system-x86_64`. */
  readonly qemuPath?: string | undefined;
  /** Milliseconds without an answer after which QEMU counts as hanging. Default 5000. */
  readonly answerTimeoutMs?: number;
}

const SCANOUTS = 4;
const RAM_BYTES = 64 << 20;
const DEFAULT_ANSWER_TIMEOUT_MS = 5000;
/** Properties that offer what is not offered by default, where a version of QEMU has them. */
const OPTIONAL_RING_FEATURES = ["packed", "in_order", "notification_data"] as const;

/**
 * QEMU's devices, over virtio-mmio on a microvm or over PCI on a q35, with all ring features that this QEMU has.
 * Rejects with {@link UsageError}, one line that says how to get QEMU, when there is none that can be used.
 */
export async function qemuTarget(name: QemuTargetName, options: QemuTargetOptions = {}): Promise<Target> {
  const program = await probe(options.qemuPath);
  const transport = name === "qemu-mmio" ? "mmio" : "pci";
  const kinds = deviceKinds(transport, program);
  const { version, package: distributor } = program;
  return {
    name,
    description:
      `QEMU ${version}${distributor === "" ? "" : ` (${distributor})`}, ` +
      `${transport === "mmio" ? "virtio-mmio on microvm" : "PCI on q35"}`,
    transport,
    devices: [...kinds.keys()],
    open: (device) => {
      const kind = kinds.get(device);
      if (kind === undefined)
        throw new UsageError(`${name} has no ${device}; it has ${[...kinds.keys()].join(", ")}`);
      return openQemu(program, transport, device, kind, options.answerTimeoutMs ?? DEFAULT_ANSWER_TIMEOUT_MS);
    },
  };
}

async function probe(path: string | undefined): Promise<QemuProgram> {
  try {
    return await probeQemu(path);
  } catch (error) {
    if (!(error instanceof QemuUnfitError)) throw error;
    throw new UsageError(
      path === undefined
        ? "QEMU is missing: apt-get install qemu-system-x86 (7.2 or newer), or name its program with --qemu PATH"
        : `--qemu: ${error.message}; it takes the path of a qemu-system-x86_64, 7.2 or newer`,
    );
  }
}

function deviceKinds(transport: "mmio" | "pci", program: QemuProgram): Map<string, QemuDeviceOptions> {
  const kinds = new Map<string, QemuDeviceOptions>();
  const suffix = transport === "mmio" ? "device" : "pci";
  const add = (name: string, type: string, more: Partial<QemuDeviceOptions>): void => {
    const known = program.properties.get(type);
    if (known === undefined) return;
    const properties: Record<string, string | number | boolean> = { ...more.properties };
    for (const feature of OPTIONAL_RING_FEATURES) if (known.has(feature)) properties[feature] = true;
    kinds.set(name, { ...more, type, id: name, properties });
  };
  add("gpu", `virtio-gpu-${suffix}`, {
    properties: { max_outputs: SCANOUTS, edid: true },
    resizableDisplays: program.vnc ? SCANOUTS : 0,
  });
  add("rng", `virtio-rng-${suffix}`, transport === "pci" ? { properties: { "disable-legacy": "on" } } : {});
  if (transport === "pci") {
    add("rng-transitional", "virtio-rng-pci", { properties: { "disable-legacy": "off" } });
    add("balloon-transitional", "virtio-balloon-pci", {
      properties: { "disable-legacy": "off" },
    });
  }
  return kinds;
}

async function openQemu(
  program: QemuProgram,
  transport: "mmio" | "pci",
  device: string,
  options: QemuDeviceOptions,
  answerTimeoutMs: number,
): Promise<DeviceUnderTest> {
  const machine = await QemuMachine.start({
    qemu: program,
    machine: transport === "mmio" ? "microvm" : "q35",
    devices: [options],
    ramBytes: RAM_BYTES,
    answerTimeoutMs,
  });
  const hasPixels = device === "gpu";
  const isResizable = (options.resizableDisplays ?? 0) > 0;
  return {
    device,
    bus: busOf(machine, transport),
    ram: machine.ram,
    interruptLine: () => translated(machine.isInterruptAsserted(0)),
    settle: () => translated(machine.settle()),
    ...(hasPixels && { screenshot: (scanout: number) => translated(screenshot(machine, scanout)) }),
    ...(isResizable && {
      changeDisplay: ({ scanout, width, height }: DisplayChange) =>
        translated(machine.resizeDisplay(0, scanout, width, height)),
    }),
    close: () => machine.close(),
  };
}

function busOf(machine: QemuMachine, transport: "mmio" | "pci"): DeviceBus {
  if (transport === "mmio") {
    const registers = machine.mmio(0);
    return {
      kind: "mmio",
      mmio: {
        read: (offset, widthBytes) => translated(registers.read(offset, widthBytes)),
        write: (offset, widthBytes, value) => translated(registers.write(offset, widthBytes, value)),
      },
    };
  }
  const pci = machine.pci(0);
  return {
    kind: "pci",
    pci: {
      configRead: (offset, widthBytes) => translated(pci.configRead(offset, widthBytes)),
      configWrite: (offset, widthBytes, value) => translated(pci.configWrite(offset, widthBytes, value)),
      barRead: (bar, offset, widthBytes) => translated(pci.barRead(bar, offset, widthBytes)),
      barWrite: (bar, offset, widthBytes, value) => translated(pci.barWrite(bar, offset, widthBytes, value)),
    },
  };
}

async function screenshot(machine: QemuMachine, scanout: number): Promise<Picture | null> {
  const picture = await machine.screendump(0, scanout);
  return isPlaceholder(picture) ? null : picture;
}

/** The kit's word for a QEMU that went away. */
function translated<T>(answer: Promise<T>): Promise<T> {
  return answer.catch((error: unknown) => {
    throw error instanceof QemuGoneError ? new DeviceGoneError(error.how, error.message) : error;
  });
}
