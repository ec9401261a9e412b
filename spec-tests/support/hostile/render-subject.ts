import {
  type DeviceType,
  parseUuid,
  type SharedObject,
  SharedObjectRegistry,
} from "../../../src/device/index.ts";
import { RenderDevice, type RenderDeviceOptions } from "../../../src/devices/render/index.ts";
import { RCMD, RERR, ROK, rmsg } from "../render-messages.ts";
import { FakeExport } from "../render-rig.ts";
import { TestClock } from "../test-clock.ts";
import { RandomRenderCommands } from "./render-commands.ts";
import { hex, type Offer, type Subject, type Surroundings, type Use } from "./subject.ts";
import type { Taken } from "./watched-type.ts";

const HEADER = 24;
const IMPORT_BYTES = 64;
const ENTRIES_AT = 64;
const MOST_OBJECTS = 5;
const MAX_ENTRIES = 16;
const LIMITS = {
  maxImports: 5,
  maxContexts: 3,
  maxDimension: 64,
  maxEntries: MAX_ENTRIES,
  maxEntriesTotal: 30,
  maxImportBytes: 1 << 14,
};

/** Bytes of another device. While it is used, anything may happen. */
class MoodyExport extends FakeExport {
  readonly #around: Surroundings;

  constructor(around: Surroundings, widthPixels: number, heightPixels: number) {
    const image = { widthPixels, heightPixels, format: 2, strideBytes: 4 * widthPixels };
    super(widthPixels * heightPixels * 4, around.numbers.chance(80) ? image : null);
    this.#around = around;
  }

  override write(position: number, source: Uint8Array, sourceOffset: number, lengthBytes: number): number {
    if (position < 0 || position + lengthBytes > this.sizeBytes)
      throw new Error("pixels outside of the object");
    if (this.#around.numbers.chance(1)) this.#around.mood.reenter();
    return super.write(position, source, sourceOffset, lengthBytes);
  }
}

/** Pages that the guest has allowed the device to draw into. */
interface Grant {
  readonly id: number;
  readonly entries: readonly (readonly [address: bigint, lengthBytes: number])[];
}

/** A render device with objects to import that come and go. */
export class RenderSubject implements Subject {
  readonly kind = "render";
  readonly #around: Surroundings;
  readonly #registry = new SharedObjectRegistry();
  readonly #objects: {
    readonly uuid: Uint8Array;
    readonly content: FakeExport;
    readonly object: SharedObject;
  }[] = [];
  readonly #clock: TestClock | null;
  readonly #options: RenderDeviceOptions;
  readonly #commands: RandomRenderCommands;
  readonly #maxCommands: number;
  #grants: Grant[] = [];
  #device: RenderDevice | null = null;
  #nextUuid = 1;

  constructor(around: Surroundings) {
    this.#around = around;
    const { numbers: n } = around;
    this.#clock = n.chance(50) ? new TestClock() : null;
    this.#maxCommands = n.pick([1, 3, 8]);
    this.#options = {
      ...(n.chance(90) && { sharedObjects: this.#registry }),
      ...(n.chance(10) && { importPages: false }),
      ...(this.#clock !== null && { timing: { clock: this.#clock, slicePixels: n.pick([1, 100, 5000]) } }),
      ...(n.chance(30) && { onCommand: () => {} }),
      queueSize: n.pick([8, 16]),
      limits: { ...LIMITS, maxCommands: this.#maxCommands, maxPendingPixels: n.pick([1, 500, 1 << 20]) },
    };
    for (let i = 0; i < 3; i++) this.#export();
    this.#commands = new RandomRenderCommands(around, {
      imports: () => this.#render.imports(),
      contexts: () => this.#render.contexts,
      uuids: () => [new Uint8Array(16), ...this.#objects.map(({ uuid }) => uuid)],
    });
  }

  #export(): void {
    const { numbers: n } = this.#around;
    const content = new MoodyExport(this.#around, n.pick([1, 16, 33]), n.pick([1, 9, 16]));
    const uuid = parseUuid(`01234567-89ab-4cde-8f01-${(this.#nextUuid++).toString(16).padStart(12, "0")}`);
    this.#objects.push({ uuid, content, object: this.#registry.publish(uuid, content) });
    if (this.#objects.length > MOST_OBJECTS) this.#objects.shift()?.object.unexport();
  }

  get #render(): RenderDevice {
    if (this.#device === null) throw new Error("there is no renderer");
    return this.#device;
  }

  make(): DeviceType {
    this.#device = new RenderDevice(this.#options);
    return this.#device;
  }

  began(): void {}

  next(): Offer {
    const { numbers: n } = this.#around;
    return {
      queue: 0,
      request: this.#commands.next(),
      room: n.chance(80) ? n.pick([24, 64, 64]) : n.below(80),
    };
  }

  // What it may write

  taken({ request, readableBytes }: Taken): void {
    if (request.length < ENTRIES_AT) return;
    const view = new DataView(request.buffer);
    if (view.getUint32(0, true) !== RCMD.IMPORT_PAGES) return;
    const id = view.getUint32(HEADER, true);
    const isReadOnly = (view.getUint32(HEADER + 4, true) & 1) !== 0;
    const count = view.getUint32(HEADER + 8, true);
    const isWhole = count <= MAX_ENTRIES && ENTRIES_AT + 16 * count <= readableBytes;
    if (isReadOnly || !isWhole || this.#render.imports().some((each) => each.id === id)) return;
    const entries = Array.from(
      { length: count },
      (_, i) =>
        [
          view.getBigUint64(ENTRIES_AT + 16 * i, true),
          view.getUint32(ENTRIES_AT + 16 * i + 8, true),
        ] as const,
    );
    const grant = { id, entries };
    this.#grants.push(grant);
    this.#allow(grant);
  }

  #allow({ entries }: Grant): void {
    for (const [address, lengthBytes] of entries) this.#around.allowAddress(address, lengthBytes);
  }

  wasReset(): void {
    this.#grants = [];
  }

  allowances(): void {
    // What was released is drawn into only by commands that were taken before.
    if (this.#render.pending === 0) {
      const writable = this.#render.imports().filter(({ uuid, readOnly }) => uuid === null && !readOnly);
      this.#grants = this.#grants.filter((grant) => writable.some(({ id }) => id === grant.id));
    }
    for (const grant of this.#grants) this.#allow(grant);
  }

  // What has to hold

  judge(chain: Taken, response: Uint8Array): string | null {
    const { request, writableBytes: room } = chain;
    if (response.length < HEADER) return response.length === room ? null : "a header cut short";
    const view = new DataView(response.buffer, response.byteOffset, response.length);
    const type = view.getUint32(0, true);
    const isError = type >= RERR.UNSPEC && type <= RERR.CANCELED;
    if (!isError && type !== ROK.PLAIN && type !== ROK.IMPORT) return `response type 0x${type.toString(16)}`;
    const expected = type === ROK.IMPORT ? IMPORT_BYTES : HEADER;
    if (response.length !== Math.min(expected, room))
      return `${response.length} bytes for 0x${type.toString(16)}`;
    if (view.getUint32(20, true) !== 0) return "padding";
    const fenced = request.length >= HEADER && ((request[4] as number) & 1) !== 0;
    if (view.getUint32(4, true) !== (fenced ? 1 : 0)) return "the fence flag is another one";
    for (let i = 8; i < 20; i++) {
      if (response[i] !== (fenced ? request[i] : 0)) return "the fence or context is another one";
    }
    return null;
  }

  check(): void {
    const render = this.#render;
    if (render.imports().length > LIMITS.maxImports) throw new Error("imports beyond the limit");
    if (render.contexts.length > LIMITS.maxContexts) throw new Error("contexts beyond the limit");
    if (!render.contexts.includes(0)) throw new Error("context 0 is gone");
    if (render.pending > this.#maxCommands) throw new Error(`${render.pending} commands`);
    for (const { widthPixels, heightPixels, strideBytes } of render.imports()) {
      if (widthPixels > LIMITS.maxDimension || heightPixels > LIMITS.maxDimension)
        throw new Error("too large");
      if (strideBytes * (heightPixels - 1) + widthPixels * 4 > LIMITS.maxImportBytes)
        throw new Error("too many bytes");
    }
  }

  /** Objects of other devices come and go. */
  happen(): void {
    const { numbers: n } = this.#around;
    const what = n.below(10);
    if (what < 3 || this.#objects.length === 0) this.#export();
    else if (what < 5) this.#objects.splice(n.below(this.#objects.length), 1)[0]?.object.revoke();
    else if (what < 7) this.#objects.splice(n.below(this.#objects.length), 1)[0]?.object.unexport();
    else {
      const { content } = n.pick(this.#objects);
      content.missing = !content.missing;
    }
  }

  look(): void {
    this.#render.imports();
  }

  fingerprint(): string {
    const render = this.#render;
    // An object that only the device of before kept alive went with it.
    const imports = render.imports().map((each) => ({ ...each, revoked: false }));
    return JSON.stringify([imports, [...render.contexts].sort()]);
  }

  tick(): void {
    this.#clock?.step();
  }

  finishWork(): void {
    this.#clock?.runAll();
  }

  emptied(): void {
    const render = this.#render;
    if (render.imports().length !== 0 || render.contexts.length !== 1)
      throw new Error("a reset left something");
    if (render.pending !== 0) throw new Error("a reset left commands");
    if (this.#objects.some(({ object }) => object.users !== 0))
      throw new Error("a reset left users of objects");
  }

  use(use: Use): void {
    const { memory } = this.#around;
    const type = (bytes: Uint8Array): number =>
      new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
    const expect = (request: Uint8Array, expected: number): void => {
      const got = type(use(0, request, IMPORT_BYTES));
      if (got !== expected)
        throw new Error(`after a reset ${hex(request)} is answered with 0x${got.toString(16)}`);
    };
    expect(rmsg.nop({ fence: 1 }), ROK.PLAIN);
    if (this.#options.importPages === false) return;
    memory.write(0xb000, new Uint8Array(1024));
    expect(rmsg.importPages(1, [[0xb000, 1024]], { width: 16, height: 16 }), ROK.IMPORT);
    expect(rmsg.fill(1, 0x42424242, [0, 0, 16, 16], { fence: 2 }), ROK.PLAIN);
    if (memory.read(0xb000, 1024).some((byte) => byte !== 0x42))
      throw new Error("after a reset nothing is drawn");
    expect(rmsg.release(1, { fence: 3 }), ROK.PLAIN);
    if (this.#render.imports().length !== 0) throw new Error("an import cannot be given back");
  }
}
