import { hi32, lo32 } from "../../../base/u64.ts";
import {
  VIRTIO_RENDER_BLIT,
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
  VIRTIO_RENDER_FILL,
  VIRTIO_RENDER_GRADIENT,
  VIRTIO_RENDER_HDR,
  VIRTIO_RENDER_IMPORT_PAGES,
  VIRTIO_RENDER_IMPORT_READ_ONLY,
  VIRTIO_RENDER_IMPORT_REF,
  VIRTIO_RENDER_IMPORT_UUID,
  VIRTIO_RENDER_LAYOUT,
  VIRTIO_RENDER_MEM_ENTRY,
  VIRTIO_RENDER_RECT,
  VIRTIO_RENDER_RESP_IMPORT,
  VIRTIO_RENDER_RESP_OK,
  VIRTIO_RENDER_RESP_OK_IMPORT,
  VIRTIO_RENDER_STATE_GUEST_MEMORY,
  VIRTIO_RENDER_STATE_READ_ONLY,
  VIRTIO_RENDER_STATE_REVOKED,
  VIRTIO_RENDER_TRIANGLE,
} from "../../../wire/render.ts";
import type { MemEntryList } from "../gpu/mem-entries.ts";
import { ANY_RENDER_RESPONSE, type RenderChannel, type RenderReply } from "./render-channel.ts";

const HEADER_BYTES = VIRTIO_RENDER_HDR.sizeBytes;
const UUID_BYTES = 16;

/** How the bytes of a buffer make up a picture. */
export interface RenderLayout {
  /** VIRTIO_GPU_FORMAT_*. */
  readonly format: number;
  readonly width: number;
  readonly height: number;
  readonly strideBytes: number;
  /** Of the first pixel. Default 0. */
  readonly offsetBytes?: number;
}

/** A rectangle in pixels; x and y may be negative, what is outside of a picture is left out. */
export interface RenderRect {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** A point in pixels. */
export interface RenderPoint {
  readonly x: number;
  readonly y: number;
}

/** Where a command goes, and whether it has a fence. */
export interface RenderCommandOptions {
  /** Default 0. */
  readonly contextId?: number;
  /** Drawing commands have a fence unless this is false; then they are answered before they are carried out. */
  readonly fence?: boolean;
}

/** Choices for an import. */
export interface RenderImportOptions extends RenderCommandOptions {
  /** A source of blits only. Default false. */
  readonly readOnly?: boolean;
}

/** What the device says about an import. */
export interface RenderImportState {
  readonly layout: Required<RenderLayout>;
  /** Of the whole object; 0 once it was taken away. */
  readonly sizeBytes: number;
  readonly readOnly: boolean;
  readonly revoked: boolean;
  readonly inGuestMemory: boolean;
}

/**
 * The commands of a render device, one method each. They queue a request and return its reply; the device sees it with
 * the next kick. Colours are 0xAARRGGBB.
 *
 * @example
 * ```ts
 * render.requests.fill(importId, 0xff0000ff, { x: 0, y: 0, width: 64, height: 64 });
 * render.kick();
 * ```
 */
export class RenderRequests {
  readonly channel: RenderChannel;

  constructor(channel: RenderChannel) {
    this.channel = channel;
  }

  // Carried out at once

  /** Queues VIRTIO_RENDER_CMD_CTX_CREATE. */
  ctxCreate(contextId: number): RenderReply {
    return this.#plain(VIRTIO_RENDER_CMD_CTX_CREATE, contextId, false);
  }

  /** What the context has not drawn is given up. */
  ctxDestroy(contextId: number): RenderReply {
    if (contextId !== 0) this.channel.forgetFences(contextId);
    return this.#plain(VIRTIO_RENDER_CMD_CTX_DESTROY, contextId, false);
  }

  /** Without a layout the object's own is taken, if it has one. */
  importUuid(
    importId: number,
    uuid: Uint8Array,
    layout: RenderLayout | null = null,
    options: RenderImportOptions = {},
  ): RenderReply<RenderImportState> {
    return this.#import(
      VIRTIO_RENDER_CMD_IMPORT_UUID,
      VIRTIO_RENDER_IMPORT_UUID.sizeBytes,
      options,
      (view) => {
        view.setUint32(VIRTIO_RENDER_IMPORT_UUID.import_id, importId, true);
        view.setUint32(VIRTIO_RENDER_IMPORT_UUID.flags, flagsOf(options), true);
        bytesOf(view, VIRTIO_RENDER_IMPORT_UUID.uuid, UUID_BYTES).set(uuid.subarray(0, UUID_BYTES));
        setLayout(view, VIRTIO_RENDER_IMPORT_UUID.layout, layout);
      },
    );
  }

  /** Queues VIRTIO_RENDER_CMD_IMPORT_PAGES. */
  importPages(
    importId: number,
    entries: MemEntryList,
    layout: RenderLayout,
    options: RenderImportOptions = {},
  ): RenderReply<RenderImportState> {
    const first = VIRTIO_RENDER_IMPORT_PAGES.sizeBytes;
    const entryBytes = VIRTIO_RENDER_MEM_ENTRY.sizeBytes;
    const length = first + entries.count * entryBytes;
    return this.#import(VIRTIO_RENDER_CMD_IMPORT_PAGES, length, options, (view) => {
      view.setUint32(VIRTIO_RENDER_IMPORT_PAGES.import_id, importId, true);
      view.setUint32(VIRTIO_RENDER_IMPORT_PAGES.flags, flagsOf(options), true);
      view.setUint32(VIRTIO_RENDER_IMPORT_PAGES.nr_entries, entries.count, true);
      setLayout(view, VIRTIO_RENDER_IMPORT_PAGES.layout, layout);
      for (let i = 0, at = first; i < entries.count; i++, at += entryBytes) {
        view.setUint32(at + VIRTIO_RENDER_MEM_ENTRY.addr, entries.los[i] as number, true);
        view.setUint32(at + VIRTIO_RENDER_MEM_ENTRY.addr + 4, entries.his[i] as number, true);
        view.setUint32(at + VIRTIO_RENDER_MEM_ENTRY.length, entries.lengths[i] as number, true);
      }
    });
  }

  /** The id is free at once; commands sent before still have the import. */
  release(importId: number, options: RenderCommandOptions = {}): RenderReply {
    return this.channel.send({
      ...okOf(VIRTIO_RENDER_CMD_RELEASE, options.contextId ?? 0, options.fence ?? false),
      requestBytes: VIRTIO_RENDER_IMPORT_REF.sizeBytes,
      fill: (view) => view.setUint32(VIRTIO_RENDER_IMPORT_REF.import_id, importId, true),
    });
  }

  /** Queues VIRTIO_RENDER_CMD_GET_IMPORT. */
  getImport(importId: number, options: RenderCommandOptions = {}): RenderReply<RenderImportState> {
    return this.#import(VIRTIO_RENDER_CMD_GET_IMPORT, VIRTIO_RENDER_IMPORT_REF.sizeBytes, options, (view) =>
      view.setUint32(VIRTIO_RENDER_IMPORT_REF.import_id, importId, true),
    );
  }

  // On the timeline of a context

  /** With its fence: everything before it in the context is drawn. */
  nop(options: RenderCommandOptions = {}): RenderReply {
    return this.#plain(VIRTIO_RENDER_CMD_NOP, options.contextId ?? 0, options.fence ?? true);
  }

  /** Queues VIRTIO_RENDER_CMD_FILL. */
  fill(importId: number, color: number, rect: RenderRect, options: RenderCommandOptions = {}): RenderReply {
    return this.#draw(VIRTIO_RENDER_CMD_FILL, VIRTIO_RENDER_FILL.sizeBytes, options, (view) => {
      view.setUint32(VIRTIO_RENDER_FILL.import_id, importId, true);
      view.setUint32(VIRTIO_RENDER_FILL.color, color, true);
      setRect(view, VIRTIO_RENDER_FILL.r, rect);
    });
  }

  /** Copies `source` of one import to a place in another, or in the same. */
  blit(
    importId: number,
    sourceImportId: number,
    to: RenderPoint,
    source: RenderRect,
    options: RenderCommandOptions = {},
  ): RenderReply {
    return this.#draw(VIRTIO_RENDER_CMD_BLIT, VIRTIO_RENDER_BLIT.sizeBytes, options, (view) => {
      view.setUint32(VIRTIO_RENDER_BLIT.import_id, importId, true);
      view.setUint32(VIRTIO_RENDER_BLIT.src_import_id, sourceImportId, true);
      view.setInt32(VIRTIO_RENDER_BLIT.dst_x, to.x, true);
      view.setInt32(VIRTIO_RENDER_BLIT.dst_y, to.y, true);
      setRect(view, VIRTIO_RENDER_BLIT.src, source);
    });
  }

  /** Queues VIRTIO_RENDER_CMD_GRADIENT. */
  gradient(
    importId: number,
    rect: RenderRect,
    points: readonly [RenderPoint, RenderPoint],
    colors: readonly [number, number],
    options: RenderCommandOptions = {},
  ): RenderReply {
    return this.#draw(VIRTIO_RENDER_CMD_GRADIENT, VIRTIO_RENDER_GRADIENT.sizeBytes, options, (view) => {
      view.setUint32(VIRTIO_RENDER_GRADIENT.import_id, importId, true);
      setRect(view, VIRTIO_RENDER_GRADIENT.r, rect);
      for (const [i, point] of points.entries()) {
        view.setInt32(VIRTIO_RENDER_GRADIENT.points + 8 * i, point.x, true);
        view.setInt32(VIRTIO_RENDER_GRADIENT.points + 8 * i + 4, point.y, true);
      }
      setWords(view, VIRTIO_RENDER_GRADIENT.colors, colors);
    });
  }

  /** `angle` in units of 1/65536 turn, clockwise. */
  triangle(
    importId: number,
    angle: number,
    viewport: RenderRect,
    colors: readonly [number, number, number],
    options: RenderCommandOptions = {},
  ): RenderReply {
    return this.#draw(VIRTIO_RENDER_CMD_TRIANGLE, VIRTIO_RENDER_TRIANGLE.sizeBytes, options, (view) => {
      view.setUint32(VIRTIO_RENDER_TRIANGLE.import_id, importId, true);
      view.setUint32(VIRTIO_RENDER_TRIANGLE.angle, angle, true);
      setRect(view, VIRTIO_RENDER_TRIANGLE.r, viewport);
      setWords(view, VIRTIO_RENDER_TRIANGLE.colors, colors);
    });
  }

  /** Any bytes as a request, at least one; the response as it came. For testing devices. */
  raw(request: Uint8Array, responseBytes: number): RenderReply<Uint8Array<ArrayBuffer>> {
    return this.channel.send({
      command: 0,
      contextId: 0,
      fenced: false,
      requestBytes: request.length,
      fill: (view) => bytesOf(view, 0, request.length).set(request),
      expected: ANY_RENDER_RESPONSE,
      responseBytes,
      decode: (response) => new Uint8Array(response.buffer as ArrayBuffer),
    });
  }

  #plain(command: number, contextId: number, fenced: boolean): RenderReply {
    return this.channel.send({
      ...okOf(command, contextId, fenced),
      requestBytes: HEADER_BYTES,
      fill: () => {},
    });
  }

  #draw(
    command: number,
    requestBytes: number,
    options: RenderCommandOptions,
    fill: (view: DataView) => void,
  ): RenderReply {
    return this.channel.send({
      ...okOf(command, options.contextId ?? 0, options.fence ?? true),
      requestBytes,
      fill,
    });
  }

  #import(
    command: number,
    requestBytes: number,
    options: RenderCommandOptions,
    fill: (view: DataView) => void,
  ): RenderReply<RenderImportState> {
    return this.channel.send({
      command,
      contextId: options.contextId ?? 0,
      fenced: options.fence ?? false,
      requestBytes,
      fill,
      expected: VIRTIO_RENDER_RESP_OK_IMPORT,
      responseBytes: VIRTIO_RENDER_RESP_IMPORT.sizeBytes,
      decode: decodeImport,
    });
  }
}

/** A command that is answered with a header alone. */
function okOf(command: number, contextId: number, fenced: boolean) {
  return {
    command,
    contextId,
    fenced,
    expected: VIRTIO_RENDER_RESP_OK,
    responseBytes: HEADER_BYTES,
    decode: () => {},
  };
}

function flagsOf(options: RenderImportOptions): number {
  return options.readOnly === true ? VIRTIO_RENDER_IMPORT_READ_ONLY : 0;
}

function bytesOf(view: DataView, at: number, lengthBytes: number): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset + at, lengthBytes);
}

function setWords(view: DataView, at: number, values: readonly number[]): void {
  for (const [i, value] of values.entries()) view.setUint32(at + 4 * i, value, true);
}

function setRect(view: DataView, at: number, rect: RenderRect): void {
  view.setInt32(at + VIRTIO_RENDER_RECT.x, rect.x, true);
  view.setInt32(at + VIRTIO_RENDER_RECT.y, rect.y, true);
  view.setUint32(at + VIRTIO_RENDER_RECT.width, rect.width, true);
  view.setUint32(at + VIRTIO_RENDER_RECT.height, rect.height, true);
}

function setLayout(view: DataView, at: number, layout: RenderLayout | null): void {
  if (layout === null) return;
  view.setUint32(at + VIRTIO_RENDER_LAYOUT.format, layout.format, true);
  view.setUint32(at + VIRTIO_RENDER_LAYOUT.width, layout.width, true);
  view.setUint32(at + VIRTIO_RENDER_LAYOUT.height, layout.height, true);
  view.setUint32(at + VIRTIO_RENDER_LAYOUT.stride, layout.strideBytes, true);
  view.setUint32(at + VIRTIO_RENDER_LAYOUT.offset, lo32(layout.offsetBytes ?? 0), true);
  view.setUint32(at + VIRTIO_RENDER_LAYOUT.offset + 4, hi32(layout.offsetBytes ?? 0), true);
}

function decodeImport(response: DataView): RenderImportState {
  const state = response.getUint32(VIRTIO_RENDER_RESP_IMPORT.state, true);
  const at = VIRTIO_RENDER_RESP_IMPORT.layout;
  return {
    layout: {
      format: response.getUint32(at + VIRTIO_RENDER_LAYOUT.format, true),
      width: response.getUint32(at + VIRTIO_RENDER_LAYOUT.width, true),
      height: response.getUint32(at + VIRTIO_RENDER_LAYOUT.height, true),
      strideBytes: response.getUint32(at + VIRTIO_RENDER_LAYOUT.stride, true),
      offsetBytes: Number(response.getBigUint64(at + VIRTIO_RENDER_LAYOUT.offset, true)),
    },
    sizeBytes: Number(response.getBigUint64(VIRTIO_RENDER_RESP_IMPORT.size, true)),
    readOnly: (state & VIRTIO_RENDER_STATE_READ_ONLY) !== 0,
    revoked: (state & VIRTIO_RENDER_STATE_REVOKED) !== 0,
    inGuestMemory: (state & VIRTIO_RENDER_STATE_GUEST_MEMORY) !== 0,
  };
}
