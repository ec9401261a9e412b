import { spawnSync } from "node:child_process";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { SCENARIOS } from "../../../scripts/linux/guest-session.ts";

const command = suite("npm run linux");

function run(...args: string[]) {
  const setup = spawnSync(process.execPath, ["scripts/setup.mjs", "tool:linux"], { encoding: "utf8" });
  assert.is(setup.status, 0, setup.stderr);
  const result = spawnSync(process.execPath, [".build/scripts/linux/main.js", ...args], {
    encoding: "utf8",
    // Nothing can be fetched: there is no program at all.
    env: { PATH: "/nonexistent", VIRTIO_GUEST_FOLDER: ".build/no-guest" },
  });
  return { code: result.status, stdout: result.stdout, stderr: result.stderr };
}

command("lists the scenarios", () => {
  assert.equal(run("--list"), { code: 0, stdout: `${SCENARIOS.join("\n")}\n`, stderr: "" });
});

command("a wrong option gets one line and exit code 2", () => {
  const { code, stdout, stderr } = run("--scenario", "dance");
  assert.is(code, 2);
  assert.is(stdout, "");
  assert.match(stderr, /^linux: .*dance.*\n$/);
});

command("without apt one line says what is missing and what to do", () => {
  const { code, stdout, stderr } = run();
  assert.is(code, 1);
  assert.is(stdout, "");
  assert.match(stderr, /^linux: .*apt-get is not installed.*--kernel FILE --initrd FILE.*\n$/);
});

command("a file that is missing or no kernel gets one line and exit code 2", () => {
  const missing = run("--kernel", "nowhere", "--initrd", "nowhere");
  assert.match(missing.stderr, /^linux: there is no file nowhere\n$/);
  assert.is(missing.code, 2);
  const wrong = run("--kernel", "package.json", "--initrd", "package.json", "--bios", "package.json");
  assert.is(wrong.code, 2);
  assert.match(wrong.stderr, /linux: the kernel is not a bzImage for x86\n$/);
});

command("a folder for pictures that cannot be written gets one line, before the guest starts", () => {
  for (const folder of ["package.json", "/proc/pictures", ""]) {
    const { code, stdout, stderr } = run("--out", folder);
    assert.is(code, 2, folder);
    assert.is(stdout, "");
    assert.match(stderr, /^linux: no pictures can be written to [^\n]+\n$/);
  }
});

command.run();
