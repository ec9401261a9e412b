import { suite } from "uvu";
import * as assert from "uvu/assert";
import { VirtioBugError, VirtioUsageError } from "../../../src/base/errors.ts";

const errors = suite("errors");

errors("both kinds are errors that can be told apart, by class and by name", () => {
  const usage = new VirtioUsageError("a queue needs a size");
  const bug = new VirtioBugError("two owners");
  assert.instance(usage, Error);
  assert.instance(bug, Error);
  assert.not.instance(usage, VirtioBugError);
  assert.not.instance(bug, VirtioUsageError);
  assert.is(String(usage), "VirtioUsageError: a queue needs a size");
  assert.is(String(bug), "VirtioBugError: two owners");
});

errors("they carry their cause", () => {
  const cause = new RangeError("too far");
  assert.is(new VirtioUsageError("bad region", { cause }).cause, cause);
});

errors.run();
