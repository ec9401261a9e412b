// What is made of the times of frames: the model's waits against those of a capture.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { comparePacing } from "../../../src/cli/compare-linux/pacing.ts";
import type { SentCommand } from "../../../src/cli/compare-linux/sent-command.ts";
import { GUEST_PROGRAMS, LINUX_PROFILE_NAMES } from "../../../src/driver/kms/index.ts";
import { VIRTIO_GPU_CMD_RESOURCE_CREATE_2D, VIRTIO_GPU_CMD_RESOURCE_FLUSH } from "../../../src/wire/index.ts";
import { KmsRig } from "../../support/kms-rig.ts";

function command(type: number, timeMs: number | null): SentCommand {
  const bytes = new Uint8Array(24);
  new DataView(bytes.buffer).setUint32(0, type, true);
  return {
    queue: "control",
    bytes,
    out: [24],
    in: [24],
    indirect: true,
    notification: 1,
    listedBytes: null,
    timeMs,
  };
}

/** A buffer, and frames after so many milliseconds each. */
function frames(...intervals: number[]): SentCommand[] {
  let now = 1000;
  const flushes = [0, ...intervals].map((interval) => {
    now += interval;
    return command(VIRTIO_GPU_CMD_RESOURCE_FLUSH, now);
  });
  return [command(VIRTIO_GPU_CMD_RESOURCE_CREATE_2D, 0), ...flushes];
}

const FRAME = 1000 / 60;
const PACED = frames(...new Array<number>(10).fill(FRAME));
const UNPACED = frames(...new Array<number>(10).fill(0));

const pacing = suite("compare-linux, pacing");

pacing("a paced kernel: frames apart as its timer has them, or slower", () => {
  for (const capture of [
    frames(15.6, 18.1, 16.2, 17, 16.6, 16.7, 16.6, 16.8, 16.4, 16.9),
    frames(27, 39, 23, 33, 30, 28, 33, 34, 35, 36),
    frames(2, 16.7, 16.7, 16.7, 16.7, 16.7, 16.7, 16.7, 16.7, 16.7),
  ]) {
    assert.is(comparePacing(PACED, capture, true)?.difference, null);
  }
});

pacing("a kernel that is faster than the model's waits allow is different", () => {
  const fast = comparePacing(PACED, frames(0.4, 2.5, 0.5, 1, 0.4, 0.6, 0.4, 0.4, 2, 1), true);
  assert.equal(fast?.difference, { field: "frames, ms apart", expected: "at least 12.5", got: "0.6" });
  const inPart = comparePacing(PACED, frames(16, 1, 16, 1, 16, 1, 16, 1, 16, 16), true);
  assert.is(inPart?.difference?.field, "frames, ms in all");
});

pacing("a kernel that does not pace: any speed of the machine, but not one flip a frame", () => {
  const slow = frames(5, 40, 9, 23, 60, 12, 30, 22, 8, 50);
  assert.is(comparePacing(UNPACED, slow, true)?.difference, null);
  assert.is(
    comparePacing(UNPACED, frames(0.4, 2.5, 0.5, 1, 0.4, 0.6, 0.4, 0.4, 2, 1), true)?.difference,
    null,
  );
  assert.is(comparePacing(UNPACED, PACED, true)?.difference?.got, "16.7, one a frame");
  assert.is(comparePacing(UNPACED, PACED, false)?.difference, null, "the program's own pauses");
});

pacing("too few frames, no times, and times that go back say nothing", () => {
  assert.is(comparePacing(PACED, frames(1, 1), true), null);
  assert.is(comparePacing(PACED, frames(1, 1, -5, 1, 1, 1, 1, 1), true), null);
  const noTimes = frames(1, 1, 1, 1, 1, 1).map((each) => ({ ...each, timeMs: null }));
  assert.is(comparePacing(PACED, noTimes, true), null);
});

pacing("every program runs through on every kernel's model", () => {
  for (const profile of LINUX_PROFILE_NAMES) {
    for (const blobs of [false, true]) {
      const rig = new KmsRig({ profile, device: { features: { resourceBlob: blobs } } });
      for (const program of GUEST_PROGRAMS) program.run(rig.card, { draw: false, flips: 5 });
      assert.is(rig.card.bufferCount, 0, profile);
    }
  }
});
pacing.run();
