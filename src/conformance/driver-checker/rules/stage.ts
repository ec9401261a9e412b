import { VIRTIO_CONFIG_S_DRIVER_OK } from "../../../wire/common.ts";
import type { DriverEvent } from "../events.ts";
import type { Rule, RuleContext } from "./rule.ts";

/** What is expected of a driver on a stage. */
export class StageRules implements Rule {
  readonly #context: RuleContext;
  #drove = false;
  #said = false;

  constructor(context: RuleContext) {
    this.#context = context;
  }

  event(event: DriverEvent): void {
    if (event.kind !== "status-write" || event.value === 0) return;
    if ((event.value & VIRTIO_CONFIG_S_DRIVER_OK) !== 0) this.#drove = true;
    const { stage, transitional } = this.#context;
    if (stage?.expects === "ignores" || (stage?.expects === "legacy" && !transitional))
      this.#report("is being driven all the same");
  }

  finish(): void {
    if (this.#context.stage?.expects === "drives" && !this.#drove) this.#report("was not driven");
  }

  #report(what: string): void {
    const { stage } = this.#context;
    if (stage === null || this.#said) return;
    this.#said = true;
    for (const clause of stage.clauses) {
      this.#context.report(clause, -1, `the device ${what}. Its stage, ${stage.id}: ${stage.description}`);
    }
  }
}
