import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Programs of this folder, compiled on demand into a temporary folder. */
export class NativePrograms {
  readonly #report: (line: string) => void;
  readonly #paths = new Map<string, string | null>();
  #folder: string | null = null;

  constructor(report: (line: string) => void) {
    this.#report = report;
  }

  /** Path of the compiled program, null (and one line said) when there is no working compiler. */
  path(name: string): string | null {
    const known = this.#paths.get(name);
    if (known !== undefined) return known;
    const path = this.#compile(name);
    this.#paths.set(name, path);
    return path;
  }

  #compile(name: string): string | null {
    this.#folder ??= mkdtempSync(join(tmpdir(), "virtio-bench-"));
    const compiler = process.env["CC"] ?? "cc";
    const output = join(this.#folder, name);
    const flags = ["-std=c11", "-O2", "-fno-strict-aliasing", "-D_POSIX_C_SOURCE=200809L"];
    const { status, error, stderr } = spawnSync(
      compiler,
      [...flags, "-o", output, `scripts/bench/c/${name}.c`],
      { encoding: "utf8" },
    );
    if (status === 0) return output;
    const reason =
      error === undefined ? (stderr.split("\n").find((line) => line !== "") ?? "failed") : error.message;
    this.#report(`no comparison with C: ${compiler}: ${reason}`);
    return null;
  }

  remove(): void {
    if (this.#folder !== null) rmSync(this.#folder, { recursive: true, force: true });
  }
}
