import { VIRTIO_F_NOTIF_CONFIG_DATA, VIRTIO_F_NOTIFICATION_DATA } from "../../../wire/common.ts";
import type { DriverEvent } from "../events.ts";
import { registerEvidence } from "../violation.ts";
import type { Rule, RuleContext } from "./rule.ts";

const STATEMENTS = "transport-pci.driver.available-buffer-notifications";

/** Width and value of notifications (virtio 1.4, section 4.1.5.2.1). */
export class PciNotificationRules implements Rule {
  readonly #context: RuleContext;

  constructor(context: RuleContext) {
    this.#context = context;
  }

  event(event: DriverEvent): void {
    if (event.kind !== "notify") return;
    const { view } = this.#context;
    const withData = view.hasFeature(VIRTIO_F_NOTIFICATION_DATA);
    if (event.widthBytes !== (withData ? 4 : 2)) {
      this.#report(withData ? 2 : 1, event, `has ${8 * event.widthBytes} bits`);
    }
    const queue = view.queues.get(event.queue);
    const told = event.value & 0xffff;
    if (view.hasFeature(VIRTIO_F_NOTIF_CONFIG_DATA)) {
      const number = withData ? 6 : 5;
      if (queue === undefined || queue.notifyData < 0) {
        this.#report(number, event, `says ${told}, but queue_notif_config_data was not read`);
      } else if (told !== queue.notifyData) {
        this.#report(
          number,
          event,
          `says ${told}, not ${queue.notifyData}, which is queue_notif_config_data`,
        );
      }
    } else if (queue?.enabled !== true || told !== event.queue) {
      const name =
        queue?.enabled === true ? `the index of queue ${event.queue}` : "the index of any queue in use";
      this.#report(withData ? 4 : 3, event, `says ${told}, which is not ${name}`);
    }
  }

  #report(number: number, { queue, value }: DriverEvent & { kind: "notify" }, what: string): void {
    const evidence = [registerEvidence("notification", value)];
    this.#context.report(
      `${STATEMENTS}.${number}`,
      queue,
      `a notification ${what}`,
      evidence,
      "notification",
    );
  }
}
