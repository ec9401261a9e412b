/**
 * A display without a screen: keeps what is shown, for tests and for code of your own.
 *
 * @module virtio-emulator/backends/display/memory
 */

export { readScanoutRgba } from "../pictures/read-scanout.ts";
export { MemoryDisplay, type MemoryScreen } from "./memory-display.ts";
