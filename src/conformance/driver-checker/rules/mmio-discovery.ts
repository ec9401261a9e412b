import * as reg from "../../../wire/mmio.ts";
import type { DriverEvent } from "../events.ts";
import type { Fault } from "../findings.ts";
import { hex, registerEvidence } from "../violation.ts";
import type { Rule, RuleContext } from "./rule.ts";

const LAYOUT = "transport-mmio.driver.mmio-device-register-layout";
const INITIALIZATION = "transport-mmio.driver.device-initialization";

/** Registers that version 1 of the interface does not have. */
const NOT_LEGACY: readonly number[] = [
  reg.VIRTIO_MMIO_QUEUE_READY,
  reg.VIRTIO_MMIO_QUEUE_DESC_LOW,
  reg.VIRTIO_MMIO_QUEUE_AVAIL_LOW,
  reg.VIRTIO_MMIO_QUEUE_USED_LOW,
  reg.VIRTIO_MMIO_SHM_SEL,
  reg.VIRTIO_MMIO_QUEUE_RESET,
  reg.VIRTIO_MMIO_CONFIG_GENERATION,
];

/** What a driver reads first, and what it makes of that (virtio 1.4, section 4.2.3.1.1). */
export class MmioDiscoveryRules implements Rule {
  readonly #context: RuleContext;
  #magic: number | null = null;
  #version: number | null = null;
  #deviceId: number | null = null;
  readonly #said = new Set<string>();

  constructor(context: RuleContext) {
    this.#context = context;
  }

  event(event: DriverEvent): void {
    if (event.kind === "mmio-read") this.#access(event.offset, event.value, true);
    else if (event.kind === "mmio-write") this.#access(event.offset, event.value, false);
  }

  #access(offset: number, value: number, reads: boolean): void {
    if (reads && offset === reg.VIRTIO_MMIO_MAGIC_VALUE) this.#magic = value;
    else if (reads && offset === reg.VIRTIO_MMIO_VERSION) this.#version = value;
    else if (reads && offset === reg.VIRTIO_MMIO_DEVICE_ID) this.#identify(offset, value);
    else this.#other(offset, value);
  }

  #report(clause: string, message: string, offset: number, value: number, fault?: Fault): void {
    if (this.#said.has(clause)) return;
    this.#said.add(clause);
    this.#context.report(clause, -1, message, [registerEvidence(`register ${hex(offset)}`, value)], fault);
  }

  #begin(what: string, offset: number, value: number): void {
    const unread = this.#magic === null ? "MagicValue" : this.#version === null ? "Version" : null;
    if (unread === null) return;
    this.#report(`${INITIALIZATION}.1`, `${what} before ${unread} was read`, offset, value);
  }

  #identify(offset: number, value: number): void {
    this.#begin("DeviceID was read", offset, value);
    this.#deviceId = value;
  }

  #other(offset: number, value: number): void {
    const what = `register ${hex(offset)} was accessed`;
    this.#begin(what, offset, value);
    if (this.#magic !== null && this.#magic !== reg.VIRTIO_MMIO_MAGIC) {
      this.#report(`${LAYOUT}.4`, `${what} although MagicValue is wrong`, offset, value);
    } else if (this.#version !== null && this.#version !== reg.VIRTIO_MMIO_VERSION_2) {
      // A transitional driver may drive a legacy device, by the registers that there are then.
      const legacy = this.#version === reg.VIRTIO_MMIO_VERSION_LEGACY && !NOT_LEGACY.includes(offset);
      if (!legacy || !this.#context.transitional) {
        this.#report(`${LAYOUT}.5`, `${what} although Version is ${this.#version}`, offset, value);
      }
    } else if (this.#deviceId === null) {
      this.#report(`${INITIALIZATION}.2`, `${what} before DeviceID was read`, offset, value);
    } else if (this.#deviceId === 0) {
      this.#report(
        `${LAYOUT}.6`,
        `${what} although DeviceID is 0, which means no device`,
        offset,
        value,
        "no-device",
      );
      this.#report(`${INITIALIZATION}.2`, `${what} although DeviceID is 0`, offset, value, "no-device");
    }
  }
}
