import {
  VIRTIO_CONFIG_S_ACKNOWLEDGE,
  VIRTIO_CONFIG_S_DRIVER,
  VIRTIO_CONFIG_S_DRIVER_OK,
  VIRTIO_CONFIG_S_FAILED,
  VIRTIO_CONFIG_S_FEATURES_OK,
  VIRTIO_CONFIG_S_SUSPEND,
  VIRTIO_F_VERSION_1,
} from "../../../wire/common.ts";
import type { DriverEvent } from "../events.ts";
import type { Fault } from "../findings.ts";
import { hex, registerEvidence } from "../violation.ts";
import { AFTER_FAILED, NOT_RESET, SKIPPED, UNREAD_FEATURES_OK } from "./faults.ts";
import type { Rule, RuleContext } from "./rule.ts";

/** Bits only the driver sets: DEVICE_NEEDS_RESET is the device's. */
const DRIVER_BITS =
  VIRTIO_CONFIG_S_ACKNOWLEDGE |
  VIRTIO_CONFIG_S_DRIVER |
  VIRTIO_CONFIG_S_DRIVER_OK |
  VIRTIO_CONFIG_S_FEATURES_OK |
  VIRTIO_CONFIG_S_SUSPEND |
  VIRTIO_CONFIG_S_FAILED;

/** Each step of the initialization, and the one that has to have been completed before. */
const STEPS = [
  ["DRIVER", VIRTIO_CONFIG_S_DRIVER, "ACKNOWLEDGE", VIRTIO_CONFIG_S_ACKNOWLEDGE],
  ["FEATURES_OK", VIRTIO_CONFIG_S_FEATURES_OK, "DRIVER", VIRTIO_CONFIG_S_DRIVER],
  ["DRIVER_OK", VIRTIO_CONFIG_S_DRIVER_OK, "FEATURES_OK", VIRTIO_CONFIG_S_FEATURES_OK],
] as const;

/** The device status field and the sequence of initialization (virtio 1.4, sections 2.1, 2.4 and 3.1). */
export class StatusRules implements Rule {
  readonly #context: RuleContext;
  /** The driver notified a queue: as far as it knows the device is in operation. */
  #wentOn = false;

  constructor(context: RuleContext) {
    this.#context = context;
  }

  event(event: DriverEvent): void {
    const { view } = this.#context;
    switch (event.kind) {
      case "status-write":
        if (event.value === 0) this.#ceased("reset the device");
        else this.#status(event.value);
        break;
      case "driver-features-write":
        if ((view.status & VIRTIO_CONFIG_S_FEATURES_OK) !== 0) {
          this.#report(
            "content.driver.device-initialization.3",
            `features were written at device status ${hex(view.status)}, with FEATURES_OK set: they are settled, and a reset comes first`,
            view.status,
          );
        } else if ((view.status & VIRTIO_CONFIG_S_DRIVER) === 0) {
          this.#report(
            "content.driver.device-initialization.1",
            `features were written at device status ${hex(view.status)}, before DRIVER was set`,
            view.status,
            undefined,
            SKIPPED,
          );
        }
        this.#afterFailure("features were written");
        break;
      case "queue-enable-write":
        if (event.value !== 1) break;
        this.#expectFeatures(`queue ${event.queue} was enabled`);
        this.#afterFailure(`queue ${event.queue} was enabled`);
        break;
      case "config-write":
        if ((view.status & VIRTIO_CONFIG_S_FEATURES_OK) === 0) {
          this.#report(
            "content.driver.device-initialization.2",
            `the configuration space was written at ${event.offset} before FEATURES_OK`,
            event.value,
          );
        }
        break;
      case "notify":
        this.#notified(event.queue);
        break;
      default:
        break;
    }
  }

  finish(): void {
    this.#ceased("stopped");
  }

  #report(clause: string, message: string, value: number, before?: number, fault?: Fault): void {
    this.#context.report(clause, -1, message, [registerEvidence("device status", value, before)], fault);
  }

  #status(value: number): void {
    const { view } = this.#context;
    const old = view.status;
    if (view.resetPending) {
      this.#report(
        "content.driver.device-reset.1",
        "the device was set up before its reset was seen to be complete: read the device status until it is 0",
        value,
        undefined,
        "reset-not-awaited",
      );
    }
    if (!view.everReset && !view.begun) {
      this.#report(
        "content.driver.device-initialization.1",
        "initialization does not begin with a reset: write 0 to the device status first",
        value,
        undefined,
        NOT_RESET,
      );
    }
    const lost = old & ~value & DRIVER_BITS;
    if (lost !== 0) {
      this.#report(
        "content.driver.device-status-field.2",
        `status bits ${hex(lost)} were cleared: the status went from ${hex(old)} to ${hex(value)}, and bits are only ever added`,
        value,
        old,
        view.failed ? AFTER_FAILED : "status-went-back",
      );
    }
    const added = value & ~old;
    for (const [name, bit, neededName, needed] of STEPS) {
      // Resuming a suspended device sets DRIVER_OK as well; all other bits stand then.
      if ((added & bit) === 0 || (value & needed) !== 0) continue;
      this.#report(
        "content.driver.device-status-field.1",
        `${name} was set without ${neededName}: the status went from ${hex(old)} to ${hex(value)}`,
        value,
        old,
        lost === 0 ? SKIPPED : "status-went-back",
      );
    }
    if ((added & VIRTIO_CONFIG_S_DRIVER_OK) !== 0 && (value & VIRTIO_CONFIG_S_FEATURES_OK) !== 0) {
      if ((added & VIRTIO_CONFIG_S_FEATURES_OK) !== 0) {
        this.#report(
          "content.driver.device-initialization.1",
          "FEATURES_OK and DRIVER_OK were set in one write, so FEATURES_OK was not read back",
          value,
          old,
          UNREAD_FEATURES_OK,
        );
      } else {
        this.#expectFeatures("DRIVER_OK was set");
      }
    }
    if (view.failed) {
      if ((value & VIRTIO_CONFIG_S_FAILED) === 0) {
        this.#report(
          "content.driver.device-status-field.3",
          "initialization began anew after FAILED without a reset",
          value,
          old,
          AFTER_FAILED,
        );
      } else if ((added & DRIVER_BITS) !== 0) {
        this.#afterFailure(`status bits ${hex(added)} were set`);
      }
    }
  }

  #expectFeatures(what: string): void {
    const { view } = this.#context;
    if (view.failed) return;
    if ((view.status & VIRTIO_CONFIG_S_FEATURES_OK) === 0) {
      // Refused: the device took the bit back, and the driver saw it.
      if (view.featuresOk === "refused") {
        this.#report(
          "content.driver.device-initialization.5",
          `${what} although the device refused the features: it took FEATURES_OK back`,
          view.status,
          undefined,
          UNREAD_FEATURES_OK,
        );
      } else if (!view.live) {
        this.#report(
          "content.driver.device-initialization.1",
          `${what} at device status ${hex(view.status)}, before FEATURES_OK`,
          view.status,
          undefined,
          SKIPPED,
        );
      }
    } else if (view.featuresOk === "unread") {
      this.#report(
        "content.driver.device-initialization.1",
        `${what} before FEATURES_OK was read back: only then does a driver know that its features are accepted`,
        view.status,
        undefined,
        UNREAD_FEATURES_OK,
      );
    }
  }

  #afterFailure(what: string): void {
    const { view } = this.#context;
    if (view.failed)
      this.#report(
        "content.driver.device-initialization.5",
        `${what} after FAILED`,
        view.status,
        undefined,
        AFTER_FAILED,
      );
  }

  #notified(queue: number): void {
    const { view } = this.#context;
    // A suspended device has no DRIVER_OK either; that is another rule's.
    if (!view.live && (view.status & VIRTIO_CONFIG_S_SUSPEND) === 0) {
      this.#wentOn = true;
      this.#report(
        "content.driver.device-initialization.6",
        `queue ${queue} was notified at device status ${hex(view.status)}, where DRIVER_OK is not set: the device does not look at queues before`,
        view.status,
        undefined,
        SKIPPED,
      );
    } else if (view.sawNeedsReset) {
      this.#report(
        "content.driver.device-status-field.4",
        `queue ${queue} was notified although the device needs a reset`,
        view.status,
      );
    }
  }

  /** The driver gave up on the initialization, or began anew: it has to have said so. */
  #ceased(what: string): void {
    const { view } = this.#context;
    const wentOn = this.#wentOn;
    this.#wentOn = false;
    const unfinished = (view.status & VIRTIO_CONFIG_S_DRIVER) !== 0 && !view.failed;
    if (!unfinished || view.live || (view.status & VIRTIO_CONFIG_S_SUSPEND) !== 0) return;
    // It did not give up at all: DRIVER_OK was forgotten, and that was said.
    if (wentOn) return;
    if (view.offers(VIRTIO_F_VERSION_1) === false) {
      this.#report(
        "content.driver.feature-bits.4",
        `the device does not offer VIRTIO_F_VERSION_1, and the driver ${what} without setting FAILED`,
        view.status,
      );
    } else {
      this.#report(
        "content.driver.device-initialization.4",
        `the driver ${what} at device status ${hex(view.status)}: DRIVER_OK was never set, and neither was FAILED, which says that a driver gives up`,
        view.status,
        undefined,
        SKIPPED,
      );
    }
  }
}
