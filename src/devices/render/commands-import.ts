import { le32 } from "../../base/endian.ts";
import { toNumber } from "../../base/u64.ts";
import type { SharedContent, SharedObjectUse } from "../../device/shared-objects.ts";
import { SEGMENT_WORK, TRANSLATED_WORK } from "../../device/work.ts";
import { GuestPages } from "../../memory/guest-pages.ts";
import { type DescriptorChain, Scratch } from "../../virtqueue/chain.ts";
import {
  VIRTIO_RENDER_IMPORT_PAGES,
  VIRTIO_RENDER_IMPORT_READ_ONLY,
  VIRTIO_RENDER_IMPORT_REF,
  VIRTIO_RENDER_IMPORT_UUID,
  VIRTIO_RENDER_LAYOUT,
  VIRTIO_RENDER_MEM_ENTRY,
  VIRTIO_RENDER_RESP_ERR_IMPORT,
  VIRTIO_RENDER_RESP_ERR_LAYOUT,
  VIRTIO_RENDER_RESP_ERR_LIMIT,
  VIRTIO_RENDER_RESP_ERR_PAGES,
  VIRTIO_RENDER_RESP_ERR_PARAMETER,
  VIRTIO_RENDER_RESP_ERR_UUID,
  VIRTIO_RENDER_RESP_IMPORT,
  VIRTIO_RENDER_RESP_OK,
  VIRTIO_RENDER_RESP_OK_IMPORT,
} from "../../wire/render.ts";
import type { RenderCore } from "./core.ts";
import type { Import, Layout } from "./imports.ts";
import { BYTES_PER_PIXEL, pixelFormat } from "./pixels.ts";
import type { RenderRequest, RenderResponse } from "./protocol.ts";

const OK = VIRTIO_RENDER_RESP_OK;
const UUID_BYTES = 16;
/** Strides from here on are negative when read as signed. */
const MAX_STRIDE_BYTES = 0x80000000;

// Entries are read so many at a time, so that a list needs little memory however long it is.
const ENTRIES_AT_ONCE = 256;
const ENTRY_BYTES = VIRTIO_RENDER_MEM_ENTRY.sizeBytes;
const entries = new Scratch(ENTRIES_AT_ONCE * ENTRY_BYTES);

/** VIRTIO_RENDER_CMD_IMPORT_UUID */
export function importUuid(core: RenderCore, request: RenderRequest, response: RenderResponse): number {
  const id = request.u32(VIRTIO_RENDER_IMPORT_UUID.import_id);
  const flags = request.u32(VIRTIO_RENDER_IMPORT_UUID.flags);
  const refused = refuseImport(core, id, flags);
  if (refused !== 0) return refused;
  const at = VIRTIO_RENDER_IMPORT_UUID.uuid;
  const uuid = request.scratch.u8.subarray(at, at + UUID_BYTES);
  const shared = core.registry?.get(uuid)?.content ?? null;
  if (shared === null) return core.refuse(VIRTIO_RENDER_RESP_ERR_UUID, "no object has this UUID");
  const content = core.guard(shared);
  const layout = readLayout(core, request, VIRTIO_RENDER_IMPORT_UUID.layout, content);
  if (typeof layout === "number") return layout;
  const use = core.registry?.acquire(uuid, () => core.revoked(made)) as SharedObjectUse;
  const made = core.imports.add(id, layout, isReadOnly(flags), { kind: "object", use, content });
  describe(made, response);
  return VIRTIO_RENDER_RESP_OK_IMPORT;
}

/** VIRTIO_RENDER_CMD_IMPORT_PAGES */
export function importPages(core: RenderCore, request: RenderRequest, response: RenderResponse): number {
  const id = request.u32(VIRTIO_RENDER_IMPORT_PAGES.import_id);
  const flags = request.u32(VIRTIO_RENDER_IMPORT_PAGES.flags);
  const count = request.u32(VIRTIO_RENDER_IMPORT_PAGES.nr_entries);
  const refused = refuseImport(core, id, flags);
  if (refused !== 0) return refused;
  const pages = readPages(core, request.chain as DescriptorChain, count, !isReadOnly(flags));
  if (typeof pages === "number") return pages;
  const sizeBytes = pages.totalBytes;
  const layout = readLayout(core, request, VIRTIO_RENDER_IMPORT_PAGES.layout, { sizeBytes, image: null });
  if (typeof layout === "number") return layout;
  const made = core.imports.add(id, layout, isReadOnly(flags), { kind: "pages", pages, sizeBytes });
  describe(made, response);
  return VIRTIO_RENDER_RESP_OK_IMPORT;
}

/** VIRTIO_RENDER_CMD_RELEASE: commands that were taken before still have the import. */
export function release(core: RenderCore, request: RenderRequest): number {
  const found = core.imports.get(request.u32(VIRTIO_RENDER_IMPORT_REF.import_id));
  if (found === null) return core.refuse(VIRTIO_RENDER_RESP_ERR_IMPORT, "no such import");
  core.imports.release(found);
  return OK;
}

/** VIRTIO_RENDER_CMD_GET_IMPORT */
export function getImport(core: RenderCore, request: RenderRequest, response: RenderResponse): number {
  const found = core.imports.get(request.u32(VIRTIO_RENDER_IMPORT_REF.import_id));
  if (found === null) return core.refuse(VIRTIO_RENDER_RESP_ERR_IMPORT, "no such import");
  describe(found, response);
  return VIRTIO_RENDER_RESP_OK_IMPORT;
}

function isReadOnly(flags: number): boolean {
  return (flags & VIRTIO_RENDER_IMPORT_READ_ONLY) !== 0;
}

/** What both ways of importing check first; 0 when nothing is wrong. */
function refuseImport(core: RenderCore, id: number, flags: number): number {
  if (id === 0 || core.imports.get(id) !== null) {
    return core.refuse(VIRTIO_RENDER_RESP_ERR_IMPORT, "the import id is 0 or in use");
  }
  if ((flags & ~VIRTIO_RENDER_IMPORT_READ_ONLY) !== 0) {
    return core.refuse(VIRTIO_RENDER_RESP_ERR_PARAMETER, "flags has unknown bits");
  }
  if (!core.imports.hasRoom) return core.refuse(VIRTIO_RENDER_RESP_ERR_LIMIT, "too many imports");
  return 0;
}

/** Reads and checks a layout; one of zeros alone stands for the object's own. Returns the error response instead. */
function readLayout(
  core: RenderCore,
  request: RenderRequest,
  at: number,
  content: Pick<SharedContent, "sizeBytes" | "image">,
): Layout | number {
  const wrong = (reason: string): number => core.refuse(VIRTIO_RENDER_RESP_ERR_LAYOUT, reason);
  let formatValue = request.u32(at + VIRTIO_RENDER_LAYOUT.format);
  let widthPixels = request.u32(at + VIRTIO_RENDER_LAYOUT.width);
  let heightPixels = request.u32(at + VIRTIO_RENDER_LAYOUT.height);
  let strideBytes = request.u32(at + VIRTIO_RENDER_LAYOUT.stride);
  const offsetBytes = toNumber(
    request.u32(at + VIRTIO_RENDER_LAYOUT.offset + 4),
    request.u32(at + VIRTIO_RENDER_LAYOUT.offset),
  );
  if ((formatValue | widthPixels | heightPixels | strideBytes) === 0 && offsetBytes === 0) {
    // Asked once: an exporter may answer otherwise the second time.
    const { image } = content;
    if (image === null) return wrong("the object has no layout of its own");
    ({ widthPixels, heightPixels, strideBytes, format: formatValue } = image);
  }
  const format = pixelFormat(formatValue);
  if (format === null) return wrong("no such format");
  if (widthPixels === 0 || heightPixels === 0) return wrong("no pixels");
  const { maxDimension, maxImportBytes } = core.limits;
  if (widthPixels > maxDimension || heightPixels > maxDimension) {
    return core.refuse(VIRTIO_RENDER_RESP_ERR_LIMIT, "wider or higher than the device can draw");
  }
  if (strideBytes < widthPixels * BYTES_PER_PIXEL || strideBytes >= MAX_STRIDE_BYTES) {
    return wrong("the stride is too small, or negative");
  }
  // At most 2^31 * 2^14: exact. The sum with a 64-bit offset may be rounded, but not below any limit.
  const extent = strideBytes * (heightPixels - 1) + widthPixels * BYTES_PER_PIXEL;
  if (offsetBytes + extent > content.sizeBytes) return wrong("the picture is not inside the object");
  if (extent > maxImportBytes) {
    return core.refuse(VIRTIO_RENDER_RESP_ERR_LIMIT, "more bytes than the device can draw into");
  }
  return { format, widthPixels, heightPixels, strideBytes, offsetBytes };
}

/** Reads the entries behind the fixed struct and finds the memory they name, or returns the error response. */
function readPages(
  core: RenderCore,
  chain: DescriptorChain,
  count: number,
  write: boolean,
): GuestPages | number {
  const { limits, host } = core;
  const wrong = (reason: string): number => core.refuse(VIRTIO_RENDER_RESP_ERR_PAGES, reason);
  const first = VIRTIO_RENDER_IMPORT_PAGES.sizeBytes;
  if (count === 0) return wrong("no entries");
  if (count > limits.maxEntries) return core.refuse(VIRTIO_RENDER_RESP_ERR_LIMIT, "too many entries");
  // Before anything is allocated: a count says nothing, bytes do. Both factors are small enough to be exact.
  if (first + count * ENTRY_BYTES > chain.readableBytes) return wrong("fewer entries than announced");
  if (!core.imports.hasRoomForEntries(count)) {
    return core.refuse(VIRTIO_RENDER_RESP_ERR_LIMIT, "too many entries of all imports together");
  }
  const pages = new GuestPages(host.memory);
  const work = host.dma.translator === null ? SEGMENT_WORK : TRANSLATED_WORK;
  for (let done = 0; done < count; done += ENTRIES_AT_ONCE) {
    const part = Math.min(ENTRIES_AT_ONCE, count - done);
    chain.read(first + done * ENTRY_BYTES, entries.u8, 0, part * ENTRY_BYTES);
    for (let i = 0; i < part; i++) {
      const word = (i * ENTRY_BYTES) >>> 2;
      const lo = le32(entries.u32[word] as number) >>> 0;
      const hi = le32(entries.u32[word + 1] as number) >>> 0;
      const length = le32(entries.u32[word + 2] as number) >>> 0;
      if (length === 0) return wrong("an entry of length 0");
      const walked = pages.walked;
      const error = pages.add(host.dma, hi, lo, length, write, limits.maxEntries - walked);
      host.budget.left -= (pages.walked - walked) * work;
      // Behind an IOMMU one entry may come to many segments; all are found in one turn.
      if (
        pages.walked > limits.maxEntries ||
        !core.imports.hasRoomForEntries(Math.max(pages.count, pages.walked - count))
      ) {
        return core.refuse(
          VIRTIO_RENDER_RESP_ERR_LIMIT,
          "too many segments of one import or of all together",
        );
      }
      if (error !== null) return wrong(`an entry leads nowhere: ${error}`);
    }
  }
  return pages;
}

/** Fills in virtio_render_resp_import. */
function describe(described: Import, response: RenderResponse): void {
  const { layout } = described;
  const at = VIRTIO_RENDER_RESP_IMPORT.layout;
  response.begin(VIRTIO_RENDER_RESP_IMPORT.sizeBytes);
  response.setU32(VIRTIO_RENDER_RESP_IMPORT.state, described.state);
  response.setU32(at + VIRTIO_RENDER_LAYOUT.format, layout.format.format);
  response.setU32(at + VIRTIO_RENDER_LAYOUT.width, layout.widthPixels);
  response.setU32(at + VIRTIO_RENDER_LAYOUT.height, layout.heightPixels);
  response.setU32(at + VIRTIO_RENDER_LAYOUT.stride, layout.strideBytes);
  response.setU64(at + VIRTIO_RENDER_LAYOUT.offset, layout.offsetBytes);
  response.setU64(VIRTIO_RENDER_RESP_IMPORT.size, described.sizeBytes);
}
