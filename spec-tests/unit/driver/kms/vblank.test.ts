// When things happen: frames are paced by a timer in Linux 7.3, and by nothing before.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  DRM_CRTC_SEQUENCE_NEXT_ON_MISS,
  DRM_CRTC_SEQUENCE_RELATIVE,
  DRM_FORMAT_ARGB8888,
  DRM_VBLANK_EVENT,
  DRM_VBLANK_NEXTONMISS,
  DRM_VBLANK_RELATIVE,
  DRM_VBLANK_SECONDARY,
  DRM_VBLANK_SIGNAL,
  type KmsClock,
  LINUX_PROFILE_NAMES,
  type LinuxProfileName,
} from "../../../../src/driver/kms/index.ts";
import { frameMs } from "../../../../src/driver/kms/objects/modes.ts";
import { codeOf, type Head, KmsRig, type TestFramebuffer } from "../../../support/kms-rig.ts";

interface Stage {
  readonly rig: KmsRig;
  readonly head: Head;
  readonly a: TestFramebuffer;
  readonly b: TestFramebuffer;
  /** Of the mode, in milliseconds. */
  readonly frame: number;
}

function makeStage(profile: LinuxProfileName = "linux-7.3"): Stage {
  const rig = new KmsRig({ profile, device: { scanouts: 2 } });
  const head = rig.open();
  const [a, b] = [head.framebuffer(), head.framebuffer()];
  return { rig, head, a, b, frame: frameMs(head.mode) };
}

/** Equal up to what adding frames up costs. */
function near(actual: number, expected: number, message: string): void {
  assert.ok(Math.abs(actual - expected) < 1e-6, `${message}: ${actual}, not ${expected}`);
}

const pacing = suite("kms, pacing");

pacing(
  "flips of 7.3 come with the blanks, one a frame; of older kernels at once and without a number",
  () => {
    for (const profile of LINUX_PROFILE_NAMES) {
      const { rig, head, a, b, frame } = makeStage(profile);
      const { file, crtcId } = head;
      head.show(a);
      const paced = profile === "linux-7.3";
      const start = rig.clock.now();
      near(start, paced ? frame : 0, `${profile}: the mode set waits for a blank, too`);
      const events = [];
      for (let i = 0; i < 20; i++) {
        file.pageFlip({ crtcId, fbId: i % 2 === 0 ? b.id : a.id, event: true, userData: i });
        file.waitEvent(1000);
        events.push(...file.readEvents());
      }
      assert.equal(
        events.map(({ type, userData }) => [type, userData]),
        events.map((_, i) => ["flip-complete", i]),
      );
      assert.is(events.length, 20);
      for (const [i, { sequence, timeMs }] of events.entries()) {
        near(timeMs, paced ? start + (i + 1) * frame : 0, `${profile}: time of flip ${i}`);
        assert.is(sequence, paced ? (events[0]?.sequence ?? 0) + i : 0, `${profile}: number of flip ${i}`);
      }
      near(rig.clock.now(), paced ? 21 * frame : 0, `${profile}: how long it took`);
    }
  },
);

pacing("the refresh rate is that of the mode", () => {
  const { rig, head, b } = makeStage();
  const mode = { ...head.mode, clock: head.mode.clock * 2 };
  head.file.setCrtc({ crtcId: head.crtcId, fbId: b.id, mode, connectors: [head.connector.id] });
  near(rig.clock.now(), frameMs(head.mode) / 2, "half a frame of the other");
});

pacing("a second flip before the blank is refused, and goes through after it", () => {
  const { rig, head, a, b, frame } = makeStage();
  const { file, crtcId } = head;
  head.show(a);
  file.pageFlip({ crtcId, fbId: b.id, event: true });
  rig.take();
  assert.is(
    codeOf(() => file.pageFlip({ crtcId, fbId: a.id, event: true })),
    "EBUSY",
  );
  rig.clock.advance(frame * 0.9);
  assert.is(
    codeOf(() => file.pageFlip({ crtcId, fbId: a.id })),
    "EBUSY",
    "no event does not help",
  );
  assert.equal(rig.take(), [], "nothing was sent");
  assert.equal(file.readEvents(), [], "and nothing told");
  rig.clock.advance(frame * 0.2);
  assert.is(file.readEvents().length, 1);
  file.pageFlip({ crtcId, fbId: a.id });
  assert.is(rig.take().length, 1);
});

pacing("blocking calls wait for a blank: damage, planes, atomic commits; the legacy cursor does not", () => {
  const { rig, head, a, b, frame } = makeStage();
  const { file, crtcId } = head;
  file.setClientCapAtomic();
  head.show(a);
  const { primaryPlane } = file.getCrtc(crtcId);
  const { handle } = file.createDumb({ width: 64, height: 64, bpp: 32 });
  const took = (call: () => unknown): number => {
    const before = rig.clock.now();
    call();
    return (rig.clock.now() - before) / frame;
  };
  near(
    took(() => file.dirtyFb(a.id)),
    1,
    "DIRTYFB",
  );
  rig.clock.advance(frame / 4);
  near(
    took(() => file.dirtyFb(a.id)),
    0.75,
    "DIRTYFB in the middle of a frame",
  );
  near(
    took(() => file.atomicCommit({ planes: [{ id: primaryPlane, fbId: b.id }] })),
    1,
    "ATOMIC",
  );
  near(
    took(() => file.atomicCommit({ planes: [{ id: primaryPlane, fbId: a.id }], testOnly: true })),
    0,
    "a test",
  );
  near(
    took(() => file.atomicCommit({ planes: [{ id: primaryPlane, fbId: a.id }], nonblock: true })),
    0,
    "NONBLOCK",
  );
  near(
    took(() => file.dirtyFb(a.id)),
    2,
    "DIRTYFB behind a commit that is not visible yet",
  );
  near(
    took(() => file.setCursor2({ crtcId, handle, width: 64, height: 64, hotX: 0, hotY: 0 })),
    0,
    "CURSOR2",
  );
  near(
    took(() => file.moveCursor(crtcId, 5, 5)),
    0,
    "CURSOR",
  );
  near(
    took(() => head.off()),
    0,
    "there is no blank to wait for",
  );
});

pacing("each head has blanks of its own", () => {
  const rig = new KmsRig({
    profile: "linux-7.3",
    device: {
      displays: [
        { widthPixels: 320, heightPixels: 200 },
        { widthPixels: 640, heightPixels: 480 },
      ],
    },
  });
  const one = rig.open(0);
  const { crtcs, connectors } = one.file.getResources();
  const second = one.file.getConnector(connectors[1] as number);
  one.show(one.framebuffer());
  const [mode] = second.modes;
  if (mode === undefined) throw new Error("no mode");
  const large = one.framebuffer(mode.hdisplay, mode.vdisplay);
  one.file.setCrtc({ crtcId: crtcs[1] as number, fbId: large.id, mode, connectors: [second.id] });
  const first = one.file.crtcGetSequence(crtcs[0] as number);
  const other = one.file.crtcGetSequence(crtcs[1] as number);
  assert.is.not(first.sequence, 0);
  assert.is.not(first.timeMs, other.timeMs);
});

pacing("while nobody waits the timer stops after 5 s, and no blank is lost from the count", () => {
  const { rig, head, a, b, frame } = makeStage();
  const { file, crtcId } = head;
  head.show(a);
  const before = file.crtcGetSequence(crtcId);
  rig.clock.advance(60_000);
  assert.is(rig.card.gpu.scheduler.pending, 0);
  file.pageFlip({ crtcId, fbId: b.id, event: true });
  const event = file.waitEvent(1000);
  near((event?.timeMs ?? 0) - 60_000 - before.timeMs, frame, "a whole frame from where it starts again");
  assert.is((event?.sequence ?? 0) - before.sequence, Math.round((60_000 + frame) / frame));
});

pacing("a CRTC that goes off tells who waits", () => {
  const { rig, head, a, b } = makeStage();
  const { file, crtcId } = head;
  head.show(a);
  file.crtcQueueSequence({ crtcId, flags: DRM_CRTC_SEQUENCE_RELATIVE, sequence: 1000, userData: 7 });
  file.pageFlip({ crtcId, fbId: b.id, event: true, userData: 8 });
  head.off();
  assert.equal(
    file
      .readEvents()
      .map(({ userData }) => userData)
      .sort(),
    [7, 8],
  );
  assert.is(
    codeOf(() => file.crtcGetSequence(crtcId)),
    "EINVAL",
  );
  assert.is(rig.card.gpu.scheduler.pending, 0);
});

pacing("a clock that is only looked at while somebody blocks is enough", () => {
  let nowMs = 0;
  const clock: KmsClock = {
    now: () => nowMs,
    block: () => {
      nowMs += 0.25;
    },
    callAt: () => () => {},
  };
  const rig = new KmsRig({ profile: "linux-7.3", clock });
  const head = rig.open();
  const [a, b] = [head.framebuffer(), head.framebuffer()];
  const { file, crtcId } = head;
  head.show(a);
  const frame = frameMs(head.mode);
  const start = file.crtcGetSequence(crtcId);
  const events = [];
  for (const { id } of [b, a, b]) {
    file.pageFlip({ crtcId, fbId: id, event: true });
    file.waitEvent(1000);
    events.push(...file.readEvents());
  }
  assert.equal(
    events.map(({ sequence }) => sequence - start.sequence),
    [1, 2, 3],
  );
  near((events.at(-1)?.timeMs ?? 0) - start.timeMs, 3 * frame, "times are those of the timer");
  file.pageFlip({ crtcId, fbId: a.id, event: true });
  nowMs += 2 * frame;
  assert.is(file.readEvents().length, 1, "reading looks at the clock, too");
});

pacing("a closed file and a removed card leave nothing waiting", () => {
  const { rig, head, a, b } = makeStage();
  head.show(a);
  head.file.pageFlip({ crtcId: head.crtcId, fbId: b.id, event: true });
  head.file.close();
  assert.is(rig.card.gpu.scheduler.pending, 0);
  const other = rig.open();
  other.show(other.framebuffer());
  other.file.crtcQueueSequence({ crtcId: other.crtcId, sequence: 1e6 });
  rig.card.remove();
  rig.clock.advance(1000);
  assert.equal(other.file.readEvents(), []);
});
pacing.run();

const asking = suite("kms, asking for blanks");

asking("kernels without blanks refuse every call about them", () => {
  for (const profile of ["linux-6.1", "linux-6.12", "linux-6.12.117"] as const) {
    const { head, a } = makeStage(profile);
    const { file, crtcId } = head;
    head.show(a);
    assert.is(
      codeOf(() => file.waitVblank({ type: DRM_VBLANK_SIGNAL, sequence: 0 })),
      "EOPNOTSUPP",
    );
    assert.is(
      codeOf(() => file.crtcGetSequence(999)),
      "EOPNOTSUPP",
    );
    assert.is(
      codeOf(() => file.crtcQueueSequence({ crtcId, sequence: 1 })),
      "EOPNOTSUPP",
    );
  }
});

asking("WAIT_VBLANK: now, one on, missed, as an event", () => {
  const { rig, head, a, frame } = makeStage();
  const { file, crtcId } = head;
  head.show(a);
  const now = file.waitVblank({ type: DRM_VBLANK_RELATIVE, sequence: 0 });
  const later = file.waitVblank({ type: DRM_VBLANK_RELATIVE, sequence: 3 });
  assert.is(later.sequence, now.sequence + 3);
  near(later.timeMs - now.timeMs, 3 * frame, "three frames");
  near(rig.clock.now(), later.timeMs, "it waited");
  const missed = file.waitVblank({ type: 0, sequence: now.sequence });
  assert.is(missed.sequence, later.sequence, "a blank that has passed is not waited for");
  const next = file.waitVblank({ type: DRM_VBLANK_NEXTONMISS, sequence: now.sequence });
  assert.is(next.sequence, later.sequence + 1);
  const asked = file.waitVblank({ type: DRM_VBLANK_RELATIVE | DRM_VBLANK_EVENT, sequence: 2, userData: 9 });
  assert.is(asked.sequence, next.sequence + 2);
  assert.equal(file.readEvents(), []);
  const event = file.waitEvent(1000);
  assert.equal(
    [event?.type, event?.crtcId, event?.userData, event?.sequence],
    ["vblank", crtcId, 9, asked.sequence],
  );
  near((event?.timeMs ?? 0) - next.timeMs, 2 * frame, "two frames on");
});

asking("WAIT_VBLANK: what cannot be, in the kernel's order; three seconds at most", () => {
  const { rig, head, a } = makeStage();
  const { file } = head;
  const wait = (type: number, sequence = 1) => codeOf(() => file.waitVblank({ type, sequence }));
  assert.is(wait(DRM_VBLANK_RELATIVE), "EINVAL", "the CRTC is off");
  head.show(a);
  assert.is(wait(DRM_VBLANK_SIGNAL), "EINVAL");
  assert.is(wait(0x8000000), "EINVAL", "a flag that is not for programs");
  assert.is(wait(DRM_VBLANK_RELATIVE | DRM_VBLANK_SECONDARY), "EINVAL", "the other CRTC is off");
  assert.is(wait(DRM_VBLANK_RELATIVE | (2 << 1)), "EINVAL", "there is no third");
  const before = rig.clock.now();
  assert.is(wait(DRM_VBLANK_RELATIVE, 1000), "EBUSY");
  assert.is(rig.clock.now() - before, 3000);
});

asking("CRTC sequences: now, later, missed", () => {
  const { rig, head, a, frame } = makeStage();
  const { file, crtcId } = head;
  assert.is(
    codeOf(() => file.crtcGetSequence(999)),
    "ENOENT",
  );
  assert.is(
    codeOf(() => file.crtcGetSequence(crtcId)),
    "EINVAL",
    "it is off",
  );
  head.show(a);
  const { active, sequence, timeMs } = file.crtcGetSequence(crtcId);
  assert.is(active, true);
  near(timeMs, rig.clock.now(), "the blank that the mode set has waited for");
  assert.is(
    codeOf(() => file.crtcQueueSequence({ crtcId: 999, sequence, flags: 4 })),
    "ENOENT",
  );
  assert.is(
    codeOf(() => file.crtcQueueSequence({ crtcId, sequence, flags: 4 })),
    "EINVAL",
  );
  assert.is(file.crtcQueueSequence({ crtcId, sequence: sequence + 2, userData: 1 }), sequence + 2);
  assert.is(file.crtcQueueSequence({ crtcId, sequence, userData: 2 }), sequence, "passed: an event at once");
  const flags = DRM_CRTC_SEQUENCE_NEXT_ON_MISS;
  assert.is(file.crtcQueueSequence({ crtcId, sequence, flags, userData: 3 }), sequence + 1);
  rig.clock.advance(3 * frame);
  assert.equal(
    file.readEvents().map((event) => [event.type, event.crtcId, event.userData, event.sequence - sequence]),
    [
      ["crtc-sequence", 0, 2, 0],
      ["crtc-sequence", 0, 3, 1],
      ["crtc-sequence", 0, 1, 2],
    ],
  );
  for (let i = 0; i < 128; i++) file.crtcQueueSequence({ crtcId, sequence });
  assert.is(
    codeOf(() => file.crtcQueueSequence({ crtcId, sequence })),
    "ENOMEM",
  );
});

asking("without blocking", async () => {
  const { rig, head, a, frame } = makeStage();
  head.show(a);
  const waiting = head.file.async.waitVblank({ type: DRM_VBLANK_RELATIVE, sequence: 2 });
  const before = rig.clock.now();
  rig.clock.advance(3 * frame);
  near((await waiting).timeMs - before, 2 * frame, "it went on at its blank");
});
asking.run();

const hotspots = suite("kms, hot spots");

/** What the hot spot of the last cursor command was. */
function lastHot(rig: KmsRig): unknown {
  const fields = rig.sent.at(-1)?.record.fields;
  return [rig.sent.at(-1)?.name, fields?.["hot_x"], fields?.["hot_y"]];
}

hotspots("a cursor of an atomic program or of SETPLANE after one of CURSOR2", () => {
  for (const profile of LINUX_PROFILE_NAMES) {
    const { rig, head, a } = makeStage(profile);
    const { file, crtcId } = head;
    file.setClientCapAtomic();
    head.show(a);
    const size = { width: 64, height: 64 };
    const { cursorPlane } = file.getCrtc(crtcId);
    const make = () => {
      const { handle, pitch } = file.createDumb({ ...size, bpp: 32 });
      return { handle, fbId: file.addFb2({ ...size, format: DRM_FORMAT_ARGB8888, handle, pitch }) };
    };
    const [one, two, three] = [make(), make(), make()];
    const place = { crtcX: 9, crtcY: 9, crtcW: 64, crtcH: 64, srcX: 0, srcY: 0, srcW: 64, srcH: 64 };
    file.setCursor2({ crtcId, handle: one.handle, ...size, hotX: 7, hotY: 9, x: 100, y: 100 });
    assert.equal(lastHot(rig), ["UPDATE_CURSOR", 7, 9], profile);
    const kept = profile === "linux-6.1" ? [0, 0] : [7, 9];
    file.atomicCommit({ planes: [{ id: cursorPlane, crtcId, fbId: two.fbId, ...place }] });
    assert.equal(lastHot(rig), ["UPDATE_CURSOR", ...kept], `${profile}: ATOMIC`);
    file.setPlane({ planeId: cursorPlane, crtcId, fbId: three.fbId, ...place });
    assert.equal(lastHot(rig), ["UPDATE_CURSOR", ...kept], `${profile}: SETPLANE`);
    if (profile === "linux-6.1") continue;
    file.atomicCommit({ planes: [{ id: cursorPlane, fbId: two.fbId, hotX: -1, hotY: 2 }] });
    assert.equal(lastHot(rig), ["UPDATE_CURSOR", 0xffffffff, 2], `${profile}: HOTSPOT_X`);
  }
});
hotspots.run();

const capabilities = suite("kms, capabilities");

capabilities("what each kernel says it can do", () => {
  const expected = {
    "linux-6.1": [1, 1, 0, 0, 3, 1, 0, 64, 64, 0, 0, 1, 0, 0, "EINVAL"],
    later: [1, 1, 0, 0, 3, 1, 0, 64, 64, 0, 0, 1, 1, 1, 0],
  };
  const all = [1, 2, 3, 4, 5, 6, 7, 8, 9, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15];
  for (const profile of LINUX_PROFILE_NAMES) {
    const { file } = makeStage(profile).head;
    const told = all.map((capability) => {
      const error = codeOf(() => file.getCap(capability));
      return error === "success" ? file.getCap(capability) : error;
    });
    assert.equal(told, profile === "linux-6.1" ? expected["linux-6.1"] : expected.later, profile);
  }
});

capabilities("planes are listed as far as a program knows their kinds", () => {
  for (const profile of LINUX_PROFILE_NAMES) {
    const { rig } = makeStage(profile);
    const file = rig.card.open();
    const kinds = () => file.getPlaneResources().map((id) => file.getPlane(id).type);
    assert.equal(kinds(), [], "there are no overlays");
    assert.is(
      codeOf(() => file.setClientCap(6, 1)),
      "EINVAL",
      "not without atomic mode setting",
    );
    file.setClientCap(2, 1);
    assert.equal(kinds(), ["primary", "cursor", "primary", "cursor"]);
    file.setClientCap(3, 1);
    const hides = profile !== "linux-6.1";
    assert.equal(
      kinds(),
      hides ? ["primary", "primary"] : ["primary", "cursor", "primary", "cursor"],
      profile,
    );
    assert.is(
      codeOf(() => file.setClientCap(6, 1)),
      hides ? "success" : "EINVAL",
      profile,
    );
    assert.is(kinds().length, 4);
    assert.is(
      codeOf(() => file.setClientCap(7, 1)),
      profile === "linux-7.3" ? "success" : "EINVAL",
      profile,
    );
    file.setClientCap(3, 0);
    assert.equal(kinds(), [], "atomic mode setting brings the kinds, and takes them away");
  }
});

capabilities("GETFB2 gives a handle of its own, and CLOSEFB leaves the picture", () => {
  for (const profile of LINUX_PROFILE_NAMES) {
    const { rig, head, a } = makeStage(profile);
    const { file, crtcId } = head;
    head.show(a);
    const { handle, ...info } = file.getFb2(a.id);
    assert.equal(info, { id: a.id, width: 320, height: 200, format: 0x34325258, pitch: 1280, offset: 0 });
    assert.is.not(handle, a.handle);
    assert.is(file.resourceInfo(handle).resourceId, file.resourceInfo(a.handle).resourceId);
    rig.take();
    if (profile === "linux-6.1") {
      assert.is(
        codeOf(() => file.closeFb(a.id)),
        "EINVAL",
      );
      continue;
    }
    file.closeFb(a.id);
    assert.equal(rig.take(), []);
    assert.is(file.getCrtc(crtcId).fbId, a.id, "it is still shown");
    assert.is(
      codeOf(() => file.rmFb(a.id)),
      "ENOENT",
      "and nobody's",
    );
    file.getFb2(a.id);
    head.off();
    assert.is(
      codeOf(() => file.getFb2(a.id)),
      "ENOENT",
      "gone when nobody shows it",
    );
  }
});
capabilities.run();
