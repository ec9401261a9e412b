export { readScanoutRgba } from "../pictures/read-scanout.ts";
export { MemoryDisplay, type MemoryScreen } from "./memory-display.ts";
