import { VIRTIO_F_RING_RESET } from "../../../wire/common.ts";
import type { DriverEvent } from "../events.ts";
import { registerEvidence } from "../violation.ts";
import type { Rule, RuleContext } from "./rule.ts";

/** Of how many queues is remembered that they are being reset. */
const MOST_QUEUES = 1024;

/** Until a queue's reset reads as complete, the queue is not to be configured, enabled or notified. */
export class QueueResetRules implements Rule {
  readonly #context: RuleContext;
  readonly #clause: string;
  readonly #pending = new Set<number>();

  constructor(context: RuleContext, clause: string) {
    this.#context = context;
    this.#clause = clause;
  }

  event(event: DriverEvent): void {
    switch (event.kind) {
      case "status-write":
        if (event.value === 0) this.#pending.clear();
        break;
      case "queue-reset-write":
        if (event.value !== 1 || !this.#context.view.hasFeature(VIRTIO_F_RING_RESET)) break;
        if (this.#pending.size < MOST_QUEUES) this.#pending.add(event.queue);
        break;
      case "queue-reset-read":
        if (event.value === 0) this.#pending.delete(event.queue);
        break;
      case "queue-size-write":
      case "queue-address-write":
        this.#expectDone(event.queue, event.value, "was configured");
        break;
      case "queue-enable-write":
        if (event.value === 1) this.#expectDone(event.queue, event.value, "was enabled");
        break;
      case "notify":
        this.#expectDone(event.queue, event.value, "was notified");
        break;
      default:
        break;
    }
  }

  #expectDone(queue: number, value: number, what: string): void {
    if (!this.#pending.delete(queue)) return;
    this.#context.report(
      this.#clause,
      queue,
      `queue ${queue} ${what} before its reset read as complete`,
      [registerEvidence("value", value)],
      "queue-reset-not-awaited",
    );
  }
}
