import { readFileSync } from "node:fs";

interface PackageInfo {
  readonly name: string;
  readonly version: string;
  readonly description: string;
}

const NAME = "virtio-emulator";
const MAX_LEVELS = 6;

/** What package.json says. It lies some folders above this code, wherever a bundler has put that. */
export function readPackageInfo(from: string = import.meta.url): PackageInfo {
  for (let level = 1; level <= MAX_LEVELS; level++) {
    try {
      const url = new URL(`${"../".repeat(level)}package.json`, from);
      const info = JSON.parse(readFileSync(url, "utf8")) as PackageInfo;
      if (info.name === NAME) return info;
    } catch {
      // Not there.
    }
  }
  throw new Error(`the package.json of ${NAME} is missing: install the package anew`);
}
