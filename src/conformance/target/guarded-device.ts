import { messageOf } from "../../base/brands.ts";
import { VirtioBugError } from "../../base/errors.ts";
import { isPromise, type MaybeLater } from "../../base/later.ts";
import {
  DeviceGoneError,
  type DeviceUnderTest,
  type GuestRam,
  type Target,
  TargetError,
} from "../device-under-test.ts";
import type { RunWitness } from "../witness.ts";
import {
  type AnswerFault,
  anything,
  bytesFault,
  lineFault,
  pictureFault,
  registerFault,
  storeFault,
} from "./answers.ts";
import { deviceFault } from "./shapes.ts";
import { within } from "./within.ts";

declare const performance: { now(): number };
declare function setTimeout(task: () => void, milliseconds: number): number;

/** For so long at most calls are answered at once: then timers have their turn, and with them the limits. */
const TURN_MS = 50;

/**
 * A running device of a target, every call of which has a limit: one that does not settle in time rejects with
 * {@link DeviceGoneError}, which names it. One that gives what the interface does not allow, and guest memory that does
 * not work, fail with {@link TargetError}: nothing is said of the device then. Once {@link abandon}ed it takes no call any
 * more, so that a case which nobody waits for comes to its end as well.
 */
export class GuardedDevice {
  /** The device, for cases. */
  readonly dut: DeviceUnderTest;
  readonly #inner: DeviceUnderTest;
  readonly #witness: RunWitness | null;
  #limitMs: number;
  #pending = "";
  #gone: DeviceGoneError | null = null;
  #broken: TargetError | null = null;
  #turnEnds = 0;

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

  /** Why nothing that was seen of the device counts, whatever became of the error in between; null when it does. */
  get broken(): TargetError | null {
    return this.#broken;
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

  #call<T>(name: string, result: () => MaybeLater<T>, fault: AnswerFault = anything): MaybeLater<T> {
    const ended = this.#gone ?? this.#broken;
    if (ended !== null) throw ended;
    this.#witness?.begins(name);
    let value: MaybeLater<T>;
    try {
      value = result();
    } catch (error) {
      this.#witness?.ends();
      throw error;
    }
    if (isPromise(value)) return this.#wait(name, value, fault);
    this.#witness?.ends();
    if (performance.now() >= this.#turnEnds) return this.#nextTurn(name, value, fault);
    return this.#checked(name, value, fault(value));
  }

  async #wait<T>(name: string, later: Promise<T>, fault: AnswerFault): Promise<T> {
    let value: T;
    this.#pending = name;
    try {
      value = await within(
        later,
        this.#limitMs,
        () => new DeviceGoneError("hang", `hangs in ${name}: no answer within ${this.#limitMs} ms`),
      );
    } finally {
      if (this.#gone === null) this.#pending = "";
      this.#witness?.ends();
    }
    if (performance.now() >= this.#turnEnds) return this.#nextTurn(name, value, fault);
    return this.#checked(name, value, fault(value));
  }

  /** A case that only ever asks devices that answer at once would keep all others waiting, its own limit included. */
  async #nextTurn<T>(name: string, value: T, fault: AnswerFault): Promise<T> {
    await new Promise<void>((resume) => setTimeout(resume, 0));
    this.#turnEnds = performance.now() + TURN_MS;
    return this.#checked(name, value, fault(value));
  }

  #checked<T>(name: string, value: T, fault: string | null): T {
    if (fault !== null) throw this.#break(`${name} ${fault}`);
    return value;
  }

  /** The target does not work; what a device that is gone does says nothing new. */
  #break(message: string): TargetError {
    const error = new TargetError(message);
    if (this.#gone === null) this.#broken ??= error;
    return error;
  }

  #guard(inner: DeviceUnderTest): DeviceUnderTest {
    const { bus, screenshot, changeDisplay } = inner;
    return {
      device: inner.device,
      ram: this.#ram(inner.ram),
      bus:
        bus.kind === "mmio"
          ? { kind: "mmio", mmio: this.#mmio(bus.mmio) }
          : { kind: "pci", pci: this.#pci(bus.pci) },
      interruptLine: () => this.#call("interruptLine()", () => inner.interruptLine(), lineFault),
      settle: () => this.#call("settle()", () => inner.settle()),
      ...(screenshot === undefined
        ? {}
        : {
            screenshot: (scanout) =>
              this.#call("screenshot()", () => screenshot.call(inner, scanout), pictureFault),
          }),
      ...(changeDisplay === undefined
        ? {}
        : {
            changeDisplay: (change) => this.#call("changeDisplay()", () => changeDisplay.call(inner, change)),
          }),
      close: () => inner.close(),
    };
  }

  /** Cases ask for bytes beyond the end where they gave the device such addresses: what there is of them is read. */
  #ram(ram: GuestRam): GuestRam {
    const { sizeBytes } = ram;
    return {
      sizeBytes,
      read: (address, lengthBytes) => {
        const there = Math.max(0, Math.min(lengthBytes, sizeBytes - address));
        if (there === 0) return new Uint8Array(0);
        const bytes = this.#access("ram.read", address, () => ram.read(address, there));
        const fault = bytesFault(bytes, there);
        return fault === null ? bytes : this.#checked(`ram.read(${hex(address)}, ${there})`, bytes, fault);
      },
      write: (address, bytes) => {
        if (address < 0 || address + bytes.length > sizeBytes) {
          throw new VirtioBugError(`a case writes outside of guest memory, at ${hex(address)}`);
        }
        const result: unknown = this.#access("ram.write", address, () => ram.write(address, bytes));
        const fault = storeFault(result);
        if (fault !== null) this.#checked(`ram.write(${hex(address)})`, result, fault);
      },
    };
  }

  /** Memory that throws is not the device's fault, unless it went away with the device. */
  #access<T>(name: string, address: number, access: () => T): T {
    try {
      return access();
    } catch (error) {
      if (error instanceof DeviceGoneError || this.#gone !== null) throw error;
      throw this.#break(`${name}(${hex(address)}) failed: ${oneLine(error)}`);
    }
  }

  #mmio(mmio: Extract<DeviceUnderTest["bus"], { kind: "mmio" }>["mmio"]): typeof mmio {
    return {
      read: (offset, width) =>
        this.#call(`mmio.read(${hex(offset)})`, () => mmio.read(offset, width), registerFault),
      write: (offset, width, value) =>
        this.#call(`mmio.write(${hex(offset)}, ${hex(value)})`, () => mmio.write(offset, width, value)),
    };
  }

  #pci(pci: Extract<DeviceUnderTest["bus"], { kind: "pci" }>["pci"]): typeof pci {
    return {
      configRead: (offset, width) =>
        this.#call(`pci.configRead(${hex(offset)})`, () => pci.configRead(offset, width), registerFault),
      configWrite: (offset, width, value) =>
        this.#call(`pci.configWrite(${hex(offset)}, ${hex(value)})`, () =>
          pci.configWrite(offset, width, value),
        ),
      barRead: (bar, offset, width) =>
        this.#call(
          `pci.barRead(${bar}, ${hex(offset)})`,
          () => pci.barRead(bar, offset, width),
          registerFault,
        ),
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
