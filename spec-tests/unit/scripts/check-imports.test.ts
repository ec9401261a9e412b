import { suite } from "uvu";
import * as assert from "uvu/assert";
import { checkImports, layerOf } from "../../../scripts/check-imports/rules.ts";

const imports = suite("check-imports");

const messages = (file: string, text: string) => checkImports(file, text).map(({ message }) => message);

const GOOD: readonly [file: string, text: string][] = [
  ["src/base/u64.ts", 'import { VirtioBugError } from "./errors.ts";'],
  ["src/wire/schema.ts", 'import { u8 } from "buffer-layout"; import { le16 } from "../base/endian.ts";'],
  ["src/memory/region.ts", 'import { le16 } from "../base/index.ts";'],
  ["src/virtqueue/split.ts", 'import { a } from "../memory/index.ts"; import { b } from "../wire/index.ts";'],
  ["src/device/device.ts", 'import { a } from "../virtqueue/index.ts";'],
  [
    "src/transport/pci/bar.ts",
    'import { a } from "../../device/index.ts"; import { b } from "../shared.ts";',
  ],
  [
    "src/devices/gpu/device.ts",
    'import { a } from "../../device/index.ts"; import { b } from "./protocol.ts";',
  ],
  ["src/devices/gpu/state/scanout.ts", 'import { a } from "../protocol.ts";'],
  [
    "src/driver/drivers/gpu.ts",
    'import { a } from "../../wire/gpu.ts"; import { b } from "../rings/split.ts";',
  ],
  [
    "src/adapters/v86/index.ts",
    'import type { V86 } from "v86"; import { a } from "../../transport/pci/index.ts";',
  ],
  ["src/adapters/worker/node.ts", 'import { Worker } from "node:worker_threads";'],
  ["src/fuzz/generate.ts", 'import { a } from "../driver/index.ts";'],
  [
    "src/testing/machine.ts",
    'import { a } from "../driver/index.ts"; import { b } from "../device/index.ts";',
  ],
  ["src/index.ts", 'export { a } from "./devices/gpu/index.ts"; export { b } from "./base/index.ts";'],
  ["src/cli/main.ts", 'import { Command } from "commander"; import "node:fs"; import "../fuzz/index.ts";'],
  ["src/wire/buffer-layout.d.ts", 'declare module "buffer-layout" { function u8(): number; }'],
  ["src/memory/region.ts", '// import { a } from "../device/index.ts"\nconst text = \'import "node:fs"\';'],
];

for (const [file, text] of GOOD) {
  imports(`allows ${file}: ${text}`, () => {
    assert.equal(messages(file, text), []);
  });
}

const BAD: readonly [file: string, text: string, message: RegExp][] = [
  ["src/base/u64.ts", 'import { a } from "../wire/index.ts";', /src\/base may not import src\/wire/],
  ["src/wire/gpu.ts", 'import { a } from "../memory/index.ts";', /src\/wire may not import src\/memory/],
  [
    "src/memory/region.ts",
    'import { u8 } from "buffer-layout";',
    /src\/memory may not import the package "buffer-layout"/,
  ],
  ["src/virtqueue/split.ts", 'import { a } from "../device/index.ts";', /may not import src\/device/],
  [
    "src/device/device.ts",
    'import { a } from "../transport/mmio/index.ts";',
    /may not import src\/transport/,
  ],
  [
    "src/testing/machine.ts",
    'import { a } from "../conformance/index.ts";',
    /may not import src\/conformance/,
  ],
  ["src/testing/machine.ts", 'import "node:fs";', /may not import/],
  ["src/device/device.ts", 'import { a } from "../testing/index.ts";', /may not import src\/testing/],
  ["src/device/device.ts", 'import { a } from "../driver/index.ts";', /may not import src\/driver/],
  [
    "src/transport/pci/bar.ts",
    'import { a } from "../../devices/gpu/index.ts";',
    /may not import src\/devices/,
  ],
  [
    "src/devices/rng/device.ts",
    'import { a } from "../gpu/edid.ts";',
    /src\/devices\/rng may not import src\/devices\/gpu/,
  ],
  [
    "src/devices/rng/device.ts",
    'import { a } from "../../transport/pci/index.ts";',
    /may not import src\/transport/,
  ],
  ["src/devices/shared.ts", "export {};", /belongs into a folder of its own/],
  [
    "src/driver/ring.ts",
    'import { a } from "../virtqueue/index.ts";',
    /src\/driver may not import src\/virtqueue/,
  ],
  [
    "src/adapters/v86/index.ts",
    'import { a } from "../../conformance/index.ts";',
    /may not import src\/conformance/,
  ],
  [
    "src/adapters/v86/index.ts",
    'import spinner from "yocto-spinner";',
    /may not import the package "yocto-spinner"/,
  ],
  ["src/conformance/case.ts", 'import { a } from "../devices/gpu/index.ts";', /may not import src\/devices/],
  ["src/index.ts", 'export { a } from "./adapters/worker/index.ts";', /may not import src\/adapters/],
  [
    "src/devices/gpu/uuid.ts",
    'import { randomUUID } from "node:crypto";',
    /src\/devices may not import "node:crypto"/,
  ],
  [
    "src/base/trace.ts",
    'import type { A } from "@scope/name/deep";',
    /may not import the package "@scope\/name"/,
  ],
  ["src/base/trace.ts", 'export * from "../cli/main.ts";', /may not import src\/cli/],
  ["src/base/trace.ts", 'export type A = import("../cli/main.ts").B;', /may not import src\/cli/],
  ["src/base/trace.ts", 'await import("node:fs");', /may not import "node:fs"/],
  ["src/base/trace.ts", "await import(`node:fs`);", /may not import "node:fs"/],
  ["src/base/trace.ts", 'await import("node:" + "fs");', /computed module/],
  ["src/base/trace.ts", 'const fs = require("fs");', /the package "fs"/],
  ["src/base/trace.ts", '/// <reference types="node" />', /may not reference the types of "node"/],
  ["src/base/trace.ts", '/// <reference lib="dom" />', /may not reference the types of "dom"/],
  ["src/base/trace.ts", '/// <reference path="../cli/main.ts" />', /may not import src\/cli/],
  ["src/base/trace.ts", 'import { a } from "../../scripts/check-imports/rules.ts";', /is in no layer of src/],
  ["src/helpers/misc.ts", "export {};", /belongs to no layer/],
  ["src/misc.ts", "export {};", /belongs to no layer/],
];

for (const [file, text, message] of BAD) {
  imports(`forbids ${file}: ${text}`, () => {
    const found = messages(file, text);
    assert.is(found.length, 1);
    assert.match(found[0] ?? "", message);
  });
}

imports("says in which line", () => {
  const [violation] = checkImports(
    "src/base/u64.ts",
    '// why\n\nimport {\n  a,\n} from "../wire/index.ts";\n',
  );
  assert.is(violation?.line, 5);
});

imports("knows the layer of a file", () => {
  assert.is(layerOf("src/devices/gpu/device.ts"), "devices");
  assert.is(layerOf("src/index.ts"), "index.ts");
  assert.is(layerOf("src/base"), undefined);
  assert.is(layerOf("src/index.ts/odd.ts"), undefined);
  assert.is(layerOf("spec-tests/base/a.ts"), undefined);
});

imports.run();
