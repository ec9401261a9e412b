// Sessions with devices that are not quite as usual: what a driver does about it is what they are for.
import type { CheckedMmio, CheckedPci } from "../../../src/conformance/driver-checker/index.ts";
import { GpuDevice } from "../../../src/devices/gpu/index.ts";
import { RngDevice } from "../../../src/devices/rng/index.ts";
import { DriverError, GpuDriver, RngDriver } from "../../../src/driver/index.ts";
import { CheckedMachine } from "../checked-driver.ts";
import { type Made, ringFeatures, type ScenarioOptions } from "./driver-sessions.ts";

/** The features that the device offers, changed on their way to the driver. */
export function featuresFilter(
  change: (word: number, value: number) => number,
): (bus: CheckedMmio) => CheckedMmio {
  return (bus) => {
    let word = 0;
    return {
      read: (offset, width) => {
        const value = bus.read(offset, width);
        return offset === 0x10 ? change(word, value) >>> 0 : value;
      },
      write: (offset, width, value) => {
        if (offset === 0x14) word = value;
        bus.write(offset, width, value);
      },
    };
  };
}

function rngBehind(
  scenario: ScenarioOptions,
  made: Made,
  filterMmio: (bus: CheckedMmio) => CheckedMmio,
): void {
  const machine = new CheckedMachine(new RngDevice(), {
    transport: "mmio",
    device: { ringFeatures: ringFeatures(scenario) },
    filterMmio,
  });
  made(machine);
  try {
    RngDriver.start(machine.probe()).read(10);
  } catch (error) {
    // A driver may refuse to drive what it cannot drive.
    if (!(error instanceof DriverError)) throw error;
  }
}

export const ODD_DEVICES = {
  /** Offers feature 45, which is reserved, and takes no offence. */
  "rng-with-an-unknown-feature": (scenario: ScenarioOptions, made: Made): void =>
    rngBehind(scenario, made, (bus) => {
      const filtered = featuresFilter((word, value) => (word === 1 ? value | (1 << 13) : value))(bus);
      let word = 0;
      return {
        ...filtered,
        write: (offset, width, value) => {
          if (offset === 0x24) word = value;
          filtered.write(offset, width, offset === 0x20 && word === 1 ? (value & ~(1 << 13)) >>> 0 : value);
        },
      };
    }),
  /** Does not offer VIRTIO_F_VERSION_1. */
  "rng-without-version-1": (scenario: ScenarioOptions, made: Made): void =>
    rngBehind(
      scenario,
      made,
      featuresFilter((word, value) => (word === 1 ? value & ~1 : value)),
    ),
  /** Never agrees to the features. */
  "rng-that-refuses": (scenario: ScenarioOptions, made: Made): void =>
    rngBehind(scenario, made, (bus) => ({
      read: (offset, width) => (offset === 0x70 ? bus.read(offset, width) & ~8 : bus.read(offset, width)),
      write: (offset, width, value) => bus.write(offset, width, value),
    })),
  /** Has no optional fields in its configuration space. */
  "gpu-without-blob-alignment": (scenario: ScenarioOptions, made: Made): void => {
    const machine = new CheckedMachine(new GpuDevice(), {
      transport: scenario.transport,
      device: { ringFeatures: ringFeatures(scenario) },
    });
    made(machine);
    GpuDriver.start(machine.probe()).close();
  },
  /** Changes its configuration space while it is read, a few times. */
  "gpu-in-motion": (scenario: ScenarioOptions, made: Made): void => {
    let changes = 0;
    const machine = new CheckedMachine(new GpuDevice(), {
      transport: "mmio",
      device: { ringFeatures: ringFeatures(scenario) },
      filterMmio: (bus) => ({
        read: (offset, width) => {
          const value = bus.read(offset, width);
          return offset === 0xfc ? value + Math.min(++changes, 4) : value;
        },
        write: (offset, width, value) => bus.write(offset, width, value),
      }),
    });
    made(machine);
    const gpu = GpuDriver.start(machine.probe());
    for (let i = 0; i < 10; i++) gpu.getDisplayInfo();
    gpu.close();
  },
  /** Has more configuration space than its fields take. */
  "gpu-with-a-large-configuration": (scenario: ScenarioOptions, made: Made): void => {
    const machine = new CheckedMachine(new GpuDevice(), {
      transport: "pci",
      device: { ringFeatures: ringFeatures(scenario) },
      filterPci: largeConfiguration,
    });
    made(machine);
    try {
      GpuDriver.start(machine.probe()).close();
    } catch (error) {
      if (!(error instanceof DriverError)) throw error;
    }
  },
  /** Sets VIRTQ_USED_F_NO_NOTIFY although VIRTIO_F_EVENT_IDX is negotiated. */
  "rng-with-flags-beside-events": (scenario: ScenarioOptions, made: Made): void => {
    const machine = new CheckedMachine(new RngDevice(), {
      transport: scenario.transport,
      device: { ringFeatures: ringFeatures(scenario) },
    });
    made(machine);
    const driver = machine.probe();
    const rng = RngDriver.start(driver);
    const used = driver.queue(0)?.ring.memory.device;
    used?.region.u16.set([1], used.offset >>> 1);
    for (let i = 0; i < 20; i++) rng.read(10);
    rng.close();
  },
} as const;

function largeConfiguration(bus: CheckedPci): CheckedPci {
  return {
    configRead: (offset, width) => {
      const value = bus.configRead(offset, width);
      // The length of the structure whose type, nine bytes before, is VIRTIO_PCI_CAP_DEVICE_CFG.
      const isLength = width === 4 && offset >= 0x40 && bus.configRead(offset - 12, 1) === 9;
      return isLength && bus.configRead(offset - 9, 1) === 4 ? 64 : value;
    },
    configWrite: (offset, width, value) => bus.configWrite(offset, width, value),
    barRead: (bar, offset, width) => bus.barRead(bar, offset, width),
    barWrite: (bar, offset, width, value) => bus.barWrite(bar, offset, width, value),
  };
}
