// What a bundler makes of the package: nobody pays for what they do not use.
import { readFileSync } from "node:fs";
import * as esbuild from "esbuild";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { buildCommandLine } from "../support/command-line.ts";

const test = suite("package, bundled");
buildCommandLine();

const manifest = JSON.parse(readFileSync("package.json", "utf8")) as { exports: Record<string, unknown> };
const ENTRY_POINTS = Object.keys(manifest.exports)
  .filter((subpath) => subpath !== "./package.json")
  .map((subpath) => `virtio-emulator${subpath.slice(1)}`);
/** Entry points that need Node; all others run in browsers. */
const NODE_ONLY = new Set(
  ["adapters/qtest", "backends/display/recorder", "backends/display/vnc"].map(
    (name) => `virtio-emulator/${name}`,
  ),
);

async function bundle(code: string, isForNode = false): Promise<string> {
  const { outputFiles } = await esbuild.build({
    // Resolved as the package's own name, through its `exports`.
    stdin: { contents: code, resolveDir: process.cwd() },
    bundle: true,
    minify: true,
    format: "esm",
    platform: "browser",
    external: isForNode ? ["node:*", "pngjs"] : [],
    logLevel: "silent",
    write: false,
  });
  return outputFiles[0]?.text ?? "";
}

const bytesOf = async (name: string, entryPoint: string) =>
  (await bundle(`import { ${name} } from "${entryPoint}"; globalThis.x = ${name};`)).length;

for (const entryPoint of ENTRY_POINTS) {
  const isForNode = NODE_ONLY.has(entryPoint);
  test(`${entryPoint} is bundled${isForNode ? "" : " for browsers"}, and has no effect by itself`, async () => {
    const all = await bundle(`import * as all from "${entryPoint}"; globalThis.x = all;`, isForNode);
    assert.ok(all.length > 500);
    const nothing = await bundle(`import "${entryPoint}";`, isForNode);
    // Imports of other packages stay where those do not say that they have no effects.
    assert.match(nothing, isForNode ? /^(import\s*"[^"]+";\s*)*$/ : /^$/);
  });
}

for (const [name, entryPoint, kilobytes] of [
  ["VIRTIO_F_VERSION_1", "virtio-emulator/wire", 1],
  ["VirtioUsageError", "virtio-emulator", 1],
  // The checks of options take 4 of each of these, once in a program.
  ["GuestMemory", "virtio-emulator", 9],
  ["RngDevice", "virtio-emulator", 12],
  ["MmioTransport", "virtio-emulator", 13],
  ["DeviceEndpoint", "virtio-emulator/adapters/worker", 9],
  // buffer-layout, which everything that knows structs needs, takes 18 of each of these.
  ["GuestAllocator", "virtio-emulator/driver", 34],
  ["readScanoutRgba", "virtio-emulator/backends/display/memory", 32],
  ["TerminalDisplay", "virtio-emulator/backends/display/terminal", 40],
  // Without the cases of the kit, which take 400; 45 are what it says of the statements that bind drivers.
  ["DriverChecker", "virtio-emulator/conformance", 190],
] as const) {
  test(`${name} of ${entryPoint} takes ${kilobytes} kB at most`, async () => {
    const bytes = await bytesOf(name, entryPoint);
    assert.ok(bytes > 0 && bytes <= kilobytes * 1000, `${bytes} bytes`);
  });
}

test("the root takes no more than the layer it comes from", async () => {
  assert.is(await bytesOf("GpuDevice", "virtio-emulator"), await bytesOf("GpuDevice", "virtio-emulator/gpu"));
});

test.run();
