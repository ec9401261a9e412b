// What differs between a thread of Node and one of a browser, for tests that run the same code in both.

/** How a worker talks to whoever started it. */
export interface ThreadPort {
  post(message: unknown): void;
  onMessage(take: (message: unknown) => void): void;
}

interface BrowserWorkerScope {
  postMessage(message: unknown): void;
  addEventListener(type: "message", listener: (event: { data: unknown }) => void): void;
}

/** The port of the worker this is called in. */
export async function threadPort(): Promise<ThreadPort> {
  if (typeof process === "undefined") {
    const scope = globalThis as unknown as BrowserWorkerScope;
    return {
      post: (message) => scope.postMessage(message),
      onMessage: (take) => scope.addEventListener("message", ({ data }) => take(data)),
    };
  }
  const { parentPort } = await import("node:worker_threads");
  if (parentPort === null) throw new Error("this is no worker");
  return {
    post: (message) => parentPort.postMessage(message),
    onMessage: (take) => void parentPort.on("message", take),
  };
}
