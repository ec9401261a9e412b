import type { MaybeLater } from "../../base/later.ts";
import type { GpuCore } from "./core.ts";
import type { Resource } from "./resources.ts";

/**
 * Takes a resource away from everything that refers to it: scanouts go dark, a mapping ends, contexts forget it. What
 * it exported may live on with its host memory, which is freed once nobody uses it.
 */
export function dropResource(core: GpuCore, resource: Resource): MaybeLater<void> {
  core.scanouts.forget(resource);
  if (resource.memory !== null) core.heap?.unmap(resource.memory);
  core.contexts.forgetResource(resource.id);
  core.resources.remove(resource);
  core.exports.unexport(resource);
  if (resource.kind === "3d" || resource.kind === "host-blob")
    return core.renderer?.unrefResource(resource.id);
}
