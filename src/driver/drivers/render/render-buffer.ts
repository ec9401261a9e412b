import { DriverError } from "../../errors.ts";
import type { DmaBuf, DmaBufAttachment } from "../../kms/buffers/dma-buf.ts";
import { Reservation } from "../../kms/buffers/fences.ts";
import type { RenderDriver } from "./render-driver.ts";
import type { RenderImportState, RenderLayout } from "./render-requests.ts";

/** A dma-buf that other devices of the machine can find by a UUID, as those of virtio-gpu. */
interface UuidDmaBuf extends DmaBuf {
  uuid(): Uint8Array<ArrayBuffer>;
}

/** How a dma-buf becomes an import: by its UUID, by its pages, or by whatever there is, UUIDs first. */
export type RenderImportPath = "uuid" | "pages" | "any";

/**
 * A picture that the renderer has imported, with the reservation object of the buffer it is in: that of the dma-buf,
 * so that all drivers see the same.
 *
 * @example
 * ```ts
 * const { dmaBuf } = file.primeHandleToFd(handle);
 * const buffer = RenderBuffer.importDmaBuf(render, dmaBuf, { format: 2, width: 640, height: 480, strideBytes: 2560 });
 * render.fill(buffer.importId, 0xffff8000, { x: 0, y: 0, width: 640, height: 480 });
 * ```
 */
export class RenderBuffer {
  readonly render: RenderDriver;
  readonly importId: number;
  readonly reservation: Reservation;
  readonly path: "uuid" | "pages";
  readonly state: RenderImportState;
  readonly #dmaBuf: DmaBuf | null;
  readonly #attachment: DmaBufAttachment | null;
  #released = false;
  #gone = false;

  private constructor(
    render: RenderDriver,
    importId: number,
    state: RenderImportState,
    path: "uuid" | "pages",
    dmaBuf: DmaBuf | null,
    attachment: DmaBufAttachment | null,
  ) {
    this.render = render;
    this.importId = importId;
    this.state = state;
    this.path = path;
    this.reservation = dmaBuf?.reservation ?? new Reservation();
    this.#dmaBuf = dmaBuf;
    this.#attachment = attachment;
  }

  /**
   * Imports a dma-buf and holds it until {@link release}; pages are pinned as long. Throws {@link DriverError}: ENODEV
   * when the exporter has no UUID for it (`uuid`) or lets nobody in, or what the device says.
   *
   * The UUID of a resource of virtio-gpu that is not a blob names the pixels of the host: what is drawn there is shown by
   * a flush, and lost with the next transfer from the guest's pages.
   */
  static importDmaBuf(
    render: RenderDriver,
    dmaBuf: DmaBuf,
    layout: RenderLayout,
    path: RenderImportPath = "any",
  ): RenderBuffer {
    const uuid = path === "pages" ? null : uuidOf(dmaBuf, path === "any");
    const importId = render.newImportId();
    dmaBuf.retain();
    let attachment: DmaBufAttachment | null = null;
    try {
      if (uuid !== null) {
        const state = render.importUuid(importId, uuid, layout);
        return new RenderBuffer(render, importId, state, "uuid", dmaBuf, null);
      }
      // Pinned, so that nothing moves while the device has the list.
      attachment = dmaBuf.attach({ moveNotify: () => {} });
      attachment.pin();
      const state = render.importPages(importId, attachment.map(), layout);
      return new RenderBuffer(render, importId, state, "pages", dmaBuf, attachment);
    } catch (error) {
      attachment?.unpin();
      attachment?.detach();
      dmaBuf.release();
      throw error;
    }
  }

  /** Imports an object by its UUID alone; its reservation object is known to nobody else. */
  static importUuid(
    render: RenderDriver,
    uuid: Uint8Array,
    layout: RenderLayout | null = null,
  ): RenderBuffer {
    const importId = render.newImportId();
    const state = render.importUuid(importId, uuid, layout);
    return new RenderBuffer(render, importId, state, "uuid", null, null);
  }

  get width(): number {
    return this.state.layout.width;
  }

  get height(): number {
    return this.state.layout.height;
  }

  /** Gives the import up, and the buffer once the device has. A second time does nothing. */
  release(): void {
    if (this.#released) return;
    this.#released = true;
    try {
      this.render.requests.release(this.importId).onDone(() => this.#letGo());
      this.render.kick();
    } catch (error) {
      if (!(error instanceof DriverError)) throw error;
      // The device was reset, and has let go of everything.
      this.#letGo();
    }
  }

  #letGo(): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#attachment?.unpin();
    this.#attachment?.detach();
    this.#dmaBuf?.release();
  }
}

function uuidOf(dmaBuf: DmaBuf, optional: boolean): Uint8Array | null {
  if (!("uuid" in dmaBuf)) {
    if (optional) return null;
    throw new DriverError("ENODEV", `${dmaBuf.exporter} has no UUIDs for its buffers`);
  }
  try {
    return (dmaBuf as UuidDmaBuf).uuid();
  } catch (error) {
    if (optional && error instanceof DriverError && error.code === "ENODEV") return null;
    throw error;
  }
}
