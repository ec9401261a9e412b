// Back ends in a bad mood: they fail, wait, call back into the device, and answer late or never with what was promised.

import { readScanoutRgba } from "../../../src/backends/display/memory/index.ts";
import { BackendError } from "../../../src/base/backend-error.ts";
import type { PlainValue } from "../../../src/device/index.ts";
import type {
  BlobInfo,
  Capset,
  CursorImage,
  Display,
  GuestPages,
  RenderedPixels,
  Renderer,
  ScanoutSource,
} from "../../../src/devices/gpu/index.ts";
import type { Numbers } from "./numbers.ts";

const CODES = [
  "out-of-memory",
  "invalid-scanout",
  "invalid-resource",
  "invalid-context",
  "invalid-parameter",
  "unsupported",
  "lost",
] as const;

/** How back ends behave, and what they owe. */
export class Mood {
  readonly numbers: Numbers;
  /** Percent of calls that do something else than what was asked for. */
  badness: number;
  /** Something the embedder, or a guest that runs at once, does from within a callback. */
  reenter: () => void = () => {};
  readonly #owed: ((reject: boolean) => void)[] = [];

  constructor(numbers: Numbers, badness: number) {
    this.numbers = numbers;
    this.badness = badness;
  }

  /** Promises that are not settled. */
  get owed(): number {
    return this.#owed.length;
  }

  /** Settles one promise, any. */
  settleOne(): void {
    const at = this.numbers.below(this.#owed.length);
    const [settle] = this.#owed.splice(at, 1);
    settle?.(this.numbers.chance(35));
  }

  /** The result of a call: at once, late, or none. */
  result<T>(value: T): T | Promise<T> {
    if (!this.numbers.chance(this.badness)) return value;
    switch (this.numbers.below(8)) {
      case 0:
        throw new Error("a back end fell over");
      case 1:
        throw new BackendError(this.numbers.pick(CODES));
      case 2:
        return Promise.resolve(value);
      case 3:
        return Promise.reject(new BackendError(this.numbers.pick(CODES)));
      case 4:
        this.reenter();
        return value;
      case 5:
        this.reenter();
        return this.#owe(value);
      default:
        return this.#owe(value);
    }
  }

  #owe<T>(value: T): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#owed.push((fail) => {
        if (fail) reject(this.numbers.chance(50) ? new Error("late failure") : new BackendError("lost"));
        else resolve(value);
      });
    });
  }

  /** A call that has no result: may fail. */
  nothing(): void {
    if (!this.numbers.chance(this.badness)) return;
    if (this.numbers.chance(60)) this.reenter();
    else if (this.numbers.chance(50)) throw new Error("a back end fell over");
    else throw new BackendError(this.numbers.pick(CODES));
  }
}

/** A display that looks at what it is shown. */
export class MoodyDisplay implements Display {
  readonly #mood: Mood;
  readonly #sources = new Map<number, ScanoutSource>();

  constructor(mood: Mood) {
    this.#mood = mood;
  }

  setScanout(scanoutId: number, source: ScanoutSource | null): void {
    if (source === null) this.#sources.delete(scanoutId);
    else {
      if ((source.pixels === null) === (source.pages === null))
        throw new BadSource("not one of pixels and pages");
      this.#sources.set(scanoutId, source);
    }
    this.#mood.nothing();
  }

  flush(scanoutId: number, x: number, y: number, width: number, height: number): void | Promise<void> {
    const source = this.#sources.get(scanoutId);
    if (source !== undefined && (x + width > source.widthPixels || y + height > source.heightPixels)) {
      throw new BadSource("damage outside of the scanout");
    }
    return this.#mood.result(undefined);
  }

  setCursor(_scanoutId: number, _cursor: CursorImage | null): void {
    this.#mood.nothing();
  }

  moveCursor(): void {
    this.#mood.nothing();
  }
}

/** What a display was given cannot be shown. Kept, because the device takes what a display throws for its failure. */
export class BadSource extends Error {
  static last: BadSource | null = null;

  constructor(message: string) {
    super(message);
    BadSource.last = this;
  }
}

/** Reads the corners of a picture as a display would. */
export function lookAt(source: ScanoutSource): void {
  const { widthPixels, heightPixels, pixels, strideBytes, offsetBytes } = source;
  if ((pixels === null) === (source.pages === null)) throw new BadSource("not one of pixels and pages");
  if (pixels !== null && offsetBytes + strideBytes * (heightPixels - 1) + widthPixels * 4 > pixels.length) {
    throw new BadSource("a picture beyond its pixels");
  }
  if (widthPixels * heightPixels > 1 << 20) return;
  readScanoutRgba(source, undefined, { x: 0, y: 0, widthPixels: 3, heightPixels: 1 });
  readScanoutRgba(source, undefined, {
    x: widthPixels - 1,
    y: heightPixels - 1,
    widthPixels: 9,
    heightPixels: 9,
  });
}

export class MoodyRenderer implements Renderer {
  readonly capsets: readonly Capset[] = [
    { id: 1, maxVersion: 1, maxSizeBytes: 308 },
    { id: 2, maxVersion: 2, maxSizeBytes: 0 },
  ];
  readonly #mood: Mood;
  readonly #backings = new Map<number, GuestPages | null>();
  readonly #capset = Uint8Array.from({ length: 600 }, (_, i) => (i * 7) & 0xff);
  readonly #picture: RenderedPixels = {
    widthPixels: 64,
    heightPixels: 64,
    format: 1,
    strideBytes: 256,
    bytes: new Uint8Array(64 * 64 * 4),
  };
  /** Called before the guest's pages are written. */
  onWrite: (pages: GuestPages) => void = () => {};

  constructor(mood: Mood) {
    this.#mood = mood;
  }

  getCapset() {
    return this.#mood.result<Uint8Array>(
      this.#capset.subarray(0, this.#mood.numbers.pick([0, 100, 308, 600])),
    );
  }
  createContext() {
    return this.#mood.result(undefined);
  }
  destroyContext() {
    return this.#mood.result(undefined);
  }
  attachResource() {
    return this.#mood.result(undefined);
  }
  detachResource() {
    return this.#mood.result(undefined);
  }
  createResource() {
    return this.#mood.result(undefined);
  }
  createBlob(_ctxId: number, resourceId: number, info: BlobInfo) {
    this.#backings.set(resourceId, info.backing);
    info.memory.bytes().fill(resourceId);
    return this.#mood.result(undefined);
  }
  unrefResource(resourceId: number) {
    this.#backings.delete(resourceId);
    return this.#mood.result(undefined);
  }
  setBacking(resourceId: number, backing: GuestPages | null) {
    this.#backings.set(resourceId, backing);
    return this.#mood.result(undefined);
  }
  transferToHost(_ctxId: number, _resourceId: number, _transfer: unknown, backing: GuestPages | null) {
    backing?.read(this.#mood.numbers.weird(), new Uint8Array(300), 0, 300);
    return this.#mood.result(undefined);
  }
  transferFromHost(_ctxId: number, resourceId: number, _transfer: unknown, backing: GuestPages | null) {
    // What was attached before, too: it must have become a hole.
    for (const pages of [backing, this.#backings.get(resourceId) ?? null]) {
      if (pages === null) continue;
      this.onWrite(pages);
      pages.write(this.#mood.numbers.weird(), new Uint8Array(300).fill(0x3d), 0, 300);
    }
    return this.#mood.result(undefined);
  }
  submit() {
    return this.#mood.result(undefined);
  }
  mapBlob() {
    return this.#mood.result(this.#mood.numbers.weird());
  }
  unmapBlob() {
    return this.#mood.result(undefined);
  }
  pixels(): RenderedPixels | null {
    return this.#mood.numbers.chance(80) ? this.#picture : null;
  }
  flush() {
    return this.#mood.result(undefined);
  }
  reset(): void {
    this.#backings.clear();
    this.#mood.nothing();
  }
  save(): PlainValue {
    return 1;
  }
  restore(): void {}
}
