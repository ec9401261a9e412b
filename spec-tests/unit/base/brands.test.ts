import { runInNewContext } from "node:vm";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { errorFrom, isDetached, isUint8Array, messageOf } from "../../../src/base/brands.ts";

const test = suite("what was thrown");

test("errors of another realm keep their message, and are the cause of one of this realm", () => {
  const foreign: unknown = runInNewContext('new TypeError("from elsewhere")');
  assert.not.instance(foreign, Error);
  assert.is(messageOf(foreign), "from elsewhere");
  const own = errorFrom(foreign);
  assert.instance(own, Error);
  assert.is(own.message, "from elsewhere");
  assert.is(own.cause, foreign);
});

test("an error of this realm stays what it is", () => {
  const error = new RangeError("too far");
  assert.is(errorFrom(error), error);
  assert.is(messageOf(error), "too far");
});

test("anything else has a text", () => {
  const unreadable = {
    get message() {
      throw new Error("no");
    },
  };
  const texts = ["a", 5, undefined, null, Symbol("s"), { message: 5 }].map(messageOf);
  assert.equal(texts, ["a", "5", "undefined", "null", "Symbol(s)", "[object Object]"]);
  for (const odd of [unreadable, Object.create(null)]) {
    assert.is(messageOf(odd), "something that cannot be read was thrown");
  }
});

test.run();

const brands = suite("buffers and bytes");

brands("bytes are Uint8Arrays of any realm, and their subclasses; no other views", () => {
  const foreign: unknown = runInNewContext("new Uint8Array(4)");
  assert.not.instance(foreign, Uint8Array);
  for (const bytes of [foreign, new Uint8Array(4), Buffer.alloc(4)]) assert.ok(isUint8Array(bytes));
  const pretended = { [Symbol.toStringTag]: "Uint8Array", length: 4 };
  for (const other of [
    new Int8Array(4),
    new Uint16Array(4),
    new DataView(new ArrayBuffer(4)),
    pretended,
    null,
  ]) {
    assert.not.ok(isUint8Array(other));
  }
});

brands("detached is what was transferred, not what is empty", () => {
  for (const empty of [new ArrayBuffer(0), new SharedArrayBuffer(0)]) assert.not.ok(isDetached(empty));
  const buffer = new ArrayBuffer(8);
  assert.not.ok(isDetached(buffer));
  structuredClone(buffer, { transfer: [buffer] });
  assert.ok(isDetached(buffer));
});

brands.run();
