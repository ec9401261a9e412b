import { VIRTIO_ID_RNG } from "../../../wire/common.ts";
import * as reg from "../../../wire/mmio.ts";
import type { DriverEvent } from "../events.ts";
import type { Fault } from "../findings.ts";
import { hex, registerEvidence } from "../violation.ts";
import { configFields } from "./config-fields.ts";
import type { Rule, RuleContext } from "./rule.ts";

const LAYOUT = "transport-mmio.driver.mmio-device-register-layout";

type Direction = "R" | "W" | "RW";

/** The table of section 4.2.2. */
const DIRECTIONS: ReadonlyMap<number, Direction> = new Map([
  [reg.VIRTIO_MMIO_MAGIC_VALUE, "R"],
  [reg.VIRTIO_MMIO_VERSION, "R"],
  [reg.VIRTIO_MMIO_DEVICE_ID, "R"],
  [reg.VIRTIO_MMIO_VENDOR_ID, "R"],
  [reg.VIRTIO_MMIO_DEVICE_FEATURES, "R"],
  [reg.VIRTIO_MMIO_DEVICE_FEATURES_SEL, "W"],
  [reg.VIRTIO_MMIO_DRIVER_FEATURES, "W"],
  [reg.VIRTIO_MMIO_DRIVER_FEATURES_SEL, "W"],
  [reg.VIRTIO_MMIO_QUEUE_SEL, "W"],
  [reg.VIRTIO_MMIO_QUEUE_NUM_MAX, "R"],
  [reg.VIRTIO_MMIO_QUEUE_NUM, "W"],
  [reg.VIRTIO_MMIO_QUEUE_READY, "RW"],
  [reg.VIRTIO_MMIO_QUEUE_NOTIFY, "W"],
  [reg.VIRTIO_MMIO_INTERRUPT_STATUS, "R"],
  [reg.VIRTIO_MMIO_INTERRUPT_ACK, "W"],
  [reg.VIRTIO_MMIO_STATUS, "RW"],
  [reg.VIRTIO_MMIO_QUEUE_DESC_LOW, "W"],
  [reg.VIRTIO_MMIO_QUEUE_DESC_HIGH, "W"],
  [reg.VIRTIO_MMIO_QUEUE_AVAIL_LOW, "W"],
  [reg.VIRTIO_MMIO_QUEUE_AVAIL_HIGH, "W"],
  [reg.VIRTIO_MMIO_QUEUE_USED_LOW, "W"],
  [reg.VIRTIO_MMIO_QUEUE_USED_HIGH, "W"],
  [reg.VIRTIO_MMIO_SHM_SEL, "W"],
  [reg.VIRTIO_MMIO_SHM_LEN_LOW, "R"],
  [reg.VIRTIO_MMIO_SHM_LEN_HIGH, "R"],
  [reg.VIRTIO_MMIO_SHM_BASE_LOW, "R"],
  [reg.VIRTIO_MMIO_SHM_BASE_HIGH, "R"],
  [reg.VIRTIO_MMIO_QUEUE_RESET, "RW"],
  [reg.VIRTIO_MMIO_CONFIG_GENERATION, "R"],
]);

/** Which registers are accessed, in which direction, with which width, and after which selector. */
export class MmioRegisterRules implements Rule {
  readonly #context: RuleContext;
  #deviceFeaturesSelected = false;
  #driverFeaturesSelected = false;

  constructor(context: RuleContext) {
    this.#context = context;
  }

  event(event: DriverEvent): void {
    switch (event.kind) {
      case "mmio-read":
      case "mmio-write":
        this.#access(event.kind === "mmio-write", event.offset, event.widthBytes, event.value);
        break;
      case "status-write":
        if (event.value !== 0) break;
        // What was selected before a reset is not selected any more.
        this.#deviceFeaturesSelected = false;
        this.#driverFeaturesSelected = false;
        break;
      default:
        break;
    }
  }

  #report(number: number, message: string, offset: number, value: number, fault?: Fault): void {
    const evidence = [registerEvidence(`register ${hex(offset)}`, value)];
    this.#context.report(`${LAYOUT}.${number}`, -1, message, evidence, fault);
  }

  #access(writes: boolean, offset: number, widthBytes: number, value: number): void {
    const verb = writes ? "written" : "read";
    if (offset >= reg.VIRTIO_MMIO_CONFIG) {
      this.#config(offset - reg.VIRTIO_MMIO_CONFIG, widthBytes, verb, value);
      return;
    }
    const name = `register ${hex(offset)}`;
    if (widthBytes !== 4 || offset % 4 !== 0) {
      this.#report(2, `${name} was ${verb} with ${8 * widthBytes} bits`, offset, value);
      return;
    }
    const direction = DIRECTIONS.get(offset);
    if (direction === undefined) {
      this.#report(1, `${name} was ${verb}, which is none`, offset, value);
    } else if (!direction.includes(writes ? "W" : "R")) {
      this.#report(
        1,
        `${name} was ${verb}, which is only to be ${writes ? "read" : "written"}`,
        offset,
        value,
      );
    }
    this.#selectors(offset, value);
  }

  #config(offset: number, widthBytes: number, verb: string, value: number): void {
    const fields = configFields(this.#context.view.deviceId);
    if (fields === null || offset + widthBytes <= fields.length) return;
    this.#report(
      1,
      `configuration space was ${verb} at ${offset}, where device type ${this.#context.view.deviceId} has nothing`,
      reg.VIRTIO_MMIO_CONFIG + offset,
      value,
      "config-access",
    );
  }

  #selectors(offset: number, value: number): void {
    switch (offset) {
      case reg.VIRTIO_MMIO_DEVICE_FEATURES_SEL:
        this.#deviceFeaturesSelected = true;
        break;
      case reg.VIRTIO_MMIO_DRIVER_FEATURES_SEL:
        this.#driverFeaturesSelected = true;
        break;
      case reg.VIRTIO_MMIO_DEVICE_FEATURES:
        if (this.#deviceFeaturesSelected) break;
        this.#report(7, "DeviceFeatures was read before DeviceFeaturesSel was written", offset, value);
        break;
      case reg.VIRTIO_MMIO_DRIVER_FEATURES:
        if (this.#driverFeaturesSelected) break;
        this.#report(8, "DriverFeatures was written before DriverFeaturesSel", offset, value);
        break;
      default:
        if (offset < reg.VIRTIO_MMIO_SHM_SEL || offset > reg.VIRTIO_MMIO_SHM_BASE_HIGH) break;
        if (this.#context.view.deviceId !== VIRTIO_ID_RNG) break;
        this.#context.report(
          "transport-mmio.driver.device-initialization.3",
          -1,
          "the driver of an entropy device, which has no shared memory, uses its registers",
          [registerEvidence(`register ${hex(offset)}`, value)],
        );
    }
  }
}
