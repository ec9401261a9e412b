export type { TurnOptions } from "../pictures/turns.ts";
export { type VncCounters, VncServer, type VncServerOptions } from "./server.ts";
