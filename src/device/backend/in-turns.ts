import { Turned } from "../../base/turned.ts";
import type { WorkBudget } from "../../base/work-budget.ts";

/** What work in turns needs of the device it belongs to. */
export interface TurnHost {
  readonly budget: WorkBudget;
  sync(): void;
}

/**
 * Does what is too much for one turn of the event loop. `step` works as long as the budget lasts and returns whether
 * it is done; it is called now and then once in each turn. What goes on between two turns is the caller's to cope with: once
 * the device is not `alive` any more, `step` isn't called again and the promise never settles.
 *
 * Returns nothing when the first step was the last. What follows on the promise happens in the turn that ends the work, so
 * that a driver in the same thread may wait for it without giving way.
 */
export function inTurns(
  host: TurnHost,
  alive: () => boolean,
  step: () => boolean,
): Promise<void> | undefined {
  if (step()) return undefined;
  const done = new Turned<void>();
  const next = (): void => {
    if (!alive()) return;
    try {
      host.sync();
      if (!step()) host.budget.later(next);
      else done.resolve();
    } catch (error) {
      done.reject(error);
    }
  };
  host.budget.later(next);
  return done;
}
