import type { Renderer } from "../../../src/devices/gpu/index.ts";

/** A renderer that does nothing at once. */
export class IdleRenderer implements Renderer {
  readonly capsets = [];

  getCapset(): Uint8Array {
    return new Uint8Array(0);
  }
  createContext(): void {}
  destroyContext(): void {}
  attachResource(): void {}
  detachResource(): void {}
  createResource(): void {}
  createBlob(): void {}
  unrefResource(): void {}
  setBacking(): void {}
  transferToHost(): void {}
  transferFromHost(): void {}
  submit(): void {}
  mapBlob(): number {
    return 1;
  }
  unmapBlob(): void {}
  reset(): void {}
}
