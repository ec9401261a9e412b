import { messageOf as textOf } from "../../src/base/brands.ts";

/** Something outside this program is not as it has to be: one line that says what, and what to do. */
export class LinuxError extends Error {
  override readonly name: string = "LinuxError";
}

/** What was asked for cannot be: the files or options given do not do. */
export class LinuxUsageError extends LinuxError {
  override readonly name = "LinuxUsageError";
}

/** @returns the message of whatever was thrown, on one line */
export function messageOf(error: unknown): string {
  return textOf(error)
    .replace(/\s*\n\s*/g, " ")
    .trim();
}
