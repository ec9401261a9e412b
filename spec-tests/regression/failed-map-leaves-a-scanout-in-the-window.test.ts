import { test } from "uvu";
import * as assert from "uvu/assert";
import { BackendError } from "../../src/base/backend-error.ts";
import { HostHeap } from "../../src/devices/gpu/index.ts";
import { settle } from "../../src/testing/index.ts";
import { msg } from "../support/gpu-messages.ts";
import { expectOk, GpuRig } from "../support/gpu-rig.ts";
import { RecordingRenderer } from "../support/recording-renderer.ts";

// While the renderer thinks about a map, the blob's bytes are in the window already. A scanout that looked for them then
// went on reading the window after the renderer had refused, where another blob may be by then.

class FlushWhileMapping extends RecordingRenderer {
  during: () => void = () => {};

  override mapBlob(resourceId: number) {
    const result = super.mapBlob(resourceId);
    this.during();
    return result;
  }
}

test("a scanout follows its blob out of the window when a map fails", async () => {
  const renderer = new FlushWhileMapping();
  const rig = new GpuRig({ renderer, hostHeap: new HostHeap(65536), profile: "crosvm" });
  const o = { ctx: 1 };
  expectOk(rig.command(msg.ctxCreate(0, "", o)));
  expectOk(rig.command(msg.createBlob(7, { mem: 2, flags: 1, size: 4096 }, o)));
  expectOk(rig.command(msg.setScanoutBlob(0, 7, { w: 16, h: 16 })));
  const { memory } = renderer.blobs.get(7) as { memory: { bytes(): Uint8Array } };
  memory.bytes().fill(0x11);
  renderer.next("later");
  // The other queue is served from within the call: it flushes, and the scanout finds its pixels in the window.
  renderer.during = () => {
    rig.offer(1, [msg.flush(7, { x: 0, y: 0, w: 16, h: 16 })], [24]);
    rig.device.notify(1);
  };
  rig.begin(msg.mapBlob(7, 0));
  assert.is.not(rig.gpu.scanout(0)?.pixels?.buffer, undefined);
  renderer.held.pop()?.reject(new BackendError("out-of-memory"));
  await settle();
  assert.is(rig.gpu.scanout(0)?.pixels, memory.bytes());
  assert.is(rig.gpu.scanout(0)?.pixels?.[0], 0x11);
});

test.run();
