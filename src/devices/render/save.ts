import { VirtioUsageError } from "../../base/errors.ts";
import type { PlainValue } from "../../device/device-type.ts";
import { type Fields, fieldsOf, listOf } from "../../device/state/saved-fields.ts";
import { restorePages, savePages } from "../../device/state/saved-pages.ts";
import type { RenderCore } from "./core.ts";
import { RenderContext } from "./engine.ts";
import type { Import, ImportSource } from "./imports.ts";
import { pixelFormat } from "./pixels.ts";

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

/**
 * Takes over a saved state after a reset. Objects are looked up by their UUIDs: the devices that export them must have
 * been restored before. Throws {@link VirtioUsageError} when it does not fit this machine.
 */
export function restoreRender(core: RenderCore, state: PlainValue): void {
  const saved = fieldsOf(state, "render state");
  const version = saved.number("version");
  if (version !== VERSION) {
    throw new VirtioUsageError(`render state has version ${version}, this is ${VERSION}`);
  }
  core.eventsRead = saved.number("eventsRead");
  for (const each of listOf(saved.value("contexts"), "contexts")) {
    const fields = fieldsOf(each, "context");
    const context = new RenderContext(fields.number("id"));
    context.fenceHi = fields.number("fenceHi");
    context.fenceLo = fields.number("fenceLo");
    context.failure = fields.number("failure");
    core.contexts.set(context.id, context);
  }
  for (const each of listOf(saved.value("imports"), "imports")) {
    restoreImport(core, fieldsOf(each, "import"));
  }
}

function restoreImport(core: RenderCore, saved: Fields): void {
  const id = saved.number("id");
  const format = pixelFormat(saved.number("format"));
  if (format === null) throw new VirtioUsageError(`saved import ${id} has an unknown format`);
  const layout = {
    format,
    widthPixels: saved.number("widthPixels"),
    heightPixels: saved.number("heightPixels"),
    strideBytes: saved.number("strideBytes"),
    offsetBytes: saved.number("offsetBytes"),
  };
  let made: Import | null = null;
  const source = findSource(core, saved, () => {
    if (made !== null) core.revoked(made);
  });
  made = core.imports.add(id, layout, saved.value("readOnly") === true, source);
  if (saved.value("revoked") === true) made.revoked = true;
  else if (source.kind === "gone") core.revoked(made);
}

function findSource(core: RenderCore, saved: Fields, revoked: () => void): ImportSource {
  const pages = saved.value("pages");
  if (pages !== null) {
    const sizeBytes = saved.number("sizeBytes");
    return { kind: "pages", pages: restorePages(core.host.memory, pages), sizeBytes };
  }
  const uuid = saved.string("uuid");
  const use = saved.value("revoked") === true ? null : (core.registry?.acquire(uuid, revoked) ?? null);
  if (use !== null && use.content !== null) return { kind: "object", use, content: core.guard(use.content) };
  if (saved.value("exported") === true && saved.value("revoked") !== true) {
    throw new VirtioUsageError(`nobody exports ${uuid}: restore the device that does before the renderer`);
  }
  return { kind: "gone", uuid };
}
