import { BackendError } from "../../base/backend-error.ts";
import { isUint8Array } from "../../base/brands.ts";
import { VirtioBugError } from "../../base/errors.ts";
import type { SegmentList } from "../../memory/segments.ts";
import type { SharedContent, SharedImage } from "../shared-objects.ts";

/**
 * What another device shares, for a device that uses it: where the exporter throws there are no bytes, and `failed`
 * is called. So its failures become the user's status for an object without bytes, and never leave through a register.
 */
export class GuardedContent implements SharedContent {
  readonly #content: SharedContent;
  readonly #failed: (error: unknown) => void;

  constructor(content: SharedContent, failed: (error: unknown) => void) {
    this.#content = content;
    this.#failed = failed;
  }

  #ask<T>(action: (content: SharedContent) => T, none: T): T {
    try {
      return action(this.#content);
    } catch (error) {
      this.#report(error);
      return none;
    }
  }

  #report(error: unknown): void {
    // Another device of ours may be the exporter.
    if (error instanceof VirtioBugError) throw error;
    this.#failed(error);
  }

  get owner(): string {
    return this.#ask(({ owner }) => owner, "");
  }

  get kind(): string {
    return this.#ask(({ kind }) => kind, "");
  }

  get sizeBytes(): number {
    return this.#ask(({ sizeBytes }) => usable(sizeBytes, isCount, "size"), 0);
  }

  get image(): SharedImage | null {
    return this.#ask(({ image }) => usable(image ?? null, isImage, "image"), null);
  }

  hostBytes(): Uint8Array | null {
    return this.#ask((content) => usable(content.hostBytes() ?? null, isBytes, "bytes"), null);
  }

  guestSegments(): SegmentList | null {
    return this.#ask((content) => content.guestSegments(), null);
  }

  // Written out: they are called for each row of a drawing.

  read(position: number, target: Uint8Array, targetOffset: number, lengthBytes: number): number {
    try {
      return this.#content.read(position, target, targetOffset, lengthBytes);
    } catch (error) {
      this.#report(error);
      return 0;
    }
  }

  write(position: number, source: Uint8Array, sourceOffset: number, lengthBytes: number): number {
    try {
      return this.#content.write(position, source, sourceOffset, lengthBytes);
    } catch (error) {
      this.#report(error);
      return 0;
    }
  }
}

/** What an exporter says, if it can be meant. */
function usable<T>(value: T, isUsable: (value: T) => boolean, what: string): T {
  if (!isUsable(value)) throw new BackendError("lost", `the exporter returned no ${what}`);
  return value;
}

const isCount = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;

const isBytes = (value: Uint8Array | null): boolean => value === null || isUint8Array(value);

function isImage(image: SharedImage | null): boolean {
  if (image === null) return true;
  return [image.widthPixels, image.heightPixels, image.strideBytes, image.format].every(isCount);
}
