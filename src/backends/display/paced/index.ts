/**
 * In front of any other display: guests draw at the rate of a monitor.
 *
 * @module virtio-emulator/backends/display/paced
 */

export { type PaceClock, PacedDisplay, type PacedDisplayOptions } from "./paced-display.ts";
