// What the kernel refuses before the driver is asked, in the kernel's order: each call with each bad argument, in every
// profile. A refusal leaves everything as it was.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  DRM_FORMAT_ARGB8888,
  DRM_FORMAT_XRGB8888,
  LINUX_PROFILE_NAMES,
  type LinuxProfileName,
} from "../../../../src/driver/kms/index.ts";
import { fourcc } from "../../../../src/driver/kms/objects/formats.ts";
import { codeOf, type Head, KmsRig, type TestFramebuffer } from "../../../support/kms-rig.ts";

/** A card with a picture and a cursor on its first head, for an atomic program. */
interface Stage {
  readonly rig: KmsRig;
  readonly head: Head;
  /** Shown; another of the same size; one that was removed. */
  readonly shown: TestFramebuffer;
  readonly other: TestFramebuffer;
  readonly removed: TestFramebuffer;
  readonly primary: number;
  readonly cursor: number;
  /** A framebuffer for the cursor. */
  readonly pointer: number;
  readonly pointerHandle: number;
}

function makeStage(profile: LinuxProfileName): Stage {
  const rig = new KmsRig({ profile, device: { scanouts: 2 } });
  const head = rig.open();
  const { file, crtcId } = head;
  file.setClientCapAtomic();
  const [shown, other, removed] = [head.framebuffer(), head.framebuffer(), head.framebuffer()];
  file.rmFb(removed.id);
  head.show(shown);
  const { handle, pitch } = file.createDumb({ width: 64, height: 64, bpp: 32 });
  const pointer = file.addFb2({ width: 64, height: 64, format: DRM_FORMAT_ARGB8888, handle, pitch });
  file.setCursor2({ crtcId, handle, width: 64, height: 64, hotX: 3, hotY: 4, x: 20, y: 30 });
  const { primaryPlane, cursorPlane } = file.getCrtc(crtcId);
  return {
    rig,
    head,
    shown,
    other,
    removed,
    primary: primaryPlane,
    cursor: cursorPlane,
    pointer,
    pointerHandle: handle,
  };
}

/** Everything that a call could change. */
function stateOf({ rig, head }: Stage): unknown {
  const { card } = rig;
  const { state } = head.file;
  return {
    crtcs: card.crtcs.map((crtc) => ({
      enable: crtc.state.enable,
      active: crtc.state.active,
      mode: crtc.state.mode,
      cursor: [crtc.cursorX, crtc.cursorY],
      command: { ...crtc.cursorCommand },
      locked: crtc.lock.held,
      commits: crtc.commits.length,
    })),
    planes: card.planes.map(({ state: { crtc, fb, commit, ...rest } }) => ({
      ...rest,
      crtc: crtc?.id ?? 0,
      fb: fb?.id ?? 0,
    })),
    connectors: card.connectors.map((connector) => connector.state.crtc?.id ?? 0),
    framebuffers: [...state.card.framebuffers.values()].map(({ id, holds }) => [id, holds]),
    own: state.framebuffers.map(({ id }) => id),
    handles: [...state.handles].map(([handle, object]) => [handle, object.resourceId, object.holds]),
    events: state.events.length,
    buffers: card.bufferCount,
    resources: rig.gpu.resources().length,
    sent: rig.sent.length,
    pending: card.gpu.scheduler.pending,
    now: rig.clock.now(),
  };
}

type Call = (stage: Stage) => unknown;
/** The error of all profiles, or of each. */
type Expected = string | Readonly<Record<LinuxProfileName, string>>;

const addFb =
  (change: object): Call =>
  ({ head, shown }) =>
    head.file.addFb2({
      width: 320,
      height: 200,
      format: DRM_FORMAT_XRGB8888,
      handle: shown.handle,
      pitch: 1280,
      ...change,
    });
const flip =
  (change: object): Call =>
  ({ head, other }) =>
    head.file.pageFlip({ crtcId: head.crtcId, fbId: other.id, event: true, ...change });
const setCrtc =
  (change: object | ((stage: Stage) => object)): Call =>
  (stage) => {
    const { crtcId, connector, mode, file } = stage.head;
    const changed = typeof change === "function" ? change(stage) : change;
    file.setCrtc({ crtcId, fbId: stage.other.id, mode, connectors: [connector.id], ...changed });
  };
const cursor2 =
  (change: object): Call =>
  ({ head, pointerHandle }) =>
    head.file.setCursor2({
      crtcId: head.crtcId,
      handle: pointerHandle,
      width: 64,
      height: 64,
      hotX: 1,
      hotY: 1,
      ...change,
    });
const setPlane =
  (change: object): Call =>
  ({ head, primary, other }) =>
    head.file.setPlane({
      planeId: primary,
      fbId: other.id,
      crtcId: head.crtcId,
      crtcX: 0,
      crtcY: 0,
      crtcW: 320,
      crtcH: 200,
      srcX: 0,
      srcY: 0,
      srcW: 320,
      srcH: 200,
      ...change,
    });
const plane =
  (change: object | ((stage: Stage) => object), request: object = {}): Call =>
  (stage) => {
    const changed = typeof change === "function" ? change(stage) : change;
    stage.head.file.atomicCommit({ planes: [{ id: stage.primary, ...changed }], ...request });
  };
const beyondAll = { clock: 0x80000000 };

const TABLE: readonly (readonly [string, Call, Expected])[] = [
  // ADDFB2 and ADDFB: flags, size, modifiers, format, layout, and only then the driver.
  ["ADDFB2, flags nobody knows", addFb({ flags: 4, width: 1 }), "EINVAL"],
  ["ADDFB2, too narrow", addFb({ width: 31 }), "EINVAL"],
  ["ADDFB2, too high", addFb({ height: 8193 }), "EINVAL"],
  ["ADDFB2, a modifier", addFb({ modifier: 0n }), "EINVAL"],
  ["ADDFB2, no format at all", addFb({ format: 0 }), "EINVAL"],
  [
    "ADDFB2, a format nobody knows, before its rows",
    addFb({ format: 0x12345678, pitch: 0xffffffff }),
    "EINVAL",
  ],
  ["ADDFB2, no buffer, before the end of it", addFb({ handle: 0, pitch: 0xffffffff }), "EINVAL"],
  ["ADDFB2, beyond 4 GiB, before short rows", addFb({ offset: 0xffffffff, pitch: 1 }), "ERANGE"],
  ["ADDFB2, short rows", addFb({ pitch: 1279 }), "EINVAL"],
  [
    "ADDFB2, short rows of a format the driver lacks",
    addFb({ format: fourcc("RG16"), pitch: 639 }),
    "EINVAL",
  ],
  ["ADDFB2, a format the driver lacks", addFb({ format: fourcc("RG16"), pitch: 640 }), "ENOENT"],
  ["ADDFB2, another one, with a bad handle", addFb({ format: fourcc("XR30"), handle: 99 }), "ENOENT"],
  ["ADDFB2, two planes and one buffer", addFb({ format: fourcc("NV12"), pitch: 320 }), "EINVAL"],
  ["ADDFB2, a format without a linear layout", addFb({ format: fourcc("YU08") }), "EINVAL"],
  ["ADDFB2, a bad handle", addFb({ handle: 99 }), "EINVAL"],
  [
    "ADDFB, bits of no format",
    ({ head, shown }) =>
      head.file.addFb({ width: 320, height: 200, bpp: 32, depth: 31, handle: shown.handle, pitch: 1280 }),
    "EINVAL",
  ],
  [
    "ADDFB, a format the driver lacks",
    ({ head, shown }) =>
      head.file.addFb({ width: 320, height: 200, bpp: 16, depth: 16, handle: shown.handle, pitch: 1280 }),
    "ENOENT",
  ],
  ["RMFB, an id of nothing", ({ head }) => head.file.rmFb(999), "ENOENT"],
  ["RMFB, a framebuffer that is gone", ({ head, removed }) => head.file.rmFb(removed.id), "ENOENT"],
  ["RMFB, an id of a CRTC", ({ head }) => head.file.rmFb(head.crtcId), "ENOENT"],
  [
    "CLOSEFB, an id of nothing",
    ({ head }) => head.file.closeFb(999),
    { "linux-6.1": "EINVAL", "linux-6.12": "ENOENT", "linux-6.12.117": "ENOENT", "linux-7.3": "ENOENT" },
  ],
  ["GETFB2, an id of nothing", ({ head }) => head.file.getFb2(999), "ENOENT"],
  // DIRTYFB
  ["DIRTYFB, an id of nothing, before its clips", ({ head }) => head.file.dirtyFb(999, []), "ENOENT"],
  ["DIRTYFB, a list of nothing", ({ head, shown }) => head.file.dirtyFb(shown.id, []), "EINVAL"],
  [
    "DIRTYFB, half a copy",
    ({ head, shown }) =>
      head.file.dirtyFb(shown.id, [{ x1: 0, y1: 0, x2: 1, y2: 1 }], { annotateCopy: true }),
    "EINVAL",
  ],
  // PAGE_FLIP: flags, target, CRTC, what is shown, framebuffer, its size, its format.
  ["PAGE_FLIP, flags nobody knows, before the CRTC", flip({ flags: 0x10, crtcId: 999 }), "EINVAL"],
  ["PAGE_FLIP, a blank without a target", flip({ sequence: 1, crtcId: 999 }), "EINVAL"],
  ["PAGE_FLIP, both targets", flip({ flags: 0xc, crtcId: 999 }), "EINVAL"],
  ["PAGE_FLIP, async", flip({ async: true, crtcId: 999 }), "EINVAL"],
  ["PAGE_FLIP, a CRTC that is none, before its target", flip({ flags: 4, crtcId: 999 }), "ENOENT"],
  ["PAGE_FLIP, a target, before the framebuffer", flip({ flags: 8, fbId: 999 }), "EINVAL"],
  [
    "PAGE_FLIP, a CRTC that is off",
    ({ head }) => head.file.pageFlip({ crtcId: otherCrtc(head), fbId: 999 }),
    "EBUSY",
  ],
  ["PAGE_FLIP, a framebuffer that is none", flip({ fbId: 999 }), "ENOENT"],
  [
    "PAGE_FLIP, too small, before its format",
    ({ head, pointer }) => head.file.pageFlip({ crtcId: head.crtcId, fbId: pointer }),
    "ENOSPC",
  ],
  // SETCRTC
  ["SETCRTC, beyond 16 bits, before the CRTC", setCrtc({ x: 0x10000, crtcId: 999 }), "ERANGE"],
  ["SETCRTC, a CRTC that is none", setCrtc({ crtcId: 999 }), "ENOENT"],
  [
    "SETCRTC, a framebuffer that is none, before the mode",
    setCrtc(({ head }) => ({ fbId: 999, mode: { ...head.mode, clock: 0 } })),
    "ENOENT",
  ],
  [
    "SETCRTC, a clock beyond all numbers",
    setCrtc(({ head }) => ({ mode: { ...head.mode, ...beyondAll } })),
    "ERANGE",
  ],
  [
    "SETCRTC, a mode without a clock",
    setCrtc(({ head }) => ({ mode: { ...head.mode, clock: 0 } })),
    "EINVAL",
  ],
  [
    "SETCRTC, a format the plane lacks, before its size",
    setCrtc(({ pointer }) => ({ fbId: pointer })),
    "EINVAL",
  ],
  ["SETCRTC, beyond the framebuffer, before connectors", setCrtc({ x: 1, connectors: [] }), "ENOSPC"],
  ["SETCRTC, no connectors", setCrtc({ connectors: [] }), "EINVAL"],
  [
    "SETCRTC, more connectors than there are, before what they are",
    setCrtc({ connectors: [999, 999, 999] }),
    "EINVAL",
  ],
  ["SETCRTC, a connector that is none", setCrtc({ connectors: [999] }), "ENOENT"],
  ["SETCRTC, connectors without a mode", setCrtc({ mode: null }), "EINVAL"],
  // CURSOR and CURSOR2
  ["CURSOR2, a CRTC that is none, before the buffer", cursor2({ crtcId: 999, handle: 99 }), "ENOENT"],
  ["CURSOR2, a bad handle", cursor2({ handle: 99 }), "EINVAL"],
  ["CURSOR2, too small", cursor2({ width: 16 }), "EINVAL"],
  [
    "CURSOR, a bad handle",
    ({ head }) => head.file.setCursor({ crtcId: head.crtcId, handle: 99, width: 64, height: 64 }),
    "EINVAL",
  ],
  ["CURSOR, a CRTC that is none", ({ head }) => head.file.moveCursor(999, 0, 0), "ENOENT"],
  // SETPLANE
  ["SETPLANE, a plane that is none, before the framebuffer", setPlane({ planeId: 999, fbId: 999 }), "ENOENT"],
  ["SETPLANE, a framebuffer that is gone", (stage) => setPlane({ fbId: stage.removed.id })(stage), "ENOENT"],
  ["SETPLANE, a CRTC that is none", setPlane({ crtcId: 999 }), "ENOENT"],
  [
    "SETPLANE, another CRTC's plane, before the format",
    (stage) => setPlane({ crtcId: otherCrtc(stage.head), fbId: stage.pointer })(stage),
    "EINVAL",
  ],
  [
    "SETPLANE, a format it lacks, before the place",
    (stage) => setPlane({ fbId: stage.pointer, crtcW: -1 })(stage),
    "EINVAL",
  ],
  ["SETPLANE, beyond all coordinates, before the source", setPlane({ crtcW: -1, srcX: -1 }), "ERANGE"],
  ["SETPLANE, a source before the framebuffer", setPlane({ srcX: -1 }), "ENOSPC"],
  ["SETPLANE, a source beyond it by a part of a pixel", setPlane({ srcX: 1 / 0x10000 }), "ENOSPC"],
  // ATOMIC: flags, objects, the ranges of properties, what they mean together.
  ["ATOMIC, flags nobody knows, before objects", plane({ id: 999 }, { flags: 0x800 }), "EINVAL"],
  ["ATOMIC, async, before objects", plane({ id: 999 }, { async: true }), "EINVAL"],
  [
    "ATOMIC, a test with events, before objects",
    plane({ id: 999 }, { testOnly: true, event: true }),
    "EINVAL",
  ],
  ["ATOMIC, a plane that is none", plane({ id: 999 }), "ENOENT"],
  ["ATOMIC, a framebuffer that is gone", plane(({ removed }) => ({ fbId: removed.id })), "EINVAL"],
  [
    "ATOMIC, the same to turn a plane off",
    plane(({ removed, cursor }) => ({ id: cursor, fbId: removed.id, crtcId: 0 })),
    "EINVAL",
  ],
  ["ATOMIC, a framebuffer of nothing", plane(({ cursor }) => ({ id: cursor, fbId: 99999 })), "EINVAL"],
  ["ATOMIC, a CRTC's id for a framebuffer", plane(({ head }) => ({ fbId: head.crtcId })), "EINVAL"],
  ["ATOMIC, a plane on a CRTC of nothing", plane({ crtcId: 4711 }), "EINVAL"],
  ["ATOMIC, a plane on a connector", plane(({ head }) => ({ crtcId: head.connector.id })), "EINVAL"],
  [
    "ATOMIC, a connector on a CRTC of nothing",
    ({ head }) => head.file.atomicCommit({ connectors: [{ id: head.connector.id, crtcId: 4711 }] }),
    "EINVAL",
  ],
  [
    "ATOMIC, a connector that is none",
    ({ head }) => head.file.atomicCommit({ connectors: [{ id: 999, crtcId: 0 }] }),
    "ENOENT",
  ],
  ["ATOMIC, a CRTC that is none", ({ head }) => head.file.atomicCommit({ crtcs: [{ id: 999 }] }), "ENOENT"],
  ["ATOMIC, a source before the framebuffer", plane({ srcX: -1 }), "EINVAL"],
  ["ATOMIC, a source beyond all numbers", plane({ srcW: 65536 }), "EINVAL"],
  ["ATOMIC, a source beyond the framebuffer", plane({ srcX: 1 }), "ENOSPC"],
  ["ATOMIC, a place beyond all numbers", plane({ crtcX: 0x80000000 }), "EINVAL"],
  ["ATOMIC, a place beyond all coordinates", plane({ crtcX: 0x7fffffff }), "ERANGE"],
  ["ATOMIC, a width below nothing", plane({ crtcW: -1 }), "EINVAL"],
  ["ATOMIC, scaling", plane({ crtcW: 160 }), "ERANGE"],
  [
    "ATOMIC, a mode without a clock",
    ({ head }) => head.file.atomicCommit({ crtcs: [{ id: head.crtcId, mode: { ...head.mode, clock: 0 } }] }),
    "EINVAL",
  ],
  [
    "ATOMIC, a clock beyond all numbers",
    ({ head }) =>
      head.file.atomicCommit({ crtcs: [{ id: head.crtcId, mode: { ...head.mode, ...beyondAll } }] }),
    "EINVAL",
  ],
  ["ATOMIC, a hot spot of a primary plane", plane({ hotX: 1 }), "ENOENT"],
  [
    "ATOMIC, a hot spot beyond all numbers",
    plane(({ cursor }) => ({ id: cursor, hotX: 0x80000000 })),
    { "linux-6.1": "ENOENT", "linux-6.12": "EINVAL", "linux-6.12.117": "EINVAL", "linux-7.3": "EINVAL" },
  ],
  [
    "ATOMIC, damage beyond all of the framebuffer",
    plane({ damageClips: [{ x1: 0, y1: 0, x2: 320 * 65536 + 1, y2: 5 }] }),
    { "linux-6.1": "ENOENT", "linux-6.12": "EINVAL", "linux-6.12.117": "EINVAL", "linux-7.3": "EINVAL" },
  ],
  [
    "ATOMIC, a mode set without leave",
    ({ head }) => head.file.atomicCommit({ crtcs: [{ id: head.crtcId, active: false }] }),
    "EINVAL",
  ],
  ["ATOMIC, an event and no CRTC", ({ head }) => head.file.atomicCommit({ event: true }), "EINVAL"],
  // Buffers
  ["CREATE_DUMB, no width", ({ head }) => head.file.createDumb({ width: 0, height: 8, bpp: 32 }), "EINVAL"],
  [
    "CREATE_DUMB, beyond 4 GiB",
    ({ head }) => head.file.createDumb({ width: 65536, height: 65536, bpp: 32 }),
    "EINVAL",
  ],
  [
    "CREATE_DUMB, bits the driver lacks",
    ({ head }) => head.file.createDumb({ width: 8, height: 8, bpp: 16 }),
    "EINVAL",
  ],
  ["MAP_DUMB, a bad handle", ({ head }) => head.file.mapDumb(99), "ENOENT"],
  ["DESTROY_DUMB, a bad handle", ({ head }) => head.file.destroyDumb(99), "EINVAL"],
  ["GEM_CLOSE, a bad handle", ({ head }) => head.file.gemClose(99), "EINVAL"],
  [
    "PRIME_HANDLE_TO_FD, flags nobody knows, before the handle",
    ({ head }) => head.file.primeHandleToFd(99, 1),
    "EINVAL",
  ],
  ["PRIME_HANDLE_TO_FD, a bad handle", ({ head }) => head.file.primeHandleToFd(99), "ENOENT"],
  ["VIRTGPU_MAP, a bad handle", ({ head }) => head.file.map(99), "ENOENT"],
  ["VIRTGPU_WAIT, a bad handle", ({ head }) => head.file.wait(99), "ENOENT"],
  ["VIRTGPU_RESOURCE_INFO, a bad handle", ({ head }) => head.file.resourceInfo(99), "ENOENT"],
  [
    "VIRTGPU_RESOURCE_CREATE_BLOB, without the feature",
    ({ head }) => head.file.resourceCreateBlob({ blobMem: 1, blobFlags: 1, sizeBytes: 4096 }),
    "EINVAL",
  ],
  ["VIRTGPU_GETPARAM, one that nobody knows", ({ head }) => head.file.getParam(99), "EINVAL"],
  // What there is
  ["GETCRTC, an id of nothing", ({ head }) => head.file.getCrtc(999), "ENOENT"],
  ["GETCONNECTOR, an id of a CRTC", ({ head }) => head.file.getConnector(head.crtcId), "ENOENT"],
  ["GETPLANE, an id of nothing", ({ head }) => head.file.getPlane(999), "ENOENT"],
  ["GET_CAP, one that nobody knows", ({ head }) => head.file.getCap(0x99), "EINVAL"],
  ["SET_CLIENT_CAP, one that nobody knows", ({ head }) => head.file.setClientCap(99, 1), "EINVAL"],
  ["SET_CLIENT_CAP, atomic of 3", ({ head }) => head.file.setClientCap(3, 3), "EINVAL"],
];

function otherCrtc(head: Head): number {
  return head.file.getResources().crtcs.find((id) => id !== head.crtcId) ?? 0;
}

const refusals = suite("kms, refusals");

for (const profile of LINUX_PROFILE_NAMES) {
  refusals(`${profile}: the errno of the kernel, and nothing has changed`, () => {
    const stage = makeStage(profile);
    for (const [name, call, expected] of TABLE) {
      const before = stateOf(stage);
      const code = codeOf(() => call(stage));
      assert.is(code, typeof expected === "string" ? expected : expected[profile], `${profile}: ${name}`);
      assert.equal(stateOf(stage), before, `${profile}: ${name} left something behind`);
    }
  });
}

refusals("who is not master is told so before anything else", () => {
  const stage = makeStage("linux-6.12");
  const file = stage.rig.card.open();
  file.setClientCapAtomic();
  const calls: readonly (() => unknown)[] = [
    () => file.setCrtc({ crtcId: 999, x: 0x10000 }),
    () => file.pageFlip({ crtcId: 999, fbId: 999, flags: 0x10 }),
    () => file.dirtyFb(999, []),
    () =>
      file.setPlane({
        planeId: 999,
        fbId: 0,
        crtcId: 0,
        crtcX: 0,
        crtcY: 0,
        crtcW: 0,
        crtcH: 0,
        srcX: 0,
        srcY: 0,
        srcW: 0,
        srcH: 0,
      }),
    () => file.moveCursor(999, 0, 0),
    () => file.atomicCommit({ flags: 0x800 }),
  ];
  for (const call of calls) assert.is(codeOf(call), "EACCES", `${call}`);
  assert.is(file.getFb2(stage.shown.id).handle, 0, "nor does it get a handle to what others show");
});

refusals("a card without scanouts has no display calls at all", () => {
  const rig = new KmsRig({ profile: "linux-6.12", unbound: true });
  const { transport } = rig.driven;
  const read = transport.readConfig.bind(transport);
  // num_scanouts
  transport.readConfig = (offset, width) => (offset === 8 ? 0 : read(offset, width));
  const file = rig.bind().open();
  for (const call of [
    () => file.getResources(),
    () => file.getPlaneResources(),
    () => file.addFb2({ width: 32, height: 32, format: 0, handle: 0, pitch: 0 }),
    () => file.rmFb(1),
    () => file.closeFb(1),
    () => file.setCrtc({ crtcId: 1 }),
    () => file.setClientCap(3, 1),
    () => file.getCap(1),
  ]) {
    assert.is(codeOf(call), "EOPNOTSUPP", `${call}`);
  }
  assert.is(
    codeOf(() => file.getFb2(1)),
    "EINVAL",
  );
  assert.is(file.getCap(5), 3, "buffers it has");
});
refusals.run();
