import {
  VIRTIO_RENDER_CMD_BLIT,
  VIRTIO_RENDER_CMD_CTX_CREATE,
  VIRTIO_RENDER_CMD_CTX_DESTROY,
  VIRTIO_RENDER_CMD_FILL,
  VIRTIO_RENDER_CMD_GET_IMPORT,
  VIRTIO_RENDER_CMD_GRADIENT,
  VIRTIO_RENDER_CMD_IMPORT_PAGES,
  VIRTIO_RENDER_CMD_IMPORT_UUID,
  VIRTIO_RENDER_CMD_NOP,
  VIRTIO_RENDER_CMD_RELEASE,
  VIRTIO_RENDER_CMD_TRIANGLE,
  VIRTIO_RENDER_F_IMPORT_PAGES,
  VIRTIO_RENDER_F_IMPORT_UUID,
  VIRTIO_RENDER_RESP_ERR_CONTEXT,
  VIRTIO_RENDER_RESP_OK,
  virtio_render_blit,
  virtio_render_fill,
  virtio_render_gradient,
  virtio_render_import_pages,
  virtio_render_import_ref,
  virtio_render_import_uuid,
  virtio_render_plain,
  virtio_render_triangle,
} from "../../wire/render.ts";
import type { WireStruct } from "../../wire/schema.ts";
import { blit, fill, gradient, triangle } from "./commands-draw.ts";
import { getImport, importPages, importUuid, release } from "./commands-import.ts";
import type { RenderCore } from "./core.ts";
import type { Drawing } from "./drawing.ts";
import type { RenderRequest, RenderResponse } from "./protocol.ts";

/** One command: what it looks like, what it needs, what it does. */
export interface RenderCommand {
  /** The fixed struct; a shorter request is refused. */
  readonly request: WireStruct<unknown>;
  /** The feature bit without which it does not exist, -1 for none. */
  readonly feature: number;
  /**
   * Carries the command out and returns the type of the response, whose body it has filled in; or returns what is to be
   * drawn.
   */
  readonly handler: (core: RenderCore, request: RenderRequest, response: RenderResponse) => Drawing | number;
}

function command(
  request: WireStruct<unknown>,
  handler: RenderCommand["handler"],
  feature = -1,
): RenderCommand {
  return { request, handler, feature };
}

/**
 * VIRTIO_RENDER_CMD_NOP, and VIRTIO_RENDER_CMD_CTX_CREATE whose context was made before, since its fence is one of the
 * new context.
 */
function nothing(): number {
  return VIRTIO_RENDER_RESP_OK;
}

/** VIRTIO_RENDER_CMD_CTX_DESTROY */
function destroyContext(core: RenderCore, request: RenderRequest): number {
  const context = core.contexts.get(request.ctxId);
  if (context === undefined || context.id === 0) {
    return core.refuse(VIRTIO_RENDER_RESP_ERR_CONTEXT, "context 0 always is there");
  }
  core.contexts.delete(context.id);
  core.engine.cancel(context);
  return VIRTIO_RENDER_RESP_OK;
}

const COMMANDS: ReadonlyMap<number, RenderCommand> = /* @__PURE__ */ new Map([
  [VIRTIO_RENDER_CMD_CTX_CREATE, /* @__PURE__ */ command(virtio_render_plain, nothing)],
  [VIRTIO_RENDER_CMD_CTX_DESTROY, /* @__PURE__ */ command(virtio_render_plain, destroyContext)],
  [
    VIRTIO_RENDER_CMD_IMPORT_UUID,
    /* @__PURE__ */ command(virtio_render_import_uuid, importUuid, VIRTIO_RENDER_F_IMPORT_UUID),
  ],
  [
    VIRTIO_RENDER_CMD_IMPORT_PAGES,
    /* @__PURE__ */ command(virtio_render_import_pages, importPages, VIRTIO_RENDER_F_IMPORT_PAGES),
  ],
  [VIRTIO_RENDER_CMD_RELEASE, /* @__PURE__ */ command(virtio_render_import_ref, release)],
  [VIRTIO_RENDER_CMD_GET_IMPORT, /* @__PURE__ */ command(virtio_render_import_ref, getImport)],
  [VIRTIO_RENDER_CMD_NOP, /* @__PURE__ */ command(virtio_render_plain, nothing)],
  [VIRTIO_RENDER_CMD_FILL, /* @__PURE__ */ command(virtio_render_fill, fill)],
  [VIRTIO_RENDER_CMD_BLIT, /* @__PURE__ */ command(virtio_render_blit, blit)],
  [VIRTIO_RENDER_CMD_GRADIENT, /* @__PURE__ */ command(virtio_render_gradient, gradient)],
  [VIRTIO_RENDER_CMD_TRIANGLE, /* @__PURE__ */ command(virtio_render_triangle, triangle)],
]);

/** The command of a type, null when there is none. */
export function findCommand(type: number): RenderCommand | null {
  return COMMANDS.get(type) ?? null;
}
