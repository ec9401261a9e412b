import {
  closeSync,
  existsSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { UsageError } from "./usage-error.ts";

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "the folder does not exist",
  ENOTDIR: "a part of its path is not a folder",
  EACCES: "you may not write there",
  EPERM: "you may not write there",
  EROFS: "the file system is read-only",
  ENOSPC: "the disk is full",
  ENAMETOOLONG: "its name is too long",
};

/**
 * A file that is written as a whole or not at all. Opening it finds out whether it can be written, before the work is
 * done whose result it is to hold, and leaves no trace; until {@link OutputFile.write} the old file stays.
 */
export class OutputFile {
  readonly path: string;
  /** The file itself where the path is a link. */
  readonly #target: string;
  readonly #option: string;
  readonly #temporary: string;

  private constructor(path: string, option: string) {
    this.path = path;
    this.#option = option;
    this.#target = existsSync(path) ? realpathSync(path) : path;
    const name = basename(this.#target).slice(0, 100);
    this.#temporary = join(dirname(this.#target), `.${name}.${process.pid}.tmp`);
  }

  /** Throws {@link UsageError} when the file cannot be written. `option` is what it was named with. */
  static open(path: string, option = "--out"): OutputFile {
    const file = new OutputFile(resolve(path), option);
    try {
      if (existsSync(file.path) && !statSync(file.path).isFile()) {
        throw new UsageError(`cannot write ${path}: it is not a file. Give the name of a file.`);
      }
      closeSync(openSync(file.#temporary, "w"));
      rmSync(file.#temporary);
    } catch (error) {
      if (error instanceof UsageError) throw error;
      throw cannotWrite(path, option, error);
    }
    return file;
  }

  /** The first of these folders in which `name` can be written. */
  static openIn(folders: readonly string[], name: string): OutputFile {
    let failure: unknown;
    for (const folder of folders) {
      try {
        return OutputFile.open(join(folder, name));
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  }

  /** A file of this name in the current folder, or in that for temporary files where the former is read-only. */
  static openByDefault(name: string): OutputFile {
    return OutputFile.openIn([process.cwd(), tmpdir()], name);
  }

  /** Puts the new contents in the place of the old. Throws {@link UsageError}; the old ones stay then. */
  write(contents: Uint8Array | string): void {
    try {
      writeFileSync(this.#temporary, contents);
      renameSync(this.#temporary, this.#target);
    } catch (error) {
      rmSync(this.#temporary, { force: true });
      throw cannotWrite(this.path, this.#option, error);
    }
  }
}

function cannotWrite(path: string, option: string, error: unknown): UsageError {
  const { code = "", message } = error as NodeJS.ErrnoException;
  return new UsageError(`cannot write ${path}: ${REASONS[code] ?? message}. Choose another with ${option}.`);
}
