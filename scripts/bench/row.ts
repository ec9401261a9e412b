/** One line of the result. */
export interface Row {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** How many times `against` it is; null where there is nothing to compare with. */
  readonly ratio: number | null;
  readonly against: Against | null;
}

export type Against = "v86" | "loop" | "c" | "split" | "480p" | "echo" | "buffer" | "1080p";

/** A row and what it ought to be. */
export interface JudgedRow extends Row {
  readonly bar: Bar | null;
}

/** A limit for the ratio, or for the value where there is no ratio. */
export interface Bar {
  readonly atLeast?: number;
  readonly atMost?: number;
  /** For the value, ratio or not. */
  readonly valueAtLeast?: number;
}

export function meets(row: JudgedRow): boolean {
  if (row.bar === null) return true;
  const { atLeast = Number.NEGATIVE_INFINITY, atMost = Number.POSITIVE_INFINITY, valueAtLeast } = row.bar;
  if (valueAtLeast !== undefined && row.value < valueAtLeast) return false;
  const judged = row.ratio ?? row.value;
  return judged >= atLeast && judged <= atMost;
}

/** Rows as a table for people. */
export function table(rows: readonly JudgedRow[]): string {
  const lines = rows.map((row) => [
    row.name,
    significant(row.value),
    row.unit,
    row.against === null || row.ratio === null ? "" : `${significant(row.ratio)} × ${row.against}`,
    row.bar === null ? "" : `${barText(row.bar)}${meets(row) ? "" : "  missed"}`,
  ]);
  lines.unshift(["name", "value", "unit", "ratio", "bar"]);
  const widths = [0, 1, 2, 3, 4].map((column) =>
    Math.max(...lines.map((line) => (line[column] as string).length)),
  );
  const isNumber = (column: number) => column === 1;
  return lines
    .map((line) =>
      line
        .map((text, column) =>
          isNumber(column) ? text.padStart(widths[column] as number) : text.padEnd(widths[column] as number),
        )
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

function barText({ atLeast, atMost, valueAtLeast }: Bar): string {
  return [
    ...(atLeast === undefined ? [] : [`≥ ${atLeast}`]),
    ...(atMost === undefined ? [] : [`≤ ${atMost}`]),
    ...(valueAtLeast === undefined ? [] : [`value ≥ ${valueAtLeast}`]),
  ].join(", ");
}

function significant(value: number): string {
  if (value === 0) return "0";
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return value.toFixed(Math.min(digits, 6));
}

/** A row as it is written to the file. */
export function plainRow({ name, value, unit, ratio, against }: JudgedRow): Row {
  return { name, value, unit, ratio, against };
}
