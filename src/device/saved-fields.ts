import { VirtioUsageError } from "../base/errors.ts";
import type { PlainValue } from "./device-type.ts";

/** The fields of a saved object, whose types are checked as they are read. */
export interface Fields {
  value(name: string): PlainValue;
  number(name: string): number;
  string(name: string): string;
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
    number(name) {
      const found = value(name);
      if (typeof found !== "number") throw new VirtioUsageError(`${name} of saved ${what} is no number`);
      return found;
    },
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
