import { VIRTIO_MMIO_INT_CONFIG, VIRTIO_MMIO_INT_VRING } from "../../../wire/mmio.ts";
import { type DriverEvent, isAccess } from "../events.ts";
import { hex, registerEvidence } from "../violation.ts";
import { noteUnhandledInterrupt } from "./interrupts.ts";
import type { Rule, RuleContext } from "./rule.ts";

const LAYOUT = "transport-mmio.driver.mmio-device-register-layout";
const NOTIFICATIONS = "transport-mmio.driver.notifications-from-the-device";
const DEFINED = VIRTIO_MMIO_INT_VRING | VIRTIO_MMIO_INT_CONFIG;
/** Accesses to the device that may pass before an interrupt is taken care of: drivers have more than one thread. */
const PATIENCE = 256;
/** The same when the device is reset meanwhile, which takes care of all interrupts. */
const PATIENCE_UNTIL_RESET = 16;

/**
 * Interrupts: to be asked for their causes, and acknowledged (virtio 1.4, section 4.2.3.4). What binds drivers "after
 * receiving an interrupt" is judged only where the embedder says that the driver receives them: the line tells that the
 * device asks, not that a processor was listening.
 */
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

  #report(clause: string, message: string, value: number, fault?: string): void {
    this.#context.report(clause, -1, message, [registerEvidence("interrupt causes", value)], fault);
  }

  #acknowledge(value: number): void {
    const asked = !this.#unread;
    this.#unread = false;
    if (!asked && this.#context.polled === false) {
      this.#report(
        `${NOTIFICATIONS}.1`,
        "an interrupt was acknowledged, and InterruptStatus was not read before: it says which events there were",
        value,
        "acknowledgement",
      );
    }
    const undefinedBits = (value & ~DEFINED) >>> 0;
    if (undefinedBits !== 0) {
      this.#report(
        `${LAYOUT}.13`,
        `undefined bits ${hex(undefinedBits)} were acknowledged`,
        value,
        "acknowledgement",
      );
      if ((undefinedBits & this.#seen) !== 0) {
        this.#report(
          `${LAYOUT}.12`,
          `undefined bits ${hex(undefinedBits)} of InterruptStatus were not ignored`,
          value,
          "acknowledgement",
        );
      }
    }
    const unseen = value & DEFINED & ~this.#seen;
    // A driver that never looks at InterruptStatus may know of its buffers from the used ring.
    if (unseen !== 0 && (this.#seen !== 0 || this.#context.polled === false)) {
      this.#report(
        `${LAYOUT}.13`,
        `events ${hex(unseen)} were acknowledged, which were not seen in InterruptStatus`,
        value,
        "acknowledgement",
      );
    }
    this.#seen = (this.#seen & ~value) >>> 0;
    if ((this.#seen & DEFINED) === 0) this.#seen = 0;
  }

  #expectHandled(): void {
    const left = this.#seen & DEFINED;
    if (this.#context.polled === null) {
      if (this.#unread)
        noteUnhandledInterrupt(this.#context, "InterruptStatus was not read and nothing acknowledged");
      else if (left !== 0) noteUnhandledInterrupt(this.#context, `events ${hex(left)} were not acknowledged`);
    } else if (!this.#context.polled) {
      this.#judgeHandled(left);
    }
    this.#unread = false;
    this.#seen = 0;
  }

  #judgeHandled(left: number): void {
    if (this.#unread) {
      this.#report(`${NOTIFICATIONS}.1`, "an interrupt came, and InterruptStatus was not read", 0);
    }
    if (left === 0) return;
    const message = `events ${hex(left)} were seen in InterruptStatus, and not acknowledged: the interrupt stays asserted`;
    this.#report(`${NOTIFICATIONS}.3`, message, this.#seen, "acknowledgement");
    this.#report(`${LAYOUT}.13`, message, this.#seen, "acknowledgement");
    if (left !== this.#seen) {
      this.#report(
        `${LAYOUT}.12`,
        "an interrupt with undefined causes besides was not acknowledged",
        this.#seen,
        "acknowledgement",
      );
    }
  }
}
