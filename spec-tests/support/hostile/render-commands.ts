// Commands of the render device with fields of every kind, most of which lead somewhere.
import type { RenderImportInfo } from "../../../src/devices/render/index.ts";
import { concat } from "../gpu-messages.ts";
import {
  type RawLayout,
  type RawRect,
  RCMD,
  type RenderHeader,
  renderHeader,
  rmsg,
} from "../render-messages.ts";
import type { Surroundings } from "./subject.ts";

const TYPES = Object.values(RCMD);
const FORMATS = [1, 2, 3, 4, 67, 68, 121, 134, 0, 5];
const DRAWS: ReadonlySet<number> = new Set([RCMD.FILL, RCMD.BLIT, RCMD.GRADIENT, RCMD.TRIANGLE]);

/** What a command generator wants to know of the device. */
export interface RenderView {
  imports(): readonly RenderImportInfo[];
  contexts(): readonly number[];
  /** UUIDs of what there is to import, and of what there is not. */
  uuids(): readonly Uint8Array[];
}

export class RandomRenderCommands {
  readonly #around: Surroundings;
  readonly #view: RenderView;
  #fence = 0;

  constructor(around: Surroundings, view: RenderView) {
    this.#around = around;
    this.#view = view;
  }

  next(): Uint8Array<ArrayBuffer> {
    const { numbers: n } = this.#around;
    let type = n.chance(95) ? n.pick(TYPES) : n.weird();
    // Without imports nothing can be drawn.
    if (DRAWS.has(type) && this.#view.imports().length === 0 && n.chance(90)) {
      type = n.pick([RCMD.IMPORT_UUID, RCMD.IMPORT_PAGES]);
    }
    const request = this.#request(type);
    return n.chance(8) ? this.#mutate(request) : request;
  }

  #mutate(request: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    const { numbers: n } = this.#around;
    if (n.chance(40)) return request.slice(0, n.below(request.length + 1));
    const view = new DataView(request.buffer);
    for (let i = n.below(3); i >= 0; i--) {
      view.setUint32(4 * n.below(request.length >>> 2), n.weird(), true);
    }
    return request;
  }

  #header(): RenderHeader {
    const { numbers: n } = this.#around;
    const ctx = n.chance(93) ? n.pick(this.#view.contexts()) : n.pick([0, 1, 2, 9, n.weird()]);
    const flags = n.chance(97) ? 0 : n.weird();
    if (n.chance(45)) return { ctx, flags };
    return { ctx, flags, fence: n.chance(93) ? ++this.#fence : n.weird() };
  }

  #id(): number {
    const { numbers: n } = this.#around;
    const imports = this.#view.imports();
    if (imports.length === 0 || n.chance(7)) return n.pick([0, 1, 2, 3, 4, 5, 6, 7, n.weird()]);
    return n.pick(imports).id;
  }

  #newId(): number {
    const { numbers: n } = this.#around;
    const used = new Set(this.#view.imports().map(({ id }) => id));
    const free = [1, 2, 3, 4, 5, 6, 7].filter((id) => !used.has(id));
    return free.length === 0 || n.chance(7) ? n.pick([0, 1, 2, 3]) : n.pick(free);
  }

  #layout(): RawLayout {
    const { numbers: n } = this.#around;
    const width = n.pick([1, 2, 5, 16, 16, 31, 32, 64]);
    const height = n.pick([1, 2, 7, 16, 16, 20]);
    const layout = { format: n.pick(FORMATS), width, height };
    if (n.chance(70)) return layout;
    const odd = { ...layout, stride: width * 4 + n.pick([0, 1, 4, 60]), offset: n.pick([0, 3, 4, 64, 4095]) };
    return n.chance(80) ? odd : { ...odd, [n.pick(["width", "height", "stride", "offset"])]: n.weird() };
  }

  #rect(): RawRect {
    const { numbers: n } = this.#around;
    if (n.chance(15)) return [n.weird(), n.weird(), n.weird(), n.weird()];
    return [n.below(30) - 6, n.below(30) - 6, n.below(70), n.below(24)].map(
      (x) => x >>> 0,
    ) as unknown as RawRect;
  }

  #importPages(o: RenderHeader): Uint8Array<ArrayBuffer> {
    const { numbers: n } = this.#around;
    const entries = Array.from({ length: n.pick([1, 1, 2, 3, 4, 20]) }, () => {
      const length = n.chance(94) ? n.pick([64, 100, 1024, 4096, 4096]) : n.weird();
      return [this.#around.chooseMemory(length), length] as const;
    });
    const count = n.chance(94) ? entries.length : n.weird();
    const importFlags = n.chance(97) ? n.pick([0, 0, 0, 1]) : n.weird();
    return rmsg.importPages(this.#newId(), entries, this.#layout(), { ...o, importFlags, count });
  }

  #request(type: number): Uint8Array<ArrayBuffer> {
    const { numbers: n } = this.#around;
    const o = this.#header();
    const color = n.u32();
    switch (type) {
      case RCMD.CTX_CREATE:
        return rmsg.ctxCreate({ ...o, ctx: n.below(5) });
      case RCMD.CTX_DESTROY:
        return rmsg.ctxDestroy(o);
      case RCMD.IMPORT_UUID: {
        const layout = n.chance(60) ? null : this.#layout();
        return rmsg.importUuid(this.#newId(), n.pick(this.#view.uuids()), layout, {
          ...o,
          importFlags: n.pick([0, 0, 0, 1]),
        });
      }
      case RCMD.IMPORT_PAGES:
        return this.#importPages(o);
      case RCMD.RELEASE:
        return rmsg.release(this.#id(), o);
      case RCMD.GET_IMPORT:
        return rmsg.getImport(this.#id(), o);
      case RCMD.FILL:
        return rmsg.fill(this.#id(), color, this.#rect(), o);
      case RCMD.BLIT:
        return rmsg.blit(this.#id(), this.#id(), n.below(20) >>> 0, (n.below(20) - 5) >>> 0, this.#rect(), o);
      case RCMD.GRADIENT: {
        const points = Array.from({ length: 4 }, () => (n.chance(90) ? (n.below(80) - 20) >>> 0 : n.weird()));
        return rmsg.gradient(this.#id(), this.#rect(), points as never, [color, ~color >>> 0], o);
      }
      case RCMD.TRIANGLE: {
        const angle = n.chance(90) ? n.below(65536) : n.weird();
        return rmsg.triangle(this.#id(), angle, this.#rect(), [color, 0xff00ff00, 0xff], o);
      }
      default:
        return concat(renderHeader(type, o), new Uint8Array(n.below(80)));
    }
  }
}
