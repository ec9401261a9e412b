declare function setImmediate(task: () => void): unknown;

/**
 * Runs a function soon, after timers, messages and input that are waiting have had their turn. Without the delay of
 * 1 to 4 ms that `setTimeout` has: what to pass as `schedule` to a `VirtioDevice` that serves another thread.
 *
 * @example
 * ```ts
 * const device = new VirtioDevice(new RngDevice(), { memory, schedule: runSoon });
 * ```
 */
export function runSoon(task: () => void): void {
  if (typeof setImmediate === "function") {
    setImmediate(task);
    return;
  }
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    port1.close();
    task();
  };
  port2.postMessage(0);
}
