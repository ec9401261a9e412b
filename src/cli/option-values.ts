import { InvalidArgumentError } from "commander";

/** Parses a whole number in a range, for `option.argParser`. */
export function integerBetween(lowest: number, highest: number): (text: string) => number {
  return (text) => {
    const value = /^[0-9]{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= lowest && value <= highest) return value;
    throw new InvalidArgumentError(`Give a whole number from ${lowest} to ${highest}.`);
  };
}

/** Parses a comma-separated selection of names, or `none`; for `option.argParser`. */
export function subsetOf<Name extends string>(names: readonly Name[]): (text: string) => readonly Name[] {
  return (text) => {
    if (text === "none") return [];
    const chosen = text.split(",").map((name) => name.trim());
    const unknown = chosen.find((name) => !(names as readonly string[]).includes(name));
    if (unknown !== undefined) {
      throw new InvalidArgumentError(
        `${JSON.stringify(unknown)} is unknown: choose from ${names.join(", ")}, separated by commas; none stands alone and chooses nothing.`,
      );
    }
    return names.filter((name) => chosen.includes(name));
  };
}
