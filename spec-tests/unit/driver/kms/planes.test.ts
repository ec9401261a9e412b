// Cursors, planes and the atomic call.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  cvtMode,
  DRM_FORMAT_ARGB8888,
  KmsFence,
  type LinuxProfileName,
} from "../../../../src/driver/kms/index.ts";
import { codeOf, fill, type Head, KmsRig, type TestFramebuffer } from "../../../support/kms-rig.ts";

const cursors = suite("kms, cursors");

function withCursor(): { rig: KmsRig; head: Head; handle: number } {
  const rig = new KmsRig();
  const head = rig.open();
  head.show(head.framebuffer());
  const { handle } = head.file.createDumb({ width: 64, height: 64, bpp: 32 });
  head.file.mapDumb(handle).fillWords(0, 64 * 64, 0xff00ffff);
  rig.take();
  return { rig, head, handle };
}

cursors("set, moved, moved beyond the edge, hidden", () => {
  const { rig, head, handle } = withCursor();
  const { file, crtcId } = head;
  file.setCursor2({ crtcId, handle, width: 64, height: 64, hotX: 3, hotY: 5, x: 100, y: 120 });
  assert.equal(rig.take(), ["TRANSFER_TO_HOST_2D 3 64x64+0+0 fenced", "UPDATE_CURSOR 3 100,120"]);
  const cursor = rig.gpu.cursor(0);
  assert.is(cursor?.hotX, 3);
  assert.is(cursor?.hotY, 5);
  assert.equal([...(cursor?.pixels.slice(0, 4) ?? [])], [0xff, 0xff, 0x00, 0xff]);
  file.moveCursor(crtcId, 200, 150);
  file.moveCursor(crtcId, 201, -7);
  assert.equal(rig.take(), ["MOVE_CURSOR 3 200,150", "MOVE_CURSOR 3 201,-7"]);
  assert.is(rig.display.screen(0).cursorY, -7);
  file.setCursor({ crtcId, handle, width: 64, height: 64 });
  assert.equal(
    rig.take(),
    ["TRANSFER_TO_HOST_2D 3 64x64+0+0 fenced", "UPDATE_CURSOR 3 201,-7"],
    "a new image stays where the cursor was, and is uploaded even if it is the old one",
  );
  file.setCursor({ crtcId, handle: 0, width: 0, height: 0 });
  assert.equal(rig.take(), ["UPDATE_CURSOR 0 0,0"]);
  assert.is(rig.gpu.cursor(0), null);
  file.moveCursor(crtcId, 1, 1);
  assert.equal(rig.take(), [], "a hidden cursor is not moved");
  file.destroyDumb(handle);
  assert.equal(rig.take(), ["RESOURCE_UNREF 3"]);
});

cursors("what is no cursor is refused", () => {
  const { rig, head, handle } = withCursor();
  const { file, crtcId } = head;
  const good = { crtcId, handle, width: 64, height: 64, hotX: 0, hotY: 0 };
  assert.is(
    codeOf(() => file.setCursor2({ ...good, crtcId: 999 })),
    "ENOENT",
  );
  assert.is(
    codeOf(() => file.setCursor2({ ...good, handle: 99 })),
    "EINVAL",
  );
  assert.is(
    codeOf(() => file.setCursor2({ ...good, width: 16 })),
    "EINVAL",
  );
  assert.equal(rig.take(), []);
});

cursors("a mode set repeats the cursor", () => {
  const { rig, head, handle } = withCursor();
  const { file, crtcId, connector } = head;
  file.setCursor2({ crtcId, handle, width: 64, height: 64, hotX: 0, hotY: 0, x: 5, y: 6 });
  rig.take();
  const fbId = file.getCrtc(crtcId).fbId;
  file.setCrtc({ crtcId, fbId, mode: cvtMode(160, 120), connectors: [connector.id] });
  assert.is(rig.take().at(-1), "MOVE_CURSOR 3 5,6");
});
cursors.run();

const planes = suite("kms, planes");

planes("a primary plane covers its CRTC, does not scale, and can be off", () => {
  const rig = new KmsRig();
  const head = rig.open();
  const { file, crtcId } = head;
  const fb = head.framebuffer(640, 400);
  head.show(fb);
  rig.take();
  const { primaryPlane, cursorPlane } = file.getCrtc(crtcId);
  assert.equal(file.getPlane(primaryPlane), {
    id: primaryPlane,
    type: "primary",
    formats: [0x34325258],
    crtcId,
    fbId: fb.id,
  });
  assert.equal(file.getPlane(cursorPlane).formats, [DRM_FORMAT_ARGB8888]);
  const all = { crtcX: 0, crtcY: 0, crtcW: 320, crtcH: 200, srcX: 10, srcY: 20, srcW: 320, srcH: 200 };
  const place = { planeId: primaryPlane, crtcId, fbId: fb.id, ...all };
  file.setPlane(place);
  assert.equal(rig.take(), [
    "TRANSFER_TO_HOST_2D 2 320x200+10+20+SET_SCANOUT 2 320x200+10+20+RESOURCE_FLUSH 2 320x200+10+20",
  ]);
  assert.is(
    codeOf(() => file.setPlane({ ...place, crtcW: 160, srcW: 160 })),
    "EINVAL",
    "a part of the CRTC",
  );
  assert.is(
    codeOf(() => file.setPlane({ ...place, srcW: 160 })),
    "ERANGE",
    "scaling",
  );
  assert.is(
    codeOf(() => file.setPlane({ ...place, srcX: 400 })),
    "ENOSPC",
  );
  assert.is(
    codeOf(() => file.setPlane({ ...place, planeId: 999 })),
    "ENOENT",
  );
  assert.is(
    codeOf(() => file.setPlane({ ...place, planeId: cursorPlane })),
    "EINVAL",
    "not its format",
  );
  assert.equal(rig.take(), []);
  file.setPlane({ ...place, fbId: 0 });
  assert.equal(rig.take(), ["SET_SCANOUT 0 0x0+0+0"]);
  assert.is(file.getCrtc(crtcId).active, true);
});
planes.run();

const atomic = suite("kms, atomic");

interface Atomic {
  readonly rig: KmsRig;
  readonly head: Head;
  readonly fb: TestFramebuffer;
  readonly plane: number;
}

function atomicRig(profile: LinuxProfileName = "linux-6.12"): Atomic {
  const rig = new KmsRig({ profile });
  const head = rig.open();
  head.file.setClientCapAtomic();
  const fb = head.framebuffer();
  rig.take();
  return { rig, head, fb, plane: head.file.getCrtc(head.crtcId).primaryPlane };
}

function everything({ head, fb, plane }: Atomic) {
  const { crtcId, connector, mode } = head;
  const [w, h] = [mode.hdisplay, mode.vdisplay];
  return {
    connectors: [{ id: connector.id, crtcId }],
    crtcs: [{ id: crtcId, active: true, mode }],
    planes: [
      {
        id: plane,
        crtcId,
        fbId: fb.id,
        crtcX: 0,
        crtcY: 0,
        crtcW: w,
        crtcH: h,
        srcX: 0,
        srcY: 0,
        srcW: w,
        srcH: h,
      },
    ],
    allowModeset: true,
  };
}

atomic("a mode set, a test of one, and what is needed for one", () => {
  const set = atomicRig();
  const { rig, head, fb } = set;
  const { file, crtcId } = head;
  const all = everything(set);
  assert.is(
    codeOf(() => rig.open().file.atomicCommit(all)),
    "EACCES",
  );
  assert.is(
    codeOf(() => file.atomicCommit({ ...all, allowModeset: false })),
    "EINVAL",
  );
  assert.is(
    codeOf(() => file.atomicCommit({ ...all, connectors: [] })),
    "EINVAL",
    "a mode without a connector",
  );
  assert.is(
    codeOf(() => file.atomicCommit({ ...all, testOnly: true, event: true })),
    "EINVAL",
  );
  file.atomicCommit({ ...all, testOnly: true });
  assert.equal(rig.take(), []);
  assert.is(file.getCrtc(crtcId).active, false);
  fill(fb, 0x654321);
  const { outFences } = file.atomicCommit({
    ...all,
    crtcs: [{ ...(all.crtcs[0] as { id: number }), active: true, mode: head.mode, outFence: true }],
    event: true,
    userData: 5,
  });
  assert.is(outFences.get(crtcId)?.signaled, true);
  assert.is(file.readEvents()[0]?.userData, 5);
  assert.equal(rig.take(), [
    "SET_SCANOUT 0 320x200+0+0",
    "TRANSFER_TO_HOST_2D 2 320x200+0+0+SET_SCANOUT 2 320x200+0+0+RESOURCE_FLUSH 2 320x200+0+0",
  ]);
  assert.is(rig.pixel(1, 1), 0x654321);
  // Off, and on again without a new mode.
  file.atomicCommit({ crtcs: [{ id: crtcId, active: false }], allowModeset: true });
  assert.equal(rig.take(), ["SET_SCANOUT 0 0x0+0+0", "SET_SCANOUT 0 320x200+0+0"]);
  assert.is(
    codeOf(() => file.atomicCommit({ crtcs: [{ id: crtcId }], event: true })),
    "EINVAL",
    "it is off",
  );
  file.atomicCommit({ crtcs: [{ id: crtcId, active: true }], allowModeset: true });
  assert.equal(rig.take(), [
    "TRANSFER_TO_HOST_2D 2 320x200+0+0+SET_SCANOUT 2 320x200+0+0+RESOURCE_FLUSH 2 320x200+0+0",
  ]);
});

atomic("damage clips, where the kernel has them", () => {
  const old = atomicRig("linux-6.1");
  const clips = [{ x1: 1, y1: 2, x2: 11, y2: 22 }];
  old.head.show(old.fb);
  assert.is(
    codeOf(() => old.head.file.atomicCommit({ planes: [{ id: old.plane, damageClips: clips }] })),
    "ENOENT",
  );
  // In later kernels the property is there; that a new framebuffer once made it void is never forgotten.
  const set = atomicRig("linux-6.12");
  set.head.show(set.fb);
  set.head.file.atomicCommit({ planes: [{ id: set.plane, damageClips: clips }] });
  set.rig.take();
  set.head.file.atomicCommit({ planes: [{ id: set.plane, damageClips: clips }] });
  assert.equal(set.rig.take(), ["TRANSFER_TO_HOST_2D 2 320x200+0+0+RESOURCE_FLUSH 2 320x200+0+0"]);
  const none = { x1: 5, y1: 5, x2: 5, y2: 6 };
  assert.is(
    codeOf(() => set.head.file.atomicCommit({ planes: [{ id: set.plane, damageClips: [none] }] })),
    "EINVAL",
  );
});

atomic("a flip that does not block waits for its fence in the background", () => {
  const set = atomicRig();
  const { rig, head, fb, plane } = set;
  const { file, crtcId } = head;
  const next = head.framebuffer();
  head.show(fb);
  rig.take();
  const inFence = new KmsFence("renderer");
  const flip = { planes: [{ id: plane, fbId: next.id, inFence }], nonblock: true, event: true };
  file.atomicCommit(flip);
  assert.equal(rig.take(), [], "nothing is sent before the fence");
  assert.is(
    codeOf(() => file.atomicCommit({ planes: [{ id: plane, fbId: fb.id }], nonblock: true })),
    "EBUSY",
  );
  assert.is(
    codeOf(() => file.pageFlip({ crtcId, fbId: fb.id })),
    "EBUSY",
  );
  inFence.signal();
  rig.card.process();
  assert.is(rig.take().length, 1);
  assert.is(file.readEvents().length, 1);
  file.pageFlip({ crtcId, fbId: fb.id });
});

atomic("objects that are none", () => {
  const { head, plane } = atomicRig();
  const { file } = head;
  assert.is(
    codeOf(() => file.atomicCommit({ crtcs: [{ id: 999 }] })),
    "ENOENT",
  );
  assert.is(
    codeOf(() => file.atomicCommit({ connectors: [{ id: 999, crtcId: 0 }] })),
    "ENOENT",
  );
  assert.is(
    codeOf(() => file.atomicCommit({ planes: [{ id: 999 }] })),
    "ENOENT",
  );
  assert.is(
    codeOf(() => file.atomicCommit({ planes: [{ id: plane, crtcId: 999 }] })),
    "EINVAL",
  );
  assert.is(
    codeOf(() => file.atomicCommit({ event: true })),
    "EINVAL",
    "nothing changes",
  );
  file.atomicCommit({});
});
atomic.run();
