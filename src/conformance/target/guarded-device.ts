import { messageOf } from "../../base/brands.ts";
import { isPromise, type MaybeLater } from "../../base/later.ts";
import { DeviceGoneError, type DeviceUnderTest, type Target, TargetError } from "../device-under-test.ts";
import type { RunWitness } from "../witness.ts";
import { deviceFault } from "./shapes.ts";
import { within } from "./within.ts";

/**
 * A running device of a target, every call of which has a limit: one that does not settle in time rejects with
 * {@link DeviceGoneError}, which names it. Once {@link abandon}ed it takes no call any more, so that a case which nobody
 * waits for comes to its end as well.
 */
export class GuardedDevice {
  /** The device, for cases. */
  readonly dut: DeviceUnderTest;
  readonly #inner: DeviceUnderTest;
  readonly #witness: RunWitness | null;
  #limitMs: number;
  #pending = "";
  #gone: DeviceGoneError | null = null;

  private constructor(inner: DeviceUnderTest, limitMs: number, witness: RunWitness | null) {
    this.#inner = inner;
    this.#limitMs = limitMs;
    this.#witness = witness;
    this.dut = this.#guard(inner);
  }

  /** Starts a device of a target. Rejects with {@link TargetError} when that comes to nothing, or to no device. */
  static async open(
    target: Target,
    name: string,
    limitMs: number,
    witness: RunWitness | null = null,
  ): Promise<GuardedDevice> {
    const what = `open(${JSON.stringify(name)})`;
    let opened: unknown;
    witness?.begins(what);
    try {
      // A device that comes after its time is closed again: nobody else will.
      const opening = Promise.resolve(target.open(name));
      opened = await within(opening, limitMs, () => {
        opening.then((late) => late?.close?.()).catch(() => {});
        return new TargetError(`${what} hangs: it gave nothing within ${limitMs} ms`);
      });
    } catch (error) {
      if (error instanceof TargetError) throw error;
      throw new TargetError(`${what} failed: ${oneLine(error)}`);
    } finally {
      witness?.ends();
    }
    const fault = deviceFault(opened, name, target.transport);
    if (fault !== null) throw new TargetError(fault);
    return new GuardedDevice(opened as DeviceUnderTest, limitMs, witness);
  }

  /** The call that has been made and has not come back, empty when there is none. */
  get pendingCall(): string {
    return this.#pending;
  }

  /** How long a call may take from now on. */
  limitCalls(limitMs: number): void {
    this.#limitMs = limitMs;
  }

  /** From now on every call rejects. */
  abandon(reason: DeviceGoneError): void {
    this.#gone = reason;
  }

  /** Ends the device. Returns what went wrong, null when nothing did. */
  async close(): Promise<string | null> {
    this.#gone ??= new DeviceGoneError("crash", "the device was closed");
    this.#witness?.begins(`close() of ${this.#inner.device}`);
    try {
      const closing = this.#inner.close();
      if (isPromise(closing)) {
        await within(closing, this.#limitMs, () => new Error(`it hangs: no end within ${this.#limitMs} ms`));
      }
      return null;
    } catch (error) {
      return `close() of ${this.#inner.device} failed: ${oneLine(error)}`;
    } finally {
      this.#witness?.ends();
    }
  }

  #call<T>(name: string, result: () => MaybeLater<T>): MaybeLater<T> {
    if (this.#gone !== null) throw this.#gone;
    this.#witness?.begins(name);
    let value: MaybeLater<T>;
    try {
      value = result();
    } catch (error) {
      this.#witness?.ends();
      throw error;
    }
    if (isPromise(value)) return this.#wait(name, value);
    this.#witness?.ends();
    return value;
  }

  async #wait<T>(name: string, value: Promise<T>): Promise<T> {
    this.#pending = name;
    try {
      return await within(
        value,
        this.#limitMs,
        () => new DeviceGoneError("hang", `hangs in ${name}: no answer within ${this.#limitMs} ms`),
      );
    } finally {
      if (this.#gone === null) this.#pending = "";
      this.#witness?.ends();
    }
  }

  #guard(inner: DeviceUnderTest): DeviceUnderTest {
    const { bus, screenshot, changeDisplay } = inner;
    return {
      device: inner.device,
      ram: inner.ram,
      bus:
        bus.kind === "mmio"
          ? { kind: "mmio", mmio: this.#mmio(bus.mmio) }
          : { kind: "pci", pci: this.#pci(bus.pci) },
      interruptLine: () => this.#call("interruptLine()", () => inner.interruptLine()),
      settle: () => this.#call("settle()", () => inner.settle()),
      ...(screenshot === undefined
        ? {}
        : { screenshot: (scanout) => this.#call("screenshot()", () => screenshot.call(inner, scanout)) }),
      ...(changeDisplay === undefined
        ? {}
        : {
            changeDisplay: (change) => this.#call("changeDisplay()", () => changeDisplay.call(inner, change)),
          }),
      close: () => inner.close(),
    };
  }

  #mmio(mmio: Extract<DeviceUnderTest["bus"], { kind: "mmio" }>["mmio"]): typeof mmio {
    return {
      read: (offset, width) => this.#call(`mmio.read(${hex(offset)})`, () => mmio.read(offset, width)),
      write: (offset, width, value) =>
        this.#call(`mmio.write(${hex(offset)}, ${hex(value)})`, () => mmio.write(offset, width, value)),
    };
  }

  #pci(pci: Extract<DeviceUnderTest["bus"], { kind: "pci" }>["pci"]): typeof pci {
    return {
      configRead: (offset, width) =>
        this.#call(`pci.configRead(${hex(offset)})`, () => pci.configRead(offset, width)),
      configWrite: (offset, width, value) =>
        this.#call(`pci.configWrite(${hex(offset)}, ${hex(value)})`, () =>
          pci.configWrite(offset, width, value),
        ),
      barRead: (bar, offset, width) =>
        this.#call(`pci.barRead(${bar}, ${hex(offset)})`, () => pci.barRead(bar, offset, width)),
      barWrite: (bar, offset, width, value) =>
        this.#call(`pci.barWrite(${bar}, ${hex(offset)}, ${hex(value)})`, () =>
          pci.barWrite(bar, offset, width, value),
        ),
    };
  }
}

/** What an error says, on one line. */
export function oneLine(error: unknown): string {
  const message = messageOf(error);
  return message.replace(/\s+/g, " ").trim();
}

function hex(value: number): string {
  return `0x${(value >>> 0).toString(16)}`;
}
