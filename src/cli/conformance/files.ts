/** The files that the command reads and writes. */
import { readFileSync } from "node:fs";
import { VirtioUsageError } from "../../base/errors.ts";
import { type Expectations, parseExpectations } from "../../conformance/reports/index.ts";
import { type Output, openOutputs } from "../outputs.ts";
import { UsageError } from "../usage-error.ts";
import type { ConformanceOptions } from "./options.ts";

/** What is to be written, each known to be writable; null where it is not wanted. */
export type Outputs = Readonly<Record<"json" | "junit" | "html" | "expect", Output | null>>;

/** Opens what is to be written. Throws {@link UsageError} before anything has run. */
export function openReports({ json, junit, html, writeExpect }: ConformanceOptions): Outputs {
  return openOutputs({
    json: { option: "--json", to: json },
    junit: { option: "--junit", to: junit },
    html: { option: "--html", to: html },
    expect: { option: "--write-expect", to: writeExpect },
  });
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
  if (path === "-") return [];
  try {
    readFileSync(path);
  } catch {
    return [];
  }
  return readExpectations(path, option);
}
