/** What the adapter needs of a `MessagePort`, that of browsers or of `node:worker_threads`. */
export interface WakePort {
  /** Sends a message. */
  postMessage(message: unknown): void;
  /** Receives messages. */
  onmessage: ((event: never) => unknown) | null;
  /** Closes the port. */
  close(): void;
}
