import { suite } from "uvu";
import * as assert from "uvu/assert";
import { locate, needs, type Peer, peers } from "../../support/peer.ts";

const support = suite("peer");

type Handler = (context: unknown) => void | Promise<void>;

/** Plays uvu: notes what is declared and what is skipped. */
function recorder() {
  const declared: [string, Handler][] = [];
  const skipped: (string | undefined)[] = [];
  const test = Object.assign((name: string, handler: Handler) => void declared.push([name, handler]), {
    skip: (name?: string) => void skipped.push(name),
  });
  return { declared, skipped, test };
}

const missing: Peer = { name: "no-such-program", get: "look elsewhere", find: () => undefined };

function declareWithMissing(forbid: boolean) {
  const before = process.env["VIRTIO_FORBID_SKIP"];
  const write = process.stderr.write;
  const lines: string[] = [];
  const record = recorder();
  try {
    if (forbid) process.env["VIRTIO_FORBID_SKIP"] = "1";
    else delete process.env["VIRTIO_FORBID_SKIP"];
    process.stderr.write = (text: string | Uint8Array) => lines.push(String(text)) > 0;
    needs(record.test, missing)("a test", () => undefined);
  } finally {
    process.stderr.write = write;
    if (before === undefined) delete process.env["VIRTIO_FORBID_SKIP"];
    else process.env["VIRTIO_FORBID_SKIP"] = before;
  }
  return { ...record, lines };
}

support("declares the test where the program is there", () => {
  const { declared, skipped, test } = recorder();
  const handler = () => undefined;
  needs(test, { name: "node", get: "", find: () => process.execPath })("a test", handler);
  assert.equal(declared, [["a test", handler]]);
  assert.equal(skipped, []);
});

support("skips the test and says why where the program is missing", () => {
  const { declared, skipped, lines } = declareWithMissing(false);
  assert.equal(declared, []);
  assert.equal(skipped, ["a test"]);
  assert.equal(lines, ["skipped: a test: no-such-program is missing (look elsewhere)\n"]);
});

support("fails the test where skipping is forbidden", () => {
  const { declared, skipped, lines } = declareWithMissing(true);
  assert.equal(skipped, []);
  assert.equal(lines, []);
  assert.is(declared.length, 1);
  assert.throws(() => declared[0]?.[1](undefined), /must not be skipped here: no-such-program is missing/);
});

support("looks for a program once", () => {
  let looks = 0;
  const peer: Peer = {
    name: "counted",
    get: "",
    find: () => {
      looks += 1;
      return "/somewhere";
    },
  };
  assert.is(locate(peer), "/somewhere");
  assert.is(locate(peer), "/somewhere");
  assert.is(looks, 1);
});

support("every known peer can be looked for, and says how to get it", () => {
  for (const peer of Object.values(peers)) {
    assert.ok(peer.get.length > 0, peer.name);
    assert.type(locate(peer) ?? "", "string");
  }
});

support.run();
