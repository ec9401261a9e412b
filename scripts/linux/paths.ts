import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const PACKAGE = "virtio-emulator";

/** The folder with package.json, wherever the bundle of this file lies below it. */
export function repositoryRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  for (;;) {
    const manifest = join(folder, "package.json");
    if (existsSync(manifest)) {
      const { name } = JSON.parse(readFileSync(manifest, "utf8")) as { name?: unknown };
      if (name === PACKAGE) return folder;
    }
    const parent = dirname(folder);
    if (parent === folder)
      throw new Error(`no package.json of ${PACKAGE} above ${fileURLToPath(import.meta.url)}`);
    folder = parent;
  }
}

/** Where packages, programs and saved states are kept: .guest, or what the environment says. */
export function guestFolder(): string {
  return process.env["VIRTIO_GUEST_FOLDER"] ?? join(repositoryRoot(), ".guest");
}

/** What the guest with a desktop is given besides Debian's packages. */
export function desktopSources(): string {
  return join(repositoryRoot(), "scripts/linux/desktop");
}

/** The sources of the guest's own programs. */
export function guestSources(): string {
  return join(repositoryRoot(), "scripts/linux/guest");
}
