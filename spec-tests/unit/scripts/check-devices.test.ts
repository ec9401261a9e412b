import { suite } from "uvu";
import * as assert from "uvu/assert";
import { EXCEPTIONS, lackingParts, PARTS, type Repository } from "../../../scripts/check-devices/lack.ts";

const test = suite("check-devices");

/** Everything that belongs to a device called net. */
const WHOLE: Readonly<Record<string, string>> = {
  "package.json": '"default": "./dist/devices/net/index.js"',
  "src/devices/net/device.ts": "",
  "spec-tests/unit/devices/net/net.test.ts": "",
  "src/driver/drivers/net/net.ts": "",
  "src/conformance/models/net.ts": "",
  "src/conformance/models/index.ts": 'import { NET_MODEL } from "./net.ts";',
  "spec-tests/support/hostile/net-subject.ts": "",
  "scripts/bench/net/workloads.ts": 'import { NetDevice } from "../../../src/devices/net/index.ts";',
};

const repository = (texts: Readonly<Record<string, string>>): Repository => ({
  files: Object.keys(texts),
  read: (file) => texts[file] ?? "",
});

test("a device that is whole lacks nothing", () => {
  assert.equal(lackingParts(repository(WHOLE), []), []);
});

test("each part that is missing is named, with what is to be done", () => {
  const missing: Readonly<Record<string, RegExp>> = {
    "package.json": /net lacks its entry point: .*"\.\/net"/,
    "spec-tests/unit/devices/net/net.test.ts": /net lacks its unit tests: .*spec-tests\/unit\/devices\/net/,
    "src/driver/drivers/net/net.ts": /net lacks its driver: .*src\/driver\/drivers\/net/,
    "src/conformance/models/net.ts": /net lacks its model in the kit: /,
    "src/conformance/models/index.ts": /net lacks its model in the kit: .*DEVICE_MODELS/,
    "spec-tests/support/hostile/net-subject.ts": /net lacks its hostile test: .*net-subject/,
    "scripts/bench/net/workloads.ts": /net lacks its benchmark row: .*scripts\/bench/,
  };
  for (const [file, message] of Object.entries(missing)) {
    const { [file]: _left, ...rest } = WHOLE;
    const lines = lackingParts(repository(rest), []);
    assert.is(lines.length, 1, file);
    assert.match(lines[0] ?? "", message);
  }
  const all = lackingParts(repository({ "src/devices/net/device.ts": "" }), []);
  assert.is(all.length, PARTS.length);
});

test("an exception stands for one part of one device, as long as it is needed", () => {
  const { "scripts/bench/net/workloads.ts": _row, ...rest } = WHOLE;
  const exception = { device: "net", part: "benchmark row", reason: "none" };
  assert.equal(lackingParts(repository(rest), [exception]), []);
  assert.match(lackingParts(repository(WHOLE), [exception])[0] ?? "", /take the exception out/);
  assert.match(
    lackingParts(repository(WHOLE), [{ ...exception, device: "gone" }])[0] ?? "",
    /no device gone/,
  );
  assert.match(lackingParts(repository(WHOLE), [{ ...exception, part: "song" }])[0] ?? "", /no part "song"/);
  for (const { reason } of EXCEPTIONS) assert.ok(reason.length > 20);
});

test.run();
