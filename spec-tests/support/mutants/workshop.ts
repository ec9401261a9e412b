import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";
import * as esbuild from "esbuild";
import type { Mutant } from "./mutant.ts";

/**
 * Makes mutants: bundles an entry file again and again, each time with the edits of one mutant, and runs each bundle in a
 * thread of its own, which is ended when it takes too long: broken code may spin.
 *
 * The entry exports `run(input)`, which returns (a promise of) plain data.
 */
export class Workshop {
  readonly #entry: string;
  readonly #folder: string;
  #context: esbuild.BuildContext | null = null;
  #mutant: Mutant | null = null;
  #count = 0;

  /** `entry` is a path from the root of the repository; `name` names the folder below .build. */
  constructor(entry: string, name: string) {
    this.#entry = entry;
    this.#folder = `.build/mutants/${name}-${process.pid}`;
  }

  /** Runs the entry with a mutant, or with the sources as they are for null. Rejects when an edit does not apply. */
  async run(mutant: Mutant | null, input: unknown, timeoutMs = 60_000): Promise<unknown> {
    const bundle = await this.#build(mutant);
    const code = `
      import { parentPort, workerData } from "node:worker_threads";
      const { run } = await import(workerData.bundle);
      parentPort.postMessage(await run(workerData.input));
    `;
    const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`), {
      workerData: { bundle: pathToFileURL(resolve(bundle)).href, input },
    });
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise<unknown>((done, reject) => {
        timer = setTimeout(() => reject(new Error(`no end after ${timeoutMs} ms`)), timeoutMs);
        worker.once("message", done);
        worker.once("error", reject);
        worker.once("exit", (exitCode) => reject(new Error(`the thread ended with ${exitCode}`)));
      });
    } finally {
      clearTimeout(timer);
      await worker.terminate();
    }
  }

  /** Ends the compiler and removes the bundles. */
  async close(): Promise<void> {
    await this.#context?.dispose();
    this.#context = null;
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #build(mutant: Mutant | null): Promise<string> {
    this.#mutant = mutant;
    this.#context ??= await esbuild.context({
      entryPoints: [this.#entry],
      bundle: true,
      format: "esm",
      platform: "node",
      target: "es2022",
      packages: "external",
      write: false,
      logLevel: "silent",
      plugins: [
        {
          name: "edits",
          setup: (build) => {
            build.onLoad({ filter: /[/\\]src[/\\].*\.ts$/ }, ({ path }) => this.#edited(path));
          },
        },
      ],
    });
    const { outputFiles } = await this.#context.rebuild();
    const bundle = `${this.#folder}/${this.#count++}.mjs`;
    mkdirSync(this.#folder, { recursive: true });
    writeFileSync(bundle, (outputFiles as esbuild.OutputFile[])[0]?.contents ?? "");
    return bundle;
  }

  #edited(path: string): esbuild.OnLoadResult | undefined {
    const edits = (this.#mutant?.edits ?? []).filter(({ file }) => resolve(file) === path);
    if (edits.length === 0) return undefined;
    return { contents: applyEdits(readFileSync(path, "utf8"), edits), loader: "ts" };
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
