import { test } from "uvu";
import * as assert from "uvu/assert";
import { formatUuid, type SharedContent, SharedObjectRegistry } from "../../../../../src/device/index.ts";
import type { GpuDeviceOptions } from "../../../../../src/devices/gpu/index.ts";
import { BGRX, ERR, msg, OK } from "../../../../support/gpu-messages.ts";
import { expectOk, GpuRig, pattern } from "../../../../support/gpu-rig.ts";
import { RecordingRenderer } from "../../../../support/recording-renderer.ts";

const full = (w: number, h: number) => ({ x: 0, y: 0, w, h });

/** Assigns a UUID and returns it. */
function assign(rig: GpuRig, id: number): Uint8Array {
  const answer = rig.command(msg.assignUuid(id), 40);
  assert.is(answer.type, OK.UUID);
  assert.is(answer.written, 40);
  return answer.bytes.slice(24);
}

function drawn(options: GpuDeviceOptions = {}) {
  const rig = new GpuRig(options);
  const { pages } = rig.resource2d(5, 64, 48);
  const image = pattern(64 * 48 * 4);
  rig.fill(pages, 0, image);
  expectOk(rig.command(msg.transfer(5, full(64, 48), 0)));
  return { rig, image, pages };
}

test("a UUID is random, version 4, and the same when asked again", () => {
  const { rig } = drawn();
  rig.resource2d(6, 8, 8);
  const first = assign(rig, 5);
  assert.is((first[6] as number) >> 4, 4);
  assert.is((first[8] as number) >> 6, 2);
  assert.equal(assign(rig, 5), first);
  assert.not.equal(assign(rig, 6), first);
  assert.equal(rig.gpu.resources()[0]?.uuids, [formatUuid(first)]);
  const other = drawn().rig;
  assert.not.equal(assign(other, 5), first);
});

test("errors: unknown resource, feature not negotiated, a short buffer", () => {
  const { rig } = drawn();
  assert.is(rig.command(msg.assignUuid(99), 40).type, ERR.RESOURCE);
  assert.is(rig.command(msg.assignUuid(0), 40).type, ERR.RESOURCE);
  assert.is(rig.command(msg.assignUuid(5), 30).written, 30);
});

test("whoever knows the UUID gets at the pixels", () => {
  const { rig, image } = drawn();
  const uuid = assign(rig, 5);
  const registry = rig.gpu.sharedObjects;
  assert.is(registry.size, 1);
  const use = registry.acquire(uuid);
  const content = use?.content as SharedContent;
  assert.equal([content.owner, content.kind, content.sizeBytes], ["gpu", "2d", image.length]);
  assert.equal(content.image, { widthPixels: 64, heightPixels: 48, format: BGRX, strideBytes: 256 });
  assert.equal(content.hostBytes(), image);
  assert.is(content.guestSegments(), null);
  const part = new Uint8Array(10);
  assert.is(content.read(100, part, 2, 8), 8);
  assert.equal(part.subarray(2), image.subarray(100, 108));
  assert.is(content.write(0, new Uint8Array([1, 2, 3]), 0, 3), 3);
  assert.is(rig.gpu.resources()[0]?.id, 5);
  expectOk(rig.command(msg.setScanout(0, 5, full(64, 48))));
  assert.equal([...(rig.gpu.scanout(0)?.pixels?.subarray(0, 3) ?? [])], [1, 2, 3]);
  assert.is(content.read(image.length - 4, part, 0, 10), 4);
  assert.is(content.read(image.length, part, 0, 10), 0);
  assert.is(content.read(-1, part, 0, 10), 0);
  assert.is(content.write(image.length, part, 0, 10), 0);
  assert.is(registry.acquire(new Uint8Array(16)), null);
  assert.is(registry.get(formatUuid(uuid).toUpperCase())?.uuid, formatUuid(uuid));
});

test("a guest blob is shared as the guest's own pages", () => {
  const rig = new GpuRig();
  const pages = rig.scatter(12288);
  expectOk(rig.command(msg.createBlob(7, { size: 12288, flags: 4, entries: pages })));
  const content = rig.gpu.sharedObjects.get(assign(rig, 7))?.content as SharedContent;
  assert.equal([content.kind, content.sizeBytes, content.image], ["blob", 12288, null]);
  assert.is(content.hostBytes(), null);
  assert.is(content.guestSegments()?.count, 3);
  rig.fill(pages, 0, pattern(12288));
  const bytes = new Uint8Array(12288);
  assert.is(content.read(0, bytes, 0, 12288), 12288);
  assert.equal(bytes, pattern(12288));
  assert.is(content.write(8190, new Uint8Array([9, 9, 9, 9]), 0, 4), 4);
  assert.is(rig.memory.read(Number(pages[2]?.[0]), 2)[1], 9);
  expectOk(rig.command(msg.detach(7)));
  assert.is(content.guestSegments(), null);
  assert.is(content.read(0, bytes, 0, 10), 0);
});

test("an exported object lives until its last user lets go", () => {
  const { rig, image } = drawn();
  const registry = rig.gpu.sharedObjects;
  const uuid = assign(rig, 5);
  const first = registry.acquire(uuid);
  const second = registry.acquire(uuid);
  assert.is(registry.get(uuid)?.users, 2);
  expectOk(rig.command(msg.unref(5)));
  assert.is(rig.gpu.hostBytes, image.length);
  assert.equal(first?.content?.hostBytes(), image);
  // The id is free again, and a new resource with it is another object.
  rig.resource2d(5, 64, 48);
  assert.not.equal(assign(rig, 5), uuid);
  assert.is(rig.gpu.hostBytes, 2 * image.length);
  first?.release();
  first?.release();
  assert.is(first?.content, null);
  assert.equal(second?.content?.hostBytes(), image);
  second?.release();
  assert.is(rig.gpu.hostBytes, image.length);
  assert.is(registry.get(uuid), null);
});

test("without users it goes with the resource", () => {
  const { rig } = drawn();
  const uuid = assign(rig, 5);
  rig.gpu.sharedObjects.acquire(uuid)?.release();
  expectOk(rig.command(msg.unref(5)));
  assert.is(rig.gpu.sharedObjects.size, 0);
  assert.is(rig.gpu.hostBytes, 0);
});

test("exportLifetime `resource`: UNREF takes it away from its users", () => {
  const { rig } = drawn({ exportLifetime: "resource" });
  let revoked = 0;
  const use = rig.gpu.sharedObjects.acquire(assign(rig, 5), () => revoked++);
  expectOk(rig.command(msg.unref(5)));
  assert.is(revoked, 1);
  assert.is(use?.content, null);
  assert.is(rig.gpu.hostBytes, 0);
});

test("a device reset takes everything away from everybody", () => {
  const { rig } = drawn();
  rig.resource2d(6, 8, 8);
  let revoked = 0;
  const uses = [assign(rig, 5), assign(rig, 6)].map((uuid) =>
    rig.gpu.sharedObjects.acquire(uuid, () => revoked++),
  );
  expectOk(rig.command(msg.unref(6)));
  rig.device.writeStatus(0);
  assert.is(revoked, 2);
  assert.is(rig.gpu.sharedObjects.size, 0);
  assert.is(rig.gpu.hostBytes, 0);
  for (const use of uses) {
    assert.is(use?.content, null);
    use?.release();
  }
  assert.is(rig.gpu.hostBytes, 0);
});

test("uuidOnRepeat `new`: another UUID for the same bytes, up to a bound", () => {
  const { rig, image } = drawn({ uuidOnRepeat: "new" });
  const uuids = Array.from({ length: 16 }, () => formatUuid(assign(rig, 5)));
  assert.is(new Set(uuids).size, 16);
  assert.is(rig.command(msg.assignUuid(5), 40).type, ERR.UNSPEC);
  const registry = rig.gpu.sharedObjects;
  assert.is(registry.size, 16);
  const use = registry.acquire(uuids[3] as string);
  assert.equal(use?.content?.hostBytes(), image);
  expectOk(rig.command(msg.unref(5)));
  assert.is(registry.size, 1);
  assert.is(rig.gpu.hostBytes, image.length);
  use?.release();
  assert.is(rig.gpu.hostBytes, 0);
});

test("one registry for several devices", () => {
  const sharedObjects = new SharedObjectRegistry();
  const first = drawn({ sharedObjects }).rig;
  const second = drawn({ sharedObjects }).rig;
  assign(first, 5);
  assign(second, 5);
  assert.is(sharedObjects.size, 2);
  first.device.writeStatus(0);
  assert.is(sharedObjects.size, 1);
});

test("a resource of the renderer is shared as the picture that the renderer has of it", () => {
  const renderer = new RecordingRenderer();
  const rig = new GpuRig({ renderer });
  expectOk(rig.command(msg.create3d(5, [2, 1, 0, 64, 48, 1, 1, 0, 0, 0])));
  const content = rig.gpu.sharedObjects.acquire(assign(rig, 5))?.content as SharedContent;
  assert.equal([content.kind, content.sizeBytes, content.image, content.hostBytes()], ["3d", 0, null, null]);
  const bytes = pattern(300 * 48);
  renderer.pictures.set(5, { widthPixels: 64, heightPixels: 48, format: 67, strideBytes: 300, bytes });
  assert.equal(content.image, { widthPixels: 64, heightPixels: 48, format: 67, strideBytes: 300 });
  assert.is(content.sizeBytes, bytes.length);
  assert.is(content.hostBytes(), bytes);
  // A renderer that fails is no matter of who imported.
  renderer.pictures.set(5, { widthPixels: 64, heightPixels: 4800, format: 67, strideBytes: 300, bytes });
  assert.equal([content.image, content.hostBytes(), content.sizeBytes], [null, null, 0]);
  assert.is(content.read(0, new Uint8Array(8), 0, 8), 0);
  renderer.pixels = () => {
    throw new Error("lost");
  };
  assert.equal([content.image, content.hostBytes(), content.sizeBytes], [null, null, 0]);
  expectOk(rig.command(msg.unref(5)));
  assert.is(content.hostBytes(), null);
});

test("a generator that fails is an error response", () => {
  const { rig } = drawn({
    randomBytes: () => {
      throw new Error("no generator");
    },
  });
  assert.is(rig.command(msg.assignUuid(5), 40).type, ERR.UNSPEC);
});

test("a generator that repeats itself gives an error, not two objects with one UUID", () => {
  const { rig } = drawn({ randomBytes: (target) => target.fill(1) });
  rig.resource2d(6, 8, 8);
  assert.is(formatUuid(assign(rig, 5)), "01010101-0101-4101-8101-010101010101");
  assert.is(rig.command(msg.assignUuid(6), 40).type, ERR.UNSPEC);
});

test("profile crosvm: twelve zeros and the id", () => {
  const { rig } = drawn({ profile: "crosvm" });
  assert.equal([...assign(rig, 5)], [...new Array(12).fill(0), 0, 0, 0, 5]);
  rig.resource2d(0x01020304, 8, 8);
  assert.equal([...assign(rig, 0x01020304)].slice(12), [1, 2, 3, 4]);
  const use = rig.gpu.sharedObjects.acquire("00000000-0000-0000-0000-000000000005");
  assert.ok(use);
  // The id is used again while somebody holds the old object: the new one can't be found by it.
  expectOk(rig.command(msg.unref(5)));
  rig.resource2d(5, 16, 16);
  assert.equal([...assign(rig, 5)].slice(12), [0, 0, 0, 5]);
  assert.is(
    rig.gpu.sharedObjects.get("00000000-0000-0000-0000-000000000005")?.content?.sizeBytes,
    64 * 48 * 4,
  );
});

test("profile qemu: the command does not exist", () => {
  const { rig } = drawn({ profile: "qemu", features: { resourceUuid: true } });
  assert.is(rig.command(msg.assignUuid(5), 40).type, ERR.UNSPEC);
});

test.run();
