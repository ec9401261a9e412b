// The two ends of a connection between threads, as Node and browsers have them.
import { oneLine } from "../target/guarded-device.ts";

/** One end: `parentPort` and `Worker` of Node's `worker_threads`, or `self` and `Worker` of a browser. */
export type IsolationPort = {
  /** Sends a message to the other end. */
  postMessage(message: unknown): void;
} & (
  | {
      /** How Node's ports and threads are listened to. */
      on(event: string, listener: (value: unknown) => void): unknown;
    }
  | {
      /** How those of browsers are. */
      addEventListener(event: string, listener: (event: unknown) => void): void;
    }
);

/** A thread, seen from the one that started it: a `Worker` of Node or of a browser. */
export type IsolatedThread = IsolationPort & {
  /** Ends it, whatever it does. */
  terminate(): unknown;
};

/** Hears the messages that come in. */
export function onMessage(port: IsolationPort, listener: (message: unknown) => void): void {
  if ("on" in port) port.on("message", listener);
  else port.addEventListener("message", (event) => listener(fieldOf(event, "data")));
}

/** Hears that the thread has ended by itself, with the reason. */
export function onEnd(thread: IsolatedThread, listener: (reason: string) => void): void {
  if ("on" in thread) {
    thread.on("error", (error) => listener(oneLine(error)));
    thread.on("exit", (code) => listener(`its thread ended with exit code ${String(code)}`));
  } else {
    thread.addEventListener("error", (event) => listener(oneLine(event)));
  }
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null
    ? (value as Readonly<Record<string, unknown>>)[name]
    : null;
}
