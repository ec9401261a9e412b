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
import { registerEvidence } from "../violation.ts";
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

  constructor(context: RuleContext) {
    this.#context = context;
  }

  event(event: DriverEvent): void {
    const { view } = this.#context;
    switch (event.kind) {
      case "status-write":
        if (event.value === 0) this.#ceased();
        else this.#status(event.value);
        break;
      case "driver-features-write":
        if ((view.status & VIRTIO_CONFIG_S_FEATURES_OK) !== 0) {
          this.#report(
            "content.driver.device-initialization.3",
            "features were written after FEATURES_OK",
            event.value,
          );
        } else if ((view.status & VIRTIO_CONFIG_S_DRIVER) === 0) {
          this.#report(
            "content.driver.device-initialization.1",
            "features were written before DRIVER was set",
            view.status,
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
    this.#ceased();
  }

  #report(clause: string, message: string, value: number, before?: number): void {
    this.#context.report(clause, -1, message, [registerEvidence("device status", value, before)]);
  }

  #status(value: number): void {
    const { view } = this.#context;
    const old = view.status;
    if (view.resetPending) {
      this.#report(
        "content.driver.device-reset.1",
        "the device was set up before its reset was seen to be complete",
        value,
      );
    }
    if (!view.everReset && !view.begun) {
      this.#report(
        "content.driver.device-initialization.1",
        "initialization does not begin with a reset",
        value,
      );
    }
    const lost = old & ~value & DRIVER_BITS;
    if (lost !== 0) {
      this.#report(
        "content.driver.device-status-field.2",
        `status bits 0x${lost.toString(16)} were cleared`,
        value,
        old,
      );
    }
    const added = value & ~old;
    for (const [name, bit, neededName, needed] of STEPS) {
      // Resuming a suspended device sets DRIVER_OK as well; all other bits stand then.
      if ((added & bit) === 0 || (value & needed) !== 0) continue;
      this.#report(
        "content.driver.device-status-field.1",
        `${name} was set without ${neededName}`,
        value,
        old,
      );
    }
    if ((added & VIRTIO_CONFIG_S_DRIVER_OK) !== 0 && (value & VIRTIO_CONFIG_S_FEATURES_OK) !== 0) {
      if ((added & VIRTIO_CONFIG_S_FEATURES_OK) !== 0) {
        this.#report(
          "content.driver.device-initialization.1",
          "FEATURES_OK was not read back before DRIVER_OK",
          value,
          old,
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
        );
      } else if ((added & DRIVER_BITS) !== 0) {
        this.#afterFailure(`status bits 0x${added.toString(16)} were set`);
      }
    }
  }

  #expectFeatures(what: string): void {
    const { view } = this.#context;
    if ((view.status & VIRTIO_CONFIG_S_FEATURES_OK) === 0) {
      // Refused: the device took the bit back, and the driver saw it.
      if (view.featuresOk === "refused") {
        this.#report(
          "content.driver.device-initialization.5",
          `${what} although the device refused the features`,
          view.status,
        );
      } else if (!view.live) {
        this.#report("content.driver.device-initialization.1", `${what} before FEATURES_OK`, view.status);
      }
    } else if (view.featuresOk === "unread") {
      this.#report(
        "content.driver.device-initialization.1",
        `${what} before FEATURES_OK was read back`,
        view.status,
      );
    }
  }

  #afterFailure(what: string): void {
    const { view } = this.#context;
    if (view.failed)
      this.#report("content.driver.device-initialization.5", `${what} after FAILED`, view.status);
  }

  #notified(queue: number): void {
    const { view } = this.#context;
    // A suspended device has no DRIVER_OK either; that is another rule's.
    if (!view.live && (view.status & VIRTIO_CONFIG_S_SUSPEND) === 0) {
      this.#report(
        "content.driver.device-initialization.6",
        `queue ${queue} was notified before DRIVER_OK`,
        view.status,
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
  #ceased(): void {
    const { view } = this.#context;
    const unfinished = (view.status & VIRTIO_CONFIG_S_DRIVER) !== 0 && !view.failed;
    if (!unfinished || view.live || (view.status & VIRTIO_CONFIG_S_SUSPEND) !== 0) return;
    if (view.offers(VIRTIO_F_VERSION_1) === false) {
      this.#report(
        "content.driver.feature-bits.4",
        "the driver gave up for want of a feature without setting FAILED",
        view.status,
      );
    } else {
      this.#report(
        "content.driver.device-initialization.4",
        "the driver gave up without setting FAILED",
        view.status,
      );
    }
  }
}
