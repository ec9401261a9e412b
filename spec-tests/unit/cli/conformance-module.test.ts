import { mkdirSync, writeFileSync } from "node:fs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { moduleTarget } from "../../../src/cli/conformance/targets/module.ts";
import { UsageError } from "../../../src/cli/usage-error.ts";
import { instancesOf } from "../../../src/conformance/index.ts";

const test = suite("targets of one's own");
const FOLDER = ".build/module-targets";

function write(name: string, text: string): string {
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(`${FOLDER}/${name}`, text);
  return `${FOLDER}/${name}`;
}

async function complaint(path: string): Promise<string> {
  try {
    await moduleTarget(path);
  } catch (error) {
    assert.instance(error, UsageError);
    const { message } = error as UsageError;
    assert.not.ok(message.includes("\n"), message);
    return message;
  }
  return "";
}

test("the default export is the target, or a function that makes it", async () => {
  const body = `{ name: "mine", description: "mine", transport: "mmio", devices: ["rng"], open() {} }`;
  assert.is((await moduleTarget(write("object.mjs", `export default ${body};`))).name, "mine");
  assert.is(
    (await moduleTarget(write("function.mjs", `export default async () => (${body});`))).name,
    "mine",
  );
});

test("what is no target gets one line that says what is wrong", async () => {
  const cases: [name: string, text: string, expected: RegExp][] = [
    ["nothing.mjs", "export const target = 1;", /its default export is not an object/],
    ["nameless.mjs", "export default { description: 'x' };", /its name is not a string/],
    [
      "bus.mjs",
      "export default { name: 'x', description: 'x', transport: 'ccw' };",
      /its transport is neither/,
    ],
    [
      "devices.mjs",
      "export default { name: 'x', description: 'x', transport: 'pci', devices: [1] };",
      /its devices are not an array of names/,
    ],
    [
      "closed.mjs",
      "export default { name: 'x', description: 'x', transport: 'pci', devices: [] };",
      /it has no method open/,
    ],
    ["broken.mjs", "export default {", /cannot be loaded: Unexpected end of input/],
    [
      "throws.mjs",
      "export default () => { throw new Error('no board\\nthere'); };",
      /cannot be loaded: no board there/,
    ],
  ];
  for (const [name, text, expected] of cases) assert.match(await complaint(write(name, text)), expected);
  assert.match(await complaint(`${FOLDER}/missing.mjs`), /there is no such file/);
});

test("cases of all devices run on a device of which the target brings the model", () => {
  const open = () => Promise.reject(new Error("not started"));
  const definition = { id: "a/b", title: "t", clauses: ["c"], run: async () => {} };
  const model = {
    name: "blk",
    deviceId: 2,
    queues: ["requestq"],
    configBytes: 60,
    probe: () => ({ queue: 0, readable: new Uint8Array(0), writableBytes: 1, check: () => null }),
  };
  const target = { name: "t", description: "t", transport: "mmio" as const, devices: ["blk"], open };
  assert.equal(instancesOf([definition], target), []);
  assert.equal(
    instancesOf([definition], { ...target, models: [model] }).map(({ id }) => id),
    ["a/b:device=blk,format=split", "a/b:device=blk,format=packed"],
  );
  const only = { ...definition, needs: { devices: ["gpu"] } };
  assert.equal(instancesOf([only], { ...target, models: [model] }), []);
});

test.run();
