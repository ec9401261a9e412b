// Bundles. Run as `node esbuild.config.mjs lib|tests|tools|examples`, or import build().
//
//   lib     the package's entry points and the command line   → dist/
//   tests   spec-tests/**/*.test.ts                           → .build/tests/spec-tests/…
//   tools   scripts/NAME/main.ts                              → .build/scripts/NAME/main.js
//   examples   examples/GUIDE/NAME.ts                         → .build/examples/GUIDE/NAME.js
//
// Every target is ES modules with shared chunks, packages and node: modules stay imports, source maps beside the
// files of tests and tools. All of dist is one graph, so that the command line and the library share their code.
//
// Workers. A file named *.worker.ts is the entry of a thread. Whoever starts it writes
//
//     new Worker(new URL("./device.worker.ts", import.meta.url))
//
// with the path of the worker's *source file*, relative to the file that says so, as a string literal. The build finds
// these URLs, bundles each worker as a file of its own in the same output folder as everything else, and rewrites
// each URL to that file as seen from the chunk in which the statement ended up. This holds in dist, in tests and
// in tools alike, whatever chunk esbuild moves the code to; nothing has to be listed anywhere.
//
// Several builds may run at once in one work tree: a file is only written when its content changes, by renaming a
// complete one into place, and old chunks stay for a day, since a running process may still load them.
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, posix, relative, resolve, sep } from "node:path";
import { pathToFileURL } from "node:url";
import * as esbuild from "esbuild";
import {
  commandLineEntryPoint,
  exampleFiles,
  libraryEntryPoints,
  root,
  testFiles,
  toolNames,
} from "./scripts/entry-points.mjs";

const WORKER_URL = /new URL\(\s*"(\.{1,2}\/[^"\n]+\.worker)\.ts"\s*,\s*import\.meta\.url\s*,?\s*\)/g;
const WORKER_MARK = /"virtio-worker:([^"\n]+)"/g;
const OLD_CHUNK_MS = 24 * 60 * 60 * 1000;

const toPosix = (path) => path.split(sep).join("/");

/** Marks the URLs of workers while loading, and collects which workers there are. */
function workerUrls(workers) {
  return {
    name: "worker-urls",
    setup(pluginBuild) {
      pluginBuild.onLoad({ filter: /\.ts$/ }, ({ path }) => {
        if (path.includes(`${sep}node_modules${sep}`)) return undefined;
        const text = readFileSync(path, "utf8");
        if (!text.includes(".worker.ts")) return undefined;
        const contents = text.replace(WORKER_URL, (_match, specifier) => {
          const source = toPosix(relative(root, resolve(dirname(path), `${specifier}.ts`)));
          workers.add(source);
          return `new URL("virtio-worker:${source}", import.meta.url)`;
        });
        return { contents, loader: "ts" };
      });
    },
  };
}

const targets = {
  lib: () => ({
    outdir: "dist",
    chunkNames: "chunks/[name]-[hash]",
    entries: [...libraryEntryPoints(), commandLineEntryPoint()]
      .filter(({ source }) => existsSync(join(root, source)))
      .map(({ source, output }) => ({ in: source, out: output })),
    workerOutput: (source) => source.replace(/^src\//, "").replace(/\.ts$/, ""),
    // Readable as it is, and maps are more than half of a package.
    options: { platform: "neutral", packages: "external", external: ["node:*"], sourcemap: false },
  }),
  tests: (files = testFiles()) => ({
    outdir: ".build/tests",
    chunkNames: "chunks/[name]-[hash]",
    entries: files.map((source) => ({ in: source, out: source.replace(/\.ts$/, "") })),
    workerOutput: (source) => source.replace(/\.ts$/, ""),
    // Tests look at whole modules by `import *`, and of constants that were put where they are used esbuild leaves none
    // behind for a namespace that passes them on.
    options: { platform: "node", packages: "external", minifySyntax: false },
  }),
  tools: (names = toolNames()) => ({
    outdir: ".build",
    chunkNames: "scripts/chunks/[name]-[hash]",
    entries: names.map((name) => ({ in: `scripts/${name}/main.ts`, out: `scripts/${name}/main` })),
    workerOutput: (source) => `scripts/workers/${source.replace(/\.ts$/, "")}`,
    options: { platform: "node", packages: "external" },
  }),
  // They import the package by its name, from dist.
  examples: (files = exampleFiles()) => ({
    outdir: ".build/examples",
    chunkNames: "chunks/[name]-[hash]",
    entries: files.map((source) => ({
      in: source,
      out: source.replace(/^examples\//, "").replace(/\.ts$/, ""),
    })),
    workerOutput: (source) => source.replace(/^examples\//, "").replace(/\.ts$/, ""),
    options: { platform: "node", packages: "external" },
  }),
};

/**
 * Builds one target. Rejects with esbuild's BuildFailure (its `errors` say what and where).
 * @param {"lib" | "tests" | "tools" | "examples"} target
 * @param {string[]} [selection]  for tests and examples: the files; for tools: the names; all when left out
 * @param {{ logLevel?: import("esbuild").LogLevel }} [settings]
 * @returns {Promise<string[]>} output paths, relative to the root
 */
export async function build(target, selection, { logLevel = "warning" } = {}) {
  const { outdir, chunkNames, entries, workerOutput, options } = targets[target](selection);
  if (entries.length === 0) return [];
  const workers = new Set();
  const built = new Set();
  let result;
  do {
    for (const worker of workers) built.add(worker);
    result = await esbuild.build({
      absWorkingDir: root,
      entryPoints: [...entries, ...[...built].map((source) => ({ in: source, out: workerOutput(source) }))],
      outdir,
      outbase: ".",
      chunkNames,
      bundle: true,
      splitting: true,
      format: "esm",
      target: "es2022",
      // Not for size: this is what puts constants (of files without imports) into the code that uses them. Otherwise they
      // are variables of the bundle, which the engine looks up and checks at each use.
      minifySyntax: true,
      sourcemap: true,
      write: false,
      logLevel,
      plugins: [workerUrls(workers)],
      ...options,
    });
  } while ([...workers].some((worker) => !built.has(worker)));

  const outputs = [];
  for (const file of result.outputFiles) {
    const path = toPosix(relative(root, file.path));
    outputs.push(path);
    if (!path.endsWith(".js") || built.size === 0) {
      writeIfChanged(file.path, file.contents);
      continue;
    }
    const here = posix.dirname(posix.relative(outdir, path));
    const text = file.text.replace(WORKER_MARK, (_match, source) => {
      const to = posix.relative(here, `${workerOutput(source)}.js`);
      return JSON.stringify(to.startsWith(".") ? to : `./${to}`);
    });
    writeIfChanged(file.path, Buffer.from(text));
  }
  removeOldChunks(join(root, outdir, posix.dirname(chunkNames)), new Set(outputs));
  return outputs;
}

function writeIfChanged(path, contents) {
  if (existsSync(path) && readFileSync(path).equals(contents)) return;
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}.tmp`;
  writeFileSync(temporary, contents);
  renameSync(temporary, path);
}

function removeOldChunks(folder, keep) {
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    if (keep.has(toPosix(relative(root, path)))) continue;
    if (Date.now() - statSync(path).mtimeMs > OLD_CHUNK_MS) rmSync(path, { force: true });
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [target, ...selection] = process.argv.slice(2);
  if (!Object.hasOwn(targets, target ?? "")) {
    process.stderr.write(
      `usage: node esbuild.config.mjs ${Object.keys(targets).join("|")} [FILE or NAME…]\n`,
    );
    process.exit(2);
  }
  try {
    await build(target, selection.length > 0 ? selection : undefined);
  } catch {
    process.exit(1); // esbuild has said what is wrong
  }
}
