// GPU commands of every kind with fields of every kind, and what a response has to look like whatever was asked.

import type { GpuResourceInfo } from "../../../src/devices/gpu/index.ts";
import { CMD, concat, type Entry, FORMATS, type HeaderOptions, msg, OK, type Rect } from "../gpu-messages.ts";
import type { Numbers } from "./numbers.ts";

/** Where a hostile guest's pages may be: any address, good or bad. */
export type ChooseMemory = (lengthBytes: number) => bigint;

const IDS = [0, 1, 2, 3, 4, 5, 6, 7, 0xffffffff];
const CONTEXTS = [0, 1, 1, 1, 1, 1, 1, 2, 2, 2, 9];
const SIZES = [0, 1, 2, 4, 8, 16, 16, 17, 31, 32, 64, 64, 64, 64, 65, 100];
const TYPES = Object.values(CMD);

export class RandomCommands {
  readonly #n: Numbers;
  readonly #memory: ChooseMemory;
  readonly #resources: () => readonly GpuResourceInfo[];
  #fence = 0;

  /** `resources` are those there are: most commands are to lead somewhere. */
  constructor(numbers: Numbers, memory: ChooseMemory, resources: () => readonly GpuResourceInfo[]) {
    this.#n = numbers;
    this.#memory = memory;
    this.#resources = resources;
  }

  /** The id of a resource of one of these kinds, or any. */
  #id(kinds: readonly string[]): number {
    const n = this.#n;
    if (n.chance(12)) return n.pick(IDS);
    const fitting = this.#resources().filter(({ kind }) => kinds.includes(kind));
    return fitting.length === 0 ? n.pick(IDS) : n.pick(fitting).id;
  }

  #unusedId(): number {
    const n = this.#n;
    if (n.chance(10)) return n.pick(IDS);
    const used = new Set(this.#resources().map(({ id }) => id));
    return n.pick([1, 2, 3, 4, 5, 6, 7].filter((id) => !used.has(id)));
  }

  /** A request for the control queue, or for the other one. */
  next(cursor: boolean): Uint8Array<ArrayBuffer> {
    const n = this.#n;
    const type =
      cursor === n.chance(cursor ? 93 : 98) ? n.pick([CMD.UPDATE_CURSOR, CMD.MOVE_CURSOR]) : n.pick(TYPES);
    const request = this.#request(type);
    if (n.chance(12)) return this.#mutate(request);
    return request;
  }

  #mutate(request: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    const n = this.#n;
    switch (n.below(6)) {
      case 0:
        return request.slice(0, n.below(request.length + 1));
      case 1:
        return concat(request, new Uint8Array(n.below(100)).fill(0xee));
      case 2:
        return crypto(n, request.length);
      default: {
        const view = new DataView(request.buffer);
        for (let i = n.below(3); i >= 0; i--) {
          const at = n.chance(30) ? n.below(6) : 6 + n.below(Math.max(1, request.length / 4 - 6));
          if (4 * at + 4 <= request.length) view.setUint32(4 * at, n.weird(), true);
        }
        return request;
      }
    }
  }

  #header(): HeaderOptions {
    const n = this.#n;
    const header: HeaderOptions = { ctx: n.pick(CONTEXTS) };
    if (n.chance(50)) return header;
    const fence = n.chance(70) ? ++this.#fence : n.chance(50) ? n.weird() : BigInt(n.weird()) << 32n;
    return {
      ...header,
      flags: n.pick([1, 1, 1, 3, 3, 2, 0xffffffff]),
      fence,
      ring: n.pick([0, 1, 63, 64, 255]),
    };
  }

  #rect(): Rect {
    const n = this.#n;
    if (n.chance(12)) return { x: n.weird(), y: n.weird(), w: n.weird(), h: n.weird() };
    if (n.chance(50))
      return { x: n.below(3), y: n.below(3), w: n.pick([1, 2, 4, 8, 14]), h: n.pick([1, 3, 8, 14]) };
    return { x: n.below(4) * n.below(9), y: n.below(4) * n.below(9), w: n.pick(SIZES), h: n.pick(SIZES) };
  }

  #entries(): Entry[] {
    const n = this.#n;
    const list: Entry[] = [];
    for (let i = n.pick([0, 1, 1, 2, 3, 8, 40]); i > 0; i--) {
      const length = n.chance(92) ? n.pick([64, 256, 4096, 4096, 16384]) : n.weird();
      list.push([this.#memory(length), length]);
    }
    return list;
  }

  #count(entries: readonly Entry[]): number {
    return this.#n.chance(85) ? entries.length : this.#n.weird();
  }

  #offset(): bigint | number {
    const n = this.#n;
    if (n.chance(60)) return 4 * n.below(200);
    return n.chance(50) ? n.weird() : (BigInt(n.weird()) << 32n) | BigInt(n.weird());
  }

  #request(type: number): Uint8Array<ArrayBuffer> {
    const n = this.#n;
    const o = this.#header();
    const scanout = n.pick([0, 0, 0, 0, 0, 1, 1, 2, 15, 16, 0xffffffff]);
    const any = ["2d", "blob", "host-blob", "3d"];
    switch (type) {
      case CMD.GET_DISPLAY_INFO:
        return msg.displayInfo(o);
      case CMD.RESOURCE_CREATE_2D:
        return msg.create2d(this.#unusedId(), n.pick(FORMATS), n.pick(SIZES), n.pick(SIZES), o);
      case CMD.RESOURCE_UNREF:
        return msg.unref(this.#id(any), o);
      case CMD.SET_SCANOUT:
        return msg.setScanout(
          scanout,
          this.#id(["2d", "3d"]),
          n.chance(50) ? { x: 0, y: 0, w: 16, h: 16 } : this.#rect(),
          o,
        );
      case CMD.RESOURCE_FLUSH:
        return msg.flush(this.#id(any), n.chance(50) ? { x: 0, y: 0, w: 64, h: 64 } : this.#rect(), o);
      case CMD.TRANSFER_TO_HOST_2D:
        return msg.transfer(this.#id(["2d", "2d", "3d"]), this.#rect(), this.#offset(), o);
      case CMD.RESOURCE_ATTACH_BACKING: {
        const list = this.#entries();
        return msg.attach(this.#id(any), list, o, this.#count(list));
      }
      case CMD.RESOURCE_DETACH_BACKING:
        return msg.detach(this.#id(any), o);
      case CMD.GET_CAPSET_INFO:
        return msg.capsetInfo(n.below(4), o);
      case CMD.GET_CAPSET:
        return msg.capset(n.below(4), n.below(4), o);
      case CMD.GET_EDID:
        return msg.edid(scanout, o);
      case CMD.RESOURCE_ASSIGN_UUID:
        return msg.assignUuid(this.#id(any), o);
      case CMD.RESOURCE_CREATE_BLOB: {
        const list = n.chance(30) ? [] : this.#entries();
        const size = n.chance(70) ? 4096 * n.pick([1, 1, 4, 16]) : this.#offset();
        const mem = n.chance(95) ? n.pick([1, 1, 2, 2, 3]) : n.weird();
        const kept = mem === 2 && n.chance(95) ? [] : list;
        const flags = n.chance(93) ? n.pick([0, 1, 1, 1, 3, 5, 7]) : n.weird();
        return msg.createBlob(
          this.#unusedId(),
          { mem, flags, blobId: n.weird(), size, entries: kept, count: this.#count(kept) },
          o,
        );
      }
      case CMD.SET_SCANOUT_BLOB: {
        const frame = { r: this.#rect(), w: n.pick(SIZES), h: n.pick(SIZES), format: n.pick(FORMATS) };
        if (n.chance(60))
          return msg.setScanoutBlob(
            scanout,
            this.#id(["blob", "host-blob"]),
            { w: 16, h: 16, offset: 4 * n.below(8) },
            o,
          );
        return msg.setScanoutBlob(
          scanout,
          this.#id(["blob", "host-blob"]),
          { ...frame, stride: n.weird(), offset: n.weird() },
          o,
        );
      }
      case CMD.CTX_CREATE:
        return msg.ctxCreate(n.chance(70) ? 0 : n.weird(), "hostile", o, n.chance(80) ? 7 : n.weird());
      case CMD.CTX_DESTROY:
        return msg.ctxDestroy(o);
      case CMD.CTX_ATTACH_RESOURCE:
        return msg.ctxAttach(this.#id(any), o);
      case CMD.CTX_DETACH_RESOURCE:
        return msg.ctxDetach(this.#id(any), o);
      case CMD.RESOURCE_CREATE_3D:
        return msg.create3d(
          this.#unusedId(),
          [2, 1, 2, n.pick(SIZES), n.pick(SIZES), n.weird(), n.weird(), 0, 0, 0],
          o,
        );
      case CMD.TRANSFER_TO_HOST_3D:
      case CMD.TRANSFER_FROM_HOST_3D: {
        const box = [n.weird(), n.weird(), n.weird(), n.weird(), n.weird(), n.weird()];
        return msg.transfer3d(
          type,
          this.#id(["3d", "host-blob", "blob"]),
          box,
          this.#offset(),
          n.weird(),
          n.weird(),
          n.weird(),
          o,
        );
      }
      case CMD.SUBMIT_3D: {
        const bytes = crypto(n, n.pick([0, 4, 64, 256, 300]));
        return msg.submit(bytes, o, n.chance(80) ? bytes.length : n.weird());
      }
      case CMD.RESOURCE_MAP_BLOB:
        return msg.mapBlob(this.#id(["host-blob"]), n.chance(70) ? 4096 * n.below(5) : this.#offset(), o);
      case CMD.RESOURCE_UNMAP_BLOB:
        return msg.unmapBlob(this.#id(["host-blob"]), o);
      default:
        return msg.cursor(type, scanout, n.weird(), n.weird(), this.#id(any), n.weird(), n.weird(), o);
    }
  }
}

function crypto(n: Numbers, lengthBytes: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: lengthBytes }, () => n.below(256));
}

const HEADER = 24;
const LENGTHS: ReadonlyMap<number, number> = new Map([
  [OK.NODATA, HEADER],
  [OK.DISPLAY_INFO, HEADER + 16 * 24],
  [OK.CAPSET_INFO, HEADER + 16],
  [OK.EDID, HEADER + 8 + 1024],
  [OK.UUID, HEADER + 16],
  [OK.MAP_INFO, HEADER + 8],
]);

/** What is wrong with a response, null when nothing is. `written` bytes of it came back, `room` would have fitted. */
export function judgeResponse(
  request: Uint8Array,
  response: Uint8Array,
  room: number,
  scanouts: number,
  silent: boolean,
): string | null {
  if (silent) return response.length === 0 ? null : "the cursor queue is not silent";
  if (response.length < HEADER) return response.length === room ? null : "a header cut short";
  const view = new DataView(response.buffer, response.byteOffset, response.length);
  const type = view.getUint32(0, true);
  const isError = type >= 0x1200 && type <= 0x1205;
  if (!isError && (type < 0x1100 || type > 0x1106)) return `response type 0x${type.toString(16)}`;
  const expected = isError ? HEADER : (LENGTHS.get(type) ?? response.length);
  if (response.length !== Math.min(expected, room))
    return `${response.length} bytes for type 0x${type.toString(16)}`;
  if (type === OK.CAPSET && response.length > HEADER + 308) return "more of a capset than promised";
  return judgeHeader(request, response) ?? judgePayload(type, response, scanouts);
}

function judgeHeader(request: Uint8Array, response: Uint8Array): string | null {
  if ((response[21] as number) + (response[22] as number) + (response[23] as number) !== 0) return "padding";
  const fenced = request.length >= HEADER && ((request[4] as number) & 1) !== 0;
  if (!fenced)
    return response.subarray(4, HEADER).some((byte) => byte !== 0) ? "a fence nobody asked for" : null;
  if (((response[4] as number) & 1) === 0) return "the fence flag is lost";
  for (let i = 8; i < 20; i++) if (request[i] !== response[i]) return "the fence or context is another one";
  return null;
}

function judgePayload(type: number, response: Uint8Array, scanouts: number): string | null {
  const zeros = (from: number, to: number): boolean =>
    response.subarray(from, to).every((byte) => byte === 0);
  switch (type) {
    case OK.DISPLAY_INFO:
      return zeros(HEADER + 24 * scanouts, response.length) ? null : "displays that do not exist";
    case OK.CAPSET_INFO:
      return zeros(HEADER + 12, response.length) ? null : "padding of the capset's description";
    case OK.MAP_INFO:
      return zeros(HEADER + 4, response.length) ? null : "padding of the map's description";
    case OK.EDID: {
      const size = (response[HEADER] ?? 0) + 256 * (response[HEADER + 1] ?? 0);
      return zeros(HEADER + 4, HEADER + 8) && zeros(HEADER + 8 + size, response.length)
        ? null
        : "what follows the EDID";
    }
    default:
      return null;
  }
}
