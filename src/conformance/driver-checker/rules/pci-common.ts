import { VIRTIO_F_ADMIN_VQ } from "../../../wire/common.ts";
import {
  VIRTIO_PCI_CAP_COMMON_CFG,
  VIRTIO_PCI_CAP_ISR_CFG,
  VIRTIO_PCI_COMMON_CFG,
  virtio_pci_common_cfg,
} from "../../../wire/pci.ts";
import { fieldsOf } from "../../../wire/schema.ts";
import type { DriverEvent } from "../events.ts";
import { registerEvidence } from "../violation.ts";
import { accessWidths, type FieldWidths, widthFault } from "./config-fields.ts";
import type { BarAccessEvent, PciAccess } from "./pci-access.ts";
import type { Rule, RuleContext } from "./rule.ts";

const STATEMENTS = "transport-pci.driver.common-configuration-structure-layout";
const WIDTHS = "transport-pci.driver.pci-device-layout.1";
const COMMON = VIRTIO_PCI_COMMON_CFG;
const READ_ONLY = [
  "device_feature",
  "num_queues",
  "config_generation",
  "queue_notify_off",
  "queue_notif_config_data",
] as const;

/** Accesses to the common configuration structure (virtio 1.4, section 4.1.4.3). */
export class PciCommonRules implements Rule {
  readonly #context: RuleContext;
  readonly #access: PciAccess;
  readonly #fields = fieldsOf(virtio_pci_common_cfg);
  readonly #widths: FieldWidths = accessWidths(this.#fields);
  /** Fields about administration virtqueues and the number of the others, as read. */
  readonly #values = new Map<number, number>();
  #resetting = false;

  constructor(context: RuleContext, access: PciAccess) {
    this.#context = context;
    this.#access = access;
    access.listen((event) => this.#bar(event));
  }

  event(event: DriverEvent): void {
    switch (event.kind) {
      case "status-write":
        if (event.value !== 0) this.#expectReset("device_status", event.value);
        this.#resetting = event.value === 0;
        break;
      case "status-read":
        if (event.value === 0) this.#resetting = false;
        break;
      case "driver-features-write":
        this.#expectReset("driver_feature", event.value);
        break;
      case "queue-enable-write":
        this.#expectReset("queue_enable", event.value);
        if (event.value === 1) this.#adminQueue(event.queue);
        break;
      default:
        break;
    }
  }

  #expectReset(field: string, value: number): void {
    if (!this.#resetting) return;
    this.#resetting = false;
    this.#context.report(
      `${STATEMENTS}.5`,
      -1,
      `${field} was written before device_status read as 0 after a reset`,
      [registerEvidence(field, value)],
      "reset-not-awaited",
    );
  }

  #bar(access: BarAccessEvent): void {
    const { widthBytes, value, writes } = access;
    if (this.#access.within(access, [VIRTIO_PCI_CAP_ISR_CFG])?.field === 0 && widthBytes !== 1) {
      this.#widthFault("ISR status", widthBytes, "not 8 bits", value);
    }
    const place = this.#access.within(access, [VIRTIO_PCI_CAP_COMMON_CFG]);
    if (place === null) return;
    const { field } = place;
    const fault = widthFault(this.#widths, field, widthBytes);
    if (fault !== null) this.#widthFault(`the common configuration at ${field}`, widthBytes, fault, value);
    if (writes) this.#readOnly(field, widthBytes, value);
    else if (widthBytes === 2) this.#values.set(field, value);
  }

  #widthFault(what: string, widthBytes: number, fault: string, value: number): void {
    this.#context.report(
      WIDTHS,
      -1,
      `an access of ${8 * widthBytes} bits to ${what} is ${fault}`,
      [registerEvidence("value", value)],
      "width",
    );
  }

  #readOnly(field: number, widthBytes: number, value: number): void {
    for (const name of READ_ONLY) {
      const size = this.#fields.find((found) => found.name === name)?.sizeBytes ?? 0;
      if (field >= COMMON[name] + size || field + widthBytes <= COMMON[name]) continue;
      const evidence = [registerEvidence(name, value)];
      this.#context.report(`${STATEMENTS}.1`, -1, `${name} was written to`, evidence, "width");
    }
  }

  /** Queues beyond the others are administration virtqueues, and have numbers of their own. */
  #adminQueue(queue: number): void {
    if (!this.#context.view.hasFeature(VIRTIO_F_ADMIN_VQ)) return;
    const queues = this.#values.get(COMMON.num_queues);
    const first = this.#values.get(COMMON.admin_queue_index);
    const count = this.#values.get(COMMON.admin_queue_num);
    if (queues !== undefined && queue < queues) return;
    if (first !== undefined && count !== undefined && queue >= first && queue < first + count) return;
    if (queues === undefined && first === undefined) return;
    this.#context.report(
      `${STATEMENTS}.10`,
      queue,
      first === undefined || count === undefined
        ? `queue ${queue} was enabled without a look at which queues are administration virtqueues`
        : `queue ${queue} was enabled, but administration virtqueues are ${first} to ${first + count - 1}`,
    );
  }
}
