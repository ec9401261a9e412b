// Examples, and with them all code of the guides, compile in a strict project that has installed the package.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { docExamples, exportsOf, moduleOf } from "../../support/doc-examples.ts";
import { examples } from "../../support/guides.ts";
import { InstalledPackage } from "../../support/installed-package.ts";

const test = suite("strict types");
const FOLDER = ".build/installed";
const ENGINE = ["ES2023", "ES2024.SharedMemory"];
/** What runs on a page or in its workers. */
const OF_BROWSERS = /^examples\/browser\/(page|device\.worker|guest\.worker)\.ts$/;

let installed: InstalledPackage;

test.before(async () => {
  installed = await InstalledPackage.install(FOLDER);
  for (const { path, text } of examples()) {
    mkdirSync(join(FOLDER, dirname(path)), { recursive: true });
    writeFileSync(join(FOLDER, path), text);
  }
});

const paths = examples().map(({ path }) => path);

test("the examples for Node", () => {
  const files = paths.filter((path) => !OF_BROWSERS.test(path));
  // v86 declares itself with types of the DOM, and not without faults.
  const errors = installed.check(files, ["ES2023", "DOM"], { types: ["node"], skipLibCheck: true });
  assert.equal(errors, []);
});

test("the examples for browsers, without Node's types", () => {
  const files = paths.filter((path) => OF_BROWSERS.test(path));
  assert.is(files.length, 3);
  assert.equal(installed.check(files, ["ES2023", "DOM", "DOM.Iterable"], { types: [] }), []);
});

test("what runs anywhere has types that need neither the DOM nor Node", () => {
  const names = [
    "",
    "/base",
    "/wire",
    "/memory",
    "/virtqueue",
    "/device",
    "/transport/mmio",
    "/transport/pci",
    "/gpu",
  ];
  names.push("/rng", "/render", "/vdmabuf", "/driver", "/driver/kms", "/conformance", "/adapters/worker");
  names.push(
    "/backends/display/memory",
    "/backends/display/paced",
    "/backends/display/canvas",
    "/adapters/v86",
  );
  const imports = names.map((name, index) => `import type * as all${index} from "virtio-emulator${name}";`);
  const uses = names.map((_name, index) => `export type T${index} = keyof typeof all${index};`);
  writeFileSync(join(FOLDER, "anywhere.ts"), [...imports, ...uses].join("\n"));
  const errors = installed.check(["anywhere.ts"], ENGINE, { types: [], skipLibCheck: false });
  assert.equal(errors, []);
});

test("the examples of docstrings", () => {
  const { exports } = JSON.parse(readFileSync("package.json", "utf8")) as { exports: Record<string, never> };
  const names = exportsOf(exports, join(FOLDER, "node_modules/virtio-emulator"));
  const found = docExamples("src");
  assert.ok(found.length > 200);
  mkdirSync(join(FOLDER, "docstrings"), { recursive: true });
  const places = new Map<string, string>();
  for (const [index, example] of found.entries()) {
    const file = `docstrings/${index}.ts`;
    places.set(file, example.place);
    writeFileSync(join(FOLDER, file), moduleOf(example, names));
  }
  const errors = installed.check([...places.keys()], ["ES2023", "DOM"], {
    types: ["node"],
    skipLibCheck: true,
    noUnusedLocals: false,
    verbatimModuleSyntax: false,
  });
  assert.equal(
    errors.map((error) =>
      error.replace(/^.*(docstrings\/\d+\.ts):\d+/, (_, file) => places.get(file) ?? file),
    ),
    [],
  );
});

test.run();
