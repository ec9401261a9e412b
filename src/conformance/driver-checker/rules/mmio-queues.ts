import * as reg from "../../../wire/mmio.ts";
import type { DriverEvent } from "../events.ts";
import { registerEvidence } from "../violation.ts";
import type { Rule, RuleContext } from "./rule.ts";

const LAYOUT = "transport-mmio.driver.mmio-device-register-layout";

/** Registers that are not to be touched while QueueReady is not 0. */
const CONFIGURATION: readonly number[] = [
  reg.VIRTIO_MMIO_QUEUE_NUM,
  reg.VIRTIO_MMIO_QUEUE_DESC_LOW,
  reg.VIRTIO_MMIO_QUEUE_DESC_HIGH,
  reg.VIRTIO_MMIO_QUEUE_AVAIL_LOW,
  reg.VIRTIO_MMIO_QUEUE_AVAIL_HIGH,
  reg.VIRTIO_MMIO_QUEUE_USED_LOW,
  reg.VIRTIO_MMIO_QUEUE_USED_HIGH,
];

/** How queues are configured and taken out of use by their registers. */
export class MmioQueueRules implements Rule {
  readonly #context: RuleContext;
  /** Queues that were stopped and whose QueueReady was not read since. */
  readonly #stopping = new Set<number>();

  constructor(context: RuleContext) {
    this.#context = context;
  }

  event(event: DriverEvent): void {
    const { view } = this.#context;
    switch (event.kind) {
      case "mmio-read":
      case "mmio-write":
        this.#access(event.offset, event.value);
        break;
      case "queue-size-write": {
        const { sizeMax } = view.queue(event.queue);
        if (event.value > sizeMax)
          this.#report(
            9,
            event.queue,
            `QueueSize is ${event.value}, more than QueueSizeMax, ${sizeMax}`,
            event.value,
          );
        break;
      }
      case "queue-enable-write":
        if (event.value === 0 && view.queues.get(event.queue)?.enabled === true)
          this.#stopping.add(event.queue);
        else if (event.value !== 0) this.#expectRead(event.queue, "it was enabled again");
        break;
      case "queue-enable-read":
        this.#stopping.delete(event.queue);
        break;
      case "queue-address-write":
        this.#expectRead(event.queue, "it was configured");
        break;
      case "status-write":
        if (event.value === 0) this.#expectAllRead("the device was reset");
        break;
      default:
        break;
    }
  }

  finish(): void {
    this.#expectAllRead("the driver was done");
  }

  #report(number: number, queue: number, message: string, value: number): void {
    this.#context.report(`${LAYOUT}.${number}`, queue, message, [registerEvidence("value", value)]);
  }

  #access(offset: number, value: number): void {
    if (!CONFIGURATION.includes(offset)) return;
    const { queues, selectedQueue } = this.#context.view;
    if (queues.get(selectedQueue)?.enabled !== true) return;
    this.#report(
      10,
      selectedQueue,
      `register 0x${offset.toString(16)} was accessed while queue ${selectedQueue} is ready`,
      value,
    );
  }

  #expectAllRead(what: string): void {
    for (const queue of [...this.#stopping]) this.#expectRead(queue, what);
  }

  #expectRead(queue: number, what: string): void {
    if (!this.#stopping.delete(queue)) return;
    this.#report(11, queue, `queue ${queue} was stopped, but QueueReady not read back before ${what}`, 0);
  }
}
