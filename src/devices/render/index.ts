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
