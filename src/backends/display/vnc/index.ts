/**
 * A display for VNC viewers, with their keys and pointer. Needs Node.
 *
 * @module virtio-emulator/backends/display/vnc
 */

export type { TurnOptions } from "../pictures/turns.ts";
export { type VncCounters, VncServer, type VncServerOptions } from "./server.ts";
