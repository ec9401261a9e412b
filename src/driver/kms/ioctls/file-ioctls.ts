/** What is done with a file itself: waiting for events, closing. */
import { DriverError } from "../../errors.ts";
import { type Task, waitFor } from "../time/tasks.ts";
import type { DrmEvent, FileState } from "./file-state.ts";
import { dropFramebuffer } from "./framebuffer-ioctls.ts";

export function* waitEvent(state: FileState, timeoutMs: number): Task<DrmEvent | null> {
  yield* waitFor(state.card.gpu.clock, () => state.events.length > 0, timeoutMs, "an event", true);
  return state.events[0] ?? null;
}

export function* closeFile(state: FileState): Task<void> {
  if (!state.isOpen) throw new DriverError("EBADF", "the file is closed already");
  state.isOpen = false;
  state.takeEvents();
  for (const fb of state.framebuffers.splice(0)) yield* dropFramebuffer(state, fb);
  state.deleteHandles();
  state.card.forget(state);
}
