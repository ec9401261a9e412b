/** From a checked change to what the device is told: the steps and waits of Linux' atomic helpers. */
import { DriverError } from "../../errors.ts";
import type { BufferObject } from "../buffers/buffer-object.ts";
import type { Buffers } from "../buffers/buffers.ts";
import { KmsFence } from "../buffers/fences.ts";
import type { Crtc } from "../objects/mode-objects.ts";
import { frameMs } from "../objects/modes.ts";
import { type Task, type Wait, type WaitOutcome, waitFor } from "../time/tasks.ts";
import type { VblankTimer } from "../time/vblank.ts";
import type { VirtioGpu } from "../virtio/virtio-gpu.ts";
import { checkAtomic } from "./atomic-check.ts";
import { type AtomicState, needsModeset } from "./atomic-state.ts";
import { Commit } from "./commit.ts";
import { blankScanout, updateCursor, updatePrimary } from "./plane-update.ts";

/** How long a commit waits for the one before it to finish its steps. */
const COMMIT_WAIT_MS = 10_000;
/** How long a commit waits for a vertical blank. */
const BLANK_WAIT_MS = 100;

/** What commits work with. */
export interface CommitContext {
  readonly gpu: VirtioGpu;
  readonly buffers: Buffers;
}

/**
 * Checks a change and applies it. Returns when the device was told and has answered as far as the kernel waits for it;
 * with `nonblock` as soon as nothing can fail any more. Throws {@link DriverError}: nothing has changed then.
 */
export function* commitAtomic(context: CommitContext, state: AtomicState, nonblock: boolean): Task<void> {
  const { gpu } = context;
  const prepared: BufferObject[] = [];
  try {
    checkAtomic(state, gpu.profile);
    yield* setUpCommits(gpu, state, nonblock);
    yield* preparePlanes(context, state, prepared);
    if (!nonblock) yield* waitForFences(state, true);
    yield* stallForHardware(state);
  } catch (error) {
    for (const object of prepared) context.buffers.unpin(object);
    state.dispose(false);
    throw error;
  }
  swapStates(state);
  const tail = finishCommit(context, state, nonblock);
  if (nonblock) gpu.scheduler.start(tail);
  else yield* tail;
}

/** Gives every CRTC of the change a commit to follow, and keeps changes from running too far ahead. */
function* setUpCommits(gpu: VirtioGpu, state: AtomicState, nonblock: boolean): Task<void> {
  for (const { crtc, old, next } of state.crtcs) {
    const commit = new Commit();
    const [latest, earlier] = crtc.commits;
    if (nonblock && latest !== undefined && !latest.flipDone) throw busy(`CRTC ${crtc.id}`);
    if (earlier !== undefined && !earlier.cleanupDone) {
      const outcome = yield* awaitStep(
        gpu,
        () => earlier.cleanupDone,
        COMMIT_WAIT_MS,
        "the clean-up of a commit",
      );
      if (outcome === "interrupted") throw new DriverError("EINTR", "killed while it waits for a commit");
      if (outcome === "timeout") gpu.say("commit-timeout", { crtc: crtc.id, step: "cleanup" });
    }
    next.commit = commit;
    if ((!old.active && !next.active) || state.legacyCursor) commit.flipDone = true;
  }
  for (const { old, next } of state.connectors) next.commit = follow(state, old, next, nonblock);
  for (const { old, next } of state.planes) next.commit = follow(state, old, next, nonblock);
}

/** The commit that an object's change is part of: that of its CRTC. */
function follow(state: AtomicState, old: Followed, next: Followed, nonblock: boolean): Commit | null {
  if (nonblock && old.commit !== null && !old.commit.flipDone) throw busy("a plane or connector");
  const crtc = next.crtc ?? old.crtc;
  return crtc === null ? null : state.crtc(crtc).next.commit;
}

interface Followed {
  readonly crtc: Crtc | null;
  readonly commit: Commit | null;
}

function busy(what: string): DriverError {
  return new DriverError("EBUSY", `${what} is busy with a previous commit`);
}

function* awaitStep(gpu: VirtioGpu, done: () => boolean, timeoutMs: number, what: string): Task<WaitOutcome> {
  if (done()) return "ready";
  const wait: Wait = { done, deadlineMs: gpu.clock.now() + timeoutMs, interruptible: true, what };
  return yield wait;
}

/** Fences for the flushes, pinning, and what to wait for. `prepared` gets what was pinned. */
function* preparePlanes(
  { gpu, buffers }: CommitContext,
  state: AtomicState,
  prepared: BufferObject[],
): Task<void> {
  for (const { plane, next } of state.planes) {
    if (next.fb === null) continue;
    const { object } = next.fb;
    if (gpu.profile.hasImplicitSync && next.waitFor === null)
      next.waitFor = allOf(object.reservation.writers);
    if (plane.type === "primary" && !object.guestBlob) continue;
    if (object.imported !== null) {
      yield* buffers.pin(object);
      prepared.push(object);
    }
    if (object.dumb || object.imported !== null) next.flushFence = new KmsFence("flush");
  }
}

/** A fence that stands for several, null for none. */
function allOf(fences: readonly KmsFence[]): KmsFence | null {
  if (fences.length < 2) return fences[0] ?? null;
  const all = new KmsFence("several writers");
  let left = fences.length;
  for (const fence of fences) {
    fence.onSignal(() => {
      if (--left === 0) all.signal();
    });
  }
  return all;
}

/** Without limit: the writer may be any driver. */
function* waitForFences(state: AtomicState, interruptible: boolean): Task<void> {
  for (const { next } of state.planes) {
    const { waitFor } = next;
    if (waitFor === null || waitFor.signaled) continue;
    const wait: Wait = {
      done: () => waitFor.signaled,
      deadlineMs: Infinity,
      interruptible,
      what: `a framebuffer's buffer (${waitFor.name})`,
    };
    if ((yield wait) === "interrupted")
      throw new DriverError("EINTR", `killed while it waits for ${wait.what}`);
  }
}

/** Only one change of a CRTC is with the device at a time. */
function* stallForHardware(state: AtomicState): Task<void> {
  for (
    let commit = earlierCommit(state, atHardware);
    commit !== null;
    commit = earlierCommit(state, atHardware)
  ) {
    const pending = commit;
    const wait: Wait = {
      done: () => pending.hwDone,
      deadlineMs: Infinity,
      interruptible: true,
      what: "the commit before it",
    };
    if ((yield wait) === "interrupted") throw new DriverError("EINTR", "killed while it waits for a commit");
  }
}

const atHardware = (commit: Commit) => !commit.hwDone;
const underWay = (commit: Commit) => !commit.hwDone || !commit.flipDone;

/** A commit before this one, of any of its objects, that is still of interest. */
function earlierCommit(state: AtomicState, matters: (commit: Commit) => boolean): Commit | null {
  for (const { old } of state.crtcs) if (old.commit !== null && matters(old.commit)) return old.commit;
  for (const { old } of state.connectors) if (old.commit !== null && matters(old.commit)) return old.commit;
  for (const { old } of state.planes) if (old.commit !== null && matters(old.commit)) return old.commit;
  return null;
}

/** The point of no return: from here on the new states are the states. */
function swapStates(state: AtomicState): void {
  for (const { connector, next } of state.connectors) connector.state = next;
  for (const { crtc, next } of state.crtcs) {
    crtc.state = next;
    crtc.commits.unshift(next.commit as Commit);
  }
  for (const { plane, next } of state.planes) plane.state = next;
}

function* finishCommit(context: CommitContext, state: AtomicState, inWorker: boolean): Task<void> {
  const { gpu } = context;
  if (inWorker) yield* waitForFences(state, false);
  yield* waitForDependencies(gpu, state);
  yield* disableOutputs(gpu, state);
  yield* setModes(gpu, state);
  for (const change of state.planes) {
    const { plane, old, next } = change;
    if (next.crtc === null && old.crtc === null) continue;
    if (plane.type === "primary") yield* updatePrimary(gpu, change);
    else yield* updateCursor(gpu, change);
  }
  for (const change of state.crtcs) if (needsModeset(change)) change.crtc.needsModeset = true;
  completeFlips(gpu, state);
  for (const change of state.crtcs) {
    const { mode, active } = change.next;
    if (needsModeset(change) && active && mode !== null) change.crtc.vblank?.on(frameMs(mode));
  }
  for (const { next } of state.crtcs) (next.commit as Commit).hwDone = true;
  if (gpu.profile.hasVblankTimer && !state.legacyCursor) yield* waitForBlanks(gpu, state);
  for (const { old } of state.planes) if (old.fb !== null) context.buffers.unpin(old.fb.object);
  for (const { crtc, next } of state.crtcs) {
    const commit = next.commit as Commit;
    commit.cleanupDone = true;
    crtc.commits.splice(crtc.commits.indexOf(commit), 1);
  }
  state.dispose(true);
}

/** The commit before has told the device by now, and its completion was announced; this is where Linux makes sure. */
function* waitForDependencies(gpu: VirtioGpu, state: AtomicState): Task<void> {
  const commit = earlierCommit(state, underWay);
  if (commit === null) return;
  const outcome = yield* awaitStep(gpu, () => !underWay(commit), COMMIT_WAIT_MS, "the commit before it");
  if (outcome === "timeout") gpu.say("commit-timeout", { step: "flip" });
}

function* disableOutputs(gpu: VirtioGpu, state: AtomicState): Task<void> {
  for (const change of state.crtcs) {
    if (!needsModeset(change) || !change.old.active) continue;
    change.crtc.vblank?.off();
    yield* blankScanout(gpu, change.crtc.index, 0, 0);
  }
}

function* setModes(gpu: VirtioGpu, state: AtomicState): Task<void> {
  for (const { crtc, next, modeChanged } of state.crtcs) {
    if (modeChanged && next.mode !== null) {
      yield* blankScanout(gpu, crtc.index, next.mode.hdisplay, next.mode.vdisplay);
    }
  }
}

/**
 * A change counts as visible at the next vertical blank. Where there is none, or not yet because the CRTC goes on with
 * this change, that is once the device was told.
 */
function completeFlips(gpu: VirtioGpu, state: AtomicState): void {
  for (const change of state.crtcs) {
    const { crtc, next, event } = change;
    const { vblank } = crtc;
    const commit = next.commit as Commit;
    change.event = null;
    // Nobody is to be told.
    if (commit.flipDone && event === null) continue;
    if (vblank?.hold() === true) {
      vblank.callAt(vblank.sequence + 1, (sequence, timeMs) => {
        event?.send(crtc, sequence, timeMs);
        commit.flipDone = true;
      });
      continue;
    }
    if (vblank === null) event?.send(crtc, 0, gpu.clock.now());
    else event?.send(crtc, vblank.sequence, vblank.timeMs);
    commit.flipDone = true;
  }
}

/** What was shown before may be on the screen until the next vertical blank. */
function* waitForBlanks(gpu: VirtioGpu, state: AtomicState): Task<void> {
  const held = state.crtcs
    .filter(({ crtc, next }) => next.active && crtc.vblank?.hold() === true)
    .map(({ crtc }) => ({ crtc, vblank: crtc.vblank as VblankTimer, last: crtc.vblank?.sequence ?? 0 }));
  for (const { crtc, vblank, last } of held) {
    const done = () => vblank.sequence !== last || !vblank.isOn;
    const outcome = yield* waitFor(gpu.clock, done, BLANK_WAIT_MS, `a vertical blank of CRTC ${crtc.id}`);
    if (outcome === "timeout") gpu.say("vblank-timeout", { crtc: crtc.id });
    vblank.drop();
  }
}

/** Takes the locks of CRTCs, in their order. Returns what gives them back. */
export function* lockCrtcs(crtcs: readonly Crtc[]): Task<() => void> {
  let taken = 0;
  const release = () => {
    while (taken > 0) (crtcs[--taken] as Crtc).lock.release();
  };
  try {
    for (const { lock } of crtcs) {
      if (!lock.tryTake()) yield* lock.take();
      taken++;
    }
  } catch (error) {
    release();
    throw error;
  }
  return release;
}
