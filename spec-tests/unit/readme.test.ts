import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { suite } from "uvu";
import * as assert from "uvu/assert";

const test = suite("README");
const readme = readFileSync("README.md", "utf8");

test("the embedding example runs as it stands, against the built package", () => {
  const code = /## Embed it[\s\S]*?```js\n([\s\S]*?)```/.exec(readme)?.[1] ?? "";
  assert.match(code, /virtio-emulator\/gpu/);
  assert.ok(code.split("\n").filter((line) => line.trim() !== "").length <= 25, "it stays short");
  // Inside the package, so that its own name resolves to what is built.
  mkdirSync(".build/readme", { recursive: true });
  writeFileSync(".build/readme/embed.mjs", code);
  const { stdout, stderr, status } = spawnSync(process.execPath, [".build/readme/embed.mjs"], {
    encoding: "utf8",
  });
  assert.is(status, 0, stderr);
  assert.is(stdout, "the pixel at 150, 120 is 255 128 0 255\n");
});

test("every npm script and entry point that it names exists", () => {
  const manifest = JSON.parse(readFileSync("package.json", "utf8")) as {
    scripts: Record<string, string>;
    exports: Record<string, unknown>;
  };
  for (const [, name] of readme.matchAll(/npm run ([a-z:]+)/g)) {
    assert.ok(name !== undefined && name in manifest.scripts, `npm run ${name}`);
  }
  for (const [, path] of readme.matchAll(/"virtio-emulator(\/[a-z0-9/]+)"/g)) {
    assert.ok(`.${path}` in manifest.exports, path);
  }
});

test.run();
