import { suite } from "uvu";
import * as assert from "uvu/assert";
import { SCENARIOS } from "../../../scripts/linux/guest-session.ts";
import { type LinuxOptions, parseOptions } from "../../../scripts/linux/options.ts";

const options = suite("linux options");

function accepted(...args: string[]): LinuxOptions {
  const parsed = parseOptions(args);
  assert.is(parsed.kind, "run", JSON.stringify(parsed));
  return (parsed as { options: LinuxOptions }).options;
}

function refused(...args: string[]): string {
  const parsed = parseOptions(args);
  assert.is(parsed.kind, "error", JSON.stringify(parsed));
  return (parsed as { message: string }).message;
}

options("without any, all scenarios run, once for UUIDs and once for blobs", () => {
  const { scenarios, featureSets, json, kernel } = accepted();
  assert.equal(scenarios, SCENARIOS);
  assert.equal(featureSets, [
    ["edid", "uuid"],
    ["edid", "uuid", "blob", "packed"],
  ]);
  assert.is(json, undefined);
  assert.is(kernel, undefined);
});

options("the driver is watched when that is asked for", () => {
  assert.is(accepted("--check-driver").checkDriver, true);
  const { checkDriver, stage } = accepted("--stage", "slow-reset");
  assert.is(checkDriver, true);
  assert.is(stage?.id, "slow-reset");
});

options("scenarios and feature sets may be repeated", () => {
  const { scenarios, featureSets } = accepted(
    ...["--scenario", "flip", "--scenario=dirty", "--features", "edid", "--features", "uuid,blob"],
  );
  assert.equal(scenarios, ["flip", "dirty"]);
  assert.equal(featureSets, [["edid"], ["uuid", "blob"]]);
});

options("files, memory and the rest are taken over", () => {
  assert.equal(
    accepted(
      ...[
        "--json",
        "j",
        "--kernel",
        "k",
        "--initrd",
        "i",
        "--bios",
        "b",
        "--cmdline",
        "c d",
        "--memory",
        "256",
      ],
      ...["--out", "o", "--display", "vnc=:5901"],
    ),
    {
      json: "j",
      list: false,
      scenarios: SCENARIOS,
      featureSets: [
        ["edid", "uuid"],
        ["edid", "uuid", "blob", "packed"],
      ],
      kernel: "k",
      initrd: "i",
      bios: "b",
      commandLine: "c d",
      memoryMebibytes: 256,
      out: "o",
      display: { kind: "vnc", host: "127.0.0.1", port: 5901 },
      checkDriver: false,
      stage: undefined,
      desktop: false,
    },
  );
});

options("a wrong one gets one line that says what is right", () => {
  assert.match(refused("--scenario", "dance"), /dance.*mode-set, dirty/);
  assert.match(refused("--features", "edid,virgl"), /edid, uuid, blob/);
  assert.match(refused("--memory", "12"), /80 to 2048/);
  assert.match(refused("--memory", "1e9"), /80 to 2048/);
  assert.match(refused("--kernel", "k"), /--initrd/);
  assert.match(refused("--stage", "drury-lane"), /as-it-is, .*both-causes/);
  assert.match(refused("--display", "x11"), /vnc.*terminal.*png/);
  assert.match(refused("--speed"), /--speed/);
  assert.match(refused("more"), /argument/);
  for (const args of [["--scenario", "x"], ["--what"], ["--out"]]) {
    assert.not.match(refused(...args), /\n/);
  }
});

options("help is text, not an error", () => {
  const parsed = parseOptions(["--help"]);
  assert.is(parsed.kind, "text");
  assert.match((parsed as { text: string }).text, /--features/);
});

options.run();
