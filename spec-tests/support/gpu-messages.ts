// Requests and responses of the GPU device written and read byte by byte from the text of section 5.7, without src/wire.

export const CONTROLQ = 0;
export const CURSORQ = 1;

export const F = { VIRGL: 0, EDID: 1, UUID: 2, BLOB: 3, CONTEXT_INIT: 4, ALIGNMENT: 5 } as const;

export const CMD = {
  GET_DISPLAY_INFO: 0x100,
  RESOURCE_CREATE_2D: 0x101,
  RESOURCE_UNREF: 0x102,
  SET_SCANOUT: 0x103,
  RESOURCE_FLUSH: 0x104,
  TRANSFER_TO_HOST_2D: 0x105,
  RESOURCE_ATTACH_BACKING: 0x106,
  RESOURCE_DETACH_BACKING: 0x107,
  GET_CAPSET_INFO: 0x108,
  GET_CAPSET: 0x109,
  GET_EDID: 0x10a,
  RESOURCE_ASSIGN_UUID: 0x10b,
  RESOURCE_CREATE_BLOB: 0x10c,
  SET_SCANOUT_BLOB: 0x10d,
  CTX_CREATE: 0x200,
  CTX_DESTROY: 0x201,
  CTX_ATTACH_RESOURCE: 0x202,
  CTX_DETACH_RESOURCE: 0x203,
  RESOURCE_CREATE_3D: 0x204,
  TRANSFER_TO_HOST_3D: 0x205,
  TRANSFER_FROM_HOST_3D: 0x206,
  SUBMIT_3D: 0x207,
  RESOURCE_MAP_BLOB: 0x208,
  RESOURCE_UNMAP_BLOB: 0x209,
  UPDATE_CURSOR: 0x300,
  MOVE_CURSOR: 0x301,
} as const;

export const OK = {
  NODATA: 0x1100,
  DISPLAY_INFO: 0x1101,
  CAPSET_INFO: 0x1102,
  CAPSET: 0x1103,
  EDID: 0x1104,
  UUID: 0x1105,
  MAP_INFO: 0x1106,
} as const;

export const ERR = {
  UNSPEC: 0x1200,
  OUT_OF_MEMORY: 0x1201,
  SCANOUT: 0x1202,
  RESOURCE: 0x1203,
  CONTEXT: 0x1204,
  PARAMETER: 0x1205,
} as const;

/** B8G8R8X8, what Linux uses. */
export const BGRX = 2;
export const BGRA = 1;
export const FORMATS = [1, 2, 3, 4, 67, 68, 121, 134] as const;

export interface HeaderOptions {
  readonly flags?: number;
  readonly fence?: bigint | number;
  readonly ctx?: number;
  readonly ring?: number;
}

/** le32 words one after the other. */
export function words(...values: readonly number[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(4 * values.length);
  const view = new DataView(bytes.buffer);
  for (const [i, value] of values.entries()) view.setUint32(4 * i, value >>> 0, true);
  return bytes;
}

export function le64(value: bigint | number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value), true);
  return bytes;
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

export function header(type: number, options: HeaderOptions = {}): Uint8Array<ArrayBuffer> {
  const { flags = 0, fence = 0, ctx = 0, ring = 0 } = options;
  return concat(words(type, flags), le64(fence), words(ctx), new Uint8Array([ring, 0, 0, 0]));
}

export interface Rect {
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
}

const rectWords = ({ x, y, w, h }: Rect) => words(x, y, w, h);

/** A guest memory entry: address and length. */
export type Entry = readonly [address: bigint | number, length: number];

export function entries(list: readonly Entry[]): Uint8Array<ArrayBuffer> {
  return concat(...list.map(([address, length]) => concat(le64(address), words(length, 0))));
}

/** One function for every command of the specification; the options are those of the header. */
export const msg = {
  displayInfo: (o?: HeaderOptions) => header(CMD.GET_DISPLAY_INFO, o),
  edid: (scanout: number, o?: HeaderOptions) => concat(header(CMD.GET_EDID, o), words(scanout, 0)),
  create2d: (id: number, format: number, w: number, h: number, o?: HeaderOptions) =>
    concat(header(CMD.RESOURCE_CREATE_2D, o), words(id, format, w, h)),
  unref: (id: number, o?: HeaderOptions) => concat(header(CMD.RESOURCE_UNREF, o), words(id, 0)),
  setScanout: (scanout: number, id: number, r: Rect, o?: HeaderOptions) =>
    concat(header(CMD.SET_SCANOUT, o), rectWords(r), words(scanout, id)),
  flush: (id: number, r: Rect, o?: HeaderOptions) =>
    concat(header(CMD.RESOURCE_FLUSH, o), rectWords(r), words(id, 0)),
  transfer: (id: number, r: Rect, offset: bigint | number, o?: HeaderOptions) =>
    concat(header(CMD.TRANSFER_TO_HOST_2D, o), rectWords(r), le64(offset), words(id, 0)),
  attach: (id: number, list: readonly Entry[], o?: HeaderOptions, count = list.length) =>
    concat(header(CMD.RESOURCE_ATTACH_BACKING, o), words(id, count), entries(list)),
  detach: (id: number, o?: HeaderOptions) => concat(header(CMD.RESOURCE_DETACH_BACKING, o), words(id, 0)),
  capsetInfo: (index: number, o?: HeaderOptions) => concat(header(CMD.GET_CAPSET_INFO, o), words(index, 0)),
  capset: (id: number, version: number, o?: HeaderOptions) =>
    concat(header(CMD.GET_CAPSET, o), words(id, version)),
  assignUuid: (id: number, o?: HeaderOptions) => concat(header(CMD.RESOURCE_ASSIGN_UUID, o), words(id, 0)),
  createBlob: (
    id: number,
    blob: {
      readonly mem?: number;
      readonly flags?: number;
      readonly blobId?: bigint | number;
      readonly size: bigint | number;
      readonly entries?: readonly Entry[];
      readonly count?: number;
    },
    o?: HeaderOptions,
  ) =>
    concat(
      header(CMD.RESOURCE_CREATE_BLOB, o),
      words(id, blob.mem ?? 1, blob.flags ?? 2, blob.count ?? blob.entries?.length ?? 0),
      le64(blob.blobId ?? 0),
      le64(blob.size),
      entries(blob.entries ?? []),
    ),
  setScanoutBlob: (
    scanout: number,
    id: number,
    frame: {
      readonly r?: Rect;
      readonly w: number;
      readonly h: number;
      readonly format?: number;
      readonly stride?: number;
      readonly offset?: number;
    },
    o?: HeaderOptions,
  ) =>
    concat(
      header(CMD.SET_SCANOUT_BLOB, o),
      rectWords(frame.r ?? { x: 0, y: 0, w: frame.w, h: frame.h }),
      words(scanout, id, frame.w, frame.h, frame.format ?? BGRX, 0),
      words(frame.stride ?? frame.w * 4, 0, 0, 0),
      words(frame.offset ?? 0, 0, 0, 0),
    ),
  ctxCreate: (init: number, name: string, o?: HeaderOptions, nlen = name.length) => {
    const text = new Uint8Array(64);
    text.set(new TextEncoder().encode(name).subarray(0, 64));
    return concat(header(CMD.CTX_CREATE, o), words(nlen, init), text);
  },
  ctxDestroy: (o?: HeaderOptions) => header(CMD.CTX_DESTROY, o),
  ctxAttach: (id: number, o?: HeaderOptions) => concat(header(CMD.CTX_ATTACH_RESOURCE, o), words(id, 0)),
  ctxDetach: (id: number, o?: HeaderOptions) => concat(header(CMD.CTX_DETACH_RESOURCE, o), words(id, 0)),
  create3d: (id: number, fields: readonly number[], o?: HeaderOptions) =>
    concat(header(CMD.RESOURCE_CREATE_3D, o), words(id, ...fields, 0)),
  transfer3d: (
    type: number,
    id: number,
    box: readonly number[],
    offset: bigint | number,
    level: number,
    stride: number,
    layerStride: number,
    o?: HeaderOptions,
  ) => concat(header(type, o), words(...box), le64(offset), words(id, level, stride, layerStride)),
  submit: (commands: Uint8Array, o?: HeaderOptions, size = commands.length) =>
    concat(header(CMD.SUBMIT_3D, o), words(size, 0), commands),
  mapBlob: (id: number, offset: bigint | number, o?: HeaderOptions) =>
    concat(header(CMD.RESOURCE_MAP_BLOB, o), words(id, 0), le64(offset)),
  unmapBlob: (id: number, o?: HeaderOptions) => concat(header(CMD.RESOURCE_UNMAP_BLOB, o), words(id, 0)),
  cursor: (
    type: number,
    scanout: number,
    x: number,
    y: number,
    id = 0,
    hotX = 0,
    hotY = 0,
    o?: HeaderOptions,
  ) => concat(header(type, o), words(scanout, x, y, 0, id, hotX, hotY, 0)),
};

/** The header of a response, decoded. */
export interface ResponseHeader {
  readonly type: number;
  readonly flags: number;
  readonly fence: bigint;
  readonly ctx: number;
  readonly ring: number;
  readonly padding: number;
}

export function readHeader(bytes: Uint8Array): ResponseHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return {
    type: view.getUint32(0, true),
    flags: view.getUint32(4, true),
    fence: view.getBigUint64(8, true),
    ctx: view.getUint32(16, true),
    ring: view.getUint8(20),
    padding: view.getUint8(21) | view.getUint8(22) | view.getUint8(23),
  };
}

export function u32At(bytes: Uint8Array, offset: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(offset, true);
}
