import { messageOf } from "../base/brands.ts";
import { VirtioBugError, VirtioUsageError } from "../base/errors.ts";
import { atOnce, isPromise, ofNoInterest } from "../base/later.ts";
import type { DeviceQueue } from "../virtqueue/device-queue.ts";
import type { CompleteDeviceType } from "./complete-type.ts";
import type { DeviceCounters } from "./device-options.ts";
import type { DeviceHost } from "./device-type.ts";

/** What the framework calls of a type while a driver is at work; a failure names it. */
type Member = "start" | "handleQueue" | "queueReset" | "reset" | "quiesce" | "readConfigByte" | "writeConfig";

/** Members behind whose failure the device cannot go on. Those of the configuration space do nothing then, or read as 0. */
const VITAL: ReadonlySet<Member> = new Set<Member>(["start", "handleQueue", "queueReset", "quiesce"]);

/** What the device does when its type fails. */
export interface TypeBorderOwner {
  emit(kind: string, detail: Readonly<Record<string, string | number | boolean>>): void;
  needsReset(reason: string): void;
}

/**
 * The border to a device type: the accesses of a guest stand in front of it, which must not see what its author's code throws.
 * A promise is followed, so that its failure is the member's. Misuse of the library goes to whoever runs the program, as do
 * bugs of our own.
 */
export class TypeBorder {
  readonly #type: CompleteDeviceType;
  readonly #counters: DeviceCounters;
  readonly #owner: TypeBorderOwner;

  constructor(type: CompleteDeviceType, counters: DeviceCounters, owner: TypeBorderOwner) {
    this.#type = type;
    this.#counters = counters;
    this.#owner = owner;
  }

  /** Throws what the type throws, to whoever makes the device. */
  attach(host: DeviceHost): void {
    const attached: unknown = this.#type.attach(host);
    atOnce(attached, `attach() of the ${this.#type.name}`, "begin what takes time in start()");
  }

  start(): void {
    try {
      this.#follow("start", this.#type.start());
    } catch (error) {
      this.#failed("start", error);
    }
  }

  handleQueue(index: number, queue: DeviceQueue): void {
    try {
      this.#follow("handleQueue", this.#type.handleQueue(index, queue));
    } catch (error) {
      this.#failed("handleQueue", error);
    }
  }

  queueReset(index: number): void {
    try {
      this.#follow("queueReset", this.#type.queueReset(index));
    } catch (error) {
      this.#failed("queueReset", error);
    }
  }

  reset(): void {
    try {
      this.#follow("reset", this.#type.reset());
    } catch (error) {
      this.#failed("reset", error);
    }
  }

  quiesce(): void {
    try {
      this.#follow("quiesce", this.#type.quiesce());
    } catch (error) {
      this.#failed("quiesce", error);
    }
  }

  /** A byte that cannot be read is 0. */
  readConfigByte(offset: number): number {
    try {
      const byte: unknown = this.#type.readConfigByte(offset);
      if (typeof byte === "number") return byte & 0xff;
      ofNoInterest(byte);
      throw new TypeError(`it returned ${isPromise(byte) ? "a promise" : String(byte)}, not a byte`);
    } catch (error) {
      this.#failed("readConfigByte", error);
      return 0;
    }
  }

  writeConfig(offset: number, widthBytes: number, value: number): void {
    try {
      this.#follow("writeConfig", this.#type.writeConfig(offset, widthBytes, value));
    } catch (error) {
      this.#failed("writeConfig", error);
    }
  }

  #follow(member: Member, result: unknown): void {
    if (!isPromise(result)) return;
    const { resets } = this.#counters;
    Promise.resolve(result).then(undefined, (error: unknown) =>
      // What fails late may be of a life that is over.
      this.#tell(member, error, this.#counters.resets === resets),
    );
  }

  #failed(member: Member, error: unknown): void {
    if (error instanceof VirtioBugError || error instanceof VirtioUsageError) throw error;
    this.#tell(member, error, true);
  }

  #tell(member: Member, error: unknown, ofThisLife: boolean): void {
    const reason = messageOf(error);
    this.#counters.typeFailures++;
    this.#owner.emit("device-type-failed", { member, reason });
    if (!ofThisLife || !VITAL.has(member)) return;
    this.#owner.needsReset(`${member}() of the ${this.#type.name} failed: ${reason}`);
  }
}
