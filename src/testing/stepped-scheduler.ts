/**
 * A scheduler that does nothing by itself, for the option `schedule` of a device: what the device puts off to a later turn
 * of the event loop waits here until the test takes the step.
 *
 * @example
 * ```ts
 * const scheduler = new SteppedScheduler();
 * const device = new VirtioDevice(type, { memory, schedule: scheduler.schedule });
 * device.notify(0);
 * scheduler.step(); // one turn
 * ```
 */
export class SteppedScheduler {
  /** Tasks that wait, the next one first. */
  readonly tasks: (() => void)[] = [];

  /** To be given to a device. */
  readonly schedule = (task: () => void): void => {
    this.tasks.push(task);
  };

  /** Runs the next task; false when there is none. */
  step(): boolean {
    const task = this.tasks.shift();
    task?.();
    return task !== undefined;
  }

  /** Runs tasks, those that come meanwhile included, until none waits. Throws after `most` of them: they renew themselves. */
  run(most = 10_000): number {
    for (let done = 0; done < most; done++) if (!this.step()) return done;
    if (this.tasks.length === 0) return most;
    throw new Error(`after ${most} turns there is still something to do`);
  }
}
