/** A VNC server and clients for one test; everything is closed behind it. */
import { VncServer, type VncServerOptions } from "../../src/backends/display/vnc/index.ts";
import type { TraceEvent } from "../../src/base/index.ts";
import { type ConnectOptions, RfbClient } from "./rfb-client.ts";

/** What has to be closed behind a test. */
export interface Cleanups {
  readonly cleanups: (() => unknown)[];
}

export async function cleanUp({ cleanups }: Cleanups): Promise<void> {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
}

export interface Stage {
  readonly server: VncServer;
  readonly port: number;
  readonly events: TraceEvent[];
  readonly connect: (options?: ConnectOptions) => Promise<RfbClient>;
  readonly open: (options?: ConnectOptions) => Promise<RfbClient>;
}

export async function stage(context: Cleanups, options: VncServerOptions = {}): Promise<Stage> {
  const events: TraceEvent[] = [];
  const server = new VncServer({
    port: 0,
    maxFramesPerSecond: 1000,
    trace: (event) => events.push(event),
    ...options,
  });
  context.cleanups.push(() => server.close());
  const { port } = await server.listen();
  const keep = (client: RfbClient): RfbClient => {
    context.cleanups.push(() => client.close());
    return client;
  };
  return {
    server,
    port,
    events,
    connect: async (connectOptions) => keep(await RfbClient.connect(port, connectOptions)),
    open: async (connectOptions) => keep(await RfbClient.open(port, connectOptions)),
  };
}

/** Why clients were let go. */
export const endings = (events: readonly TraceEvent[]): unknown[] =>
  events.filter(({ kind }) => kind === "client-left").map(({ detail }) => detail["reason"]);

export async function until(condition: () => boolean, milliseconds = 5000): Promise<void> {
  const end = performance.now() + milliseconds;
  while (!condition()) {
    if (performance.now() > end) throw new Error("it did not happen");
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
