import { VirtioUsageError } from "../../base/errors.ts";
import type { PlainValue } from "../device-type.ts";

/** The fields of a saved object, whose types are checked as they are read. */
export interface Fields {
  value(name: string): PlainValue;
  /** A whole number in 0 … 2^32 - 1, or in the range that is named. */
  number(name: string, min?: number, max?: number): number;
  string(name: string): string;
}

/** A saved whole number in 0 … 2^32 - 1, or in the range that is named; throws {@link VirtioUsageError} when it is none. */
export function wholeNumber(value: PlainValue | undefined, what: string, min = 0, max = 0xffffffff): number {
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < min || value > max) {
    throw new VirtioUsageError(`${what} is no whole number in ${min} … ${max}`);
  }
  return value;
}

/** Reads a saved object; throws {@link VirtioUsageError} when it is none, and so do its fields. */
export function fieldsOf(state: PlainValue, what: string): Fields {
  if (typeof state !== "object" || state === null || Array.isArray(state)) {
    throw new VirtioUsageError(`saved ${what} is no object`);
  }
  const object = state as { readonly [key: string]: PlainValue };
  const value = (name: string): PlainValue => {
    const found = object[name];
    if (found === undefined) throw new VirtioUsageError(`saved ${what} has no field ${name}`);
    return found;
  };
  return {
    value,
    number: (name, min, max) => wholeNumber(value(name), `${name} of saved ${what}`, min, max),
    string(name) {
      const found = value(name);
      if (typeof found !== "string") throw new VirtioUsageError(`${name} of saved ${what} is no string`);
      return found;
    },
  };
}

/** A saved list; throws {@link VirtioUsageError} when it is none. */
export function listOf(state: PlainValue, what: string): readonly PlainValue[] {
  if (!Array.isArray(state)) throw new VirtioUsageError(`saved ${what} is no list`);
  return state as readonly PlainValue[];
}
