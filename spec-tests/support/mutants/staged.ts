// Sessions on stages: the device is presented with a peculiarity, and the checker knows what to expect.

import { MemoryDisplay } from "../../../src/backends/display/memory/index.ts";
import {
  MMIO_STAGES,
  type MmioStage,
  PCI_STAGES,
  type PciStage,
} from "../../../src/conformance/driver-checker/index.ts";
import { GpuDevice } from "../../../src/devices/gpu/index.ts";
import { RngDevice } from "../../../src/devices/rng/index.ts";
import { DriverError, GpuDriver, RngDriver, type VirtioDriver } from "../../../src/driver/index.ts";
import { GUEST_PROGRAMS, KmsCard, VirtualClock } from "../../../src/driver/kms/index.ts";
import { VIRTIO_F_RING_RESET } from "../../../src/wire/index.ts";
import { CheckedMachine, type CheckedOptions } from "../checked-driver.ts";
import { type Made, ringFeatures, type ScenarioOptions, useGpu } from "./driver-sessions.ts";

const ALL_VECTORS = 2048;

/** What drivers write to notify queue `index` with VIRTIO_F_NOTIF_CONFIG_DATA. */
const notifConfigData = (index: number): number => 0x4000 + index;

function stageOf(scenario: ScenarioOptions): { mmioStage?: MmioStage; pciStage?: PciStage } {
  const id = scenario.stage ?? "as-it-is";
  if (scenario.transport === "mmio") {
    const mmioStage = MMIO_STAGES.find((stage) => stage.id === id);
    if (mmioStage !== undefined) return { mmioStage };
  } else {
    const pciStage = PCI_STAGES.find((stage) => stage.id === id);
    if (pciStage !== undefined) return { pciStage };
  }
  throw new Error(`no stage ${id}`);
}

/** A device on a stage, and its driver, as far as that goes. */
export function stagedSession(scenario: ScenarioOptions, made: Made): void {
  const kind = scenario.device ?? "rng";
  const gpu = new GpuDevice({
    display: new MemoryDisplay(),
    displays: [{ widthPixels: 320, heightPixels: 200 }],
  });
  const options: CheckedOptions = {
    transport: scenario.transport,
    memoryBytes: 32 << 20,
    device: { ringFeatures: ringFeatures(scenario) },
    pci: {
      notifConfigData,
      ...(scenario.stage === "all-vectors" ? { msix: { vectors: ALL_VECTORS } } : {}),
    },
    ...stageOf(scenario),
  };
  const machine = new CheckedMachine(kind === "rng" ? new RngDevice() : gpu, options);
  made(machine);
  try {
    const driver = machine.probe();
    if (kind === "rng") useRng(driver);
    else if (kind === "gpu") useGpu(GpuDriver.start(driver), gpu);
    else useKms(driver, gpu);
  } catch (error) {
    // A driver may refuse to drive what it should not or cannot drive; whether it may is the checker's to say.
    if (!(error instanceof DriverError) && (error as Error).message !== "no device found") throw error;
  }
}

function useRng(driver: VirtioDriver): void {
  for (let life = 0; life < 2; life++) {
    const rng = RngDriver.start(driver);
    for (let i = 0; i < 20; i++) rng.read(10 + i);
    if (driver.hasFeature(VIRTIO_F_RING_RESET)) {
      driver.resetQueue(0);
      driver.reEnableQueue(0, { size: 4 });
    }
    // PCI has no such thing, and the driver says so.
    try {
      driver.transport.disableQueue(0);
    } catch (error) {
      if (!(error instanceof DriverError)) throw error;
    }
    driver.reset();
  }
}

function useKms(driver: VirtioDriver, gpu: GpuDevice): void {
  const card = KmsCard.bind(driver, { profile: "linux-6.1", clock: new VirtualClock() });
  for (const program of GUEST_PROGRAMS) program.run(card, { flips: 2, draw: false });
  gpu.setDisplay(0, { widthPixels: 640, heightPixels: 400 });
  card.remove();
}
