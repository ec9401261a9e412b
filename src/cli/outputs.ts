import type { Console } from "./console.ts";
import { OutputFile } from "./output-file.ts";
import { UsageError } from "./usage-error.ts";

/** Where something goes: into a file, or to standard output instead of the text that is otherwise printed there. */
export type Output = OutputFile | "stdout";

/** An option that names an output: its value, `true` without one, undefined when it was not given. */
export interface WantedOutput {
  readonly option: string;
  readonly to: string | true | undefined;
  /** Pictures do not go to standard output. */
  readonly isBinary?: boolean;
}

/** How every `--json` is declared. */
export const JSON_OPTION = "--json [file]";

/**
 * What is said of `--json`.
 * @param command how npm is told to keep its own lines out of standard output
 */
export function jsonHelp(command?: string): string {
  const text = "write the result as JSON to a file; without one, or with -, print it instead of the text";
  return command === undefined ? text : `${text} (npm prints lines of its own first: use ${command})`;
}

/**
 * Opens outputs, null for those that nobody wants. Throws {@link UsageError} before anything has run: for files that
 * cannot be written, two outputs in one file, and two on standard output.
 */
export function openOutputs<Name extends string>(
  wanted: Readonly<Record<Name, WantedOutput>>,
): Readonly<Record<Name, Output | null>> {
  const opened = {} as Record<Name, Output | null>;
  const taken = new Map<string, string>();
  for (const name of Object.keys(wanted) as Name[]) {
    const output = openOutput(wanted[name]);
    opened[name] = output;
    if (output === null) continue;
    const { option } = wanted[name];
    const place = output === "stdout" ? "standard output" : output.path;
    const other = taken.get(place);
    if (other !== undefined) throw new UsageError(collision(other, option, output));
    taken.set(place, option);
  }
  return opened;
}

function openOutput({ option, to, isBinary }: WantedOutput): Output | null {
  if (to === undefined) return null;
  if (to === true) return "stdout";
  if (to === "") throw new UsageError(`${option} is empty: give the name of a file.`);
  if (to !== "-") return OutputFile.open(to, option);
  if (!isBinary) return "stdout";
  throw new UsageError(
    `${option} - would print a picture: give the name of a file; ./- is one that is called "-".`,
  );
}

function collision(first: string, second: string, output: Output): string {
  return output === "stdout"
    ? `${first} and ${second} cannot both go to standard output: give one of them a file.`
    : `${first} and ${second} name the same file: give each its own.`;
}

/** Writes text to where it goes. Throws {@link UsageError} when a file cannot be written. */
export function writeOutput(output: Output | null, text: string, console: Console): void {
  if (output === "stdout") console.out(text);
  else output?.write(text);
}

/** The outputs of the commands that draw. */
export interface DrawingOutputs {
  readonly picture: OutputFile | null;
  readonly json: Output | null;
}

/** Opens `--out` and `--json`; without either the picture goes to `defaultName`. Throws as {@link openOutputs} does. */
export function openDrawingOutputs(
  { out, json }: { readonly out?: string | undefined; readonly json?: string | true | undefined },
  defaultName: string,
): DrawingOutputs {
  const opened = openOutputs({
    picture: { option: "--out", to: out, isBinary: true },
    json: { option: "--json", to: json },
  });
  const named = opened.picture === "stdout" ? null : opened.picture;
  const byDefault = out === undefined && opened.json !== "stdout";
  return { picture: byDefault ? OutputFile.openByDefault(defaultName) : named, json: opened.json };
}

/** Throws {@link UsageError} where options are about a text that is not printed. */
export function refuseTextOptions(
  json: Output | null,
  options: Readonly<Record<string, true | undefined>>,
): void {
  if (json !== "stdout") return;
  const given = Object.keys(options).find((option) => options[option] === true);
  if (given === undefined) return;
  throw new UsageError(
    `--json cannot be used with ${given}, which is about the text: leave one out, or give --json a file.`,
  );
}
