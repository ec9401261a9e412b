// Buffer objects: what holds them, when the device hears of them, and how they are shared.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { DriverError } from "../../../../src/driver/index.ts";
import {
  DRM_FORMAT_XRGB8888,
  ExportedBuffer,
  GuestDmaBuf,
  PrimeFd,
  VIRTGPU_PARAM_CROSS_DEVICE,
  VIRTGPU_PARAM_RESOURCE_BLOB,
} from "../../../../src/driver/kms/index.ts";
import { VIRTIO_F_INDIRECT_DESC } from "../../../../src/wire/index.ts";
import { codeOf, fill, KmsRig, type KmsRigOptions } from "../../../support/kms-rig.ts";

const MAPPABLE = 1;
const SHAREABLE = 2;
const CROSS_DEVICE = 4;
const GUEST = 1;

const withBlobs = (options: KmsRigOptions = {}) => new KmsRig({ ...options, device: { features: {} } });

const lifetimes = suite("kms, lifetimes of buffers");

lifetimes("resource ids begin with 2 and are not used again", () => {
  const rig = new KmsRig();
  const { file } = rig.open();
  rig.take();
  const first = file.createDumb({ width: 64, height: 64, bpp: 32 });
  assert.equal(first, { handle: 1, pitch: 256, sizeBytes: 16384 });
  file.destroyDumb(first.handle);
  const second = file.createDumb({ width: 10, height: 10, bpp: 32 });
  assert.equal(second, { handle: 1, pitch: 40, sizeBytes: 4096 }, "handles are, and sizes are whole pages");
  assert.equal(rig.take(), [
    "RESOURCE_CREATE_2D 2+RESOURCE_ATTACH_BACKING 2",
    "RESOURCE_UNREF 2",
    "RESOURCE_CREATE_2D 3+RESOURCE_ATTACH_BACKING 3",
  ]);
  assert.equal(file.resourceInfo(second.handle), { resourceId: 3, sizeBytes: 4096, blobMem: 0 });
});

lifetimes("sizes are checked", () => {
  const rig = new KmsRig();
  const { file } = rig.open();
  rig.take();
  assert.is(
    codeOf(() => file.createDumb({ width: 0, height: 4, bpp: 32 })),
    "EINVAL",
  );
  assert.is(
    codeOf(() => file.createDumb({ width: 4, height: 4, bpp: 16 })),
    "EINVAL",
  );
  assert.is(
    codeOf(() => file.createDumb({ width: 65536, height: 65536, bpp: 32 })),
    "EINVAL",
  );
  assert.is(
    codeOf(() => file.createDumb({ width: 8192, height: 8192, bpp: 32 })),
    "ENOMEM",
  );
  assert.is(
    codeOf(() => file.destroyDumb(1)),
    "EINVAL",
  );
  assert.is(
    codeOf(() => file.mapDumb(1)),
    "ENOENT",
  );
  assert.is(
    codeOf(() => file.primeHandleToFd(1)),
    "ENOENT",
  );
  assert.equal(rig.take(), []);
});

lifetimes("a framebuffer holds its buffer, a CRTC its framebuffer", () => {
  const rig = new KmsRig();
  const head = rig.open();
  const { file, crtcId } = head;
  const a = head.framebuffer();
  const b = head.framebuffer();
  head.show(a);
  rig.take();
  file.destroyDumb(a.handle);
  assert.equal(rig.take(), [], "the framebuffer still needs it");
  file.pageFlip({ crtcId, fbId: b.id });
  rig.take();
  file.rmFb(a.id);
  assert.equal(rig.take(), ["RESOURCE_UNREF 2"]);
  assert.is(rig.card.bufferCount, 1);
});

lifetimes("closing the file takes everything down", () => {
  const rig = new KmsRig();
  const free = rig.driven.allocator.freePageCount;
  const head = rig.open();
  const a = head.framebuffer();
  head.file.createDumb({ width: 64, height: 64, bpp: 32 });
  head.show(a);
  rig.take();
  head.file.close();
  assert.equal(rig.take(), ["SET_SCANOUT 0 320x200+0+0", "RESOURCE_UNREF 2", "RESOURCE_UNREF 3"]);
  assert.is(rig.card.bufferCount, 0);
  assert.ok(rig.driven.allocator.freePageCount >= free - 1, "indirect tables are kept");
  assert.is(
    codeOf(() => head.file.close()),
    "EBADF",
  );
  assert.is(
    codeOf(() => head.file.createDumb({ width: 64, height: 64, bpp: 32 })),
    "EBADF",
  );
});

lifetimes("removing the card resets the device and gives all memory back", () => {
  const rig = withBlobs();
  const head = rig.open();
  const a = head.framebuffer();
  head.show(a);
  rig.take();
  rig.card.remove();
  assert.equal(rig.take(), [], "nothing more is sent");
  assert.is(rig.driven.allocator.liveAllocations, 0);
  assert.is(
    codeOf(() => head.file.dirtyFb(a.id)),
    "ENODEV",
  );
  assert.is(
    codeOf(() => rig.card.open()),
    "ENODEV",
  );
});

lifetimes("a file of a card that was removed can be closed, whatever it had", () => {
  const rig = withBlobs({ profile: "linux-7.3" });
  const head = rig.open();
  const { file } = head;
  head.show(head.framebuffer());
  const foreign = new GuestDmaBuf(rig.driven.allocator, 320 * 200 * 4, "test");
  const fd = new PrimeFd(9, foreign);
  const handle = file.primeFdToHandle(fd);
  const fbId = file.addFb2({ width: 320, height: 200, format: DRM_FORMAT_XRGB8888, handle, pitch: 1280 });
  file.pageFlip({ crtcId: head.crtcId, fbId, event: true });
  assert.is(foreign.pinned, true);
  rig.card.remove();
  rig.take();
  assert.is(foreign.pinned, false);
  fd.close();
  assert.is(rig.driven.allocator.liveAllocations, 0, "the other driver's buffer, too: nobody holds it");
  assert.equal(file.readEvents(), []);
  file.close();
  assert.is(file.isOpen, false);
  assert.equal(rig.take(), []);
  rig.card.remove();
});

lifetimes("a call that hangs when the card is removed leaves nothing behind", async () => {
  for (const entryLists of ["contiguous", "scattered"] as const) {
    const rig = new KmsRig({ entryLists, device: { controlQueueSize: 2, features: {} } });
    const { file } = rig.open();
    rig.answers = () => "never";
    const calls = Array.from({ length: 4 }, () =>
      file.async.createDumb({ width: 640, height: 480, bpp: 32 }),
    );
    const codes = Promise.all(calls.map((call) => call.then(String, (error: DriverError) => error.code)));
    rig.card.remove();
    assert.is((await codes).filter((code) => code === "ENODEV").length, 2);
    assert.is(rig.driven.allocator.liveAllocations, 0);
  }
});

lifetimes("what other drivers have imported outlives the card", () => {
  const rig = new KmsRig();
  const head = rig.open();
  const fb = head.framebuffer();
  fill(fb, 0x123456);
  rig.answers = (command) => (command === "RESOURCE_ASSIGN_UUID" ? "never" : null);
  const fd = head.file.primeHandleToFd(fb.handle);
  const { dmaBuf } = fd;
  const attachment = dmaBuf.attach({ moveNotify: () => {} });
  dmaBuf.retain();
  rig.card.remove();
  fd.close();
  head.file.close();
  assert.ok(rig.driven.allocator.liveAllocations > 0);
  const entries = attachment.map();
  const first = rig.driven.memory.read(entries.los[0] as number, 4);
  assert.equal([...first], [0x56, 0x34, 0x12, 0], "the pixels are still there");
  assert.is(
    codeOf(() => (dmaBuf as ExportedBuffer).uuid()),
    "ENODEV",
    "nobody will say it any more",
  );
  attachment.detach();
  dmaBuf.release();
  assert.is(rig.driven.allocator.liveAllocations, 0);
});

lifetimes("one file is master, and modes are its to set", () => {
  const rig = new KmsRig();
  const first = rig.open();
  const second = rig.open();
  assert.is(first.file.isMaster, true);
  assert.is(second.file.isMaster, false);
  const fb = second.framebuffer();
  assert.is(
    codeOf(() => second.show(fb)),
    "EACCES",
  );
  assert.is(
    codeOf(() => second.file.dirtyFb(fb.id)),
    "EACCES",
  );
  assert.is(
    codeOf(() => second.file.moveCursor(second.crtcId, 0, 0)),
    "EACCES",
  );
  assert.is(
    codeOf(() => second.file.setMaster()),
    "EBUSY",
  );
  assert.is(
    codeOf(() => second.file.dropMaster()),
    "EINVAL",
  );
  // What the other has drawn can be shown all the same: framebuffers are the card's.
  first.file.setCrtc({
    crtcId: first.crtcId,
    fbId: fb.id,
    mode: first.mode,
    connectors: [first.connector.id],
  });
  first.file.close();
  second.file.setMaster();
  second.file.dirtyFb(fb.id);
  assert.is(rig.card.open().isMaster, false);
});
lifetimes.run();

const lists = suite("kms, lists of guest memory");

lists("long lists are scattered where the kernel's memory is", () => {
  for (const indirect of [true, false]) {
    const rig = new KmsRig({
      entryLists: "scattered",
      driven: { device: { ringFeatures: indirect ? [VIRTIO_F_INDIRECT_DESC] : [] } },
      device: { displays: [{ widthPixels: 1280, heightPixels: 800 }], features: { resourceBlob: false } },
    });
    const head = rig.open();
    rig.sent.length = 0;
    const fb = head.framebuffer();
    const attach = rig.sent.find(({ name }) => name === "RESOURCE_ATTACH_BACKING");
    const lengths = attach?.record.readable ?? [];
    const entries = attach?.record.fields["nr_entries"] as number;
    assert.is(attach?.record.indirect, indirect);
    assert.is(lengths[0], 32);
    assert.ok(lengths.length > 3, `${lengths}`);
    assert.equal(lengths.slice(1, -1), new Array(lengths.length - 2).fill(4096));
    assert.is(
      lengths.slice(1).reduce((sum, length) => sum + length, 0),
      16 * entries,
    );
    fill(fb, 0x123456);
    head.show(fb);
    assert.is(rig.pixel(1279, 799), 0x123456);
  }
});

lists("with blobs a dumb buffer is one command", () => {
  const rig = withBlobs();
  const head = rig.open();
  rig.take();
  const fb = head.framebuffer();
  assert.equal(rig.take(), ["RESOURCE_CREATE_BLOB 2"]);
  fill(fb, 0xabcdef);
  head.show(fb);
  assert.equal(rig.take(), [
    "SET_SCANOUT 0 320x200+0+0",
    "TRANSFER_TO_HOST_2D 2 320x200+0+0+SET_SCANOUT_BLOB 2 320x200+0+0+RESOURCE_FLUSH 2 320x200+0+0 fenced",
  ]);
  assert.is(rig.pixel(9, 9), 0xabcdef);
  assert.is(rig.gpu.counters.bytesCopied, 0, "nothing was copied");
  assert.equal(rig.kinds, []);
});
lists.run();

const sharing = suite("kms, sharing");

sharing("a plain resource gets its UUID with the first export, and once", () => {
  const rig = new KmsRig();
  const head = rig.open();
  const fb = head.framebuffer();
  rig.take();
  const first = head.file.primeHandleToFd(fb.handle);
  assert.equal(rig.take(), ["RESOURCE_ASSIGN_UUID 2"]);
  const second = head.file.primeHandleToFd(fb.handle);
  assert.equal(rig.take(), []);
  assert.is(first.dmaBuf, second.dmaBuf);
  assert.instance(first.dmaBuf, ExportedBuffer);
  const exported = first.dmaBuf as ExportedBuffer;
  assert.is(exported.uuid().length, 16);
  const uuid = [...exported.uuid()].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  assert.equal(
    rig.gpu.resources()[0]?.uuids.map((text) => text.replaceAll("-", "")),
    [uuid],
  );
  assert.is(head.file.primeFdToHandle(first), fb.handle, "the same handle in the same file");
  const other = rig.card.open();
  const there = other.primeFdToHandle(second);
  assert.equal(
    other.resourceInfo(there),
    head.file.resourceInfo(fb.handle),
    "the same buffer in another file",
  );
  first.close();
  assert.is(
    codeOf(() => first.close()),
    "EBADF",
  );
  assert.is(
    codeOf(() => head.file.primeFdToHandle(first)),
    "EBADF",
  );
  second.close();
  head.file.close();
  assert.equal(rig.take(), [], "the other file still has it");
  other.close();
  assert.equal(rig.take(), ["RESOURCE_UNREF 2"]);
});

sharing("a file descriptor keeps the buffer alive", () => {
  const rig = new KmsRig();
  const head = rig.open();
  const { handle } = head.file.createDumb({ width: 64, height: 64, bpp: 32 });
  const fd = head.file.primeHandleToFd(handle);
  rig.take();
  head.file.destroyDumb(handle);
  assert.equal(rig.take(), []);
  const again = head.file.primeFdToHandle(fd);
  assert.is(again, 1);
  head.file.gemClose(again);
  fd.close();
  assert.equal(rig.take(), ["RESOURCE_UNREF 2"]);
});

sharing("without the feature there is no UUID, and who asks is told so", () => {
  const rig = new KmsRig({ device: { features: { resourceUuid: false, resourceBlob: false } } });
  const head = rig.open();
  const { handle } = head.framebuffer();
  rig.take();
  const fd = head.file.primeHandleToFd(handle);
  assert.equal(rig.take(), []);
  assert.is(
    codeOf(() => (fd.dmaBuf as ExportedBuffer).uuid()),
    "ENODEV",
  );
  assert.is(head.file.getParam(VIRTGPU_PARAM_CROSS_DEVICE), 0);
  assert.is(head.file.getParam(VIRTGPU_PARAM_RESOURCE_BLOB), 0);
  assert.is(
    codeOf(() => head.file.getParam(8)),
    "EINVAL",
  );
  assert.is(
    codeOf(() => head.file.getParam(0)),
    "EINVAL",
  );
});

sharing("the pages of an export are there for other drivers", () => {
  const rig = withBlobs();
  const head = rig.open();
  const fb = head.framebuffer();
  const { dmaBuf } = head.file.primeHandleToFd(fb.handle);
  const entries = dmaBuf.attach({ moveNotify: () => {} }).map();
  assert.is(
    entries.lengths.reduce((sum, length) => sum + length, 0),
    dmaBuf.sizeBytes,
  );
  assert.is(entries.los[0], fb.pixels.los[0]);
});

sharing("blobs of a program's own: no transfers, no fences, a UUID only for CROSS_DEVICE", () => {
  const rig = withBlobs();
  const head = rig.open();
  const { file } = head;
  const sizeBytes = 320 * 200 * 4;
  rig.take();
  const plain = file.resourceCreateBlob({ blobMem: GUEST, blobFlags: MAPPABLE | SHAREABLE, sizeBytes });
  assert.equal(rig.take(), ["RESOURCE_CREATE_BLOB 2"]);
  const crossing = file.resourceCreateBlob({
    blobMem: GUEST,
    blobFlags: MAPPABLE | SHAREABLE | CROSS_DEVICE,
    sizeBytes,
  });
  assert.equal(rig.take(), ["RESOURCE_CREATE_BLOB 3+RESOURCE_ASSIGN_UUID 3"]);
  const fd = file.primeHandleToFd(plain.handle);
  const crossingFd = file.primeHandleToFd(crossing.handle);
  assert.equal(rig.take(), [], "nothing at export");
  assert.is(
    codeOf(() => (fd.dmaBuf as ExportedBuffer).uuid()),
    "ENODEV",
  );
  assert.is((crossingFd.dmaBuf as ExportedBuffer).uuid().length, 16);
  const { handle } = plain;
  const fbId = file.addFb2({ width: 320, height: 200, format: DRM_FORMAT_XRGB8888, handle, pitch: 1280 });
  file.map(handle).fillWords(0, 320 * 200, 0x00ff7f);
  file.setCrtc({ crtcId: head.crtcId, fbId, mode: head.mode, connectors: [head.connector.id] });
  file.dirtyFb(fbId);
  rig.take();
  file.dirtyFb(fbId, [{ x1: 5, y1: 6, x2: 50, y2: 60 }]);
  assert.equal(rig.take(), ["RESOURCE_FLUSH 2 45x54+5+6"]);
  assert.is(rig.pixel(0, 0), 0x00ff7f);
  assert.equal(file.resourceInfo(handle), { resourceId: 2, sizeBytes: 63 * 4096, blobMem: GUEST });
});

sharing("blobs that cannot be are refused", () => {
  const rig = withBlobs();
  const { file } = rig.open();
  const good = { blobMem: GUEST, blobFlags: SHAREABLE, sizeBytes: 4096 };
  rig.take();
  assert.is(
    codeOf(() => file.resourceCreateBlob({ ...good, blobMem: 2 })),
    "EINVAL",
  );
  assert.is(
    codeOf(() => file.resourceCreateBlob({ ...good, blobFlags: 8 })),
    "EINVAL",
  );
  assert.is(
    codeOf(() => file.resourceCreateBlob({ ...good, blobId: 1 })),
    "EINVAL",
  );
  assert.is(
    codeOf(() => file.resourceCreateBlob({ ...good, sizeBytes: 0 })),
    "EINVAL",
  );
  assert.equal(rig.take(), []);
  const without = new KmsRig();
  assert.is(
    codeOf(() => without.open().file.resourceCreateBlob(good)),
    "EINVAL",
  );
});
sharing.run();

const foreign = suite("kms, buffers of other drivers");

foreign("Linux 6.1 and 6.12 import none", () => {
  for (const profile of ["linux-6.1", "linux-6.12"] as const) {
    const rig = withBlobs({ profile });
    const { file } = rig.open();
    const buffer = new GuestDmaBuf(rig.driven.allocator, 4096);
    assert.is(
      codeOf(() => file.primeFdToHandle(new PrimeFd(9, buffer))),
      "ENODEV",
    );
  }
  const plain = new KmsRig({ profile: "linux-7.3" });
  const buffer = new GuestDmaBuf(plain.driven.allocator, 4096);
  assert.is(
    codeOf(() => plain.open().file.primeFdToHandle(new PrimeFd(9, buffer))),
    "ENODEV",
    "without blobs",
  );
});

foreign("Linux 7.3 shows them, follows when they move, and lets go", () => {
  const rig = withBlobs({ profile: "linux-7.3" });
  const head = rig.open();
  const { file, crtcId } = head;
  const live = rig.driven.allocator.liveAllocations;
  const buffer = new GuestDmaBuf(rig.driven.allocator, 320 * 200 * 4, "test");
  const fd = new PrimeFd(9, buffer);
  rig.take();
  const handle = file.primeFdToHandle(fd);
  assert.equal(rig.take(), ["RESOURCE_CREATE_BLOB 2"]);
  assert.is(file.primeFdToHandle(fd), handle);
  assert.is(
    codeOf(() => file.mapDumb(handle)),
    "EINVAL",
    "it is mapped through its exporter",
  );
  const fbId = file.addFb2({ width: 320, height: 200, format: DRM_FORMAT_XRGB8888, handle, pitch: 1280 });
  buffer.pages.fillWords(0, 320 * 200, 0x112233);
  file.setCrtc({ crtcId, fbId, mode: head.mode, connectors: [head.connector.id] });
  assert.equal(rig.take(), [
    "SET_SCANOUT 0 320x200+0+0",
    "SET_SCANOUT_BLOB 2 320x200+0+0+RESOURCE_FLUSH 2 320x200+0+0 fenced",
  ]);
  assert.is(rig.pixel(7, 7), 0x112233);
  assert.is(
    codeOf(() => buffer.move()),
    "EBUSY",
    "it is pinned while it is shown",
  );
  head.off();
  rig.take();
  const before = buffer.pages;
  buffer.move();
  assert.is.not(buffer.pages, before);
  assert.equal(rig.take(), ["RESOURCE_DETACH_BACKING 2 fenced"]);
  buffer.pages.fillWords(0, 100, 0x445566);
  file.setCrtc({ crtcId, fbId, mode: head.mode, connectors: [head.connector.id] });
  assert.equal(rig.take(), [
    // What was queued first is notified first: the backing comes with the blank scanout.
    "RESOURCE_ATTACH_BACKING 2+SET_SCANOUT 0 320x200+0+0",
    "SET_SCANOUT_BLOB 2 320x200+0+0+RESOURCE_FLUSH 2 320x200+0+0 fenced",
  ]);
  assert.is(rig.pixel(99, 0), 0x445566);
  assert.is(rig.pixel(100, 0), 0x112233);
  fd.close();
  file.rmFb(fbId);
  rig.take();
  file.gemClose(handle);
  assert.equal(rig.take(), ["RESOURCE_DETACH_BACKING 2 fenced", "RESOURCE_UNREF 2"]);
  assert.ok(
    rig.driven.allocator.liveAllocations <= live + 2,
    "the buffer is freed: nobody holds it any more",
  );
});
foreign("a buffer that the device does not let go of stays where it is", () => {
  const rig = withBlobs({ profile: "linux-7.3", hangAfterMs: 100 });
  const head = rig.open();
  const buffer = new GuestDmaBuf(rig.driven.allocator, 320 * 200 * 4, "test");
  const fd = new PrimeFd(9, buffer);
  head.file.primeFdToHandle(fd);
  const live = rig.driven.allocator.liveAllocations;
  const { pages } = buffer;
  rig.answers = (command) => (command === "RESOURCE_DETACH_BACKING" ? "never" : null);
  assert.is(
    codeOf(() => buffer.move()),
    "ETIMEDOUT",
  );
  assert.is(buffer.pages, pages);
  assert.is(rig.driven.allocator.liveAllocations, live, "the pages it was to move to are free again");
});
foreign.run();
