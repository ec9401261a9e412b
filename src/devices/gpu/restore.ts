import { base64Letters, decodeBase64Into } from "../../base/base64.ts";
import { messageOf } from "../../base/brands.ts";
import { VirtioUsageError } from "../../base/errors.ts";
import { atOnce } from "../../base/later.ts";
import type { PlainValue } from "../../device/device-type.ts";
import { parseUuid } from "../../device/shared-objects.ts";
import { findPages } from "../../device/state/saved-pages.ts";
import { checkUnique, inside, misfit } from "../../device/state/schema.ts";
import type { GuestPages } from "../../memory/guest-pages.ts";
import {
  VIRTIO_GPU_BLOB_MEM_GUEST,
  VIRTIO_GPU_BLOB_MEM_HOST3D,
  VIRTIO_GPU_F_RESOURCE_BLOB,
  VIRTIO_GPU_RESP_OK_NODATA,
} from "../../wire/gpu.ts";
import type { PreparedRenderer, RestoredResource } from "./backend/renderer.ts";
import type { GpuCore } from "./core.ts";
import { CURSOR_BYTES } from "./output/cursor.ts";
import { BYTES_PER_PIXEL, isGpuFormat } from "./resources/formats.ts";
import { HostBlob } from "./resources/host-heap.ts";
import { allocatePixels, isRendered, Resource } from "./resources/resources.ts";
import {
  readSavedGpu,
  type SavedContext,
  type SavedCursor,
  type SavedCursorImage,
  type SavedGpu,
  type SavedResource,
  type SavedScanout,
} from "./saved-state.ts";

const OK = VIRTIO_GPU_RESP_OK_NODATA;

/** A checked saved state, made into live parts that do not belong to the device yet. */
export interface RestoredGpu {
  /** What the driver was told about the displays is not, or may not be, true of this device. */
  readonly displaysDiffer: boolean;
  readonly saved: SavedGpu;
  readonly resources: readonly Resource[];
  readonly backings: readonly (GuestPages | null)[];
  /** Pixels of the cursors that are shown. */
  readonly cursors: readonly (Uint8Array | null)[];
  /** What the renderer makes of its part; null where it has none. */
  readonly renderer: PreparedRenderer | null;
}

/**
 * Checks a saved state as a whole and makes its parts; nothing of the device changes. Throws {@link SavedStateError} when
 * it does not fit this device, its limits or this guest's memory.
 */
export function prepareGpu(core: GpuCore, state: PlainValue): RestoredGpu {
  const saved = readSavedGpu(state, core.limits, core.scanouts.count);
  checkCapsets(core, saved);
  inside("resources", () => checkResources(core, saved));
  const byId = new Map(saved.resources.map((resource) => [resource.id, resource]));
  inside("contexts", () => checkContexts(core, saved.contexts, byId));
  for (const [i, scanout] of saved.scanouts.entries()) {
    if (scanout !== null) inside("scanouts", () => inside(i, () => checkScanout(core, scanout, byId)));
  }
  checkRenderer(core, saved);
  const cursors = saved.cursors.map(({ image }, i) =>
    image === null
      ? null
      : inside("cursors", () => inside(i, () => inside("image", () => readCursor(image)))),
  );
  const backings = saved.resources.map((resource, i) =>
    inside("resources", () => inside(i, () => findBacking(core, resource))),
  );
  // Last, because it takes memory: as much as the state has, and no more.
  const resources = saved.resources.map((resource, i) =>
    inside("resources", () => inside(i, () => makeResource(resource))),
  );
  const displaysDiffer =
    saved.displays === null || !inside("displays", () => core.displays.areAs(saved.displays ?? []));
  const renderer = prepareRenderer(core, saved, resources, backings);
  return { displaysDiffer, saved, resources, backings, cursors, renderer };
}

/** The renderer knows of contexts and resources what the device does not: without it they are nothing. */
function has3d({ contexts, resources }: SavedGpu): boolean {
  return contexts.length > 0 || resources.some(isRendered);
}

function checkRenderer(core: GpuCore, saved: SavedGpu): void {
  const { renderer } = core.options;
  if (renderer?.restore !== undefined || renderer?.prepareRestore !== undefined) return;
  if (has3d(saved) && renderer === undefined) {
    misfit("renderer", "is missing here, and there are 3D contexts or resources");
  }
  if (has3d(saved) || saved.renderer !== null) {
    misfit("renderer", "has a state, and no renderer here takes it");
  }
}

function checkCapsets(core: GpuCore, { capsets }: SavedGpu): void {
  if (capsets === null) return;
  const here = core.options.renderer?.capsets ?? [];
  const same =
    capsets.length === here.length &&
    here.every(({ id, maxVersion, maxSizeBytes }, i) => {
      const [savedId, version, sizeBytes] = capsets[i] ?? [];
      return savedId === id && version === maxVersion && sizeBytes === maxSizeBytes;
    });
  // The driver asked once, and has no way to learn of others.
  if (!same) misfit("capsets", "are not those of this device's renderer");
}

function checkResources(core: GpuCore, { resources }: SavedGpu): void {
  checkUnique(resources, ({ id }) => id, "id");
  let hostBytes = 0;
  let entries = 0;
  const uuids = new Set<string>();
  for (const [i, resource] of resources.entries()) {
    inside(i, () => {
      checkResource(core, resource);
      if (resource.bytes !== null) hostBytes += resource.sizeBytes;
      if (hostBytes > core.resources.maxHostBytes) {
        misfit("sizeBytes", `makes it ${hostBytes} bytes of host memory, more than this device's limit`);
      }
      const { backing } = resource;
      if (backing !== null) entries += Math.max(backing.entryCount, backing.pieces.length);
      if (entries > core.limits.maxBackingEntriesTotal) {
        misfit("backing", `makes it ${entries} entries, more than this device's limit`);
      }
      for (const [k, uuid] of resource.uuids.entries())
        inside("uuids", () => checkUuid(core, uuid, k, uuids));
    });
  }
  checkPlacements(core, resources);
}

function checkUuid(core: GpuCore, uuid: string, index: number, seen: Set<string>): void {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(uuid)) {
    misfit([index], `is ${JSON.stringify(uuid)}, not a UUID in lower case`);
  }
  if (seen.has(uuid)) misfit([index], `is ${uuid}, as an earlier one is`);
  seen.add(uuid);
  if (core.exports.isForeign(uuid))
    misfit([index], `is ${uuid}, under which something else is shared already`);
}

function checkResource(core: GpuCore, resource: SavedResource): void {
  const { kind, widthPixels, heightPixels, format, sizeBytes, bytes, blobMem, blobFlags, mappedAt } =
    resource;
  const hasBytes = kind === "2d" || kind === "host-blob";
  if (hasBytes !== (bytes !== null))
    misfit("bytes", `${hasBytes ? "are" : "must be"} null in a resource of kind ${kind}`);
  const isBlob = kind === "blob" || kind === "host-blob";
  if (isBlob) {
    if (!core.offered.has(VIRTIO_GPU_F_RESOURCE_BLOB))
      misfit("kind", `is ${kind}, and this device has no blobs`);
    if (widthPixels !== 0) misfit("widthPixels", `is ${widthPixels}, and a blob has no size in pixels`);
    if (heightPixels !== 0) misfit("heightPixels", `is ${heightPixels}, and a blob has no size in pixels`);
    if (format !== 0) misfit("format", `is ${format}, and a blob has none`);
    if (sizeBytes === 0) misfit("sizeBytes", "is 0, and a blob has at least one byte");
    if ((blobMem === VIRTIO_GPU_BLOB_MEM_GUEST) !== (kind === "blob") || blobMem === 0) {
      misfit("blobMem", `is ${blobMem}, which does not make a ${kind}`);
    }
  } else {
    if (blobMem !== 0) misfit("blobMem", `is ${blobMem} in a resource that is not a blob`);
    if (blobFlags !== 0) misfit("blobFlags", `is ${blobFlags} in a resource that is not a blob`);
  }
  if (kind === "2d") checkPicture(core, resource);
  if (kind === "3d" && sizeBytes !== 0)
    misfit("sizeBytes", `is ${sizeBytes}, and the renderer has the bytes`);
  const mappable = kind === "host-blob" && blobMem === VIRTIO_GPU_BLOB_MEM_HOST3D && core.heap !== null;
  if (mappedAt >= 0 && !mappable) misfit("mappedAt", `is ${mappedAt}, and the resource can't be mapped here`);
  const { backing } = resource;
  const { blobBeyondBacking } = core.policy;
  if (isBlob && backing !== null && backing.totalBytes < sizeBytes && blobBeyondBacking !== OK) {
    misfit(["backing", "totalBytes"], `is ${backing.totalBytes}, and the blob has ${sizeBytes} bytes`);
  }
}

function checkPicture(core: GpuCore, { widthPixels, heightPixels, format, sizeBytes }: SavedResource): void {
  if (!isGpuFormat(format)) misfit("format", `is ${format}, not one of VIRTIO_GPU_FORMAT_*`);
  const least = core.policy.createEmpty === OK ? 0 : 1;
  const most = core.limits.maxResourceDimension;
  for (const [name, pixels] of [
    ["widthPixels", widthPixels],
    ["heightPixels", heightPixels],
  ] as const) {
    if (pixels < least || pixels > most) misfit(name, `is ${pixels}, not in ${least} … ${most}`);
  }
  if (sizeBytes !== widthPixels * heightPixels * BYTES_PER_PIXEL) {
    misfit(
      "sizeBytes",
      `is ${sizeBytes}, and ${widthPixels} × ${heightPixels} pixels of 4 bytes are another number`,
    );
  }
}

/** Blobs in the host visible region lie inside it and do not overlap. */
function checkPlacements(core: GpuCore, resources: readonly SavedResource[]): void {
  const mapped = [...resources.entries()].filter(([, { mappedAt }]) => mappedAt >= 0);
  mapped.sort(([, a], [, b]) => a.mappedAt - b.mappedAt);
  let end = 0;
  for (const [i, { mappedAt, sizeBytes }] of mapped) {
    if (mappedAt < end) misfit([i, "mappedAt"], `is ${mappedAt}, inside of another blob`);
    end = mappedAt + sizeBytes;
    if (end > (core.heap?.lengthBytes ?? 0)) {
      misfit([i, "mappedAt"], `is ${mappedAt}, where this host heap has no room for ${sizeBytes} bytes`);
    }
  }
}

function checkContexts(
  core: GpuCore,
  contexts: readonly SavedContext[],
  byId: ReadonlyMap<number, SavedResource>,
): void {
  checkUnique(contexts, ({ id }) => id, "id");
  const capsets = core.options.renderer?.capsets ?? [];
  let attachments = 0;
  for (const [i, { capsetId, resources }] of contexts.entries()) {
    inside(i, () => {
      if (capsetId !== 0 && !capsets.some(({ id }) => id === capsetId)) {
        misfit("capsetId", `is ${capsetId}, and there is no such capset here`);
      }
      const seen = new Set<number>();
      for (const [k, id] of resources.entries()) {
        if (!byId.has(id)) misfit(["resources", k], `is ${id}, a resource that was not saved`);
        if (seen.has(id)) misfit(["resources", k], `is ${id}, as an earlier one is`);
        seen.add(id);
      }
      attachments += seen.size;
      if (attachments > core.limits.maxContextAttachments) {
        misfit("resources", `make it ${attachments} attachments, more than this device's limit`);
      }
    });
  }
}

function checkScanout(core: GpuCore, scanout: SavedScanout, byId: ReadonlyMap<number, SavedResource>): void {
  const { x, y, widthPixels, heightPixels, format, strideBytes, offsetBytes } = scanout;
  const resource = byId.get(scanout.resourceId);
  if (resource === undefined) {
    misfit("resourceId", `is ${scanout.resourceId}, a resource that was not saved`);
    return;
  }
  if (!isGpuFormat(format)) misfit("format", `is ${format}, not one of VIRTIO_GPU_FORMAT_*`);
  const { minScanoutPixels } = core.policy;
  for (const [name, pixels] of [
    ["widthPixels", widthPixels],
    ["heightPixels", heightPixels],
  ] as const) {
    if (pixels < minScanoutPixels) misfit(name, `is ${pixels}, less than ${minScanoutPixels}`);
  }
  if (strideBytes < (x + widthPixels) * BYTES_PER_PIXEL) {
    misfit("strideBytes", `is ${strideBytes}, too small for ${x + widthPixels} pixels`);
  }
  if (resource.kind === "3d") return;
  if (resource.kind === "2d") {
    if (x + widthPixels > resource.widthPixels)
      misfit("widthPixels", `is ${widthPixels}, beyond the resource's edge`);
    if (y + heightPixels > resource.heightPixels)
      misfit("heightPixels", `is ${heightPixels}, beyond the resource's edge`);
    if (format !== resource.format)
      misfit("format", `is ${format}, and the resource's is ${resource.format}`);
    const stride = resource.widthPixels * BYTES_PER_PIXEL;
    if (strideBytes !== stride) misfit("strideBytes", `is ${strideBytes}, and the resource's is ${stride}`);
    const offset = y * stride + x * BYTES_PER_PIXEL;
    if (offsetBytes !== offset) misfit("offsetBytes", `is ${offsetBytes}, and ${x}, ${y} is at ${offset}`);
    return;
  }
  // Of the frame on a blob only the part shown was saved.
  if (offsetBytes < y * strideBytes + x * BYTES_PER_PIXEL) {
    misfit("offsetBytes", `is ${offsetBytes}, too near to the start for a rectangle at ${x}, ${y}`);
  }
  const endBytes = offsetBytes + (heightPixels - 1) * strideBytes + widthPixels * BYTES_PER_PIXEL;
  if (endBytes > resource.sizeBytes) misfit("heightPixels", `is ${heightPixels}, and the blob ends before`);
}

function readCursor({ pixels, format }: SavedCursorImage): Uint8Array {
  if (!isGpuFormat(format)) misfit("format", `is ${format}, not one of VIRTIO_GPU_FORMAT_*`);
  const bytes = new Uint8Array(CURSOR_BYTES);
  if (!decodeBase64Into(pixels, bytes)) misfit("pixels", `is not base64 of ${CURSOR_BYTES} bytes`);
  return bytes;
}

function makeResource(saved: SavedResource): Resource {
  const { kind, sizeBytes, bytes } = saved;
  const is2d = kind === "2d";
  let pixels: ReturnType<typeof allocatePixels> = null;
  let memory: HostBlob | null = null;
  if (bytes !== null) {
    // Nothing is allocated beyond what the state holds.
    if (base64Letters(sizeBytes) !== bytes.length) {
      misfit("bytes", `is base64 of ${bytes.length} characters, and the resource has ${sizeBytes} bytes`);
    }
    pixels = is2d ? allocatePixels(sizeBytes) : null;
    memory = is2d ? null : allocateBlob(sizeBytes);
    const target =
      pixels?.u8 ?? memory?.bytes() ?? misfit("sizeBytes", `is ${sizeBytes}, and there is no memory left`);
    if (!decodeBase64Into(bytes, target)) misfit("bytes", "is not base64");
    if (pixels !== null) pixels.freshFrom = sizeBytes;
  }
  return new Resource(saved.id, kind, { ...saved, pixels, memory });
}

function findBacking(core: GpuCore, { backing }: SavedResource): GuestPages | null {
  return backing === null ? null : inside("backing", () => findPages(core.host.memory, backing));
}

function allocateBlob(sizeBytes: number): HostBlob | null {
  try {
    return new HostBlob(sizeBytes);
  } catch {
    return null;
  }
}

/** Takes over a checked state, after a reset. Calls only the renderer, whose state is among it. */
export function takeOverGpu(core: GpuCore, { saved, resources, backings, renderer }: RestoredGpu): void {
  for (const { id, capsetId, debugName, resources: attached } of saved.contexts) {
    core.contexts.add({ id, capsetId, debugName, resources: new Set(attached) });
  }
  for (const [i, resource] of resources.entries()) {
    const { mappedAt, uuids } = saved.resources[i] as SavedResource;
    core.resources.add(resource);
    core.resources.setBacking(resource, backings[i] ?? null);
    if (resource.memory !== null && mappedAt >= 0) core.heap?.map(resource.memory, mappedAt);
    for (const uuid of uuids) core.exports.publish(resource, parseUuid(uuid));
  }
  if (renderer !== null) takeOverRenderer(core, renderer);
}

/** What a renderer makes of its state is known only now: a picture too small for its scanout is not shown. */
function isInPicture(core: GpuCore, resource: Resource, scanout: SavedScanout): boolean {
  const picture = core.scanouts.rendered(resource);
  if (picture === null) return false;
  const { widthPixels, heightPixels, strideBytes, offsetBytes } = scanout;
  return (
    offsetBytes + (heightPixels - 1) * strideBytes + widthPixels * BYTES_PER_PIXEL <= picture.bytes.length
  );
}

/** Last of the checks, as it may do anything; one that has `restore` only says what is wrong when it is too late. */
function prepareRenderer(
  core: GpuCore,
  saved: SavedGpu,
  resources: readonly Resource[],
  backings: readonly (GuestPages | null)[],
): PreparedRenderer | null {
  const { renderer } = core.options;
  if (renderer === undefined || (saved.renderer === null && !has3d(saved))) return null;
  const state = saved.renderer as PlainValue;
  const rendered: RestoredResource[] = [];
  for (const [i, resource] of resources.entries()) {
    const { id, memory } = resource;
    if (isRendered(resource)) rendered.push({ resourceId: id, backing: backings[i] ?? null, memory });
  }
  if (renderer.prepareRestore === undefined) {
    return { takeOver: () => ofRenderer("restore()", () => renderer.restore?.(state, rendered)) };
  }
  const prepared = ofRenderer("prepareRestore()", () => renderer.prepareRestore?.(state, rendered));
  if (typeof prepared?.takeOver !== "function") {
    throw new VirtioUsageError("renderer.prepareRestore() returned no object with takeOver()");
  }
  return { takeOver: () => ofRenderer("takeOver()", () => prepared.takeOver()) };
}

function takeOverRenderer({ life }: GpuCore, renderer: PreparedRenderer): void {
  renderer.takeOver();
  if (life.over) throw new VirtioUsageError("the renderer reset the device while it took its state over");
}

/** What the renderer says of its saved state, at once; its refusal is in words. */
function ofRenderer<T>(method: string, call: () => T): T {
  try {
    return atOnce(call(), `renderer.${method}`, "have the renderer ready for its state, and restore then");
  } catch (error) {
    if (error instanceof VirtioUsageError) throw error;
    throw new VirtioUsageError(`the renderer refuses its saved state: ${messageOf(error)}`, { cause: error });
  }
}

/** Shows on the display what was taken over. The display may do anything in the process, even reset the device. */
export function showGpu(core: GpuCore, { saved, cursors }: RestoredGpu): void {
  const { life } = core;
  for (const [i, scanout] of saved.scanouts.entries()) {
    if (scanout !== null) showScanout(core, i, scanout);
    if (life.over) return;
    const cursor = saved.cursors[i] as SavedCursor;
    core.attempt(() => core.cursors.restore(i, cursor, cursors[i] ?? null));
    if (life.over) return;
  }
}

function showScanout(core: GpuCore, index: number, scanout: SavedScanout): void {
  const resource = core.resources.get(scanout.resourceId);
  if (resource === null) return;
  const { x, y, widthPixels, heightPixels, format, strideBytes, offsetBytes } = scanout;
  core.attempt(() => {
    if (resource.kind === "3d" && !isInPicture(core, resource, scanout)) return;
    return core.scanouts.show(
      index,
      resource,
      x,
      y,
      widthPixels,
      heightPixels,
      format,
      strideBytes,
      offsetBytes,
      true,
    );
  });
  if (!core.resources.has(resource)) return;
  // A display that was made just now has nothing to show yet.
  core.attempt(() => core.scanouts.flush(resource, x, y, widthPixels, heightPixels));
}
