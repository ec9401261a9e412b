/**
 * A display in a terminal, two pixels for each character.
 *
 * @module virtio-emulator/backends/display/terminal
 */

export type { TurnOptions } from "../pictures/turns.ts";
export { LEAVE_TERMINAL, type TerminalColours } from "./painter.ts";
export { TerminalDisplay, type TerminalDisplayOptions, type TerminalOutput } from "./terminal-display.ts";
