import { decodeBase64, encodeBase64 } from "../../base/base64.ts";
import { VirtioUsageError } from "../../base/errors.ts";
import type { MaybeLater } from "../../base/later.ts";
import type { PlainValue } from "../../device/device-type.ts";
import { parseUuid } from "../../device/shared-objects.ts";
import { type Fields, fieldsOf, listOf } from "../../device/state/saved-fields.ts";
import { restorePages, savePages } from "../../device/state/saved-pages.ts";
import type { GpuCore } from "./core.ts";
import { BYTES_PER_PIXEL } from "./resources/formats.ts";
import { HostBlob } from "./resources/host-heap.ts";
import { allocatePixels, Resource, type ResourceKind } from "./resources/resources.ts";

/** Raised whenever the meaning of the saved state changes. */
const VERSION = 1;

const KINDS: readonly ResourceKind[] = ["2d", "3d", "blob", "host-blob"];

/**
 * The state of the device as one plain object; host pixels and host blobs as base64. How displays are connected is no
 * part of it: that is the embedder's. Throws {@link VirtioUsageError} when there is 3D state and the renderer can't save.
 */
export function saveGpu(core: GpuCore, eventsRead: number): PlainValue {
  const renderer = core.options.renderer;
  const resources = [...core.resources.values()];
  const has3d =
    core.contexts.count > 0 || resources.some(({ kind }) => kind === "3d" || kind === "host-blob");
  if (has3d && renderer?.save === undefined) {
    throw new VirtioUsageError("there are 3D contexts or resources, and the renderer can't save its state");
  }
  return {
    version: VERSION,
    eventsRead,
    resources: resources.map((resource) => saveResource(core, resource)),
    scanouts: Array.from({ length: core.scanouts.count }, (_, i) => core.scanouts.save(i)),
    cursors: Array.from({ length: core.scanouts.count }, (_, i) => saveCursor(core, i)),
    contexts: Array.from(core.contexts.values(), (context) => ({
      ...context,
      resources: [...context.resources],
    })),
    renderer: renderer?.save?.() ?? null,
  };
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
  const image = core.cursors.get(index);
  if (image === null) return { x, y, pixels: null };
  return {
    x,
    y,
    hotX: image.hotX,
    hotY: image.hotY,
    format: image.format,
    pixels: encodeBase64(image.pixels),
  };
}

/**
 * Takes over a saved state after a reset; returns `events_read`. Throws {@link VirtioUsageError} when it does not fit
 * this device or this guest's memory.
 */
export function restoreGpu(core: GpuCore, state: PlainValue): number {
  const saved = fieldsOf(state, "gpu state");
  const version = saved.number("version");
  if (version !== VERSION) throw new VirtioUsageError(`gpu state has version ${version}, this is ${VERSION}`);
  const scanouts = listOf(saved.value("scanouts"), "scanouts");
  if (scanouts.length > core.scanouts.count) {
    throw new VirtioUsageError(`gpu state has ${scanouts.length} scanouts, this has ${core.scanouts.count}`);
  }
  for (const each of listOf(saved.value("contexts"), "contexts")) {
    const context = fieldsOf(each, "context");
    core.contexts.add({
      id: context.number("id"),
      capsetId: context.number("capsetId"),
      debugName: context.string("debugName"),
      resources: new Set(listOf(context.value("resources"), "resources") as number[]),
    });
  }
  for (const each of listOf(saved.value("resources"), "resources")) {
    restoreResource(core, fieldsOf(each, "resource"));
  }
  const rendererState = saved.value("renderer");
  if (rendererState !== null) {
    const renderer = core.options.renderer;
    if (renderer?.restore === undefined) throw new VirtioUsageError("no renderer takes the saved 3D state");
    renderer.restore(rendererState);
  }
  for (const [i, each] of scanouts.entries()) if (each !== null) restoreScanout(core, i, each);
  for (const [i, each] of listOf(saved.value("cursors"), "cursors").entries()) {
    core.attempt(() => restoreCursor(core, i, fieldsOf(each, "cursor")));
  }
  return saved.number("eventsRead");
}

function restoreResource(core: GpuCore, saved: Fields): void {
  const kind = KINDS.find((name) => name === saved.string("kind"));
  if (kind === undefined) throw new VirtioUsageError("saved resource is of an unknown kind");
  const sizeBytes = saved.number("sizeBytes", 0, Number.MAX_SAFE_INTEGER);
  const text = saved.value("bytes");
  const hasBytes = kind === "2d" || kind === "host-blob";
  if (hasBytes !== (typeof text === "string")) {
    throw new VirtioUsageError(`saved resource of kind ${kind} has ${hasBytes ? "no bytes" : "bytes"}`);
  }
  // Nothing is allocated before the bytes are there.
  const bytes = typeof text === "string" ? decodeBase64(text, sizeBytes) : null;
  const pixels = kind === "2d" ? allocatePixels(sizeBytes) : null;
  const memory = kind === "host-blob" ? new HostBlob(sizeBytes) : null;
  const resource = new Resource(saved.number("id"), kind, {
    widthPixels: saved.number("widthPixels"),
    heightPixels: saved.number("heightPixels"),
    format: saved.number("format"),
    sizeBytes,
    pixels,
    memory,
    blobMem: saved.number("blobMem"),
    blobFlags: saved.number("blobFlags"),
  });
  const target = pixels?.u8 ?? memory?.bytes();
  if (bytes !== null && target !== undefined) target.set(bytes);
  core.resources.add(resource);
  const mappedAt = saved.number("mappedAt", -1, Number.MAX_SAFE_INTEGER);
  if (memory !== null && mappedAt >= 0 && core.heap?.map(memory, mappedAt) !== true) {
    throw new VirtioUsageError(`blob ${resource.id} was mapped where this host heap has no room`);
  }
  const backing = saved.value("backing");
  if (backing !== null) core.resources.setBacking(resource, restorePages(core.host.memory, backing));
  for (const uuid of listOf(saved.value("uuids"), "uuids")) {
    core.exports.publish(resource, parseUuid(String(uuid)));
  }
}

function restoreScanout(core: GpuCore, index: number, state: PlainValue): void {
  const saved = fieldsOf(state, "scanout");
  const resource = core.resources.get(saved.number("resourceId"));
  if (resource === null) throw new VirtioUsageError(`scanout ${index} shows a resource that was not saved`);
  const width = saved.number("widthPixels");
  const height = saved.number("heightPixels");
  const x = saved.number("x");
  const y = saved.number("y");
  const format = saved.number("format");
  const strideBytes = saved.number("strideBytes");
  const offsetBytes = saved.number("offsetBytes", 0, Number.MAX_SAFE_INTEGER);
  const endBytes = offsetBytes + (height - 1) * strideBytes + width * BYTES_PER_PIXEL;
  if (resource.kind !== "3d" && (height === 0 || endBytes > resource.sizeBytes)) {
    throw new VirtioUsageError(`scanout ${index} shows more than its resource has`);
  }
  core.attempt(() =>
    core.scanouts.show(index, resource, x, y, width, height, format, strideBytes, offsetBytes, true),
  );
  // A display that was made just now has nothing to show yet.
  core.attempt(() => core.scanouts.flush(resource, x, y, width, height));
}

function restoreCursor(core: GpuCore, index: number, saved: Fields): MaybeLater<void> {
  const x = saved.number("x", -0x80000000, 0x7fffffff);
  const y = saved.number("y", -0x80000000, 0x7fffffff);
  const pixels = saved.value("pixels");
  if (typeof pixels !== "string") {
    return core.cursors.move(index, x, y);
  }
  return core.cursors.restore(
    index,
    x,
    y,
    saved.number("hotX"),
    saved.number("hotY"),
    saved.number("format"),
    pixels,
  );
}
