// Where the kernels differ.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { LINUX_PROFILE_NAMES, linuxProfile } from "../../../../src/driver/kms/index.ts";
import {
  VIRTIO_F_IN_ORDER,
  VIRTIO_F_NOTIFICATION_DATA,
  VIRTIO_F_SUSPEND,
} from "../../../../src/wire/index.ts";
import { codeOf, KmsRig } from "../../../support/kms-rig.ts";

const profiles = suite("kms, profiles");

profiles("by their names, which stand for point releases", () => {
  assert.equal(LINUX_PROFILE_NAMES, ["linux-6.1", "linux-6.12", "linux-6.12.117", "linux-7.3"]);
  for (const name of LINUX_PROFILE_NAMES) assert.is(linuxProfile(name).name, name);
  const releases = LINUX_PROFILE_NAMES.map((name) => linuxProfile(name).release);
  assert.equal(releases, ["6.1.192", "6.12.107", "6.12.117", "7.3.4"]);
  assert.equal(
    { ...linuxProfile("linux-6.12.117"), name: "linux-6.12", release: "6.12.107", hasImplicitSync: false },
    linuxProfile("linux-6.12"),
    "nothing else changed in that series",
  );
  assert.throws(() => linuxProfile("linux-2.4"), /no profile "linux-2.4"; there are linux-6.1/);
});

profiles("later kernels forget damage once a framebuffer was shown", () => {
  const expected = {
    "linux-6.1": "TRANSFER_TO_HOST_2D 2 10x20+1+2+RESOURCE_FLUSH 2 10x20+1+2",
    "linux-6.12": "TRANSFER_TO_HOST_2D 2 320x200+0+0+RESOURCE_FLUSH 2 320x200+0+0",
    "linux-6.12.117": "TRANSFER_TO_HOST_2D 2 320x200+0+0+RESOURCE_FLUSH 2 320x200+0+0",
    "linux-7.3": "TRANSFER_TO_HOST_2D 2 320x200+0+0+RESOURCE_FLUSH 2 320x200+0+0",
  };
  for (const profile of LINUX_PROFILE_NAMES) {
    const rig = new KmsRig({ profile });
    const head = rig.open();
    const fb = head.framebuffer();
    head.show(fb);
    head.file.dirtyFb(fb.id);
    rig.take();
    head.file.dirtyFb(fb.id, [{ x1: 1, y1: 2, x2: 11, y2: 22 }]);
    assert.equal(rig.take(), [expected[profile]], profile);
    head.file.dirtyFb(fb.id, [{ x1: 400, y1: 2, x2: 411, y2: 22 }]);
    assert.is(rig.take().length, profile === "linux-6.1" ? 0 : 1, "clips beyond the screen");
  }
});

profiles("a display event is cleared at once by 6.1, after the answer by later kernels", () => {
  for (const profile of LINUX_PROFILE_NAMES) {
    const rig = new KmsRig({ profile });
    let hotplugs = 0;
    rig.card.onHotplug = () => hotplugs++;
    rig.answers = () => 100;
    rig.gpu.setDisplay(0, { widthPixels: 640, heightPixels: 480 });
    assert.is(rig.gpu.readConfigByte(0), profile === "linux-6.1" ? 0 : 1, profile);
    assert.is(hotplugs, 0);
    rig.clock.advance(100);
    assert.is(rig.gpu.readConfigByte(0), 0);
    assert.is(hotplugs, 1);
    rig.answers = () => "never";
    rig.gpu.setDisplay(0, { widthPixels: 800, heightPixels: 600 });
    rig.clock.advance(5000);
    assert.is(rig.gpu.readConfigByte(0), 0);
    assert.is(
      hotplugs,
      profile === "linux-6.1" ? 1 : 2,
      "without an answer the later ones announce it after 5 s",
    );
  }
});

profiles("parameters that each kernel knows", () => {
  const last = { "linux-6.1": 7, "linux-6.12": 8, "linux-6.12.117": 8, "linux-7.3": 9 };
  for (const profile of LINUX_PROFILE_NAMES) {
    const { file } = new KmsRig({ profile }).open();
    for (let param = 1; param <= last[profile]; param++) file.getParam(param);
    assert.is(
      codeOf(() => file.getParam(last[profile] + 1)),
      "EINVAL",
      profile,
    );
  }
});

profiles("blob_alignment is 7.3's", () => {
  for (const profile of LINUX_PROFILE_NAMES) {
    const rig = new KmsRig({ profile, device: { features: {}, blobAlignmentBytes: 65536 } });
    const { file } = rig.open();
    const blob = { blobMem: 1, blobFlags: 3 };
    const odd = codeOf(() => file.resourceCreateBlob({ ...blob, sizeBytes: 4096 }));
    assert.is(odd, profile === "linux-7.3" ? "EINVAL" : "success", profile);
    file.resourceCreateBlob({ ...blob, sizeBytes: 65536 });
    if (profile === "linux-7.3") assert.is(file.getParam(9), 65536);
  }
});

profiles("only what the kernel's virtio core knows is negotiated", () => {
  const offered = [VIRTIO_F_IN_ORDER, VIRTIO_F_NOTIFICATION_DATA, VIRTIO_F_SUSPEND];
  const accepted = (profile: (typeof LINUX_PROFILE_NAMES)[number]) => {
    const rig = new KmsRig({ profile, driven: { transport: "pci", device: { ringFeatures: offered } } });
    return offered.filter((bit) => rig.driven.driver.hasFeature(bit));
  };
  assert.equal(accepted("linux-6.1"), []);
  assert.equal(accepted("linux-6.12"), [VIRTIO_F_NOTIFICATION_DATA]);
  assert.equal(accepted("linux-7.3"), [VIRTIO_F_IN_ORDER, VIRTIO_F_NOTIFICATION_DATA]);
});

profiles("over PCI: interrupts by message, a vector for changes and one for both queues", () => {
  for (const [queueVectors, expected] of [
    ["shared", [0, 1, 1]],
    ["each", [0, 1, 2]],
  ] as const) {
    const rig = new KmsRig({ driven: { transport: "pci", msix: true, pciDriver: { queueVectors } } });
    const { transport } = rig.driven;
    assert.equal(
      [-1, 0, 1].map((queue) => transport.vectorOf(queue)),
      expected,
    );
    let hotplugs = 0;
    rig.card.onHotplug = () => hotplugs++;
    const head = rig.open();
    head.show(head.framebuffer());
    const { handle } = head.file.createDumb({ width: 64, height: 64, bpp: 32 });
    head.file.setCursor2({
      crtcId: head.crtcId,
      handle,
      width: 64,
      height: 64,
      hotX: 0,
      hotY: 0,
      x: 9,
      y: 9,
    });
    assert.is(rig.gpu.cursor(0)?.x, 9);
    rig.gpu.setDisplay(0, { widthPixels: 640, heightPixels: 480 });
    assert.is(hotplugs, 1);
  }
});

profiles("blobs of dumb buffers are transferred by all of them, and flushed with a fence", () => {
  for (const profile of LINUX_PROFILE_NAMES) {
    const rig = new KmsRig({ profile, device: { features: {} } });
    const head = rig.open();
    const fb = head.framebuffer();
    head.show(fb);
    head.file.dirtyFb(fb.id);
    rig.take();
    head.file.dirtyFb(fb.id);
    assert.equal(
      rig.take(),
      ["TRANSFER_TO_HOST_2D 2 320x200+0+0+RESOURCE_FLUSH 2 320x200+0+0 fenced"],
      profile,
    );
  }
});
profiles.run();
