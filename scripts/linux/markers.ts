// The lines of guest/scenarios.c and guest/init that begin with @@, taken apart.

export interface Marker {
  /** E.g. "STAGE". */
  readonly word: string;
  /** What follows, by blanks, without the name=value fields. */
  readonly values: readonly string[];
  readonly fields: Readonly<Record<string, string>>;
  /** Everything behind the word, as it was. */
  readonly rest: string;
}

/** @returns undefined for a line that is no marker */
export function parseMarker(line: string): Marker | undefined {
  const match = /^@@([A-Z]+)(?: (.*))?$/.exec(line);
  if (match === null) return undefined;
  const rest = match[2] ?? "";
  const values: string[] = [];
  const fields: Record<string, string> = {};
  for (const word of rest.split(" ")) {
    const equals = word.indexOf("=");
    if (equals > 0) fields[word.slice(0, equals)] = word.slice(equals + 1);
    else if (word !== "") values.push(word);
  }
  return { word: match[1] ?? "", values, fields, rest };
}

export function numberField(marker: Marker, name: string): number {
  return Number(marker.fields[name] ?? Number.NaN);
}

export function numberValue(marker: Marker, index: number): number {
  return Number(marker.values[index] ?? Number.NaN);
}
