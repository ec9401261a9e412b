import type { MaybeLater } from "../../../base/later.ts";
import type { GpuCore } from "../core.ts";
import type { Resource } from "../resources/resources.ts";

/**
 * Takes a resource away from everything that refers to it: scanouts go dark, a mapping ends, contexts forget it. What
 * it exported may live on with its host memory, which is freed once nobody uses it. False when it was gone already.
 */
export function forgetResource(core: GpuCore, resource: Resource): boolean {
  // A display that fails keeps no resource alive.
  core.attempt(() => core.scanouts.forget(resource));
  // It may have reset the device, too.
  if (!core.resources.has(resource)) return false;
  if (resource.memory !== null) core.heap?.unmap(resource.memory);
  core.contexts.forgetResource(resource.id);
  core.resources.remove(resource);
  core.exports.unexport(resource);
  return true;
}

/** As {@link forgetResource}, and the renderer is told. */
export function dropResource(core: GpuCore, resource: Resource): MaybeLater<void> {
  if (!forgetResource(core, resource)) return;
  if (resource.kind === "3d" || resource.kind === "host-blob")
    return core.renderer?.unrefResource(resource.id);
}
