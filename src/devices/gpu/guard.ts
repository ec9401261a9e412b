import { GpuBackendError } from "./backend-error.ts";
import type { CursorImage, Display, ScanoutSource } from "./display.ts";
import type { Renderer } from "./renderer.ts";

// Whatever a back end throws is its failure, and becomes an error response. What the device itself throws is a bug,
// and must not be mistaken for one: so it is told apart at the border.

function asFailure(error: unknown): GpuBackendError {
  if (error instanceof GpuBackendError) return error;
  return new GpuBackendError("lost", error instanceof Error ? error.message : String(error));
}

/**
 * A display that throws nothing but {@link GpuBackendError}. `returned` runs whenever control comes back from it: it
 * may have let the guest's memory grow.
 */
export class GuardedDisplay implements Display {
  readonly #display: Display;
  readonly #returned: () => void;

  constructor(display: Display, returned: () => void) {
    this.#display = display;
    this.#returned = returned;
  }

  setScanout(scanoutId: number, source: ScanoutSource | null): void {
    try {
      this.#display.setScanout(scanoutId, source);
    } catch (error) {
      throw asFailure(error);
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
  ): void | Promise<void> {
    try {
      return this.#display.flush(scanoutId, x, y, widthPixels, heightPixels);
    } catch (error) {
      throw asFailure(error);
    } finally {
      this.#returned();
    }
  }

  setCursor(scanoutId: number, cursor: CursorImage | null): void {
    try {
      this.#display.setCursor?.(scanoutId, cursor);
    } catch (error) {
      throw asFailure(error);
    } finally {
      this.#returned();
    }
  }

  moveCursor(scanoutId: number, x: number, y: number): void {
    try {
      this.#display.moveCursor?.(scanoutId, x, y);
    } catch (error) {
      throw asFailure(error);
    } finally {
      this.#returned();
    }
  }
}

/** A renderer that throws nothing but {@link GpuBackendError}; `returned` as for {@link GuardedDisplay}. */
export function guardRenderer(renderer: Renderer, returned: () => void): Renderer {
  const attempt = <T>(action: () => T): T => {
    try {
      return action();
    } catch (error) {
      throw asFailure(error);
    } finally {
      returned();
    }
  };
  return {
    capsets: renderer.capsets,
    getCapset: (id, version) => attempt(() => renderer.getCapset(id, version)),
    createContext: (ctxId, capsetId, name) => attempt(() => renderer.createContext(ctxId, capsetId, name)),
    destroyContext: (ctxId) => attempt(() => renderer.destroyContext(ctxId)),
    attachResource: (ctxId, id) => attempt(() => renderer.attachResource(ctxId, id)),
    detachResource: (ctxId, id) => attempt(() => renderer.detachResource(ctxId, id)),
    createResource: (id, info) => attempt(() => renderer.createResource(id, info)),
    createBlob: (ctxId, id, info) => attempt(() => renderer.createBlob(ctxId, id, info)),
    unrefResource: (id) => attempt(() => renderer.unrefResource(id)),
    setBacking: (id, backing) => attempt(() => renderer.setBacking(id, backing)),
    transferToHost: (ctxId, id, transfer, backing) =>
      attempt(() => renderer.transferToHost(ctxId, id, transfer, backing)),
    transferFromHost: (ctxId, id, transfer, backing) =>
      attempt(() => renderer.transferFromHost(ctxId, id, transfer, backing)),
    submit: (ctxId, commands, ringIdx) => attempt(() => renderer.submit(ctxId, commands, ringIdx)),
    mapBlob: (id) => attempt(() => renderer.mapBlob(id)),
    unmapBlob: (id) => attempt(() => renderer.unmapBlob(id)),
    pixels: (id) => attempt(() => renderer.pixels?.(id) ?? null),
    flush: (id, x, y, width, height) => attempt(() => renderer.flush?.(id, x, y, width, height)),
    reset: () => attempt(() => renderer.reset()),
  };
}
