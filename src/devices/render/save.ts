import { VirtioBugError } from "../../base/errors.ts";
import type { PlainValue, PreparedRestore } from "../../device/device-type.ts";
import { findPages, pagesField, type SavedPages, savePages } from "../../device/state/saved-pages.ts";
import {
  checkUnique,
  flag,
  inside,
  type Lift,
  lifted,
  list,
  misfit,
  orNull,
  record,
  size,
  text,
  whole,
} from "../../device/state/schema.ts";
import type { GuestPages } from "../../memory/guest-pages.ts";
import { VIRTIO_RENDER_EVENT_REVOKED, VIRTIO_RENDER_RESP_ERR_UNSPEC } from "../../wire/render.ts";
import type { RenderCore } from "./core.ts";
import { RenderContext } from "./engine.ts";
import type { Import, ImportSource } from "./imports.ts";
import type { RenderLimits } from "./options.ts";
import { BYTES_PER_PIXEL, pixelFormat } from "./pixels.ts";

/** Raised whenever the meaning of the saved state changes. */
const VERSION = 1;

/** The state of the device, with nothing left to draw, as one plain object. Pixels belong to the exporters. */
export function saveRender(core: RenderCore): PlainValue {
  return {
    version: VERSION,
    eventsRead: core.eventsRead,
    contexts: Array.from(core.contexts.values(), ({ id, fenceHi, fenceLo, failure }) => ({
      id,
      fenceHi,
      fenceLo,
      failure,
    })),
    imports: Array.from(core.imports.values(), saveImport),
  };
}

function saveImport(saved: Import): PlainValue {
  const { id, layout, readOnly, revoked, source } = saved;
  return {
    id,
    format: layout.format.format,
    widthPixels: layout.widthPixels,
    heightPixels: layout.heightPixels,
    strideBytes: layout.strideBytes,
    offsetBytes: layout.offsetBytes,
    readOnly,
    revoked,
    uuid: saved.uuid,
    // An object that lives only because it is in use here is gone once it is restored elsewhere.
    exported: source.kind === "object" && source.use.object.exported,
    sizeBytes: saved.sizeBytes,
    pages: source.kind === "pages" ? savePages(source.pages) : null,
  };
}

const LIFTS: readonly Lift[] = [];

interface SavedImport {
  readonly id: number;
  readonly format: number;
  readonly widthPixels: number;
  readonly heightPixels: number;
  readonly strideBytes: number;
  readonly offsetBytes: number;
  readonly readOnly: boolean;
  readonly revoked: boolean;
  readonly uuid: string | null;
  readonly exported: boolean;
  readonly sizeBytes: number;
  readonly pages: SavedPages | null;
}

const UUID_LETTERS = 36;

function renderField(limits: RenderLimits) {
  const dimension = whole(1, limits.maxDimension);
  return record({
    version: whole(),
    eventsRead: whole(0, VIRTIO_RENDER_EVENT_REVOKED),
    contexts: list(
      record({ id: whole(), fenceHi: whole(), fenceLo: whole(), failure: whole() }),
      limits.maxContexts,
    ),
    imports: list<SavedImport>(
      record({
        id: whole(1),
        format: whole(),
        widthPixels: dimension,
        heightPixels: dimension,
        strideBytes: whole(0, 0x7fffffff),
        offsetBytes: size,
        readOnly: flag,
        revoked: flag,
        uuid: orNull(text(UUID_LETTERS)),
        exported: flag,
        sizeBytes: size,
        pages: orNull(pagesField(limits.maxEntries, limits.maxEntriesTotal)),
      }),
      limits.maxImports,
    ),
  });
}

/**
 * Checks a saved state; nothing of the device changes. Objects are looked up by their UUIDs: the devices that export
 * them must have been restored before. Throws {@link SavedStateError} when it does not fit this machine.
 */
export function prepareRender(core: RenderCore, state: PlainValue): PreparedRestore {
  const saved = renderField(core.limits)(lifted(state, LIFTS));
  inside("contexts", () => checkContexts(saved.contexts));
  const pages = inside("imports", () => checkImports(core, saved.imports));
  return {
    takeOver() {
      core.eventsRead = saved.eventsRead;
      for (const { id, fenceHi, fenceLo, failure } of saved.contexts) {
        const context = new RenderContext(id);
        Object.assign(context, { fenceHi, fenceLo, failure });
        core.contexts.set(id, context);
      }
      for (const [i, each] of saved.imports.entries()) takeOverImport(core, each, pages[i] ?? null);
    },
  };
}

function checkContexts(contexts: readonly { readonly id: number; readonly failure: number }[]): void {
  checkUnique(contexts, ({ id }) => id, "id");
  // There is always one that nobody can destroy.
  if (!contexts.some(({ id }) => id === 0)) misfit([], "do not have the context 0");
  for (const [i, { failure }] of contexts.entries()) {
    if (failure !== 0 && failure < VIRTIO_RENDER_RESP_ERR_UNSPEC) {
      misfit([i, "failure"], `is ${failure}, not the type of an error`);
    }
  }
}

function checkImports(core: RenderCore, imports: readonly SavedImport[]): readonly (GuestPages | null)[] {
  checkUnique(imports, ({ id }) => id, "id");
  let entries = 0;
  return imports.map((each, i) =>
    inside(i, () => {
      // Counted as when it was imported: what a translator has made of them, where that is more.
      entries += Math.max(each.pages?.entryCount ?? 0, each.pages?.pieces.length ?? 0);
      if (entries > core.limits.maxEntriesTotal) {
        misfit("pages", `make it ${entries} entries, more than this device's limit`);
      }
      return checkImport(core, each);
    }),
  );
}

function checkImport(core: RenderCore, saved: SavedImport): GuestPages | null {
  const { format, widthPixels, heightPixels, strideBytes, offsetBytes, uuid, pages, sizeBytes } = saved;
  if (pixelFormat(format) === null) misfit("format", `is ${format}, not one of VIRTIO_GPU_FORMAT_*`);
  if (strideBytes < widthPixels * BYTES_PER_PIXEL) {
    misfit("strideBytes", `is ${strideBytes}, too small for ${widthPixels} pixels`);
  }
  const extent = strideBytes * (heightPixels - 1) + widthPixels * BYTES_PER_PIXEL;
  if (extent > core.limits.maxImportBytes) {
    misfit("heightPixels", `is ${heightPixels}, and makes it ${extent} bytes, more than this device's limit`);
  }
  if ((uuid === null) !== (pages !== null)) misfit("uuid", "or pages is null, and not both nor neither");
  const end = offsetBytes + extent;
  if (pages !== null) {
    if (saved.revoked || saved.exported) misfit("revoked", "is a matter of objects, and this one is pages");
    if (end > sizeBytes) misfit("sizeBytes", `is ${sizeBytes}, and the picture reaches to ${end}`);
    if (pages.totalBytes !== sizeBytes) {
      misfit(["pages", "totalBytes"], `is ${pages.totalBytes}, and sizeBytes is ${sizeBytes}`);
    }
    return inside("pages", () => findPages(core.host.memory, pages));
  }
  if (uuid === null) return null;
  inside("uuid", () => checkObject(core, saved, uuid, end));
  return null;
}

function checkObject(
  core: RenderCore,
  { revoked, exported }: SavedImport,
  uuid: string,
  endBytes: number,
): void {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(uuid)) {
    misfit([], `is ${JSON.stringify(uuid)}, not a UUID in lower case`);
  }
  if (revoked) return;
  const content = core.registry?.get(uuid)?.content ?? null;
  if (content === null) {
    if (exported)
      misfit([], `is ${uuid}, which nobody exports: restore the device that does before the renderer`);
  } else if (endBytes > content.sizeBytes) {
    misfit([], `is ${uuid}, an object of ${content.sizeBytes} bytes, and the picture reaches to ${endBytes}`);
  }
}

function takeOverImport(core: RenderCore, saved: SavedImport, pages: GuestPages | null): void {
  const { id, readOnly, revoked, widthPixels, heightPixels, strideBytes, offsetBytes, sizeBytes } = saved;
  const format = pixelFormat(saved.format);
  if (format === null) throw new VirtioBugError("the format of a saved import was checked");
  const layout = { format, widthPixels, heightPixels, strideBytes, offsetBytes };
  let made: Import | null = null;
  const source: ImportSource =
    pages !== null
      ? { kind: "pages", pages, sizeBytes }
      : findObject(core, saved, () => {
          if (made !== null) core.revoked(made);
        });
  made = core.imports.add(id, layout, readOnly, source);
  if (revoked) made.revoked = true;
  else if (source.kind === "gone") core.revoked(made);
}

function findObject(core: RenderCore, { uuid, revoked }: SavedImport, onRevoked: () => void): ImportSource {
  const use = revoked || uuid === null ? null : (core.registry?.acquire(uuid, onRevoked) ?? null);
  if (use === null || use.content === null) return { kind: "gone", uuid: uuid ?? "" };
  return { kind: "object", use, content: core.guard(use.content) };
}
