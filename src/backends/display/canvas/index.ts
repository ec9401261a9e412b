/**
 * A display on canvases of a page or a worker.
 *
 * @module virtio-emulator/backends/display/canvas
 */

export type { CanvasContext, CanvasImage, CanvasTarget } from "./canvas.ts";
export { CanvasDisplay, type CanvasDisplayOptions } from "./canvas-display.ts";
export type { ScheduleFrame } from "./frame-scheduler.ts";
