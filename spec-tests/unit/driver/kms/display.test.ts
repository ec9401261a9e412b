// What programs ask the kernel model to show, and what the device shows.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  CURRENT_FB,
  cvtMode,
  DRM_FORMAT_ARGB8888,
  DRM_FORMAT_XRGB8888,
  type DrmMode,
} from "../../../../src/driver/kms/index.ts";
import { fourcc } from "../../../../src/driver/kms/objects/formats.ts";
import { codeOf, fill, KmsRig } from "../../../support/kms-rig.ts";

const RED = 0xff0000;
const GREEN = 0x00ff00;
const BLUE = 0x0000ff;

const pixels = suite("kms, pixels");

pixels("a dumb buffer is drawn into and shown", () => {
  const rig = new KmsRig();
  const head = rig.open();
  assert.is(head.connector.name, "Virtual-1");
  assert.is(head.mode.name, "320x200");
  assert.is(head.mode.preferred, true);
  const fb = head.framebuffer();
  fill(fb, RED);
  head.show(fb);
  assert.is(rig.pixel(0, 0), RED);
  fill(fb, GREEN, 10, 20, 30, 40);
  assert.is(rig.pixel(10, 20), RED, "nothing is shown before it is said to be dirty");
  head.file.dirtyFb(fb.id, [{ x1: 10, y1: 20, x2: 40, y2: 60 }]);
  assert.is(rig.pixel(10, 20), GREEN);
  assert.is(rig.pixel(39, 59), GREEN);
  assert.is(rig.pixel(40, 60), RED);
  head.off();
  assert.is(rig.display.readRgba(0), null);
});

pixels("only what was dirty is sent, as one box", () => {
  const rig = new KmsRig();
  const head = rig.open();
  const fb = head.framebuffer();
  head.show(fb);
  head.file.dirtyFb(fb.id);
  rig.take();
  head.file.dirtyFb(fb.id, [
    { x1: 10, y1: 10, x2: 20, y2: 20 },
    { x1: 100, y1: 150, x2: 1000, y2: 160 },
  ]);
  assert.equal(rig.take(), ["TRANSFER_TO_HOST_2D 2 310x150+10+10+RESOURCE_FLUSH 2 310x150+10+10"]);
  head.file.dirtyFb(fb.id, [{ x1: 400, y1: 0, x2: 500, y2: 10 }]);
  assert.equal(rig.take(), [], "beyond the screen there is nothing to send");
  const pairs = [
    { x1: 0, y1: 0, x2: 8, y2: 8 },
    { x1: 100, y1: 100, x2: 108, y2: 108 },
  ];
  head.file.dirtyFb(fb.id, pairs, { annotateCopy: true });
  assert.equal(
    rig.take(),
    ["TRANSFER_TO_HOST_2D 2 8x8+0+0+RESOURCE_FLUSH 2 8x8+0+0"],
    "every second clip counts",
  );
  head.file.dirtyFb(fb.id);
  assert.equal(rig.take(), ["TRANSFER_TO_HOST_2D 2 320x200+0+0+RESOURCE_FLUSH 2 320x200+0+0"]);
  assert.is(
    codeOf(() => head.file.dirtyFb(fb.id, [])),
    "EINVAL",
  );
  assert.is(
    codeOf(() => head.file.dirtyFb(fb.id, pairs.slice(1), { annotateCopy: true })),
    "EINVAL",
  );
  assert.is(
    codeOf(() => head.file.dirtyFb(fb.id, [{ x1: 9, y1: 0, x2: 9, y2: 8 }])),
    "EINVAL",
  );
  assert.is(
    codeOf(() => head.file.dirtyFb(fb.id, new Array(257).fill(pairs[0]))),
    "EINVAL",
  );
  assert.is(
    codeOf(() => head.file.dirtyFb(999)),
    "ENOENT",
  );
  assert.equal(rig.take(), []);
});

pixels("a framebuffer that is not shown can be dirty as it likes", () => {
  const rig = new KmsRig();
  const head = rig.open();
  const fb = head.framebuffer();
  rig.take();
  head.file.dirtyFb(fb.id);
  assert.equal(rig.take(), []);
});

pixels("page flips, with and without an event", () => {
  const rig = new KmsRig();
  const head = rig.open();
  const { file, crtcId } = head;
  const a = head.framebuffer();
  const b = head.framebuffer();
  fill(a, RED);
  fill(b, BLUE);
  head.show(a);
  rig.take();
  file.pageFlip({ crtcId, fbId: b.id, event: true, userData: 77 });
  assert.is(rig.pixel(5, 5), BLUE);
  assert.equal(rig.take(), [
    "TRANSFER_TO_HOST_2D 3 320x200+0+0+SET_SCANOUT 3 320x200+0+0+RESOURCE_FLUSH 3 320x200+0+0",
  ]);
  assert.equal(file.readEvents(), [{ type: "flip-complete", crtcId, userData: 77, sequence: 0, timeMs: 0 }]);
  file.pageFlip({ crtcId, fbId: a.id });
  assert.is(rig.pixel(5, 5), RED);
  assert.equal(file.readEvents(), []);
});

pixels("a flip needs something to flip, of the same kind", () => {
  const rig = new KmsRig();
  const head = rig.open();
  const { file, crtcId } = head;
  const fb = head.framebuffer();
  assert.is(
    codeOf(() => file.pageFlip({ crtcId, fbId: fb.id })),
    "EBUSY",
    "nothing is shown",
  );
  head.show(fb);
  assert.is(
    codeOf(() => file.pageFlip({ crtcId, fbId: 999 })),
    "ENOENT",
  );
  assert.is(
    codeOf(() => file.pageFlip({ crtcId: 999, fbId: fb.id })),
    "ENOENT",
  );
  const small = head.framebuffer(64, 64);
  assert.is(
    codeOf(() => file.pageFlip({ crtcId, fbId: small.id })),
    "ENOSPC",
  );
  const { handle, pitch } = fb;
  const other = file.addFb2({ width: 320, height: 200, format: DRM_FORMAT_ARGB8888, handle, pitch });
  assert.is(
    codeOf(() => file.pageFlip({ crtcId, fbId: other })),
    "EINVAL",
  );
  for (let i = 0; i < 128; i++) file.pageFlip({ crtcId, fbId: fb.id, event: true });
  assert.is(
    codeOf(() => file.pageFlip({ crtcId, fbId: fb.id, event: true })),
    "ENOMEM",
    "nobody reads events",
  );
  assert.is(file.readEvents().length, 128);
  file.pageFlip({ crtcId, fbId: fb.id, event: true });
});

pixels("panning shows a part of a larger framebuffer", () => {
  const rig = new KmsRig();
  const head = rig.open();
  const fb = head.framebuffer(640, 400);
  fill(fb, RED);
  fill(fb, BLUE, 320, 200, 320, 200);
  head.show(fb, 320, 200);
  assert.is(rig.pixel(0, 0), BLUE);
  rig.take();
  head.show(fb, 0, 0);
  assert.equal(rig.take(), [
    "TRANSFER_TO_HOST_2D 2 320x200+0+0+SET_SCANOUT 2 320x200+0+0+RESOURCE_FLUSH 2 320x200+0+0",
  ]);
  assert.is(rig.pixel(0, 0), RED);
  assert.is(
    codeOf(() => head.show(fb, 321, 0)),
    "ENOSPC",
  );
  assert.is(
    codeOf(() => head.show(fb, 65536, 0)),
    "ERANGE",
  );
});
pixels.run();

const modes = suite("kms, modes");

modes("SETCRTC tells the device what changes, and no more", () => {
  const rig = new KmsRig();
  const head = rig.open();
  const { file, crtcId, connector } = head;
  const fb = head.framebuffer();
  rig.take();
  head.show(fb);
  const shown = "TRANSFER_TO_HOST_2D 2 320x200+0+0+SET_SCANOUT 2 320x200+0+0+RESOURCE_FLUSH 2 320x200+0+0";
  assert.equal(rig.take(), ["SET_SCANOUT 0 320x200+0+0", shown], "from off");
  file.dirtyFb(fb.id, [{ x1: 0, y1: 0, x2: 1, y2: 1 }]);
  assert.equal(
    rig.take(),
    ["TRANSFER_TO_HOST_2D 2 1x1+0+0+SET_SCANOUT 2 320x200+0+0+RESOURCE_FLUSH 2 1x1+0+0"],
    "the first update after a mode set repeats the scanout",
  );
  head.show(fb);
  assert.equal(
    rig.take(),
    ["TRANSFER_TO_HOST_2D 2 320x200+0+0+RESOURCE_FLUSH 2 320x200+0+0"],
    "nothing changes but the pixels",
  );
  const small = cvtMode(160, 120);
  file.setCrtc({ crtcId, fbId: CURRENT_FB, mode: small, connectors: [connector.id] });
  assert.equal(rig.take(), [
    "SET_SCANOUT 0 0x0+0+0",
    "SET_SCANOUT 0 160x120+0+0",
    "TRANSFER_TO_HOST_2D 2 160x120+0+0+SET_SCANOUT 2 160x120+0+0+RESOURCE_FLUSH 2 160x120+0+0",
  ]);
  assert.is(file.getCrtc(crtcId).mode?.name, "160x120");
  head.off();
  assert.equal(rig.take(), ["SET_SCANOUT 0 0x0+0+0", "SET_SCANOUT 0 160x120+0+0"]);
  head.off();
  assert.equal(rig.take(), [], "off already");
  assert.is(file.getCrtc(crtcId).active, false);
});

modes("what makes no sense is refused, and nothing is sent", () => {
  const rig = new KmsRig();
  const head = rig.open();
  const { file, crtcId, connector, mode } = head;
  const fb = head.framebuffer();
  const { handle, pitch } = fb;
  const connectors = [connector.id];
  const argb = file.addFb2({ width: 320, height: 200, format: DRM_FORMAT_ARGB8888, handle, pitch });
  rig.take();
  const broken: DrmMode = { ...mode, htotal: 1 };
  const wide = cvtMode(640, 480);
  assert.is(
    codeOf(() => file.setCrtc({ crtcId: 999 })),
    "ENOENT",
  );
  assert.is(
    codeOf(() => file.setCrtc({ crtcId, connectors })),
    "EINVAL",
  );
  assert.is(
    codeOf(() => file.setCrtc({ crtcId, fbId: 999, mode, connectors })),
    "ENOENT",
  );
  assert.is(
    codeOf(() => file.setCrtc({ crtcId, fbId: CURRENT_FB, mode, connectors })),
    "EINVAL",
  );
  assert.is(
    codeOf(() => file.setCrtc({ crtcId, fbId: fb.id, mode })),
    "EINVAL",
  );
  assert.is(
    codeOf(() => file.setCrtc({ crtcId, fbId: fb.id, mode, connectors: [999] })),
    "ENOENT",
  );
  assert.is(
    codeOf(() => file.setCrtc({ crtcId, fbId: fb.id, mode: broken, connectors })),
    "EINVAL",
  );
  assert.is(
    codeOf(() => file.setCrtc({ crtcId, fbId: fb.id, mode: wide, connectors })),
    "ENOSPC",
  );
  assert.is(
    codeOf(() => file.setCrtc({ crtcId, fbId: argb, mode, connectors })),
    "EINVAL",
  );
  assert.equal(rig.take(), []);
});

modes("framebuffers are checked as far as Linux checks them", () => {
  const rig = new KmsRig();
  const head = rig.open();
  const { file } = head;
  const { handle, pitch } = head.framebuffer();
  const good = { width: 320, height: 200, format: DRM_FORMAT_XRGB8888, handle, pitch };
  assert.is(
    codeOf(() => file.addFb2({ ...good, width: 31 })),
    "EINVAL",
  );
  assert.is(
    codeOf(() => file.addFb2({ ...good, height: 8193 })),
    "EINVAL",
  );
  assert.is(
    codeOf(() => file.addFb2({ ...good, pitch: 1276 })),
    "EINVAL",
  );
  assert.is(
    codeOf(() => file.addFb2({ ...good, handle: 0 })),
    "EINVAL",
  );
  assert.is(
    codeOf(() => file.addFb2({ ...good, handle: 99 })),
    "EINVAL",
  );
  assert.is(
    codeOf(() => file.addFb2({ ...good, format: fourcc("RG16") })),
    "ENOENT",
    "a format that the driver lacks",
  );
  assert.is(
    codeOf(() => file.addFb2({ ...good, format: fourcc("RC8") })),
    "EINVAL",
    "a format that nobody knows",
  );
  assert.is(
    codeOf(() => file.addFb2({ ...good, modifier: 0n })),
    "EINVAL",
  );
  assert.is(
    codeOf(() => file.addFb2({ ...good, pitch: 0x2000_0000 })),
    "ERANGE",
  );
  // Larger than its buffer: that is the device's problem.
  const large = file.addFb2({ ...good, height: 4000 });
  assert.ok(large > 0);
  assert.is(
    codeOf(() => file.rmFb(999)),
    "ENOENT",
  );
  assert.is(
    codeOf(() => rig.card.open().rmFb(large)),
    "ENOENT",
    "of another file",
  );
});
modes.run();

const heads = suite("kms, several heads");

const two = () =>
  new KmsRig({
    device: {
      displays: [
        { widthPixels: 320, heightPixels: 200 },
        { widthPixels: 320, heightPixels: 200, x: 320 },
      ],
    },
  });

heads("every scanout is asked for its EDID, all with one notification", () => {
  const rig = two();
  assert.equal(rig.take(), ["GET_EDID+GET_EDID @1+GET_DISPLAY_INFO"]);
  const { connectors, crtcs, encoders } = rig.card.open().getResources();
  assert.is(connectors.length, 2);
  assert.is(crtcs.length, 2);
  assert.is(encoders.length, 2);
});

heads("an extended desktop: one framebuffer, a part on each", () => {
  const rig = two();
  const left = rig.open(0);
  const { file } = left;
  const right = {
    crtcId: file.getResources().crtcs[1] as number,
    id: file.getResources().connectors[1] as number,
  };
  const fb = left.framebuffer(640, 200);
  fill(fb, RED, 0, 0, 320, 200);
  fill(fb, BLUE, 320, 0, 320, 200);
  left.show(fb);
  file.setCrtc({ crtcId: right.crtcId, fbId: fb.id, x: 320, mode: left.mode, connectors: [right.id] });
  assert.is(rig.pixel(0, 0, 0), RED);
  assert.is(rig.pixel(0, 0, 1), BLUE);
  file.dirtyFb(fb.id);
  rig.take();
  file.dirtyFb(fb.id, [{ x1: 310, y1: 0, x2: 330, y2: 10 }]);
  assert.equal(
    rig.take(),
    [
      "TRANSFER_TO_HOST_2D 2 10x10+310+0+RESOURCE_FLUSH 2 10x10+310+0",
      "TRANSFER_TO_HOST_2D 2 10x10+320+0+RESOURCE_FLUSH 2 10x10+320+0",
    ],
    "each head sends its part",
  );
  file.dirtyFb(fb.id, [{ x1: 0, y1: 0, x2: 10, y2: 10 }]);
  assert.equal(rig.take(), ["TRANSFER_TO_HOST_2D 2 10x10+0+0+RESOURCE_FLUSH 2 10x10+0+0"]);
});

heads("a mirrored desktop: the same framebuffer twice, and both go dark with it", () => {
  const rig = two();
  const left = rig.open(0);
  const { file } = left;
  const { crtcs, connectors } = file.getResources();
  const fb = left.framebuffer();
  fill(fb, GREEN);
  left.show(fb);
  file.setCrtc({
    crtcId: crtcs[1] as number,
    fbId: fb.id,
    mode: left.mode,
    connectors: [connectors[1] as number],
  });
  assert.is(rig.pixel(3, 3, 1), GREEN);
  rig.take();
  file.dirtyFb(fb.id);
  assert.is(rig.take().length, 2, "sent once for each head");
  file.rmFb(fb.id);
  assert.equal(rig.take(), ["SET_SCANOUT 0 320x200+0+0", "SET_SCANOUT 0 320x200+0+0 @1"]);
  assert.is(rig.display.readRgba(1), null);
  assert.is(file.getCrtc(crtcs[1] as number).active, true, "the CRTCs stay on, with nothing to show");
});

heads("a connector belongs to its own CRTC", () => {
  const rig = two();
  const head = rig.open(0);
  const { file, crtcId, mode } = head;
  const { connectors } = file.getResources();
  const fb = head.framebuffer();
  const other = [connectors[1] as number];
  assert.is(
    codeOf(() => file.setCrtc({ crtcId, fbId: fb.id, mode, connectors: other })),
    "EINVAL",
  );
});

heads("flips of one head leave the other alone", () => {
  const rig = two();
  const left = rig.open(0);
  const { file } = left;
  const { crtcs, connectors } = file.getResources();
  const a = left.framebuffer();
  const b = left.framebuffer();
  left.show(a);
  file.setCrtc({
    crtcId: crtcs[1] as number,
    fbId: a.id,
    mode: left.mode,
    connectors: [connectors[1] as number],
  });
  rig.take();
  file.pageFlip({ crtcId: crtcs[1] as number, fbId: b.id });
  assert.equal(rig.take(), [
    "TRANSFER_TO_HOST_2D 3 320x200+0+0+SET_SCANOUT 3 320x200+0+0 @1+RESOURCE_FLUSH 3 320x200+0+0",
  ]);
  assert.is(file.getCrtc(crtcs[0] as number).fbId, a.id);
});
heads.run();

const hotplug = suite("kms, hotplug");

hotplug("a resized display is announced, with its new modes", () => {
  const rig = new KmsRig();
  const head = rig.open();
  let events = 0;
  rig.card.onHotplug = () => events++;
  rig.take();
  rig.gpu.setDisplay(0, { widthPixels: 640, heightPixels: 480 });
  assert.equal(rig.take(), ["GET_EDID+GET_DISPLAY_INFO"]);
  assert.is(events, 1);
  assert.is(head.file.getConnector(head.connector.id).modes[0]?.name, "640x480");
  assert.is(rig.gpu.readConfigByte(0), 0, "events_clear was written");
});

hotplug("a monitor that is unplugged has no modes, and may be driven on", () => {
  const rig = new KmsRig();
  const head = rig.open();
  const fb = head.framebuffer();
  head.show(fb);
  rig.gpu.setDisplay(0, { enabled: false });
  const { connected, modes: list } = head.file.getConnector(head.connector.id);
  assert.is(connected, false);
  assert.equal(list, []);
  head.file.dirtyFb(fb.id);
  rig.gpu.setDisplay(0, { enabled: true });
  assert.is(head.file.getConnector(head.connector.id).connected, true);
});

hotplug("without EDIDs the size of the display is the preferred mode", () => {
  const rig = new KmsRig({
    device: { displays: [{ widthPixels: 1366, heightPixels: 768 }], features: { edid: false } },
  });
  assert.equal(rig.take(), ["GET_DISPLAY_INFO"]);
  const { connector } = rig.open();
  assert.is(connector.modes[0]?.name, "1360x768", "CVT rounds to cells of 8 pixels");
  assert.is(connector.modes[0]?.preferred, true);
  assert.ok(connector.modes.some(({ name }) => name === "1024x768"));
  assert.is(connector.edid, null);
});
hotplug.run();
