import { VirtioUsageError } from "../../base/errors.ts";

// What a saved state is made of. A field reads a value of unknown origin and returns a copy of the proper type, or
// says what is wrong and where: all that follows works with the copy, never with what came from outside.

const U32 = 0xffffffff;

/** A place in a saved state: names of fields and positions in lists, from the outside in. */
export type StatePath = readonly (string | number)[];

/**
 * A saved state does not fit. The message is one sentence that names the place.
 *
 * @example
 * ```ts
 * try {
 *   registers.restore(JSON.parse(text));
 * } catch (error) {
 *   if (error instanceof SavedStateError) console.error(`not restored: ${error.message}`);
 * }
 * ```
 */
export class SavedStateError extends VirtioUsageError {
  readonly path: StatePath;
  readonly problem: string;

  constructor(path: StatePath, problem: string) {
    super(`saved state: ${formatPath(path)}${problem}`);
    this.path = path;
    this.problem = problem;
  }
}

function formatPath(path: StatePath): string {
  let text = "";
  for (const part of path) {
    if (typeof part === "number") text += `[${part}]`;
    else text += text === "" ? part : `.${part}`;
  }
  return text === "" ? "it " : `${text} `;
}

/** Refuses a state: `problem` goes on from the name of the place, as in `is 0, not a whole number in 1 … 16`. */
export function misfit(path: StatePath | string, problem: string): never {
  throw new SavedStateError(typeof path === "string" ? [path] : path, problem);
}

/** Runs what reads or checks something inside `key`, so that its errors name the whole path. */
export function inside<T>(key: string | number, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw movedInside(key, error);
  }
}

function movedInside(key: string | number, error: unknown): unknown {
  return error instanceof SavedStateError ? new SavedStateError([key, ...error.path], error.problem) : error;
}

/** Reads a value of a saved state, or throws {@link SavedStateError}. */
export type Field<T> = (value: unknown) => T;

/** What a field reads. */
export type Read<F> = F extends Field<infer T> ? T : never;

/** A value in a sentence. */
function described(value: unknown): string {
  if (value === undefined) return "is missing,";
  if (Array.isArray(value)) return `is a list of ${value.length},`;
  if (typeof value === "object" && value !== null) return "is an object,";
  if (typeof value !== "string") return `is ${String(value)},`;
  return value.length > 40 ? `is a text of ${value.length} characters,` : `is ${JSON.stringify(value)},`;
}

/** A whole number from `min` to `max`. Default 32 bits. */
export function whole(min = 0, max: number = U32): Field<number> {
  return (value) => {
    // Minus zero is no other number than zero, but a state that holds it does not come back as it was.
    if (typeof value === "number" && Number.isSafeInteger(value) && value >= min && value <= max)
      return value + 0;
    return misfit([], `${described(value)} not a whole number in ${min} … ${max}`);
  };
}

/** A count of bytes or a position, as large as numbers are exact. */
export const size: Field<number> = whole(0, Number.MAX_SAFE_INTEGER);

/** True or false. */
export const flag: Field<boolean> = (value) =>
  typeof value === "boolean" ? value : misfit([], `${described(value)} neither true nor false`);

/** A text of at most this many characters. */
export function text(maxLength: number): Field<string> {
  return (value) => {
    if (typeof value === "string" && value.length <= maxLength) return value;
    return misfit([], `${described(value)} not a text of at most ${maxLength} characters`);
  };
}

/** One of a few texts or numbers. */
export function oneOf<const T extends string | number>(values: readonly T[]): Field<T> {
  return (value) => {
    const found = values.find((each) => each === value);
    if (found !== undefined) return found;
    return misfit([], `${described(value)} not one of ${values.join(", ")}`);
  };
}

/** What may be null instead. */
export function orNull<T>(field: Field<T>): Field<T | null> {
  return (value) => (value === null ? null : field(value));
}

/** A list of at least `min` and at most `max` elements. */
export function list<T>(element: Field<T>, max: number, min = 0): Field<readonly T[]> {
  return (value) => {
    if (!Array.isArray(value)) return misfit([], `${described(value)} not a list`);
    // Before any element is looked at: what is beyond a limit costs nothing.
    if (value.length < min || value.length > max) {
      const wanted = min === max ? `${min}` : `${min} … ${max}`;
      return misfit([], `has ${value.length} elements, and there must be ${wanted}`);
    }
    const elements: T[] = [];
    // By position, so that the holes of a sparse list are not passed over.
    for (let i = 0; i < value.length; i++) {
      try {
        elements.push(element(value[i]));
      } catch (error) {
        throw movedInside(i, error);
      }
    }
    return elements;
  };
}

/** A list of exactly this many elements. */
export function listOf<T>(element: Field<T>, length: number): Field<readonly T[]> {
  return list(element, length, length);
}

type Fields = { readonly [name: string]: Field<unknown> };

/** An object with these fields. Others are passed over. */
export function record<F extends Fields>(fields: F): Field<{ readonly [K in keyof F]: Read<F[K]> }> {
  const entries = Object.entries(fields);
  return (value) => {
    const object = objectOf(value);
    const result: Record<string, unknown> = {};
    for (const [name, field] of entries) {
      try {
        result[name] = field(Object.hasOwn(object, name) ? object[name] : undefined);
      } catch (error) {
        throw movedInside(name, error);
      }
    }
    return result as { readonly [K in keyof F]: Read<F[K]> };
  };
}

/** What is read elsewhere. */
export const anything: Field<unknown> = (value) => (value === undefined ? misfit([], "is missing") : value);

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Readonly<Record<string, unknown>>;
  }
  return misfit([], `${described(value)} not an object`);
}

/** Turns the state of one version into one of the next, without looking whether it is sound. */
export type Lift = (state: Readonly<Record<string, unknown>>) => Readonly<Record<string, unknown>>;

/**
 * A state of any version as one of the newest. `lifts[0]` makes version 2 of version 1, and so on, so that the newest is
 * one more than there are lifts. Throws {@link SavedStateError} for a version that was never known here.
 */
export function lifted(state: unknown, lifts: readonly Lift[]): Readonly<Record<string, unknown>> {
  let object = objectOf(state);
  const newest = lifts.length + 1;
  const version = inside("version", () =>
    whole()(Object.hasOwn(object, "version") ? object["version"] : undefined),
  );
  if (version < 1 || version > newest) {
    misfit("version", `is ${version}, and this library reads versions 1 … ${newest}`);
  }
  for (let at = version; at < newest; at++) object = { ...(lifts[at - 1] as Lift)(object), version: at + 1 };
  return object;
}

/** Refuses a list in which a key comes twice; `name` is that of the field with the key. */
export function checkUnique<T>(elements: readonly T[], keyOf: (element: T) => unknown, name: string): void {
  const seen = new Map<unknown, number>();
  for (let i = 0; i < elements.length; i++) {
    const key = keyOf(elements[i] as T);
    const before = seen.get(key);
    if (before !== undefined) misfit([i, name], `is ${String(key)}, as it is at position ${before} already`);
    seen.set(key, i);
  }
}
