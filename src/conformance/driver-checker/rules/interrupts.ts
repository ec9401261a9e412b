import type { RuleContext } from "./rule.ts";

/** An interrupt that nobody seems to have handled, where it is not known whether the processor took it. */
export function noteUnhandledInterrupt(context: RuleContext, what: string): void {
  const advice =
    context.polled === false
      ? ""
      : ". If the driver polls with interrupts masked, all is well: say polled: true to the checker. If it takes interrupts, " +
        "say polled: false, and it is judged by the specification";
  context.hint("interrupt-not-handled", -1, `the device raised an interrupt, and ${what}${advice}`, [], {
    lasting: "interrupt-not-handled",
  });
}
