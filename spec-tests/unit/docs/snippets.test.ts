// README and the guides say nothing that is not so: their code is that of the examples, their commands, options, files and
// entry points exist.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { buildCommandLine } from "../../support/command-line.ts";
import { examples, guides, snippetsOf } from "../../support/guides.ts";

const test = suite("guides");
const programs = examples();
const manifest = JSON.parse(readFileSync("package.json", "utf8")) as {
  readonly name: string;
  readonly files: readonly string[];
  readonly scripts: Record<string, string>;
  readonly exports: Record<string, unknown>;
};

/** Whether a file of the repository is in the package. */
function isPacked(path: string): boolean {
  const always = ["package.json", "README.md", "LICENSE"];
  return [...always, ...manifest.files].some((pattern) => {
    const expression = pattern.replaceAll(".", "\\.").replaceAll("*", "[^/]*");
    return new RegExp(`^${expression}(/|$)`).test(path);
  });
}

const helpOf = new Map<string, string>();

/** The help of the command line or of one of its commands. */
function help(command: string): string {
  let text = helpOf.get(command);
  if (text === undefined) {
    buildCommandLine();
    text = spawnSync(process.execPath, ["dist/cli.js", ...(command === "" ? [] : [command]), "--help"], {
      encoding: "utf8",
    }).stdout;
    helpOf.set(command, text);
  }
  return text;
}

for (const guide of guides()) {
  const text = readFileSync(guide, "utf8");

  test(`${guide}: all code is that of an example`, () => {
    for (const { line, language, code } of snippetsOf(guide)) {
      if (!["ts", "js"].includes(language)) {
        assert.ok(
          ["sh", "text", "json", "html"].includes(language),
          `${guide}:${line}: a block of "${language}"`,
        );
        continue;
      }
      const origin = programs.find((example) => example.text.includes(code));
      assert.ok(origin !== undefined, `${guide}:${line} stands in no example`);
      assert.ok(text.includes(origin.path), `${guide} does not name ${origin.path}`);
    }
  });

  test(`${guide}: commands, options and entry points exist`, () => {
    for (const [, name = ""] of text.matchAll(/npm run (?:--silent )?([a-z:]+)/g)) {
      assert.ok(name in manifest.scripts, `npm run ${name}`);
    }
    const commands = /virtio-emulator ((?:demo|conformance|compare-linux|share|vdmabuf)\b[^\n`|#]*)/g;
    for (const [, call = ""] of text.matchAll(commands)) {
      const [command = "", ...words] = call.trim().split(/\s+/);
      for (const [option] of words.join(" ").matchAll(/--[a-z-]+/g)) {
        assert.match(help(command), new RegExp(`${option}\\b`), `${command} ${option}`);
      }
    }
    for (const [, path = ""] of text.matchAll(/["`]virtio-emulator(\/[a-z0-9/-]+)["`]/g)) {
      assert.ok(`.${path}` in manifest.exports, path);
    }
    for (const [, name = ""] of text.matchAll(/npm run example -- ([\w/-]+)/g)) {
      assert.ok(name === "GUIDE/NAME" || existsSync(`examples/${name}.ts`), name);
    }
  });

  test(`${guide}: links lead to files, and those of the package to files of the package`, () => {
    for (const [, target = ""] of text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)) {
      if (/^https?:/.test(target)) continue;
      const path = normalize(join(dirname(guide), target))
        .replaceAll("\\", "/")
        .replace(/\/$/, "");
      assert.ok(existsSync(path), `${guide} links to ${path}`);
      assert.ok(isPacked(path), `${guide} is packed, ${path} is not`);
    }
  });
}

test("every guide and every entry point stands in the index, and README leads there", () => {
  const index = readFileSync("docs/README.md", "utf8");
  for (const guide of guides()) {
    if (!guide.startsWith("docs/") || guide === "docs/README.md") continue;
    assert.ok(index.includes(`(${guide.slice("docs/".length)})`), guide);
  }
  for (const subpath of Object.keys(manifest.exports)) {
    if (subpath !== "./package.json")
      assert.ok(index.includes(`\`virtio-emulator${subpath.slice(1)}\``), subpath);
  }
  assert.match(readFileSync("README.md", "utf8"), /\(docs\/README\.md\)/);
});

test.run();
