// A thread that is the device or the driver of a test: told once, answers once.
import { type ChannelHandle, DeviceEndpoint } from "../../../src/adapters/worker/index.ts";
import { driveEcho, type EchoRun, serveEcho } from "./echo-side.ts";
import { driveGpu, type GpuRun, serveGpu } from "./gpu-side.ts";
import { threadPort } from "./thread.ts";

/** What the thread is told. */
export type ThreadOrder =
  | {
      readonly kind: "serve";
      readonly handle: ChannelHandle;
      readonly options?: { deferred?: boolean; spinUs?: number };
    }
  | { readonly kind: "drive"; readonly handle: ChannelHandle; readonly run: EchoRun }
  | { readonly kind: "serve-gpu"; readonly handle: ChannelHandle; readonly late?: boolean }
  | { readonly kind: "drive-gpu"; readonly handle: ChannelHandle; readonly run: GpuRun }
  /** Serves registers that read as 1, until one is written: then it hangs for ever. */
  | { readonly kind: "hang"; readonly handle: ChannelHandle };

if (new URL(import.meta.url).searchParams.get("without") === "waitAsync") {
  Reflect.deleteProperty(Atomics, "waitAsync");
}

function serveUntilHanging(handle: ChannelHandle): Promise<unknown> {
  return new DeviceEndpoint(handle).serve({
    read: () => 1,
    write: () => {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    },
  });
}

const port = await threadPort();
port.onMessage((message) => {
  const order = message as ThreadOrder;
  const work = async (): Promise<unknown> => {
    switch (order.kind) {
      case "serve":
        return await serveEcho(order.handle, order.options);
      case "drive":
        return driveEcho(order.handle, order.run);
      case "serve-gpu":
        return await serveGpu(order.handle, order.late);
      case "drive-gpu":
        return driveGpu(order.handle, order.run);
      case "hang":
        return await serveUntilHanging(order.handle);
    }
  };
  work().then(
    (result) => port.post({ result }),
    (error: unknown) =>
      port.post({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
  );
});
