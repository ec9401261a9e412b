import { isUint8Array } from "./brands.ts";
import { VirtioUsageError } from "./errors.ts";

// What comes from outside is checked by name, type and range, JavaScript having no compiler that does it. Rules are plain
// data, so that bundlers drop those of classes that nobody uses, and a type with a new field does not compile without one.

/** What the value of an option may be. */
export type OptionRule =
  | "boolean"
  | "bytes"
  | "function"
  | "null"
  | "object"
  | "string"
  /** Of 64 bits, a bigint or a number; whether something is there its user knows. */
  | "address"
  /** An integer from the first to the last, both included. */
  | readonly [first: number, last: number]
  /** Any number from the first to the last, both included: a rate or a time. None is infinite. */
  | { readonly number: readonly [first: number, last: number] }
  | { readonly oneOf: readonly (string | number | boolean)[] }
  | { readonly either: readonly OptionRule[] }
  | { readonly each: OptionRule }
  /** An object with options of its own. */
  | { readonly fields: Readonly<Record<string, OptionRule>>; readonly required?: readonly string[] }
  /** Whole numbers from 1 on, with the names that this object has. */
  | { readonly counts: object }
  /** An object that can do something: it has all of these methods and properties. */
  | { readonly like: string; readonly has: readonly string[] };

/** A rule for each option there is. */
export type OptionRules<T> = { readonly [Name in keyof T]-?: OptionRule };

/** Most entries a queue can have (virtio 1.4, section 2.6). */
const LARGEST_QUEUE = 32768;
/** A queue's largest size. What a ring format demands beyond that (a power of two) is up to the driver's choice of a smaller size. */
export const QUEUE_SIZE_RULE: OptionRule = [1, LARGEST_QUEUE];
/** A whole number that may be 0. */
export const COUNT_FROM_0_RULE: OptionRule = [0, Number.MAX_SAFE_INTEGER];
/** A number of things, at least one. */
export const COUNT_RULE: OptionRule = [1, Number.MAX_SAFE_INTEGER];
/** An unsigned number of 16 or 32 bits. */
export const U16_RULE: OptionRule = [0, 0xffff];
export const U32_RULE: OptionRule = [0, 0xffffffff];
/** Milliseconds that a timer can wait: more of them would be over at once. */
export const TIMER_MS_RULE: OptionRule = { number: [0, 0x7fffffff] };

/**
 * Checks the options that the embedder gave to `where`, the name of a class or function. Throws {@link VirtioUsageError} with what
 * would be right for the first option that is unknown, missing, or of the wrong type or size. An option that is undefined
 * counts as left out.
 */
export function checkOptions<T extends object>(
  where: string,
  options: T,
  rules: OptionRules<T>,
  required: readonly (keyof T & string)[] = [],
): void {
  checkFields(`${where}: `, "", options, rules, required);
}

/**
 * Checks an argument that is no option: what `where`, a class or function, stands on. Throws {@link VirtioUsageError} with what
 * would be right; undefined is wrong unless the rule takes it.
 */
export function checkArgument(where: string, name: string, value: unknown, rule: OptionRule): void {
  checkValue(`${where}: `, name, value, rule);
}

function checkFields(
  where: string,
  path: string,
  options: unknown,
  rules: Readonly<Record<string, OptionRule>>,
  required: readonly string[],
): void {
  if (!isObject(options) || Array.isArray(options)) {
    throw misfit(where + (path || "the options"), options, { fields: rules });
  }
  const prefix = path === "" ? "" : `${path}.`;
  for (const name of Object.keys(options)) {
    const value = options[name];
    const rule = Object.hasOwn(rules, name) ? rules[name] : undefined;
    if (rule === undefined) {
      throw new VirtioUsageError(`${where}${prefix}${name} is unknown: ${suggest(name, Object.keys(rules))}`);
    }
    if (value !== undefined) checkValue(where, prefix + name, value, rule);
  }
  for (const name of required) {
    if (options[name] !== undefined) continue;
    throw new VirtioUsageError(
      `${where}${prefix}${name} is missing: pass ${describe(rules[name] ?? "object")}`,
    );
  }
}

/** The options with the defaults of those left out. An option that is undefined counts as left out. */
export function withDefaults<T extends object>(
  defaults: T,
  options: { readonly [Name in keyof T]?: T[Name] | undefined } | undefined,
): T {
  const complete = { ...defaults };
  for (const name in options) {
    const value = options[name];
    if (value !== undefined) complete[name] = value;
  }
  return complete;
}

function checkValue(where: string, path: string, value: unknown, rule: OptionRule): void {
  if (!fits(value, rule)) throw misfit(where + path, value, rule);
  if (typeof rule === "string" || Array.isArray(rule)) return;
  const deep = rule as Exclude<OptionRule, string | readonly [number, number]>;
  if ("fields" in deep) checkFields(where, path, value, deep.fields, deep.required ?? []);
  if ("either" in deep) {
    const first = deep.either.find((one) => fits(value, one));
    if (first !== undefined) checkValue(where, path, value, first);
  }
  if ("counts" in deep) {
    const names = Object.keys(deep.counts).map((name) => [name, COUNT_RULE] as const);
    checkFields(where, path, value, Object.fromEntries(names), []);
  }
  if ("each" in deep) {
    const list = value as readonly unknown[];
    for (let i = 0; i < list.length; i++) checkValue(where, `${path}[${i}]`, list[i], deep.each);
  }
}

/** Whether the value itself is of the right kind; its contents are checked later. */
function fits(value: unknown, rule: OptionRule): boolean {
  switch (rule) {
    case "bytes":
      return isUint8Array(value);
    case "null":
      return value === null;
    case "object":
      return isObject(value) && !Array.isArray(value);
    case "address":
      return typeof value === "bigint"
        ? value >= 0n && value >> 64n === 0n
        : Number.isSafeInteger(value) && (value as number) >= 0;
    case "boolean":
    case "function":
    case "string":
      return typeof value === rule;
  }
  if ("oneOf" in rule) return rule.oneOf.some((one) => one === value);
  if ("either" in rule) return rule.either.some((one) => fits(value, one));
  if ("each" in rule) return Array.isArray(value);
  if ("number" in rule) {
    return typeof value === "number" && value >= rule.number[0] && value <= rule.number[1];
  }
  if ("fields" in rule || "counts" in rule) return isObject(value) && !Array.isArray(value);
  if ("like" in rule) return isObject(value) && rule.has.every((name) => value[name] !== undefined);
  return Number.isInteger(value) && (value as number) >= rule[0] && (value as number) <= rule[1];
}

function describe(rule: OptionRule): string {
  switch (rule) {
    case "boolean":
      return "true or false";
    case "bytes":
      return "a Uint8Array";
    case "address":
      return "an address of 64 bits: a bigint, or an integer below 2^53";
    case "function":
    case "string":
      return `a ${rule}`;
    case "null":
      return "null";
    case "object":
      return "an object";
  }
  if ("oneOf" in rule) return `one of ${rule.oneOf.map(show).join(", ")}`;
  if ("either" in rule) return rule.either.map(describe).join(", or ");
  if ("each" in rule) return `a list, each entry ${describe(rule.each)}`;
  if ("fields" in rule) return `an object with ${Object.keys(rule.fields).join(", ")}`;
  if ("number" in rule) return `a number from ${rule.number[0]} to ${rule.number[1]}`;
  if ("counts" in rule) return `an object with ${Object.keys(rule.counts).join(", ")}`;
  if ("like" in rule) return rule.has.length === 0 ? rule.like : `${rule.like}, with ${rule.has.join(", ")}`;
  return rule[1] === Number.MAX_SAFE_INTEGER
    ? `an integer from ${rule[0]} on, below 2^53`
    : `an integer from ${rule[0]} to ${rule[1]}`;
}

function misfit(path: string, value: unknown, rule: OptionRule): VirtioUsageError {
  return new VirtioUsageError(`${path} is ${show(value)}, not ${describe(rule)}`);
}

function show(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object" && value !== null) return "an object";
  if (typeof value === "function") return "a function";
  return typeof value === "string"
    ? `"${value.slice(0, 40)}"`
    : `${String(value)}${typeof value === "bigint" ? "n" : ""}`;
}

/** More than a single letter, less than two. */
const PART_DISTANCE = 1.5;

/** The option that was most likely meant, or all there are. */
export function suggest(name: string, known: readonly string[]): string {
  let best = "";
  let least = Math.max(2, Math.floor(name.length / 3)) + 1;
  for (const one of known) {
    const cost = distance(name.toLowerCase(), one.toLowerCase());
    if (cost < least) {
      least = cost;
      best = one;
    }
  }
  if (best !== "") return `did you mean ${best}?`;
  return known.length === 0 ? "there are no options" : `choose from ${known.join(", ")}`;
}

/** How far apart two words are: letters to insert, drop and replace; little where one begins or ends with the other. */
function distance(a: string, b: string): number {
  if (a === b) return 0;
  const [short, long] = a.length < b.length ? [a, b] : [b, a];
  const isPart = short.length > 2 && (long.startsWith(short) || long.endsWith(short));
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  const edits = row[b.length] ?? 0;
  return isPart ? Math.min(edits, PART_DISTANCE) : edits;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}
