export type { CanvasContext, CanvasImage, CanvasTarget } from "./canvas.ts";
export { CanvasDisplay, type CanvasDisplayOptions } from "./canvas-display.ts";
export type { ScheduleFrame } from "./frame-scheduler.ts";
