import { VirtioUsageError } from "../../base/errors.ts";
import { hi32, lo32, toBigInt } from "../../base/u64.ts";
import type { PlainValue } from "../../device/device-type.ts";
import { parseUuid } from "../../device/shared-objects.ts";
import type { MemoryRegion } from "../../memory/region.ts";
import { GuestPages } from "./backing.ts";
import { decodeBase64, encodeBase64 } from "./base64.ts";
import type { GpuCore } from "./core.ts";
import { HostBlob } from "./host-heap.ts";
import { allocatePixels, Resource, type ResourceKind } from "./resources.ts";
import { type Fields, fieldsOf, listOf } from "./saved-fields.ts";

/** Raised whenever the meaning of the saved state changes. */
const VERSION = 1;

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
    backing: resource.backing === null ? null : saveBacking(resource.backing),
    uuids: core.exports.uuids(resource),
  };
}

/** Guest memory by its physical addresses: [position, upper half, lower half, length] of each piece. */
function saveBacking(pages: GuestPages): PlainValue {
  pages.refresh();
  const { segments, starts } = pages;
  const pieces: PlainValue[] = [];
  for (let i = 0; i < segments.count; i++) {
    const address = (segments.regions[i] as MemoryRegion).base + BigInt(segments.offsets[i] as number);
    pieces.push([starts[i] as number, hi32(address), lo32(address), segments.lengths[i] as number]);
  }
  return { totalBytes: pages.totalBytes, entryCount: pages.entryCount, pieces };
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
    restoreCursor(core, i, fieldsOf(each, "cursor"));
  }
  return saved.number("eventsRead");
}

function restoreResource(core: GpuCore, saved: Fields): void {
  const kind = saved.string("kind") as ResourceKind;
  const sizeBytes = saved.number("sizeBytes");
  const text = saved.value("bytes");
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
  const mappedAt = saved.number("mappedAt");
  if (memory !== null && mappedAt >= 0 && core.heap?.map(memory, mappedAt) !== true) {
    throw new VirtioUsageError(`blob ${resource.id} was mapped where this host heap has no room`);
  }
  const backing = saved.value("backing");
  if (backing !== null)
    core.resources.setBacking(resource, restoreBacking(core, fieldsOf(backing, "backing")));
  for (const uuid of listOf(saved.value("uuids"), "uuids")) {
    core.exports.publish(resource, parseUuid(String(uuid)));
  }
}

function restoreBacking(core: GpuCore, saved: Fields): GuestPages {
  const { memory } = core.host;
  const pages = new GuestPages(memory);
  for (const each of listOf(saved.value("pieces"), "pieces")) {
    const [start = 0, hi = 0, lo = 0, length = 0] = listOf(each, "piece") as number[];
    if (length === 0) continue;
    if (start > pages.totalBytes) pages.addHole(start - pages.totalBytes);
    const region = memory.find(hi, lo, length);
    if (region === null) {
      throw new VirtioUsageError(`a resource is backed by ${length} bytes at ${toBigInt(hi, lo)}: no memory`);
    }
    pages.addPiece(region, region.offsetOf(hi, lo, length), length);
  }
  pages.totalBytes = saved.number("totalBytes");
  pages.entryCount = saved.number("entryCount");
  return pages;
}

function restoreScanout(core: GpuCore, index: number, state: PlainValue): void {
  const saved = fieldsOf(state, "scanout");
  const resource = core.resources.get(saved.number("resourceId"));
  if (resource === null) throw new VirtioUsageError(`scanout ${index} shows a resource that was not saved`);
  const width = saved.number("widthPixels");
  const height = saved.number("heightPixels");
  const x = saved.number("x");
  const y = saved.number("y");
  core.scanouts.show(
    index,
    resource,
    x,
    y,
    width,
    height,
    saved.number("format"),
    saved.number("strideBytes"),
    saved.number("offsetBytes"),
  );
  // A display that was made just now has nothing to show yet.
  core.scanouts.flush(resource, x, y, width, height);
}

function restoreCursor(core: GpuCore, index: number, saved: Fields): void {
  const x = saved.number("x");
  const y = saved.number("y");
  const pixels = saved.value("pixels");
  if (typeof pixels !== "string") {
    core.cursors.move(index, x, y);
    return;
  }
  core.cursors.restore(
    index,
    x,
    y,
    saved.number("hotX"),
    saved.number("hotY"),
    saved.number("format"),
    pixels,
  );
}
