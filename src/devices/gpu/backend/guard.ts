import { BackendError, toBackendError } from "../../../base/backend-error.ts";
import { isUint8Array } from "../../../base/brands.ts";
import { isPromise, type MaybeLater, ofNoInterest } from "../../../base/later.ts";
import type { BackendCalls } from "../../../device/backend/backend-calls.ts";
import { BYTES_PER_PIXEL, isGpuFormat } from "../resources/formats.ts";
import type { CursorImage, Display, ScanoutSource } from "./display.ts";
import type { RenderedPixels, Renderer } from "./renderer.ts";

/**
 * A display that throws nothing but {@link BackendError}, and whose promises reject with nothing else. Its changes and its
 * flushes are counted separately, so that a display that never finishes a flush can still be turned off.
 */
export class GuardedDisplay implements Display {
  readonly #display: Display;
  readonly #changes: BackendCalls;
  readonly #flushes: BackendCalls;
  readonly #returned: () => void;

  constructor(display: Display, changes: BackendCalls, flushes: BackendCalls, returned: () => void) {
    this.#display = display;
    this.#changes = changes;
    this.#flushes = flushes;
    this.#returned = returned;
  }

  // Written out instead of `BackendCalls.call`: a flip must not cost a closure.

  setScanout(scanoutId: number, source: ScanoutSource | null): MaybeLater<void> {
    const calls = this.#changes;
    const life = calls.begin();
    try {
      return calls.end(life, this.#display.setScanout(scanoutId, source));
    } catch (error) {
      throw toBackendError(error);
    } finally {
      this.#returned();
    }
  }

  flush(
    scanoutId: number,
    x: number,
    y: number,
    widthPixels: number,
    heightPixels: number,
  ): MaybeLater<void> {
    const calls = this.#flushes;
    const life = calls.begin();
    try {
      return calls.end(life, this.#display.flush(scanoutId, x, y, widthPixels, heightPixels));
    } catch (error) {
      throw toBackendError(error);
    } finally {
      this.#returned();
    }
  }

  setCursor(scanoutId: number, cursor: CursorImage | null): MaybeLater<void> {
    const calls = this.#changes;
    const life = calls.begin();
    try {
      return calls.end(life, this.#display.setCursor?.(scanoutId, cursor));
    } catch (error) {
      throw toBackendError(error);
    } finally {
      this.#returned();
    }
  }

  moveCursor(scanoutId: number, x: number, y: number): MaybeLater<void> {
    const calls = this.#changes;
    const life = calls.begin();
    try {
      return calls.end(life, this.#display.moveCursor?.(scanoutId, x, y));
    } catch (error) {
      throw toBackendError(error);
    } finally {
      this.#returned();
    }
  }
}

/** What a renderer returned or will return, if it is usable; otherwise that is a failure of the renderer. */
function usable<T>(result: MaybeLater<T>, isUsable: (value: T) => boolean, what: string): MaybeLater<T> {
  const check = (value: T): T => {
    if (!isUsable(value)) throw new BackendError("lost", `the renderer returned no ${what}`);
    return value;
  };
  return isPromise(result) ? Promise.resolve(result).then(check) : check(result);
}

function isPicture(picture: RenderedPixels | null): boolean {
  if (picture === null) return true;
  const { widthPixels, heightPixels, strideBytes, bytes } = picture;
  if (!isUint8Array(bytes) || ![widthPixels, heightPixels, strideBytes].every(isCount)) return false;
  if (!isGpuFormat(picture.format)) return false;
  const rowBytes = widthPixels * BYTES_PER_PIXEL;
  return strideBytes >= rowBytes && (heightPixels - 1) * strideBytes + rowBytes <= bytes.length;
}

const isCount = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;

/** A renderer that throws nothing but {@link BackendError}; `returned` runs whenever control comes back from it. */
export function guardRenderer(renderer: Renderer, calls: BackendCalls, returned: () => void): Renderer {
  const ask = <T>(action: () => MaybeLater<T>): MaybeLater<T> => calls.call(action);
  const attempt = <T>(action: () => T): T => {
    try {
      return action();
    } catch (error) {
      throw toBackendError(error);
    } finally {
      returned();
    }
  };
  return {
    capsets: renderer.capsets,
    getCapset: (id, version) => ask(() => usable(renderer.getCapset(id, version), isUint8Array, "capset")),
    createContext: (ctxId, capsetId, name) => ask(() => renderer.createContext(ctxId, capsetId, name)),
    destroyContext: (ctxId) => ask(() => renderer.destroyContext(ctxId)),
    attachResource: (ctxId, id) => ask(() => renderer.attachResource(ctxId, id)),
    detachResource: (ctxId, id) => ask(() => renderer.detachResource(ctxId, id)),
    createResource: (id, info) => ask(() => renderer.createResource(id, info)),
    createBlob: (ctxId, id, info) => ask(() => renderer.createBlob(ctxId, id, info)),
    unrefResource: (id) => ask(() => renderer.unrefResource(id)),
    setBacking: (id, backing) => ask(() => renderer.setBacking(id, backing)),
    transferToHost: (ctxId, id, transfer, backing) =>
      ask(() => renderer.transferToHost(ctxId, id, transfer, backing)),
    transferFromHost: (ctxId, id, transfer, backing) =>
      ask(() => renderer.transferFromHost(ctxId, id, transfer, backing)),
    submit: (ctxId, commands, ringIdx) => ask(() => renderer.submit(ctxId, commands, ringIdx)),
    mapBlob: (id) => ask(() => usable(renderer.mapBlob(id), Number.isInteger, "map info")),
    unmapBlob: (id) => ask(() => renderer.unmapBlob(id)),
    pixels: (id) =>
      attempt(() => {
        const picture = renderer.pixels?.(id) ?? null;
        // A promise is not a picture, and nobody would wait for it.
        ofNoInterest(picture);
        if (!isPicture(picture)) throw new BackendError("lost", "the renderer returned no picture");
        return picture;
      }),
    flush: (id, x, y, width, height) => ask(() => renderer.flush?.(id, x, y, width, height)),
    // However many calls are still under way: this one tells the renderer to forget them.
    reset: () =>
      attempt(() => {
        const later: MaybeLater<void> = renderer.reset();
        if (!isPromise(later)) return;
        return Promise.resolve(later).catch((error: unknown) => {
          throw toBackendError(error);
        });
      }),
  };
}
