export type { TurnOptions } from "../pictures/turns.ts";
export type { FrameFormat, FrameIndex, RecordedFrame } from "./frame-index.ts";
export { FrameRecorder, type FrameRecorderOptions } from "./frame-recorder.ts";
