/** Runs `draw` once, soon, at a moment at which drawing makes sense. */
export type ScheduleFrame = (draw: () => void) => void;

/** A hidden page gets no frames; what waits for them must go on all the same. */
const HIDDEN_FRAME_MS = 200;
/** Where there are no frames at all, as in some workers. */
const FALLBACK_FRAME_MS = 16;

interface FrameHost {
  readonly requestAnimationFrame?: (callback: () => void) => number;
  readonly cancelAnimationFrame?: (handle: number) => void;
}

/** The browser's next frame, or a timer where there are none. */
export const nextFrame: ScheduleFrame = (draw) => {
  const { requestAnimationFrame, cancelAnimationFrame } = globalThis as FrameHost;
  if (requestAnimationFrame === undefined) {
    setTimeout(draw, FALLBACK_FRAME_MS);
    return;
  }
  const frame = requestAnimationFrame(() => {
    clearTimeout(timer);
    draw();
  });
  const timer = setTimeout(() => {
    cancelAnimationFrame?.(frame);
    draw();
  }, HIDDEN_FRAME_MS);
};
