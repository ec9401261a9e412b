import { encodeBase64 } from "../../base/base64.ts";
import { VirtioUsageError } from "../../base/errors.ts";
import { atOnce } from "../../base/later.ts";
import type { PlainValue } from "../../device/device-type.ts";
import { savePages } from "../../device/state/saved-pages.ts";
import type { Renderer } from "./backend/renderer.ts";
import type { GpuCore } from "./core.ts";
import { isRendered, type Resource } from "./resources/resources.ts";
import { GPU_STATE_VERSION } from "./saved-state.ts";

/**
 * The state of the device as one plain object; host pixels and host blobs as base64. How displays are connected is the
 * embedder's; what the driver was told of it is part of the state. Throws {@link VirtioUsageError} when there is 3D
 * state and the renderer can't save.
 */
export function saveGpu(core: GpuCore, eventsRead: number): PlainValue {
  const renderer = core.options.renderer;
  const resources = [...core.resources.values()];
  const has3d = core.contexts.count > 0 || resources.some(isRendered);
  if (has3d && renderer?.save === undefined) {
    throw new VirtioUsageError("there are 3D contexts or resources, and the renderer can't save its state");
  }
  const indexes = Array.from({ length: core.scanouts.count }, (_, i) => i);
  return {
    version: GPU_STATE_VERSION,
    eventsRead,
    resources: resources.map((resource) => saveResource(core, resource)),
    scanouts: indexes.map((i) => core.scanouts.save(i)),
    cursors: indexes.map((i) => saveCursor(core, i)),
    contexts: Array.from(core.contexts.values(), (context) => ({
      ...context,
      resources: [...context.resources],
    })),
    renderer: saveRenderer(renderer),
    displays: core.displays.save(),
    capsets: (renderer?.capsets ?? []).map(({ id, maxVersion, maxSizeBytes }) => [
      id,
      maxVersion,
      maxSizeBytes,
    ]),
  };
}

function saveRenderer(renderer: Renderer | undefined): PlainValue {
  const state = renderer?.save?.() ?? null;
  return atOnce(state, "renderer.save()", "have the renderer keep what it saves ready, and save then");
}

function saveResource(core: GpuCore, resource: Resource): PlainValue {
  const { id, kind, widthPixels, heightPixels, format, sizeBytes, blobMem, blobFlags } = resource;
  const bytes = resource.pixels?.u8 ?? resource.memory?.bytes() ?? null;
  return {
    id,
    kind,
    widthPixels,
    heightPixels,
    format,
    sizeBytes,
    blobMem,
    blobFlags,
    bytes: bytes === null ? null : encodeBase64(bytes),
    mappedAt: resource.memory?.mappedAt ?? -1,
    backing: resource.backing === null ? null : savePages(resource.backing),
    uuids: core.exports.uuids(resource),
  };
}

function saveCursor(core: GpuCore, index: number): PlainValue {
  const { x, y } = core.cursors.position(index) ?? { x: 0, y: 0 };
  const shown = core.cursors.get(index);
  if (shown === null) return { x, y, image: null };
  const { hotX, hotY, format } = shown;
  return { x, y, image: { hotX, hotY, format, pixels: encodeBase64(shown.pixels) } };
}
