export type { TurnOptions } from "../pictures/turns.ts";
export { LEAVE_TERMINAL, type TerminalColours } from "./painter.ts";
export { TerminalDisplay, type TerminalDisplayOptions, type TerminalOutput } from "./terminal-display.ts";
