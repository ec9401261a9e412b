import {
  VIRTIO_RENDER_BLIT,
  VIRTIO_RENDER_FILL,
  VIRTIO_RENDER_GRADIENT,
  VIRTIO_RENDER_MAX_GRADIENT_COORDINATE,
  VIRTIO_RENDER_POINT,
  VIRTIO_RENDER_RECT,
  VIRTIO_RENDER_RESP_ERR_IMPORT,
  VIRTIO_RENDER_RESP_ERR_PARAMETER,
  VIRTIO_RENDER_RESP_ERR_READ_ONLY,
  VIRTIO_RENDER_RESP_ERR_REVOKED,
  VIRTIO_RENDER_TRIANGLE,
  VIRTIO_RENDER_TURN,
} from "../../wire/render.ts";
import type { RenderCore } from "./core.ts";
import { BlitPainter, Drawing, FillPainter, GradientPainter, TrianglePainter } from "./drawing.ts";
import type { Import } from "./imports.ts";
import { type Clip, intersect } from "./pixels.ts";
import type { RenderRequest } from "./protocol.ts";

// The first field behind the header, the same in all drawing commands.
const TARGET = VIRTIO_RENDER_FILL.import_id;

/** The import to draw into, or the type of the error response. */
function targetOf(core: RenderCore, request: RenderRequest): Import | number {
  const target = core.imports.get(request.u32(TARGET));
  if (target === null) return core.refuse(VIRTIO_RENDER_RESP_ERR_IMPORT, "no such import to draw into");
  if (target.revoked) return core.refuse(VIRTIO_RENDER_RESP_ERR_REVOKED, "the object was taken away");
  if (target.readOnly) return core.refuse(VIRTIO_RENDER_RESP_ERR_READ_ONLY, "the import is read-only");
  return target;
}

/** A rectangle as it came: any position, any size. Sums of doubles don't wrap. */
function readRect(request: RenderRequest, at: number): Clip {
  const left = request.s32(at + VIRTIO_RENDER_RECT.x);
  const top = request.s32(at + VIRTIO_RENDER_RECT.y);
  return {
    left,
    top,
    right: left + request.u32(at + VIRTIO_RENDER_RECT.width),
    bottom: top + request.u32(at + VIRTIO_RENDER_RECT.height),
  };
}

/** VIRTIO_RENDER_CMD_FILL */
export function fill(core: RenderCore, request: RenderRequest): Drawing | number {
  const target = targetOf(core, request);
  if (typeof target === "number") return target;
  const painter = new FillPainter(target.layout.format, request.u32(VIRTIO_RENDER_FILL.color));
  return new Drawing(target, null, readRect(request, VIRTIO_RENDER_FILL.r), painter);
}

/** VIRTIO_RENDER_CMD_BLIT */
export function blit(core: RenderCore, request: RenderRequest): Drawing | number {
  const target = targetOf(core, request);
  if (typeof target === "number") return target;
  const source = core.imports.get(request.u32(VIRTIO_RENDER_BLIT.src_import_id));
  if (source === null) return core.refuse(VIRTIO_RENDER_RESP_ERR_IMPORT, "no such import to read from");
  if (source.revoked) return core.refuse(VIRTIO_RENDER_RESP_ERR_REVOKED, "the source was taken away");
  const wanted = readRect(request, VIRTIO_RENDER_BLIT.src);
  const dx = wanted.left - request.s32(VIRTIO_RENDER_BLIT.dst_x);
  const dy = wanted.top - request.s32(VIRTIO_RENDER_BLIT.dst_y);
  const { widthPixels, heightPixels } = source.layout;
  const from = intersect(wanted, { left: 0, top: 0, right: widthPixels, bottom: heightPixels });
  const to = { left: from.left - dx, top: from.top - dy, right: from.right - dx, bottom: from.bottom - dy };
  // Downwards over itself a picture is drawn from its last row up, as if all had been read before anything was written.
  const upwards = dy < 0 && target.sameMemory(source);
  return new Drawing(target, source, to, new BlitPainter(source, target.layout.format, dx, dy), upwards);
}

/** VIRTIO_RENDER_CMD_GRADIENT */
export function gradient(core: RenderCore, request: RenderRequest): Drawing | number {
  const target = targetOf(core, request);
  if (typeof target === "number") return target;
  const first = VIRTIO_RENDER_GRADIENT.points;
  const second = first + VIRTIO_RENDER_POINT.sizeBytes;
  const points: [number, number, number, number] = [
    request.s32(first + VIRTIO_RENDER_POINT.x),
    request.s32(first + VIRTIO_RENDER_POINT.y),
    request.s32(second + VIRTIO_RENDER_POINT.x),
    request.s32(second + VIRTIO_RENDER_POINT.y),
  ];
  for (const coordinate of points) {
    if (Math.abs(coordinate) <= VIRTIO_RENDER_MAX_GRADIENT_COORDINATE) continue;
    return core.refuse(VIRTIO_RENDER_RESP_ERR_PARAMETER, "a point is too far away");
  }
  if (points[0] === points[2] && points[1] === points[3]) {
    return core.refuse(VIRTIO_RENDER_RESP_ERR_PARAMETER, "the two points are the same");
  }
  const painter = new GradientPainter(target.layout.format, points, [
    request.u32(VIRTIO_RENDER_GRADIENT.colors),
    request.u32(VIRTIO_RENDER_GRADIENT.colors + 4),
  ]);
  return new Drawing(target, null, readRect(request, VIRTIO_RENDER_GRADIENT.r), painter);
}

/** VIRTIO_RENDER_CMD_TRIANGLE */
export function triangle(core: RenderCore, request: RenderRequest): Drawing | number {
  const target = targetOf(core, request);
  if (typeof target === "number") return target;
  const viewport = readRect(request, VIRTIO_RENDER_TRIANGLE.r);
  const angle = request.u32(VIRTIO_RENDER_TRIANGLE.angle);
  const { maxDimension } = core.limits;
  if (viewport.right - viewport.left > maxDimension || viewport.bottom - viewport.top > maxDimension) {
    return core.refuse(VIRTIO_RENDER_RESP_ERR_PARAMETER, "the viewport is larger than any picture");
  }
  if (angle >= VIRTIO_RENDER_TURN) {
    return core.refuse(VIRTIO_RENDER_RESP_ERR_PARAMETER, "the angle is a full turn or more");
  }
  const painter = new TrianglePainter(target.layout.format, viewport, angle, [
    request.u32(VIRTIO_RENDER_TRIANGLE.colors),
    request.u32(VIRTIO_RENDER_TRIANGLE.colors + 4),
    request.u32(VIRTIO_RENDER_TRIANGLE.colors + 8),
  ]);
  return new Drawing(target, null, intersect(viewport, painter.extent), painter);
}
