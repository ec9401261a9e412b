// Requests and responses of the render device written and read byte by byte from PROTOCOL.md, without src/wire.
import { concat, le64, words } from "./gpu-messages.ts";

export const RCMD = {
  CTX_CREATE: 0xe100,
  CTX_DESTROY: 0xe101,
  IMPORT_UUID: 0xe102,
  IMPORT_PAGES: 0xe103,
  RELEASE: 0xe104,
  GET_IMPORT: 0xe105,
  NOP: 0xe200,
  FILL: 0xe201,
  BLIT: 0xe202,
  GRADIENT: 0xe203,
  TRIANGLE: 0xe204,
} as const;

export const ROK = { PLAIN: 0xe800, IMPORT: 0xe801 } as const;

export const RERR = {
  UNSPEC: 0xe900,
  COMMAND: 0xe901,
  LENGTH: 0xe902,
  FEATURE: 0xe903,
  CONTEXT: 0xe904,
  FENCE: 0xe905,
  IMPORT: 0xe906,
  UUID: 0xe907,
  LAYOUT: 0xe908,
  PAGES: 0xe909,
  PARAMETER: 0xe90a,
  LIMIT: 0xe90b,
  READ_ONLY: 0xe90c,
  REVOKED: 0xe90d,
  UNBACKED: 0xe90e,
  CANCELED: 0xe90f,
} as const;

export interface RenderHeader {
  readonly flags?: number;
  /** Also sets the flag. */
  readonly fence?: bigint | number;
  readonly ctx?: number;
}

export interface RawLayout {
  readonly format?: number;
  readonly width: number;
  readonly height: number;
  readonly stride?: number;
  readonly offset?: bigint | number;
}

/** x, y, width, height. */
export type RawRect = readonly [x: number, y: number, width: number, height: number];

export function renderHeader(type: number, o: RenderHeader = {}): Uint8Array<ArrayBuffer> {
  const flags = (o.flags ?? 0) | (o.fence === undefined ? 0 : 1);
  return concat(words(type, flags), le64(o.fence ?? 0), words(o.ctx ?? 0, 0));
}

/** A layout of zeros when there is none: the object's own. */
function layoutBytes(layout: RawLayout | null): Uint8Array {
  if (layout === null) return new Uint8Array(24);
  const { format = 1, width, height, stride = width * 4, offset = 0 } = layout;
  return concat(words(format, width, height, stride), le64(offset));
}

export const rmsg = {
  ctxCreate: (o: RenderHeader) => renderHeader(RCMD.CTX_CREATE, o),
  ctxDestroy: (o: RenderHeader) => renderHeader(RCMD.CTX_DESTROY, o),
  nop: (o?: RenderHeader) => renderHeader(RCMD.NOP, o),
  importUuid: (
    id: number,
    uuid: Uint8Array,
    layout: RawLayout | null = null,
    o?: RenderHeader & { readonly importFlags?: number },
  ) => concat(renderHeader(RCMD.IMPORT_UUID, o), words(id, o?.importFlags ?? 0), uuid, layoutBytes(layout)),
  importPages: (
    id: number,
    entries: readonly (readonly [address: bigint | number, length: number])[],
    layout: RawLayout,
    o?: RenderHeader & { readonly importFlags?: number; readonly count?: number },
  ) =>
    concat(
      renderHeader(RCMD.IMPORT_PAGES, o),
      words(id, o?.importFlags ?? 0, o?.count ?? entries.length, 0),
      layoutBytes(layout),
      ...entries.map(([address, length]) => concat(le64(address), words(length, 0))),
    ),
  release: (id: number, o?: RenderHeader) => concat(renderHeader(RCMD.RELEASE, o), words(id, 0)),
  getImport: (id: number, o?: RenderHeader) => concat(renderHeader(RCMD.GET_IMPORT, o), words(id, 0)),
  fill: (id: number, color: number, rect: RawRect, o?: RenderHeader) =>
    concat(renderHeader(RCMD.FILL, o), words(id, color, ...rect)),
  blit: (id: number, source: number, x: number, y: number, rect: RawRect, o?: RenderHeader) =>
    concat(renderHeader(RCMD.BLIT, o), words(id, source, x, y, ...rect)),
  gradient: (
    id: number,
    rect: RawRect,
    points: readonly [number, number, number, number],
    colors: readonly [number, number],
    o?: RenderHeader,
  ) => concat(renderHeader(RCMD.GRADIENT, o), words(id, 0, ...rect, ...points, ...colors)),
  triangle: (
    id: number,
    angle: number,
    rect: RawRect,
    colors: readonly [number, number, number],
    o?: RenderHeader,
  ) => concat(renderHeader(RCMD.TRIANGLE, o), words(id, angle, ...rect, ...colors, 0)),
};

/** A response, decoded. */
export interface RenderAnswer {
  readonly type: number;
  readonly flags: number;
  readonly fence: bigint;
  readonly ctx: number;
  readonly padding: number;
  /** Used length. */
  readonly written: number;
  /** The response buffer, all of it. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

export function readAnswer(bytes: Uint8Array<ArrayBuffer>, written: number): RenderAnswer {
  const padded = new Uint8Array(Math.max(24, bytes.length));
  padded.set(bytes);
  const view = new DataView(padded.buffer);
  return {
    type: view.getUint32(0, true),
    flags: view.getUint32(4, true),
    fence: view.getBigUint64(8, true),
    ctx: view.getUint32(16, true),
    padding: view.getUint32(20, true),
    written,
    bytes,
  };
}

/** The body of OK_IMPORT. */
export function readImport(answer: RenderAnswer) {
  const view = new DataView(answer.bytes.buffer);
  return {
    state: view.getUint32(24, true),
    format: view.getUint32(32, true),
    width: view.getUint32(36, true),
    height: view.getUint32(40, true),
    stride: view.getUint32(44, true),
    offset: view.getBigUint64(48, true),
    size: view.getBigUint64(56, true),
  };
}
