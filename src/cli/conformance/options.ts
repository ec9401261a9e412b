/** What the command takes. */
import { InvalidArgumentError } from "commander";
import type { RunOptions } from "../../conformance/index.ts";

/** Everything that can be put under test without bringing something along, by the name the command line gives it. */
export const TARGET_NAMES = ["builtin-mmio", "builtin-pci", "qemu-mmio", "qemu-pci"] as const;

/** One of {@link TARGET_NAMES}. */
export type KnownTargetName = (typeof TARGET_NAMES)[number];
/** One of {@link TARGET_NAMES}, or the path of a module that exports a target. */
export type TargetName = KnownTargetName | `${string}${ModuleExtension}`;
type ModuleExtension = ".js" | ".mjs";

/** Whether a name is the path of a module. */
export function isModulePath(name: string): name is `${string}${ModuleExtension}` {
  return /\.m?js$/.test(name);
}

/** One of several parts of a run, each of which runs some of the cases. */
export interface Shard {
  /** From 0. */
  readonly index: number;
  readonly count: number;
}

/** The options, as parsed. */
export interface ConformanceOptions {
  readonly target: readonly TargetName[];
  readonly device?: readonly string[];
  readonly format: "split" | "packed" | "both";
  readonly filter?: readonly string[];
  readonly shard?: Shard;
  readonly json?: string | true;
  readonly junit?: string;
  readonly html?: string;
  readonly list?: true;
  readonly qemu?: string;
  readonly isolate?: true;
  /** Seconds. */
  readonly timeout?: number;
  readonly expect?: string;
  readonly writeExpect?: string;
  readonly spec?: string;
  readonly explain?: readonly string[];
}

const MAX_SHARDS = 10_000;
const LEAST_SECONDS = 0.1;
const MOST_SECONDS = 3600;

/** Parses the names of targets, or paths of modules, separated by commas. */
export function parseTargets(text: string): readonly TargetName[] {
  const known: readonly string[] = TARGET_NAMES;
  const names = parseNames(text);
  const unknown = names.find((name) => !known.includes(name) && !isModulePath(name));
  if (unknown === undefined) return names as TargetName[];
  throw new InvalidArgumentError(
    `${JSON.stringify(unknown)} is unknown: choose from ${TARGET_NAMES.join(", ")}, or give the path of a .js or ` +
      ".mjs file that exports a target of your own; several are separated by commas.",
  );
}

/** The limits of a run, from what one call may take, in seconds: a case may take twice as long. */
export function limitsFor(seconds: number | undefined): Pick<RunOptions, "callTimeoutMs" | "caseTimeoutMs"> {
  return seconds === undefined ? {} : { callTimeoutMs: seconds * 1000, caseTimeoutMs: 2 * seconds * 1000 };
}

/** Parses a time in seconds. */
export function parseSeconds(text: string): number {
  const seconds = /^\d{1,6}(\.\d{1,3})?$/.test(text) ? Number(text) : 0;
  if (seconds >= LEAST_SECONDS && seconds <= MOST_SECONDS) return seconds;
  throw new InvalidArgumentError(`Give seconds, from ${LEAST_SECONDS} to ${MOST_SECONDS}.`);
}

/** Parses names separated by commas; each counts once. */
export function parseNames(text: string): string[] {
  const names = [...new Set(text.split(",").map((name) => name.trim()))];
  if (names.includes("")) throw new InvalidArgumentError("Give names, separated by commas.");
  return names;
}

/** Parses `2/4`, the second of four. */
export function parseShard(text: string): Shard {
  const [, part, parts] = /^(\d{1,5})\/(\d{1,5})$/.exec(text) ?? [];
  const index = Number(part) - 1;
  const count = Number(parts);
  if (index >= 0 && index < count && count <= MAX_SHARDS) return { index, count };
  throw new InvalidArgumentError(
    "Give a part and the number of parts, from 1/1 on: 2/4 is the second of four.",
  );
}

/** Collects the values of an option that may be given several times. */
export function collect(text: string, before: readonly string[] | undefined): readonly string[] {
  if (text === "") throw new InvalidArgumentError("Give a pattern.");
  return [...(before ?? []), text];
}
