import {
  VIRTIO_CONFIG_S_ACKNOWLEDGE,
  VIRTIO_CONFIG_S_DRIVER,
  VIRTIO_CONFIG_S_DRIVER_OK,
  VIRTIO_CONFIG_S_FEATURES_OK,
} from "../../../wire/common.ts";
import type { DriverEvent } from "../events.ts";
import type { Fault } from "../findings.ts";
import { registerEvidence } from "../violation.ts";
import { NOT_RESET, SKIPPED, UNREAD_FEATURES, UNREAD_FEATURES_OK } from "./faults.ts";
import type { Rule, RuleContext } from "./rule.ts";

/** Steps of the initialization (virtio 1.4, section 3.1.1), as far as a device sees them. */
const STEPS = [
  "the reset",
  "ACKNOWLEDGE",
  "DRIVER",
  "reading the features",
  "FEATURES_OK",
  "reading FEATURES_OK back",
] as const;
type Step = (typeof STEPS)[number];

/** What else is said where a step is left out. */
const FAULTS: Readonly<Record<Step, Fault>> = {
  "the reset": NOT_RESET,
  ACKNOWLEDGE: SKIPPED,
  DRIVER: SKIPPED,
  "reading the features": UNREAD_FEATURES,
  FEATURES_OK: SKIPPED,
  "reading FEATURES_OK back": UNREAD_FEATURES_OK,
};

/** Whether a device is initialized step by step. */
export class ProcedureRules implements Rule {
  readonly #context: RuleContext;
  readonly #clause: string;
  readonly #done = new Set<Step>();
  #said = false;

  constructor(context: RuleContext, clause: string) {
    this.#context = context;
    this.#clause = clause;
  }

  event(event: DriverEvent): void {
    switch (event.kind) {
      case "status-write":
        this.#status(event.value);
        break;
      case "status-read":
        if (this.#done.has("FEATURES_OK") && (event.value & VIRTIO_CONFIG_S_FEATURES_OK) !== 0) {
          this.#done.add("reading FEATURES_OK back");
        }
        break;
      case "device-features-read":
        this.#done.add("reading the features");
        break;
      case "driver-features-write":
        this.#expect(
          ["the reset", "ACKNOWLEDGE", "DRIVER", "reading the features"],
          "writing features",
          event.value,
        );
        break;
      case "queue-enable-write":
        if (event.value === 1) this.#expect(STEPS, "enabling a queue", event.value);
        break;
      default:
        break;
    }
  }

  #status(value: number): void {
    if (value === 0) {
      this.#done.clear();
      this.#done.add("the reset");
      this.#said = false;
      return;
    }
    if ((value & VIRTIO_CONFIG_S_DRIVER_OK) !== 0) this.#expect(STEPS, "DRIVER_OK", value);
    if ((value & VIRTIO_CONFIG_S_ACKNOWLEDGE) !== 0) {
      this.#expect(["the reset"], "ACKNOWLEDGE", value);
      this.#done.add("ACKNOWLEDGE");
    }
    if ((value & VIRTIO_CONFIG_S_DRIVER) !== 0) this.#done.add("DRIVER");
    if ((value & VIRTIO_CONFIG_S_FEATURES_OK) !== 0) this.#done.add("FEATURES_OK");
  }

  #expect(steps: readonly Step[], what: string, value: number): void {
    const missing = steps.find((step) => !this.#done.has(step));
    if (missing === undefined || this.#said || this.#context.view.failed) return;
    this.#said = true;
    this.#context.report(
      this.#clause,
      -1,
      `${what} came before ${missing}`,
      [registerEvidence("value", value)],
      this.#done.has("FEATURES_OK") || steps !== STEPS ? FAULTS[missing] : SKIPPED,
    );
  }
}
