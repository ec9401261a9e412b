import type { MaybeLater } from "../../../base/later.ts";
import type { GpuCore } from "../core.ts";
import type { Resource } from "../resources/resources.ts";

/**
 * Removes a resource from everything that refers to it: scanouts go dark, a mapping ends, contexts forget it. What was
 * exported of it may live on with its host memory, which is freed once nobody uses it. A failing display does not keep a
 * resource alive; a late one is waited for.
 */
export function forgetResource(core: GpuCore, resource: Resource): MaybeLater<void> {
  const dark = core.scanouts.forget(resource);
  // The display may have reset the device.
  if (!core.resources.has(resource)) return dark;
  if (resource.memory !== null) core.heap?.unmap(resource.memory);
  core.contexts.forgetResource(resource.id);
  core.resources.remove(resource);
  core.exports.unexport(resource);
  // Importers may have been notified, and may have grown the memory.
  core.host.sync();
  return dark;
}

/**
 * Ends the mapping of a resource, if any; a large one takes several turns, and until then no other command may begin.
 * Returns nothing when that is done at once.
 */
export function unmapInTurns(core: GpuCore, { memory }: Resource): Promise<void> | undefined {
  const { heap } = core;
  if (heap === null || memory === null || memory.mappedAt < 0) return undefined;
  return core.inTurns(() => heap.moveOut(memory, core.host.budget));
}
