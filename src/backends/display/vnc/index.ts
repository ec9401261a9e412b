export { type VncCounters, VncServer, type VncServerOptions } from "./server.ts";
