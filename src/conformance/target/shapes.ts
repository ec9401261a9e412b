// What somebody else's target gives is looked at before anything rests on it: a broken target is not a broken device.
import type { DeviceUnderTest, Target } from "../device-under-test.ts";
import { modelFault } from "../models/check-model.ts";

/** Guest memory the cases need. */
const LEAST_RAM_BYTES = 16 << 20;

const PCI_METHODS = ["configRead", "configWrite", "barRead", "barWrite"];
const MMIO_METHODS = ["read", "write"];

type Loose = Readonly<Record<string, unknown>>;

/** What is wrong with a target, in the middle of a sentence; null when nothing is. */
export function targetFault(value: unknown): string | null {
  if (!isObject(value)) return "it is not an object";
  const target: Partial<Record<keyof Target, unknown>> = value;
  for (const name of ["name", "description"] as const) {
    if (typeof target[name] !== "string" || target[name] === "") return `its ${name} is not a string`;
  }
  if (target.transport !== "mmio" && target.transport !== "pci")
    return 'its transport is neither "mmio" nor "pci"';
  const { devices, models = [] } = target;
  if (!Array.isArray(devices) || devices.some((device) => typeof device !== "string")) {
    return "its devices are not an array of names";
  }
  if (typeof target.open !== "function") return "it has no method open";
  if (devices.length === 0) return "its devices are none: it needs the name of one at least";
  if (!Array.isArray(models)) return "its models are not an array";
  for (const [index, model] of models.entries()) {
    const fault = modelFault(model);
    if (fault !== null) return `models[${index}] ${fault}`;
  }
  return null;
}

/** What is wrong with what `open` gave for a device of a target; null when nothing is. */
export function deviceFault(value: unknown, name: string, transport: "mmio" | "pci"): string | null {
  if (!isObject(value)) return `open("${name}") gave ${value === null ? "null" : typeof value}, no device`;
  const dut: Partial<Record<keyof DeviceUnderTest, unknown>> = value;
  if (dut.device !== name) return `its device is ${JSON.stringify(dut.device)}, not ${JSON.stringify(name)}`;
  const bus = dut.bus;
  if (!isObject(bus) || bus["kind"] !== transport) return `its bus.kind is not "${transport}"`;
  const lacking =
    missing(bus[transport], `bus.${transport}`, transport === "pci" ? PCI_METHODS : MMIO_METHODS) ??
    missing(dut.ram, "ram", ["read", "write"]) ??
    missing(dut, "", ["interruptLine", "settle", "close"]);
  if (lacking !== null) return lacking;
  for (const optional of ["screenshot", "changeDisplay"] as const) {
    if (dut[optional] !== undefined && typeof dut[optional] !== "function")
      return `its ${optional} is not a method`;
  }
  const size = (dut.ram as Loose)["sizeBytes"];
  if (typeof size !== "number" || !Number.isSafeInteger(size))
    return "its ram.sizeBytes is not a number of bytes";
  if (size >= LEAST_RAM_BYTES) return null;
  return `its ram.sizeBytes is ${size}, and the cases need ${LEAST_RAM_BYTES} (16 MiB) at least`;
}

function missing(value: unknown, path: string, methods: readonly string[]): string | null {
  if (!isObject(value)) return `its ${path} is not an object`;
  const name = methods.find((method) => typeof value[method] !== "function");
  return name === undefined ? null : `it has no method ${path === "" ? "" : `${path}.`}${name}`;
}

function isObject(value: unknown): value is Loose {
  return typeof value === "object" && value !== null;
}
