// GPU commands of every kind with fields of every kind. Most lead somewhere, or only the first checks were tested.
import type { GpuResourceInfo } from "../../../src/devices/gpu/index.ts";
import { CMD, concat, type Entry, FORMATS, type HeaderOptions, msg, type Rect } from "../gpu-messages.ts";
import type { Numbers } from "./numbers.ts";

/** Where a hostile guest's pages may be: any address, good or bad. */
export type ChooseMemory = (lengthBytes: number) => bigint;

type Kind = GpuResourceInfo["kind"];

const IDS = [0, 1, 2, 3, 4, 5, 6, 7, 0xffffffff];
const CONTEXT_IDS = [1, 2, 3];
const SIZES = [1, 2, 4, 8, 16, 16, 17, 31, 32, 64, 64, 64, 64, 65, 100];
const TYPES = Object.values(CMD);
const RENDERED: readonly Kind[] = ["host-blob", "3d"];
const ANY: readonly Kind[] = ["2d", "blob", "host-blob", "3d"];

/** Kinds of resources that a command is for. */
const WANTED: ReadonlyMap<number, readonly Kind[]> = new Map<number, readonly Kind[]>([
  [CMD.SET_SCANOUT, ["2d", "2d", "3d"]],
  [CMD.TRANSFER_TO_HOST_2D, ["2d", "2d", "2d", "3d"]],
  [CMD.SET_SCANOUT_BLOB, ["blob", "host-blob"]],
  [CMD.TRANSFER_TO_HOST_3D, RENDERED],
  [CMD.TRANSFER_FROM_HOST_3D, RENDERED],
  [CMD.RESOURCE_MAP_BLOB, ["host-blob"]],
  [CMD.RESOURCE_UNMAP_BLOB, ["host-blob"]],
  [CMD.CTX_ATTACH_RESOURCE, RENDERED],
  [CMD.CTX_DETACH_RESOURCE, RENDERED],
]);
const NEEDS_CONTEXT: ReadonlySet<number> = new Set([
  CMD.CTX_DESTROY,
  CMD.CTX_ATTACH_RESOURCE,
  CMD.CTX_DETACH_RESOURCE,
  CMD.SUBMIT_3D,
  CMD.TRANSFER_TO_HOST_3D,
  CMD.TRANSFER_FROM_HOST_3D,
]);

export class RandomCommands {
  readonly #n: Numbers;
  readonly #memory: ChooseMemory;
  readonly #resources: () => readonly GpuResourceInfo[];
  /** Contexts that there are unless something went wrong. */
  readonly #contexts = new Set<number>();
  readonly #cursorPercent: number;
  #fence = 0;

  /** `resources` are those that exist; `anyQueue`: the cursor queue takes everything. */
  constructor(
    numbers: Numbers,
    memory: ChooseMemory,
    resources: () => readonly GpuResourceInfo[],
    anyQueue: boolean,
  ) {
    this.#cursorPercent = anyQueue ? 40 : 93;
    this.#n = numbers;
    this.#memory = memory;
    this.#resources = resources;
  }

  /** The device begins anew. */
  reset(): void {
    this.#contexts.clear();
  }

  /** A request for the control queue, or for the other one. */
  next(cursor: boolean): Uint8Array<ArrayBuffer> {
    const n = this.#n;
    const moves = n.chance(cursor ? this.#cursorPercent : 2);
    const type = moves ? n.pick([CMD.UPDATE_CURSOR, CMD.MOVE_CURSOR]) : this.#possible(n.pick(TYPES));
    const request = this.#request(type);
    return n.chance(10) ? this.#mutate(request) : request;
  }

  /** The command, or one that makes what it needs and is not there. */
  #possible(type: number): number {
    const n = this.#n;
    if (n.chance(10)) return type;
    if (NEEDS_CONTEXT.has(type) && this.#contexts.size === 0) return CMD.CTX_CREATE;
    const wanted = WANTED.get(type);
    if (wanted === undefined || this.#resources().some(({ kind }) => wanted.includes(kind))) return type;
    const kind = n.pick(wanted);
    if (kind === "2d") return CMD.RESOURCE_CREATE_2D;
    return kind === "3d" ? CMD.RESOURCE_CREATE_3D : CMD.RESOURCE_CREATE_BLOB;
  }

  #mutate(request: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    const n = this.#n;
    switch (n.below(6)) {
      case 0:
        return request.slice(0, n.below(request.length + 1));
      case 1:
        return concat(request, new Uint8Array(n.below(100)).fill(0xee));
      case 2:
        return this.#noise(request.length);
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

  #noise(lengthBytes: number): Uint8Array<ArrayBuffer> {
    return Uint8Array.from({ length: lengthBytes }, () => this.#n.below(256));
  }

  #header(): HeaderOptions {
    const n = this.#n;
    const known = [...this.#contexts];
    const ctx = known.length > 0 && n.chance(90) ? n.pick(known) : n.pick([0, 1, 2, 9]);
    if (n.chance(50)) return { ctx };
    const fence = n.chance(70) ? ++this.#fence : n.chance(50) ? n.weird() : BigInt(n.weird()) << 32n;
    return {
      ctx,
      flags: n.pick([1, 1, 1, 1, 3, 3, 2, 0xffffffff]),
      fence,
      ring: n.pick([0, 1, 63, 63, 64, 255]),
    };
  }

  /** A resource of one of these kinds that exists, or null. */
  #pick(kinds: readonly string[]): GpuResourceInfo | null {
    const fitting = this.#resources().filter(({ kind }) => kinds.includes(kind));
    return fitting.length === 0 ? null : this.#n.pick(fitting);
  }

  #id(kinds: readonly string[]): number {
    const n = this.#n;
    return (n.chance(6) ? null : this.#pick(kinds))?.id ?? n.pick(IDS);
  }

  #unusedId(): number {
    const n = this.#n;
    if (n.chance(8)) return n.pick(IDS);
    const used = new Set(this.#resources().map(({ id }) => id));
    return n.pick([1, 2, 3, 4, 5, 6, 7].filter((id) => !used.has(id)));
  }

  /** A rectangle, inside of a resource more often than not. */
  #rect(resource: GpuResourceInfo | null): Rect {
    const n = this.#n;
    if (n.chance(8)) return { x: n.weird(), y: n.weird(), w: n.weird(), h: n.weird() };
    if (resource === null || resource.widthPixels === 0 || n.chance(15)) {
      return { x: n.below(4) * n.below(9), y: n.below(4) * n.below(9), w: n.pick(SIZES), h: n.pick(SIZES) };
    }
    const { widthPixels, heightPixels } = resource;
    if (n.chance(40)) return { x: 0, y: 0, w: widthPixels, h: heightPixels };
    const x = n.below(widthPixels);
    const y = n.below(heightPixels);
    return { x, y, w: n.below(widthPixels - x + 1), h: n.below(heightPixels - y + 1) };
  }

  /** Pages that hold so many bytes, or any. */
  #entries(lengthBytes: number): Entry[] {
    const n = this.#n;
    if (lengthBytes === 0 || lengthBytes > 65536 || n.chance(25)) {
      return Array.from({ length: n.pick([1, 1, 2, 3, 8, 40]) }, () => {
        const length = n.chance(92) ? n.pick([64, 256, 4096, 4096, 16384]) : n.weird();
        return [this.#memory(length), length] as const;
      });
    }
    const list: Entry[] = [];
    const page = Math.max(n.pick([1024, 4096, 4096, 8192]), Math.ceil(lengthBytes / 16));
    for (let left = lengthBytes; left > 0; left -= page) {
      const length = Math.min(left, page);
      list.push([this.#memory(length), length]);
    }
    return list;
  }

  #count(entries: readonly Entry[]): number {
    return this.#n.chance(92) ? entries.length : this.#n.weird();
  }

  #offset(): bigint | number {
    const n = this.#n;
    if (n.chance(60)) return n.chance(60) ? 0 : 4 * n.below(200);
    return n.chance(50) ? n.weird() : (BigInt(n.weird()) << 32n) | BigInt(n.weird());
  }

  #request(type: number): Uint8Array<ArrayBuffer> {
    const n = this.#n;
    const o = this.#header();
    const scanout = n.pick([0, 0, 0, 0, 1, 1, 1, 1, 2, 15, 16, 0xffffffff]);
    switch (type) {
      case CMD.GET_DISPLAY_INFO:
        return msg.displayInfo(o);
      case CMD.RESOURCE_CREATE_2D:
        return msg.create2d(this.#unusedId(), n.pick(FORMATS), n.pick(SIZES), n.pick(SIZES), o);
      case CMD.RESOURCE_UNREF:
        return msg.unref(this.#id(ANY), o);
      case CMD.SET_SCANOUT: {
        const resource = this.#pick(["2d", "3d"]);
        const picture =
          resource?.kind === "3d" ? { ...resource, widthPixels: 64, heightPixels: 64 } : resource;
        return msg.setScanout(scanout, n.chance(10) ? 0 : (resource?.id ?? 1), this.#rect(picture), o);
      }
      case CMD.RESOURCE_FLUSH: {
        const resource = this.#pick(ANY);
        return msg.flush(resource?.id ?? n.pick(IDS), this.#rect(resource), o);
      }
      case CMD.TRANSFER_TO_HOST_2D: {
        const resource = this.#pick(["2d", "2d", "3d"]);
        return msg.transfer(resource?.id ?? n.pick(IDS), this.#rect(resource), this.#offset(), o);
      }
      case CMD.RESOURCE_ATTACH_BACKING: {
        const resource = this.#pick(ANY);
        const bytes = (resource?.widthPixels ?? 0) * (resource?.heightPixels ?? 0) * 4;
        const list = this.#entries(bytes === 0 ? (resource?.sizeBytes ?? 0) : bytes);
        return msg.attach(resource?.id ?? n.pick(IDS), list, o, this.#count(list));
      }
      case CMD.RESOURCE_DETACH_BACKING:
        return msg.detach(this.#id(ANY), o);
      case CMD.GET_CAPSET_INFO:
        return msg.capsetInfo(n.below(4), o);
      case CMD.GET_CAPSET:
        return msg.capset(n.below(4), n.below(4), o);
      case CMD.GET_EDID:
        return msg.edid(scanout, o);
      case CMD.RESOURCE_ASSIGN_UUID:
        return msg.assignUuid(this.#id(ANY), o);
      case CMD.RESOURCE_CREATE_BLOB:
        return this.#createBlob(o);
      case CMD.SET_SCANOUT_BLOB: {
        const id = this.#id(["blob", "host-blob"]);
        if (n.chance(75)) return msg.setScanoutBlob(scanout, id, { w: 16, h: 16, offset: 4 * n.below(8) }, o);
        const frame = { r: this.#rect(null), w: n.pick(SIZES), h: n.pick(SIZES), format: n.pick(FORMATS) };
        return msg.setScanoutBlob(scanout, id, { ...frame, stride: n.weird(), offset: n.weird() }, o);
      }
      case CMD.CTX_CREATE: {
        const ctx = n.pick(CONTEXT_IDS);
        this.#contexts.add(ctx);
        const init = n.chance(80) ? 0 : n.weird();
        return msg.ctxCreate(init, "hostile", { ...o, ctx }, n.chance(80) ? 7 : n.weird());
      }
      case CMD.CTX_DESTROY:
        if (o.ctx !== undefined) this.#contexts.delete(o.ctx);
        return msg.ctxDestroy(o);
      case CMD.CTX_ATTACH_RESOURCE:
        return msg.ctxAttach(this.#id(ANY), o);
      case CMD.CTX_DETACH_RESOURCE:
        return msg.ctxDetach(this.#id(ANY), o);
      case CMD.RESOURCE_CREATE_3D: {
        const sizes = [n.pick(SIZES), n.pick(SIZES), n.weird(), n.weird()];
        return msg.create3d(this.#unusedId(), [2, 1, 2, ...sizes, 0, 0, 0], o);
      }
      case CMD.TRANSFER_TO_HOST_3D:
      case CMD.TRANSFER_FROM_HOST_3D: {
        const box = [n.weird(), n.weird(), n.weird(), n.weird(), n.weird(), n.weird()];
        const id = this.#id([...RENDERED, "blob"]);
        return msg.transfer3d(type, id, box, this.#offset(), n.weird(), n.weird(), n.weird(), o);
      }
      case CMD.SUBMIT_3D: {
        const bytes = this.#noise(n.pick([0, 4, 64, 256, 300]));
        return msg.submit(bytes, o, n.chance(90) ? bytes.length : n.weird());
      }
      case CMD.RESOURCE_MAP_BLOB:
        return msg.mapBlob(this.#id(["host-blob"]), n.chance(85) ? 4096 * n.below(4) : this.#offset(), o);
      case CMD.RESOURCE_UNMAP_BLOB:
        return msg.unmapBlob(this.#id(["host-blob"]), o);
      default: {
        const at = [scanout, n.weird(), n.weird()] as const;
        return msg.cursor(type, ...at, n.chance(10) ? 0 : this.#id(ANY), n.weird(), n.weird(), o);
      }
    }
  }

  #createBlob(o: HeaderOptions): Uint8Array<ArrayBuffer> {
    const n = this.#n;
    const mem = n.chance(96) ? n.pick([1, 1, 2, 2, 2, 3]) : n.weird();
    const size = n.chance(90) ? 4096 * n.pick([1, 1, 1, 4]) : this.#offset();
    const list =
      mem === 2 ? (n.chance(96) ? [] : this.#entries(0)) : n.chance(30) ? [] : this.#entries(Number(size));
    const flags = n.chance(95) ? n.pick([0, 1, 1, 1, 3, 5, 7]) : n.weird();
    return msg.createBlob(this.#unusedId(), { mem, flags, blobId: n.weird(), size, entries: list, count: this.#count(list) }, o); // biome-ignore format: one request
  }
}
