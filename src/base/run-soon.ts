declare function setImmediate(task: () => void): unknown;
declare function setTimeout(task: () => void, milliseconds: number): unknown;

interface Port {
  onmessage: (() => void) | null;
  postMessage(message: unknown): void;
  close(): void;
}

/**
 * Runs a function soon, after timers, messages and input that are waiting have had their turn. Without the delay of
 * 1 to 4 ms that `setTimeout` has, wherever the platform has anything better: what a `VirtioDevice` does by default with
 * what is left of its work.
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
  const { MessageChannel } = globalThis as { MessageChannel?: new () => { port1: Port; port2: Port } };
  if (MessageChannel === undefined) {
    setTimeout(task, 0);
    return;
  }
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    port1.close();
    task();
  };
  port2.postMessage(0);
}
