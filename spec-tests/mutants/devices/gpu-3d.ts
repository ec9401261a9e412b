import { type Mutant, mutant } from "../../support/mutants/mutant.ts";
import { breaks, RULES } from "./gpu-common.ts";

const commands = breaks("commands/commands-3d");
const blobs = breaks("commands/commands-blob");
const contexts = breaks("resources/contexts");
const heap = breaks("resources/host-heap");
const uuid = breaks("commands/commands-uuid");
const table = breaks("commands/commands");

const CREATE = "if (id === 0 || core.resources.get(id) !== null) {";
const MEM = "if (mem !== VIRTIO_GPU_BLOB_MEM_GUEST && !(onHost && core.hasFeature(VIRTIO_GPU_F_VIRGL))) {";
const FRAME =
  "if (offset + stride * (frameHeight - 1) + frameWidth * BYTES_PER_PIXEL > resource.sizeBytes) {";
const RECT = "    x + width > frameWidth ||\n    y + height > frameHeight\n";

/** Capsets, contexts, 3D resources, blobs, what is mapped and exported. */
export const GPU_3D_MUTANTS: readonly Mutant[] = [
  // Capsets
  commands(
    "capsetIndex",
    "any-capset-index",
    "core.renderer?.capsets[request.u32(VIRTIO_GPU_GET_CAPSET_INFO.capset_index)]",
    "core.renderer?.capsets[request.u32(VIRTIO_GPU_GET_CAPSET_INFO.capset_index) % 2]",
  ),
  commands(
    "capsetIndex",
    "first-capset-only",
    "core.renderer?.capsets[request.u32(VIRTIO_GPU_GET_CAPSET_INFO.capset_index)]",
    "core.renderer?.capsets.slice(0, 1)[request.u32(VIRTIO_GPU_GET_CAPSET_INFO.capset_index)]",
  ),
  commands(
    "capsetId",
    "capset-of-no-known-id",
    "VIRTIO_GPU_RESP_CAPSET_INFO.capset_id, capset.id)",
    "VIRTIO_GPU_RESP_CAPSET_INFO.capset_id, capset.id + 5)",
  ),
  commands(
    "capsetId",
    "capset-id-0",
    "VIRTIO_GPU_RESP_CAPSET_INFO.capset_id, capset.id)",
    "VIRTIO_GPU_RESP_CAPSET_INFO.capset_id, 0)",
  ),
  commands(
    "capsetId",
    "capset-larger-than-said",
    "to.payload = bytes.subarray(0, capset.maxSizeBytes);",
    "to.payload = new Uint8Array(bytes.length + 8);",
  ),
  commands(
    "capsetId",
    "any-capset",
    "  if (capset === undefined || version > capset.maxVersion) {",
    "  if (capset === undefined) return VIRTIO_GPU_RESP_OK_CAPSET;\n  if (version > capset.maxVersion) {",
  ),
  commands(
    "capsetId",
    "any-capset-version",
    "  if (capset === undefined || version > capset.maxVersion) {",
    "  if (capset === undefined) {",
  ),
  commands("capsetId", "capset-of-another-type", "return VIRTIO_GPU_RESP_OK_CAPSET;", "return OK;"),
  commands(
    "capsetIndex",
    "capset-info-of-another-type",
    "return VIRTIO_GPU_RESP_OK_CAPSET_INFO;",
    "return OK;",
  ),

  // Contexts
  contexts("createContext", "context-not-created", "    this.#byId.set(context.id, context);", ""),
  contexts(
    "createContext",
    "context-of-another-id",
    "    this.#byId.set(context.id, context);",
    "    this.#byId.set(1, context);",
  ),
  contexts("createContext", "context-never-destroyed", "this.#byId.delete(context.id);", ""),
  contexts("createContext", "contexts-outlive-reset", "    this.#byId.clear();", ""),
  commands(
    "createContext",
    "submit-without-context",
    "export function submit3d(core: GpuCore, request: GpuRequest): number {\n",
    "export function submit3d(core: GpuCore, request: GpuRequest): number {\n  if (core.contexts.get(request.ctxId) === null) return OK;\n",
  ),
  commands(
    "createContext",
    "submit-size-ignored",
    "if (sizeBytes > chain.readableBytes - VIRTIO_GPU_CMD_SUBMIT.sizeBytes) {",
    "if (sizeBytes > chain.readableBytes - VIRTIO_GPU_CMD_SUBMIT.sizeBytes) return OK;\n  if (sizeBytes < 0) {",
  ),
  commands(
    "createContext",
    "destroy-of-nothing",
    "export function destroyContext(core: GpuCore, request: GpuRequest): number {\n",
    "export function destroyContext(core: GpuCore, request: GpuRequest): number {\n  if (core.contexts.get(request.ctxId) === null) return OK;\n",
  ),
  commands(
    "createContext",
    "attach-without-context",
    "export function attachResource(core: GpuCore, request: GpuRequest): number {\n",
    "export function attachResource(core: GpuCore, request: GpuRequest): number {\n  if (core.contexts.get(request.ctxId) === null) return OK;\n",
  ),
  commands(
    "createContext",
    "attach-of-no-resource",
    "  const resource = core.resources.get(request.u32(VIRTIO_GPU_CTX_RESOURCE.resource_id));",
    "  const resource = core.resources.get(request.u32(VIRTIO_GPU_CTX_RESOURCE.resource_id));\n  if (resource === null) return OK;",
  ),
  commands(
    "createContext",
    "3d-transfer-without-context",
    "  if (request.ctxId !== 0 && core.contexts.get(request.ctxId) === null) {",
    "  if (request.ctxId > 0xffffffff) {",
  ),
  commands(
    "createContext",
    "3d-transfer-of-no-resource",
    "  const resource = core.resources.get(request.u32(VIRTIO_GPU_TRANSFER_HOST_3D.resource_id));",
    "  const resource = core.resources.get(request.u32(VIRTIO_GPU_TRANSFER_HOST_3D.resource_id));\n  if (resource === null) return OK;",
  ),
  commands("createContext", "3d-resource-id-0", CREATE, "if (core.resources.get(id) !== null) {"),
  commands("createContext", "3d-resource-created-twice", CREATE, "if (id === 0) {"),
  commands(
    "contextOfCapset",
    "context-of-the-first-capset-only",
    "if (capsetId !== 0 && !rendererOf(core).capsets.some((capset) => capset.id === capsetId)) {",
    "if (capsetId !== 0 && capsetId !== 1) {",
  ),
  commands(
    "contextOfCapset",
    "context-of-any-capset",
    "if (capsetId !== 0 && !rendererOf(core).capsets.some((capset) => capset.id === capsetId)) {",
    "if (capsetId > 255) {",
  ),
  commands(
    "finished",
    "3d-transfers-the-wrong-way",
    "    toHost\n      ? renderer",
    "    !toHost\n      ? renderer",
  ),
  commands(
    "finished",
    "3d-transfer-later",
    "  const renderer = rendererOf(core);\n  return core.done(\n",
    "  const renderer = rendererOf(core);\n  if (!toHost) {\n    setTimeout(() => void (core.resources.has(resource) && renderer.transferFromHost(request.ctxId, resource.id, info, resource.backing)), 1);\n    return OK;\n  }\n  return core.done(\n",
  ),

  // Blobs
  blobs(
    "blobMem",
    "blob-mem-0",
    MEM,
    "if (mem !== 0 && mem !== VIRTIO_GPU_BLOB_MEM_GUEST && !(onHost && core.hasFeature(VIRTIO_GPU_F_VIRGL))) {",
  ),
  blobs("blobMem", "any-blob-mem", MEM, "if (onHost && !core.hasFeature(VIRTIO_GPU_F_VIRGL)) {"),
  blobs("blobMem", "blob-id-0", CREATE, "if (core.resources.get(id) !== null) {"),
  blobs("blobMem", "blob-created-twice", CREATE, "if (id === 0) {"),
  blobs(
    "blobMem",
    "blob-never-aligned",
    "  return value % alignment === 0;",
    "  return value % alignment !== 0;",
  ),
  blobs(
    "blobOfContext",
    "blob-of-no-context",
    "  if (onHost && core.contexts.get(request.ctxId) === null) {",
    "  if (onHost && request.ctxId > 0xffffffff) {",
  ),
  blobs(
    "blobFormat",
    "blob-of-any-format",
    "if (!isGpuFormat(format)) return",
    "if (format > 0xfffffffe) return",
  ),
  blobs("blobFormat", "blob-of-one-format", "if (!isGpuFormat(format)) return", "if (format !== 2) return"),
  blobs("blobFormat", "frame-beyond-the-blob", FRAME, "if (offset > resource.sizeBytes) {"),
  blobs(
    "blobFormat",
    "frame-size-wraps",
    FRAME,
    "if ((offset + Math.imul(stride, frameHeight - 1) + frameWidth * BYTES_PER_PIXEL) >>> 0 > resource.sizeBytes) {",
  ),
  blobs(
    "blobFormat",
    "frame-offset-ignored",
    FRAME,
    "if (stride * (frameHeight - 1) + frameWidth * BYTES_PER_PIXEL > resource.sizeBytes) {",
  ),
  blobs("blobFormat", "rectangle-wider-than-the-frame", RECT, "    y + height > frameHeight\n"),
  blobs("blobFormat", "rectangle-higher-than-the-frame", RECT, "    x + width > frameWidth\n"),
  blobs(
    "blobFormat",
    "rectangle-wraps",
    RECT,
    "    (x + width) >>> 0 > frameWidth ||\n    y + height > frameHeight\n",
  ),
  blobs(
    "blobFormat",
    "scanout-blob-of-2d",
    "  if (!resource.isBlob)\n    return core",
    "  if (!resource.isBlob) return OK;\n  if (!resource.isBlob)\n    return core",
  ),
  blobs(
    "blobFormat",
    "scanout-blob-anywhere",
    "  if (scanoutId >= core.scanouts.count) {",
    "  if (scanoutId >= core.scanouts.count) return OK;\n  if (scanoutId < 0) {",
  ),
  blobs(
    "blobFormat",
    "frame-from-the-corner",
    "const first = offset + y * stride + x * BYTES_PER_PIXEL;",
    "const first = offset;",
  ),
  blobs(
    "blobFormat",
    "frame-from-the-start",
    "const first = offset + y * stride + x * BYTES_PER_PIXEL;",
    "const first = y * stride + x * BYTES_PER_PIXEL;",
  ),
  blobs(
    "blobFormat",
    "stride-of-the-width",
    "format, stride, first), true);",
    "format, frameWidth * BYTES_PER_PIXEL, first), true);",
  ),

  // Host visible memory
  mutant(
    "region-of-another-id",
    RULES.regionIds,
    "src/devices/gpu/device.ts",
    "[{ id: VIRTIO_GPU_SHM_ID_HOST_VISIBLE, lengthBytes",
    "[{ id: VIRTIO_GPU_SHM_ID_HOST_VISIBLE + 1, lengthBytes",
    { targets: ["builtin-pci"] },
  ),
  table(
    "mapBlob",
    "no-map-blob",
    "VIRTIO_GPU_F_RESOURCE_BLOB,\n      mapBlob,",
    'VIRTIO_GPU_F_RESOURCE_BLOB,\n      (core) => core.refuse(0x1200, "no such command"),',
  ),
  table(
    "mapBlob",
    "no-unmap-blob",
    "VIRTIO_GPU_F_RESOURCE_BLOB,\n      unmapBlob,",
    'VIRTIO_GPU_F_RESOURCE_BLOB,\n      (core) => core.refuse(0x1200, "no such command"),',
  ),
  blobs(
    "mapBlob",
    "unmap-in-words",
    "  return core.change(\n    // The renderer first: while it holds on to the mapping",
    "  if (memory.mappedAt >= 0) return OK;\n  return core.change(\n    // The renderer first: while it holds on to the mapping",
  ),
  blobs(
    "mapBlob",
    "unmap-of-what-is-not-mapped",
    "  if (memory === null || memory.mappedAt < 0) {",
    "  if (memory !== null && memory.mappedAt < 0) return OK;\n  if (memory === null) {",
  ),
  blobs("mapBlob", "map-info-of-another-type", "return VIRTIO_GPU_RESP_OK_MAP_INFO;", "return OK;"),
  blobs("mapBlob", "map-info-of-no-kind", "cache & VIRTIO_GPU_MAP_CACHE_MASK)", "9)"),
  blobs(
    "mapBlob",
    "guest-blob-mapped",
    "  if (memory === null || resource.blobMem !== VIRTIO_GPU_BLOB_MEM_HOST3D) {",
    "  if (memory === null) return OK;\n  if (resource.blobMem !== VIRTIO_GPU_BLOB_MEM_HOST3D) {",
  ),
  blobs("mapBlob", "offset-not-aligned", "  if (!isAligned(core, offset)) {", "  if (offset < 0) {"),
  blobs(
    "mapTwice",
    "mapped-twice",
    "  if (memory.mappedAt >= 0) return",
    "  if (memory.mappedAt >= 0) heap.unmap(memory);\n  if (memory.mappedAt >= 0) return",
  ),
  heap(
    "mapBlob",
    "map-beyond-the-region",
    "offset + blob.sizeBytes > this.lengthBytes) return false;",
    "offset + blob.sizeBytes > this.lengthBytes) return true;",
  ),
  heap("mapBlob", "map-at-the-start-only", "|| !(offset >= 0) ||", "|| offset !== 0 ||"),
  heap(
    "mapBlob",
    "map-not-to-the-end",
    "offset + blob.sizeBytes > this.lengthBytes) return false;",
    "offset + blob.sizeBytes >= this.lengthBytes) return false;",
  ),
  {
    ...heap("mapBlob", "bytes-lost-when-mapped", "    slice.set(this.#own.subarray(from, to), from);\n", ""),
    targets: ["builtin-pci"],
  },
  {
    ...heap(
      "mapBlob",
      "bytes-lost-when-unmapped",
      "      this.#own.set(slice.subarray(from, to), from);\n",
      "",
    ),
    targets: ["builtin-pci"],
  },

  // UUIDs
  uuid(
    "response",
    "uuid-of-zeros",
    "  response.scratch.u8.set(uuid, VIRTIO_GPU_RESP_RESOURCE_UUID.uuid);",
    "",
  ),
  uuid(
    "response",
    "one-uuid-for-all",
    "  response.scratch.u8.set(uuid, VIRTIO_GPU_RESP_RESOURCE_UUID.uuid);",
    "  response.scratch.u8.fill(7, VIRTIO_GPU_RESP_RESOURCE_UUID.uuid, 40);",
  ),
  uuid(
    "response",
    "uuid-of-no-resource",
    '  if (resource === null) return core.refuse(VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID, "no such resource");',
    "  if (resource === null) {\n    response.begin(VIRTIO_GPU_RESP_RESOURCE_UUID.sizeBytes);\n    return VIRTIO_GPU_RESP_OK_RESOURCE_UUID;\n  }",
  ),
  uuid("response", "uuid-of-another-type", "return VIRTIO_GPU_RESP_OK_RESOURCE_UUID;", "return 0x1100;"),
];
