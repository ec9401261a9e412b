/** The files that the command reads and writes. */
import { readFileSync } from "node:fs";
import { VirtioUsageError } from "../../base/errors.ts";
import { type Expectations, parseExpectations } from "../../conformance/reports/index.ts";
import { OutputFile } from "../demo/output-file.ts";
import { UsageError } from "../usage-error.ts";
import type { ConformanceOptions } from "./options.ts";

/** Files to write, each known to be writable; null where none is wanted. */
export interface Outputs {
  readonly json: OutputFile | "stdout" | null;
  readonly junit: OutputFile | null;
  readonly html: OutputFile | null;
  readonly expect: OutputFile | null;
}

const NAMES = ["json", "junit", "html", "writeExpect"] as const;
const OPTIONS = { json: "--json", junit: "--junit", html: "--html", writeExpect: "--write-expect" } as const;

/** Opens what is to be written. Throws {@link UsageError} before anything has run. */
export function openOutputs(options: ConformanceOptions): Outputs {
  const files = new Map<(typeof NAMES)[number], OutputFile>();
  for (const name of NAMES) {
    const path = options[name];
    if (path === undefined || (name === "json" && path === "-")) continue;
    if (path === "") throw new UsageError(`${OPTIONS[name]} is empty: give the name of a file.`);
    const file = OutputFile.open(path, OPTIONS[name]);
    const other = [...files].find(([, opened]) => opened.path === file.path);
    if (other !== undefined) {
      throw new UsageError(
        `${OPTIONS[other[0]]} and ${OPTIONS[name]} name the same file: give each its own.`,
      );
    }
    files.set(name, file);
  }
  return {
    json: options.json === "-" ? "stdout" : (files.get("json") ?? null),
    junit: files.get("junit") ?? null,
    html: files.get("html") ?? null,
    expect: files.get("writeExpect") ?? null,
  };
}

/** Reads expected results. Throws {@link UsageError} when they are missing or no such thing. */
export function readExpectations(path: string, option: string): Expectations[] {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reason =
      code === "ENOENT" ? "there is no such file" : code === "EISDIR" ? "it is a folder" : message;
    throw new UsageError(`cannot read ${path} for ${option}: ${reason}.`);
  }
  try {
    return parseExpectations(text);
  } catch (error) {
    if (!(error instanceof VirtioUsageError)) throw error;
    throw new UsageError(`${path} holds no expected results: it ${error.message}.`);
  }
}

/** What stands in the file that is to be written anew, if it exists. */
export function readIfThere(path: string, option: string): Expectations[] {
  try {
    readFileSync(path);
  } catch {
    return [];
  }
  return readExpectations(path, option);
}
