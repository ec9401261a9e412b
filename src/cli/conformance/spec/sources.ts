/** A copy of the specification's repository: its files, as they are in the version of the catalogue if that is there. */
import { execFileSync } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { SPECIFICATION_TAG } from "../../../conformance/index.ts";
import { UsageError } from "../../usage-error.ts";

/** The file that every version of the specification has. */
const MAIN_FILE = "content.tex";
const MOST_FILE_BYTES = 1 << 26;

/** Reads a source file of the specification; null when there is no such file. */
export type ReadSource = (file: string) => string | null;

/**
 * Opens a checkout, a git directory, or a folder with the sources. Of a repository it takes the tag of the catalogue's
 * version, else the files as they lie there, else what HEAD names. Throws {@link UsageError} when it is none of these.
 */
export function openSources(directory: string): ReadSource {
  if (directory === "")
    throw new UsageError("--spec is empty: give a folder with a copy of oasis-tcs/virtio-spec.");
  if (statSync(directory, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new UsageError(
      `${directory} for --spec is not a folder: give a copy of the repository oasis-tcs/virtio-spec.`,
    );
  }
  const ways = [fromGit(directory, SPECIFICATION_TAG), fromFolder(directory), fromGit(directory, "HEAD")];
  const read = ways.find((way) => way(MAIN_FILE) !== null);
  if (read !== undefined) return read;
  throw new UsageError(
    `${directory} for --spec has no ${MAIN_FILE}, neither as a file nor in git: give a copy of the repository ` +
      "oasis-tcs/virtio-spec.",
  );
}

function fromFolder(directory: string): ReadSource {
  return (file) => {
    try {
      return readFileSync(join(directory, file), "utf8");
    } catch {
      return null;
    }
  };
}

function fromGit(directory: string, revision: string): ReadSource {
  return (file) => {
    try {
      return execFileSync("git", ["-C", directory, "show", `${revision}:${file}`], {
        encoding: "utf8",
        maxBuffer: MOST_FILE_BYTES,
        stdio: ["ignore", "pipe", "ignore"],
      });
    } catch {
      return null;
    }
  };
}
