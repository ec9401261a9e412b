import { runInNewContext } from "node:vm";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { errorFrom, messageOf } from "../../../src/base/brands.ts";

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
