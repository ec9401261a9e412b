import { VIRTIO_MMIO_INT_CONFIG, VIRTIO_MMIO_INT_VRING } from "../../../wire/mmio.ts";
import { type DriverEvent, isAccess } from "../events.ts";
import { registerEvidence } from "../violation.ts";
import type { Rule, RuleContext } from "./rule.ts";

const LAYOUT = "transport-mmio.driver.mmio-device-register-layout";
const NOTIFICATIONS = "transport-mmio.driver.notifications-from-the-device";
const DEFINED = VIRTIO_MMIO_INT_VRING | VIRTIO_MMIO_INT_CONFIG;
/** Accesses to the device that may pass before an interrupt is taken care of: drivers have more than one thread. */
const PATIENCE = 256;
/** The same when the device is reset meanwhile, which takes care of all interrupts. */
const PATIENCE_UNTIL_RESET = 16;

const hex = (value: number) => `0x${(value >>> 0).toString(16)}`;

/** Interrupts: to be asked for their causes, and acknowledged (virtio 1.4, section 4.2.3.4). */
export class MmioInterruptRules implements Rule {
  readonly #context: RuleContext;
  /** An interrupt came, and InterruptStatus was not read since. */
  #unread = false;
  /** What was read of InterruptStatus and not acknowledged since. */
  #seen = 0;
  #accesses = 0;

  constructor(context: RuleContext) {
    this.#context = context;
  }

  event(event: DriverEvent): void {
    switch (event.kind) {
      case "line":
        if (!event.asserted) {
          this.#unread = false;
        } else if (!this.#unread && this.#seen === 0) {
          this.#unread = true;
          this.#accesses = 0;
        }
        break;
      case "interrupt-status-read":
        this.#unread = false;
        this.#seen = event.value;
        this.#accesses = 0;
        break;
      case "interrupt-acknowledge":
        this.#acknowledge(event.value);
        break;
      case "status-write":
        if (event.value !== 0) break;
        if (this.#accesses >= PATIENCE_UNTIL_RESET) this.#expectHandled();
        this.#unread = false;
        this.#seen = 0;
        break;
      default:
        if (isAccess(event) && ++this.#accesses === PATIENCE) this.#expectHandled();
    }
  }

  finish(): void {
    this.#expectHandled();
  }

  #report(clause: string, message: string, value: number): void {
    this.#context.report(clause, -1, message, [registerEvidence("interrupt causes", value)]);
  }

  #acknowledge(value: number): void {
    if (this.#unread) {
      this.#unread = false;
      this.#report(
        `${NOTIFICATIONS}.1`,
        "an interrupt was acknowledged, and InterruptStatus not read before",
        value,
      );
    }
    const undefinedBits = (value & ~DEFINED) >>> 0;
    if (undefinedBits !== 0) {
      this.#report(`${LAYOUT}.13`, `undefined bits ${hex(undefinedBits)} were acknowledged`, value);
      if ((undefinedBits & this.#seen) !== 0) {
        this.#report(
          `${LAYOUT}.12`,
          `undefined bits ${hex(undefinedBits)} of InterruptStatus were not ignored`,
          value,
        );
      }
    }
    const unseen = value & DEFINED & ~this.#seen;
    if (unseen !== 0) {
      this.#report(
        `${LAYOUT}.13`,
        `events ${hex(unseen)} were acknowledged, which were not seen in InterruptStatus`,
        value,
      );
    }
    this.#seen = (this.#seen & ~value) >>> 0;
    if ((this.#seen & DEFINED) === 0) this.#seen = 0;
  }

  #expectHandled(): void {
    if (this.#unread) {
      this.#report(`${NOTIFICATIONS}.1`, "an interrupt came, and InterruptStatus was not read", 0);
    }
    const left = this.#seen & DEFINED;
    if (left !== 0) {
      this.#report(`${NOTIFICATIONS}.3`, `events ${hex(left)} were not acknowledged`, this.#seen);
      this.#report(`${LAYOUT}.13`, `events ${hex(left)} were not acknowledged`, this.#seen);
      if (left !== this.#seen) {
        this.#report(
          `${LAYOUT}.12`,
          "an interrupt with undefined causes besides was not acknowledged",
          this.#seen,
        );
      }
    }
    this.#unread = false;
    this.#seen = 0;
  }
}
