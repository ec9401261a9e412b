import { VIRTIO_F_RING_PACKED } from "../../../wire/common.ts";
import type { DriverEvent } from "../events.ts";
import type { Fault } from "../findings.ts";
import { registerEvidence } from "../violation.ts";
import type { PciAccess } from "./pci-access.ts";
import type { Rule, RuleContext } from "./rule.ts";

const STATEMENTS = "transport-pci.driver.common-configuration-structure-layout";

/** How queues are configured by the common configuration structure (virtio 1.4, section 4.1.4.3.2). */
export class PciQueueRules implements Rule {
  readonly #context: RuleContext;
  readonly #access: PciAccess;
  /** Queues whose vector was chosen since the reset. */
  readonly #mapped = new Set<number>();

  constructor(context: RuleContext, access: PciAccess) {
    this.#context = context;
    this.#access = access;
  }

  event(event: DriverEvent): void {
    switch (event.kind) {
      case "status-write":
        if (event.value === 0) this.#mapped.clear();
        break;
      case "queue-reset-write":
        if (event.value === 1) this.#mapped.delete(event.queue);
        break;
      case "queue-size-write":
        this.#size(event.queue, event.value);
        this.#expectDisabled(event.queue, "queue_size was", event.value);
        break;
      case "queue-address-write":
        this.#expectDisabled(event.queue, `half of the address of its ${event.area} area was`, event.value);
        break;
      case "vector-write":
        if (event.queue < 0) break;
        if (this.#access.msixEnabled && !this.#mapped.has(event.queue))
          this.#expectDisabled(event.queue, "queue_msix_vector was", event.value);
        this.#mapped.add(event.queue);
        break;
      case "queue-enable-write":
        this.#enable(event.queue, event.value);
        break;
      default:
        break;
    }
  }

  #report(number: number, queue: number, message: string, value: number, fault?: Fault): void {
    this.#context.report(
      `${STATEMENTS}.${number}`,
      queue,
      message,
      [registerEvidence("value", value)],
      fault,
    );
  }

  #size(queue: number, value: number): void {
    if (this.#context.view.hasFeature(VIRTIO_F_RING_PACKED)) {
      if (value === 0) this.#report(2, queue, `queue ${queue}: queue_size was set to 0`, value);
    } else if (value === 0 || (value & (value - 1)) !== 0) {
      this.#report(
        3,
        queue,
        `queue ${queue}: queue_size was set to ${value}, which is not a power of two`,
        value,
      );
    }
  }

  #expectDisabled(queue: number, what: string, value: number): void {
    if (this.#context.view.queues.get(queue)?.enabled !== true) return;
    this.#report(4, queue, `queue ${queue}: ${what} written after the queue was enabled`, value);
  }

  #enable(index: number, value: number): void {
    if (value === 0) {
      this.#report(6, index, `0 was written to queue_enable of queue ${index}`, value);
      return;
    }
    const written = this.#context.view.queues.get(index)?.written;
    const missing = (["descriptors", "driver", "device"] as const).filter((area) => written?.[area] !== true);
    if (missing.length === 0) return;
    this.#report(
      4,
      index,
      `queue ${index} was enabled without an address of its areas (${missing.join(", ")})`,
      value,
      "areas-missing",
    );
  }
}
