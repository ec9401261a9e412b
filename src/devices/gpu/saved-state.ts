import { base64Letters } from "../../base/base64.ts";
import { pagesField, type SavedPages } from "../../device/state/saved-pages.ts";
import {
  anything,
  type Field,
  flag,
  type Lift,
  lifted,
  list,
  listOf,
  oneOf,
  orNull,
  record,
  size,
  text,
  whole,
} from "../../device/state/schema.ts";
import {
  VIRTIO_GPU_BLOB_MEM_HOST3D_GUEST,
  VIRTIO_GPU_EDID_MAX_BYTES,
  VIRTIO_GPU_EVENT_DISPLAY,
} from "../../wire/gpu.ts";
import type { GpuLimits } from "./options.ts";
import { MAX_UUIDS_PER_RESOURCE } from "./resources/exports.ts";
import type { ResourceKind } from "./resources/resources.ts";

/** Raised whenever the shape or the meaning of the saved state changes. */
export const GPU_STATE_VERSION = 3;

export interface SavedResource {
  readonly id: number;
  readonly kind: ResourceKind;
  readonly widthPixels: number;
  readonly heightPixels: number;
  readonly format: number;
  readonly sizeBytes: number;
  readonly blobMem: number;
  readonly blobFlags: number;
  /** Host pixels or host blob as base64. */
  readonly bytes: string | null;
  /** Offset in the host visible region, -1 for none. */
  readonly mappedAt: number;
  readonly backing: SavedPages | null;
  readonly uuids: readonly string[];
}

export interface SavedScanout {
  readonly resourceId: number;
  readonly x: number;
  readonly y: number;
  readonly widthPixels: number;
  readonly heightPixels: number;
  readonly format: number;
  readonly strideBytes: number;
  readonly offsetBytes: number;
}

export interface SavedCursor {
  readonly x: number;
  readonly y: number;
  /** Null when none is visible. */
  readonly image: SavedCursorImage | null;
}

export interface SavedCursorImage {
  readonly hotX: number;
  readonly hotY: number;
  readonly format: number;
  /** As base64. */
  readonly pixels: string;
}

export interface SavedContext {
  readonly id: number;
  readonly capsetId: number;
  readonly debugName: string;
  readonly resources: readonly number[];
}

/** A display as the driver was told of it. */
export interface SavedDisplay {
  readonly enabled: boolean;
  readonly x: number;
  readonly y: number;
  readonly widthPixels: number;
  readonly heightPixels: number;
  /** As base64. */
  readonly edid: string;
}

/** The state of a gpu. Survives JSON and structuredClone. */
export interface SavedGpu {
  readonly version: number;
  readonly eventsRead: number;
  readonly resources: readonly SavedResource[];
  /** One for each scanout; null for one that is off. */
  readonly scanouts: readonly (SavedScanout | null)[];
  readonly cursors: readonly SavedCursor[];
  readonly contexts: readonly SavedContext[];
  readonly renderer: unknown;
  /** Null when it is not known what the driver was told. */
  readonly displays: readonly SavedDisplay[] | null;
  /** Id, version and size of each capability set; null when not known. */
  readonly capsets: readonly (readonly number[])[] | null;
}

/** Each lifts a state to the next version. The first two versions were in use for a few hours each. */
const LIFTS: readonly Lift[] = [
  (state) => ({ ...state, eventsDue: 0 }),
  // What the driver had been told of the displays was not known, so that it has to be told in any case: events that
  // were due come with that. Of cursors that were not shown only the position was saved.
  ({ eventsDue: _, ...state }) => ({
    ...state,
    displays: null,
    capsets: null,
    cursors: liftCursors(state["cursors"]),
  }),
];

function liftCursors(cursors: unknown): unknown {
  if (!Array.isArray(cursors)) return cursors;
  return cursors.map((cursor: unknown) => {
    if (typeof cursor !== "object" || cursor === null || Array.isArray(cursor)) return cursor;
    const { x, y, ...image } = cursor as Readonly<Record<string, unknown>>;
    return { x, y, image: image["pixels"] === null ? null : image };
  });
}

/** Version 4 UUIDs and all others, in the standard notation. */
const UUID_LETTERS = 36;
/** CTX_CREATE has no room for more. */
const DEBUG_NAME_LETTERS = 64;
const MAX_CAPSETS = 63;
/** As text, with room to spare: what it must be exactly follows from other fields. */
const MAX_TEXT = 2 ** 31;

/** The fields, each checked by itself; `scanouts` is how many the device has. */
function gpuField(limits: GpuLimits, scanouts: number): Field<SavedGpu> {
  const coordinate = whole(-0x80000000, 0x7fffffff);
  const id = whole(1);
  return record({
    version: whole(),
    eventsRead: whole(0, VIRTIO_GPU_EVENT_DISPLAY),
    resources: list(
      record({
        id,
        kind: oneOf<ResourceKind>(["2d", "3d", "blob", "host-blob"]),
        widthPixels: whole(),
        heightPixels: whole(),
        format: whole(),
        sizeBytes: size,
        blobMem: whole(0, VIRTIO_GPU_BLOB_MEM_HOST3D_GUEST),
        blobFlags: whole(0, 7),
        bytes: orNull(text(MAX_TEXT)),
        mappedAt: whole(-1, Number.MAX_SAFE_INTEGER),
        backing: orNull(pagesField(limits.maxBackingEntries, limits.maxBackingEntriesTotal)),
        uuids: list(text(UUID_LETTERS), MAX_UUIDS_PER_RESOURCE),
      }),
      limits.maxResources,
    ),
    scanouts: listOf(
      orNull(
        record({
          resourceId: id,
          x: whole(),
          y: whole(),
          widthPixels: whole(),
          heightPixels: whole(),
          format: whole(),
          strideBytes: whole(0, 0x7fffffff),
          offsetBytes: size,
        }),
      ),
      scanouts,
    ),
    cursors: listOf(
      record({
        x: coordinate,
        y: coordinate,
        image: orNull(record({ hotX: whole(), hotY: whole(), format: whole(), pixels: text(MAX_TEXT) })),
      }),
      scanouts,
    ),
    contexts: list(
      record({
        id,
        capsetId: whole(0, 0xff),
        debugName: text(DEBUG_NAME_LETTERS),
        resources: list(id, limits.maxContextAttachments),
      }),
      limits.maxContexts,
    ),
    renderer: anything,
    displays: orNull(
      listOf(
        record({
          enabled: flag,
          x: whole(),
          y: whole(),
          widthPixels: whole(),
          heightPixels: whole(),
          edid: text(base64Letters(VIRTIO_GPU_EDID_MAX_BYTES)),
        }),
        scanouts,
      ),
    ),
    capsets: orNull(list(listOf(whole(), 3), MAX_CAPSETS)),
  });
}

/** Reads a state of any version; relations between the fields are left to check. Throws {@link SavedStateError}. */
export function readSavedGpu(state: unknown, limits: GpuLimits, scanouts: number): SavedGpu {
  return gpuField(limits, scanouts)(lifted(state, LIFTS));
}
