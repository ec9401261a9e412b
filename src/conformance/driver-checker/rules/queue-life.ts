import type { QueueView } from "../device-view.ts";
import type { DriverEvent } from "../events.ts";
import { registerEvidence } from "../violation.ts";
import type { Rule, RuleContext } from "./rule.ts";

/** Reset of single queues, and what follows (virtio 1.4, section 2.6.1). */
export class QueueLifeRules implements Rule {
  readonly #context: RuleContext;

  constructor(context: RuleContext) {
    this.#context = context;
  }

  event(event: DriverEvent): void {
    switch (event.kind) {
      case "queue-address-write":
      case "queue-size-write":
        this.#verified(event.queue, event.value, "was configured");
        break;
      case "notify":
        this.#verified(event.queue, event.value, "was notified");
        break;
      case "queue-enable-write": {
        if (event.value !== 1) break;
        this.#verified(event.queue, event.value, "was enabled");
        const queue = this.#context.view.queues.get(event.queue);
        if (queue?.wasReset === true) this.#configured(queue);
        break;
      }
      default:
        break;
    }
  }

  #verified(index: number, value: number, what: string): void {
    const queue = this.#context.view.queues.get(index);
    if (queue === undefined || !queue.resetPending) return;
    this.#context.report(
      "content.driver.virtqueue-reset.1",
      index,
      `queue ${index} ${what} before its reset was seen to be complete`,
      [registerEvidence("value", value)],
      "queue-reset-not-awaited",
    );
    queue.resetPending = false;
  }

  #configured(queue: QueueView): void {
    const missing = (["descriptors", "driver", "device"] as const).filter((area) => !queue.written[area]);
    if (missing.length === 0) return;
    this.#context.report(
      "content.driver.virtqueue-re-enable.1",
      queue.index,
      `queue ${queue.index} was enabled again without addresses of its areas (${missing.join(", ")})`,
      [],
      "areas-missing",
    );
  }
}
