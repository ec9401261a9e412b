// Debian's own kernel with its own driver drives the device: every scenario, in three sets of features. What is on
// screen is compared with what the guest's program drew, what arrives at the device with captures of the same kernel
// series on another machine.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { LinuxGpu } from "../../scripts/linux/gpu-device.ts";
import { SCENARIOS, type ScenarioReport } from "../../scripts/linux/guest-session.ts";
import type { FeatureName } from "../../scripts/linux/linux-device.ts";
import type { RunReport } from "../../scripts/linux/report.ts";
import { runLinux } from "../../scripts/linux/run-linux.ts";
import {
  VIRTIO_F_EVENT_IDX,
  VIRTIO_F_INDIRECT_DESC,
  VIRTIO_F_RING_PACKED,
  VIRTIO_F_VERSION_1,
} from "../../src/wire/index.ts";
import { needs, peers } from "../support/peer.ts";
import { comparable, readGolden } from "./golden-commands.ts";

const linux = suite("linux");
const test = needs(linux, peers.apt, peers.dpkgDeb);

/** The captures' name of a set of features, and what is offered. Packed rings send the same commands. */
const SETS: ReadonlyMap<string, readonly FeatureName[]> = new Map([
  ["edid", ["edid"]],
  ["uuid", ["edid", "uuid", "packed"]],
  ["blob", ["edid", "uuid", "blob"]],
]);

/** Scenarios that were captured. The captures have nothing like the others. */
const CAPTURED = ["dirty", "flip", "prime", "cursor", "closeonly", "blob", "params"] as const;

const STAGES: Readonly<Record<string, number>> = {
  "mode-set": 3,
  dirty: 6,
  flip: 6,
  prime: 1,
  cursor: 4,
  closeonly: 2,
  damage: 2,
  resize: 2,
  fbcon: 1,
};

interface Run {
  readonly report: RunReport;
  readonly device: LinuxGpu;
}

const runs = new Map<string, Promise<Run>>();

/** Each set is run once, all scenarios in the order of the captures. */
function runOf(set: string): Promise<Run> {
  let run = runs.get(set);
  if (run === undefined) {
    run = start(SETS.get(set) ?? []);
    runs.set(set, run);
  }
  return run;
}

async function start(features: readonly FeatureName[]): Promise<Run> {
  const devices: LinuxGpu[] = [];
  const { runs } = await runLinux({
    createDevice: (options) => {
      const device = new LinuxGpu(options);
      devices.push(device);
      return device;
    },
    scenarios: SCENARIOS,
    featureSets: [features],
    memoryMebibytes: 128,
  });
  const used = devices.filter((device) => device.commands.length > 0);
  assert.is(used.length, 1, "the device of the saved state was not touched, the other was");
  return { report: runs[0] as RunReport, device: used[0] as LinuxGpu };
}

async function scenarioOf(set: string, name: string): Promise<ScenarioReport> {
  const { report } = await runOf(set);
  const scenario = report.scenarios.find((each) => each.name === name);
  assert.ok(scenario, `${name} was run`);
  return scenario as ScenarioReport;
}

for (const [set, features] of SETS) {
  test(`${set}: every scenario ends well, and the screen shows what the guest drew`, async () => {
    const { report } = await runOf(set);
    assert.equal(
      report.scenarios.map(({ name }) => name),
      ["load", ...SCENARIOS.slice(0, -1), "unload", "load fbcon", "fbcon"],
    );
    assert.equal(
      report.scenarios.flatMap(({ name, problems }) => problems.map((problem) => `${name}: ${problem}`)),
      [],
    );
    for (const { name, exitCode, timeline } of report.scenarios) {
      assert.is(exitCode, 0, name);
      const stages = timeline.filter(({ kind }) => kind === "stage").length;
      const blobStages = features.includes("blob") ? 3 : 1;
      assert.is(stages, name === "blob" ? blobStages : (STAGES[name] ?? 0), `stages of ${name}`);
    }
  });

  test(`${set}: the driver negotiates what is offered`, async () => {
    const { device } = await runOf(set);
    const isPacked = features.includes("packed");
    for (const bit of [VIRTIO_F_VERSION_1, VIRTIO_F_INDIRECT_DESC, VIRTIO_F_EVENT_IDX]) {
      assert.ok(device.hasFeature(bit), `feature ${bit}`);
    }
    assert.is(device.hasFeature(VIRTIO_F_RING_PACKED), isPacked);
    const uuids = device.commands.filter(({ command }) => command === "RESOURCE_ASSIGN_UUID");
    assert.is(uuids.length, set === "uuid" ? 1 : 0, "only resources that are no blobs get a UUID at export");
    const blobs = device.commands.filter(({ command }) => command === "RESOURCE_CREATE_BLOB");
    assert.is(blobs.length > 0, set === "blob");
  });

  test(`${set}: binding the driver sends what was captured`, async () => {
    const load = comparable(await scenarioOf(set, "load"));
    assert.equal(load.commands, readGolden(set, "init").commands);
  });

  for (const name of CAPTURED) {
    test(`${set}: ${name} sends what was captured`, async () => {
      const ours = comparable(await scenarioOf(set, name));
      const golden = readGolden(set, name);
      assert.equal(ours.calls, golden.calls);
      assert.equal(
        ours.commands.map(({ command }) => command),
        golden.commands.map(({ command }) => command),
      );
      for (const [i, command] of ours.commands.entries()) {
        assert.equal(command, golden.commands[i], `command ${i}, ${command.command}`);
      }
    });
  }

  test(`${set}: lists of guest memory are as long as they say`, async () => {
    const { device } = await runOf(set);
    const lists = device.commands.filter(({ backingBytes }) => backingBytes !== null);
    assert.ok(lists.length > 0);
    for (const { command, args, readableBytes } of lists) {
      const entriesBytes = readableBytes.slice(1).reduce((sum, length) => sum + length, 0);
      assert.is(entriesBytes, 16 * Number(args["nr_entries"]), command);
    }
  });
}

test("the kernel's console is drawn in its colours", async () => {
  const { device } = await runOf("edid");
  const screen = device.scanout();
  assert.ok(screen);
  const colours = new Set(screen?.pixels);
  // Background, plain text, and red, green, blue as the kernel's palette has them.
  for (const colour of [0x000000, 0xaaaaaa, 0xaa0000, 0x00aa00, 0x0000aa, 0xffffff]) {
    assert.ok(colours.has(colour), colour.toString(16));
  }
});

linux.run();
