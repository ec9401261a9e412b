import {
  isPlaceholder,
  QemuMachine,
  type QemuProgram,
  type QtestWidth,
} from "../../../src/adapters/qtest/index.ts";
import { readScanoutRgba } from "../../../src/backends/display/memory/index.ts";
import { type Profile, VirtioDevice } from "../../../src/device/index.ts";
import { GpuDevice } from "../../../src/devices/gpu/index.ts";
import { GuestMemory } from "../../../src/memory/index.ts";
import { MmioTransport } from "../../../src/transport/mmio/index.ts";
import { PciTransport } from "../../../src/transport/pci/index.ts";

export type Transport = "mmio" | "pci";
export type Width = QtestWidth;

export const RAM_BYTES = 64 << 20;
export const HEADS = 2;

/** A picture as it is shown: rows from the top, red, green, blue, 255. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly rgba: Uint8Array;
}

/** A machine with one gpu of two heads, the second without a monitor: QEMU, or a model of ours. */
export interface Subject {
  readonly transport: Transport;
  /** virtio-mmio: registers, by offset. */
  read(offset: number, width: Width): Promise<number>;
  write(offset: number, width: Width, value: number): Promise<void>;
  /** PCI: configuration space, and what lies behind a BAR. */
  configRead(offset: number, width: Width): Promise<number>;
  configWrite(offset: number, width: Width, value: number): Promise<void>;
  barRead(bar: number, offset: number, width: Width): Promise<number>;
  barWrite(bar: number, offset: number, width: Width, value: number): Promise<void>;
  ramRead(address: number, lengthBytes: number): Uint8Array;
  ramWrite(address: number, bytes: Uint8Array): void;
  /** Resolves when the device has done what it put off. */
  settle(): Promise<void>;
  isInterruptAsserted(): Promise<boolean>;
  /** What a head shows, null when it is off. */
  screen(head: number): Promise<Picture | null>;
  /** Presses the reset button; memory is empty then. */
  powerOn(): Promise<void>;
  close(): Promise<void>;
}

/** A QEMU; `packed`: one that offers packed rings. */
export async function qemuSubject(
  transport: Transport,
  qemu: QemuProgram | string,
  packed = false,
): Promise<Subject & { readonly machine: QemuMachine }> {
  const machine = await QemuMachine.start({
    qemu,
    machine: transport === "mmio" ? "microvm" : "q35",
    ramBytes: RAM_BYTES,
    devices: [
      {
        type: transport === "mmio" ? "virtio-gpu-device" : "virtio-gpu-pci",
        properties: { max_outputs: HEADS, ...(packed && { packed: true }) },
      },
    ],
  });
  const mmio = transport === "mmio" ? machine.mmio(0) : null;
  const none = (): never => {
    throw new Error("the other transport");
  };
  const pci = () => machine.pci(0);
  return {
    machine,
    transport,
    read: (offset, width) => (mmio ?? none()).read(offset, width),
    write: (offset, width, value) => (mmio ?? none()).write(offset, width, value),
    configRead: (offset, width) => pci().configRead(offset, width),
    configWrite: (offset, width, value) => pci().configWrite(offset, width, value),
    barRead: (bar, offset, width) => pci().barRead(bar, offset, width),
    barWrite: (bar, offset, width, value) => pci().barWrite(bar, offset, width, value),
    ramRead: (address, lengthBytes) => machine.ram.read(address, lengthBytes),
    ramWrite: (address, bytes) => machine.ram.write(address, bytes),
    settle: () => machine.settle(),
    isInterruptAsserted: () => machine.isInterruptAsserted(0),
    async screen(head) {
      const picture = await machine.screendump(0, head);
      return isPlaceholder(picture) ? null : picture;
    },
    powerOn: () => machine.reset(),
    close: () => machine.close(),
  };
}

/** What a model said in its trace, so that a difference can be looked into. */
export interface ModelSubject extends Subject {
  readonly trace: string[];
  readonly gpu: GpuDevice;
}

/** Our device, built as an embedder would who asks for the profile and nothing else. */
export function modelSubject(transport: Transport, profile: Profile, packed = false): ModelSubject {
  const ram = new ArrayBuffer(RAM_BYTES);
  const bytes = new Uint8Array(ram);
  const trace: string[] = [];
  let asserted = false;
  const onInterrupt = (level: boolean): void => {
    asserted = level;
  };
  const gpu = new GpuDevice({ profile, displays: [{}, { enabled: false }] });
  let device = new VirtioDevice(gpu, {
    profile,
    memory: new GuestMemory([{ base: 0, memory: ram }]),
    ...(packed && { ringFeatures: [28, 29, 34, 40] }),
    trace: ({ source, kind, detail }) => trace.push(`${source} ${kind} ${JSON.stringify(detail)}`),
  });
  const mmio = transport === "mmio" ? new MmioTransport(device, { onInterrupt }) : null;
  const pci = transport === "pci" ? new PciTransport(device, { onInterrupt }) : null;
  device = (mmio ?? pci)?.device ?? device;
  const none = (): never => {
    throw new Error("the other transport");
  };
  const BUS_MASTER = 7;
  pci?.configWrite(4, 2, BUS_MASTER);
  return {
    transport,
    trace,
    gpu,
    read: async (offset, width) => (mmio ?? none()).read(offset, width),
    write: async (offset, width, value) => (mmio ?? none()).write(offset, width, value),
    configRead: async (offset, width) => (pci ?? none()).configRead(offset, width),
    configWrite: async (offset, width, value) => (pci ?? none()).configWrite(offset, width, value),
    barRead: async (bar, offset, width) => (pci ?? none()).barRead(bar, offset, width),
    barWrite: async (bar, offset, width, value) => (pci ?? none()).barWrite(bar, offset, width, value),
    ramRead: (address, lengthBytes) => bytes.slice(address, address + lengthBytes),
    ramWrite: (address, data) => bytes.set(data, address),
    settle: async () => {},
    isInterruptAsserted: async () => asserted,
    screen: async (head) => pictureOf(gpu, head),
    powerOn: async () => {
      (mmio ?? pci)?.reset();
      pci?.configWrite(4, 2, BUS_MASTER);
      bytes.fill(0);
      trace.length = 0;
    },
    close: async () => {},
  };
}

function pictureOf(gpu: GpuDevice, head: number): Picture | null {
  const source = gpu.scanout(head);
  if (source === null) return null;
  const rgba = readScanoutRgba(source);
  for (let i = 3; i < rgba.length; i += 4) rgba[i] = 255;
  return { width: source.widthPixels, height: source.heightPixels, rgba };
}
