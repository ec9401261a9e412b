import type { SharedContent, SharedImage, SharedObject } from "../../src/device/index.ts";
import { parseUuid, SharedObjectRegistry } from "../../src/device/index.ts";
import { RenderDevice, type RenderDeviceOptions } from "../../src/devices/render/index.ts";
import { DeviceRig, type RigOptions, type Sent } from "../../src/testing/index.ts";
import { type RawLayout, type RenderAnswer, ROK, readAnswer, rmsg } from "./render-messages.ts";

export const COMMANDQ = 0;

/** B8G8R8A8: a pixel read as a little-endian word is 0xAARRGGBB. */
export const ARGB = 1;
/** B8G8R8X8. */
export const XRGB = 2;
/** R8G8B8A8: a pixel read as a little-endian word is 0xAABBGGRR. */
export const ABGR = 67;

/** Something that a device which is not there exports: pixels in host memory. */
export class FakeExport implements SharedContent {
  readonly owner = "fake";
  readonly kind = "2d";
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly image: SharedImage | null;
  /** Set to take the bytes away without anybody being told. */
  missing = false;

  constructor(sizeBytes: number, image: SharedImage | null) {
    this.bytes = new Uint8Array(sizeBytes);
    this.image = image;
  }

  get sizeBytes(): number {
    return this.bytes.length;
  }

  hostBytes(): Uint8Array | null {
    return this.missing ? null : this.bytes;
  }

  guestSegments(): null {
    return null;
  }

  read(position: number, target: Uint8Array, targetOffset: number, lengthBytes: number): number {
    if (this.missing || position < 0) return 0;
    const part = this.bytes.subarray(position, position + lengthBytes);
    target.set(part, targetOffset);
    return part.length;
  }

  write(position: number, source: Uint8Array, sourceOffset: number, lengthBytes: number): number {
    if (this.missing || position < 0) return 0;
    const length = Math.min(lengthBytes, this.bytes.length - position);
    this.bytes.set(source.subarray(sourceOffset, sourceOffset + length), position);
    return length;
  }

  /** Pixels as words. */
  get pixels(): Uint32Array<ArrayBuffer> {
    return new Uint32Array(this.bytes.buffer);
  }
}

/** A render device with a registry that tests export to, driven by hand. */
export class RenderRig extends DeviceRig {
  readonly render: RenderDevice;
  readonly registry: SharedObjectRegistry;
  #nextUuid = 1;

  constructor(options: RenderDeviceOptions = {}, rig: RigOptions = {}) {
    const registry = options.sharedObjects ?? new SharedObjectRegistry();
    const render = new RenderDevice({ sharedObjects: registry, ...options });
    super(render, rig);
    this.render = render;
    this.registry = registry;
  }

  /** Sends one command; it must be answered at once. */
  command(request: Uint8Array, responseBytes = 64): RenderAnswer {
    return this.answer(this.begin(request, responseBytes));
  }

  /** The type of the answer to one command, which must come at once. */
  type(request: Uint8Array): number {
    return this.command(request).type;
  }

  /** Sends a command that may be answered later. */
  begin(request: Uint8Array, responseBytes = 64): Sent {
    const sent = this.offer(COMMANDQ, [request], responseBytes === 0 ? [] : [responseBytes]);
    this.notify(COMMANDQ);
    return sent;
  }

  answer(sent: Sent): RenderAnswer {
    this.collect(COMMANDQ);
    if (sent.written < 0) throw new Error("the command was not answered");
    return readAnswer(this.response(sent), sent.written);
  }

  /** Exports a picture. */
  export(
    width: number,
    height: number,
    format = ARGB,
    withImage = true,
  ): { readonly uuid: Uint8Array; readonly content: FakeExport; readonly object: SharedObject } {
    const image = { widthPixels: width, heightPixels: height, format, strideBytes: width * 4 };
    const content = new FakeExport(width * height * 4, withImage ? image : null);
    const number = (this.#nextUuid++).toString(16).padStart(12, "0");
    const uuid = parseUuid(`01234567-89ab-4cde-8f01-${number}`);
    return { uuid, content, object: this.registry.publish(uuid, content) };
  }

  /** Exports a picture and imports it. */
  picture(id: number, width: number, height: number, format = ARGB): FakeExport {
    const { uuid, content } = this.export(width, height, format);
    expectRender(this.command(rmsg.importUuid(id, uuid)), ROK.IMPORT);
    return content;
  }

  /** Imports scattered guest pages; returns them. */
  pages(id: number, layout: RawLayout, pageBytes = 4096): [number, number][] {
    const bytes = (layout.stride ?? layout.width * 4) * layout.height + Number(layout.offset ?? 0);
    const entries: [number, number][] = [];
    for (let at = 0; at < bytes; at += pageBytes) {
      entries.unshift([this.allocate(2 * pageBytes, 4096), pageBytes]);
    }
    expectRender(this.command(rmsg.importPages(id, entries, layout)), ROK.IMPORT);
    return entries;
  }

  /** What scattered pages hold, as words. */
  words(entries: readonly (readonly [number, number])[]): Uint32Array<ArrayBuffer> {
    const total = entries.reduce((sum, [, length]) => sum + length, 0);
    const bytes = new Uint8Array(total);
    let at = 0;
    for (const [address, length] of entries) {
      bytes.set(this.memory.read(address, length), at);
      at += length;
    }
    return new Uint32Array(bytes.buffer);
  }
}

/** Fails unless the answer is of this type. */
export function expectRender(answer: RenderAnswer, type: number = ROK.PLAIN): void {
  if (answer.type !== type) throw new Error(`the device answered 0x${answer.type.toString(16)}`);
}
