export { type PaceClock, PacedDisplay, type PacedDisplayOptions } from "./paced-display.ts";
