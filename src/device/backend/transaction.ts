import { isPromise, type MaybeLater, ofNoInterest } from "../../base/later.ts";
import type { Life } from "./life.ts";

/** A part of a change: of the device's own state, or of what a back end knows. */
export interface Step {
  /** Does it. When it throws, or its promise rejects, it has not happened. */
  act(): MaybeLater<unknown>;
  /**
   * Takes it back, after a later step failed. By object, never by an id: until then the id may have gone to another. What
   * it throws is reported, and keeps nothing else from being taken back.
   */
  undo?(): MaybeLater<unknown>;
}

/**
 * Makes a change of several steps, in their order, all of it or nothing: when one fails, those before it are taken back,
 * the last one first, and the failure goes on to the caller. A step that is late holds up those behind it. Once the life
 * is over, no step is done or taken back any more: the reset has taken everything away.
 */
export function transact(life: Life, steps: readonly Step[]): MaybeLater<void> {
  return run(life, steps, 0);
}

function run(life: Life, steps: readonly Step[], first: number): MaybeLater<void> {
  for (let i = first; i < steps.length; i++) {
    let result: MaybeLater<unknown>;
    try {
      result = steps[i]?.act();
    } catch (error) {
      takeBack(life, steps, i);
      throw error;
    }
    // The step may have reset the device from within.
    if (life.over) return ofNoInterest(result);
    if (!isPromise(result)) continue;
    return result.then(
      () => {
        if (!life.enter()) return;
        return run(life, steps, i + 1);
      },
      (error: unknown) => {
        if (life.enter()) takeBack(life, steps, i);
        throw error;
      },
    );
  }
}

/** Takes back the steps before `failed`. */
function takeBack(life: Life, steps: readonly Step[], failed: number): void {
  for (let i = failed - 1; i >= 0 && !life.over; i--) life.attempt(() => steps[i]?.undo?.());
}
