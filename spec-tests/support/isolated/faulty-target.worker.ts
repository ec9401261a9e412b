// A built-in entropy device in a thread of its own, which does wrong where its thread is told to.
import { parentPort, workerData } from "node:worker_threads";
import { builtinTarget } from "../../../src/cli/conformance/targets/builtin.ts";
import { type DeviceUnderTest, serveIsolatedTarget, type Target } from "../../../src/conformance/index.ts";
import { type Fault, ISOLATED_CASES } from "./cases.ts";

const STATUS = 0x70;
const DRIVER_FEATURES = 0x20;
const QUEUE_NOTIFY = 0x50;

const { at, how, opened } = workerData as Fault;
const count = new Int32Array(opened);

const spin = (): void => {
  for (;;);
};

function act(): unknown {
  if (how === "spin") spin();
  if (how === "spin-later") setTimeout(spin, 0);
  if (how === "exit") process.exit(3);
  if (how === "throw-later") {
    setTimeout(() => {
      throw new Error("out of\nthe blue");
    }, 0);
  }
  return how === "spin" ? undefined : new Promise(() => {});
}

async function open(): Promise<DeviceUnderTest> {
  const inner = builtinTarget("mmio");
  const number = Atomics.add(count, 0, 1);
  const faulty = typeof at === "object" ? at?.[number] : at;
  if (faulty === "open") await act();
  const dut = await inner.open("rng");
  if (dut.bus.kind !== "mmio") throw new Error("not on mmio");
  const { mmio } = dut.bus;
  const bus: DeviceUnderTest["bus"] = {
    kind: "mmio",
    mmio: {
      read(offset, width) {
        if (faulty === "read" && offset === STATUS) act();
        return mmio.read(offset, width);
      },
      write(offset, width, value) {
        const isMeant =
          (faulty === "reset" && offset === STATUS && value === 0) ||
          (faulty === "features" && offset === DRIVER_FEATURES) ||
          (faulty === "notify" && offset === QUEUE_NOTIFY);
        if (isMeant) return act() as Promise<void>;
        return mmio.write(offset, width, value);
      },
    },
  };
  return {
    ...dut,
    bus,
    settle: () => (faulty === "settle" ? (act() as Promise<void>) : dut.settle()),
    close: () => (faulty === "close" ? (act() as Promise<void>) : dut.close()),
  };
}

async function load(): Promise<Target> {
  if (at === "load") await act();
  return { ...builtinTarget("mmio"), name: "faulty", devices: ["rng"], open };
}

if (parentPort !== null) serveIsolatedTarget(parentPort, load, ISOLATED_CASES);
