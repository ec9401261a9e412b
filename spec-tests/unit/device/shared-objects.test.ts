import { test } from "uvu";
import * as assert from "uvu/assert";
import { VirtioUsageError } from "../../../src/base/index.ts";
import {
  formatUuid,
  parseUuid,
  platformRandomBytes,
  type SharedContent,
  SharedObjectRegistry,
} from "../../../src/device/index.ts";

const content: SharedContent = {
  owner: "test",
  kind: "bytes",
  sizeBytes: 4,
  image: null,
  hostBytes: () => new Uint8Array([1, 2, 3, 4]),
  guestSegments: () => null,
  read: () => 0,
  write: () => 0,
};
const UUID = "f81d4fae-7dec-41d0-a765-00a0c91e6bf6";

test("UUIDs as text and back", () => {
  const bytes = parseUuid(UUID);
  assert.is(formatUuid(bytes), UUID);
  assert.equal(parseUuid(UUID.toUpperCase()), bytes);
  assert.equal([bytes[0], bytes[15]], [0xf8, 0xf6]);
  for (const text of ["", "f81d4fae", `${UUID}0`, UUID.replace("f", "g")]) {
    assert.throws(
      () => parseUuid(text),
      (error: unknown) => error instanceof VirtioUsageError,
    );
  }
  assert.throws(() => formatUuid(new Uint8Array(15)), /16 bytes/);
});

test("an object ends with its exporter and its last user, in any order", () => {
  for (const exporterFirst of [true, false]) {
    const registry = new SharedObjectRegistry();
    let unused = 0;
    const object = registry.publish(parseUuid(UUID), content, () => unused++);
    const use = registry.acquire(UUID);
    if (exporterFirst) object.unexport();
    else use?.release();
    assert.is(unused, 0);
    assert.is(registry.size, 1);
    if (exporterFirst) use?.release();
    else object.unexport();
    assert.is(unused, 1);
    assert.is(registry.size, 0);
    assert.is(object.content, null);
    object.unexport();
    object.revoke();
    assert.is(unused, 1);
  }
});

test("an object that is still exported outlives all its users", () => {
  const registry = new SharedObjectRegistry();
  const object = registry.publish(parseUuid(UUID), content);
  for (let i = 0; i < 3; i++) registry.acquire(UUID)?.release();
  assert.is(registry.get(UUID), object);
  assert.is(object.users, 0);
});

test("revoking tells every user once and frees the UUID", () => {
  const registry = new SharedObjectRegistry();
  const told: string[] = [];
  let unused = 0;
  const object = registry.publish(parseUuid(UUID), content, () => unused++);
  const a = registry.acquire(UUID, () => told.push("a"));
  registry.acquire(UUID, () => told.push("b"));
  const gone = registry.acquire(UUID, () => told.push("gone"));
  gone?.release();
  object.revoke();
  object.revoke();
  assert.equal(told, ["a", "b"]);
  assert.is(a?.content, null);
  a?.release();
  assert.is(unused, 1);
  registry.publish(parseUuid(UUID), content);
  assert.is(registry.size, 1);
});

test("a UUID belongs to one object", () => {
  const registry = new SharedObjectRegistry();
  registry.publish(parseUuid(UUID), content);
  assert.throws(() => registry.publish(parseUuid(UUID), content), /already/);
});

test("random bytes of any length differ", () => {
  const long = new Uint8Array(200_000);
  platformRandomBytes(long);
  for (const at of [0, 65536, 131072, 196608]) {
    assert.ok(long.subarray(at, at + 3000).some((byte) => byte !== 0));
  }
  platformRandomBytes(new Uint8Array(0));
});

test.run();
