import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { messageOf } from "../../../base/brands.ts";
import type { Target } from "../../../conformance/index.ts";
import { targetFault } from "../../../conformance/target/shapes.ts";
import { UsageError } from "../../usage-error.ts";

/**
 * A target of somebody else's: the default export of a module, or what it returns when it is a function. Rejects with
 * {@link UsageError} when there is no such module, or what it exports is no target.
 */
export async function moduleTarget(path: string): Promise<Target> {
  if (!existsSync(path)) throw new UsageError(`--target ${path}: there is no such file.`);
  let target: unknown;
  try {
    const module = (await import(pathToFileURL(resolve(path)).href)) as { default?: unknown };
    target = typeof module.default === "function" ? await module.default() : module.default;
  } catch (error) {
    const message = messageOf(error);
    throw new UsageError(`--target ${path} cannot be loaded: ${message.replace(/\s+/g, " ")}`);
  }
  const fault = targetFault(target);
  if (fault === null) return target as Target;
  const lacking = fault.replace(/^it is not an object/, "its default export is not an object");
  throw new UsageError(
    `--target ${path} does not export a target by default: ${lacking}; see Target in virtio-emulator/conformance.`,
  );
}
