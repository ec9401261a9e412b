/**
 * Experimental. A device that imports buffers of other devices by UUID or by their pages and draws into them where
 * they lie; the stand-in for a graphics card. Its protocol is this project's own and may change.
 *
 * @module virtio-emulator/render
 */

export type { RenderCounters } from "./core.ts";
export { RenderDevice, type RenderImportInfo } from "./device.ts";
export type { RenderCommandObserver, RenderCommandRecord, RenderFieldValue } from "./observe.ts";
export {
  DEFAULT_RENDER_LIMITS,
  type RenderClock,
  type RenderDeviceOptions,
  type RenderLimits,
  type RenderTiming,
} from "./options.ts";
