import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { relative, resolve } from "node:path";
import { Worker } from "node:worker_threads";
import * as esbuild from "esbuild";
import type { Mutant } from "./mutant.ts";

/** How the compiled sources are loaded: each as a function, fresh for every mutant, in a thread that is kept. */
const THREAD = `
  const { createRequire } = require("node:module");
  const { posix } = require("node:path");
  const { parentPort, workerData } = require("node:worker_threads");
  const outside = createRequire(workerData.root);
  const sources = require(workerData.sources);

  function load(changed) {
    const loaded = new Map();
    const get = (path) => {
      const known = loaded.get(path);
      if (known !== undefined) return known.exports;
      const module = { exports: {} };
      loaded.set(path, module);
      const body = changed[path] === undefined
        ? sources[path]
        : new Function("exports", "require", "module", changed[path]);
      const from = posix.dirname(path);
      const find = (name) =>
        name.startsWith(".") ? get(posix.join(from, name)) : workerData.stands[name] ? get(workerData.stands[name]) : outside(name);
      body(module.exports, find, module);
      return module.exports;
    };
    return { run: get(workerData.entry).run, get };
  }

  let running = false;
  const end = (result) => {
    // Timers that a mutant left behind are nobody's business any more.
    if (running) parentPort.postMessage(result);
    running = false;
  };
  const fail = (error) => end({ error: error instanceof Error ? error.message : String(error) });
  process.on("uncaughtException", fail);
  parentPort.on("message", async ({ changed, input }) => {
    running = true;
    try {
      const { run, get } = load(changed);
      end({ value: await run(input, get) });
    } catch (error) {
      fail(error);
    }
  });
`;

/**
 * Makes mutants: compiles the sources an entry file needs once, and for each mutant the few that it edits, and runs the
 * entry in another thread, which is replaced when it takes too long: broken code may spin.
 *
 * The entry exports `run(input, load)`, which returns (a promise of) plain data; `load` loads one of the other files.
 */
export class Workshop {
  readonly #entry: string;
  readonly #folder: string;
  readonly #more: readonly string[];
  readonly #stands: Readonly<Record<string, string>>;
  #sources: Promise<string> | null = null;
  #thread: Worker | null = null;

  /**
   * `entry` is a path from the root of the repository, as `more` are, which the entry may load; `name` names the folder
   * below .build. Packages in `stands` are replaced by these files, which the entry imports, too.
   */
  constructor(
    entry: string,
    name: string,
    more: readonly string[] = [],
    stands: Readonly<Record<string, string>> = {},
  ) {
    this.#entry = entry;
    this.#more = more;
    this.#stands = stands;
    this.#folder = `.build/mutants/${name}-${process.pid}`;
  }

  /** Runs the entry with a mutant, or with the sources as they are for null. Rejects when an edit does not apply. */
  async run(mutant: Pick<Mutant, "edits"> | null, input: unknown, timeoutMs = 60_000): Promise<unknown> {
    const changed = await compileMutant(mutant);
    this.#sources ??= compileSources([this.#entry, ...this.#more], this.#folder);
    const sources = await this.#sources;
    this.#thread ??= new Worker(THREAD, {
      eval: true,
      workerData: { sources, entry: this.#entry, stands: this.#stands, root: resolve("package.json") },
    });
    const thread = this.#thread;
    let timer: NodeJS.Timeout | undefined;
    try {
      const { value, error } = await new Promise<{ value?: unknown; error?: string }>((done, reject) => {
        timer = setTimeout(() => reject(new Error(`no end after ${timeoutMs} ms`)), timeoutMs);
        thread.once("message", done);
        thread.once("error", reject);
        thread.once("exit", (exitCode) => reject(new Error(`the thread ended with ${exitCode}`)));
        thread.postMessage({ changed, input });
      });
      if (error !== undefined) throw new Error(error);
      return value;
    } catch (error) {
      // It may spin, or hold what the mutant left behind.
      this.#thread = null;
      await thread.terminate();
      throw error;
    } finally {
      clearTimeout(timer);
      for (const event of ["message", "error", "exit"]) thread.removeAllListeners(event);
    }
  }

  /** Ends the thread and removes what was compiled. */
  async close(): Promise<void> {
    await this.#thread?.terminate();
    this.#thread = null;
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Writes a module with a function for every source the entries need; returns its path. */
async function compileSources(entries: readonly string[], folder: string): Promise<string> {
  const { metafile } = await esbuild.build({
    entryPoints: [...entries],
    outdir: folder,
    bundle: true,
    format: "esm",
    platform: "node",
    packages: "external",
    write: false,
    metafile: true,
    logLevel: "silent",
  });
  const functions = await Promise.all(
    Object.keys(metafile.inputs).map(async (path) => {
      const code = await compile(path, readFileSync(path, "utf8"));
      return `${JSON.stringify(path)}: function (exports, require, module) {\n${code}\n}`;
    }),
  );
  mkdirSync(folder, { recursive: true });
  const file = resolve(folder, "sources.cjs");
  writeFileSync(file, `"use strict";\nmodule.exports = {\n${functions.join(",\n")}\n};\n`);
  return file;
}

/** The sources that a mutant edits, compiled: path → code. */
async function compileMutant(mutant: Pick<Mutant, "edits"> | null): Promise<Record<string, string>> {
  const changed: Record<string, string> = {};
  const edits = mutant?.edits ?? [];
  for (const file of new Set(edits.map((edit) => edit.file))) {
    if (!existsSync(file))
      throw new Error(`${file} holds 0 times, not once: anything, for it does not exist`);
    const own = edits.filter((edit) => edit.file === file);
    const path = relative(".", file).replaceAll("\\", "/");
    changed[path] = await compile(path, applyEdits(readFileSync(file, "utf8"), own));
  }
  return changed;
}

async function compile(path: string, source: string): Promise<string> {
  try {
    const { code } = await esbuild.transform(source, {
      loader: path.endsWith(".json") ? "json" : "ts",
      format: "cjs",
      platform: "node",
      target: "es2022",
      sourcefile: path,
      logLevel: "silent",
    });
    return code;
  } catch (error) {
    throw new Error(`Build failed: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Applies edits to a text. Throws when a `find` does not stand there exactly once. */
export function applyEdits(text: string, edits: Mutant["edits"]): string {
  let result = text;
  for (const { file, find, replace } of edits) {
    const count = result.split(find).length - 1;
    if (count !== 1) throw new Error(`${file} holds ${count} times, not once: ${find}`);
    result = result.replace(find, () => replace);
  }
  return result;
}
