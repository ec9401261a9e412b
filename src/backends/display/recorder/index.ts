/**
 * A display that writes frames to files, as PNG or raw, with an index. Needs Node.
 *
 * @module virtio-emulator/backends/display/recorder
 */

export type { TurnOptions } from "../pictures/turns.ts";
export type { FrameFormat, FrameIndex, RecordedFrame } from "./frame-index.ts";
export { FrameRecorder, type FrameRecorderOptions } from "./frame-recorder.ts";
