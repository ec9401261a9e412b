import { BackendError } from "../../../base/backend-error.ts";
import type {
  BlobInfo,
  Capset,
  GuestPages,
  RenderedPixels,
  Renderer,
  Resource3dInfo,
  Transfer3d,
} from "../../../devices/gpu/index.ts";
import {
  VIRTIO_GPU_CAPSET_VENUS,
  VIRTIO_GPU_CAPSET_VIRGL,
  VIRTIO_GPU_MAP_CACHE_CACHED,
} from "../../../wire/gpu.ts";

const CAPSET_BYTES = 64;
const BYTES_PER_TEXEL = 4;
const MAX_TEXELS = 1 << 22;

/**
 * A renderer with the book-keeping of a real one and none of its drawing: resources are flat pictures that transfers
 * copy to and from the guest, command streams are accepted, take their time and do nothing. It makes the protocol around
 * 3D testable.
 */
export class SimpleRenderer implements Renderer {
  readonly capsets: readonly Capset[] = [
    { id: VIRTIO_GPU_CAPSET_VIRGL, maxVersion: 1, maxSizeBytes: CAPSET_BYTES },
    { id: VIRTIO_GPU_CAPSET_VENUS, maxVersion: 0, maxSizeBytes: CAPSET_BYTES },
  ];
  readonly #pictures = new Map<number, { readonly info: Resource3dInfo; readonly bytes: Uint8Array }>();

  getCapset(id: number): Uint8Array {
    return new Uint8Array(CAPSET_BYTES).fill(id);
  }

  createContext(): void {}

  destroyContext(): void {}

  attachResource(): void {}

  detachResource(): void {}

  createResource(resourceId: number, info: Resource3dInfo): void {
    const texels = info.width * info.height;
    if (texels === 0 || texels > MAX_TEXELS) throw new BackendError("invalid-parameter");
    this.#pictures.set(resourceId, { info, bytes: new Uint8Array(texels * BYTES_PER_TEXEL) });
  }

  createBlob(_ctxId: number, _resourceId: number, info: BlobInfo): void {
    // So that a guest that maps the blob sees that it is the right one.
    new DataView(info.memory.bytes().buffer, info.memory.bytes().byteOffset).setBigUint64(
      0,
      info.blobId,
      true,
    );
  }

  unrefResource(resourceId: number): void {
    this.#pictures.delete(resourceId);
  }

  setBacking(): void {}

  transferToHost(_ctxId: number, resourceId: number, box: Transfer3d, backing: GuestPages | null): void {
    this.#copy(resourceId, box, backing, (pages, from, picture, to, length) => {
      pages.read(from, picture, to, length);
    });
  }

  transferFromHost(_ctxId: number, resourceId: number, box: Transfer3d, backing: GuestPages | null): void {
    this.#copy(resourceId, box, backing, (pages, at, picture, from, length) => {
      pages.write(at, picture, from, length);
    });
  }

  /** Longer streams take longer: a turn of microtasks for every word. */
  submit(_ctxId: number, commands: Uint8Array): Promise<void> | void {
    if (commands.length > 0) return turns(commands.length >>> 2);
  }

  mapBlob(): number {
    return VIRTIO_GPU_MAP_CACHE_CACHED;
  }

  unmapBlob(): void {}

  pixels(resourceId: number): RenderedPixels | null {
    const picture = this.#pictures.get(resourceId);
    if (picture === undefined) return null;
    const { info, bytes } = picture;
    return {
      widthPixels: info.width,
      heightPixels: info.height,
      format: info.format,
      strideBytes: info.width * BYTES_PER_TEXEL,
      bytes,
    };
  }

  reset(): void {
    this.#pictures.clear();
  }

  #copy(
    resourceId: number,
    box: Transfer3d,
    backing: GuestPages | null,
    row: (pages: GuestPages, guestOffset: number, picture: Uint8Array, at: number, length: number) => void,
  ): void {
    const picture = this.#pictures.get(resourceId);
    if (picture === undefined || backing === null) throw new BackendError("invalid-parameter");
    const { width, height } = picture.info;
    if (box.x + box.width > width || box.y + box.height > height) throw new BackendError("invalid-parameter");
    const length = box.width * BYTES_PER_TEXEL;
    const stride = box.strideBytes === 0 ? length : box.strideBytes;
    if (box.height > 0 && box.offset + stride * (box.height - 1) + length > backing.totalBytes) {
      throw new BackendError("invalid-parameter");
    }
    for (let y = 0; y < box.height; y++) {
      const at = ((box.y + y) * width + box.x) * BYTES_PER_TEXEL;
      row(backing, box.offset + y * stride, picture.bytes, at, length);
    }
  }
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await null;
}
