import type { DriverEvent } from "../events.ts";
import { registerEvidence } from "../violation.ts";
import { configFields, widthFault } from "./config-fields.ts";
import type { Rule, RuleContext } from "./rule.ts";

/** Each field of the device-specific configuration space is accessed with its own width. */
export class ConfigWidthRules implements Rule {
  readonly #context: RuleContext;
  readonly #clause: string;

  constructor(context: RuleContext, clause: string) {
    this.#context = context;
    this.#clause = clause;
  }

  event(event: DriverEvent): void {
    if (event.kind !== "config-read" && event.kind !== "config-write") return;
    const { offset, widthBytes, value } = event;
    const fault = widthFault(configFields(this.#context.view.deviceId), offset, widthBytes);
    if (fault === null) return;
    this.#context.report(
      this.#clause,
      -1,
      `an access of ${8 * widthBytes} bits to configuration space at ${offset} is ${fault}`,
      [registerEvidence(`configuration space at ${offset}`, value)],
      "config-access",
    );
  }
}
