import {
  VIRTIO_CONFIG_S_DRIVER_OK,
  VIRTIO_CONFIG_S_SUSPEND,
  VIRTIO_F_SUSPEND,
} from "../../../wire/common.ts";
import type { WatchedChain } from "../chain.ts";
import type { QueueView } from "../device-view.ts";
import type { DriverEvent } from "../events.ts";
import { registerEvidence } from "../violation.ts";
import type { Rule, RuleContext } from "./rule.ts";

const BOTH = VIRTIO_CONFIG_S_SUSPEND | VIRTIO_CONFIG_S_DRIVER_OK;

/** Suspending and resuming a device (virtio 1.4, section 3.4). */
export class SuspendRules implements Rule {
  readonly #context: RuleContext;
  #state: "running" | "suspending" | "suspended" | "resuming" = "running";

  constructor(context: RuleContext) {
    this.#context = context;
  }

  event(event: DriverEvent): void {
    switch (event.kind) {
      case "status-write":
        this.#statusWritten(event.value);
        break;
      case "status-read":
        if (this.#state === "suspending" && (event.value & BOTH) === VIRTIO_CONFIG_S_SUSPEND) {
          this.#state = "suspended";
        } else if (this.#state === "resuming" && (event.value & BOTH) === VIRTIO_CONFIG_S_DRIVER_OK) {
          this.#state = "running";
        }
        break;
      case "notify":
        this.#refuse("4", event.queue, `queue ${event.queue} was notified`, event.value);
        break;
      case "config-write":
        this.#refuse("5", -1, `the configuration space was written at ${event.offset}`, event.value);
        break;
      default:
        break;
    }
  }

  #statusWritten(value: number): void {
    const { view } = this.#context;
    if (value === 0) {
      this.#state = "running";
      return;
    }
    if (this.#state === "running") {
      if ((value & ~view.status & VIRTIO_CONFIG_S_SUSPEND) === 0) return;
      if (!view.live || !view.hasFeature(VIRTIO_F_SUSPEND)) {
        this.#report(
          "content.driver.device-suspend.1",
          -1,
          view.live ? "SUSPEND was set without VIRTIO_F_SUSPEND" : "SUSPEND was set without DRIVER_OK",
          value,
        );
      }
      this.#state = "suspending";
      return;
    }
    if (this.#state !== "resuming" && (value & VIRTIO_CONFIG_S_DRIVER_OK) !== 0) {
      if (this.#state === "suspending") {
        this.#report(
          "content.driver.device-suspend.2",
          -1,
          "the device was never seen to be suspended",
          value,
        );
      }
      this.#state = "resuming";
    }
  }

  available(queue: QueueView, chain: WatchedChain): void {
    this.#refuse("3", queue.index, `buffer ${chain.token} was made available`, chain.token);
  }

  /** Something that a driver must not do from SUSPEND on, nor before it has seen that the device runs again. */
  #refuse(clause: string, queue: number, what: string, value: number): void {
    if (this.#state === "running") return;
    if (this.#state === "resuming") {
      this.#report(
        "content.driver.device-suspend.6",
        queue,
        `${what} before the device was seen to run again`,
        value,
      );
    } else {
      this.#report(
        `content.driver.device-suspend.${clause}`,
        queue,
        `${what} while the device is suspended`,
        value,
      );
    }
  }

  #report(clause: string, queue: number, message: string, value: number): void {
    this.#context.report(clause, queue, message, [registerEvidence("value", value)]);
  }
}
