import type { Mutant } from "../../support/mutants/mutant.ts";
import { breaks } from "./gpu-common.ts";

const commands = breaks("commands/commands-2d");
const resources = breaks("resources/resources");
const attach = breaks("commands/attach");
const scanouts = breaks("output/scanouts");
const formats = breaks("resources/formats");
const cursor = breaks("commands/commands-cursor");
const read = breaks("src/backends/display/pictures/read-scanout.ts");
const convert = breaks("src/backends/display/pictures/convert.ts");

const CREATE = "if (id === 0 || core.resources.get(id) !== null) {";
const SET =
  "  if (\n    width < minScanoutPixels ||\n    height < minScanoutPixels ||\n    x + width > widthPixels ||\n    y + height > heightPixels\n  ) {";
const FLUSH = "(x + width > resource.widthPixels || y + height > resource.heightPixels)) {";
const TRANSFER = "  if (x + width > resource.widthPixels || y + height > resource.heightPixels) {";

/** 2D resources, scanouts, transfers, flushes, cursors. */
export const GPU_2D_MUTANTS: readonly Mutant[] = [
  // Resources
  commands("response", "resource-0-created", CREATE, "if (core.resources.get(id) !== null) {"),
  commands("response", "resource-created-twice", CREATE, "if (id === 0) {"),
  commands("response", "any-format", "if (!isGpuFormat(format)) return", "if (format > 0xfffffffe) return"),
  formats("response", "format-missing", "    case VIRTIO_GPU_FORMAT_A8B8G8R8_UNORM:\n", ""),
  formats(
    "response",
    "format-too-many",
    "    case VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM:\n    case VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM:\n    case",
    "    case 5:\n    case VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM:\n    case VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM:\n    case",
  ),
  commands(
    "response",
    "resource-of-31-bits",
    "  const id = request.u32(VIRTIO_GPU_RESOURCE_CREATE_2D.resource_id);",
    "  const id = request.u32(VIRTIO_GPU_RESOURCE_CREATE_2D.resource_id) & 0x7fffffff;",
  ),
  commands(
    "response",
    "unref-of-anything",
    "  if (!isRendered(resource)) return core.done(forgetResource(core, resource), true);",
    "  if (!isRendered(resource)) return OK;",
  ),
  commands(
    "response",
    "unref-without-looking",
    "  const resource = core.resources.get(request.u32(VIRTIO_GPU_RESOURCE_UNREF.resource_id));\n  if (resource === null) return",
    "  const resource = core.resources.get(request.u32(VIRTIO_GPU_RESOURCE_UNREF.resource_id));\n  if (resource === null) return OK;\n  if (resource === null) return",
  ),
  resources(
    "response",
    "resources-forgotten",
    "    this.#byId.set(resource.id, resource);",
    "    if (this.#byId.size < 50) this.#byId.set(resource.id, resource);",
  ),
  resources("response", "resources-outlive-reset", "    this.#byId.clear();", ""),

  resources("response", "memory-never-freed", "    this.#hostBytes -= resource.hostBytes;", ""),

  // Backing
  commands(
    "response",
    "backing-not-attached",
    "act: () => core.resources.setBacking(resource, pages),",
    "act: () => {},",
  ),
  commands(
    "response",
    "backing-not-detached",
    "    if (resource.backing === backing) core.resources.dropBacking(resource);\n",
    "",
  ),
  commands(
    "response",
    "attach-to-no-resource",
    "  const resource = core.resources.get(request.u32(VIRTIO_GPU_RESOURCE_ATTACH_BACKING.resource_id));",
    "  const resource = core.resources.get(request.u32(VIRTIO_GPU_RESOURCE_ATTACH_BACKING.resource_id));\n  if (resource === null) return OK;",
  ),
  commands(
    "response",
    "detach-from-no-resource",
    "  const resource = core.resources.get(request.u32(VIRTIO_GPU_RESOURCE_DETACH_BACKING.resource_id));",
    "  const resource = core.resources.get(request.u32(VIRTIO_GPU_RESOURCE_DETACH_BACKING.resource_id));\n  if (resource === null) return OK;",
  ),
  attach(
    "response",
    "entries-not-counted",
    "  if (position + count * ENTRY_BYTES > chain.readableBytes) {",
    "  if (position > chain.readableBytes) {",
  ),
  attach("response", "entries-few", "  if (count > limits.maxBackingEntries) {", "  if (count > 200) {"),
  attach(
    "finished",
    "entries-in-reverse",
    "const word = (i * ENTRY_BYTES) >>> 2;",
    "const word = ((entries - 1 - i) * ENTRY_BYTES) >>> 2;",
  ),
  attach(
    "finished",
    "entries-beyond-256-lost",
    "if (this.#done === count) {",
    "if (this.#done >= Math.min(count, ENTRIES_AT_ONCE)) {",
  ),
  attach("finished", "entries-all-the-first", "const word = (i * ENTRY_BYTES) >>> 2;", "const word = 0;"),

  // Scanouts
  commands(
    "response",
    "scanout-without-limit",
    "if (scanoutId >= core.scanouts.count) {",
    "if (scanoutId >= core.scanouts.count) return OK;\n  if (scanoutId < 0) {",
  ),
  commands(
    "response",
    "first-scanout-only",
    "if (scanoutId >= core.scanouts.count) {",
    "if (scanoutId >= 1) {",
  ),
  commands(
    "response",
    "scanout-of-a-large-resource-refused",
    "  let { widthPixels, heightPixels, format, strideBytes } = resource;",
    '  let { widthPixels, heightPixels, format, strideBytes } = resource;\n  if (widthPixels > 64) return core.refuse(VIRTIO_GPU_RESP_ERR_UNSPEC, "");',
  ),
  commands(
    "response",
    "scanout-never-disabled",
    "    return core.done(core.scanouts.disable(scanoutId), true);",
    '    return core.refuse(VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID, "no resource");',
  ),
  commands(
    "finished",
    "scanout-disabled-in-words",
    "core.done(core.scanouts.disable(scanoutId), true)",
    "OK",
  ),
  commands(
    "response",
    "scanout-too-wide",
    SET,
    SET.replace("x + width > widthPixels", "x + width > widthPixels + 1"),
  ),
  commands(
    "response",
    "scanout-too-high",
    SET,
    SET.replace("y + height > heightPixels", "height > heightPixels"),
  ),
  commands(
    "response",
    "scanout-wraps",
    SET,
    SET.replace("x + width >", "(x + width) >>> 0 >").replace("y + height >", "(y + height) >>> 0 >"),
  ),
  commands(
    "response",
    "scanout-exclusive-edge",
    SET,
    SET.replace("y + height > heightPixels", "y + height >= heightPixels + (y > 0 ? 0 : 1)"),
  ),
  commands(
    "finished",
    "scanout-from-the-corner",
    "const offset = y * strideBytes + x * BYTES_PER_PIXEL;\n  return core.done",
    "const offset = 0;\n  return core.done",
  ),
  commands(
    "finished",
    "scanout-offset-in-pixels",
    "const offset = y * strideBytes + x * BYTES_PER_PIXEL;\n  return core.done",
    "const offset = y * strideBytes + x;\n  return core.done",
  ),
  scanouts(
    "finished",
    "scanouts-mixed-up",
    "    const scanout = this.#list[index] as Scanout;\n    if (\n",
    "    index = 0;\n    const scanout = this.#list[index] as Scanout;\n    if (\n",
  ),
  scanouts(
    "finished",
    "flip-forgotten",
    "      if (scanout.resource !== null) this.#counters.flips++;",
    "      if (scanout.resource !== null) return;",
  ),

  // Flush
  commands("response", "flush-outside", FLUSH, "x > 0xffffffff) {"),
  commands(
    "response",
    "flush-wraps",
    FLUSH,
    "((x + width) >>> 0 > resource.widthPixels || (y + height) >>> 0 > resource.heightPixels)) {",
  ),
  commands("response", "flush-of-the-whole-only", FLUSH, "x + width !== resource.widthPixels) {"),
  commands(
    "response",
    "flush-of-no-resource",
    "  const resource = core.resources.get(request.u32(VIRTIO_GPU_RESOURCE_FLUSH.resource_id));",
    "  const resource = core.resources.get(request.u32(VIRTIO_GPU_RESOURCE_FLUSH.resource_id));\n  if (resource === null) return OK;",
  ),
  commands(
    "finished",
    "flush-does-nothing",
    '  if (resource.kind === "2d" || resource.kind === "blob") {\n',
    '  if (resource.kind === "2d" || resource.kind === "blob") {\n    if (width > 0) return OK;\n',
  ),
  scanouts(
    "finished",
    "flush-of-one-scanout",
    "  flush(resource: Resource, x: number, y: number, width: number, height: number): MaybeLater<void> {",
    "  flush(resource: Resource, x: number, y: number, width: number, height: number): MaybeLater<void> {\n    if (resource.scanouts > 1) resource.scanouts &= ~2;",
  ),
  scanouts(
    "finished",
    "flush-in-coordinates-of-the-resource",
    "const left = Math.max(x - scanout.x, 0);",
    "const left = Math.max(x, 0);",
  ),
  scanouts(
    "finished",
    "flush-too-narrow",
    "Math.min(x + width - scanout.x, scanout.widthPixels)",
    "Math.min(x + width - scanout.x, scanout.widthPixels) - 1",
  ),
  scanouts(
    "finished",
    "flush-too-low",
    "Math.min(y + height - scanout.y, scanout.heightPixels)",
    "Math.min(y + height - scanout.y, scanout.heightPixels) - 1",
  ),

  // Transfer
  commands("response", "transfer-outside", TRANSFER, "  if (x + width > 0x7fffffff) {"),
  commands(
    "response",
    "transfer-wraps",
    TRANSFER,
    "  if ((x + width) >>> 0 > resource.widthPixels || (y + height) >>> 0 > resource.heightPixels) {",
  ),
  commands("response", "transfer-too-high", TRANSFER, "  if (x + width > resource.widthPixels) {"),
  commands("response", "transfer-of-all-only", TRANSFER, "  if (width !== resource.widthPixels) {"),
  commands(
    "response",
    "transfer-of-no-resource",
    "  const resource = core.resources.get(request.u32(VIRTIO_GPU_TRANSFER_TO_HOST_2D.resource_id));",
    "  const resource = core.resources.get(request.u32(VIRTIO_GPU_TRANSFER_TO_HOST_2D.resource_id));\n  if (resource === null) return OK;",
  ),
  commands(
    "response",
    "transfer-without-backing",
    '    return core.refuse(policy.transferWithoutBacking, "the resource has no backing");',
    "    return OK;",
  ),
  commands(
    "finished",
    "transfer-later",
    "  core.counters.bytesCopied += core.transfers.copy(\n",
    "  if (width > 0) setTimeout(() => core.transfers.copy(backing, offset, pixels, targetOffset, strideBytes, rowBytes, height), 1);\n  else core.counters.bytesCopied += core.transfers.copy(\n",
  ),
  commands(
    "finished",
    "transfer-does-nothing",
    "  const rowBytes = width * BYTES_PER_PIXEL;",
    "  const rowBytes = width * BYTES_PER_PIXEL;\n  if (rowBytes > 0) return OK;",
  ),
  commands(
    "finished",
    "transfer-offset-ignored",
    "    backing,\n    offset,\n    pixels,",
    "    backing,\n    targetOffset,\n    pixels,",
  ),
  commands(
    "finished",
    "transfer-to-the-corner",
    "const targetOffset = y * strideBytes + x * BYTES_PER_PIXEL;",
    "const targetOffset = 0;",
  ),
  commands(
    "finished",
    "transfer-of-packed-rows",
    "    targetOffset,\n    strideBytes,\n    rowBytes,",
    "    targetOffset,\n    rowBytes,\n    rowBytes,",
  ),
  commands(
    "finished",
    "transfer-a-row-short",
    "    rowBytes,\n    height,\n  );",
    "    rowBytes,\n    height - 1,\n  );",
  ),
  commands(
    "finished",
    "transfer-in-full-width",
    "  const rowBytes = width * BYTES_PER_PIXEL;",
    "  const rowBytes = x === 0 ? strideBytes : width * BYTES_PER_PIXEL;",
  ),

  // Colours
  read(
    "finished",
    "colours-of-one-format",
    "  const { pages, format } = source;",
    "  const { pages } = source;\n  const format = 2;",
  ),
  convert(
    "finished",
    "red-and-blue-swapped",
    "    target[to] = source[from + redByte] as number;",
    "    target[to] = source[from + blueByte] as number;",
  ),
  convert(
    "finished",
    "fast-red-and-blue-swapped",
    "target[to++] = ((bgrx >>> 16) & 0xff) | (bgrx & 0xff00) | ((bgrx & 0xff) << 16) | 0xff000000;",
    "target[to++] = bgrx | 0xff000000;",
  ),

  // Cursors
  cursor(
    "cursor",
    "cursor-of-no-resource",
    '  if (resource === null) return core.refuse(VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID, "no such resource");',
    "  if (resource === null) return VIRTIO_GPU_RESP_OK_NODATA;",
  ),
  cursor(
    "cursor",
    "cursor-cannot-be-hidden",
    "  if (resourceId === 0) {\n",
    '  if (resourceId === 0) return core.refuse(VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID, "");\n  if (resourceId === 0) {\n',
  ),
  cursor(
    "cursor",
    "cursor-64-by-any",
    "image.widthPixels === VIRTIO_GPU_CURSOR_SIZE && image.heightPixels === VIRTIO_GPU_CURSOR_SIZE",
    "image.widthPixels !== VIRTIO_GPU_CURSOR_SIZE",
  ),
  cursor(
    "cursor",
    "cursor-on-any-scanout",
    "/** VIRTIO_GPU_CMD_MOVE_CURSOR; all fields but the position are ignored. */\nexport function moveCursor(core: GpuCore, request: GpuRequest): number {\n  const scanoutId = request.u32(POS + VIRTIO_GPU_CURSOR_POS.scanout_id);",
    "/** Moves. */\nexport function moveCursor(core: GpuCore, request: GpuRequest): number {\n  const scanoutId = request.u32(POS + VIRTIO_GPU_CURSOR_POS.scanout_id) % core.scanouts.count;",
  ),
  cursor(
    "cursor",
    "cursor-on-the-screen-only",
    "  return core.done(core.cursors.move(scanoutId, x, y), true);\n}",
    '  if (x < 0 || y < 0) return core.refuse(VIRTIO_GPU_RESP_ERR_UNSPEC, "");\n  return core.done(core.cursors.move(scanoutId, x, y), true);\n}',
  ),
];
