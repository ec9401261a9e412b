// Every command of the GPU device with what has to stand before it can succeed, so that it can be sent again and again.
import {
  VIRTIO_GPU_BLOB_FLAG_USE_MAPPABLE,
  VIRTIO_GPU_BLOB_MEM_GUEST,
  VIRTIO_GPU_BLOB_MEM_HOST3D,
  VIRTIO_GPU_CTRL_HDR,
  VIRTIO_GPU_F_EDID,
  VIRTIO_GPU_F_RESOURCE_BLOB,
  VIRTIO_GPU_F_RESOURCE_UUID,
  VIRTIO_GPU_F_VIRGL,
  VIRTIO_GPU_FLAG_FENCE,
  VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM,
  VIRTIO_GPU_RESP_CAPSET_INFO,
  VIRTIO_GPU_RESP_DISPLAY_INFO,
  VIRTIO_GPU_RESP_EDID,
  VIRTIO_GPU_RESP_MAP_INFO,
  VIRTIO_GPU_RESP_RESOURCE_UUID,
} from "../../../wire/gpu.ts";
import {
  assignUuid,
  attachBacking,
  bareRequest,
  create2d,
  create3d,
  createBlob,
  ctxAttachResource,
  ctxCreate,
  ctxDestroy,
  ctxDetachResource,
  detachBacking,
  flush,
  type GpuHeader,
  type GpuMemEntry,
  getCapset,
  getCapsetInfo,
  getDisplayInfo,
  getEdid,
  mapBlob,
  moveCursor,
  setScanout,
  setScanoutBlob,
  submit3d,
  transferFromHost3d,
  transferToHost2d,
  transferToHost3d,
  unmapBlob,
  unref,
  updateCursor,
} from "../../models/gpu-commands.ts";
import { CONTROLQ, CURSORQ } from "../../models/index.ts";

/** What commands refer to. */
export interface Scene {
  /** Guest memory for {@link SIDE} × {@link SIDE} pixels, in pieces. */
  readonly entries: readonly GpuMemEntry[];
  /** Id and version of a capset that the device has, 0 without VIRTIO_GPU_F_VIRGL. */
  readonly capset: { readonly id: number; readonly version: number; readonly sizeBytes: number };
}

/** A command, and what has to be done so that it succeeds. */
export interface FramedCommand {
  readonly name: string;
  /** Default controlq. */
  readonly queue?: number;
  readonly features?: readonly number[];
  /** Room for the response. Default: a header. */
  readonly responseBytes?: number | ((scene: Scene) => number);
  /** Done once, on the controlq. */
  readonly setUp?: (scene: Scene) => readonly Uint8Array[];
  /** Done before each time, on the controlq. */
  readonly before?: (scene: Scene) => readonly Uint8Array[];
  readonly request: (scene: Scene) => Uint8Array;
  /** Done after each time, on the controlq. It succeeds only if the command did what it was to do. */
  readonly after?: (scene: Scene) => readonly Uint8Array[];
  /** The response is an error. */
  readonly fails?: boolean;
}

/** Pixels a side; the cursor wants as many. */
export const SIDE = 64;
/** Bytes of the picture. */
export const PICTURE_BYTES = SIDE * SIDE * 4;

const HEADER_BYTES = VIRTIO_GPU_CTRL_HDR.sizeBytes;
const ID = 0x01020304;
const CONTEXT = 5;
const FORMAT = VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM;
const WHOLE = { x: 0, y: 0, width: SIDE, height: SIDE };
const PART = { x: 8, y: 16, width: 32, height: 4 };
const PART_OFFSET = (PART.y * SIDE + PART.x) * 4;
const BOX = { width: 8, height: 4 };
const HOST_BLOB_BYTES = 4096;

/** What every request asks for, so that a response that lost a field of its header shows. */
const FENCE: GpuHeader = { flags: VIRTIO_GPU_FLAG_FENCE, fenceId: 0x1122334455667788n };
const FENCE_OF_CONTEXT: GpuHeader = { ...FENCE, ctxId: CONTEXT };
const OF_CONTEXT: GpuHeader = { ctxId: CONTEXT };

const picture = { resourceId: ID, format: FORMAT, width: SIDE, height: SIDE };
const create = (): Uint8Array => create2d(picture);
const backed = ({ entries }: Scene): Uint8Array[] => [create(), attachBacking(ID, entries)];
const blob = { resourceId: ID, blobMem: VIRTIO_GPU_BLOB_MEM_GUEST, sizeBytes: PICTURE_BYTES };
const guestBlob = ({ entries }: Scene): Uint8Array[] => [createBlob({ ...blob, entries })];
const hostBlob = (): Uint8Array[] => [
  ctxCreate(0, "framing", OF_CONTEXT),
  createBlob(
    {
      resourceId: ID,
      blobMem: VIRTIO_GPU_BLOB_MEM_HOST3D,
      blobFlags: VIRTIO_GPU_BLOB_FLAG_USE_MAPPABLE,
      blobId: 7n,
      sizeBytes: HOST_BLOB_BYTES,
    },
    OF_CONTEXT,
  ),
];
const context = (): Uint8Array[] => [ctxCreate(0, "framing", OF_CONTEXT)];
const create3dRequest = (header?: GpuHeader): Uint8Array => create3d(picture, header);
const texture = ({ entries }: Scene): Uint8Array[] => [
  ...context(),
  create3dRequest(),
  attachBacking(ID, entries),
  ctxAttachResource(ID, OF_CONTEXT),
];
const wholeTransfer = (): Uint8Array => transferToHost2d(ID, WHOLE, 0);
const VIRGL = [VIRTIO_GPU_F_VIRGL];
const BLOB = [VIRTIO_GPU_F_RESOURCE_BLOB];
const HOST_BLOB = [VIRTIO_GPU_F_VIRGL, VIRTIO_GPU_F_RESOURCE_BLOB];

/** All of them: 2D, blobs, capsets, contexts, the cursor, and one that does not exist. */
export const FRAMED_COMMANDS: readonly FramedCommand[] = [
  {
    name: "get-display-info",
    responseBytes: VIRTIO_GPU_RESP_DISPLAY_INFO.sizeBytes,
    request: () => getDisplayInfo(FENCE),
  },
  {
    name: "get-edid",
    features: [VIRTIO_GPU_F_EDID],
    responseBytes: VIRTIO_GPU_RESP_EDID.sizeBytes,
    request: () => getEdid(0, FENCE),
  },
  {
    name: "resource-create-2d",
    request: () => create2d(picture, FENCE),
    after: ({ entries }) => [attachBacking(ID, entries), wholeTransfer(), unref(ID)],
  },
  { name: "resource-unref", before: () => [create()], request: () => unref(ID, FENCE) },
  { name: "set-scanout", setUp: backed, request: () => setScanout(0, ID, WHOLE, FENCE) },
  { name: "resource-flush", setUp: backed, request: () => flush(ID, PART, FENCE) },
  {
    name: "transfer-to-host-2d",
    setUp: backed,
    request: () => transferToHost2d(ID, PART, PART_OFFSET, FENCE),
  },
  {
    name: "resource-attach-backing",
    before: () => [create()],
    request: ({ entries }) => attachBacking(ID, entries, FENCE),
    after: () => [wholeTransfer(), unref(ID)],
  },
  {
    name: "resource-detach-backing",
    setUp: () => [create()],
    before: ({ entries }) => [attachBacking(ID, entries)],
    request: () => detachBacking(ID, FENCE),
  },
  {
    name: "resource-assign-uuid",
    features: [VIRTIO_GPU_F_RESOURCE_UUID],
    responseBytes: VIRTIO_GPU_RESP_RESOURCE_UUID.sizeBytes,
    setUp: () => [create()],
    request: () => assignUuid(ID, FENCE),
  },
  {
    name: "resource-create-blob",
    features: BLOB,
    request: ({ entries }) => createBlob({ ...blob, entries }, FENCE),
    after: () => [unref(ID)],
  },
  {
    name: "set-scanout-blob",
    features: BLOB,
    setUp: guestBlob,
    request: () =>
      setScanoutBlob(
        {
          scanoutId: 0,
          resourceId: ID,
          rect: WHOLE,
          width: SIDE,
          height: SIDE,
          format: FORMAT,
          strideBytes: SIDE * 4,
        },
        FENCE,
      ),
  },
  {
    name: "get-capset-info",
    features: VIRGL,
    responseBytes: VIRTIO_GPU_RESP_CAPSET_INFO.sizeBytes,
    request: () => getCapsetInfo(0, FENCE),
  },
  {
    name: "get-capset",
    features: VIRGL,
    responseBytes: ({ capset }) => HEADER_BYTES + capset.sizeBytes,
    request: ({ capset }) => getCapset(capset.id, capset.version, FENCE),
  },
  {
    name: "ctx-create",
    features: VIRGL,
    request: () => ctxCreate(0, "framing", FENCE_OF_CONTEXT),
    after: () => [ctxDestroy(OF_CONTEXT)],
  },
  {
    name: "ctx-destroy",
    features: VIRGL,
    before: context,
    request: () => ctxDestroy(FENCE_OF_CONTEXT),
  },
  {
    name: "ctx-attach-resource",
    features: VIRGL,
    setUp: () => [...context(), create3dRequest()],
    request: () => ctxAttachResource(ID, FENCE_OF_CONTEXT),
    after: () => [ctxDetachResource(ID, OF_CONTEXT)],
  },
  {
    name: "ctx-detach-resource",
    features: VIRGL,
    setUp: () => [...context(), create3dRequest()],
    before: () => [ctxAttachResource(ID, OF_CONTEXT)],
    request: () => ctxDetachResource(ID, FENCE_OF_CONTEXT),
  },
  {
    name: "resource-create-3d",
    features: VIRGL,
    request: () => create3dRequest(FENCE),
    after: () => [unref(ID)],
  },
  {
    name: "transfer-to-host-3d",
    features: VIRGL,
    setUp: texture,
    request: () => transferToHost3d(ID, BOX, 64, SIDE * 4, FENCE_OF_CONTEXT),
  },
  {
    name: "transfer-from-host-3d",
    features: VIRGL,
    setUp: texture,
    request: () => transferFromHost3d(ID, BOX, 64, SIDE * 4, FENCE_OF_CONTEXT),
  },
  {
    name: "submit-3d",
    features: VIRGL,
    setUp: context,
    // Two commands of virgl that do nothing.
    request: () => submit3d(new Uint8Array(8), FENCE_OF_CONTEXT),
  },
  {
    name: "resource-map-blob",
    features: HOST_BLOB,
    responseBytes: VIRTIO_GPU_RESP_MAP_INFO.sizeBytes,
    setUp: hostBlob,
    request: () => mapBlob(ID, HOST_BLOB_BYTES, FENCE),
    after: () => [unmapBlob(ID)],
  },
  {
    name: "resource-unmap-blob",
    features: HOST_BLOB,
    setUp: hostBlob,
    before: () => [mapBlob(ID, HOST_BLOB_BYTES)],
    request: () => unmapBlob(ID, FENCE),
  },
  {
    name: "update-cursor",
    queue: CURSORQ,
    setUp: (scene) => [...backed(scene), wholeTransfer()],
    request: () => updateCursor({ scanoutId: 0, x: 3, y: 4, resourceId: ID, hotX: 1, hotY: 2 }, FENCE),
  },
  {
    name: "move-cursor",
    queue: CURSORQ,
    request: () => moveCursor({ scanoutId: 0, x: 5, y: 6 }, FENCE),
  },
  { name: "unknown-command", queue: CONTROLQ, request: () => bareRequest(0x01ff, FENCE), fails: true },
];
